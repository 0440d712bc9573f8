//! Predicates on the text of a message.

use std::borrow::Cow;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};

/// The maximum size of a compiled regular expression, in bytes.
const REGEX_MAX: usize = 1 << 20;

/// Words, or a regular expression, that a text is compared with.
#[derive(Debug)]
pub struct Words {
    how: How,
    fold: bool,
}

#[derive(Debug)]
enum How {
    Prefix(Vec<String>),
    Equals(Vec<String>),
    /// Finds all words in one pass.
    Contains(AhoCorasick),
    /// Linear in the length of the text.
    Regex(Regex),
}

impl Words {
    /// # Errors
    /// If `how` is unknown or the regular expression is invalid: the reason.
    pub fn new(how: &str, words: Vec<String>, fold: bool) -> Result<Self, String> {
        let folded = || words.iter().map(|word| folded(word, fold).into_owned()).collect::<Vec<_>>();
        let how = match how {
            "prefix" => How::Prefix(folded()),
            "equals" => How::Equals(folded()),
            "contains" => How::Contains(AhoCorasick::new(folded()).map_err(|why| why.to_string())?),
            "regex" => {
                let pattern = words.first().map_or("", String::as_str);
                let built = RegexBuilder::new(pattern).case_insensitive(fold).size_limit(REGEX_MAX).build();
                How::Regex(built.map_err(|why| why.to_string())?)
            }
            _ => return Err(format!("unknown text predicate {how:?}")),
        };
        Ok(Self { how, fold })
    }

    pub fn matches(&self, text: &str) -> bool {
        if let How::Regex(regex) = &self.how {
            return regex.is_match(text);
        }
        let text = folded(text, self.fold);
        match &self.how {
            How::Prefix(words) => words.iter().any(|word| text.starts_with(word)),
            How::Equals(words) => words.iter().any(|word| *text == **word),
            How::Contains(words) => words.is_match(&*text),
            How::Regex(_) => false,
        }
    }
}

/// The text in lower case, each character by itself: no rule of a language or of a context applies.
fn folded(text: &str, fold: bool) -> Cow<'_, str> {
    if fold { text.chars().flat_map(char::to_lowercase).collect::<String>().into() } else { text.into() }
}

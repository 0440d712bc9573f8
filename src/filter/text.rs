//! What is asked of a text.

use std::borrow::Cow;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};

/// What a compiled pattern may take, in bytes.
const PATTERN_MAX: usize = 1 << 20;

/// A regular expression: linear in the length of the text, whatever it is.
#[derive(Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(pattern: &str, fold: bool) -> Result<Self, String> {
        let built = RegexBuilder::new(pattern).case_insensitive(fold).size_limit(PATTERN_MAX).build();
        built.map(Self).map_err(|why| why.to_string())
    }

    pub fn found_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Words to look for, or a pattern.
#[derive(Debug)]
pub struct Words {
    how: How,
    fold: bool,
}

#[derive(Debug)]
enum How {
    Prefix(Vec<String>),
    Equals(Vec<String>),
    /// All words in one pass.
    Contains(AhoCorasick),
    Pattern(Pattern),
}

impl Words {
    /// # Errors
    /// For an unknown way, and for a pattern that is none.
    pub fn new(how: &str, words: Vec<String>, fold: bool) -> Result<Self, String> {
        let folded = || words.iter().map(|word| folded(word, fold).into_owned()).collect::<Vec<_>>();
        let how = match how {
            "prefix" => How::Prefix(folded()),
            "equals" => How::Equals(folded()),
            "contains" => How::Contains(AhoCorasick::new(folded()).map_err(|why| why.to_string())?),
            "regex" => How::Pattern(Pattern::new(words.first().map_or("", String::as_str), fold)?),
            _ => return Err(format!("a text is not looked at by {how:?}")),
        };
        Ok(Self { how, fold })
    }

    pub fn found_in(&self, text: &str) -> bool {
        if let How::Pattern(pattern) = &self.how {
            return pattern.found_in(text);
        }
        let text = folded(text, self.fold);
        match &self.how {
            How::Prefix(words) => words.iter().any(|word| text.starts_with(word)),
            How::Equals(words) => words.iter().any(|word| *text == **word),
            How::Contains(words) => words.is_match(&*text),
            How::Pattern(_) => false,
        }
    }
}

/// In lower case, each character by itself. Must match `_folded` in python/mezon/filters/_match.py.
fn folded(text: &str, fold: bool) -> Cow<'_, str> {
    if fold { text.chars().flat_map(char::to_lowercase).collect::<String>().into() } else { text.into() }
}

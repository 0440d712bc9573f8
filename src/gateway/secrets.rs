//! What no text of ours may say: the tokens of the session. A server may repeat them in a reason it gives.

use std::collections::VecDeque;

use super::transport::Endpoint;

/// Tokens of so many URLs are remembered: those of a session, and of the one before.
const REMEMBERED: usize = 16;
/// Shorter texts are in every sentence.
const SHORTEST: usize = 4;

#[derive(Debug, Default, Clone)]
pub struct Secrets(VecDeque<String>);

impl Secrets {
    pub fn learn(&mut self, endpoints: &[Endpoint]) {
        for secret in endpoints.iter().flat_map(Endpoint::secrets) {
            if secret.len() >= SHORTEST && !self.0.contains(&secret) {
                self.0.push_back(secret);
            }
        }
        while self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// The text without them.
    pub fn hide(&self, text: &str) -> String {
        let hidden = |text: String, secret: &String| text.replace(secret.as_str(), "[hidden]");
        self.0.iter().fold(text.to_owned(), hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hidden_in_both_spellings_also_that_of_the_session_before() {
        let mut secrets = Secrets::default();
        for token in ["abc%2Bdef", "second", "it"] {
            secrets.learn(&[Endpoint::parse(&format!("tcps://h?token={token}")).unwrap()]);
        }
        let text = "no abc+def, abc%2Bdef or second: it is over";
        assert_eq!(secrets.hide(text), "no [hidden], [hidden] or [hidden]: it is over");
        for n in 0..100 {
            secrets.learn(&[Endpoint::parse(&format!("tcps://h?token=token{n}")).unwrap()]);
        }
        assert!(secrets.0.len() <= REMEMBERED);
    }
}

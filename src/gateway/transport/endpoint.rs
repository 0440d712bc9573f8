//! The endpoint of a connection, parsed from a URL, and the tokens to redact.

use std::collections::VecDeque;
use std::fmt;

use tokio_tungstenite::tungstenite::http::Uri;

use super::{Kind, Lost};

/// A parsed URL. Neither `Display` nor `Debug` shows its token.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub kind: Kind,
    pub secure: bool,
    pub host: String,
    pub port: u16,
    /// The session token from the query, decoded.
    pub token: String,
    /// The whole URL, for a transport whose handshake contains it.
    pub(crate) uri: Uri,
}

impl Endpoint {
    /// # Errors
    /// If the URL is invalid or names no known transport.
    pub fn parse(url: &str) -> Result<Self, Lost> {
        // The parser's error quotes nothing today; do not depend on that, the URL is secret.
        let uri: Uri = url.parse().map_err(|_| Lost::new("the socket URL is not a URL"))?;
        let host = uri.host().ok_or_else(|| Lost::new("the socket URL names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(Lost::new("the socket URL names no host"));
        }
        let (kind, secure, default) = match uri.scheme_str() {
            Some("wss") => (Kind::WebSocket, true, 443),
            Some("ws") => (Kind::WebSocket, false, 80),
            Some("tcps") => (Kind::Tcp, true, 443),
            Some("tcp") => (Kind::Tcp, false, 443),
            _ => return Err(Lost::new("the socket URL must begin with wss://, ws://, tcps:// or tcp://")),
        };
        let token = uri.query().and_then(token_of).map(decode).unwrap_or_default();
        Ok(Self { kind, secure, host, port: uri.port_u16().unwrap_or(default), token, uri })
    }

    /// Return the token as encoded in the URL, and decoded.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let encoded = self.uri.query().and_then(token_of).unwrap_or_default().to_owned();
        [encoded, self.token.clone()].into_iter()
    }
}

/// Shows host, port and transport only.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.secure { " over TLS" } else { "" };
        write!(f, "{}:{} by {}{tls}", self.host, self.port, self.kind.name())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

fn token_of(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// Decode percent-encoding. Invalid sequences and text that is not UTF-8 remain unchanged.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The number of remembered tokens: those of the current session and of the previous one.
const REMEMBERED: usize = 16;
/// Shorter tokens could match any text.
const SHORTEST: usize = 4;

#[derive(Debug, Default, Clone)]
pub struct Secrets(VecDeque<String>);

impl Secrets {
    pub fn add(&mut self, endpoints: &[Endpoint]) {
        for secret in endpoints.iter().flat_map(Endpoint::secrets) {
            if secret.len() >= SHORTEST && !self.0.contains(&secret) {
                self.0.push_back(secret);
            }
        }
        while self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// Replace the tokens in a text.
    pub fn redact(&self, text: &str) -> String {
        let hidden = |text: String, secret: &String| text.replace(secret.as_str(), "[hidden]");
        self.0.iter().fold(text.to_owned(), hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_names_its_transport() {
        for (url, kind, secure, port) in [
            ("ws://h/ws?lang=en&token=a", Kind::WebSocket, false, 80),
            ("wss://h:7350/ws?token=a", Kind::WebSocket, true, 7350),
            ("tcp://h:7349?token=a", Kind::Tcp, false, 7349),
            ("tcps://h?token=a", Kind::Tcp, true, 443),
            ("tcps://h/?token=a", Kind::Tcp, true, 443),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!((endpoint.kind, endpoint.secure, endpoint.port), (kind, secure, port), "{url}");
            assert_eq!((endpoint.host.as_str(), endpoint.token.as_str()), ("h", "a"), "{url}");
        }
        assert_eq!(Endpoint::parse("tcps://[::1]:7349?token=a").unwrap().host, "::1");
    }

    #[test]
    fn the_token_is_decoded_and_never_shown() {
        let endpoint = Endpoint::parse("tcps://h?token=se%2Bcret%3D%zz%").unwrap();
        assert_eq!(endpoint.token, "se+cret=%zz%");
        assert!(!format!("{endpoint} {endpoint:?}").contains("cret"));
        assert_eq!(endpoint.secrets().collect::<Vec<_>>(), ["se%2Bcret%3D%zz%", "se+cret=%zz%"]);
        assert_eq!(Endpoint::parse("tcp://h").unwrap().token, "");
    }

    #[test]
    fn a_token_is_hidden_in_both_spellings_also_that_of_the_session_before() {
        let mut secrets = Secrets::default();
        for token in ["abc%2Bdef", "second", "it"] {
            secrets.add(&[Endpoint::parse(&format!("tcps://h?token={token}")).unwrap()]);
        }
        let text = "no abc+def, abc%2Bdef or second: it is over";
        assert_eq!(secrets.redact(text), "no [hidden], [hidden] or [hidden]: it is over");
        for n in 0..100 {
            secrets.add(&[Endpoint::parse(&format!("tcps://h?token=token{n}")).unwrap()]);
        }
        assert!(secrets.0.len() <= REMEMBERED);
    }
}

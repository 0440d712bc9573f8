//! The order in which the URLs of a session are tried.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::transport::{Endpoint, Kind, Lost};

/// The transport that worked last. It is tried first the next time.
#[derive(Debug, Default)]
pub struct Routes {
    worked: AtomicU8,
}

impl Routes {
    pub fn worked(&self, kind: Kind) {
        self.worked.store(kind as u8, Relaxed);
    }

    /// Return the endpoints in the order to try them: as given, but the transport that worked last first, and no
    /// endpoint without TLS after one with it.
    ///
    /// # Errors
    /// The error of the first URL if none is usable.
    pub fn order(&self, urls: &[String]) -> Result<Vec<Endpoint>, Lost> {
        let mut wrong = None;
        let mut endpoints = Vec::with_capacity(urls.len());
        for url in urls {
            match Endpoint::parse(url) {
                Ok(endpoint) => endpoints.push(endpoint),
                Err(why) => wrong = wrong.or(Some(why)),
            }
        }
        if endpoints.is_empty() {
            return Err(wrong.unwrap_or_else(|| Lost::new("the session names no socket URL")));
        }
        let worked = Kind::from_u8(self.worked.load(Relaxed));
        never_down(&mut endpoints);
        endpoints.sort_by_key(|endpoint| Some(endpoint.kind) != worked);
        never_down(&mut endpoints);
        Ok(endpoints)
    }
}

/// A peer that refuses the encrypted connection must not get the token in plain text.
fn never_down(endpoints: &mut Vec<Endpoint>) {
    let mut secure = false;
    endpoints.retain(|endpoint| {
        secure |= endpoint.secure;
        endpoint.secure || !secure
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(routes: &Routes, urls: &[&str]) -> String {
        let urls: Vec<_> = urls.iter().map(|url| format!("{url}?token=t")).collect();
        let names: Vec<_> = routes.order(&urls).unwrap().iter().map(|one| one.host.clone()).collect();
        names.join(" ")
    }

    #[test]
    fn what_worked_comes_first() {
        let routes = Routes::default();
        assert_eq!(order(&routes, &["wss://a", "tcps://b"]), "a b");
        routes.worked(Kind::Tcp);
        assert_eq!(order(&routes, &["wss://a", "tcps://b", "wss://c", "tcps://d"]), "b d a c");
        assert_eq!(order(&routes, &["wss://a"]), "a");
        routes.worked(Kind::WebSocket);
        assert_eq!(order(&routes, &["tcps://b", "wss://a"]), "a b");
    }

    #[test]
    fn never_from_tls_down_to_plain_text() {
        let routes = Routes::default();
        assert_eq!(order(&routes, &["wss://a", "tcp://b", "tcps://c", "ws://d"]), "a c");
        assert_eq!(order(&routes, &["ws://a", "tcps://b"]), "a b", "up is fine");
        routes.worked(Kind::Tcp);
        assert_eq!(order(&routes, &["ws://a", "tcps://b"]), "b", "what had worked with TLS stays with it");
    }

    #[test]
    fn urls_that_are_none_are_left_out_while_there_is_another() {
        let routes = Routes::default();
        assert_eq!(order(&routes, &["gopher://a", "tcps://b"]), "b");
        assert!(routes.order(&[]).unwrap_err().reason.contains("no socket URL"));
        let why = routes.order(&["gopher://a?token=secret".into()]).unwrap_err();
        assert!(why.reason.contains("must begin with") && !why.reason.contains("secret"));
    }
}

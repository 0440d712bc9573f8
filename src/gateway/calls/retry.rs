//! The delay before a call that the server has refused with 429, and so not carried out, is sent again.

use std::time::Duration;

use crate::wire::tags::error;
use crate::wire::{Fields, Value};

const TOO_MANY: u64 = 429;

/// The upper bound of the first delay in seconds, if the server names none; doubles with each refusal.
const BASE: f64 = 0.5;
/// The maximum delay in seconds.
const MAX: f64 = 60.0;
/// The keys under which a server may name its delay in seconds.
const KEYS: [&[u8]; 3] = [b"retry_after", b"retry-after", b"Retry-After"];

/// Return whether this encoded `Error` has the code 429.
pub fn too_many(error: &[u8]) -> bool {
    let mut fields = Fields::new(error);
    let mut code = 0;
    while let Ok(Some((number, value))) = fields.read() {
        if let (error::CODE, Value::Varint(value)) = (number, value) {
            code = value;
        }
    }
    code == TOO_MANY
}

/// Return the delay before the call is sent again: the server's, or a random one whose bound grows with each
/// refusal. `unit` is a random number in [0, 1).
pub fn delay(error: &[u8], refused: u32, unit: f64) -> Duration {
    let named = named(error).map(|seconds| seconds.min(MAX));
    let seconds = named.unwrap_or_else(|| {
        let bound = (BASE * 2f64.powi(refused.min(16) as i32)).min(MAX);
        bound / 2.0 + bound / 2.0 * unit
    });
    Duration::from_secs_f64(seconds)
}

/// Return the delay in the `context` of an encoded `Error`, in seconds.
fn named(error: &[u8]) -> Option<f64> {
    let mut fields = Fields::new(error);
    while let Ok(Some((number, value))) = fields.read() {
        let (error::CONTEXT, Value::Bytes(entry)) = (number, value) else { continue };
        let (mut key, mut text) = (&b""[..], &b""[..]);
        let mut parts = Fields::new(entry);
        while let Ok(Some((number, Value::Bytes(part)))) = parts.read() {
            match number {
                1 => key = part,
                2 => text = part,
                _ => {}
            }
        }
        if KEYS.contains(&key) {
            let seconds: f64 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
            return (seconds.is_finite() && seconds >= 0.0).then_some(seconds);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::realtime::Error;
    use prost::Message as _;

    fn error(key: &str, value: &str) -> Vec<u8> {
        let context = [("other".to_owned(), "x".to_owned()), (key.to_owned(), value.to_owned())].into();
        Error { code: 429, message: "slow down".into(), context }.encode_to_vec()
    }

    #[test]
    fn the_servers_figure_counts() {
        assert!(too_many(&error("a", "b")) && !too_many(b"") && !too_many(b"\x08\x03"));
        assert_eq!(delay(&error("retry_after", "2.5"), 7, 0.9), Duration::from_millis(2500));
        assert_eq!(delay(&error("Retry-After", " 3 "), 0, 0.0), Duration::from_secs(3));
        assert_eq!(delay(&error("retry_after", "1e300"), 0, 0.0), Duration::from_secs(60));
    }

    #[test]
    fn without_one_the_wait_grows_and_is_never_nothing() {
        for named in ["-1", "soon", "NaN", "inf", ""] {
            let bounds: Vec<_> =
                (0..9).map(|n| delay(&error("retry_after", named), n, 0.0).as_millis()).collect();
            assert_eq!(bounds, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000], "{named}");
        }
        assert_eq!(delay(b"", 0, 1.0), Duration::from_millis(500));
        assert!(delay(b"\x0a", u32::MAX, 1.0) <= Duration::from_secs(60));
    }
}

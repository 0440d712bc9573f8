//! The content of a message: a JSON object, and for most messages just a text.

/// The text of `{"t":"..."}` when nothing in it is escaped, as it stands; its UTF-8 is not checked.
///
/// Most messages are such (docs/protocol.md, "Sending"), and finding that out is one pass over its bytes.
pub fn plain_text(content: &[u8]) -> Option<&[u8]> {
    let rest = content.strip_prefix(b"{\"t\":")?;
    let text = rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"\"")?.strip_suffix(b"\"}")?;
    // All of it, without a way out in between: this becomes vector instructions.
    let special =
        text.iter().fold(false, |found, byte| found | (*byte < 0x20) | matches!(byte, b'"' | b'\\'));
    (!special).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::plain_text;
    use proptest::prelude::*;

    #[test]
    fn only_a_text_alone_is_plain() {
        assert_eq!(plain_text(br#"{"t":"hi"}"#), Some(&b"hi"[..]));
        assert_eq!(plain_text(br#"{"t": "hi"}"#), Some(&b"hi"[..]));
        assert_eq!(plain_text(br#"{"t":""}"#), Some(&b""[..]));
        for other in [
            &br#"{"t":"hi","hg":[]}"#[..],
            br#"{"t":"a\"b"}"#,
            br#"{"t":"\u0041"}"#,
            b"{\"t\":\"a\nb\"}",
            br#"{"t":"}"#,
            br#"{"t":"hi"} "#,
            br#"{"t":5}"#,
            br#"{"T":"hi"}"#,
            br#""t""#,
            b"",
        ] {
            assert_eq!(plain_text(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    proptest! {
        #[test]
        fn a_plain_text_is_what_json_says(text in ".{0,40}", junk in prop::collection::vec(any::<u8>(), 0..12)) {
            let content = serde_json::json!({ "t": text }).to_string();
            let found = plain_text(content.as_bytes()).map(|found| String::from_utf8_lossy(found).into_owned());
            let escaped = content != format!("{{\"t\":\"{text}\"}}");
            prop_assert_eq!(found, (!escaped).then_some(text));

            let content = [b"{\"t\":\"", &junk[..], b"\"}"].concat();
            if let (Some(found), Ok(text)) = (plain_text(&content), std::str::from_utf8(&content)) {
                let value: serde_json::Value = serde_json::from_str(text).unwrap();
                prop_assert_eq!(value, serde_json::json!({ "t": std::str::from_utf8(found).unwrap() }));
            }
        }
    }
}

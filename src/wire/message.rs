//! The fields of an encoded `mezon.api.ChannelMessage` that the core needs, parsed once per message without
//! allocation.
//!
//! A full prost decode would allocate eight strings that neither the store nor the connection needs.

use std::sync::LazyLock;

use super::fields::{Fields, Malformed, Span, Value};
use super::profile::ProfileSpans;
use super::schema::{self, Kind};
use super::tags::channel_message as field;

/// The message codes of edits and removals.
pub const CODE_UPDATE: i32 = 1;
pub const CODE_REMOVE: i32 = 2;

/// The columns of a message and their ranges in the payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header {
    pub clan: i64,
    pub channel: i64,
    pub id: i64,
    pub sender: i64,
    pub topic: i64,
    pub code: i32,
    pub created: u32,
    pub content: Span,
    pub reactions: Span,
    pub mentions: Span,
    pub attachments: Span,
    pub references: Span,
}

impl Header {
    /// Parse the columns of an encoded message.
    ///
    /// Skips fields with another wire type; the last of several values wins, as in every protobuf parser.
    ///
    /// # Errors
    /// If the bytes are not a protobuf message.
    pub fn parse(body: &[u8]) -> Result<Header, Malformed> {
        Self::parse_with(body, |_, _, _| {})
    }

    #[inline]
    fn parse_with(body: &[u8], mut take: impl FnMut(u32, Span, &[u8])) -> Result<Header, Malformed> {
        u32::try_from(body.len()).map_err(|_| Malformed::TooLong)?;
        let mut header = Header::default();
        let mut fields = Fields::new(body);
        while let Some((number, value)) = fields.read()? {
            match value {
                Value::Varint(value) => header.scalar(number, value),
                Value::Bytes(bytes) => {
                    let span = Span::before(fields.at(), bytes.len());
                    header.bytes(number, span);
                    take(number, span, bytes);
                }
                Value::Fixed64(_) | Value::Fixed32(_) => {}
            }
        }
        Ok(header)
    }

    #[inline]
    fn scalar(&mut self, number: u32, value: u64) {
        match number {
            field::CLAN_ID => self.clan = value as i64,
            field::CHANNEL_ID => self.channel = value as i64,
            field::MESSAGE_ID => self.id = value as i64,
            field::CODE => self.code = value as i32,
            field::SENDER_ID => self.sender = value as i64,
            field::CREATE_TIME_SECONDS => self.created = value as u32,
            field::TOPIC_ID => self.topic = value as i64,
            _ => {}
        }
    }

    #[inline]
    fn bytes(&mut self, number: u32, span: Span) {
        match number {
            field::CONTENT => self.content = span,
            field::REACTIONS => self.reactions = span,
            field::MENTIONS => self.mentions = span,
            field::ATTACHMENTS => self.attachments = span,
            field::REFERENCES => self.references = span,
            _ => {}
        }
    }

    /// Return the number in a scalar field of the header; None for other fields.
    pub fn number(&self, field: u32) -> Option<i64> {
        Some(match field {
            field::CLAN_ID => self.clan,
            field::CHANNEL_ID => self.channel,
            field::MESSAGE_ID => self.id,
            field::CODE => self.code.into(),
            field::SENDER_ID => self.sender,
            field::CREATE_TIME_SECONDS => self.created.into(),
            field::TOPIC_ID => self.topic,
            _ => return None,
        })
    }

    /// Return whether the four list columns are `[]` and the topic is 0, as in most messages.
    pub fn is_plain(&self) -> bool {
        self.topic == 0
            && self.reactions.is_empty()
            && self.mentions.is_empty()
            && self.attachments.is_empty()
            && self.references.is_empty()
    }
}

/// The parts of a message that several consumers need, parsed once on the I/O thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parsed {
    pub header: Header,
    pub profile: ProfileSpans,
    /// Whether decoding the rest cannot fail: its texts are UTF-8, its lists are protobuf and have few elements. False
    /// if that was not checked.
    pub safe: bool,
}

/// The maximum number of elements in the lists of a message that is safe to decode later.
pub const SAFE_ELEMENTS: usize = 16 << 10;
/// Lists of fewer bytes are not walked: each byte counts as an element.
const SHORT: usize = 1024;

impl Parsed {
    /// Parse a message.
    ///
    /// # Errors
    /// If the bytes are not a protobuf message.
    pub fn parse(body: &[u8]) -> Result<Parsed, Malformed> {
        let mut profile = ProfileSpans::default();
        let header = Header::parse_with(body, |number, span, _| profile.set(number, span))?;
        Ok(Parsed { header, profile, safe: false })
    }

    /// Parse a message, and check whether decoding the rest can fail.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_checked(body: &[u8]) -> Result<Parsed, Malformed> {
        let texts = *TEXTS;
        let (mut profile, mut safe, mut elements) = (ProfileSpans::default(), true, 0);
        let header = Header::parse_with(body, |number, span, bytes| {
            if number < u64::BITS && texts >> number & 1 == 1 {
                profile.set(number, span);
                safe &= simdutf8::basic::from_utf8(bytes).is_ok();
            } else {
                // JSON in place of a list is parsed by Python, which may raise.
                safe &= !matches!(bytes.first(), Some(b'[' | b'{'));
                elements += if bytes.len() < SHORT { bytes.len() } else { count_fields(bytes) };
            }
        })?;
        Ok(Parsed { header, profile, safe: safe && elements <= SAFE_ELEMENTS })
    }
}

/// Count the fields of a list message, up to the first malformed one: a malformed list is empty.
fn count_fields(list: &[u8]) -> usize {
    let (mut fields, mut count) = (Fields::new(list), 0);
    while let Ok(Some(_)) = fields.read() {
        count += 1;
    }
    count
}

/// The numbers of the fields that are strings, one bit each.
static TEXTS: LazyLock<u64> = LazyLock::new(|| {
    let message = schema::message("mezon.api.ChannelMessage").expect("the schema has a ChannelMessage");
    let texts = message.fields.iter().filter(|field| field.kind == Kind::String && field.number < u64::BITS);
    texts.fold(0, |bits, field| bits | 1 << field.number)
});

/// Return the text of `{"t":"..."}` if it contains no escapes. The UTF-8 is not validated.
///
/// Most messages have this form (docs/protocol.md, "Sending"), which takes one pass over the bytes to detect.
pub fn plain_text(content: &[u8]) -> Option<&[u8]> {
    let rest = content.strip_prefix(b"{\"t\":")?;
    let text = rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"\"")?.strip_suffix(b"\"}")?;
    // No early exit: this compiles to vector instructions.
    let special =
        text.iter().fold(false, |found, byte| found | (*byte < 0x20) | matches!(byte, b'"' | b'\\'));
    (!special).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::api::ChannelMessage;
    use bytes::Bytes;
    use proptest::prelude::*;
    use prost::Message as _;

    proptest! {
        #[test]
        fn reads_what_prost_writes(
            ids in any::<[i64; 5]>(), code in any::<i32>(), created in any::<u32>(),
            texts in any::<[String; 3]>(), blobs in any::<[Vec<u8>; 5]>(), mode in any::<i32>(), public in any::<bool>(),
        ) {
            let [reactions, mentions, attachments, references, referenced_message] = blobs.map(Bytes::from);
            let [username, content, category_name] = texts;
            let message = ChannelMessage {
                clan_id: ids[0], channel_id: ids[1], message_id: ids[2], sender_id: ids[3], topic_id: ids[4],
                code, create_time_seconds: created, username, content, category_name, reactions, mentions, attachments,
                references, referenced_message, mode, is_public: public, display_name: "ann".into(), clan_avatar: "a.png".into(), ..Default::default()
            };
            let body = message.encode_to_vec();
            let header = Header::parse(&body).expect("prost writes protobuf");
            prop_assert_eq!([header.clan, header.channel, header.id, header.sender, header.topic], ids);
            prop_assert_eq!((header.code, header.created), (code, created));
            let Parsed { header: same, profile, safe } = Parsed::parse(&body).expect("it was just read");
            prop_assert_eq!(same, header);
            prop_assert!(!safe);
            let lists = [&message.reactions, &message.mentions, &message.attachments, &message.references];
            let json = lists.iter().chain([&&message.referenced_message]).any(|list| matches!(list.first(), Some(b'[' | b'{')));
            let checked = Parsed { safe: !json, ..Parsed::parse(&body).expect("it was just read") };
            prop_assert_eq!(Parsed::parse_checked(&body), Ok(checked));
            let shown = [message.username.as_bytes(), b"ann", b"", b"", b"a.png"];
            prop_assert_eq!(profile.of(&body), shown.map(Some));
            prop_assert_eq!(header.content.of(&body), message.content.as_bytes());
            prop_assert_eq!(header.reactions.of(&body), &message.reactions[..]);
            prop_assert_eq!(header.mentions.of(&body), &message.mentions[..]);
            prop_assert_eq!(header.attachments.of(&body), &message.attachments[..]);
            prop_assert_eq!(header.references.of(&body), &message.references[..]);
        }

        #[test]
        fn never_panics_and_agrees_with_prost_on_what_is_broken(body in prop::collection::vec(any::<u8>(), 0..64)) {
            if ChannelMessage::decode(&body[..]).is_ok() {
                // prost skips groups, which this parser rejects; no Mezon schema has them.
                let _ = Header::parse(&body);
            } else if let Ok(header) = Header::parse(&body) {
                let _ = header.content.of(&body);
            }
        }
    }

    #[test]
    fn a_cut_payload_is_refused() {
        let message = ChannelMessage { message_id: i64::MAX, content: "hello".into(), ..Default::default() };
        let body = message.encode_to_vec();
        assert!(Header::parse(&body[..body.len() - 1]).is_err());
        assert!(Header::parse(&[0x08]).is_err());
        assert!(
            Header::parse(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_err()
        );
        assert_eq!(Header::parse(&[]), Ok(Header::default()));
    }

    #[test]
    fn what_could_fail_later_is_not_safe() {
        let message =
            ChannelMessage { content: "hello".into(), username: "ann".into(), ..Default::default() };
        let safe = |message: &ChannelMessage| {
            Parsed::parse_checked(&message.encode_to_vec()).expect("protobuf").safe
        };
        assert!(safe(&message));
        let long = |elements| ChannelMessage { mentions: b"\n\0".repeat(elements).into(), ..message.clone() };
        assert!(safe(&long(SAFE_ELEMENTS)));
        assert!(!safe(&long(SAFE_ELEMENTS + 1)));
        assert!(!safe(&ChannelMessage { reactions: b"[]".to_vec().into(), ..message.clone() }));
        for text in [&b"hello"[..], b"ann"] {
            let mut body = message.encode_to_vec();
            let at = body.windows(text.len()).position(|part| part == text).expect("it contains the text");
            body[at] = 0xff;
            assert!(!Parsed::parse_checked(&body).expect("protobuf").safe);
        }
    }

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

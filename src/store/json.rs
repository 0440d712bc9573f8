//! The JSON of the list columns: what `json.dumps` produces from the reference's models, without whitespace.

use std::borrow::Cow;

use itoa::Buffer;
use serde::de::IgnoredAny;
use simdutf8::basic::from_utf8;

use crate::wire::plain_text;
use crate::wire::proto::api;

/// Return the content column: the text as received if it is a JSON object, otherwise `{}`.
pub fn content(raw: &[u8]) -> &str {
    if raw.is_empty() {
        return "{}";
    }
    match from_utf8(raw) {
        Ok(text) if plain_text(raw).is_some() || is_object(text) => text,
        _ => "{}",
    }
}

fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Return the list in a field that contains JSON instead of protobuf: an array, or an object with the array under
/// any name.
fn json_list(raw: &[u8]) -> Option<String> {
    let text = from_utf8(raw).ok()?;
    match text.trim_ascii_start().as_bytes().first()? {
        b'[' => serde_json::from_str::<Vec<std::collections::HashMap<String, IgnoredAny>>>(text)
            .ok()
            .map(|_| text.to_owned()),
        b'{' => {
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
            let list = object.into_iter().find_map(|(_, value)| value.is_array().then_some(value))?;
            Some(list.to_string())
        }
        _ => None,
    }
}

/// Return a list column: `one` writes the fields of an element.
fn list<L, T>(raw: &[u8], elements: impl Fn(L) -> Vec<T>, one: impl Fn(&mut Object, &T)) -> Cow<'static, str>
where
    L: prost::Message + Default,
{
    if raw.is_empty() {
        return "[]".into();
    }
    if let Some(text) = json_list(raw) {
        return text.into();
    }
    let Ok(message) = L::decode(raw) else {
        return "[]".into();
    };
    let mut text = String::with_capacity(raw.len() * 3);
    text.push('[');
    for (index, element) in elements(message).iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let mut object = Object { text: &mut text, first: true };
        object.text.push('{');
        one(&mut object, element);
        text.push('}');
    }
    text.push(']');
    text.into()
}

// The keys and their order are those of the reference's models. Keys that the wire format lacks are null there.

pub fn mentions(raw: &[u8]) -> Cow<'static, str> {
    list(
        raw,
        |l: api::MessageMentionList| l.mentions,
        |o, m: &api::MessageMention| {
            o.null("create_time");
            o.int("id", m.id);
            o.int("user_id", m.user_id);
            o.str("username", &m.username);
            o.int("role_id", m.role_id);
            o.str("rolename", &m.rolename);
            o.int("s", i64::from(m.s));
            o.int("e", i64::from(m.e));
            o.nulls(&["channel_id", "mode", "channel_label", "message_id", "sender_id"]);
        },
    )
}

pub fn attachments(raw: &[u8]) -> Cow<'static, str> {
    list(
        raw,
        |l: api::MessageAttachmentList| l.attachments,
        |o, a: &api::MessageAttachment| {
            o.str("filename", &a.filename);
            o.str("filetype", &a.filetype);
            o.int("height", i64::from(a.height));
            o.int("size", i64::from(a.size));
            o.str("url", &a.url);
            o.int("width", i64::from(a.width));
            o.str("thumbnail", &a.thumbnail);
            o.int("duration", i64::from(a.duration));
            o.nulls(&["channel_id", "mode", "channel_label", "message_id", "sender_id"]);
        },
    )
}

pub fn reactions(raw: &[u8]) -> Cow<'static, str> {
    list(
        raw,
        |l: api::MessageReactionList| l.reactions,
        |o, r: &api::MessageReaction| {
            o.bool("action", r.action);
            o.int("emoji_id", r.emoji_id);
            o.str("emoji", &r.emoji);
            o.int("id", r.id);
            o.int("sender_id", r.sender_id);
            o.str("sender_name", &r.sender_name);
            o.str("sender_avatar", &r.sender_avatar);
            o.int("count", i64::from(r.count));
            o.nulls(&["channel_id", "mode", "channel_label", "message_id"]);
        },
    )
}

pub fn references(raw: &[u8]) -> Cow<'static, str> {
    list(
        raw,
        |l: api::MessageRefList| l.refs,
        |o, r: &api::MessageRef| {
            o.int("message_id", r.message_id);
            o.int("message_ref_id", r.message_ref_id);
            o.int("ref_type", i64::from(r.ref_type));
            o.int("message_sender_id", r.message_sender_id);
            o.str("message_sender_username", &r.message_sender_username);
            o.str("message_sender_avatar", &r.message_sender_avatar);
            o.str("message_sender_clan_nick", &r.message_sender_clan_nick);
            o.str("message_sender_display_name", &r.message_sender_display_name);
            o.str("content", &r.content);
            o.bool("has_attachment", r.has_attachment);
            o.nulls(&["channel_id", "mode", "channel_label"]);
        },
    )
}

struct Object<'a> {
    text: &'a mut String,
    first: bool,
}

impl Object<'_> {
    fn key(&mut self, key: &str) {
        if !self.first {
            self.text.push(',');
        }
        self.first = false;
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    fn null(&mut self, key: &str) {
        self.key(key);
        self.text.push_str("null");
    }

    fn nulls(&mut self, keys: &[&str]) {
        for key in keys {
            self.null(key);
        }
    }

    fn int(&mut self, key: &str, value: i64) {
        self.key(key);
        self.text.push_str(Buffer::new().format(value));
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn str(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text.push('"');
        let mut plain = 0;
        for (at, byte) in value.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.text.push_str(&value[plain..at]);
            plain = at + 1;
            match byte {
                b'"' => self.text.push_str("\\\""),
                b'\\' => self.text.push_str("\\\\"),
                _ => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    self.text.push_str("\\u00");
                    self.text.push(HEX[usize::from(byte >> 4)] as char);
                    self.text.push(HEX[usize::from(byte & 15)] as char);
                }
            }
        }
        self.text.push_str(&value[plain..]);
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[test]
    fn content_is_passed_on_only_when_it_is_an_object() {
        assert_eq!(content("{\"t\":\"xin chào\"}".as_bytes()), "{\"t\":\"xin chào\"}");
        for other in ["", "null", "[1]", "\"text\"", "{\"t\":", "plain", "{} trailing", "{\"a\":NaN}"] {
            assert_eq!(content(other.as_bytes()), "{}", "{other}");
        }
        assert_eq!(content(b"{\"t\":\"\xff\"}"), "{}");
    }

    #[test]
    fn texts_are_escaped() {
        let raw = api::MessageMentionList {
            mentions: vec![api::MessageMention {
                username: "a\"b\\c\u{1}\n\u{1f389}đ".into(),
                id: -5,
                ..Default::default()
            }],
        }
        .encode_to_vec();
        let value: serde_json::Value = serde_json::from_str(&mentions(&raw)).expect("valid JSON");
        assert_eq!(value[0]["username"], "a\"b\\c\u{1}\n\u{1f389}đ");
        assert_eq!(value[0]["id"], -5);
        assert!(value[0]["sender_id"].is_null());
    }

    #[test]
    fn json_in_place_of_protobuf_is_kept() {
        assert_eq!(mentions(br#"[{"user_id":"5"}]"#), r#"[{"user_id":"5"}]"#);
        assert_eq!(mentions(br#"{"mentions":[{"user_id":"5"}]}"#), r#"[{"user_id":"5"}]"#);
        assert_eq!(mentions(b"[1,2]"), "[]");
        assert_eq!(mentions(b"[oops"), "[]");
        assert_eq!(mentions(b"\xff\xff\xff garbage"), "[]");
        assert_eq!(mentions(b""), "[]");
    }
}

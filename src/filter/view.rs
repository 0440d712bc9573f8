//! The body of an event as filters read it. Fields are parsed on demand, the content at most once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

use serde_json::Value as Json;
use simdutf8::basic::from_utf8;

use crate::wire::tags::channel_message as field;
use crate::wire::{Fields, Header, Value, plain_text, varint};

/// The maximum number of list items that are examined; longer lists are left to Python.
const ITEMS_MAX: usize = 256;

/// The path to a number: field numbers from the outermost message inwards, each with whether the field is
/// repeated.
pub type Path = Vec<(u32, bool)>;

/// A list of a message, encoded inside a bytes field.
#[derive(Debug, Clone, Copy)]
pub enum ListField {
    Mentions,
    Attachments,
    References,
}

/// The content of a message.
enum Content<'a> {
    Text(&'a str),
    Json(Json),
    /// Undecidable: Python's JSON parser accepts more than this one.
    Unclear,
}

pub struct View<'a> {
    body: &'a [u8],
    header: OnceCell<Option<Header>>,
    content: OnceCell<Content<'a>>,
    is_message: bool,
}

impl<'a> View<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, header: OnceCell::new(), content: OnceCell::new(), is_message: false }
    }

    /// Create a view of a message whose header was parsed already.
    pub fn of_message(body: &'a [u8], header: &Header) -> Self {
        Self { header: OnceCell::from(Some(*header)), is_message: true, ..Self::new(body) }
    }

    fn header(&self) -> Option<&Header> {
        self.header.get_or_init(|| Header::parse(self.body).ok()).as_ref()
    }

    /// Return whether one of `ids` is at this path. A missing number counts as 0.
    pub fn any_number(&self, path: &Path, ids: &HashSet<i64>) -> Option<bool> {
        if let Some(id) = self.in_header(path) {
            return Some(ids.contains(&id));
        }
        let mut found = Vec::new();
        numbers(self.body, path, &mut found)?;
        if found.is_empty() && path.iter().all(|(_, many)| !many) {
            found.push(0);
        }
        Some(found.iter().any(|id| ids.contains(id)))
    }

    /// Return a number that the parsed header contains.
    fn in_header(&self, path: &Path) -> Option<i64> {
        let [(number, false)] = path[..] else { return None };
        let header = self.header.get()?.as_ref().filter(|_| self.is_message)?;
        match number {
            field::CLAN_ID => Some(header.clan),
            field::CHANNEL_ID => Some(header.channel),
            field::MESSAGE_ID => Some(header.id),
            field::SENDER_ID => Some(header.sender),
            field::TOPIC_ID => Some(header.topic),
            _ => None,
        }
    }

    /// Return the string in a field; the last one if there are several, as in every protobuf parser.
    pub fn string(&self, number: u32) -> Option<&'a str> {
        let mut found = &b""[..];
        let mut fields = Fields::new(self.body);
        while let Some((at, value)) = fields.read().ok()? {
            if let Value::Bytes(text) = value
                && at == number
            {
                found = text;
            }
        }
        from_utf8(found).ok()
    }

    fn content(&self) -> Option<&Content<'a>> {
        let header = self.header()?;
        Some(self.content.get_or_init(|| {
            let text = header.content.of(self.body);
            if let Some(plain) = plain_text(text) {
                return from_utf8(plain).map_or(Content::Unclear, Content::Text);
            }
            serde_json::from_slice(text).map_or(Content::Unclear, Content::Json)
        }))
    }

    /// Return the text of a message; empty if its content has none.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.content()? {
            Content::Text(text) => Some((*text).into()),
            Content::Json(json) => Some(json.get("t").and_then(Json::as_str).unwrap_or_default().into()),
            Content::Unclear => None,
        }
    }

    /// Return whether the content has a value under this key that is neither null nor empty.
    pub fn has_key(&self, key: &str) -> Option<bool> {
        match self.content()? {
            Content::Text(text) => Some(key == "t" && !text.is_empty()),
            Content::Json(json) => Some(json.get(key).is_some_and(filled)),
            Content::Unclear => None,
        }
    }

    /// Return whether the list has an item with one of these numbers in its field, or any item.
    pub fn any_item(&self, list: ListField, item: Option<&(u32, HashSet<i64>)>) -> Option<bool> {
        let header = self.header()?;
        let span = match list {
            ListField::Mentions => header.mentions,
            ListField::Attachments => header.attachments,
            ListField::References => header.references,
        };
        let list = span.of(self.body);
        if list.is_empty() {
            return Some(false);
        }
        if matches!(list[0], b'[' | b'{') {
            // JSON from older clients.
            return None;
        }
        let (mut count, mut found) = (0, false);
        let mut fields = Fields::new(list);
        // Python treats a malformed list as empty; leave that decision to Python.
        while let Some((number, value)) = fields.read().ok()? {
            let Value::Bytes(body) = value else { continue };
            if number != 1 {
                continue;
            }
            count += 1;
            if count > ITEMS_MAX {
                return None;
            }
            found |= has(body, item)?;
        }
        Some(found)
    }
}

/// Return whether a list item has the number; None if the item is malformed.
fn has(body: &[u8], item: Option<&(u32, HashSet<i64>)>) -> Option<bool> {
    let mut found = 0;
    let mut fields = Fields::new(body);
    while let Some((number, value)) = fields.read().ok()? {
        match (value, item) {
            (Value::Varint(value), Some((wanted, _))) if number == *wanted => found = value as i64,
            (Value::Bytes(text), _) if from_utf8(text).is_err() => return None,
            _ => {}
        }
    }
    Some(item.is_none_or(|(_, ids)| ids.contains(&found)))
}

/// Collect the numbers at a path. None if the body is malformed or a singular message occurs in several parts.
fn numbers(body: &[u8], path: &[(u32, bool)], into: &mut Vec<i64>) -> Option<()> {
    let ((wanted, many), rest) = path.split_first()?;
    let (mut last, mut inner) = (None, 0);
    let mut fields = Fields::new(body);
    while let Some((number, value)) = fields.read().ok()? {
        if number != *wanted {
            continue;
        }
        match value {
            Value::Varint(value) if rest.is_empty() && *many => into.push(value as i64),
            Value::Varint(value) if rest.is_empty() => last = Some(value as i64),
            Value::Bytes(run) if rest.is_empty() && *many => {
                let mut at = 0;
                while at < run.len() {
                    into.push(varint::read(run, &mut at).ok()? as i64);
                }
            }
            Value::Bytes(body) if !rest.is_empty() => {
                inner += 1;
                if inner > 1 && !many {
                    return None;
                }
                let before = into.len();
                numbers(body, rest, into)?;
                if into.len() == before && rest.iter().all(|(_, many)| !many) {
                    into.push(0);
                }
            }
            _ => {}
        }
    }
    into.extend(last);
    Some(())
}

fn filled(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(value) => value.as_f64() != Some(0.0),
        Json::String(value) => !value.is_empty(),
        Json::Array(value) => !value.is_empty(),
        Json::Object(value) => !value.is_empty(),
    }
}

/// Return the number of a field of a list item.
pub fn number_of(list: ListField, name: &str) -> Option<u32> {
    let message = match list {
        ListField::Mentions => "mezon.api.MessageMention",
        ListField::Attachments => "mezon.api.MessageAttachment",
        ListField::References => "mezon.api.MessageRef",
    };
    crate::wire::schema::message(message)?.field_named(name).map(|found| found.number)
}

/// Return whether the message is the one with content and lists.
pub fn has_content(message: &str) -> bool {
    message == "mezon.api.ChannelMessage" && field::CONTENT > 0
}

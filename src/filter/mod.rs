//! Filters that the bot's handlers apply to events, evaluated on the I/O thread on the encoded event
//! (docs/guide/filters.md).
//!
//! The result is true, false or undecidable. An event is dropped only if it is false; Python evaluates the filter
//! of each handler again. The core may therefore decide less than Python, but it never decides otherwise.

mod parse;
mod text;
mod view;

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

pub use parse::parse;
pub use text::Words;
use view::{ListField, Path, View};

use crate::by_channel::{IdHasher, IdMap};
use crate::wire::tags::envelope as tags;
use crate::wire::{Parsed, StoredProfile};

/// A filter of one event.
#[derive(Debug)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// The number at this path is one of these.
    Ids(Path, HashSet<i64>),
    /// The string in this field is one of these.
    Strings(u32, HashSet<String>),
    /// The text of a message matches.
    Text(Words),
    /// A list of a message has an item with one of these numbers in a field; without numbers, any item.
    List(ListField, Option<(u32, HashSet<i64>)>),
    /// The content of a message has a value under this key.
    Key(String),
}

impl Filter {
    /// Return whether an event with this body matches; None if the core cannot decide it.
    pub fn matches(&self, body: &[u8]) -> Option<bool> {
        self.evaluate(&View::new(body))
    }

    fn evaluate(&self, view: &View<'_>) -> Option<bool> {
        match self {
            Self::And(all) => {
                let mut found = Some(true);
                for one in all {
                    match one.evaluate(view) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => found = None,
                    }
                }
                found
            }
            Self::Or(any) => {
                let mut found = Some(false);
                for one in any {
                    match one.evaluate(view) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => found = None,
                    }
                }
                found
            }
            Self::Not(one) => one.evaluate(view).map(|found| !found),
            Self::Ids(path, ids) => view.any_number(path, ids),
            Self::Strings(field, texts) => view.string(*field).map(|text| texts.contains(text)),
            Self::Text(words) => view.text().map(|text| words.matches(&text)),
            Self::List(list, item) => view.any_item(*list, item.as_ref()),
            Self::Key(key) => view.has_key(key),
        }
    }
}

/// The filters of a connection by the tag of the event, and a mirror of what the bot's caches hold.
#[derive(Debug, Default)]
pub struct Filters {
    by_tag: Vec<(u32, Filter)>,
    cache_mirror: CacheMirror,
}

impl Filters {
    pub fn new(remembered: usize) -> Self {
        Self { by_tag: Vec::new(), cache_mirror: CacheMirror::new(remembered) }
    }

    /// Set or remove the filter of a tag.
    pub fn set(&mut self, tag: u32, filter: Option<Filter>) {
        self.by_tag.retain(|(known, _)| *known != tag);
        self.cache_mirror.clear();
        self.by_tag.extend(filter.map(|filter| (tag, filter)));
    }

    /// Return whether the events of a tag have a filter.
    pub fn has(&self, tag: u32) -> bool {
        self.by_tag.iter().any(|(known, _)| *known == tag)
    }

    /// Return whether no handler wants this event. A message that is new to the caches is never dropped.
    ///
    /// `message` holds the parsed parts of a message; None if it is malformed, which is reported where it is
    /// decoded.
    pub fn drops(&mut self, tag: u32, body: &[u8], message: Option<&Parsed>) -> bool {
        if self.by_tag.is_empty() {
            return false;
        }
        self.cache_mirror.apply_event(tag);
        let Some((_, filter)) = self.by_tag.iter().find(|(known, _)| *known == tag) else { return false };
        if tag != tags::CHANNEL_MESSAGE {
            return filter.matches(body) == Some(false);
        }
        let Some(message) = message else { return false };
        let is_new = self.cache_mirror.is_new(body, message);
        !is_new && filter.evaluate(&View::of_message(body, &message.header)) == Some(false)
    }
}

/// The channels and the senders' profiles that the bot's caches have received. A message that is new to them
/// passes the filter, so that the caches hold what they would hold without one. Everything is cleared when the
/// bound is reached.
///
/// `wire::ProfileSpans` defines what belongs to a profile, also for the effects in Python
/// (src/py/codec/senders.rs).
#[derive(Debug, Default)]
struct CacheMirror {
    channels: HashSet<i64, BuildHasherDefault<IdHasher>>,
    senders: IdMap<StoredProfile>,
    bound: usize,
}

impl CacheMirror {
    pub fn new(bound: usize) -> Self {
        Self { bound, ..Self::default() }
    }

    pub fn clear(&mut self) {
        self.channels.clear();
        self.senders.clear();
    }

    /// Clear the mirror on the events that clear the caches.
    pub fn apply_event(&mut self, tag: u32) {
        if matches!(tag, tags::USER_CLAN_REMOVED_EVENT | tags::CHANNEL_DELETED_EVENT) {
            self.clear();
        }
    }

    /// Record a message and return whether it is new to the caches.
    pub fn is_new(&mut self, body: &[u8], message: &Parsed) -> bool {
        let Parsed { header, profile, .. } = message;
        if self.channels.len() >= self.bound || self.senders.len() >= self.bound {
            self.clear();
        }
        let new_channel = self.channels.insert(header.channel);
        let profile = profile.of(body);
        if self.senders.get(&header.sender).is_some_and(|seen| seen.matches(&profile)) {
            return new_channel;
        }
        self.senders.insert(header.sender, StoredProfile::new(&profile));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::api::{ChannelMessage, MessageMention, MessageMentionList};
    use prost::Message as _;

    fn filter(spec: &str) -> Filter {
        parse("channel_message", spec).expect("a filter")
    }

    fn said(content: &str) -> Vec<u8> {
        ChannelMessage { sender_id: 1, channel_id: 7, content: content.into(), ..Default::default() }
            .encode_to_vec()
    }

    #[test]
    fn three_answers_are_combined() {
        let unknown = r#"{"text":"prefix","words":["x"]}"#;
        let yes = r#"{"ids":["sender_id"],"in":[1]}"#;
        let no = r#"{"ids":["sender_id"],"in":[2]}"#;
        let body = said("{broken");
        let look = |spec: String| filter(&spec).matches(&body);
        assert_eq!(look(unknown.into()), None);
        assert_eq!(look(format!(r#"{{"not":{unknown}}}"#)), None);
        assert_eq!(look(format!(r#"{{"or":[{unknown},{yes}]}}"#)), Some(true));
        assert_eq!(look(format!(r#"{{"or":[{unknown},{no}]}}"#)), None);
        assert_eq!(look(format!(r#"{{"and":[{unknown},{no}]}}"#)), Some(false));
        assert_eq!(look(format!(r#"{{"and":[{unknown},{yes}]}}"#)), None);
        assert_eq!(look(format!(r#"{{"not":{no}}}"#)), Some(true));
    }

    #[test]
    fn mentions_are_looked_at() {
        let list = MessageMentionList { mentions: vec![MessageMention { user_id: 9, ..Default::default() }] };
        let message = ChannelMessage { mentions: list.encode_to_vec().into(), ..Default::default() };
        let (body, older) = (message.encode_to_vec(), said("{}"));
        let spec = |id: u32| filter(&format!(r#"{{"list":"mentions","field":"user_id","in":[{id}]}}"#));
        assert_eq!(spec(9).matches(&body), Some(true));
        assert_eq!(spec(8).matches(&body), Some(false));
        assert_eq!(spec(9).matches(&older), Some(false));
        let json = ChannelMessage { mentions: b"[{}]".to_vec().into(), ..Default::default() };
        assert_eq!(spec(9).matches(&json.encode_to_vec()), None, "Python reads that");
    }

    #[test]
    fn what_is_new_to_the_caches_passes_once() {
        let mut filters = Filters::new(100);
        let tag = tags::CHANNEL_MESSAGE;
        fn drops(filters: &mut Filters, body: &[u8]) -> bool {
            filters.drops(tags::CHANNEL_MESSAGE, body, Parsed::parse(body).ok().as_ref())
        }
        assert!(!drops(&mut filters, &said("{}")), "nobody filters");
        filters.set(tag, Some(filter(r#"{"text":"prefix","words":["!"]}"#)));
        let (quiet, command) = (said(r#"{"t":"hi"}"#), said(r#"{"t":"!hi"}"#));
        assert!(!drops(&mut filters, &quiet), "a new channel and a new sender");
        assert!(drops(&mut filters, &quiet));
        assert!(!drops(&mut filters, &command));
        let renamed = ChannelMessage {
            sender_id: 1,
            channel_id: 7,
            username: "new".into(),
            content: "{}".into(),
            ..Default::default()
        };
        assert!(!drops(&mut filters, &renamed.encode_to_vec()), "the sender profile otherwise");
        assert!(drops(&mut filters, &renamed.encode_to_vec()));
        filters.drops(tags::USER_CLAN_REMOVED_EVENT, &[], None);
        assert!(!drops(&mut filters, &renamed.encode_to_vec()), "users were forgotten");
        assert!(!drops(&mut filters, b"\xff"), "what cannot be read is told where it is decoded");
        filters.set(tag, None);
        assert!(!drops(&mut filters, &quiet));
    }
}

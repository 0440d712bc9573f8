//! Which events a bot's handlers want, decided on the I/O thread on the bytes of an event (docs/guide/filters.md).
//!
//! The answer is "yes", "no" or "this cannot be told here": an event is dropped at a "no" alone, and Python, which asks
//! again for each handler, has the last word. So the core may know less than Python, but never says anything else.

mod known;
mod parse;
mod text;
mod view;

use std::collections::HashSet;

pub use known::Known;
pub use parse::parse;
pub use text::Words;
use view::{ListField, Path, View};

use crate::wire::tags::envelope as tags;
use crate::wire::{Header, Looks};

/// What has been read of a message already, for the store and the recent messages.
pub type Message = (Header, Looks);

/// A filter of one event.
#[derive(Debug)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// One of the numbers at this place.
    Ids(Path, HashSet<i64>),
    /// The string of this field.
    Strings(u32, HashSet<String>),
    /// The text of a message.
    Text(Words),
    /// An item of a list of a message: a number of it; without numbers, any item.
    List(ListField, Option<(u32, HashSet<i64>)>),
    /// The content of a message has something under this key.
    Key(String),
}

impl Filter {
    /// Does an event of this body match? None when that cannot be told here.
    pub fn matches(&self, body: &[u8]) -> Option<bool> {
        self.look(&View::new(body))
    }

    fn look(&self, view: &View<'_>) -> Option<bool> {
        match self {
            Self::And(all) => {
                let mut found = Some(true);
                for one in all {
                    match one.look(view) {
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
                    match one.look(view) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => found = None,
                    }
                }
                found
            }
            Self::Not(one) => one.look(view).map(|found| !found),
            Self::Ids(path, ids) => view.any_number(path, ids),
            Self::Strings(field, texts) => view.string(*field).map(|text| texts.contains(text)),
            Self::Text(words) => view.text().map(|text| words.matches(&text)),
            Self::List(list, item) => view.any_item(*list, item.as_ref()),
            Self::Key(key) => view.has_key(key),
        }
    }
}

/// The filters of a connection, by the tag of the event, and what the bot's caches have seen.
#[derive(Debug, Default)]
pub struct Filters {
    by_tag: Vec<(u32, Filter)>,
    known: Known,
}

impl Filters {
    pub fn new(remembered: usize) -> Self {
        Self { by_tag: Vec::new(), known: Known::new(remembered) }
    }

    /// Has events of a tag filtered from now on, or no longer.
    pub fn set(&mut self, tag: u32, filter: Option<Filter>) {
        self.by_tag.retain(|(known, _)| *known != tag);
        self.known.clear();
        self.by_tag.extend(filter.map(|filter| (tag, filter)));
    }

    /// Is this event for nobody? A message that shows the caches something new is for them.
    ///
    /// `message` is what was read of a message; None for one that cannot be read, which is told where it is decoded.
    pub fn drops(&mut self, tag: u32, body: &[u8], message: Option<&Message>) -> bool {
        if self.by_tag.is_empty() {
            return false;
        }
        self.known.forget_at(tag);
        let Some((_, filter)) = self.by_tag.iter().find(|(known, _)| *known == tag) else { return false };
        if tag != tags::CHANNEL_MESSAGE {
            return filter.matches(body) == Some(false);
        }
        let Some(message) = message else { return false };
        let news = self.known.is_news(body, message);
        !news && filter.look(&View::of_message(body, &message.0)) == Some(false)
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
            filters.drops(tags::CHANNEL_MESSAGE, body, Header::parse_all(body).ok().as_ref())
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
        assert!(!drops(&mut filters, &renamed.encode_to_vec()), "the sender looks otherwise");
        assert!(drops(&mut filters, &renamed.encode_to_vec()));
        filters.drops(tags::USER_CLAN_REMOVED_EVENT, &[], None);
        assert!(!drops(&mut filters, &renamed.encode_to_vec()), "users were forgotten");
        assert!(!drops(&mut filters, b"\xff"), "what cannot be read is told where it is decoded");
        filters.set(tag, None);
        assert!(!drops(&mut filters, &quiet));
    }
}

//! What the caches of the bot have seen: a message that shows them a new channel, a new sender or new looks of a sender
//! is let through, so that they are what they would be without a filter.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use super::Message;
use crate::by_channel::{IdHasher, IdMap};
use crate::wire::Seen;
use crate::wire::tags::envelope as tags;

/// Channels, and how senders look; everything is forgotten, and shown again, when there are more than the bound.
///
/// What counts as looks stands in `wire::Looks`, for the effects in Python as well (src/py/codec/senders.rs).
#[derive(Debug, Default)]
pub struct Known {
    channels: HashSet<i64, BuildHasherDefault<IdHasher>>,
    senders: IdMap<Seen>,
    bound: usize,
}

impl Known {
    pub fn new(bound: usize) -> Self {
        Self { bound, ..Self::default() }
    }

    pub fn clear(&mut self) {
        self.channels.clear();
        self.senders.clear();
    }

    /// Events that make the caches forget.
    pub fn forget_at(&mut self, tag: u32) {
        if matches!(tag, tags::USER_CLAN_REMOVED_EVENT | tags::CHANNEL_DELETED_EVENT) {
            self.clear();
        }
    }

    /// Does this message show the caches anything new? It counts as seen from now on.
    pub fn is_news(&mut self, body: &[u8], (header, looks): &Message) -> bool {
        if self.channels.len() >= self.bound || self.senders.len() >= self.bound {
            self.clear();
        }
        let new_channel = self.channels.insert(header.channel);
        let looks = looks.of(body);
        if self.senders.get(&header.sender).is_some_and(|seen| seen.is(&looks)) {
            return new_channel;
        }
        self.senders.insert(header.sender, Seen::new(&looks));
        true
    }
}

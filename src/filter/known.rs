//! What the caches of the bot have seen: a message that shows them a new channel, a new sender or new looks of a sender
//! is let through, so that they are what they would be without a filter.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::wire::tags::{channel_message as field, envelope as tags};
use crate::wire::{Fields, Value};

/// Channels, and how senders look; everything is forgotten, and shown again, when there are more than the bound.
#[derive(Debug, Default)]
pub struct Known {
    channels: HashSet<i64>,
    senders: HashMap<i64, u64>,
    bound: usize,
    hasher: RandomState,
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
    pub fn is_news(&mut self, tag: u32, body: &[u8]) -> bool {
        if tag != tags::CHANNEL_MESSAGE {
            return false;
        }
        let (mut channel, mut sender) = (0, 0);
        let mut looks = self.hasher.build_hasher();
        let mut fields = Fields::new(body);
        loop {
            match fields.read() {
                Ok(Some((field::CHANNEL_ID, Value::Varint(id)))) => channel = id as i64,
                Ok(Some((field::SENDER_ID, Value::Varint(id)))) => sender = id as i64,
                Ok(Some((number, Value::Bytes(text)))) if is_look(number) => {
                    looks.write_u32(number);
                    looks.write(text);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return true,
            }
        }
        if self.channels.len() >= self.bound || self.senders.len() >= self.bound {
            self.clear();
        }
        let looks = looks.finish();
        let new_channel = self.channels.insert(channel);
        self.senders.insert(sender, looks) != Some(looks) || new_channel
    }
}

/// Must match `_looks` in python/mezon/_events/defaults.py.
fn is_look(number: u32) -> bool {
    matches!(
        number,
        field::USERNAME | field::DISPLAY_NAME | field::CLAN_NICK | field::AVATAR | field::CLAN_AVATAR
    )
}

//! The memory layer: the recent messages of each channel, as they came. Bounded in three ways.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::row::Row;
use crate::by_use::{oldest_first, with_room};
use crate::wire::proto::api::ChannelMessage;

/// A message as the memory layer holds it.
#[derive(Debug, Clone)]
pub enum Kept {
    /// An encoded `mezon.api.ChannelMessage`.
    Payload(Bytes),
    /// A row that came from Python.
    Row(Arc<Row>),
}

impl Kept {
    fn weight(&self) -> usize {
        // The allocation's header and the ring's slot.
        96 + match self {
            Kept::Payload(body) => body.len(),
            Kept::Row(row) => row.weight(),
        }
    }
}

/// The bounds of the memory layer. The byte bound counts payloads and a fixed cost for each.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub messages_per_channel: usize,
    pub channels: usize,
    pub bytes: usize,
}

#[derive(Debug)]
pub struct Memory {
    channels: HashMap<i64, Channel, BuildHasherDefault<IdHasher>>,
    bounds: Bounds,
    bytes: usize,
    clock: u64,
}

#[derive(Debug, Default)]
struct Channel {
    ring: VecDeque<(i64, Kept)>,
    /// The greatest id in the ring so far: a greater one cannot be a duplicate.
    newest: i64,
    used: u64,
}

impl Channel {
    fn position(&self, id: i64) -> Option<usize> {
        self.ring.iter().rposition(|(kept, _)| *kept == id)
    }
}

impl Memory {
    pub fn new(bounds: Bounds) -> Memory {
        Memory { channels: HashMap::default(), bounds, bytes: 0, clock: 0 }
    }

    pub fn put(&mut self, channel: i64, id: i64, message: Kept) {
        if self.bounds.messages_per_channel == 0 || self.bounds.channels == 0 {
            return;
        }
        self.clock += 1;
        let weight = message.weight();
        let entry = self.channels.entry(channel).or_default();
        entry.used = self.clock;
        let known = if entry.ring.is_empty() || id > entry.newest { None } else { entry.position(id) };
        if let Some(at) = known {
            self.bytes -= entry.ring[at].1.weight();
            entry.ring[at].1 = message;
        } else {
            entry.newest = if entry.ring.is_empty() { id } else { entry.newest.max(id) };
            entry.ring.push_back((id, message));
            if entry.ring.len() > self.bounds.messages_per_channel
                && let Some((_, gone)) = entry.ring.pop_front()
            {
                self.bytes -= gone.weight();
            }
        }
        self.bytes += weight;
        if self.channels.len() > self.bounds.channels || self.bytes > self.bounds.bytes {
            self.make_room(channel);
        }
    }

    /// Takes the text and the lists of an edit over into the message as first sent.
    pub fn update(&mut self, channel: i64, id: i64, edit: &Bytes) {
        let Some(entry) = self.channels.get_mut(&channel) else { return };
        let Some(at) = entry.position(id) else { return };
        let kept = &mut entry.ring[at].1;
        let before = kept.weight();
        match merged(kept, edit) {
            Some(message) => {
                self.bytes = self.bytes - before + message.weight();
                *kept = message;
            }
            None => {
                self.bytes -= before;
                entry.ring.remove(at);
            }
        }
    }

    pub fn remove(&mut self, channel: i64, id: i64) -> bool {
        let Some(entry) = self.channels.get_mut(&channel) else { return false };
        let Some(at) = entry.position(id) else { return false };
        if let Some((_, gone)) = entry.ring.remove(at) {
            self.bytes -= gone.weight();
        }
        true
    }

    pub fn clear(&mut self, channel: i64) -> usize {
        let Some(entry) = self.channels.remove(&channel) else { return 0 };
        self.bytes -= entry.ring.iter().map(|(_, kept)| kept.weight()).sum::<usize>();
        entry.ring.len()
    }

    pub fn get(&mut self, channel: i64, id: i64) -> Option<Kept> {
        self.clock += 1;
        let entry = self.channels.get_mut(&channel)?;
        entry.used = self.clock;
        let at = entry.position(id)?;
        Some(entry.ring[at].1.clone())
    }

    /// Everything held of one channel, or of all.
    pub fn messages(&self, channel: Option<i64>) -> Vec<Kept> {
        match channel {
            Some(channel) => self
                .channels
                .get(&channel)
                .into_iter()
                .flat_map(|c| &c.ring)
                .map(|(_, kept)| kept.clone())
                .collect(),
            None => self.channels.values().flat_map(|c| &c.ring).map(|(_, kept)| kept.clone()).collect(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.channels.values().map(|channel| channel.ring.len()).sum()
    }

    /// Forgets the channels used longest ago other than `keep`; then the oldest messages of `keep`.
    fn make_room(&mut self, keep: i64) {
        let (channels, bytes) = (with_room(self.bounds.channels), with_room(self.bounds.bytes));
        for id in oldest_first(self.channels.iter().map(|(id, entry)| (entry.used, *id)), keep) {
            if self.channels.len() <= channels && self.bytes <= bytes {
                break;
            }
            self.clear(id);
        }
        while self.bytes > self.bounds.bytes
            && let Some(entry) = self.channels.get_mut(&keep)
            && let Some((_, gone)) = entry.ring.pop_front()
        {
            self.bytes -= gone.weight();
        }
    }
}

/// The message after an edit: text, mentions and attachments are the edit's; who, when and where stay.
fn merged(old: &Kept, edit: &Bytes) -> Option<Kept> {
    let edit = ChannelMessage::decode(edit.clone()).ok()?;
    match old {
        Kept::Payload(body) => {
            let mut message = ChannelMessage::decode(body.clone()).ok()?;
            message.content = edit.content;
            message.mentions = edit.mentions;
            message.attachments = edit.attachments;
            message.hide_editted = edit.hide_editted;
            if edit.update_time_seconds != 0 {
                message.update_time_seconds = edit.update_time_seconds;
            }
            Some(Kept::Payload(message.encode_to_vec().into()))
        }
        Kept::Row(row) => {
            let mut row = Row::clone(row);
            row.content = Some(super::json::content(edit.content.as_bytes()).to_owned());
            row.mentions = Some(super::json::mentions(&edit.mentions));
            row.attachments = Some(super::json::attachments(&edit.attachments));
            Some(Kept::Row(Arc::new(row)))
        }
    }
}

/// Ids are snowflakes given out by the server: one multiplication spreads them.
#[derive(Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_i64(&mut self, value: i64) {
        let mixed = (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(size: usize) -> Kept {
        Kept::Payload(Bytes::from(vec![0; size]))
    }

    fn bounds(messages_per_channel: usize, channels: usize, bytes: usize) -> Bounds {
        Bounds { messages_per_channel, channels, bytes }
    }

    #[test]
    fn each_bound_holds() {
        let mut memory = Memory::new(bounds(3, 2, 1 << 20));
        for id in 0..10 {
            memory.put(1, id, payload(10));
        }
        assert_eq!(memory.len(), 3);
        assert!(memory.get(1, 6).is_none() && memory.get(1, 7).is_some());
        memory.put(2, 1, payload(10));
        memory.get(1, 7);
        memory.put(3, 1, payload(10));
        assert!(memory.get(2, 1).is_none(), "channel 2 was used longest ago");
        assert!(memory.get(1, 9).is_some() && memory.get(3, 1).is_some());

        let mut small = Memory::new(bounds(1000, 1000, 5000));
        for id in 0..100 {
            small.put(id % 4, id, payload(200));
            assert!(small.bytes() <= 5000);
        }
        small.put(9, 1, payload(10_000));
        assert_eq!((small.bytes(), small.len()), (0, 0), "one message over the bound is not held");

        let mut none = Memory::new(bounds(0, 10, 1000));
        none.put(1, 1, payload(1));
        assert_eq!(none.len(), 0);
    }

    #[test]
    fn bytes_return_to_zero() {
        let mut memory = Memory::new(bounds(5, 5, 1 << 20));
        for id in [5, 3, 9, 3, 5, 1, -4, 100, 3] {
            memory.put(1, id, payload(id.unsigned_abs() as usize));
        }
        assert_eq!(memory.len(), 5);
        assert!(memory.remove(1, 3));
        assert!(!memory.remove(1, 3));
        assert_eq!(memory.clear(1), 4);
        assert_eq!(memory.bytes(), 0);
    }
}

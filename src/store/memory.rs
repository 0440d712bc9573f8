//! The memory layer: the recent messages of each channel, as they came. Bounded in three ways.

use std::sync::Arc;

use prost::Message as _;

use super::row::Row;
use crate::by_channel::{RingBounds, Rings, Weigh};
use crate::wire::Body;
use crate::wire::proto::api::ChannelMessage;

/// A message as the memory layer holds it.
#[derive(Debug, Clone)]
pub enum Kept {
    /// An encoded `mezon.api.ChannelMessage`.
    Payload(Body),
    /// A row that came from Python.
    Row(Arc<Row>),
}

impl Weigh for Kept {
    fn weight(&self) -> usize {
        // The allocation's header and the ring's slot.
        96 + match self {
            Kept::Payload(body) => body.len(),
            Kept::Row(row) => row.weight(),
        }
    }
}

#[derive(Debug)]
pub struct Memory {
    rings: Rings<Kept>,
}

impl Memory {
    pub fn new(bounds: RingBounds) -> Memory {
        Memory { rings: Rings::new(bounds) }
    }

    /// Would it be held?
    pub fn takes(&self, message: &Kept) -> bool {
        self.rings.takes(message)
    }

    pub fn put(&mut self, channel: i64, id: i64, message: Kept) {
        self.rings.put(channel, id, message);
    }

    /// Puts a message there unless it is there.
    pub fn add(&mut self, channel: i64, id: i64, message: Kept) {
        self.rings.add(channel, id, message);
    }

    /// Takes the text and the lists of an edit over into the message as first sent.
    pub fn update(&mut self, channel: i64, id: i64, edit: &Body) {
        self.rings.change(channel, id, |kept| merged(kept, edit));
    }

    pub fn remove(&mut self, channel: i64, id: i64) -> bool {
        self.rings.remove(channel, id)
    }

    pub fn clear(&mut self, channel: i64) -> usize {
        self.rings.take(channel).len()
    }

    pub fn get(&mut self, channel: i64, id: i64) -> Option<Kept> {
        self.rings.get(channel, id).cloned()
    }

    /// Everything held of one channel, or of all.
    pub fn messages(&self, channel: Option<i64>) -> Vec<Kept> {
        self.rings.entries(channel).cloned().collect()
    }

    pub fn bytes(&self) -> usize {
        self.rings.bytes()
    }

    pub fn len(&self) -> usize {
        self.rings.len()
    }
}

/// The message after an edit: text, mentions and attachments are the edit's; who, when and where stay.
fn merged(old: &Kept, edit: &Body) -> Option<Kept> {
    let edit = ChannelMessage::decode(&edit[..]).ok()?;
    match old {
        Kept::Payload(body) => {
            let mut message = ChannelMessage::decode(&body[..]).ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(size: usize) -> Kept {
        Kept::Payload(vec![0; size].into())
    }

    fn bounds(per_channel: usize, channels: usize, bytes: usize) -> RingBounds {
        RingBounds { per_channel, channels, bytes }
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
        let before = (small.bytes(), small.len());
        small.put(9, 1, payload(10_000));
        assert!(small.get(9, 1).is_none(), "one message over the bound is not held");
        assert_eq!((small.bytes(), small.len()), before, "and costs no other its place");

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

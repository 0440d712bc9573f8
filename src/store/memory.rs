//! The memory layer: the latest messages of each channel as received, within three bounds.

use std::sync::Arc;

use prost::Message as _;

use super::row::Row;
use crate::by_channel::{RingBounds, Rings, Weigh};
use crate::wire::Body;
use crate::wire::proto::api::ChannelMessage;

/// A message in the memory layer.
#[derive(Debug, Clone)]
pub enum CachedMessage {
    /// An encoded `mezon.api.ChannelMessage`.
    Payload(Body),
    /// A row from Python.
    Row(Arc<Row>),
}

impl Weigh for CachedMessage {
    fn weight(&self) -> usize {
        // The allocation's header and the ring's slot.
        96 + match self {
            CachedMessage::Payload(body) => body.len(),
            CachedMessage::Row(row) => row.weight(),
        }
    }
}

#[derive(Debug)]
pub struct Memory {
    rings: Rings<CachedMessage>,
}

impl Memory {
    pub fn new(bounds: RingBounds) -> Memory {
        Memory { rings: Rings::new(bounds) }
    }

    /// Return whether the bounds allow the message.
    pub fn accepts(&self, message: &CachedMessage) -> bool {
        self.rings.accepts(message)
    }

    pub fn put(&mut self, channel: i64, id: i64, message: CachedMessage) {
        self.rings.put(channel, id, message);
    }

    /// Add a message unless it exists.
    pub fn add(&mut self, channel: i64, id: i64, message: CachedMessage) {
        self.rings.add(channel, id, message);
    }

    /// Apply the content and the lists of an edit to the original message.
    pub fn update(&mut self, channel: i64, id: i64, edit: &Body) {
        self.rings.change(channel, id, |message| merged(message, edit));
    }

    pub fn remove(&mut self, channel: i64, id: i64) -> bool {
        self.rings.remove(channel, id)
    }

    pub fn clear(&mut self, channel: i64) -> usize {
        self.rings.take(channel).len()
    }

    pub fn get(&mut self, channel: i64, id: i64) -> Option<CachedMessage> {
        self.rings.get(channel, id).cloned()
    }

    /// Return the messages of one channel, or of all.
    pub fn messages(&self, channel: Option<i64>) -> Vec<CachedMessage> {
        self.rings.entries(channel).cloned().collect()
    }

    pub fn bytes(&self) -> usize {
        self.rings.bytes()
    }

    pub fn len(&self) -> usize {
        self.rings.len()
    }
}

/// Return the message after an edit: content, mentions and attachments are the edit's; the other fields remain.
fn merged(old: &CachedMessage, edit: &Body) -> Option<CachedMessage> {
    let edit = ChannelMessage::decode(&edit[..]).ok()?;
    match old {
        CachedMessage::Payload(body) => {
            let mut message = ChannelMessage::decode(&body[..]).ok()?;
            message.content = edit.content;
            message.mentions = edit.mentions;
            message.attachments = edit.attachments;
            message.hide_editted = edit.hide_editted;
            if edit.update_time_seconds != 0 {
                message.update_time_seconds = edit.update_time_seconds;
            }
            Some(CachedMessage::Payload(message.encode_to_vec().into()))
        }
        CachedMessage::Row(row) => {
            let mut row = Row::clone(row);
            row.content = Some(super::json::content(edit.content.as_bytes()).to_owned());
            row.mentions = Some(super::json::mentions(&edit.mentions).into_owned());
            row.attachments = Some(super::json::attachments(&edit.attachments).into_owned());
            Some(CachedMessage::Row(Arc::new(row)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(size: usize) -> CachedMessage {
        CachedMessage::Payload(vec![0; size].into())
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

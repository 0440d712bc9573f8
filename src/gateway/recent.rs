//! The last messages of each channel as they came, until Python asks for them.
//!
//! Most bots never look at a message again. Kept as Python objects they would cost every event a cold free and the
//! garbage collector its time; kept as bytes, which the store holds anyway, they cost next to nothing.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::by_use::{oldest_first, with_room};

#[derive(Debug, Clone, Copy)]
pub struct RecentBounds {
    pub per_channel: usize,
    pub channels: usize,
    pub bytes: usize,
}

impl Default for RecentBounds {
    fn default() -> Self {
        Self { per_channel: 200, channels: 1000, bytes: 32 << 20 }
    }
}

#[derive(Debug, Default)]
struct Channel {
    used: u64,
    bodies: VecDeque<Bytes>,
}

#[derive(Debug)]
pub struct Recent {
    bounds: RecentBounds,
    tick: u64,
    bytes: usize,
    channels: HashMap<i64, Channel>,
}

impl Recent {
    pub fn new(bounds: RecentBounds) -> Self {
        Self { bounds, tick: 0, bytes: 0, channels: HashMap::new() }
    }

    /// Keeps an encoded message of a channel; the oldest of it, and channels long unused, make room.
    pub fn push(&mut self, channel: i64, body: Bytes) {
        if self.bounds.per_channel == 0 || self.bounds.channels == 0 || body.len() > self.bounds.bytes {
            return;
        }
        self.tick += 1;
        self.bytes += body.len();
        let entry = self.channels.entry(channel).or_default();
        entry.used = self.tick;
        entry.bodies.push_back(body);
        if entry.bodies.len() > self.bounds.per_channel
            && let Some(old) = entry.bodies.pop_front()
        {
            self.bytes -= old.len();
        }
        if self.channels.len() > self.bounds.channels || self.bytes > self.bounds.bytes {
            self.make_room(channel);
        }
    }

    /// Forgets the channels used longest ago other than `keep`.
    fn make_room(&mut self, keep: i64) {
        let (channels, bytes) = (with_room(self.bounds.channels), with_room(self.bounds.bytes));
        for id in oldest_first(self.channels.iter().map(|(id, entry)| (entry.used, *id)), keep) {
            if self.channels.len() <= channels && self.bytes <= bytes {
                break;
            }
            self.take(id);
        }
        // One channel alone may be too much.
        while self.bytes > self.bounds.bytes
            && let Some(entry) = self.channels.get_mut(&keep)
            && let Some(old) = entry.bodies.pop_front()
        {
            self.bytes -= old.len();
        }
    }

    /// Hands the messages of a channel out, oldest first, and forgets them.
    pub fn take(&mut self, channel: i64) -> VecDeque<Bytes> {
        let Some(entry) = self.channels.remove(&channel) else { return VecDeque::new() };
        self.bytes -= entry.bodies.iter().map(Bytes::len).sum::<usize>();
        entry.bodies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recent(per_channel: usize, channels: usize, bytes: usize) -> Recent {
        Recent::new(RecentBounds { per_channel, channels, bytes })
    }

    #[test]
    fn keeps_the_last_of_each_channel_once() {
        let mut recent = recent(2, 10, 1000);
        for n in 0u8..5 {
            recent.push(7, Bytes::from(vec![n]));
        }
        recent.push(8, Bytes::from_static(b"x"));
        assert_eq!(recent.take(7), [vec![3], vec![4]]);
        assert!(recent.take(7).is_empty());
        assert_eq!(recent.bytes, 1);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(pushes in prop::collection::vec((0i64..40, 0usize..200), 1..300)) {
            let mut recent = recent(5, 16, 2000);
            for (channel, size) in pushes {
                recent.push(channel, Bytes::from(vec![0; size]));
                prop_assert!(recent.channels.len() <= 16);
                prop_assert!(recent.bytes <= 2000);
                let bodies = recent.channels.values().flat_map(|entry| entry.bodies.iter());
                prop_assert_eq!(recent.bytes, bodies.map(Bytes::len).sum::<usize>());
                prop_assert!(recent.channels[&channel].bodies.len() <= 5);
            }
        }
    }
}

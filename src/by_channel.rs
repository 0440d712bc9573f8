//! Ring buffers of the latest entries of each channel, within three bounds. The store's memory layer uses them,
//! and the connection for the recent messages that Python has not requested yet.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use crate::memory_budget::MemoryBudget;
use crate::wire::Body;

/// The weight of an entry against the bound in bytes.
pub trait Weigh {
    fn weight(&self) -> usize;
}

impl Weigh for Body {
    fn weight(&self) -> usize {
        self.len()
    }
}

/// The bounds: entries per channel, number of channels, and bytes of all channels together. If one of them is
/// zero, nothing is held.
#[derive(Debug, Clone, Copy)]
pub struct RingBounds {
    pub per_channel: usize,
    pub channels: usize,
    pub bytes: usize,
}

/// The latest entries of each channel, by id. The oldest entries of a channel and the channels unused for longest
/// are evicted.
#[derive(Debug)]
pub struct Rings<T> {
    channels: IdMap<Ring<T>>,
    bounds: RingBounds,
    /// The memory budget that limits the bytes; None if the process has only one of these.
    budget: Option<&'static MemoryBudget>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Ring<T> {
    entries: VecDeque<(i64, T)>,
    /// The greatest id that the ring has held: an entry with a greater id cannot be a duplicate.
    newest: i64,
    used: u64,
}

impl<T> Ring<T> {
    fn position(&self, id: i64) -> Option<usize> {
        if self.entries.is_empty() || id > self.newest {
            return None;
        }
        self.entries.iter().rposition(|(known, _)| *known == id)
    }
}

impl<T: Weigh> Rings<T> {
    pub fn new(bounds: RingBounds) -> Self {
        Self { channels: IdMap::default(), bounds, budget: None, bytes: 0, clock: 0 }
    }

    /// Create rings whose bound in bytes is shared with the other users of `budget`.
    pub fn with_budget(bounds: RingBounds, budget: &'static MemoryBudget) -> Self {
        Self { budget: Some(budget), ..Self::new(bounds) }
    }

    fn max_bytes(&self) -> usize {
        self.budget.map_or(self.bounds.bytes, |budget| budget.share_of(self.bounds.bytes))
    }

    /// Append an entry to its channel.
    pub fn push(&mut self, channel: i64, id: i64, entry: T) {
        if self.accepts(&entry) {
            self.append(channel, id, entry);
        }
    }

    /// Append an entry unless the channel holds one of the same id.
    pub fn add(&mut self, channel: i64, id: i64, entry: T) {
        if self.channels.get(&channel).and_then(|ring| ring.position(id)).is_none() {
            self.push(channel, id, entry);
        }
    }

    /// Replace the channel's entry of the same id, or append a new one.
    pub fn put(&mut self, channel: i64, id: i64, entry: T) {
        let known = self.channels.get(&channel).and_then(|ring| ring.position(id));
        let Some(at) = known else { return self.push(channel, id, entry) };
        if !self.accepts(&entry) {
            // The entry that it would replace is out of date.
            self.remove(channel, id);
            return;
        }
        self.clock += 1;
        self.bytes += entry.weight();
        if let Some(ring) = self.channels.get_mut(&channel) {
            ring.used = self.clock;
            let old = std::mem::replace(&mut ring.entries[at].1, entry);
            self.bytes -= old.weight();
        }
        if self.bytes > self.max_bytes() {
            self.make_room(channel);
        }
    }

    /// Return whether the bounds allow the entry.
    pub fn accepts(&self, entry: &T) -> bool {
        let RingBounds { per_channel, channels, .. } = self.bounds;
        per_channel > 0 && channels > 0 && entry.weight() <= self.max_bytes()
    }

    fn append(&mut self, channel: i64, id: i64, entry: T) {
        self.clock += 1;
        self.bytes += entry.weight();
        let empty = || Ring { entries: VecDeque::new(), newest: id, used: 0 };
        let ring = self.channels.entry(channel).or_insert_with(empty);
        ring.used = self.clock;
        ring.newest = if ring.entries.is_empty() { id } else { ring.newest.max(id) };
        ring.entries.push_back((id, entry));
        if ring.entries.len() > self.bounds.per_channel
            && let Some((_, gone)) = ring.entries.pop_front()
        {
            self.bytes -= gone.weight();
        }
        if self.channels.len() > self.bounds.channels || self.bytes > self.max_bytes() {
            self.make_room(channel);
        }
    }

    /// Replace the entry with the result of `change`, or remove it if the result is None.
    pub fn change(&mut self, channel: i64, id: i64, change: impl FnOnce(&T) -> Option<T>) {
        let Some(ring) = self.channels.get_mut(&channel) else { return };
        let Some(at) = ring.position(id) else { return };
        let entry = &mut ring.entries[at].1;
        self.bytes -= entry.weight();
        match change(entry) {
            Some(changed) => {
                self.bytes += changed.weight();
                *entry = changed;
            }
            None => {
                ring.entries.remove(at);
            }
        }
    }

    pub fn remove(&mut self, channel: i64, id: i64) -> bool {
        let Some(ring) = self.channels.get_mut(&channel) else { return false };
        let Some(at) = ring.position(id) else { return false };
        if let Some((_, gone)) = ring.entries.remove(at) {
            self.bytes -= gone.weight();
        }
        true
    }

    /// Remove and return the entries of a channel, oldest first.
    pub fn take(&mut self, channel: i64) -> VecDeque<(i64, T)> {
        let Some(ring) = self.channels.remove(&channel) else { return VecDeque::new() };
        self.bytes -= ring.entries.iter().map(|(_, entry)| entry.weight()).sum::<usize>();
        ring.entries
    }

    pub fn get(&mut self, channel: i64, id: i64) -> Option<&T> {
        self.clock += 1;
        let ring = self.channels.get_mut(&channel)?;
        ring.used = self.clock;
        let at = ring.position(id)?;
        Some(&ring.entries[at].1)
    }

    /// Return the entries of one channel, or of all.
    pub fn entries(&self, channel: Option<i64>) -> impl Iterator<Item = &T> {
        let one = channel.map(|channel| self.channels.get(&channel));
        let all = if one.is_none() { Some(self.channels.values()) } else { None };
        let rings = one.into_iter().flatten().chain(all.into_iter().flatten());
        rings.flat_map(|ring| &ring.entries).map(|(_, entry)| entry)
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.channels.values().map(|ring| ring.entries.len()).sum()
    }

    /// Evict the channels unused for longest other than `keep`, then the oldest entries of `keep`.
    ///
    /// Frees an eighth more than necessary, so that the channels are rarely sorted by use.
    fn make_room(&mut self, keep: i64) {
        let with_room = |bound: usize| bound - bound / 8;
        let most = self.max_bytes();
        let (channels, bytes) = (with_room(self.bounds.channels), with_room(most));
        let others = self.channels.iter().filter(|(id, _)| **id != keep);
        let mut by_use: Vec<_> = others.map(|(id, ring)| (ring.used, *id)).collect();
        by_use.sort_unstable();
        for (_, id) in by_use {
            if self.channels.len() <= channels && self.bytes <= bytes {
                break;
            }
            self.take(id);
        }
        // One channel alone may exceed the bound.
        while self.bytes > most
            && let Some(ring) = self.channels.get_mut(&keep)
            && let Some((_, gone)) = ring.entries.pop_front()
        {
            self.bytes -= gone.weight();
        }
    }
}

/// A map keyed by ids of the server.
pub type IdMap<T> = HashMap<i64, T, BuildHasherDefault<IdHasher>>;

/// Ids are snowflakes assigned by the server: one multiplication distributes them.
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
    use proptest::prelude::*;

    fn rings(per_channel: usize, channels: usize, bytes: usize) -> Rings<Body> {
        Rings::new(RingBounds { per_channel, channels, bytes })
    }

    fn bodies(entries: VecDeque<(i64, Body)>) -> Vec<Body> {
        entries.into_iter().map(|(_, body)| body).collect()
    }

    #[test]
    fn keeps_the_last_of_each_channel_once() {
        let mut recent = rings(2, 10, 1000);
        for n in 0u8..5 {
            recent.push(7, n.into(), vec![n].into());
        }
        recent.push(8, 1, b"x"[..].into());
        assert_eq!(bodies(recent.take(7)), [Body::from([3]), Body::from([4])]);
        assert!(recent.take(7).is_empty());
        assert_eq!(recent.bytes, 1);
    }

    #[test]
    fn a_smaller_share_makes_room_at_the_next_message() {
        let budget: &'static MemoryBudget = Box::leak(Box::default());
        let mut recent = Rings::<Body>::with_budget(
            RingBounds { per_channel: 100, channels: 100, bytes: 1 << 20 },
            budget,
        );
        for channel in 0..10 {
            recent.push(channel, 1, vec![0; 50_000].into());
        }
        assert_eq!(recent.bytes, 500_000);
        let members: Vec<_> = (0..32).map(|_| budget.register()).collect();
        recent.push(10, 1, vec![0; 50_000].into());
        assert!(recent.bytes <= (1 << 20) / 4, "{} bytes", recent.bytes);
        assert_eq!(recent.take(10).len(), 1);
        drop(members);
    }

    #[test]
    fn an_entry_over_the_bound_is_not_held_and_costs_nobody_else_his_place() {
        let mut recent = rings(5, 10, 1000);
        recent.push(1, 1, vec![0; 900].into());
        recent.push(2, 1, vec![0; 1001].into());
        assert_eq!((recent.len(), recent.bytes), (1, 900));
        recent.put(1, 1, vec![0; 1001].into());
        assert_eq!((recent.len(), recent.bytes), (0, 0), "what it replaces is out of date");
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(pushes in prop::collection::vec((0i64..40, 0usize..200, any::<bool>()), 1..300)) {
            let mut recent = rings(5, 16, 2000);
            for (channel, size, known) in pushes {
                let body = Body::from(vec![0; size]);
                if known { recent.put(channel, 1, body) } else { recent.push(channel, size as i64, body) }
                prop_assert!(recent.channels.len() <= 16);
                prop_assert!(recent.bytes <= 2000);
                let bodies = recent.channels.values().flat_map(|ring| ring.entries.iter());
                prop_assert_eq!(recent.bytes, bodies.map(|(_, body)| body.len()).sum::<usize>());
                prop_assert!(recent.channels[&channel].entries.len() <= 5);
            }
        }
    }
}

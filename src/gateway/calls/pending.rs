//! The calls that were sent and await their answer, by cid.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use bytes::Bytes;
use tokio::time::Instant;

use crate::item::CallId;
use crate::wire::{CID_MAX, Stream};

#[derive(Debug)]
pub struct Sent {
    pub id: CallId,
    pub tag: u32,
    /// Needed to repeat joins after a reconnect and to send refused calls again.
    pub body: Bytes,
    pub deadline: Instant,
    pub refused: u32,
    pub stream: Stream,
}

#[derive(Debug, Default)]
pub struct Pending {
    last: u16,
    /// The cid of the unanswered ping.
    ping: Option<u16>,
    by_cid: HashMap<u16, Sent>,
    deadlines: BinaryHeap<Reverse<(Instant, u16, CallId)>>,
}

impl Pending {
    pub fn is_empty(&self) -> bool {
        self.by_cid.is_empty()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_cid.len()
    }

    /// Return the next cid that no pending call uses; None if all 65,535 are in use.
    pub fn next_cid(&mut self) -> Option<u16> {
        if self.by_cid.len() + usize::from(self.ping.is_some()) >= usize::from(CID_MAX) {
            return None;
        }
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.by_cid.contains_key(&self.last) && self.ping != Some(self.last) {
                return Some(self.last);
            }
        }
    }

    /// Return a cid for a ping, counted down from the highest. No call gets it before [`Self::ponged`].
    pub fn ping_cid(&mut self) -> Option<u16> {
        let by_cid = &self.by_cid;
        self.ping = (1..=CID_MAX).rev().find(|cid| !by_cid.contains_key(cid));
        self.ping
    }

    /// Record that the ping is answered.
    pub fn ponged(&mut self) {
        self.ping = None;
    }

    pub fn insert(&mut self, cid: u16, sent: Sent) {
        // Answered calls leave their deadlines in the heap: remove them before they outnumber the pending ones.
        if self.deadlines.len() > 64 + 2 * self.by_cid.len() {
            let by_cid = &self.by_cid;
            self.deadlines.retain(|Reverse((_, cid, id))| by_cid.get(cid).is_some_and(|sent| sent.id == *id));
        }
        self.deadlines.push(Reverse((sent.deadline, cid, sent.id)));
        self.by_cid.insert(cid, sent);
    }

    pub fn get_mut(&mut self, cid: u16) -> Option<&mut Sent> {
        self.by_cid.get_mut(&cid)
    }

    pub fn take(&mut self, cid: u16) -> Option<Sent> {
        self.by_cid.remove(&cid)
    }

    pub fn cancel(&mut self, id: CallId) -> Option<Sent> {
        let cid = self.by_cid.iter().find(|(_, sent)| sent.id == id).map(|(cid, _)| *cid)?;
        self.by_cid.remove(&cid)
    }

    /// Return the earliest deadline of a pending call.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        while let Some(Reverse((deadline, cid, id))) = self.deadlines.peek() {
            if self.by_cid.get(cid).is_some_and(|sent| sent.id == *id) {
                return Some(*deadline);
            }
            self.deadlines.pop();
        }
        None
    }

    /// Remove and return a call whose deadline has passed.
    pub fn take_expired(&mut self, now: Instant) -> Option<Sent> {
        if self.next_deadline()? > now {
            return None;
        }
        let Reverse((_, cid, _)) = self.deadlines.pop()?;
        self.take(cid)
    }

    /// Remove and return all calls, oldest first.
    pub fn drain(&mut self) -> Vec<Sent> {
        self.deadlines.clear();
        self.ping = None;
        let mut all: Vec<_> = self.by_cid.drain().map(|(_, sent)| sent).collect();
        all.sort_by_key(|sent| sent.id);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sent(id: CallId, deadline: Instant) -> Sent {
        Sent { id, tag: 8, body: Bytes::new(), deadline, refused: 0, stream: Stream::default() }
    }

    #[test]
    fn cids_wrap_and_skip_the_pending() {
        let now = Instant::now();
        let mut pending = Pending { last: CID_MAX - 1, ..Default::default() };
        pending.insert(1, sent(1, now));
        assert_eq!(pending.next_cid(), Some(CID_MAX));
        assert_eq!(pending.next_cid(), Some(2), "0 is for events, 1 is taken");
    }

    #[test]
    fn a_full_table_has_no_cid() {
        let now = Instant::now();
        let mut pending = Pending::default();
        for id in 1..=u64::from(CID_MAX) {
            let cid = pending.next_cid().unwrap();
            pending.insert(cid, sent(id, now));
        }
        assert_eq!(pending.next_cid(), None);
        pending.take(700);
        assert_eq!(pending.next_cid(), Some(700));
    }

    #[test]
    fn a_ping_has_a_cid_of_its_own_until_it_is_answered() {
        let now = Instant::now();
        let mut pending = Pending { last: CID_MAX - 2, ..Default::default() };
        pending.insert(CID_MAX, sent(1, now));
        assert_eq!(pending.ping_cid(), Some(CID_MAX - 1));
        assert_eq!(pending.next_cid(), Some(1));
        pending.last = CID_MAX - 2;
        pending.ponged();
        assert_eq!(pending.next_cid(), Some(CID_MAX - 1));
    }

    #[test]
    fn deadlines_come_in_order_and_only_for_the_living() {
        let now = Instant::now();
        let mut pending = Pending::default();
        for (cid, after) in [(1, 30), (2, 10), (3, 20)] {
            pending.insert(cid, sent(cid.into(), now + Duration::from_millis(after)));
        }
        pending.take(2);
        assert_eq!(pending.next_deadline(), Some(now + Duration::from_millis(20)));
        assert!(pending.take_expired(now + Duration::from_millis(19)).is_none());
        assert_eq!(pending.take_expired(now + Duration::from_millis(20)).unwrap().id, 3);
        // Another call with a later deadline reuses the cid.
        pending.take(1);
        pending.insert(1, sent(9, now + Duration::from_millis(90)));
        assert!(pending.take_expired(now + Duration::from_millis(50)).is_none());
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn old_deadlines_are_swept() {
        let now = Instant::now();
        let mut pending = Pending::default();
        for id in 0..10_000 {
            pending.insert(1, sent(id, now));
            pending.take(1);
        }
        assert!(pending.deadlines.len() < 100);
    }
}

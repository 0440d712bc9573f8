//! The queue of calls to be sent, in order.
//!
//! Messages have a lane of their own: when the server asks to send fewer of them, other calls are not delayed.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::Instant;

use crate::item::CallId;
use crate::wire::tags::envelope::{CHANNEL_MESSAGE_SEND, EPHEMERAL_MESSAGE_SEND};

/// The id of joins that the core itself makes after a reconnect.
pub(in crate::gateway) const INTERNAL: CallId = 0;

#[derive(Debug)]
pub struct Call {
    pub id: CallId,
    /// The tag: the envelope field of the call.
    pub tag: u32,
    pub body: Bytes,
    pub deadline: Instant,
    /// How often the server has refused the call with 429.
    pub refused: u32,
}

/// The calls that the server counts as messages: normal and ephemeral ones.
const SENDS: [u32; 2] = [CHANNEL_MESSAGE_SEND, EPHEMERAL_MESSAGE_SEND];

#[derive(Debug, Default)]
struct Lane {
    calls: VecDeque<Call>,
    /// No call is sent before: the server's Retry-After.
    held_until: Option<Instant>,
}

impl Lane {
    /// Return when the first call may be sent; None if there is no call.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        self.calls.front()?;
        self.held_until = self.held_until.filter(|until| *until > now);
        Some(self.held_until.unwrap_or(now))
    }
}

#[derive(Debug, Default)]
pub struct Outbox {
    sends: Lane,
    others: Lane,
    /// A lower bound of all deadlines; may belong to a call that was removed.
    earliest: Option<Instant>,
}

impl Outbox {
    fn lanes(&mut self) -> [&mut Lane; 2] {
        [&mut self.sends, &mut self.others]
    }

    fn lane(&mut self, tag: u32) -> &mut Lane {
        if SENDS.contains(&tag) { &mut self.sends } else { &mut self.others }
    }

    pub fn push(&mut self, call: Call) {
        self.note(call.deadline);
        self.lane(call.tag).calls.push_back(call);
    }

    /// Queue a refused call again in its old position, and pause its lane until `until`.
    pub fn put_back(&mut self, call: Call, until: Instant) {
        self.note(call.deadline);
        let lane = self.lane(call.tag);
        let at = lane.calls.partition_point(|other| other.id < call.id);
        lane.calls.insert(at, call);
        lane.held_until = Some(lane.held_until.map_or(until, |at| at.max(until)));
    }

    fn note(&mut self, deadline: Instant) {
        self.earliest = Some(self.earliest.map_or(deadline, |at| at.min(deadline)));
    }

    /// Return when the next call may be sent; None if there is no call.
    pub fn due(&mut self, now: Instant) -> Option<Instant> {
        self.lanes().into_iter().filter_map(|lane| lane.due(now)).min()
    }

    /// Remove and return the oldest call that may be sent now.
    pub fn pop(&mut self, now: Instant) -> Option<Call> {
        let [sends, others] = self
            .lanes()
            .map(|lane| lane.due(now).filter(|at| *at <= now).and(lane.calls.front()).map(|call| call.id));
        let lane = match (sends, others) {
            (None, None) => return None,
            (Some(send), Some(other)) if send < other => &mut self.sends,
            (Some(_), None) => &mut self.sends,
            _ => &mut self.others,
        };
        let call = lane.calls.pop_front();
        if self.is_empty() {
            self.earliest = None;
        }
        call
    }

    pub fn is_empty(&self) -> bool {
        self.sends.calls.is_empty() && self.others.calls.is_empty()
    }

    pub fn cancel(&mut self, id: CallId) -> bool {
        self.lanes().into_iter().any(|lane| {
            let at = lane.calls.iter().position(|call| call.id == id);
            at.and_then(|at| lane.calls.remove(at)).is_some()
        })
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.earliest
    }

    /// Remove and return the calls whose deadline has passed.
    pub fn take_expired(&mut self, now: Instant) -> Vec<Call> {
        if self.earliest.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut expired = Vec::new();
        let mut earliest = None;
        for lane in self.lanes() {
            let (over, left): (Vec<_>, Vec<_>) = lane.calls.drain(..).partition(|call| call.deadline <= now);
            expired.extend(over);
            earliest = left.iter().map(|call| call.deadline).chain(earliest).min();
            lane.calls = left.into();
        }
        self.earliest = earliest;
        expired.sort_by_key(|call| call.id);
        expired
    }

    /// Remove and return all calls, oldest first.
    pub fn drain(&mut self) -> Vec<Call> {
        self.earliest = None;
        let mut all: Vec<_> = self.lanes().into_iter().flat_map(|lane| lane.calls.drain(..)).collect();
        all.sort_by_key(|call| call.id);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SEND: u32 = 8;
    const TYPING: u32 = 24;
    const SEC: Duration = Duration::from_secs(1);

    fn call(id: CallId, tag: u32, deadline: Instant) -> Call {
        Call { id, tag, body: Bytes::new(), deadline, refused: 0 }
    }

    #[test]
    fn keeps_order_and_drops_the_expired() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        for (id, after) in [(1, 50), (2, 10), (3, 60), (4, 20)] {
            outbox.push(call(id, SEND, now + Duration::from_millis(after)));
        }
        assert!(outbox.cancel(4));
        assert!(!outbox.cancel(4));
        let expired = outbox.take_expired(now + Duration::from_millis(20));
        assert_eq!(expired.iter().map(|call| call.id).collect::<Vec<_>>(), [2]);
        assert_eq!(outbox.next_deadline(), Some(now + Duration::from_millis(50)));
        assert_eq!(outbox.pop(now).map(|call| call.id), Some(1));
        assert_eq!(outbox.drain().len(), 1);
        assert!(outbox.is_empty() && outbox.next_deadline().is_none());
    }

    #[test]
    fn what_is_put_back_keeps_its_place_and_holds_only_its_kind() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        for (id, tag) in [(3, SEND), (4, TYPING), (5, SEND)] {
            outbox.push(call(id, tag, now + 60 * SEC));
        }
        outbox.put_back(call(1, SEND, now + 60 * SEC), now + SEC);
        outbox.put_back(call(2, SEND, now + 60 * SEC), now + 2 * SEC);
        assert_eq!(outbox.pop(now).map(|call| call.id), Some(4));
        assert_eq!(outbox.pop(now + SEC).map(|call| call.id), None);
        assert_eq!(outbox.due(now + SEC), Some(now + 2 * SEC));
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop(now + 2 * SEC)).map(|call| call.id).collect();
        assert_eq!(order, [1, 2, 3, 5]);
        assert_eq!(outbox.due(now), None);
    }

    #[test]
    fn the_older_of_two_kinds_goes_first() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        for (id, tag) in [(1, TYPING), (2, SEND), (3, SEND), (4, TYPING)] {
            outbox.push(call(id, tag, now + SEC));
        }
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop(now)).map(|call| call.id).collect();
        assert_eq!(order, [1, 2, 3, 4]);
    }
}

//! The calls that wait for their turn, in order.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::call::{Call, CallId};

#[derive(Debug, Default)]
pub struct Outbox {
    calls: VecDeque<Call>,
    /// No call's deadline is earlier; it may be that of a call which is gone.
    earliest: Option<Instant>,
}

impl Outbox {
    pub fn push(&mut self, call: Call) {
        self.earliest = Some(self.earliest.map_or(call.deadline, |at| at.min(call.deadline)));
        self.calls.push_back(call);
    }

    pub fn pop(&mut self) -> Option<Call> {
        let call = self.calls.pop_front();
        if self.calls.is_empty() {
            self.earliest = None;
        }
        call
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub fn cancel(&mut self, id: CallId) -> bool {
        let at = self.calls.iter().position(|call| call.id == id);
        at.and_then(|at| self.calls.remove(at)).is_some()
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.earliest
    }

    /// Takes the calls whose deadline has passed.
    pub fn take_expired(&mut self, now: Instant) -> Vec<Call> {
        if self.earliest.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let (expired, left): (Vec<_>, Vec<_>) = self.calls.drain(..).partition(|call| call.deadline <= now);
        self.earliest = left.iter().map(|call| call.deadline).min();
        self.calls = left.into();
        expired
    }

    pub fn drain(&mut self) -> Vec<Call> {
        self.earliest = None;
        self.calls.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Duration;

    #[test]
    fn keeps_order_and_drops_the_expired() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        for (id, after) in [(1, 50), (2, 10), (3, 60), (4, 20)] {
            outbox.push(Call {
                id,
                tag: 8,
                body: Bytes::new(),
                deadline: now + Duration::from_millis(after),
            });
        }
        assert!(outbox.cancel(4));
        assert!(!outbox.cancel(4));
        let expired = outbox.take_expired(now + Duration::from_millis(20));
        assert_eq!(expired.iter().map(|call| call.id).collect::<Vec<_>>(), [2]);
        assert_eq!(outbox.next_deadline(), Some(now + Duration::from_millis(50)));
        assert_eq!(outbox.pop().map(|call| call.id), Some(1));
        assert_eq!(outbox.drain().len(), 1);
        assert!(outbox.is_empty() && outbox.next_deadline().is_none());
    }
}

//! The calls of a client across reconnects: queued, sent and awaiting their answers, and the joins to repeat.

pub(super) mod joins;
pub(super) mod outbox;
pub(super) mod pending;
mod retry;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

pub(super) use self::retry::too_many;

use self::joins::Joined;
use self::outbox::{Call, INTERNAL, Outbox};
use self::pending::{Pending, Sent};
use super::shared::Shared;
use super::throttle::Throttle;
use crate::item::{CallId, Failure, Item};
use crate::wire::tags::envelope::API_REQUEST_EVENT;
use crate::wire::{Chunk, Stream, StreamTooLong};

/// The distance of the next deadline if there is no call.
const FAR: Duration = Duration::from_secs(3600);

pub(super) struct Calls {
    shared: Arc<Shared>,
    pub outbox: Outbox,
    pub pending: Pending,
    pub joined: Joined,
    /// Bytes of incomplete raw answers, of all calls together.
    raw_held: usize,
    jitter: StdRng,
}

impl Calls {
    pub fn new(shared: Arc<Shared>, jitter: StdRng) -> Self {
        let options = &shared.options;
        Self {
            outbox: Outbox::default(),
            pending: Pending::default(),
            joined: Joined::new(options.max_joined),
            raw_held: 0,
            jitter,
            shared,
        }
    }

    /// The window of sent frames. All connections of the client share it.
    pub fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.shared.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn cancel(&mut self, id: CallId) {
        if self.outbox.cancel(id) {
            self.finished();
        } else if let Some(sent) = self.pending.cancel(id) {
            self.forget_raw(&sent);
            self.finished();
        }
    }

    /// Count a call of the bot as finished.
    pub fn finished(&self) {
        self.shared.stats.pending.fetch_sub(1, Relaxed);
    }

    /// Record a call as sent. Called before writing: if that fails, the outcome of the call is unknown.
    pub fn sent(&mut self, cid: u16, call: Call, now: Instant) {
        self.throttle().sent(cid, now);
        let Call { id, tag, body, deadline, refused } = call;
        self.pending.insert(cid, Sent { id, tag, body, deadline, refused, stream: Stream::default() });
    }

    /// Remove and return the call that an answer belongs to.
    pub fn take(&mut self, cid: u16) -> Option<Sent> {
        let sent = self.pending.take(cid)?;
        self.forget_raw(&sent);
        Some(sent)
    }

    /// Append a chunk to the answer of a call.
    pub fn raw(&mut self, chunk: Chunk, payload: &[u8]) -> Raw {
        let room = self.shared.options.max_raw.saturating_sub(self.raw_held);
        let Some(sent) = self.pending.get_mut(chunk.cid).filter(|sent| sent.tag == API_REQUEST_EVENT) else {
            return Raw::Unclaimed;
        };
        let held = sent.stream.len();
        let pushed = sent.stream.push(chunk, payload, held + room);
        // Subtracts everything that the stream no longer holds, whether it is complete or discarded.
        self.raw_held = self.raw_held - held + sent.stream.len();
        match pushed {
            Ok(None) => Raw::More,
            Ok(Some(body)) => Raw::Whole(body),
            Err(StreamTooLong) => Raw::TooLong,
        }
    }

    fn forget_raw(&mut self, sent: &Sent) {
        self.raw_held -= sent.stream.len();
    }

    /// Update the list of joins after an answered join or leave.
    pub fn joined(&mut self, tag: u32, body: &Bytes) {
        self.joined.answered(tag, body);
        self.shared.stats.joined.store(self.joined.len() as u64, Relaxed);
    }

    /// Returns when a call that the server has refused with 429 may be sent again; None if its deadline comes first.
    pub fn retry_at(&mut self, error: &[u8], sent: &Sent, now: Instant) -> Option<Instant> {
        let at = now + retry::delay(error, sent.refused, self.jitter.random());
        (at < sent.deadline).then_some(at)
    }

    /// Report to Python that a call gets no answer.
    pub fn fail(&self, call: CallId, failure: Failure) {
        if call != INTERNAL {
            self.finished();
            self.shared.inbox.push(Item::Failed { call, failure });
        }
    }

    /// Fail the calls that were sent, because the connection is lost.
    pub fn fail_sent(&mut self, reason: &str) {
        self.throttle().lost(Instant::now());
        self.raw_held = 0;
        for sent in self.pending.drain() {
            self.fail(sent.id, Failure::DeliveryUnknown(reason.into()));
        }
    }

    /// Fail every call, because there will be no further connection.
    pub fn fail_all(&mut self, reason: &str) {
        self.fail_sent(reason);
        for call in self.outbox.drain() {
            self.fail(call.id, Failure::Closed(reason.into()));
        }
    }

    /// Return the earliest deadline of all calls; far in the future if there is none.
    pub fn next_deadline(&mut self) -> Instant {
        let deadlines = [self.outbox.next_deadline(), self.pending.next_deadline()];
        deadlines.into_iter().flatten().fold(Instant::now() + FAR, Instant::min)
    }

    pub fn expire(&mut self, now: Instant) {
        for Call { id, .. } in self.outbox.take_expired(now) {
            self.fail(id, Failure::NotSent);
        }
        while let Some(sent) = self.pending.take_expired(now) {
            self.forget_raw(&sent);
            self.fail(sent.id, Failure::Timeout);
        }
    }
}

/// The effect of a chunk of a raw answer.
pub(super) enum Raw {
    /// No call awaits it, or the call does not expect chunks.
    Unclaimed,
    More,
    Whole(Vec<u8>),
    TooLong,
}

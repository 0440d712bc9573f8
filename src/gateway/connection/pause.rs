//! When the reader pauses: the inbox is full, or the store lags. TCP pushes back meanwhile.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use super::Connection;
use crate::gateway::{Shared, Stats};

/// How often a reader that waits for the store looks again.
const STORE_LOOK: Duration = Duration::from_millis(5);

/// Ends when the inbox has space.
pub(super) struct Pause {
    space: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Pause {
    fn new(shared: &Shared) -> Self {
        let inbox = shared.inbox.clone();
        Self { space: Box::pin(async move { inbox.wait_space().await }) }
    }
}

impl Connection<'_> {
    /// Hands the batch over. True when the reader pauses from now on.
    pub(super) fn hand_over(&mut self) -> bool {
        let full = !self.batch.is_empty() && self.shared.inbox.push_all(&mut self.batch);
        let pauses = (full && self.inbox_stops()) || self.store_lags();
        if pauses {
            Stats::add(&self.shared.stats.pauses, 1);
            self.pause = Some(Pause::new(&self.shared));
        }
        pauses
    }

    pub(super) fn may_read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(pause) = &mut self.pause else { return true };
        // A permit may be an old one: what counts is the depth, looked at once this task is sure to be woken.
        while pause.space.as_mut().poll(cx).is_ready() {
            *pause = Pause::new(&self.shared);
        }
        if self.inbox_stops() || self.store_lags() {
            return false;
        }
        self.pause = None;
        self.heartbeat.resumed(now);
        true
    }

    /// When to look whether the pause is over, if nothing will tell.
    pub(super) fn pause_look(&self, now: Instant) -> Option<Instant> {
        // The store wakes nobody. Whether it lags is not asked again: it may have caught up since `may_read` looked.
        let waits = self.pause.is_some() && self.shared.sink.is_some() && !self.shared.inbox.full();
        waits.then_some(now + STORE_LOOK)
    }

    /// Is the inbox full? While a call waits, its answer may lie behind more events, and whoever empties the inbox may
    /// wait for that answer: then twice as much is taken.
    fn inbox_stops(&self) -> bool {
        let inbox = &self.shared.inbox;
        if self.calls.pending.is_empty() { inbox.full() } else { inbox.flooded() }
    }

    fn store_lags(&self) -> bool {
        let sink = self.shared.sink.as_ref();
        sink.is_some_and(|sink| sink.backlog() > self.shared.options.max_store_backlog)
    }
}

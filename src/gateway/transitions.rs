//! Where the connection stands: the one place that goes from state to state, and tells it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::shared::Shared;
use super::stats::Stats;
use super::trace::Level;
use super::transport::Secrets;
use crate::item::Item;
use crate::state::State;

/// A connection that lived this long was a good one: the next loss is retried at once again.
const STABLE: Duration = Duration::from_secs(10);

pub(super) struct Transitions {
    shared: Arc<Shared>,
    pub generation: u64,
    /// What no reason may say.
    pub secrets: Secrets,
    state: State,
    /// It was ready once: from then on a loss is made good.
    pub was_ready: bool,
    ready_at: Option<Instant>,
    lost_at: Option<SystemTime>,
}

impl Transitions {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            // The handle has announced it: nobody may see Idle between `connect` and the task's first step.
            state: State::Connecting,
            generation: shared.stats.generation.load(Relaxed),
            secrets: Secrets::default(),
            was_ready: false,
            ready_at: None,
            lost_at: None,
            shared,
        }
    }

    pub fn next_generation(&mut self) {
        self.generation += 1;
        self.shared.stats.generation.store(self.generation, Relaxed);
    }

    pub fn enter(&mut self, state: State, reason: &str) {
        debug_assert!(
            self.state.may_become(state) || (self.state, state) == (State::Connecting, State::Connecting),
            "{} must not become {state}",
            self.state
        );
        let reason = self.secrets.redact(reason);
        self.shared.log(Level::Debug, || {
            let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            format!("{} -> {state}, generation {}{because}", self.state, self.generation)
        });
        self.state = state;
        self.shared.stats.set_state(state);
        self.shared.inbox.push(Item::State { state, generation: self.generation, reason });
        if state == State::Ready {
            self.was_ready = true;
            self.ready_at = Some(Instant::now());
            self.report_reconnect();
        }
    }

    fn report_reconnect(&mut self) {
        let Some(lost_at) = self.lost_at.take() else { return };
        Stats::add(&self.shared.stats.reconnects, 1);
        let (lost_at, back_at) = (epoch(lost_at), epoch(SystemTime::now()));
        self.shared.log(Level::Info, || format!("connected again after {:.1} s", back_at - lost_at));
        self.shared.inbox.push(Item::Reconnected { generation: self.generation, lost_at, back_at });
    }

    /// The connection is gone. Nothing came since `last_received_at`, however much later the loss was noticed. True when it had
    /// lived so long that the next attempt may begin anew.
    pub fn lost(&mut self, last_received_at: Instant) -> bool {
        let silence = last_received_at.elapsed();
        self.lost_at.get_or_insert_with(|| SystemTime::now() - silence);
        self.ready_at.take().is_some_and(|at| at.elapsed() >= STABLE)
    }
}

fn epoch(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

//! The state machine of the connection: the only place that changes the state and reports it.

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

/// After a connection that lasted this long, the next reconnect starts again without a delay.
const STABLE: Duration = Duration::from_secs(10);

pub(super) struct Transitions {
    shared: Arc<Shared>,
    pub generation: u64,
    /// The secrets to redact from reasons.
    pub secrets: Secrets,
    state: State,
    /// Whether the connection was ready once: from then on losses lead to reconnects.
    pub was_ready: bool,
    ready_at: Option<Instant>,
    lost_at: Option<SystemTime>,
}

impl Transitions {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            // The handle has set this state: Idle must not be visible between `connect` and the task's first step.
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

    /// Record a loss. The last frame arrived at `last_received_at`, however much later the loss was noticed.
    /// Returns true if the connection lasted long enough to reset the number of attempts.
    pub fn lost(&mut self, last_received_at: Instant) -> bool {
        let silence = last_received_at.elapsed();
        self.lost_at.get_or_insert_with(|| SystemTime::now() - silence);
        self.ready_at.take().is_some_and(|at| at.elapsed() >= STABLE)
    }
}

fn epoch(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

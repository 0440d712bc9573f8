//! The life of a connection across its losses: connect, pump, back off, get a new session, connect again.
//!
//! Everything runs in this one task, so there is one connection and one reconnect at a time by construction.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::calls::call::{Call, CallId, Failure, INTERNAL};
use super::calls::joined::Joined;
use super::calls::limiter::Limiter;
use super::calls::outbox::Outbox;
use super::calls::pending::Pending;
use super::connection::End;
use super::state::State;
use super::transport::{Lost, Transport};
use super::{Command, Shared};
use crate::inbox::Item;

/// A connection that lived this long was a good one: the next loss is retried at once again.
const STABLE: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) outbox: Outbox,
    pub(super) pending: Pending,
    pub(super) joined: Joined,
    pub(super) limiter: Limiter,
    /// Malformed frames are not reported before.
    pub(super) quiet_until: Option<Instant>,
    state: State,
    generation: u64,
    /// Python's answer to the last `SessionWanted`.
    answer: Option<Answer>,
    /// The handle wants the next attempt without a wait.
    pub(super) hurry: bool,
    attempt: u32,
    /// It was ready once: from then on a loss is made good.
    was_ready: bool,
    ready_at: Option<Instant>,
    /// When the last frame came, or the connection was made.
    pub(super) heard_at: Instant,
    lost_at: Option<SystemTime>,
    jitter: StdRng,
}

/// The reason of an end that was asked for.
pub(super) const CLOSED: &str = "closed by the client";

enum Answer {
    Session(String),
    Refused { fatal: bool, reason: String },
}

/// The handle asked for the end.
pub(super) struct Closing;

impl Session {
    pub(super) fn new(shared: Arc<Shared>, commands: mpsc::UnboundedReceiver<Command>) -> Self {
        let options = &shared.options;
        // A new list: what an earlier connection had joined is its own.
        shared.stats.joined.store(0, Relaxed);
        Self {
            commands,
            outbox: Outbox::default(),
            pending: Pending::default(),
            joined: Joined::new(options.max_joined),
            limiter: Limiter::new(options.rate_limit, options.rate_period),
            // The handle has announced it: nobody may see Idle between `connect` and this task's first step.
            state: State::Connecting,
            generation: shared.stats.generation.load(Relaxed),
            quiet_until: None,
            answer: None,
            hurry: false,
            attempt: 0,
            was_ready: false,
            ready_at: None,
            heard_at: Instant::now(),
            lost_at: None,
            jitter: options.jitter_seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64),
            shared,
        }
    }

    pub(super) async fn run(mut self, url: String) {
        // A panic is a defect of ours: it ends this connection, not the bot, and leaves no call without an outcome.
        let living = AssertUnwindSafe(self.live(url)).catch_unwind().await;
        let reason = living.unwrap_or_else(|_| "a defect in the core; please report it".into());
        self.commands.close();
        // Unlike `try_recv` this waits for an order that is being queued right now.
        while let Some(command) = self.commands.recv().await {
            if let Command::Call(call) = command {
                self.outbox.push(call);
            }
        }
        self.fail_sent(&reason);
        for call in self.outbox.drain() {
            self.fail(call.id, Failure::Closed(reason.clone()));
        }
        self.enter(State::Closed, reason);
    }

    /// Returns why it ended.
    async fn live(&mut self, first_url: String) -> String {
        let mut url = first_url;
        self.next_generation();
        loop {
            let end = match self.connect(&url).await {
                Ok(Ok(transport)) => self.pump(transport).await,
                Ok(Err(Lost(reason))) => End::Lost(reason),
                Err(Closing) => End::Closed,
            };
            let reason = match end {
                End::Closed => return CLOSED.into(),
                End::Lost(reason) => reason,
            };
            self.fail_sent(&reason);
            if !self.was_ready || !self.shared.auto_reconnect.load(Relaxed) {
                return reason;
            }
            if self.ready_at.take().is_some_and(|at| at.elapsed() >= STABLE) {
                self.attempt = 0;
            }
            // Nothing came after the last frame, however much later the loss was noticed.
            let silence = self.heard_at.elapsed();
            self.lost_at.get_or_insert_with(|| SystemTime::now() - silence);
            match self.next_url(reason).await {
                Ok(next) => url = next,
                Err(reason) => return reason,
            }
        }
    }

    /// Backs off and gets a session, as often as it takes. An error says why there will be none.
    async fn next_url(&mut self, mut reason: String) -> Result<String, String> {
        loop {
            self.attempt = self.attempt.saturating_add(1);
            if let Some(max) = self.shared.options.reconnect_max_attempts
                && self.attempt > max
            {
                return Err(format!(
                    "gave up after {max} attempts to reconnect; the last one failed: {reason}"
                ));
            }
            self.next_generation();
            let delay = self.shared.options.backoff.delay(self.attempt, self.jitter.random());
            self.enter(State::Backoff, reason);
            self.wait(Instant::now() + delay, |session| session.hurry).await.map_err(|Closing| CLOSED)?;
            self.hurry = false;
            self.enter(State::Authenticating, String::new());
            match self.session().await.map_err(|Closing| CLOSED)? {
                Some(Answer::Session(url)) => return Ok(url),
                Some(Answer::Refused { fatal: true, reason }) => return Err(reason),
                Some(Answer::Refused { reason: why, .. }) => reason = why,
                None => reason = "no session came in time: is the event loop blocked?".into(),
            }
        }
    }

    async fn session(&mut self) -> Result<Option<Answer>, Closing> {
        self.answer = None;
        self.emit(Item::SessionWanted { generation: self.generation, attempt: self.attempt });
        let until = Instant::now() + self.shared.options.session_timeout;
        self.wait(until, |session| session.answer.is_some()).await?;
        Ok(self.answer.take())
    }

    /// Waits until it is done or time is up; orders are taken and deadlines watched meanwhile.
    async fn wait(&mut self, until: Instant, done: impl Fn(&Self) -> bool) -> Result<(), Closing> {
        while !done(self) && Instant::now() < until {
            match timeout_at(until.min(self.next_deadline()), self.commands.recv()).await {
                Ok(Some(command)) => self.take(command)?,
                Ok(None) => return Err(Closing),
                Err(_) => self.expire(Instant::now()),
            }
        }
        Ok(())
    }

    async fn connect(&mut self, url: &str) -> Result<Result<Box<dyn Transport>, Lost>, Closing> {
        self.enter(State::Connecting, String::new());
        let limit = self.shared.options.connect_timeout;
        let connecting = timeout(limit, self.shared.connector.connect(url));
        let outcome = self.drive(connecting).await?;
        Ok(outcome.unwrap_or_else(|_| Err(Lost(format!("no connection within {} s", limit.as_secs_f64())))))
    }

    /// Drives a future to its end; orders are taken and deadlines watched meanwhile.
    async fn drive<F: Future>(&mut self, future: F) -> Result<F::Output, Closing> {
        let mut future = pin!(future);
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.take(command)?,
                    None => return Err(Closing),
                },
                output = &mut future => return Ok(output),
                () = sleep_until(deadline) => self.expire(Instant::now()),
            }
        }
    }

    /// Obeys an order that needs no open connection.
    pub(super) fn take(&mut self, command: Command) -> Result<(), Closing> {
        match command {
            Command::Call(call) => self.outbox.push(call),
            Command::Cancel(id) => {
                if self.outbox.cancel(id) || self.pending.cancel(id) {
                    self.shared.stats.pending.fetch_sub(1, Relaxed);
                }
            }
            Command::Session { generation, url } if generation == self.generation => {
                self.answer = Some(Answer::Session(url));
            }
            Command::Refused { generation, fatal, reason } if generation == self.generation => {
                self.answer = Some(Answer::Refused { fatal, reason });
            }
            // An older generation's answer.
            Command::Session { .. } | Command::Refused { .. } => {}
            // There is nothing to lose: an attempt under way is what was ordered, or the next one, which comes now.
            Command::Close { for_good: false } => self.hurry = true,
            Command::Close { for_good: true } => return Err(Closing),
        }
        Ok(())
    }

    fn next_generation(&mut self) {
        self.generation += 1;
        self.shared.stats.generation.store(self.generation, Relaxed);
    }

    pub(super) fn enter(&mut self, state: State, reason: String) {
        debug_assert!(
            self.state.may_become(state) || (self.state, state) == (State::Connecting, State::Connecting),
            "{} must not become {state}",
            self.state
        );
        self.state = state;
        self.shared.stats.set_state(state);
        if state == State::Ready {
            self.was_ready = true;
            self.hurry = false;
            self.ready_at = Some(Instant::now());
        }
        self.emit(Item::State { state, generation: self.generation, reason });
        if state == State::Ready
            && let Some(lost_at) = self.lost_at.take()
        {
            super::Stats::add(&self.shared.stats.reconnects, 1);
            let (lost_at, back_at) = (epoch(lost_at), epoch(SystemTime::now()));
            self.emit(Item::Reconnected { generation: self.generation, lost_at, back_at });
        }
    }

    pub(super) fn emit(&self, item: Item) {
        self.shared.inbox.push(item);
    }

    /// Tells Python that a call gets no answer.
    pub(super) fn fail(&self, call: CallId, failure: Failure) {
        if call == INTERNAL {
            return;
        }
        self.shared.stats.pending.fetch_sub(1, Relaxed);
        self.emit(Item::Failed { call, failure });
    }

    /// The connection is gone: what was sent will not be answered.
    pub(super) fn fail_sent(&mut self, reason: &str) {
        for sent in self.pending.drain() {
            self.fail(sent.id, Failure::DeliveryUnknown(reason.into()));
        }
    }

    /// The earliest deadline of any call; far away when there is none.
    pub(super) fn next_deadline(&mut self) -> Instant {
        let far = Instant::now() + std::time::Duration::from_secs(3600);
        [self.outbox.next_deadline(), self.pending.next_deadline()]
            .into_iter()
            .flatten()
            .fold(far, Instant::min)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        for Call { id, .. } in self.outbox.take_expired(now) {
            self.fail(id, Failure::NotSent);
        }
        while let Some(sent) = self.pending.take_expired(now) {
            self.fail(sent.id, Failure::Timeout);
        }
    }
}

fn epoch(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

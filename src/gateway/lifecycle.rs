//! The life of a connection across its losses: connect, stay, back off, get a new session, connect again.
//!
//! Everything runs in this one task, so there is one connection and one reconnect at a time by construction. Only this
//! file enters states: the open connection reports what has become of it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::FutureExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::Shared;
use super::calls::Calls;
use super::connection::{Complaints, Connection, Event};
use super::moves::Moves;
use super::orders::{Closing, Command, Orders, Renewal};
use super::state::State;
use super::trace::Level;
use super::transport::{Cause, Endpoint, GREETING, Kind, Lost, Transport};
use crate::inbox::Item;

/// The reason of an end that was asked for.
pub(super) const CLOSED: &str = "closed by the client";

pub(super) struct Lifecycle {
    shared: Arc<Shared>,
    orders: Orders,
    calls: Calls,
    moves: Moves,
    complaints: Complaints,
    attempt: u32,
    jitter: StdRng,
}

/// What became of an attempt to connect.
enum Attempt {
    Open(Kind, Box<dyn Transport>),
    Failed(String),
    Closing,
}

/// What became of a connection.
enum End {
    Lost(String),
    Closed,
}

impl Lifecycle {
    pub fn new(shared: Arc<Shared>, commands: mpsc::UnboundedReceiver<Command>) -> Self {
        // A new list: what an earlier connection had joined is its own.
        shared.stats.joined.store(0, Relaxed);
        let mut jitter = shared.options.jitter_seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64);
        Self {
            orders: Orders::new(commands),
            calls: Calls::new(shared.clone(), StdRng::seed_from_u64(jitter.random())),
            moves: Moves::new(shared.clone()),
            complaints: Complaints::default(),
            attempt: 0,
            jitter,
            shared,
        }
    }

    pub async fn run(mut self, urls: Vec<String>) {
        // A panic is a defect of ours: it ends this connection, not the bot, and leaves no call without an outcome.
        let living = AssertUnwindSafe(self.live(urls)).catch_unwind().await;
        let reason = living.unwrap_or_else(|_| "a defect in the core; please report it".into());
        let reason = self.moves.secrets.hide(&reason);
        self.shared.stats.set_transport(None);
        self.orders.end(&mut self.calls).await;
        self.calls.fail_all(&reason);
        self.moves.enter(State::Closed, &reason);
    }

    /// Returns why it ended.
    async fn live(&mut self, first_urls: Vec<String>) -> String {
        let mut urls = first_urls;
        self.next_generation();
        loop {
            let end = match self.connect(&urls).await {
                Attempt::Open(kind, transport) => self.stay(kind, transport).await,
                Attempt::Failed(reason) => End::Lost(reason),
                Attempt::Closing => End::Closed,
            };
            let reason = match end {
                End::Closed => return CLOSED.into(),
                End::Lost(reason) => self.moves.secrets.hide(&reason),
            };
            self.calls.fail_sent(&reason);
            if !self.moves.was_ready || !self.shared.auto_reconnect.load(Relaxed) {
                return reason;
            }
            match self.next_urls(reason).await {
                Ok(next) => urls = next,
                Err(reason) => return reason,
            }
        }
    }

    /// Backs off and gets a session, as often as it takes. An error says why there will be none.
    async fn next_urls(&mut self, mut reason: String) -> Result<Vec<String>, String> {
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
            self.moves.enter(State::Backoff, &reason);
            self.shared.tell(Level::Info, || {
                format!("attempt {} to connect again, in {:.1} s", self.attempt, delay.as_secs_f64())
            });
            self.wait(Instant::now() + delay, |orders| orders.hurry).await.map_err(|Closing| CLOSED)?;
            self.orders.hurry = false;
            self.moves.enter(State::Authenticating, "");
            match self.session().await.map_err(|Closing| CLOSED)? {
                Some(Renewal::Granted(urls)) => return Ok(urls),
                Some(Renewal::Refused { fatal: true, reason }) => return Err(reason),
                Some(Renewal::Refused { reason: why, .. }) => reason = why,
                None => reason = "no session came in time: is the event loop blocked?".into(),
            }
        }
    }

    async fn session(&mut self) -> Result<Option<Renewal>, Closing> {
        self.orders.renewal = None;
        let generation = self.moves.generation;
        self.shared.inbox.push(Item::SessionWanted { generation, attempt: self.attempt });
        let until = Instant::now() + self.shared.options.session_timeout;
        self.wait(until, |orders| orders.renewal.is_some()).await?;
        Ok(self.orders.renewal.take())
    }

    /// Waits until it is done or time is up; orders are taken and deadlines watched meanwhile.
    async fn wait(&mut self, until: Instant, done: impl Fn(&Orders) -> bool) -> Result<(), Closing> {
        while !done(&self.orders) && Instant::now() < until {
            match timeout_at(until.min(self.calls.next_deadline()), self.orders.next()).await {
                Ok(command) => self.orders.obey(command?, &mut self.calls)?,
                Err(_) => self.calls.expire(Instant::now()),
            }
        }
        Ok(())
    }

    /// Tries the URLs one after the other, within one time limit.
    async fn connect(&mut self, urls: &[String]) -> Attempt {
        self.moves.enter(State::Connecting, "");
        let endpoints = match self.shared.routes.order(urls) {
            Ok(endpoints) => endpoints,
            Err(lost) => return Attempt::Failed(lost.reason),
        };
        self.moves.secrets.learn(&endpoints);
        let mut left = self.shared.options.connect_timeout;
        let mut reasons: Vec<String> = Vec::new();
        for (tried, endpoint) in endpoints.iter().enumerate() {
            let share = left / (endpoints.len() - tried) as u32;
            if endpoint.kind.greets() && self.place_for_greeting().await.is_err() {
                return Attempt::Closing;
            }
            let started = Instant::now();
            let connecting = timeout(share, self.shared.connector.connect(endpoint));
            let outcome = match self.drive(connecting).await {
                Ok(outcome) => outcome.unwrap_or_else(|_| Err(too_slow(share))),
                Err(Closing) => return Attempt::Closing,
            };
            let lost = match outcome {
                Ok(transport) => return self.opened(endpoint, started, transport),
                Err(lost) => lost,
            };
            // A greeting that went out counts, whoever took it.
            self.calls.throttle().lost(Instant::now());
            left = left.saturating_sub(started.elapsed());
            // The server names the host, too.
            let text = || self.moves.secrets.hide(&format!("no connection to {endpoint}: {}", lost.reason));
            self.shared.tell(Level::Info, text);
            reasons.push(lost.reason);
            if lost.cause == Cause::Credential {
                break;
            }
        }
        Attempt::Failed(reasons.join("; then: "))
    }

    /// Takes the place of the ping that goes with a handshake, which the server counts like any other. What went out
    /// before a loss may fill its second.
    async fn place_for_greeting(&mut self) -> Result<(), Closing> {
        loop {
            let now = Instant::now();
            let room = self.calls.throttle().room_for_ping(now);
            match room {
                Ok(()) => break self.calls.throttle().sent(GREETING, now),
                Err(until) => self.wait(until, |_| false).await?,
            }
        }
        Ok(())
    }

    fn opened(&self, endpoint: &Endpoint, started: Instant, transport: Box<dyn Transport>) -> Attempt {
        self.shared.routes.worked(endpoint.kind);
        let seconds = started.elapsed().as_secs_f64();
        let text = || self.moves.secrets.hide(&format!("connected to {endpoint} in {seconds:.3} s"));
        self.shared.tell(Level::Info, text);
        Attempt::Open(endpoint.kind, transport)
    }

    /// Drives a future to its end; orders are taken and deadlines watched meanwhile.
    async fn drive<F: Future>(&mut self, future: F) -> Result<F::Output, Closing> {
        let mut future = pin!(future);
        loop {
            let deadline = self.calls.next_deadline();
            tokio::select! {
                biased;
                command = self.orders.next() => self.orders.obey(command?, &mut self.calls)?,
                output = &mut future => return Ok(output),
                () = sleep_until(deadline) => self.calls.expire(Instant::now()),
            }
        }
    }

    /// Uses an open connection until it is lost or closed.
    async fn stay(&mut self, kind: Kind, transport: Box<dyn Transport>) -> End {
        self.shared.stats.set_transport(Some(kind));
        self.moves.enter(State::Joining, "");
        let secrets = self.moves.secrets.clone();
        let (calls, orders, complaints) = (&mut self.calls, &mut self.orders, &mut self.complaints);
        let mut connection =
            Connection::new(self.shared.clone(), transport, calls, orders, complaints, secrets);
        let end = loop {
            match connection.next().await {
                Event::Ready => {
                    self.moves.enter(State::Ready, "");
                    connection.ready();
                }
                Event::Lost(Lost { reason, .. }) => {
                    self.shared.tell(Level::Info, || format!("lost: {}", self.moves.secrets.hide(&reason)));
                    break End::Lost(reason);
                }
                Event::GivenUp => break End::Lost("given up by the client".into()),
                Event::Closed => {
                    connection.say_goodbye(CLOSED).await;
                    break End::Closed;
                }
            }
        };
        let heard_at = connection.heard_at();
        drop(connection);
        self.shared.stats.set_transport(None);
        if self.moves.lost(heard_at) {
            self.attempt = 0;
        }
        end
    }

    fn next_generation(&mut self) {
        self.moves.next_generation();
        self.orders.generation = self.moves.generation;
    }
}

fn too_slow(limit: Duration) -> Lost {
    Lost::new(format!("no connection within {} s", (limit.as_secs_f64() * 10.0).round() / 10.0))
}

//! The lifecycle of a connection across reconnects: connect, run, back off, get a new session, connect again.
//!
//! Everything runs in this one task, so there is never more than one connection or one reconnect. Only this file
//! enters states; the open connection reports what happened.

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

use super::calls::Calls;
use super::commands::{Closing, Command, CommandQueue, Renewal};
use super::connection::{Connection, Event, LogThrottle};
use super::shared::Shared;
use super::trace::Level;
use super::transitions::Transitions;
use super::transport::{Cause, Endpoint, HANDSHAKE_PING, Kind, Lost, Transport, record};
use crate::item::Item;
use crate::state::State;

/// The reason of a requested close.
pub(super) const CLOSED: &str = "closed by the client";

pub(super) struct Lifecycle {
    shared: Arc<Shared>,
    commands: CommandQueue,
    calls: Calls,
    transitions: Transitions,
    log_throttle: LogThrottle,
    attempt: u32,
    jitter: StdRng,
}

/// The outcome of an attempt to connect.
enum Attempt {
    Open(Kind, Box<dyn Transport>),
    Failed(String),
    Closing,
}

/// The outcome of a connection.
enum End {
    Lost(String),
    Closed,
}

impl Lifecycle {
    pub fn new(shared: Arc<Shared>, commands: mpsc::UnboundedReceiver<Command>) -> Self {
        // The list is new: an earlier connection's joins do not count.
        shared.stats.joined.store(0, Relaxed);
        let mut jitter = shared.options.jitter_seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64);
        Self {
            commands: CommandQueue::new(commands),
            calls: Calls::new(shared.clone(), StdRng::seed_from_u64(jitter.random())),
            transitions: Transitions::new(shared.clone()),
            log_throttle: LogThrottle::default(),
            attempt: 0,
            jitter,
            shared,
        }
    }

    pub async fn run(mut self, urls: Vec<String>) {
        // A panic is a bug in the core: it ends this connection, not the bot, and leaves no call without an
        // outcome.
        let outcome = AssertUnwindSafe(self.run_until_closed(urls)).catch_unwind().await;
        let reason = outcome.unwrap_or_else(|_| "a bug in the core; please report it".into());
        let reason = self.transitions.secrets.redact(&reason);
        self.shared.stats.set_transport(None);
        self.commands.end(&mut self.calls).await;
        self.calls.fail_all(&reason);
        self.transitions.enter(State::Closed, &reason);
    }

    /// Connect and reconnect until the connection is closed for good. Returns the reason.
    async fn run_until_closed(&mut self, first_urls: Vec<String>) -> String {
        let mut urls = first_urls;
        self.next_generation();
        loop {
            let end = match self.connect(&urls).await {
                Attempt::Open(kind, transport) => self.run_connection(kind, transport).await,
                Attempt::Failed(reason) => End::Lost(reason),
                Attempt::Closing => End::Closed,
            };
            let reason = match end {
                End::Closed => return CLOSED.into(),
                End::Lost(reason) => self.transitions.secrets.redact(&reason),
            };
            self.calls.fail_sent(&reason);
            if !self.transitions.was_ready || !self.shared.auto_reconnect.load(Relaxed) {
                return reason;
            }
            match self.next_urls(reason).await {
                Ok(next) => urls = next,
                Err(reason) => return reason,
            }
        }
    }

    /// Back off and request a session until there is one. The error says why there will be none.
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
            self.transitions.enter(State::Backoff, &reason);
            self.shared.log(Level::Info, || {
                format!("attempt {} to connect again, in {:.1} s", self.attempt, delay.as_secs_f64())
            });
            self.wait(Instant::now() + delay, |commands| commands.reconnect_now)
                .await
                .map_err(|Closing| CLOSED)?;
            self.commands.reconnect_now = false;
            self.transitions.enter(State::Authenticating, "");
            match self.session().await.map_err(|Closing| CLOSED)? {
                Some(Renewal::Granted(urls)) => return Ok(urls),
                Some(Renewal::Refused { fatal: true, reason }) => return Err(reason),
                Some(Renewal::Refused { reason: why, .. }) => reason = why,
                None => reason = "no session arrived in time: is the event loop blocked?".into(),
            }
        }
    }

    async fn session(&mut self) -> Result<Option<Renewal>, Closing> {
        self.commands.renewal = None;
        let generation = self.transitions.generation;
        self.shared.inbox.push(Item::SessionWanted { generation, attempt: self.attempt });
        let until = Instant::now() + self.shared.options.session_timeout;
        self.wait(until, |commands| commands.renewal.is_some()).await?;
        Ok(self.commands.renewal.take())
    }

    /// Wait until `done` or `until`; commands are applied and deadlines checked meanwhile.
    async fn wait(&mut self, until: Instant, done: impl Fn(&CommandQueue) -> bool) -> Result<(), Closing> {
        while !done(&self.commands) && Instant::now() < until {
            match timeout_at(until.min(self.calls.next_deadline()), self.commands.next()).await {
                Ok(command) => self.commands.apply(command?, &mut self.calls)?,
                Err(_) => self.calls.expire(Instant::now()),
            }
        }
        Ok(())
    }

    /// Try the URLs one after the other, within one time limit.
    async fn connect(&mut self, urls: &[String]) -> Attempt {
        self.transitions.enter(State::Connecting, "");
        let endpoints = match self.shared.routes.order(urls) {
            Ok(endpoints) => endpoints,
            Err(lost) => return Attempt::Failed(lost.reason),
        };
        self.transitions.secrets.add(&endpoints);
        let mut left = self.shared.options.connect_timeout;
        let mut reasons: Vec<String> = Vec::new();
        for (tried, endpoint) in endpoints.iter().enumerate() {
            let share = left / (endpoints.len() - tried) as u32;
            if endpoint.kind.pings_in_handshake() && self.reserve_handshake_ping().await.is_err() {
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
            // A handshake ping that was sent counts, whoever has received it.
            self.calls.throttle().lost(Instant::now());
            left = left.saturating_sub(started.elapsed());
            // The server's text may contain the host.
            let text =
                || self.transitions.secrets.redact(&format!("no connection to {endpoint}: {}", lost.reason));
            self.shared.log(Level::Info, text);
            reasons.push(lost.reason);
            if lost.cause == Cause::Credential {
                break;
            }
        }
        Attempt::Failed(reasons.join("; then: "))
    }

    /// Wait for a slot in the throttle for the ping of a handshake: the server counts it like any other frame, and
    /// the frames before a loss may have filled the window.
    async fn reserve_handshake_ping(&mut self) -> Result<(), Closing> {
        loop {
            let now = Instant::now();
            let room = self.calls.throttle().check_ping(now);
            match room {
                Ok(()) => break self.calls.throttle().sent(HANDSHAKE_PING, now),
                Err(until) => self.wait(until, |_| false).await?,
            }
        }
        Ok(())
    }

    fn opened(&self, endpoint: &Endpoint, started: Instant, transport: Box<dyn Transport>) -> Attempt {
        self.shared.routes.worked(endpoint.kind);
        let seconds = started.elapsed().as_secs_f64();
        let text = || self.transitions.secrets.redact(&format!("connected to {endpoint} in {seconds:.3} s"));
        self.shared.log(Level::Info, text);
        let transport = match &self.shared.options.recorder {
            Some(recorder) => record(endpoint.kind, transport, recorder),
            None => transport,
        };
        Attempt::Open(endpoint.kind, transport)
    }

    /// Drive a future to completion; commands are applied and deadlines checked meanwhile.
    async fn drive<F: Future>(&mut self, future: F) -> Result<F::Output, Closing> {
        let mut future = pin!(future);
        loop {
            let deadline = self.calls.next_deadline();
            tokio::select! {
                biased;
                command = self.commands.next() => self.commands.apply(command?, &mut self.calls)?,
                output = &mut future => return Ok(output),
                () = sleep_until(deadline) => self.calls.expire(Instant::now()),
            }
        }
    }

    /// Use an open connection until it is lost or closed.
    async fn run_connection(&mut self, kind: Kind, transport: Box<dyn Transport>) -> End {
        self.shared.stats.set_transport(Some(kind));
        self.transitions.enter(State::Joining, "");
        let secrets = self.transitions.secrets.clone();
        let (calls, commands, log_throttle) = (&mut self.calls, &mut self.commands, &mut self.log_throttle);
        let mut connection =
            Connection::new(self.shared.clone(), transport, calls, commands, log_throttle, secrets);
        let end = loop {
            match connection.next().await {
                Event::Ready => {
                    self.transitions.enter(State::Ready, "");
                    connection.ready();
                }
                Event::Lost(Lost { reason, .. }) => {
                    self.shared
                        .log(Level::Info, || format!("lost: {}", self.transitions.secrets.redact(&reason)));
                    break End::Lost(reason);
                }
                Event::ReconnectRequested => break End::Lost("given up by the client".into()),
                Event::Closed => {
                    connection.close_gracefully(CLOSED).await;
                    break End::Closed;
                }
            }
        };
        let last_received_at = connection.last_received_at();
        drop(connection);
        self.shared.stats.set_transport(None);
        if self.transitions.lost(last_received_at) {
            self.attempt = 0;
        }
        end
    }

    fn next_generation(&mut self) {
        self.transitions.next_generation();
        self.commands.generation = self.transitions.generation;
    }
}

fn too_slow(limit: Duration) -> Lost {
    Lost::new(format!("no connection within {} s", (limit.as_secs_f64() * 10.0).round() / 10.0))
}

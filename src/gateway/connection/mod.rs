//! One open connection: reading, writing, heartbeat and deadlines, until it is lost or closed.
//!
//! A single hand-polled future, for three reasons: reading continues while a write is blocked, all available
//! frames are read in one go, and the inbox is locked once for all of them. It enters no states but reports what
//! happened.

mod inbound;
mod outbound;

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until, timeout};

use self::inbound::Pause;
use super::calls::Calls;
use super::calls::joins::Rejoin;
use super::commands::{Closing, Command, CommandQueue};
use super::heartbeat::{Beat, Heartbeat, SILENT};
use super::shared::Shared;
use super::transport::Secrets;
use super::transport::{Lost, Transport};
use crate::item::Item;

/// The maximum number of frames or commands that are processed before other work gets a turn.
const MAX_PER_TURN: usize = 256;
/// How long the peer may take to close the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What happened to the connection.
pub(super) enum Event {
    /// All joins are repeated, or their time is up. Reported once.
    Ready,
    Lost(Lost),
    /// The handle has requested a reconnect.
    ReconnectRequested,
    /// The handle has requested the close.
    Closed,
}

/// When the next malformed frame is reported. Outlives the connection.
#[derive(Default)]
pub(super) struct LogThrottle {
    quiet_until: Option<Instant>,
}

pub(super) struct Connection<'a> {
    shared: Arc<Shared>,
    transport: Box<dyn Transport>,
    calls: &'a mut Calls,
    commands: &'a mut CommandQueue,
    log_throttle: &'a mut LogThrottle,
    secrets: Secrets,
    heartbeat: Heartbeat,
    rejoin: Rejoin,
    /// Whether calls are sent, and not only joins.
    ready: bool,
    batch: Vec<Item>,
    pause: Option<Pause>,
    /// The cids of the server's pings that await their answer.
    pongs: Vec<u16>,
    ping_requested: bool,
    unflushed: bool,
    limited_until: Option<Instant>,
    /// When the last frame was received; initially when the connection was opened.
    last_received_at: Instant,
    /// The number of received bytes at the last sign of life.
    life: u64,
    timer: Pin<Box<Sleep>>,
}

impl<'a> Connection<'a> {
    pub fn new(
        shared: Arc<Shared>,
        transport: Box<dyn Transport>,
        calls: &'a mut Calls,
        commands: &'a mut CommandQueue,
        log_throttle: &'a mut LogThrottle,
        secrets: Secrets,
    ) -> Self {
        let now = Instant::now();
        let options = &shared.options;
        Self {
            heartbeat: Heartbeat::new(options.heartbeat_interval, options.heartbeat_timeout, now),
            rejoin: Rejoin::new(&calls.joined, now + options.rejoin_timeout),
            life: transport.bytes_read(),
            shared,
            transport,
            calls,
            commands,
            log_throttle,
            secrets,
            ready: false,
            // Allocated at the first burst: in a process with a thousand connections most have none.
            batch: Vec::new(),
            pause: None,
            pongs: Vec::new(),
            // The first ping is sent at once, to measure the round trip and to detect a dead peer early.
            ping_requested: true,
            unflushed: false,
            limited_until: None,
            last_received_at: now,
            timer: Box::pin(sleep_until(now)),
        }
    }

    /// Run until there is something to report.
    pub async fn next(&mut self) -> Event {
        poll_fn(|cx| self.turn(cx)).await
    }

    /// Start sending calls, after [`Event::Ready`] was reported.
    pub fn ready(&mut self) {
        self.ready = true;
        self.commands.reconnect_now = false;
    }

    pub fn last_received_at(&self) -> Instant {
        self.last_received_at
    }

    /// Fail the sent calls, and close the connection in order if the peer is responsive.
    pub async fn close_gracefully(&mut self, reason: &str) {
        self.calls.fail_sent(reason);
        if self.heartbeat.silent_for(Instant::now()) < CLOSE_TIMEOUT {
            let _ = timeout(CLOSE_TIMEOUT, poll_fn(|cx| self.transport.poll_close(cx))).await;
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            let mut busy = match self.apply(cx) {
                Ok(more) => more,
                Err(event) => return Poll::Ready(event),
            };
            let now = Instant::now();
            // Read first: the verdict on a silent peer or an expired call must consider what has arrived.
            match self.read(cx, now).and_then(|more| self.tick(now).map(|ready| (more, ready))) {
                Ok((_, true)) => return Poll::Ready(Event::Ready),
                Ok((more, false)) => busy |= more,
                Err(lost) => return Poll::Ready(Event::Lost(lost)),
            }
            if let Err(lost) = self.write(cx, now) {
                return Poll::Ready(Event::Lost(lost));
            }
            // The answer to the last join may have just been read: the next tick reports readiness.
            if busy || (!self.ready && self.rejoin.done()) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let next = self.next_instant(now);
            if self.timer.deadline() != next {
                self.timer.as_mut().reset(next);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Apply the queued commands. Returns true if there may be more.
    fn apply(&mut self, cx: &mut Context<'_>) -> Result<bool, Event> {
        for _ in 0..MAX_PER_TURN {
            match self.commands.poll_next(cx) {
                Poll::Ready(Ok(Command::Reconnect)) => {
                    self.commands.reconnect_now = true;
                    return Err(Event::ReconnectRequested);
                }
                Poll::Ready(Ok(Command::Ping)) => self.ping_requested = true,
                Poll::Ready(command) => {
                    let applied = command.and_then(|command| self.commands.apply(command, self.calls));
                    applied.map_err(|Closing| Event::Closed)?;
                }
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Check the heartbeat and the deadlines. Returns true if calls may be sent from now on.
    fn tick(&mut self, now: Instant) -> Result<bool, Lost> {
        if let Beat::Dead = self.heartbeat.poll(now, self.pause.is_some()) {
            let waited = self.shared.options.heartbeat_timeout.as_secs_f64();
            return Err(Lost::new(format!("{SILENT} {waited} s after a ping")));
        }
        self.calls.expire(now);
        Ok(!self.ready && (now >= self.rejoin.until || self.rejoin.done()))
    }

    fn next_instant(&mut self, now: Instant) -> Instant {
        let mut next = self.calls.next_deadline();
        let paused = self.pause.is_some();
        match self.heartbeat.poll(now, paused) {
            Beat::Wait(at) => next = next.min(at),
            // The ping is due but could not be sent.
            Beat::Ping => next = self.heartbeat.dead_at(paused).map_or(next, |at| next.min(at)),
            Beat::Dead => next = now,
        }
        let unready = (!self.ready).then_some(self.rejoin.until);
        let others = [self.limited_until, unready, self.next_backpressure_check(now)];
        others.into_iter().flatten().fold(next, Instant::min)
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // Not empty only after a panic: these answers were counted as delivered.
        self.shared.inbox.push_all(&mut self.batch);
    }
}

//! One open connection: reads, writes, heartbeat, deadlines, until it is lost or closed.
//!
//! A single hand-polled future, for three reasons: reading goes on while a write is stuck, frames that are there are
//! taken in one go, and the inbox is locked once for all of them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::calls::call::{Call, Failure, INTERNAL};
use super::calls::pending::Sent;
use super::heartbeat::{Beat, Heartbeat};
use super::lifecycle::{CLOSED, Closing, Session};
use super::state::State;
use super::transport::{Frame, Lost, Transport};
use super::{Command, Shared, Stats};
use crate::inbox::Item;
use crate::wire::tags::envelope as tags;
use crate::wire::{Chunk, Header, Inbound, Malformed, Peek, Stream, classify, encode_envelope, sent_message};

/// How many frames or commands are taken before the others get a turn.
const TURN: usize = 256;
/// How long the other side may take to say good-bye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a reader that waits for the store looks again.
const STORE_LOOK: Duration = Duration::from_millis(5);
/// Malformed frames are reported at most this often.
const MALFORMED_REPORT: Duration = Duration::from_secs(60);
/// Bodies up to this size are copied, so that a small event does not keep a large read buffer alive.
const COPY_MAX: usize = 64 << 10;

pub(super) enum End {
    Lost(String),
    Closed,
}

impl Session {
    pub(super) async fn pump(&mut self, mut transport: Box<dyn Transport>) -> End {
        let now = Instant::now();
        let options = &self.shared.options;
        let mut pump = Pump {
            heartbeat: Heartbeat::new(options.heartbeat_interval, options.heartbeat_timeout, now),
            rejoins: self.joined.calls().into_iter().rev().collect(),
            rejoining: 0,
            rejoin_until: now + options.rejoin_timeout,
            joins_turn: false,
            ready: false,
            batch: Vec::with_capacity(TURN),
            pause: None,
            unflushed: false,
            limited_until: None,
            timer: Box::pin(sleep_until(now)),
            session: self,
        };
        pump.session.heard_at = now;
        pump.session.enter(State::Joining, String::new());
        let end = poll_fn(|cx| pump.turn(cx, &mut *transport)).await;
        let silent = pump.heartbeat.silent_for(Instant::now()) >= CLOSE_TIMEOUT;
        drop(pump);
        if matches!(end, End::Closed) {
            self.fail_sent(CLOSED);
        }
        if matches!(end, End::Closed) && !silent {
            let _ = timeout(CLOSE_TIMEOUT, poll_fn(|cx| transport.poll_close(cx))).await;
        }
        end
    }
}

/// Why the reader pauses.
struct Pause {
    space: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Pause {
    fn new(shared: &Shared) -> Self {
        let inbox = shared.inbox.clone();
        Self { space: Box::pin(async move { inbox.wait_space().await }) }
    }
}

struct Pump<'a> {
    session: &'a mut Session,
    heartbeat: Heartbeat,
    /// Joins still to be sent, the next one last.
    rejoins: Vec<(u32, Bytes)>,
    /// Joins sent and not answered.
    rejoining: usize,
    rejoin_until: Instant,
    /// The last one sent was a join.
    joins_turn: bool,
    ready: bool,
    batch: Vec<Item>,
    pause: Option<Pause>,
    unflushed: bool,
    limited_until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Pump<'_> {
    fn turn(&mut self, cx: &mut Context<'_>, transport: &mut dyn Transport) -> Poll<End> {
        loop {
            let mut busy = false;
            match self.obey(cx) {
                Ok(more) => busy |= more,
                Err(end) => return Poll::Ready(end),
            }
            let now = Instant::now();
            // First what the peer has said: a verdict on its silence, or on a call, must not overlook it.
            let passed = self
                .read(cx, transport, now)
                .and_then(|more| self.tick(now).map(|()| more))
                .and_then(|more| self.write(cx, transport, now).map(|()| more));
            match passed {
                // The last join's answer may just have been read: the next tick lets the calls go.
                Ok(more) => busy |= more || (!self.ready && self.rejoined()),
                Err(Lost(reason)) => return Poll::Ready(End::Lost(reason)),
            }
            if busy {
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

    /// Takes what the handle has ordered; true when there may be more.
    fn obey(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        for _ in 0..TURN {
            match self.session.commands.poll_recv(cx) {
                Poll::Ready(Some(Command::Close { for_good: false })) => {
                    self.session.hurry = true;
                    return Err(End::Lost("given up by the client".into()));
                }
                Poll::Ready(Some(command)) => {
                    self.session.take(command).map_err(|Closing| End::Closed)?;
                }
                Poll::Ready(None) => return Err(End::Closed),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }

    fn tick(&mut self, now: Instant) -> Result<(), Lost> {
        if let Beat::Dead = self.heartbeat.poll(now, self.pause.is_some()) {
            let waited = self.session.shared.options.heartbeat_timeout.as_secs_f64();
            return Err(Lost(format!("no frame came within {waited} s after a ping")));
        }
        self.session.expire(now);
        if !self.ready && (now >= self.rejoin_until || self.rejoined()) {
            self.ready = true;
            self.session.enter(State::Ready, String::new());
        }
        Ok(())
    }

    fn rejoined(&self) -> bool {
        self.rejoins.is_empty() && self.rejoining == 0
    }

    fn next_instant(&mut self, now: Instant) -> Instant {
        let mut next = self.session.next_deadline();
        let paused = self.pause.is_some();
        match self.heartbeat.poll(now, paused) {
            Beat::Wait(at) => next = next.min(at),
            // It is due and could not be sent.
            Beat::Ping => next = self.heartbeat.dead_at(paused).map_or(next, |at| next.min(at)),
            Beat::Dead => next = now,
        }
        if let Some(at) = self.limited_until {
            next = next.min(at);
        }
        if !self.ready {
            next = next.min(self.rejoin_until);
        }
        // The store wakes nobody. Whether it lags is not asked again: it may have caught up since `may_read` looked.
        if paused && self.session.shared.sink.is_some() && !self.session.shared.inbox.full() {
            next = next.min(now + STORE_LOOK);
        }
        next
    }

    fn write(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut dyn Transport,
        now: Instant,
    ) -> Result<(), Lost> {
        self.limited_until = None;
        if self.heartbeat.poll(now, self.pause.is_some()) == Beat::Ping {
            let cid =
                if transport.poll_ready(cx)?.is_ready() { self.session.pending.next_cid() } else { None };
            if let Some(cid) = cid {
                // A ping is never held up by the limiter, but counts.
                self.session.limiter.spend(now);
                self.send(transport, encode_envelope(cid, tags::PING, &[]))?;
                self.heartbeat.pinged(cid, now);
            } else {
                self.heartbeat.blocked(now);
            }
        }
        while self.has_call() {
            if transport.poll_ready(cx)?.is_pending() {
                break;
            }
            if let Err(at) = self.session.limiter.take(now) {
                self.limited_until = Some(at);
                break;
            }
            let Some(cid) = self.session.pending.next_cid() else { break };
            let Some(Call { id, tag, body, deadline }) = self.next_call(now) else { break };
            let frame = encode_envelope(cid, tag, &body);
            // Before it is sent: if that fails, the call is among those whose fate is unknown.
            self.session.pending.insert(cid, Sent { id, tag, body, deadline, stream: Stream::default() });
            self.send(transport, frame)?;
        }
        if self.unflushed && transport.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }

    /// Is there something to send? Joins of places left meanwhile are dropped.
    fn has_call(&mut self) -> bool {
        while let Some((tag, body)) = self.rejoins.last()
            && !self.session.joined.holds(*tag, body)
        {
            self.rejoins.pop();
        }
        !self.rejoins.is_empty() || (self.ready && !self.session.outbox.is_empty())
    }

    /// Joins come first. Once the connection is ready without them all, calls and joins take turns.
    fn next_call(&mut self, now: Instant) -> Option<Call> {
        let outbox = &mut self.session.outbox;
        self.joins_turn = !self.ready || !self.joins_turn || outbox.is_empty();
        if !self.joins_turn {
            return outbox.pop();
        }
        let Some((tag, body)) = self.rejoins.pop() else { return outbox.pop() };
        self.rejoining += 1;
        let deadline =
            if self.ready { now + self.session.shared.options.rejoin_timeout } else { self.rejoin_until };
        Some(Call { id: INTERNAL, tag, body, deadline })
    }

    fn send(&mut self, transport: &mut dyn Transport, frame: Bytes) -> Result<(), Lost> {
        let stats = &self.session.shared.stats;
        Stats::add(&stats.frames_sent, 1);
        Stats::add(&stats.bytes_sent, frame.len() as u64);
        self.unflushed = true;
        transport.send(frame)
    }

    /// Takes the frames that are there; true when there may be more.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut dyn Transport,
        now: Instant,
    ) -> Result<bool, Lost> {
        if !self.may_read(cx, now) {
            return Ok(false);
        }
        let mut outcome = Ok(true);
        let (mut frames, mut bytes, mut others) = (0, 0, false);
        for _ in 0..TURN {
            match transport.poll_next(cx) {
                Poll::Ready(Ok(Frame::Binary(frame))) => {
                    frames += 1;
                    bytes += frame.len() as u64;
                    self.take_frame(&frame, now);
                }
                Poll::Ready(Ok(Frame::Other)) => others = true,
                Poll::Ready(Err(lost)) => {
                    outcome = Err(lost);
                    break;
                }
                Poll::Pending => {
                    outcome = Ok(false);
                    break;
                }
            }
        }
        if frames > 0 || others {
            self.heartbeat.heard();
            self.session.heard_at = now;
            Stats::add(&self.session.shared.stats.frames_received, frames);
            Stats::add(&self.session.shared.stats.bytes_received, bytes);
        }
        let full = !self.batch.is_empty() && self.session.shared.inbox.push_all(&mut self.batch);
        if (full && self.inbox_stops()) || self.store_lags() {
            Stats::add(&self.session.shared.stats.pauses, 1);
            self.pause = Some(Pause::new(&self.session.shared));
            // One more turn polls the pause, so that its end wakes this task.
            return outcome.map(|_| true);
        }
        outcome
    }

    fn may_read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(pause) = &mut self.pause else { return true };
        // A permit may be an old one: what counts is the depth, looked at once this task is sure to be woken.
        while pause.space.as_mut().poll(cx).is_ready() {
            *pause = Pause::new(&self.session.shared);
        }
        if self.inbox_stops() || self.store_lags() {
            return false;
        }
        self.pause = None;
        self.heartbeat.resumed(now);
        true
    }

    /// Is the inbox full? While a call waits, its answer may lie behind more events, and whoever empties the inbox may
    /// wait for that answer: then twice as much is taken.
    fn inbox_stops(&self) -> bool {
        let inbox = &self.session.shared.inbox;
        if self.session.pending.is_empty() { inbox.full() } else { inbox.flooded() }
    }

    fn store_lags(&self) -> bool {
        let shared = &self.session.shared;
        shared.sink.as_ref().is_some_and(|sink| sink.backlog() > shared.options.max_store_backlog)
    }

    fn take_frame(&mut self, frame: &Bytes, now: Instant) {
        match classify(frame) {
            Ok(Inbound::Envelope(peek)) if peek.cid != 0 => self.take_answer(frame, &peek, now),
            Ok(Inbound::Envelope(peek)) if peek.tag != 0 => self.take_event(frame, &peek),
            Ok(Inbound::Envelope(_)) => {}
            Ok(Inbound::Chunk(chunk)) => self.take_chunk(chunk, chunk.payload(frame)),
            Err(why) => self.take_malformed(why, now),
        }
    }

    /// Counts a frame that cannot be read, and says so once in a while.
    fn take_malformed(&mut self, why: Malformed, now: Instant) {
        let malformed = &self.session.shared.stats.malformed;
        Stats::add(malformed, 1);
        if self.session.quiet_until.is_none_or(|until| now >= until) {
            self.session.quiet_until = Some(now + MALFORMED_REPORT);
            self.batch.push(Item::Malformed { count: malformed.load(Relaxed), reason: why.to_string() });
        }
    }

    fn take_event(&mut self, frame: &Bytes, peek: &Peek) {
        let shared = self.session.shared.clone();
        let stats = &shared.stats;
        stats.count_event(peek.tag);
        let wanted = stats.wants(peek.tag);
        let stored = peek.tag == tags::CHANNEL_MESSAGE;
        if !wanted && !stored {
            Stats::add(&stats.skipped, 1);
            return;
        }
        let body = if peek.body.len() <= COPY_MAX {
            Bytes::copy_from_slice(&frame[peek.body.clone()])
        } else {
            frame.slice(peek.body.clone())
        };
        if stored {
            self.keep_message(&body);
        }
        if wanted {
            self.batch.push(Item::Event { tag: peek.tag, body });
        } else {
            Stats::add(&stats.skipped, 1);
        }
    }

    /// Puts a message where it will be looked for: among the recent ones, and into the store. One that cannot be read is
    /// counted where it is decoded.
    fn keep_message(&mut self, body: &Bytes) {
        let Ok(header) = Header::parse(body) else { return };
        let shared = &self.session.shared;
        self.session.joined.used(header.channel);
        shared.recent().push(header.channel, header.id, body.clone());
        if let Some(sink) = &shared.sink {
            sink.accept(header, body.clone());
        }
    }

    /// Does the same for a message the bot has sent, unless the server's own copy was here first: it says more.
    fn keep_sent(&self, sent: &[u8], answer: &[u8]) {
        let shared = &self.session.shared;
        let sender = shared.own_id.load(Relaxed);
        if sender == 0 {
            return;
        }
        let Ok(Some(message)) = sent_message(sender, sent, answer) else { return };
        let body = Bytes::from(message);
        let Ok(header) = Header::parse(&body) else { return };
        shared.recent().add(header.channel, header.id, body.clone());
        if let Some(sink) = &shared.sink {
            sink.accept_sent(header, body);
        }
    }

    fn take_answer(&mut self, frame: &Bytes, peek: &Peek, now: Instant) {
        let cid = u16::try_from(peek.cid).unwrap_or(0);
        let Some(sent) = self.session.pending.take(cid) else {
            match self.heartbeat.ponged(cid, now) {
                Some(trip) => {
                    self.session.shared.stats.latency_us.store(trip.as_micros().max(1) as u64, Relaxed);
                }
                None => Stats::add(&self.session.shared.stats.unclaimed, 1),
            }
            return;
        };
        // A join made again is in the list already, at its place.
        if peek.tag != tags::ERROR && sent.id != INTERNAL {
            self.session.joined.answered(sent.tag, &sent.body);
            self.session.shared.stats.joined.store(self.session.joined.len() as u64, Relaxed);
        }
        if sent.id == INTERNAL {
            self.rejoining -= 1;
            return;
        }
        if sent.tag == tags::CHANNEL_MESSAGE_SEND && peek.tag == tags::CHANNEL_MESSAGE_ACK {
            self.keep_sent(&sent.body, &frame[peek.body.clone()]);
        }
        self.session.shared.stats.pending.fetch_sub(1, Relaxed);
        self.batch.push(Item::Reply { call: sent.id, tag: peek.tag, body: frame.slice(peek.body.clone()) });
    }

    fn take_chunk(&mut self, chunk: Chunk, payload: &[u8]) {
        let max = self.session.shared.options.max_raw;
        let Some(sent) = self.session.pending.get_mut(chunk.cid) else {
            Stats::add(&self.session.shared.stats.unclaimed, 1);
            return;
        };
        let failure = match sent.stream.push(chunk, payload, max) {
            Ok(None) => return,
            Ok(Some(body)) if chunk.code == 0 => Ok(body),
            Ok(Some(body)) => {
                let message = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(Failure::Refused { code: chunk.code, message })
            }
            Err(_) => Err(Failure::TooLong),
        };
        let Some(sent) = self.session.pending.take(chunk.cid) else { return };
        if sent.id == INTERNAL {
            self.rejoining -= 1;
            return;
        }
        self.session.shared.stats.pending.fetch_sub(1, Relaxed);
        self.batch.push(match failure {
            Ok(body) => Item::Raw { call: sent.id, body: body.into() },
            Err(failure) => Item::Failed { call: sent.id, failure },
        });
    }
}

impl Drop for Pump<'_> {
    fn drop(&mut self) {
        // Only a panic leaves something here: answers that were counted as given.
        self.session.shared.inbox.push_all(&mut self.batch);
    }
}

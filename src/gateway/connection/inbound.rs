//! The inbound direction: events for Python and the store, answers for pending calls, and backpressure.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Connection, MAX_PER_TURN};
use crate::gateway::calls::outbox::{Call, INTERNAL};
use crate::gateway::calls::pending::Sent;
use crate::gateway::calls::{Raw, too_many};
use crate::gateway::shared::Shared;
use crate::gateway::stats::Stats;
use crate::gateway::trace::Level;
use crate::gateway::transport::{Frame, HANDSHAKE_PING, Lost};
use crate::item::{Failure, Item};
use crate::wire::tags::envelope as tags;
use crate::wire::{Body, Chunk, Header, Malformed, Parsed, Peek, UNKNOWN_FIELDS, peek, schema, sent_message};

/// A partial frame counts as a sign of life after this many bytes: a large frame on a slow line does, a trickle
/// does not.
const LIFE: u64 = 1024;
/// The minimum interval between reports of malformed frames.
const MALFORMED_REPORT: Duration = Duration::from_secs(60);
/// The maximum length of a refusal's message in characters, and the number of bytes that are examined for it.
const REFUSAL_MAX: usize = 200;
const REFUSAL_READ: usize = 16 << 10;

/// How often a paused reader checks the store's backlog.
const STORE_POLL: Duration = Duration::from_millis(5);

/// Resolves when the inbox has space.
pub(super) struct Pause {
    space: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Pause {
    fn new(shared: &Shared) -> Self {
        Self { space: shared.inbox.clone().wait_space() }
    }
}

impl Connection<'_> {
    /// Read the available frames. Returns true if there may be more.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, Lost> {
        if !self.check_backpressure(cx, now) {
            return Ok(false);
        }
        let mut outcome = Ok(true);
        let (mut frames, mut bytes, mut others) = (0, 0, false);
        for _ in 0..MAX_PER_TURN {
            match self.transport.poll_next(cx) {
                Poll::Ready(Ok(Frame::Other)) => others = true,
                Poll::Ready(Ok(Frame::HandshakePong)) => {
                    others = true;
                    self.calls.throttle().answered(HANDSHAKE_PING, now);
                }
                Poll::Ready(Ok(frame)) => {
                    frames += 1;
                    bytes += frame.weight() as u64;
                    self.take_frame(frame, now);
                }
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
        let read = self.transport.bytes_read();
        if frames > 0 || others {
            self.last_received_at = now;
            Stats::add(&self.shared.stats.frames_received, frames);
            Stats::add(&self.shared.stats.bytes_received, bytes);
        }
        if frames > 0 || others || read - self.life >= LIFE {
            self.life = read;
            self.heartbeat.received();
        }
        if self.hand_over() {
            // Another turn polls the pause, so that its end wakes this task.
            return outcome.map(|_| true);
        }
        outcome
    }

    fn take_frame(&mut self, frame: Frame, now: Instant) {
        match frame {
            Frame::Envelope(envelope) => match peek(&envelope).inspect(|seen| self.note_unknown(seen)) {
                Ok(seen) if seen.tag == tags::PING => self.take_ping(&envelope, &seen, now),
                Ok(seen) if seen.cid != 0 => self.take_answer(&envelope, &seen, now),
                Ok(seen) if seen.tag != 0 => self.take_event(&envelope, &seen),
                Ok(_) => {}
                Err(why) => self.take_malformed(why, now),
            },
            Frame::Chunk { chunk, payload } => self.take_chunk(chunk, &payload, now),
            Frame::Pong(cid) => self.take_pong(cid, now),
            Frame::Malformed(why) => self.take_malformed(why, now),
            Frame::Other | Frame::HandshakePong => {}
        }
    }

    /// Log a field of the envelope that the schema does not contain, once.
    fn note_unknown(&self, seen: &Peek) {
        if seen.unknown != 0 && self.shared.trace.enabled(Level::Debug) {
            UNKNOWN_FIELDS.note(schema::envelope().name, seen.unknown);
            self.shared.log_unknown_fields();
        }
    }

    /// Count a malformed frame and report it, throttled.
    fn take_malformed(&mut self, why: Malformed, now: Instant) {
        let malformed = &self.shared.stats.malformed;
        Stats::add(malformed, 1);
        let quiet_until = &mut self.log_throttle.quiet_until;
        if quiet_until.is_none_or(|until| now >= until) {
            *quiet_until = Some(now + MALFORMED_REPORT);
            self.batch.push(Item::Malformed { count: malformed.load(Relaxed), reason: why.to_string() });
        }
    }

    fn take_event(&mut self, envelope: &Bytes, seen: &Peek) {
        let shared = self.shared.clone();
        let stats = &shared.stats;
        stats.count_event(seen.tag);
        let wanted = stats.wants(seen.tag);
        let stored = seen.tag == tags::CHANNEL_MESSAGE;
        if !wanted && !stored {
            Stats::add(&stats.skipped, 1);
            return;
        }
        // Copied, so that an event does not keep a read buffer alive.
        let body = Body::from(&envelope[seen.body.clone()]);
        // Parsed once for all consumers. A malformed message is counted where it is decoded.
        let message = stored.then(|| self.parse_message(&body, wanted)).and_then(Result::ok);
        if let Some(message) = &message {
            self.record_message(message.header, &body);
        }
        if !wanted {
            Stats::add(&stats.skipped, 1);
        } else if shared.filters().drops(seen.tag, &body, message.as_ref()) {
            Stats::add(&stats.filtered, 1);
        } else {
            self.batch.push(Item::Event { tag: seen.tag, body, message });
        }
    }

    /// Parse a message. The check that lets the event loop decode it lazily is left to the loop if a filter may drop
    /// the message.
    fn parse_message(&self, body: &[u8], wanted: bool) -> Result<Parsed, Malformed> {
        if wanted && !self.shared.filters().has(tags::CHANNEL_MESSAGE) {
            Parsed::parse_checked(body)
        } else {
            Parsed::parse(body)
        }
    }

    /// Add a message to the recent ones and to the store.
    fn record_message(&mut self, header: Header, body: &Body) {
        self.calls.joined.used(header.channel);
        self.shared.recent().push(header.channel, header.id, body.clone());
        if let Some(sink) = &self.shared.sink {
            sink.accept(header, body.clone());
        }
    }

    /// Do the same for a message that the bot has sent, unless the server's own copy, which has more fields,
    /// arrived first.
    fn record_sent(&self, sent: &[u8], answer: &[u8]) {
        let sender = self.shared.own_id.load(Relaxed);
        if sender == 0 {
            return;
        }
        let Ok(Some(message)) = sent_message(sender, sent, answer) else { return };
        let body = Body::from(message);
        let Ok(header) = Header::parse(&body) else { return };
        self.shared.recent().add(header.channel, header.id, body.clone());
        if let Some(sink) = &self.shared.sink {
            sink.accept_sent(header, body);
        }
    }

    /// Handle a ping of the server. Its cid belongs to the server and to no call. Without a cid the ping is an
    /// event as well, for bots that listen to pings.
    fn take_ping(&mut self, envelope: &Bytes, seen: &Peek, now: Instant) {
        let cid = u16::try_from(seen.cid).unwrap_or(0);
        if cid != 0 && self.heartbeat.awaits_pong_of(cid) {
            // The server has echoed our own ping.
            self.take_pong(cid, now);
            return;
        }
        self.queue_pong(cid);
        if seen.cid == 0 && self.shared.stats.wants(tags::PING) {
            self.take_event(envelope, seen);
        }
    }

    fn take_pong(&mut self, cid: u16, now: Instant) {
        self.calls.throttle().answered(cid, now);
        match self.heartbeat.ponged(cid, now) {
            Some(trip) => {
                self.calls.pending.ponged();
                self.shared.stats.latency_us.store(trip.as_micros().max(1) as u64, Relaxed);
            }
            None => Stats::add(&self.shared.stats.unclaimed, 1),
        }
    }

    fn take_answer(&mut self, envelope: &Bytes, seen: &Peek, now: Instant) {
        let cid = u16::try_from(seen.cid).unwrap_or(0);
        let Some(sent) = self.calls.take(cid) else { return self.take_pong(cid, now) };
        self.calls.throttle().answered(cid, now);
        let body = envelope.slice(seen.body.clone());
        let refused = seen.tag == tags::ERROR;
        let sent = if refused && too_many(&body) { self.retry_later(sent, &body, now) } else { Some(sent) };
        let Some(sent) = sent else { return };
        if sent.id == INTERNAL {
            // The list of joins holds it already.
            self.rejoin.finished();
            return;
        }
        if !refused {
            self.calls.joined(sent.tag, &sent.body);
        }
        if sent.tag == tags::CHANNEL_MESSAGE_SEND && seen.tag == tags::CHANNEL_MESSAGE_ACK {
            self.record_sent(&sent.body, &body);
        }
        self.calls.finished();
        self.batch.push(Item::Reply { call: sent.id, tag: seen.tag, body });
    }

    /// Queue a call again that the server has refused with 429. Returns the call if its deadline comes first.
    fn retry_later(&mut self, sent: Sent, error: &[u8], now: Instant) -> Option<Sent> {
        let Some(until) = self.calls.retry_at(error, &sent, now) else { return Some(sent) };
        Stats::add(&self.shared.stats.sent_again, 1);
        self.shared.log(Level::Info, || {
            let wait = until.saturating_duration_since(now).as_secs_f64();
            format!("the server refused a call with 429: sending it again in {wait:.1} s")
        });
        let Sent { id, tag, body, deadline, refused, .. } = sent;
        if id == INTERNAL {
            self.rejoin.put_back(tag, body, refused + 1, until);
        } else {
            self.calls.outbox.put_back(Call { id, tag, body, deadline, refused: refused + 1 }, until);
        }
        None
    }

    fn take_chunk(&mut self, chunk: Chunk, payload: &[u8], now: Instant) {
        self.calls.throttle().answered(chunk.cid, now);
        let outcome = match self.calls.raw(chunk, payload) {
            Raw::More => return,
            Raw::Unclaimed => return Stats::add(&self.shared.stats.unclaimed, 1),
            Raw::Whole(body) if chunk.code == 0 => Ok(body),
            Raw::Whole(body) => {
                // Redact before truncating: half a token would not be recognized.
                let said = String::from_utf8_lossy(&body[..body.len().min(REFUSAL_READ)]);
                let message = self.secrets.redact(&said).chars().take(REFUSAL_MAX).collect();
                Err(Failure::Refused { code: chunk.code, message })
            }
            Raw::TooLong => Err(Failure::TooLong),
        };
        let Some(sent) = self.calls.take(chunk.cid) else { return };
        self.calls.finished();
        self.batch.push(match outcome {
            Ok(body) => Item::Raw { call: sent.id, body: body.into() },
            Err(failure) => Item::Failed { call: sent.id, failure },
        });
    }

    /// Push the batch to the inbox. Returns true if the reader pauses.
    pub(super) fn hand_over(&mut self) -> bool {
        let full = !self.batch.is_empty() && self.shared.inbox.push_all(&mut self.batch);
        let pauses = (full && self.inbox_is_full()) || self.store_lags();
        if pauses {
            Stats::add(&self.shared.stats.pauses, 1);
            self.pause = Some(Pause::new(&self.shared));
        }
        pauses
    }

    pub(super) fn check_backpressure(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(pause) = &mut self.pause else { return true };
        // Permits can be stale; check the queue depth after registering the waker.
        while pause.space.as_mut().poll(cx).is_ready() {
            *pause = Pause::new(&self.shared);
        }
        if self.inbox_is_full() || self.store_lags() {
            return false;
        }
        self.pause = None;
        self.heartbeat.resumed(now);
        true
    }

    /// Return when to check the pause, if nothing wakes this task.
    pub(super) fn next_backpressure_check(&self, now: Instant) -> Option<Instant> {
        // The store wakes no task. Do not check its backlog again here: it may have caught up since
        // `check_backpressure`.
        let waits = self.pause.is_some() && self.shared.sink.is_some() && !self.shared.inbox.is_full();
        waits.then_some(now + STORE_POLL)
    }

    /// Return whether the inbox is full. While a call is pending twice as much is accepted: its answer may be
    /// behind more events, and the consumer of the inbox may be awaiting that answer.
    fn inbox_is_full(&self) -> bool {
        let inbox = &self.shared.inbox;
        if self.calls.pending.is_empty() { inbox.is_full() } else { inbox.is_flooded() }
    }

    fn store_lags(&self) -> bool {
        let sink = self.shared.sink.as_ref();
        sink.is_some_and(|sink| sink.backlog() > self.shared.options.max_store_backlog)
    }
}

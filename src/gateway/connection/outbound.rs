//! The outbound direction: pings, pongs, repeated joins and calls.

use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use super::Connection;
use crate::gateway::heartbeat::Beat;
use crate::gateway::stats::Stats;
use crate::gateway::transport::Lost;
use crate::wire::tags::envelope::PONG;

/// The maximum number of the server's pings that await their answer.
const MAX_PONGS: usize = 16;
/// How often calls that wait for a lease are checked.
const LEASE_POLL: Duration = Duration::from_millis(50);

impl Connection<'_> {
    pub(super) fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<(), Lost> {
        self.limited_until = None;
        self.write_pings(cx, now)?;
        while let Some(at) = self.next_due(now) {
            if at > now {
                self.limit(at);
                break;
            }
            if self.transport.poll_ready(cx)?.is_pending() || !self.may_send(now)? || !self.write_call(now)? {
                break;
            }
        }
        if self.unflushed && self.transport.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }

    fn write_pings(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<(), Lost> {
        let due = self.heartbeat.poll(now, self.pause.is_some()) == Beat::Ping;
        if due || self.ping_requested {
            let room = self.may_send_ping(now);
            if room && self.transport.poll_ready(cx)?.is_ready() && self.write_ping(now)? {
                self.ping_requested = false;
            } else if due {
                self.heartbeat.blocked(now);
            }
        }
        while !self.pongs.is_empty() && self.transport.poll_ready(cx)?.is_ready() && self.may_send(now)? {
            let Some(cid) = self.pongs.pop() else { break };
            // No frame answers a pong: the cid is the server's.
            self.calls.throttle().sent(0, now);
            let bytes = self.transport.send(cid, PONG, &[])?;
            self.count_sent(bytes);
        }
        Ok(())
    }

    /// Return whether the throttle lets a ping pass; it does not if a reconnect has filled the window.
    fn may_send_ping(&mut self, now: Instant) -> bool {
        let room = self.calls.throttle().check_ping(now);
        room.map_err(|at| self.limit(at)).is_ok()
    }

    /// Send a ping. Returns false if no cid is free.
    fn write_ping(&mut self, now: Instant) -> Result<bool, Lost> {
        let Some(cid) = self.calls.pending.ping_cid() else { return Ok(false) };
        self.calls.throttle().sent(cid, now);
        let bytes = self.transport.ping(cid)?;
        self.count_sent(bytes);
        self.heartbeat.pinged(cid, now);
        Ok(true)
    }

    /// Return when the next join or call may be sent, the throttle aside.
    fn next_due(&mut self, now: Instant) -> Option<Instant> {
        let join = self.rejoin.due(&self.calls.joined, now);
        join.into_iter().chain(self.call_due(now)).min()
    }

    fn call_due(&mut self, now: Instant) -> Option<Instant> {
        let at = self.calls.outbox.due(now).filter(|_| self.ready)?;
        Some(if self.shared.lease.holds() { at } else { at.max(now + LEASE_POLL) })
    }

    /// Return whether the throttle lets a frame other than a ping pass. If it waits for answers, send a ping to
    /// get one.
    fn may_send(&mut self, now: Instant) -> Result<bool, Lost> {
        let Err(full) = self.calls.throttle().check_call(now) else { return Ok(true) };
        self.limit(full.until);
        if let Some(at) = full.ping_at.filter(|_| !self.heartbeat.awaits_pong()) {
            if at > now {
                self.limit(at);
            } else if self.may_send_ping(now) {
                self.write_ping(now)?;
            }
        }
        Ok(false)
    }

    /// Send one join or call. Joins precede calls until the connection is ready; then they alternate.
    fn write_call(&mut self, now: Instant) -> Result<bool, Lost> {
        let Some(cid) = self.calls.pending.next_cid() else { return Ok(false) };
        let join_due = self.rejoin.due(&self.calls.joined, now).is_some_and(|at| at <= now);
        let call_due = self.call_due(now).is_some_and(|at| at <= now);
        let call = if self.rejoin.turn(self.ready, join_due, call_due) {
            let late = now + self.shared.options.rejoin_timeout;
            self.rejoin.pop(if self.ready { late } else { self.rejoin.until })
        } else if call_due {
            self.calls.outbox.pop(now)
        } else {
            // The lease has just expired.
            self.limit(now + LEASE_POLL);
            None
        };
        let Some(call) = call else { return Ok(false) };
        let (tag, body) = (call.tag, call.body.clone());
        // Recorded before sending: if that fails, the outcome of the call is unknown.
        self.calls.sent(cid, call, now);
        let bytes = self.transport.send(cid, tag, &body)?;
        self.count_sent(bytes);
        Ok(true)
    }

    fn limit(&mut self, at: Instant) {
        self.limited_until = Some(self.limited_until.map_or(at, |other| other.min(at)));
    }

    pub(super) fn queue_pong(&mut self, cid: u16) {
        if self.pongs.len() < MAX_PONGS {
            self.pongs.push(cid);
        }
    }

    fn count_sent(&mut self, bytes: usize) {
        Stats::add(&self.shared.stats.frames_sent, 1);
        Stats::add(&self.shared.stats.bytes_sent, bytes as u64);
        self.unflushed = true;
    }
}

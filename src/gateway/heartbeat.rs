//! The heartbeat: when to ping, and when a silent peer is dead.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

/// Regular pings are aligned to multiples of this duration, so that a thousand idle bots wake the I/O thread four
/// times a second instead of a hundred times.
const SHARED: Duration = Duration::from_millis(250);
/// The alignment moves a ping forward by at most this fraction of its interval.
const EARLY: u32 = 40;

/// The beginning of the reason of a loss due to silence. Python recognizes such losses by it.
pub const SILENT: &str = "no frame came within";

/// The action that is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Beat {
    Ping,
    Dead,
    /// No action is due before this instant.
    Wait(Instant),
}

#[derive(Debug)]
pub struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    next_ping: Instant,
    /// The unanswered ping: its cid and when it was sent.
    pinged: Option<(u16, Instant)>,
    /// The start of the silence: the ping, or the end of a pause of our own reader.
    silent_since: Option<Instant>,
}

impl Heartbeat {
    pub fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self {
            interval,
            timeout,
            next_ping: shared(now + interval, interval),
            pinged: None,
            silent_since: None,
        }
    }

    pub fn poll(&self, now: Instant, paused: bool) -> Beat {
        if let Some(dead_at) = self.dead_at(paused) {
            if now >= dead_at {
                return Beat::Dead;
            }
            if now < self.next_ping {
                return Beat::Wait(dead_at.min(self.next_ping));
            }
        }
        if now >= self.next_ping { Beat::Ping } else { Beat::Wait(self.next_ping) }
    }

    pub fn pinged(&mut self, cid: u16, now: Instant) {
        self.next_ping = shared(now + self.interval, self.interval);
        self.pinged = Some((cid, now));
        self.silent_since.get_or_insert(now);
    }

    /// Record that a ping is due but cannot be sent because the peer accepts no data. The silence counts
    /// nevertheless.
    pub fn blocked(&mut self, now: Instant) {
        self.silent_since.get_or_insert(now);
    }

    /// Return whether a ping is unanswered.
    pub fn awaits_pong(&self) -> bool {
        self.pinged.is_some()
    }

    /// Return whether the ping with this cid is unanswered.
    pub fn awaits_pong_of(&self, cid: u16) -> bool {
        self.pinged.is_some_and(|(pinged, _)| pinged == cid)
    }

    /// Return when the peer counts as dead; None if it owes no frame or the reader is paused.
    pub fn dead_at(&self, paused: bool) -> Option<Instant> {
        if paused { None } else { self.silent_since.map(|since| since + self.timeout) }
    }

    /// Record a frame: any frame is a sign of life.
    pub fn received(&mut self) {
        self.silent_since = None;
    }

    /// Restart the timeout after a pause of the reader.
    pub fn resumed(&mut self, now: Instant) {
        if let Some(since) = &mut self.silent_since {
            *since = now;
        }
    }

    /// Return the round trip if this is the answer to the last ping.
    pub fn ponged(&mut self, cid: u16, now: Instant) -> Option<Duration> {
        let (_, at) = self.pinged.take_if(|(pinged, _)| *pinged == cid)?;
        Some(now.saturating_duration_since(at))
    }

    /// Return for how long the peer has owed a sign of life.
    pub fn silent_for(&self, now: Instant) -> Duration {
        self.silent_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// Return the last aligned instant up to `at`.
fn shared(at: Instant, interval: Duration) -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let step = SHARED.min(interval / EARLY).as_nanos().max(1);
    let past = at.saturating_duration_since(*EPOCH.get_or_init(Instant::now)).as_nanos() % step;
    at - Duration::from_nanos(u64::try_from(past).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: Duration = Duration::from_secs(1);

    /// Return an aligned instant.
    fn start() -> Instant {
        shared(Instant::now() + SEC, 10 * SEC)
    }

    #[test]
    fn pings_of_a_process_come_together() {
        let start = start();
        for late in [0, 1, 100, 249] {
            let late = Duration::from_millis(late);
            let mut beat = Heartbeat::new(10 * SEC, 10 * SEC, start + late);
            assert_eq!(beat.poll(start + late, false), Beat::Wait(start + 10 * SEC));
            beat.pinged(1, start + 10 * SEC + late);
            beat.received();
            assert_eq!(beat.poll(start + 11 * SEC, false), Beat::Wait(start + 20 * SEC));
        }
        let short = Duration::from_millis(40);
        let Beat::Wait(at) = Heartbeat::new(short, SEC, start).poll(start, false) else { panic!("not yet") };
        assert!(at - start >= Duration::from_millis(39), "early by a fortieth at most");
    }

    #[test]
    fn a_silent_peer_is_dead_within_twenty_seconds() {
        let start = start();
        let mut beat = Heartbeat::new(10 * SEC, 10 * SEC, start);
        assert_eq!(beat.poll(start, false), Beat::Wait(start + 10 * SEC));
        assert_eq!(beat.poll(start + 10 * SEC, false), Beat::Ping);
        beat.pinged(1, start + 10 * SEC);
        assert_eq!(beat.poll(start + 11 * SEC, false), Beat::Wait(start + 20 * SEC));
        assert_eq!(beat.poll(start + 20 * SEC, false), Beat::Dead);
    }

    #[test]
    fn any_frame_is_life_and_a_paused_reader_no_verdict() {
        let start = start();
        let mut beat = Heartbeat::new(10 * SEC, 10 * SEC, start);
        beat.pinged(1, start);
        assert_eq!(beat.poll(start + 60 * SEC, true), Beat::Ping, "paused: pings go on, no verdict");
        beat.pinged(2, start + 60 * SEC);
        beat.resumed(start + 60 * SEC);
        assert_eq!(beat.poll(start + 69 * SEC, false), Beat::Wait(start + 70 * SEC));
        beat.received();
        assert_eq!(beat.poll(start + 69 * SEC, false), Beat::Wait(start + 70 * SEC));
        assert_eq!(beat.poll(start + 70 * SEC, false), Beat::Ping);
    }

    #[test]
    fn a_peer_that_takes_no_ping_is_dead_too() {
        let start = start();
        let mut beat = Heartbeat::new(10 * SEC, 10 * SEC, start);
        beat.blocked(start + 10 * SEC);
        beat.blocked(start + 15 * SEC);
        assert_eq!(beat.poll(start + 19 * SEC, false), Beat::Ping, "it is still due");
        assert_eq!(beat.dead_at(false), Some(start + 20 * SEC));
        assert_eq!(beat.dead_at(true), None);
        assert_eq!(beat.poll(start + 20 * SEC, false), Beat::Dead);
    }

    #[test]
    fn latency_is_that_of_the_last_ping() {
        let start = start();
        let mut beat = Heartbeat::new(10 * SEC, 10 * SEC, start);
        beat.pinged(7, start);
        assert_eq!(beat.ponged(6, start + SEC), None);
        assert_eq!(beat.ponged(7, start + SEC), Some(SEC));
        assert_eq!(beat.ponged(7, start + SEC), None);
    }
}

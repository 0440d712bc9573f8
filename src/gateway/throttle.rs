//! The frame limiter: no second at the server sees more frames than the limit.
//!
//! The time of sending says little about when the server reads a frame: after a stall all delayed frames arrive at
//! once. A frame therefore frees its slot one period after the server is known to have read it. The answer to it
//! or to any later frame shows that, because the server reads in order. One slot is reserved for pings, so that an
//! answer can always be requested: only a ping takes it, and no frame is sent without a slot.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long to wait for any answer before a ping is sent to get one.
const BARRIER: Duration = Duration::from_millis(250);
/// No slot is reserved for pings up to this limit: pings exceed it.
const RESERVE_FROM: usize = 10;
/// The server has read the frames of a lost connection at the latest this long after the loss.
const AFTERMATH: Duration = Duration::from_millis(250);

/// A frame that the server may not have read yet.
#[derive(Debug, Clone)]
struct Unread {
    cid: u16,
    at: Instant,
}

#[derive(Debug, Clone)]
pub struct Throttle {
    limit: usize,
    period: Duration,
    /// A frame sent longer ago has been read, or its connection is dead.
    max_unread_age: Duration,
    unread: VecDeque<Unread>,
    /// When the server had read these frames at the latest. Sorted, except after a loss: an entry behind a later
    /// one frees its slot together with it.
    read: VecDeque<Instant>,
}

/// Why no call may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// When to check again if no answer arrives before.
    pub until: Instant,
    /// When to request an answer by a ping, if answers would free a slot.
    pub ping_at: Option<Instant>,
}

impl Throttle {
    /// Allow `limit` frames in a `period`; 0 frames means no limit.
    pub fn new(limit: u32, period: Duration, max_unread_age: Duration) -> Self {
        Self { limit: limit as usize, period, max_unread_age, unread: VecDeque::new(), read: VecDeque::new() }
    }

    /// Check whether a call may be sent.
    ///
    /// # Errors
    /// If no slot is free.
    pub fn check_call(&mut self, now: Instant) -> Result<(), Full> {
        if self.limit == 0 {
            return Ok(());
        }
        self.forget(now);
        let used = self.unread.len() + self.read.len();
        if used < self.limit - usize::from(self.limit > RESERVE_FROM) {
            return Ok(());
        }
        let ping_at = self.unread.back().map(|frame| frame.at + BARRIER);
        Err(Full { until: self.next_slot(now), ping_at })
    }

    /// Check whether a ping may be sent. It may take the last slot.
    ///
    /// # Errors
    /// When to check again.
    pub fn check_ping(&mut self, now: Instant) -> Result<(), Instant> {
        self.forget(now);
        let full = self.limit > RESERVE_FROM && self.unread.len() + self.read.len() >= self.limit;
        if full { Err(self.next_slot(now)) } else { Ok(()) }
    }

    fn next_slot(&self, now: Instant) -> Instant {
        let freed = self.read.front().map(|at| *at + self.period);
        let given_up = self.unread.front().map(|frame| frame.at + self.max_unread_age);
        freed.into_iter().chain(given_up).min().unwrap_or(now + self.period)
    }

    /// Record a frame that is sent, or may be sent from now on.
    pub fn sent(&mut self, cid: u16, now: Instant) {
        if self.limit > 0 {
            self.forget(now);
            self.unread.push_back(Unread { cid, at: now });
        }
    }

    /// Record an answer: the server has read this frame and all frames before it.
    pub fn answered(&mut self, cid: u16, now: Instant) {
        // Pings share a cid and are answered in order.
        let Some(at) = self.unread.iter().position(|frame| frame.cid == cid) else { return };
        self.read.extend(self.unread.drain(..=at).map(|_| now));
    }

    /// Record a loss: the frames on their way arrive soon, or never.
    pub fn lost(&mut self, now: Instant) {
        self.read.extend(self.unread.drain(..).map(|_| now + AFTERMATH));
    }

    fn forget(&mut self, now: Instant) {
        while self.read.front().is_some_and(|at| now.saturating_duration_since(*at) >= self.period) {
            self.read.pop_front();
        }
        let max_unread_age = self.max_unread_age;
        while self
            .unread
            .front()
            .is_some_and(|frame| now.saturating_duration_since(frame.at) >= max_unread_age)
        {
            self.unread.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIOD: Duration = Duration::from_secs(1);
    const MAX_UNREAD_AGE: Duration = Duration::from_secs(10);
    const MS: Duration = Duration::from_millis(1);

    fn most_in_a_second(arrivals: &[Instant]) -> usize {
        let seen =
            |from: &Instant| arrivals.iter().filter(|at| *from <= **at && **at < *from + PERIOD).count();
        arrivals.iter().map(seen).max().unwrap_or(0)
    }

    proptest! {
        /// The server reads late and in bursts, and answers late; sometimes the connection is lost.
        #[test]
        fn no_second_at_the_server_sees_more_than_the_limit(
            limit in 11u32..60,
            steps in prop::collection::vec((0u64..400, 0u8..10, 0u64..300), 1..120),
        ) {
            let mut now = Instant::now();
            let mut throttle = Throttle::new(limit, PERIOD, MAX_UNREAD_AGE);
            let (mut wire, mut answers, mut arrivals) = (VecDeque::new(), VecDeque::new(), Vec::new());
            let (mut cid, mut pinged_at) = (0u16, None::<Instant>);
            for (step, what, delay) in steps {
                now += Duration::from_millis(step);
                // The server reads everything available, or stalls; its answers are delayed.
                if what != 0 {
                    while let Some(cid) = wire.pop_front() {
                        arrivals.push(now);
                        answers.push_back((cid, now + Duration::from_millis(delay)));
                    }
                }
                while answers.front().is_some_and(|(_, at)| *at <= now) {
                    throttle.answered(answers.pop_front().unwrap().0, now);
                }
                if what == 1 {
                    let late = now + AFTERMATH.min(Duration::from_millis(delay));
                    arrivals.extend(wire.drain(..).map(|_| late));
                    answers.clear();
                    throttle.lost(now);
                    // The new connection's handshake includes a ping, followed by its first regular one.
                    pinged_at = None;
                    if throttle.check_ping(now).is_ok() {
                        cid += 1;
                        throttle.sent(cid, now);
                        wire.push_back(cid);
                    }
                }
                let due = pinged_at.is_none_or(|at| now.duration_since(at) >= 10 * PERIOD);
                if due && throttle.check_ping(now).is_ok() {
                    cid += 1;
                    pinged_at = Some(now);
                    throttle.sent(cid, now);
                    wire.push_back(cid);
                }
                while throttle.check_call(now).is_ok() {
                    cid += 1;
                    throttle.sent(cid, now);
                    wire.push_back(cid);
                }
            }
            prop_assert!(most_in_a_second(&arrivals) <= limit as usize);
        }
    }

    #[test]
    fn an_answer_frees_the_places_before_it_one_period_later() {
        let now = Instant::now();
        let mut throttle = Throttle::new(3, PERIOD, MAX_UNREAD_AGE);
        for cid in 1..=3 {
            assert_eq!(throttle.check_call(now), Ok(()));
            throttle.sent(cid, now);
        }
        let full = throttle.check_call(now).unwrap_err();
        assert_eq!(full, Full { until: now + MAX_UNREAD_AGE, ping_at: Some(now + BARRIER) });
        throttle.answered(2, now + 100 * MS);
        throttle.answered(77, now + 200 * MS);
        assert_eq!(throttle.check_call(now + 200 * MS).unwrap_err().until, now + 1100 * MS);
        assert_eq!(throttle.check_call(now + 1100 * MS), Ok(()));
        throttle.sent(4, now + 1100 * MS);
        throttle.sent(5, now + 1100 * MS);
        assert!(
            throttle.check_call(now + 1100 * MS).is_err(),
            "the third of the first three is not answered yet"
        );
        assert!(throttle.clone().check_call(now + MAX_UNREAD_AGE).is_ok(), "it is not waited for for ever");
        throttle.lost(now + 1200 * MS);
        assert_eq!(
            throttle.check_call(now + 1300 * MS).unwrap_err(),
            Full { until: now + 1200 * MS + AFTERMATH + PERIOD, ping_at: None }
        );
    }

    #[test]
    fn one_place_is_kept_for_a_ping() {
        let now = Instant::now();
        let mut throttle = Throttle::new(80, PERIOD, MAX_UNREAD_AGE);
        let mut calls = 0;
        while throttle.check_call(now).is_ok() {
            calls += 1;
            throttle.sent(calls, now);
        }
        assert_eq!(calls, 79);
        assert_eq!(throttle.check_ping(now), Ok(()));
        throttle.sent(100, now);
        assert!(throttle.check_call(now).is_err());
        throttle.answered(100, now);
        assert_eq!(throttle.check_ping(now), Err(now + PERIOD));
        assert_eq!(throttle.check_ping(now + PERIOD), Ok(()));
        assert_eq!(throttle.check_call(now + PERIOD), Ok(()));
    }

    #[test]
    fn of_two_pings_with_one_cid_the_first_answer_is_the_first_ones() {
        let now = Instant::now();
        let mut throttle = Throttle::new(80, PERIOD, MAX_UNREAD_AGE);
        for at in [now, now + MS] {
            throttle.sent(9, at);
        }
        throttle.answered(9, now + 2 * MS);
        assert_eq!((throttle.unread.len(), throttle.read.len()), (1, 1));
        throttle.answered(9, now + 3 * MS);
        assert_eq!((throttle.unread.len(), throttle.read.len()), (0, 2));
    }

    #[test]
    fn zero_is_no_limit() {
        let now = Instant::now();
        let mut throttle = Throttle::new(0, PERIOD, MAX_UNREAD_AGE);
        for cid in 0..10_000 {
            assert!(throttle.check_call(now).is_ok());
            throttle.sent(cid, now);
        }
        assert!(throttle.unread.is_empty());
    }
}

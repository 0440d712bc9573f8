//! A sliding window: whenever a period begins, no more than so many frames are sent in it.
//!
//! A token bucket would let twice as many through in its first period, and nobody knows how the server counts. This
//! one is for sends, where an answer of 429 mends a guess that was wrong; what must never be wrong is in `throttle`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug, Clone)]
pub struct Limiter {
    limit: usize,
    period: Duration,
    /// When the frames of the last period were sent, oldest first.
    sent: VecDeque<Instant>,
}

impl Limiter {
    /// `limit` frames in a `period`; 0 frames means no limit.
    pub fn new(limit: u32, period: Duration) -> Self {
        Self { limit: limit as usize, period, sent: VecDeque::new() }
    }

    /// Takes one frame's worth, or says when there will be one.
    #[cfg(test)]
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.check(now)?;
        self.spend(now);
        Ok(())
    }

    /// May a frame go, or when may it?
    pub fn check(&mut self, now: Instant) -> Result<(), Instant> {
        if self.limit == 0 {
            return Ok(());
        }
        self.forget(now);
        // The window is full until this one leaves it; there may be more than fit.
        self.sent.len().checked_sub(self.limit).map_or(Ok(()), |over| Err(self.sent[over] + self.period))
    }

    /// Counts a frame that goes; those after it wait for it.
    pub fn spend(&mut self, now: Instant) {
        if self.limit > 0 {
            self.forget(now);
            self.sent.push_back(now);
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.sent.front().is_some_and(|at| now.saturating_duration_since(*at) >= self.period) {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIOD: Duration = Duration::from_secs(1);

    proptest! {
        #[test]
        fn no_period_sees_more_than_the_limit_and_none_waits_longer_than_it_must(
            limit in 1u32..100, steps in prop::collection::vec((0u64..200, any::<bool>()), 1..200),
        ) {
            let mut now = Instant::now();
            let mut limiter = Limiter::new(limit, PERIOD);
            let (mut taken, mut all) = (Vec::new(), Vec::new());
            for (step, ping) in steps {
                now += Duration::from_millis(step);
                if ping {
                    limiter.spend(now);
                    all.push(now);
                }
                while limiter.take(now).is_ok() {
                    taken.push(now);
                    all.push(now);
                }
                let next = limiter.take(now).unwrap_err();
                prop_assert!(next > now && next <= now + PERIOD);
                prop_assert!(limiter.clone().take(next).is_ok());
                let sooner = next - Duration::from_nanos(1);
                let full = all.iter().filter(|at| sooner.duration_since(**at) < PERIOD).count();
                prop_assert!(full >= limit as usize, "it could have come sooner");
            }
            for at in &taken {
                let seen = taken.iter().filter(|other| *at <= **other && **other < *at + PERIOD).count();
                prop_assert!(seen <= limit as usize);
            }
        }
    }

    #[test]
    fn a_frame_that_does_not_wait_counts() {
        let now = Instant::now();
        let mut limiter = Limiter::new(2, PERIOD);
        assert!(limiter.take(now).is_ok());
        limiter.spend(now);
        limiter.spend(now + PERIOD / 2);
        assert_eq!(limiter.take(now + PERIOD / 2), Err(now + PERIOD));
        assert!(limiter.take(now + PERIOD).is_ok());
        assert_eq!(limiter.take(now + PERIOD), Err(now + PERIOD * 3 / 2));
    }

    #[test]
    fn zero_is_no_limit() {
        let now = Instant::now();
        let mut limiter = Limiter::new(0, PERIOD);
        assert!((0..10_000).all(|_| limiter.take(now).is_ok()));
    }
}

//! A token bucket: so many frames in a period, bursts up to one period's worth.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug, Clone)]
pub struct Limiter {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    at: Instant,
}

impl Limiter {
    /// `limit` frames in a `period`; 0 frames means no limit.
    pub fn new(limit: u32, period: Duration, now: Instant) -> Self {
        let capacity = if limit == 0 { f64::INFINITY } else { f64::from(limit) };
        let per_second = capacity / period.as_secs_f64().max(1e-9);
        Self { capacity, per_second, tokens: capacity, at: now }
    }

    /// Takes one frame's worth, or says when there will be one.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if self.capacity.is_infinite() {
            return Ok(());
        }
        self.refill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        // A hair more, lest rounding wakes us just before.
        let wait = (1.0 - self.tokens) / self.per_second + 1e-6;
        Err(self.at + Duration::from_secs_f64(wait))
    }

    /// Counts a frame that does not wait; those after it wait for it.
    pub fn spend(&mut self, now: Instant) {
        if self.capacity.is_finite() {
            self.refill(now);
            self.tokens -= 1.0;
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_window_sees_more_than_two_periods_worth(
            limit in 1u32..100, steps in prop::collection::vec(0u64..200, 1..200),
        ) {
            let period = Duration::from_secs(1);
            let start = Instant::now();
            let mut limiter = Limiter::new(limit, period, start);
            let mut now = start;
            let mut taken = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                while limiter.take(now).is_ok() { taken.push(now); }
                let next = limiter.take(now).unwrap_err();
                prop_assert!(next > now);
                prop_assert!(limiter.clone().take(next).is_ok());
            }
            let total = now.duration_since(start).as_secs_f64() * f64::from(limit) + f64::from(limit);
            prop_assert!(taken.len() as f64 <= total + 1e-6);
        }
    }

    #[test]
    fn a_frame_that_does_not_wait_counts() {
        let now = Instant::now();
        let mut limiter = Limiter::new(2, Duration::from_secs(1), now);
        assert!(limiter.take(now).is_ok() && limiter.take(now).is_ok());
        limiter.spend(now);
        let next = limiter.take(now).unwrap_err();
        assert!(next >= now + Duration::from_secs(1), "two tokens are owed, two come in a second");
    }

    #[test]
    fn zero_is_no_limit() {
        let now = Instant::now();
        let mut limiter = Limiter::new(0, Duration::from_secs(1), now);
        assert!((0..10_000).all(|_| limiter.take(now).is_ok()));
    }
}

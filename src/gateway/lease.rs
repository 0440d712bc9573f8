//! Until when calls may go out, for a client that another one may replace.
//!
//! The process may be stopped at any time, and whoever watches it gives its place away: when it goes on, what waited in
//! the outbox must not go out as well. No thread of Python can see to that, for the I/O thread goes on as soon as it does.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

const NONE: u64 = u64::MAX;

#[derive(Debug)]
pub struct Lease {
    since: Instant,
    /// Microseconds after `since`; `NONE` for a client that nobody replaces.
    until: AtomicU64,
}

impl Lease {
    pub fn new() -> Self {
        Self { since: Instant::now(), until: AtomicU64::new(NONE) }
    }

    /// Calls may go out for so long from now on, and no longer.
    pub fn renew(&self, left: Duration) {
        let until = self.since.elapsed().saturating_add(left).as_micros();
        self.until.store(u64::try_from(until).unwrap_or(NONE).min(NONE - 1), Relaxed);
    }

    /// May a call go out? Looks at the clock anew: the thread may have been stopped since it last did.
    pub fn holds(&self) -> bool {
        let until = self.until.load(Relaxed);
        until == NONE || self.since.elapsed().as_micros() < u128::from(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_and_is_renewed() {
        let second = Duration::from_secs(1);
        let lease = Lease::new();
        tokio::time::advance(1000 * second).await;
        assert!(lease.holds(), "without one there is no end");
        lease.renew(second);
        assert!(lease.holds());
        tokio::time::advance(second).await;
        assert!(!lease.holds());
        lease.renew(Duration::MAX);
        assert!(lease.holds());
        lease.renew(Duration::ZERO);
        assert!(!lease.holds());
    }
}

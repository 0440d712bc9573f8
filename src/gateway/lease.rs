//! The lease of a client that another process may replace: how long it may send calls.
//!
//! If the process is suspended, its supervisor may start a replacement; the queued calls must then not be sent
//! when the process resumes. A Python thread cannot ensure that, because the I/O thread resumes at the same time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

const NONE: u64 = u64::MAX;

#[derive(Debug)]
pub struct Lease {
    since: Instant,
    /// Microseconds after `since`; `NONE` without a lease.
    until: AtomicU64,
}

impl Lease {
    pub fn new() -> Self {
        Self { since: Instant::now(), until: AtomicU64::new(NONE) }
    }

    /// Allow calls for `left` from now on, and no longer.
    pub fn renew(&self, left: Duration) {
        let until = self.since.elapsed().saturating_add(left).as_micros();
        self.until.store(u64::try_from(until).unwrap_or(NONE).min(NONE - 1), Relaxed);
    }

    /// Return whether a call may be sent. Reads the clock every time: the thread may have been suspended
    /// meanwhile.
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

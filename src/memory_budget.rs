//! The memory budget of a process with many clients: limits each client and all of them together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Up to this number of clients, each may hold its full bound.
const UNDIVIDED: usize = 8;
/// Minimum share of one client.
const MIN_SHARE: usize = 64 << 10;

/// Counts the clients that share the memory of a process.
#[derive(Debug, Default)]
pub struct MemoryBudget(AtomicUsize);

/// The budget of this process.
pub static PROCESS: MemoryBudget = MemoryBudget(AtomicUsize::new(0));

impl MemoryBudget {
    /// Register a client until the returned share is dropped.
    pub fn register(&'static self) -> BudgetShare {
        self.0.fetch_add(1, Ordering::Relaxed);
        BudgetShare(self)
    }

    /// Return the share of a client whose own bound is `own`. All shares together never exceed those of eight
    /// clients.
    ///
    /// A client applies a smaller share at its next addition, so the total may exceed the budget until every
    /// client has received something.
    #[inline]
    pub fn share_of(&self, own: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0..=UNDIVIDED => own,
            many => (own / many * UNDIVIDED).max(MIN_SHARE.min(own)),
        }
    }
}

/// The registration of a client.
#[derive(Debug)]
pub struct BudgetShare(&'static MemoryBudget);

impl Drop for BudgetShare {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_inboxes_hold_at_most_what_eight_may_hold() {
        let budget: &'static MemoryBudget = Box::leak(Box::default());
        let own = 32 << 20;
        let mut members: Vec<_> = (0..8).map(|_| budget.register()).collect();
        assert_eq!(budget.share_of(own), own);
        members.extend((8..64).map(|_| budget.register()));
        assert_eq!(budget.share_of(own), own / 8);
        assert_eq!(budget.share_of(100 << 10), MIN_SHARE, "nobody has less than that");
        assert_eq!(budget.share_of(1000), 1000, "but who wants less");
        members.truncate(8);
        assert_eq!(budget.share_of(own), own);
    }
}

//! Many clients in one process: what each may hold in memory is bounded, and so is what all of them hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many hold as much as their own bounds say.
const UNDIVIDED: usize = 8;
/// Nobody has to do with less than this, whatever the others are.
const MIN_SHARE: usize = 64 << 10;

/// Those who share the memory of a process.
#[derive(Debug, Default)]
pub struct MemoryBudget(AtomicUsize);

/// The clients of this process.
pub static PROCESS: MemoryBudget = MemoryBudget(AtomicUsize::new(0));

impl MemoryBudget {
    /// One more, until what this gives is dropped.
    pub fn register(&'static self) -> BudgetShare {
        self.0.fetch_add(1, Ordering::Relaxed);
        BudgetShare(self)
    }

    /// How much each may hold whose own bound is `own`: together never more than eight alone.
    ///
    /// What is held already goes when more comes, so a crowd may be over its bound until all its members heard something.
    #[inline]
    pub fn share_of(&self, own: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0..=UNDIVIDED => own,
            many => (own / many * UNDIVIDED).max(MIN_SHARE.min(own)),
        }
    }
}

/// One of a crowd.
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
    fn a_crowd_holds_what_eight_may_hold() {
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

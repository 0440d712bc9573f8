//! Many clients in one process: what each may hold in memory is bounded, and so is what all of them hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many hold as much as their own bounds say.
const FEW: usize = 8;
/// Nobody has to do with less than this, whatever the others are.
const LEAST: usize = 64 << 10;

/// Those who share the memory of a process.
#[derive(Debug, Default)]
pub struct Crowd(AtomicUsize);

/// The clients of this process.
pub static PROCESS: Crowd = Crowd(AtomicUsize::new(0));

impl Crowd {
    /// One more, until what this gives is dropped.
    pub fn join(&'static self) -> Member {
        self.0.fetch_add(1, Ordering::Relaxed);
        Member(self)
    }

    /// How much each may hold whose own bound is `own`: together never more than eight alone.
    ///
    /// What is held already goes when more comes, so a crowd may be over its bound until all its members heard something.
    #[inline]
    pub fn part(&self, own: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0..=FEW => own,
            many => (own / many * FEW).max(LEAST.min(own)),
        }
    }
}

/// One of a crowd.
#[derive(Debug)]
pub struct Member(&'static Crowd);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_holds_what_eight_may_hold() {
        let crowd: &'static Crowd = Box::leak(Box::default());
        let own = 32 << 20;
        let mut members: Vec<_> = (0..8).map(|_| crowd.join()).collect();
        assert_eq!(crowd.part(own), own);
        members.extend((8..64).map(|_| crowd.join()));
        assert_eq!(crowd.part(own), own / 8);
        assert_eq!(crowd.part(100 << 10), LEAST, "nobody has less than that");
        assert_eq!(crowd.part(1000), 1000, "but who wants less");
        members.truncate(8);
        assert_eq!(crowd.part(own), own);
    }
}

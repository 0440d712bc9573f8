//! Requests for the indexes that queries need. The writer updates them in slices between groups.
//!
//! A bot that never lists a channel and never searches pays for none of them. On a file of a million rows an
//! update blocks nobody: groups are written between the slices, and other readers wait for the current slice at
//! most.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::queue::lock;

/// Rows added to an index before checking whether to continue. With fewer rows the commits would cost more than
/// the rows, and each commit leaves the search index a segment to merge.
pub const STEP: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The rows of each channel by time.
    Channels,
    /// The words of every row.
    Text,
}

impl Index {
    pub const ALL: [Index; 2] = [Index::Channels, Index::Text];
}

/// The state of the requests for an index.
#[derive(Debug, Clone, Copy, Default)]
struct Request {
    /// The last ticket issued, and the last one completed.
    asked: u64,
    done: u64,
    /// The number of operations that the index must contain.
    target: u64,
}

/// An index with an open request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingIndex {
    pub index: Index,
    pub ticket: u64,
    /// The request is complete when the index contains this number of operations.
    pub target: u64,
}

/// The requests of readers, which wait here.
#[derive(Debug, Default)]
pub struct Indexes {
    requests: Mutex<[Request; Index::ALL.len()]>,
    changed: Condvar,
}

impl Indexes {
    /// Request an index of the first `target` operations, including what other processes have written by then.
    /// Returns a ticket.
    pub fn request(&self, index: Index, target: u64) -> u64 {
        let request = &mut lock(&self.requests)[index as usize];
        request.asked += 1;
        request.target = request.target.max(target);
        request.asked
    }

    pub fn next_pending(&self) -> Option<PendingIndex> {
        let requests = lock(&self.requests);
        Index::ALL.into_iter().find_map(|index| {
            let Request { asked, done, target } = requests[index as usize];
            (asked > done).then_some(PendingIndex { index, ticket: asked, target })
        })
    }

    /// Complete the requests up to this ticket.
    pub fn complete(&self, index: Index, ticket: u64) {
        let request = &mut lock(&self.requests)[index as usize];
        request.done = request.done.max(ticket);
        self.changed.notify_all();
    }

    /// Complete all requests because there is no writer: the readers use the index as it is.
    pub fn complete_all(&self) {
        for request in lock(&self.requests).iter_mut() {
            request.done = request.asked;
        }
        self.changed.notify_all();
    }

    /// Wait until the request of this ticket is complete. Returns false if the time is over first.
    pub fn wait(&self, index: Index, ticket: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut requests = lock(&self.requests);
        while requests[index as usize].done < ticket {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            requests = self.changed.wait_timeout(requests, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_wanted_until_its_last_order_is_carried_out() {
        let indexes = Indexes::default();
        assert_eq!(indexes.next_pending(), None);
        let first = indexes.request(Index::Text, 5);
        assert_eq!(
            indexes.next_pending(),
            Some(PendingIndex { index: Index::Text, ticket: first, target: 5 })
        );
        let second = indexes.request(Index::Text, 3);
        assert_eq!(
            indexes.next_pending(),
            Some(PendingIndex { index: Index::Text, ticket: second, target: 5 })
        );
        indexes.complete(Index::Text, first);
        assert!(indexes.wait(Index::Text, first, Duration::ZERO));
        assert!(!indexes.wait(Index::Text, second, Duration::ZERO));
        indexes.complete(Index::Text, second);
        assert_eq!(indexes.next_pending(), None);
        let third = indexes.request(Index::Channels, 0);
        indexes.complete_all();
        assert!(indexes.wait(Index::Channels, third, Duration::ZERO));
        assert_eq!(indexes.next_pending(), None);
    }
}

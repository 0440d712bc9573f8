//! The indexes that queries ask for, brought up to date by the writer, a slice between two groups.
//!
//! A bot that never lists a channel and never searches pays for none of them; and one that does, on a file of a million
//! rows, holds nobody up: groups are written between the slices, and other readers wait for no slice but the one at hand.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::queue::lock;

/// Rows put into an index before anybody looks whether to go on: with fewer the commits cost more than the rows, and each
/// leaves a segment to the search index that has to be merged again.
pub const STEP: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The rows of each channel, by their time.
    Channels,
    /// The words of every row.
    Text,
}

impl Index {
    pub const ALL: [Index; 2] = [Index::Channels, Index::Text];
}

/// What is asked of an index.
#[derive(Debug, Clone, Copy, Default)]
struct Order {
    /// The last ticket given out, and the last one whose order is carried out.
    asked: u64,
    done: u64,
    /// The operations that must be in the index for that.
    target: u64,
}

/// An index somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub index: Index,
    pub ticket: u64,
    /// It is there when the index holds so many operations.
    pub target: u64,
}

/// What readers have asked for. They wait here.
#[derive(Debug, Default)]
pub struct Indexes {
    orders: Mutex<[Order; Index::ALL.len()]>,
    changed: Condvar,
}

impl Indexes {
    /// Asks for an index that holds the first `target` operations, and whatever other processes have written by then.
    pub fn ask(&self, index: Index, target: u64) -> u64 {
        let order = &mut lock(&self.orders)[index as usize];
        order.asked += 1;
        order.target = order.target.max(target);
        order.asked
    }

    pub fn wanted(&self) -> Option<Wanted> {
        let orders = lock(&self.orders);
        Index::ALL.into_iter().find_map(|index| {
            let Order { asked, done, target } = orders[index as usize];
            (asked > done).then_some(Wanted { index, ticket: asked, target })
        })
    }

    /// The order is carried out.
    pub fn settle(&self, index: Index, ticket: u64) {
        let order = &mut lock(&self.orders)[index as usize];
        order.done = order.done.max(ticket);
        self.changed.notify_all();
    }

    /// There is nobody who could go on: those who wait take what there is.
    pub fn give_up(&self) {
        for order in lock(&self.orders).iter_mut() {
            order.done = order.asked;
        }
        self.changed.notify_all();
    }

    /// Waits until the order of this ticket is carried out; false when the time is over first.
    pub fn wait(&self, index: Index, ticket: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut orders = lock(&self.orders);
        while orders[index as usize].done < ticket {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            orders = self.changed.wait_timeout(orders, left).unwrap_or_else(PoisonError::into_inner).0;
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
        assert_eq!(indexes.wanted(), None);
        let first = indexes.ask(Index::Text, 5);
        assert_eq!(indexes.wanted(), Some(Wanted { index: Index::Text, ticket: first, target: 5 }));
        let second = indexes.ask(Index::Text, 3);
        assert_eq!(indexes.wanted(), Some(Wanted { index: Index::Text, ticket: second, target: 5 }));
        indexes.settle(Index::Text, first);
        assert!(indexes.wait(Index::Text, first, Duration::ZERO));
        assert!(!indexes.wait(Index::Text, second, Duration::ZERO));
        indexes.settle(Index::Text, second);
        assert_eq!(indexes.wanted(), None);
        let third = indexes.ask(Index::Channels, 0);
        indexes.give_up();
        assert!(indexes.wait(Index::Channels, third, Duration::ZERO));
        assert_eq!(indexes.wanted(), None);
    }
}

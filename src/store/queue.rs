//! What was accepted and is not yet written, and how far the writer has come.

use std::collections::VecDeque;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::row::Row;
use crate::wire::{Body, Header};

/// Something accepted.
#[derive(Debug, Clone)]
pub enum Op {
    Payload(Header, Body),
    /// A message of the bot's own, which takes the place of none that is there.
    Sent(Header, Body),
    Row {
        channel: i64,
        id: i64,
        row: Arc<Row>,
    },
    Delete {
        channel: i64,
        id: i64,
        result: RowsChanged,
    },
    Clear {
        channel: i64,
        result: RowsChanged,
    },
}

impl Op {
    /// Does it say anything about this message?
    pub fn concerns(&self, channel: i64, id: i64) -> bool {
        match self {
            Op::Payload(header, _) | Op::Sent(header, _) => header.id == id && header.channel == channel,
            Op::Row { channel: of, id: known, .. } | Op::Delete { channel: of, id: known, .. } => {
                *known == id && *of == channel
            }
            Op::Clear { channel: of, .. } => *of == channel,
        }
    }

    /// The bytes it holds.
    pub fn weight(&self) -> usize {
        match self {
            Op::Payload(_, body) | Op::Sent(_, body) => body.len(),
            Op::Row { row, .. } => row.weight(),
            Op::Delete { .. } | Op::Clear { .. } => 0,
        }
    }
}

/// The number of rows an operation changed; set before the operation counts as settled.
pub type RowsChanged = Arc<AtomicI64>;

/// The producers' end. Everything under one short lock.
#[derive(Debug, Default)]
pub struct Intake {
    /// What the memory layer has not seen yet.
    pub ops: VecDeque<Op>,
    pub bytes: usize,
    /// Number of operations ever accepted.
    pub accepted: u64,
    /// The writer waits for the first operation.
    pub asleep: bool,
    /// Somebody waits: do not collect a group.
    pub hurry: bool,
    /// The store closes: until when the writer waits for a file that another process holds.
    pub closing: Option<Instant>,
    pub running: bool,
    /// Writers that have come to their end.
    pub ended: u64,
}

/// Operations settled (committed, or given up to memory). Readers wait here.
#[derive(Debug, Default)]
pub struct Progress {
    settled: Mutex<u64>,
    changed: Condvar,
}

impl Progress {
    pub fn advance(&self, by: u64) {
        *lock(&self.settled) += by;
        self.changed.notify_all();
    }

    pub fn settled(&self) -> u64 {
        *lock(&self.settled)
    }

    /// Waits until `target` operations are settled; false when the time is over first.
    pub fn wait(&self, target: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut settled = lock(&self.settled);
        while *settled < target {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            settled = self.changed.wait_timeout(settled, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// A panic elsewhere does not make what a lock guards worthless: every holder leaves it whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

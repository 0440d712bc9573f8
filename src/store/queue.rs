//! The queue of accepted operations, and the progress of the writer.

use std::collections::VecDeque;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::row::Row;
use crate::wire::{Body, Header};

/// An accepted operation.
#[derive(Debug, Clone)]
pub enum Op {
    Payload(Header, Body),
    /// A message that the bot has sent. It does not replace an existing one.
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
    /// Open the file, which creates it if it is missing. No row changes.
    Create,
}

impl Op {
    /// Return whether the operation affects this message.
    pub fn concerns(&self, channel: i64, id: i64) -> bool {
        match self {
            Op::Payload(header, _) | Op::Sent(header, _) => header.id == id && header.channel == channel,
            Op::Row { channel: of, id: known, .. } | Op::Delete { channel: of, id: known, .. } => {
                *known == id && *of == channel
            }
            Op::Clear { channel: of, .. } => *of == channel,
            Op::Create => false,
        }
    }

    /// Return the size of the operation in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Op::Payload(_, body) | Op::Sent(_, body) => body.len(),
            Op::Row { row, .. } => row.weight(),
            Op::Delete { .. } | Op::Clear { .. } | Op::Create => 0,
        }
    }
}

/// The number of rows that an operation has changed; set before the operation counts as completed.
pub type RowsChanged = Arc<AtomicI64>;

/// The producers' side of the queue, protected by one briefly held lock.
#[derive(Debug, Default)]
pub struct Intake {
    /// Operations that the memory layer has not applied yet.
    pub ops: VecDeque<Op>,
    pub bytes: usize,
    /// The number of operations ever accepted.
    pub accepted: u64,
    /// The writer waits for an operation.
    pub asleep: bool,
    /// Something waits for the commit: do not collect a group.
    pub urgent: bool,
    /// Set when the store closes: how long the writer waits for a file that another process has locked.
    pub closing: Option<Instant>,
    pub running: bool,
    /// The number of writers that have ended.
    pub ended: u64,
}

/// The number of completed operations: committed, retained or dropped. Readers wait here.
#[derive(Debug, Default)]
pub struct Progress {
    completed: Mutex<u64>,
    changed: Condvar,
}

impl Progress {
    pub fn advance(&self, by: u64) {
        *lock(&self.completed) += by;
        self.changed.notify_all();
    }

    pub fn completed(&self) -> u64 {
        *lock(&self.completed)
    }

    /// Wait until `target` operations are completed. Returns false if the time is over first.
    pub fn wait(&self, target: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut completed = lock(&self.completed);
        while *completed < target {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            completed = self.changed.wait_timeout(completed, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Lock a mutex even if it is poisoned: every holder leaves the protected data consistent.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

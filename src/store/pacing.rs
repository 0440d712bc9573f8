//! The schedule of the maintenance, and the amount of work per step.

use std::time::{Duration, Instant};

/// How long a group collects unless something waits for it. Balances what a kill may lose against the fixed cost
/// of a group (the log's header, the pages that every group touches), a tenth of a millisecond of CPU time.
pub const DELAY: Duration = Duration::from_millis(20);
/// The bytes in the log that trigger a checkpoint, and the further bytes that trigger the next attempt if a reader
/// blocked it.
pub const CHECKPOINT_BYTES: usize = 16 << 20;
pub const CHECKPOINT_AGAIN: usize = 8 << 20;

/// How often the age of rows and the rows of other processes are checked.
pub const TICK: Duration = Duration::from_secs(30);
/// The minimum number of rows removed per step: with fewer the commits cost more than the rows.
pub const MIN_BATCH: usize = 256;
/// The pause after a long slice: without it another process that wants to write finds no gap between two slices.
pub const PAUSE: Duration = Duration::from_millis(5);

/// The time limit of a step. A commit of 20 ms is a long one already.
const TIME: Duration = Duration::from_millis(6);

/// The number of rows per step, adapted to the duration of the last step.
#[derive(Debug)]
pub struct AdaptiveBatch {
    rows: usize,
    least: usize,
}

impl AdaptiveBatch {
    /// Start with `least` rows, which is also the minimum.
    pub fn new(least: usize) -> AdaptiveBatch {
        AdaptiveBatch { rows: least, least }
    }

    /// Adapt to the last step, which has processed `done` rows in this time.
    pub fn adapt(&mut self, done: usize, took: Duration) {
        if took > TIME {
            self.rows = (self.rows / 2).max(self.least);
        } else if done == self.rows && took < TIME / 2 {
            self.rows = (self.rows * 2).min(4096);
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// The state of the maintenance.
pub struct Maintenance {
    pub data_version: Option<i64>,
    pub batch: AdaptiveBatch,
    /// Rows exceed a bound.
    pub pruning: bool,
    /// There may be unused pages to return.
    pub vacuuming: bool,
    /// Pages were returned, but the file has not shrunk yet.
    pub gave_back: bool,
    pub indexing: bool,
    /// Parts of the search index may be obsolete, or detached tables are to be dropped.
    pub detaching: bool,
    /// The last slice was a long one.
    pub pause_due: bool,
    pub tick: Instant,
    pub checkpoint_at: usize,
}

impl Maintenance {
    pub fn new() -> Maintenance {
        Maintenance {
            data_version: None,
            batch: AdaptiveBatch::new(MIN_BATCH),
            pruning: false,
            vacuuming: false,
            gave_back: false,
            indexing: false,
            detaching: false,
            pause_due: false,
            tick: Instant::now(),
            checkpoint_at: CHECKPOINT_BYTES,
        }
    }

    /// Return whether there is another slice to do.
    pub fn more(&self) -> bool {
        self.pruning || self.vacuuming || self.indexing || self.detaching
    }

    /// Return how long a group collects before it is written.
    pub fn delay(&self) -> Duration {
        match (self.more(), self.pause_due) {
            (false, _) => DELAY,
            (true, true) => PAUSE,
            (true, false) => Duration::ZERO,
        }
    }

    pub fn next_wakeup(&self) -> Instant {
        if self.more() { Instant::now() } else { self.tick }
    }

    /// Suspend the maintenance until the next tick.
    pub fn rest(&mut self) {
        (self.pruning, self.vacuuming, self.indexing, self.detaching) = (false, false, false, false);
        self.tick = Instant::now() + TICK;
    }
}

//! The writer: the thread that commits queued operations in groups and maintains the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::group::{self, Written};
use super::options::TroubleKind;
use super::pacing::Maintenance;
use super::queue::{Intake, Op, lock};
use super::shared::Shared;
use super::{file, process};

/// A queue of this size is written without a delay.
const FULL_GROUP_BYTES: usize = 8 << 20;

/// The maximum number of rows per group if the rows are bounded: a tenth of a second's rows would exceed a small
/// bound by far.
const SHARE: u64 = 16;
const ROWS: u64 = 256;

/// How long another process may lock the file before the store continues without it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The delay of the first attempt to write again after an outage has begun.
pub const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The file cannot be written.
pub struct Outage {
    pub retry_at: Instant,
    pub delay: Duration,
    /// Another process has locked the file and may release it.
    pub busy: bool,
    pub why: String,
}

impl Outage {
    /// Create an outage with an immediate attempt.
    pub fn now() -> Outage {
        Outage { retry_at: Instant::now(), delay: RETRY_FIRST, busy: false, why: String::new() }
    }

    /// Postpone the next attempt.
    pub fn postpone(&mut self) {
        self.retry_at = Instant::now() + self.delay;
    }
}

pub fn run(shared: &Arc<Shared>) {
    let mut writer = Writer {
        shared,
        taken: shared.progress.completed(),
        // The previous writer may have ended during an outage.
        outage: shared.degraded.load(Ordering::Acquire).then(Outage::now),
        aside: 0,
        rows: None,
        maintenance: Maintenance::new(),
    };
    loop {
        match catch_unwind(AssertUnwindSafe(|| writer.turn())) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => writer.after_panic(),
        }
    }
}

/// Let a group collect, unless something waits for it.
fn collect<'i>(shared: &Shared, intake: MutexGuard<'i, Intake>, delay: Duration) -> MutexGuard<'i, Intake> {
    if delay.is_zero() {
        return intake;
    }
    let waiting =
        |intake: &mut Intake| !intake.urgent && intake.closing.is_none() && intake.bytes < FULL_GROUP_BYTES;
    shared.wake.wait_timeout_while(intake, delay, waiting).unwrap_or_else(PoisonError::into_inner).0
}

/// Operations that the writer has taken. Each counts in the backlog until it is completed here. Dropping a batch,
/// for example in a panic, completes the rest, so that nothing waits for lost operations.
pub(super) struct Batch<'s> {
    shared: &'s Shared,
    ops: Vec<Op>,
    completed: usize,
}

impl<'s> Batch<'s> {
    fn take(shared: &'s Shared) -> Batch<'s> {
        let ops = std::mem::take(&mut shared.apply_accepted().ops);
        Batch { shared, ops, completed: 0 }
    }

    /// Return the operations that are not completed.
    pub fn left(&self) -> &[Op] {
        &self.ops[self.completed..]
    }

    /// Complete the next operations, which were written, retained or skipped.
    pub fn complete(&mut self, count: usize) {
        let bytes: usize = self.left()[..count].iter().map(Op::weight).sum();
        self.completed += count;
        self.shared.applied_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.shared.progress.advance(count as u64);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let left = self.left().len();
        if left > 0 {
            self.shared.counters.lost.fetch_add(left as u64, Ordering::Relaxed);
            self.complete(left);
        }
    }
}

pub(super) struct Writer<'s> {
    pub shared: &'s Arc<Shared>,
    /// The number of operations taken from the queue so far.
    pub taken: u64,
    pub outage: Option<Outage>,
    /// The number of corrupt files that this writer has renamed.
    pub aside: u32,
    /// The number of rows in the file, once counted. Rows of other processes are counted at each tick.
    pub rows: Option<u64>,
    pub maintenance: Maintenance,
}

impl Writer<'_> {
    /// Run one round. Returns false when the store is closed.
    fn turn(&mut self) -> bool {
        let closing = self.wait();
        let batch = Batch::take(self.shared);
        self.taken += batch.left().len() as u64;
        if self.shared.suspect.swap(false, Ordering::AcqRel) && self.outage.is_none() {
            self.set_aside("a page of it cannot be read");
        }
        if self.outage.as_ref().is_some_and(|outage| Instant::now() >= outage.retry_at) {
            self.recover();
        }
        self.write_batch(batch);
        self.maintain(false);
        closing.is_none_or(|until| self.finish(until))
    }

    /// Wait until there is something to do. Returns the deadline if the store closes.
    fn wait(&mut self) -> Option<Instant> {
        let shared = self.shared;
        let mut intake = lock(&shared.intake);
        while intake.accepted == self.taken
            && intake.closing.is_none()
            && !shared.suspect.load(Ordering::Acquire)
            && (self.outage.is_some() || shared.indexes.next_pending().is_none())
        {
            let until = self.next_wakeup();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            intake.asleep = true;
            intake = shared.wake.wait_timeout(intake, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        intake.asleep = false;
        intake = collect(shared, intake, self.maintenance.delay());
        intake.urgent = false;
        intake.closing
    }

    /// Return when the writer wakes up if no operation arrives.
    fn next_wakeup(&self) -> Instant {
        match &self.outage {
            Some(outage) => outage.retry_at,
            None => self.maintenance.next_wakeup(),
        }
    }

    /// Commit the operations in groups, or retain them.
    fn write_batch(&mut self, mut batch: Batch<'_>) {
        #[cfg(test)]
        group::panic_outside(batch.left());
        let mut busy_since: Option<Instant> = None;
        let most = self.shared.options.max_messages.map_or(u64::MAX, |max| (max / SHARE).max(ROWS));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        while !batch.left().is_empty() {
            if self.outage.is_some() {
                self.retain(batch);
                return;
            }
            if self.has_moved() {
                self.reopen_moved();
            }
            let end = batch.left().len().min(most);
            match self.group(&batch.left()[..end]) {
                Ok(written) => {
                    self.record(&written);
                    batch.complete(written.ops);
                    busy_since = None;
                    if !batch.left().is_empty() {
                        self.maintain(true);
                    }
                }
                Err(error) if file::is_busy(&error) => {
                    let since = *busy_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= BUSY_TIMEOUT {
                        self.enter_outage(&error);
                    } else {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
                Err(error) if file::is_corrupt(&error) => self.set_aside(&error.to_string()),
                Err(error) => self.enter_outage(&error),
            }
        }
    }

    /// Write the first of `ops` in one transaction. An operation that panics is skipped and reported.
    pub fn group(&mut self, ops: &[Op]) -> Result<Written, rusqlite::Error> {
        let written = catch_unwind(AssertUnwindSafe(|| self.commit(ops)));
        written.unwrap_or_else(|_| self.one_by_one(ops))
    }

    /// Write operations up to the one that panics, each in a transaction of its own.
    fn one_by_one(&mut self, ops: &[Op]) -> Result<Written, rusqlite::Error> {
        let mut done = Written::default();
        for op in ops {
            match catch_unwind(AssertUnwindSafe(|| self.commit(std::slice::from_ref(op)))) {
                Ok(Ok(written)) => done.add(written),
                Ok(Err(error)) if done.ops == 0 => return Err(error),
                // The next group begins with this operation and meets the error again.
                Ok(Err(_)) => break,
                Err(_) => {
                    self.count_panic();
                    done.ops += 1;
                    break;
                }
            }
        }
        Ok(done)
    }

    fn commit(&mut self, ops: &[Op]) -> Result<Written, rusqlite::Error> {
        let (written, took) = self.with_file(|writable| {
            let started = Instant::now();
            let written = group::write(&mut writable.connection, ops)?;
            Ok((written, started.elapsed()))
        })?;
        let counters = &self.shared.counters;
        counters.commits.fetch_add(1, Ordering::Relaxed);
        counters.longest_commit.fetch_max(took.as_micros() as u64, Ordering::Relaxed);
        Ok(written)
    }

    pub fn with_file<T>(
        &mut self,
        work: impl FnOnce(&mut file::Writable) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let _guard = process::enter_sqlite();
        let mut guard = lock(&self.shared.writable);
        let writable = match &mut *guard {
            Some(writable) => writable,
            None => {
                self.rows = None;
                guard.insert(file::open(&self.shared.options.location)?)
            }
        };
        work(writable)
    }

    pub fn close_file(&self) {
        let _guard = process::enter_sqlite();
        *lock(&self.shared.writable) = None;
    }

    /// Count a committed group, and publish its results.
    pub fn record(&mut self, written: &Written) {
        for (answer, changed) in &written.answers {
            answer.store(*changed, Ordering::Release);
        }
        self.shared.counters.rows_written.fetch_add(written.changed as u64, Ordering::Relaxed);
        self.shared.counters.malformed.fetch_add(written.refused as u64, Ordering::Relaxed);
        self.rows = self.rows.map(|rows| rows.saturating_add_signed(written.grown));
    }

    /// End the thread unless an operation has just arrived; false ends it. Waits until `until` for a locked file.
    fn finish(&mut self, until: Instant) -> bool {
        self.write_retained(until);
        // Closing the last connection, which must be the writer's, checkpoints the log.
        self.shared.close_readers();
        self.close_file();
        let mut intake = lock(&self.shared.intake);
        if intake.accepted != self.taken {
            return true;
        }
        intake.running = false;
        intake.ended += 1;
        intake.asleep = false;
        self.shared.indexes.complete_all();
        let last_holder = lock(&self.shared.last_holder).take();
        drop(intake);
        drop(last_holder);
        self.shared.wake.notify_all();
        false
    }

    fn count_panic(&self) {
        self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        self.shared.notify(
            TroubleKind::Defect,
            "a message could not be stored because of a bug in mezon-rs. It was skipped; please report it."
                .into(),
        );
    }

    /// Continue after a round that panicked. Its batch was dropped and so completed. Nothing is retried at once,
    /// because it may panic again.
    fn after_panic(&mut self) {
        self.maintenance.rest();
        self.shared.indexes.complete_all();
        if let Some(outage) = &mut self.outage {
            outage.postpone();
        }
        self.count_panic();
    }
}

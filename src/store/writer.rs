//! The writer: one thread that commits what has come together, and keeps the file in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::group::{self, Written};
use super::outage::Down;
use super::queue::{Intake, Op, lock};
use super::upkeep::Upkeep;
use super::{Shared, TroubleKind, file, fork};

/// How long a group collects, unless somebody waits for it: what a kill may cost, against what each group costs by
/// itself (the log's header, the pages every group touches again): a tenth of a millisecond of CPU.
pub const DELAY: Duration = Duration::from_millis(20);
/// A queue of this size waits for nothing.
const ENOUGH_BYTES: usize = 8 << 20;

/// Rows of one group, of a bound of rows: those of 10 ms are many for a small one.
const SHARE: u64 = 16;
const ROWS: u64 = 256;

/// How long another process may hold the file before the store goes on without it.
const BUSY_PATIENCE: Duration = Duration::from_secs(2);

pub fn run(shared: &Arc<Shared>) {
    let mut writer = Writer {
        shared,
        taken: shared.progress.settled(),
        // An earlier writer may have ended with a file that could not be written.
        down: shared.degraded.load(Ordering::Acquire).then(Down::now),
        aside: 0,
        rows: None,
        upkeep: Upkeep::new(),
    };
    loop {
        match catch_unwind(AssertUnwindSafe(|| writer.turn())) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => writer.after_panic(),
        }
    }
}

/// Lets a group come together, unless somebody waits for it.
fn collect<'i>(shared: &Shared, intake: MutexGuard<'i, Intake>, delay: Duration) -> MutexGuard<'i, Intake> {
    if delay.is_zero() {
        return intake;
    }
    let waiting =
        |intake: &mut Intake| !intake.hurry && intake.closing.is_none() && intake.bytes < ENOUGH_BYTES;
    shared.wake.wait_timeout_while(intake, delay, waiting).unwrap_or_else(PoisonError::into_inner).0
}

/// Operations the writer has taken. Each counts in the backlog until it is settled here. A batch that is dropped, by a panic,
/// settles the rest: nobody waits for operations that nobody has.
pub(super) struct Batch<'s> {
    shared: &'s Shared,
    ops: Vec<Op>,
    settled: usize,
}

impl<'s> Batch<'s> {
    fn take(shared: &'s Shared) -> Batch<'s> {
        let ops = std::mem::take(&mut shared.absorb().ops);
        Batch { shared, ops, settled: 0 }
    }

    /// What is not settled.
    pub fn left(&self) -> &[Op] {
        &self.ops[self.settled..]
    }

    /// The next operations are written, or retained, or skipped.
    pub fn settle(&mut self, count: usize) {
        let bytes: usize = self.left()[..count].iter().map(Op::weight).sum();
        self.settled += count;
        self.shared.seen_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.shared.progress.advance(count as u64);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let left = self.left().len();
        if left > 0 {
            self.shared.counters.lost.fetch_add(left as u64, Ordering::Relaxed);
            self.settle(left);
        }
    }
}

pub(super) struct Writer<'s> {
    pub shared: &'s Arc<Shared>,
    /// Operations taken from the queue so far.
    pub taken: u64,
    pub down: Option<Down>,
    /// Files set aside by this writer.
    pub aside: u32,
    /// Rows in the file, once counted. Other processes' rows are counted at a tick.
    pub rows: Option<u64>,
    pub upkeep: Upkeep,
}

impl Writer<'_> {
    /// One round; false when the store is closed.
    fn turn(&mut self) -> bool {
        let closing = self.wait();
        let batch = Batch::take(self.shared);
        self.taken += batch.left().len() as u64;
        if self.shared.suspect.swap(false, Ordering::AcqRel) && self.down.is_none() {
            self.set_aside("a page of it cannot be read");
        }
        if self.down.as_ref().is_some_and(|down| Instant::now() >= down.retry_at) {
            self.recover();
        }
        self.settle(batch);
        self.look_after(false);
        closing.is_none_or(|until| self.finish(until))
    }

    /// Waits until there is something to do. Returns the deadline when the store closes.
    fn wait(&mut self) -> Option<Instant> {
        let shared = self.shared;
        let mut intake = lock(&shared.intake);
        while intake.accepted == self.taken
            && intake.closing.is_none()
            && !shared.suspect.load(Ordering::Acquire)
            && (self.down.is_some() || shared.indexes.wanted().is_none())
        {
            let until = self.next_look();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            intake.asleep = true;
            intake = shared.wake.wait_timeout(intake, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        intake.asleep = false;
        intake = collect(shared, intake, self.upkeep.delay());
        intake.hurry = false;
        intake.closing
    }

    /// When the writer looks around though nothing came.
    fn next_look(&self) -> Instant {
        match &self.down {
            Some(down) => down.retry_at,
            None => self.upkeep.next_look(),
        }
    }

    /// Commits the operations in groups, or retains them.
    fn settle(&mut self, mut batch: Batch<'_>) {
        #[cfg(test)]
        group::panic_outside(batch.left());
        let mut busy_since: Option<Instant> = None;
        let most = self.shared.options.max_messages.map_or(u64::MAX, |max| (max / SHARE).max(ROWS));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        while !batch.left().is_empty() {
            if self.down.is_some() {
                self.retain(batch);
                return;
            }
            if self.has_moved() {
                self.start_over();
            }
            let end = batch.left().len().min(most);
            match self.group(&batch.left()[..end]) {
                Ok(written) => {
                    self.record(&written);
                    batch.settle(written.ops);
                    busy_since = None;
                    if !batch.left().is_empty() {
                        self.look_after(true);
                    }
                }
                Err(error) if file::is_busy(&error) => {
                    let since = *busy_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= BUSY_PATIENCE {
                        self.go_down(&error);
                    } else {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
                Err(error) if file::is_corrupt(&error) => self.set_aside(&error.to_string()),
                Err(error) => self.go_down(&error),
            }
        }
    }

    /// Writes the first of `ops` in one transaction. An operation that panics is skipped and reported.
    pub fn group(&mut self, ops: &[Op]) -> Result<Written, rusqlite::Error> {
        let written = catch_unwind(AssertUnwindSafe(|| self.commit(ops)));
        written.unwrap_or_else(|_| self.one_by_one(ops))
    }

    /// Writes operations up to the one that panics, each in a transaction of its own.
    fn one_by_one(&mut self, ops: &[Op]) -> Result<Written, rusqlite::Error> {
        let mut done = Written::default();
        for op in ops {
            match catch_unwind(AssertUnwindSafe(|| self.commit(std::slice::from_ref(op)))) {
                Ok(Ok(written)) => done.add(written),
                Ok(Err(error)) if done.ops == 0 => return Err(error),
                // The next group begins with it, and meets the error again.
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
        let (written, took) = self.with_file(|place| {
            let started = Instant::now();
            let written = group::write(&mut place.connection, ops)?;
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
        let _inside = fork::enter();
        let mut guard = lock(&self.shared.writable);
        let place = match &mut *guard {
            Some(place) => place,
            None => {
                self.rows = None;
                guard.insert(file::open(&self.shared.options.location)?)
            }
        };
        work(place)
    }

    pub fn close_file(&self) {
        let _inside = fork::enter();
        *lock(&self.shared.writable) = None;
    }

    /// Counts a committed group, and answers those who wait for it.
    pub fn record(&mut self, written: &Written) {
        for (answer, changed) in &written.answers {
            answer.store(*changed, Ordering::Release);
        }
        self.shared.counters.rows_written.fetch_add(written.changed as u64, Ordering::Relaxed);
        self.shared.counters.malformed.fetch_add(written.refused as u64, Ordering::Relaxed);
        self.rows = self.rows.map(|rows| rows.saturating_add_signed(written.grown));
    }

    /// Ends the thread unless something came in the last moment; false ends it. Waits for a locked file until then.
    fn finish(&mut self, until: Instant) -> bool {
        self.write_retained(until);
        // Closing the last connection, which must be the writer's, empties the log into the file.
        self.shared.close_readers();
        self.close_file();
        let mut intake = lock(&self.shared.intake);
        if intake.accepted != self.taken {
            return true;
        }
        intake.running = false;
        intake.ended += 1;
        intake.asleep = false;
        self.shared.indexes.give_up();
        let last_member = lock(&self.shared.last_member).take();
        drop(intake);
        drop(last_member);
        self.shared.wake.notify_all();
        false
    }

    fn count_panic(&self) {
        self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        self.shared.tell(
            TroubleKind::Defect,
            "a message could not be stored because of a defect in mezon-rs. It was skipped; please report it.".into(),
        );
    }

    /// Goes on after a turn that panicked. Its batch is settled: that was dropped. Nothing is tried again at once, for it may
    /// panic again.
    fn after_panic(&mut self) {
        self.upkeep.rest();
        self.shared.indexes.give_up();
        if let Some(down) = &mut self.down {
            down.postpone();
        }
        self.count_panic();
    }
}

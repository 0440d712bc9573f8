//! The maintenance of the file: its log, its bounds, requested indexes and unused space.
//!
//! Everything is done in slices of a few milliseconds, after each group and while the writer is idle. A slice of
//! an index is longer if nothing waits for the writer, because each slice costs a commit and leaves a segment to
//! merge.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::wal::CheckpointMode;

use super::indexes::{Index, PendingIndex};
use super::listing;
use super::pacing::{AdaptiveBatch, CHECKPOINT_AGAIN, CHECKPOINT_BYTES, DELAY, MIN_BATCH, TICK};
use super::queue::lock;
use super::writer::Writer;
use super::{file, parts, process, prune, read, search};

/// The delay before a few rows over the bound are removed: each step costs a commit, and an excess of two percent
/// does no harm until then.
const SOON: Duration = Duration::from_secs(1);
const SLACK: u64 = 50;
/// How long rows over the bound are removed before the next group; multiplied by up to `LONGER` with a growing
/// excess.
const PRUNING: Duration = Duration::from_millis(25);
const LONGER: u64 = 8;
/// The length of a slice of an index while groups are waiting. It is `DELAY` while a group collects, and
/// `IDLE_SLICE` while nothing arrives.
const BUSY_SLICE: Duration = Duration::from_millis(5);
const IDLE_SLICE: Duration = Duration::from_millis(50);
/// The unused bytes returned per slice.
const VACUUM_BYTES: usize = 512 << 10;

impl Writer<'_> {
    /// Do one slice of each task; short ones if operations are waiting. Errors are not reported here: the next
    /// group meets them.
    pub fn maintain(&mut self, busy: bool) {
        let wanted = self.shared.indexes.next_pending();
        if self.outage.is_some() || (wanted.is_none() && lock(&self.shared.writable).is_none()) {
            self.maintenance.rest();
            return;
        }
        self.checkpoint();
        let done = self
            .prune()
            .and_then(|()| self.index(wanted, busy))
            .and_then(|()| self.detach())
            .and_then(|()| self.give_back());
        if let Err(error) = done {
            self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
            self.maintenance.rest();
            // Readers use the index as it is: the file may be locked or full.
            self.shared.indexes.complete_all();
            if file::is_corrupt(&error) {
                self.shared.suspect.store(true, Ordering::Release);
            }
        }
    }

    /// Do a slice of a requested index.
    fn index(&mut self, wanted: Option<PendingIndex>, busy: bool) -> Result<(), rusqlite::Error> {
        self.maintenance.indexing = wanted.is_some();
        self.maintenance.pause_due = false;
        let Some(PendingIndex { index, ticket, target }) = wanted else { return Ok(()) };
        let (shared, taken) = (self.shared, self.taken);
        let started = Instant::now();
        let go_on = || {
            let intake = lock(&shared.intake);
            let longest = match intake.accepted == taken {
                _ if busy => BUSY_SLICE,
                true => IDLE_SLICE,
                false => DELAY,
            };
            let waited_for = intake.urgent
                || intake.closing.is_some()
                || shared.waiting.load(Ordering::Relaxed) > 0
                || process::fork_pending();
            !waited_for && started.elapsed() < longest
        };
        let more = self.with_file(|writable| match index {
            Index::Channels => listing::catch_up(&mut writable.connection, go_on),
            Index::Text => search::catch_up(&mut writable.connection, go_on),
        })?;
        self.maintenance.pause_due = started.elapsed() >= IDLE_SLICE;
        if !more && self.shared.progress.completed() >= target {
            self.shared.indexes.complete(index, ticket);
            self.maintenance.indexing = self.shared.indexes.next_pending().is_some();
        }
        Ok(())
    }

    /// Do a slice of removing obsolete parts of the search index.
    fn detach(&mut self) -> Result<(), rusqlite::Error> {
        if std::mem::take(&mut self.maintenance.detaching) {
            let started = Instant::now();
            self.maintenance.detaching =
                self.with_file(|writable| parts::detach(&mut writable.connection))?;
            if self.maintenance.detaching {
                self.note_commit(started);
                self.maintenance.vacuuming = true;
            }
        }
        Ok(())
    }

    fn note_commit(&self, started: Instant) {
        let took = started.elapsed().as_micros() as u64;
        self.shared.counters.longest_commit.fetch_max(took, Ordering::Relaxed);
    }

    /// Do a slice of returning unused space. Not while rows are being removed, because they leave more of it.
    fn give_back(&mut self) -> Result<(), rusqlite::Error> {
        if self.maintenance.vacuuming && !self.maintenance.pruning {
            let more = self.with_file(|writable| file::give_back(&writable.connection, VACUUM_BYTES))?;
            self.maintenance.gave_back |= more;
            if !more && std::mem::take(&mut self.maintenance.gave_back) {
                // The file shrinks when the log is checkpointed.
                self.maintenance.checkpoint_at = 0;
                self.checkpoint();
            }
            self.maintenance.vacuuming = more;
        }
        Ok(())
    }

    fn checkpoint(&mut self) {
        let _guard = process::enter_sqlite();
        let mut guard = lock(&self.shared.writable);
        let Some(writable) = guard.as_mut() else { return };
        let bytes = writable.wal_bytes.load(Ordering::Relaxed);
        if bytes < CHECKPOINT_BYTES && self.maintenance.checkpoint_at > 0 {
            self.maintenance.checkpoint_at = CHECKPOINT_BYTES;
        }
        if bytes < self.maintenance.checkpoint_at {
            return;
        }
        self.maintenance.checkpoint_at = bytes + CHECKPOINT_AGAIN;
        match writable.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
            Ok(_) => self.shared.counters.checkpoints.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.shared.counters.failures.fetch_add(1, Ordering::Relaxed),
        };
    }

    fn prune(&mut self) -> Result<(), rusqlite::Error> {
        let options = &self.shared.options;
        let ticked = Instant::now() >= self.maintenance.tick;
        let mut more = false;
        if ticked {
            self.maintenance.tick = Instant::now()
                + options.max_age.map_or(TICK, |age| (age / 10).clamp(Duration::from_secs(1), TICK));
            self.maintenance.vacuuming = true;
            self.maintenance.detaching = true;
        }
        if let Some(max) = options.max_messages {
            let over = self.rows_over(max, ticked)?;
            more = over > 0 && (self.maintenance.pruning || ticked || over > max / SLACK);
            if more {
                more = self.remove_oldest(max)?;
            } else if over > 0 {
                self.maintenance.tick = self.maintenance.tick.min(Instant::now() + SOON);
            }
        }
        if let Some(age) = options.max_age
            && (ticked || self.maintenance.pruning)
        {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let cutoff = now.saturating_sub(age).as_secs() as i64;
            more |= self
                .prune_step(|batch, writable| prune::expired(batch, &mut writable.connection, cutoff))?
                > 0;
        }
        self.maintenance.pruning = more;
        Ok(())
    }

    /// Return the number of rows over the bound.
    fn rows_over(&mut self, max: u64, ticked: bool) -> Result<u64, rusqlite::Error> {
        if ticked {
            // Another process has written: the count is no longer valid.
            let version = self.with_file(|writable| {
                writable.connection.query_row("PRAGMA data_version", [], |row| row.get(0))
            })?;
            if self.maintenance.data_version.replace(version).is_some_and(|before| before != version) {
                self.rows = None;
            }
        }
        let rows = match self.rows {
            Some(rows) => rows,
            None => self.with_file(|writable| read::count(&writable.connection))?,
        };
        self.rows = Some(rows);
        Ok(rows.saturating_sub(max))
    }

    /// Remove rows over the bound for a while. Returns true if some are left.
    ///
    /// Takes longer than a group, so that the bound holds at any rate: what arrives faster than it can be removed
    /// waits in the backlog.
    fn remove_oldest(&mut self, max: u64) -> Result<bool, rusqlite::Error> {
        let over = |rows: Option<u64>| rows.unwrap_or(0).saturating_sub(max);
        let times = (over(self.rows) / (max / SLACK).max(1)).clamp(1, LONGER);
        let until = Instant::now() + PRUNING * times as u32;
        loop {
            let over = over(self.rows);
            if over == 0 {
                return Ok(false);
            }
            if self.prune_step(|batch, writable| prune::oldest(batch, &mut writable.connection, over))? == 0 {
                return Ok(false);
            }
            self.checkpoint();
            if Instant::now() >= until {
                return Ok(true);
            }
        }
    }

    fn prune_step(
        &mut self,
        step: impl FnOnce(&mut AdaptiveBatch, &mut file::Writable) -> Result<usize, rusqlite::Error>,
    ) -> Result<usize, rusqlite::Error> {
        let mut batch = std::mem::replace(&mut self.maintenance.batch, AdaptiveBatch::new(MIN_BATCH));
        let started = Instant::now();
        let removed = self.with_file(|writable| step(&mut batch, writable));
        self.maintenance.batch = batch;
        let removed = removed?;
        self.note_commit(started);
        self.maintenance.detaching |= removed > 0;
        self.shared.counters.pruned.fetch_add(removed as u64, Ordering::Relaxed);
        self.rows = self.rows.map(|rows| rows.saturating_sub(removed as u64));
        Ok(removed)
    }
}

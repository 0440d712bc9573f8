//! What keeps the file in order: its log, its bounds, the indexes that are asked for, the space it no longer needs.
//!
//! All of it goes in slices of a few milliseconds, after each group and while the writer has nothing else to do. A slice of an
//! index is longer while nobody waits for its end: each costs a commit, and leaves a piece to be merged.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::wal::CheckpointMode;

use super::indexes::{Index, Wanted};
use super::listing;
use super::prune::Pace;
use super::queue::lock;
use super::writer::{DELAY, Writer};
use super::{file, fork, parts, read, search};

/// Pages in the log before they go into the file, and how many more before another try when a reader was in the way.
const CHECKPOINT_PAGES: usize = 4000;
const CHECKPOINT_AGAIN: usize = 2000;

/// How often age and other processes' rows are looked at.
const TICK: Duration = Duration::from_secs(30);
/// How soon a few rows over the bound go: each step costs a commit, and a fiftieth too many does no harm until then.
const SOON: Duration = Duration::from_secs(1);
const SLACK: u64 = 50;
/// How long rows over the bound are removed before the next group has its turn; so many times as long the further it is off.
const PRUNING: Duration = Duration::from_millis(25);
const LONGER: u64 = 8;
/// Rows removed in one step at least: with fewer the commits cost more than the rows.
const PRUNED: usize = 256;
/// A slice of an index while groups wait in line; it may take `DELAY` while one collects, and so long while nothing comes at all.
const PRESSED: Duration = Duration::from_millis(5);
const ALONE: Duration = Duration::from_millis(50);
/// After a long one others get at the file: another process that wants to write finds no gap between two slices.
const BREATH: Duration = Duration::from_millis(5);
/// Unused pages given back in one slice.
const VACUUM_PAGES: usize = 128;

/// How far the upkeep is.
pub struct Upkeep {
    data_version: Option<i64>,
    pace: Pace,
    /// Rows are over a bound.
    pruning: bool,
    /// Pages may be given back.
    vacuuming: bool,
    /// Pages were, and the file is as long as before.
    gave_back: bool,
    indexing: bool,
    /// Parts of the search index may be over, or lie there to be taken apart.
    retiring: bool,
    /// The last slice was a long one.
    breath: bool,
    tick: Instant,
    checkpoint_at: usize,
}

impl Upkeep {
    pub fn new() -> Upkeep {
        Upkeep {
            data_version: None,
            pace: Pace::new(PRUNED),
            pruning: false,
            vacuuming: false,
            gave_back: false,
            indexing: false,
            retiring: false,
            breath: false,
            tick: Instant::now(),
            checkpoint_at: CHECKPOINT_PAGES,
        }
    }

    /// Is there another slice to do?
    pub fn more(&self) -> bool {
        self.pruning || self.vacuuming || self.indexing || self.retiring
    }

    /// How long a group collects before it is written.
    pub fn delay(&self) -> Duration {
        match (self.more(), self.breath) {
            (false, _) => DELAY,
            (true, true) => BREATH,
            (true, false) => Duration::ZERO,
        }
    }

    pub fn next_look(&self) -> Instant {
        if self.more() { Instant::now() } else { self.tick }
    }

    /// There is nothing that could be done now.
    pub fn rest(&mut self) {
        (self.pruning, self.vacuuming, self.indexing, self.retiring) = (false, false, false, false);
        self.tick = Instant::now() + TICK;
    }
}

impl Writer<'_> {
    /// One slice of each, short ones if operations are waiting in line. None of it may fail loudly: the next group meets what
    /// is wrong.
    pub fn look_after(&mut self, pressed: bool) {
        let wanted = self.shared.indexes.wanted();
        if self.down.is_some() || (wanted.is_none() && lock(&self.shared.writable).is_none()) {
            self.upkeep.rest();
            return;
        }
        self.checkpoint();
        let done = self
            .prune()
            .and_then(|()| self.index(wanted, pressed))
            .and_then(|()| self.retire())
            .and_then(|()| self.give_back());
        if let Err(error) = done {
            self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
            self.upkeep.rest();
            // Who waits takes what is there: the file may be locked, or full.
            self.shared.indexes.give_up();
            if file::is_corrupt(&error) {
                self.shared.suspect.store(true, Ordering::Release);
            }
        }
    }

    /// A slice of an index that somebody waits for.
    fn index(&mut self, wanted: Option<Wanted>, pressed: bool) -> Result<(), rusqlite::Error> {
        self.upkeep.indexing = wanted.is_some();
        self.upkeep.breath = false;
        let Some(Wanted { index, ticket, target }) = wanted else { return Ok(()) };
        let (shared, taken) = (self.shared, self.taken);
        let started = Instant::now();
        let go_on = || {
            let intake = lock(&shared.intake);
            let longest = match intake.accepted == taken {
                _ if pressed => PRESSED,
                true => ALONE,
                false => DELAY,
            };
            let waited_for = intake.hurry
                || intake.closing.is_some()
                || shared.waiting.load(Ordering::Relaxed) > 0
                || fork::wanted();
            !waited_for && started.elapsed() < longest
        };
        let more = self.with_file(|place| match index {
            Index::Channels => listing::catch_up(&mut place.connection, go_on),
            Index::Text => search::catch_up(&mut place.connection, go_on),
        })?;
        self.upkeep.breath = started.elapsed() >= ALONE;
        if !more && self.shared.progress.settled() >= target {
            self.shared.indexes.settle(index, ticket);
            self.upkeep.indexing = self.shared.indexes.wanted().is_some();
        }
        Ok(())
    }

    /// A slice of what the search index no longer needs.
    fn retire(&mut self) -> Result<(), rusqlite::Error> {
        if std::mem::take(&mut self.upkeep.retiring) {
            let started = Instant::now();
            self.upkeep.retiring = self.with_file(|place| parts::retire(&mut place.connection))?;
            if self.upkeep.retiring {
                self.note_commit(started);
                self.upkeep.vacuuming = true;
            }
        }
        Ok(())
    }

    fn note_commit(&self, started: Instant) {
        let took = started.elapsed().as_micros() as u64;
        self.shared.counters.longest_commit.fetch_max(took, Ordering::Relaxed);
    }

    /// A slice of the space that nobody needs any more. Not while rows are being removed: they leave more of it.
    fn give_back(&mut self) -> Result<(), rusqlite::Error> {
        if self.upkeep.vacuuming && !self.upkeep.pruning {
            let more = self.with_file(|place| file::give_back(&place.connection, VACUUM_PAGES))?;
            self.upkeep.gave_back |= more;
            if !more && std::mem::take(&mut self.upkeep.gave_back) {
                // The file becomes shorter when the log is put into it.
                self.upkeep.checkpoint_at = 0;
                self.checkpoint();
            }
            self.upkeep.vacuuming = more;
        }
        Ok(())
    }

    fn checkpoint(&mut self) {
        let _inside = fork::enter();
        let mut guard = lock(&self.shared.writable);
        let Some(place) = guard.as_mut() else { return };
        let pages = place.wal_pages.load(Ordering::Relaxed);
        if pages < CHECKPOINT_PAGES && self.upkeep.checkpoint_at > 0 {
            self.upkeep.checkpoint_at = CHECKPOINT_PAGES;
        }
        if pages < self.upkeep.checkpoint_at {
            return;
        }
        self.upkeep.checkpoint_at = pages + CHECKPOINT_AGAIN;
        match place.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
            Ok(_) => self.shared.counters.checkpoints.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.shared.counters.failures.fetch_add(1, Ordering::Relaxed),
        };
    }

    fn prune(&mut self) -> Result<(), rusqlite::Error> {
        let options = &self.shared.options;
        let ticked = Instant::now() >= self.upkeep.tick;
        let mut more = false;
        if ticked {
            self.upkeep.tick = Instant::now()
                + options.max_age.map_or(TICK, |age| (age / 10).clamp(Duration::from_secs(1), TICK));
            self.upkeep.vacuuming = true;
            self.upkeep.retiring = true;
        }
        if let Some(max) = options.max_messages {
            let over = self.rows_over(max, ticked)?;
            more = over > 0 && (self.upkeep.pruning || ticked || over > max / SLACK);
            if more {
                more = self.remove_oldest(max)?;
            } else if over > 0 {
                self.upkeep.tick = self.upkeep.tick.min(Instant::now() + SOON);
            }
        }
        if let Some(age) = options.max_age
            && (ticked || self.upkeep.pruning)
        {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let cutoff = now.saturating_sub(age).as_secs() as i64;
            more |= self.prune_step(|pace, place| pace.expired(&mut place.connection, cutoff))? > 0;
        }
        self.upkeep.pruning = more;
        Ok(())
    }

    /// How many rows there are over the bound.
    fn rows_over(&mut self, max: u64, ticked: bool) -> Result<u64, rusqlite::Error> {
        if ticked {
            // Somebody else has written: the count is no longer known.
            let version = self
                .with_file(|place| place.connection.query_row("PRAGMA data_version", [], |row| row.get(0)))?;
            if self.upkeep.data_version.replace(version).is_some_and(|before| before != version) {
                self.rows = None;
            }
        }
        let rows = match self.rows {
            Some(rows) => rows,
            None => self.with_file(|place| read::count(&place.connection))?,
        };
        self.rows = Some(rows);
        Ok(rows.saturating_sub(max))
    }

    /// Removes rows over the bound for a while; true when some are left.
    ///
    /// For longer than a group may take: what comes in faster than it can be removed has to wait in the backlog, and so
    /// the bound holds at any rate.
    fn remove_oldest(&mut self, max: u64) -> Result<bool, rusqlite::Error> {
        let over = |rows: Option<u64>| rows.unwrap_or(0).saturating_sub(max);
        let times = (over(self.rows) / (max / SLACK).max(1)).clamp(1, LONGER);
        let until = Instant::now() + PRUNING * times as u32;
        loop {
            let over = over(self.rows);
            if over == 0 {
                return Ok(false);
            }
            if self.prune_step(|pace, place| pace.oldest(&mut place.connection, over))? == 0 {
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
        step: impl FnOnce(&mut Pace, &mut file::Writable) -> Result<usize, rusqlite::Error>,
    ) -> Result<usize, rusqlite::Error> {
        let mut pace = std::mem::replace(&mut self.upkeep.pace, Pace::new(PRUNED));
        let started = Instant::now();
        let removed = self.with_file(|place| step(&mut pace, place));
        self.upkeep.pace = pace;
        let removed = removed?;
        self.note_commit(started);
        self.upkeep.retiring |= removed > 0;
        self.shared.counters.pruned.fetch_add(removed as u64, Ordering::Relaxed);
        self.rows = self.rows.map(|rows| rows.saturating_sub(removed as u64));
        Ok(removed)
    }
}

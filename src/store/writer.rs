//! The writer: one thread that commits what has come together, and keeps the file in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::wal::CheckpointMode;

use super::group::{self, Written};
use super::memory::Kept;
use super::message::Header;
use super::prune::Pace;
use super::queue::{Op, Step, lock};
use super::{Place, Shared, Trouble, TroubleKind, file, read, search};

/// How long a group collects, unless somebody waits for it: what a kill may cost, against what each group costs by
/// itself (the log's header, the pages every group touches again): a tenth of a millisecond of CPU.
const DELAY: Duration = Duration::from_millis(20);
/// A queue of this size waits for nothing.
const ENOUGH_BYTES: usize = 8 << 20;

/// How long another process may hold the file before the store goes on without it.
const BUSY_PATIENCE: Duration = Duration::from_secs(2);
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LAST: Duration = Duration::from_secs(30);
/// What is held for a file that cannot be written.
const RETAINED_BYTES: usize = 32 << 20;
const RETAINED_STEPS: usize = 100_000;

/// Pages in the log before they go into the file, and how many more before another try when a reader was in the way.
const CHECKPOINT_PAGES: usize = 4000;
const CHECKPOINT_AGAIN: usize = 2000;

/// How often age and other processes' rows are looked at.
const TICK: Duration = Duration::from_secs(30);

pub fn run(shared: &Arc<Shared>) {
    let mut writer = Writer {
        shared,
        taken: shared.progress.settled(),
        // An earlier writer may have ended with a file that could not be written.
        down: shared
            .degraded
            .load(Ordering::Acquire)
            .then(|| Down { retry_at: Instant::now(), delay: RETRY_FIRST }),
        aside: 0,
        rows: None,
        data_version: None,
        pace: Pace::new(),
        pruning: false,
        tick: Instant::now(),
        checkpoint_at: CHECKPOINT_PAGES,
    };
    loop {
        match catch_unwind(AssertUnwindSafe(|| writer.turn())) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => writer.after_panic(),
        }
    }
}

/// The file cannot be written.
struct Down {
    retry_at: Instant,
    delay: Duration,
}

struct Writer<'s> {
    shared: &'s Arc<Shared>,
    /// Operations taken from the queue so far.
    taken: u64,
    down: Option<Down>,
    /// Files set aside by this writer.
    aside: u32,
    /// Rows in the file, once counted. Other processes' rows are counted at a tick.
    rows: Option<u64>,
    data_version: Option<i64>,
    pace: Pace,
    pruning: bool,
    tick: Instant,
    checkpoint_at: usize,
}

impl Writer<'_> {
    /// One round; false when the store is closed.
    fn turn(&mut self) -> bool {
        let closing = self.wait();
        let steps = std::mem::take(&mut self.shared.absorb().steps);
        self.taken += steps.len() as u64;
        if self.shared.suspect.swap(false, Ordering::AcqRel) && self.down.is_none() {
            self.set_aside("a page of it cannot be read");
        }
        if self.down.as_ref().is_some_and(|down| closing || Instant::now() >= down.retry_at) {
            self.recover();
        }
        self.settle(steps);
        self.maintain();
        !closing || self.finish()
    }

    /// Until there is something to do. Returns true when the store closes.
    fn wait(&mut self) -> bool {
        let shared = self.shared;
        let mut intake = lock(&shared.intake);
        while intake.accepted == self.taken && !intake.closing && !shared.suspect.load(Ordering::Acquire) {
            let until = self.next_look();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            intake.asleep = true;
            intake = shared.wake.wait_timeout(intake, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        intake.asleep = false;
        if !intake.hurry && !intake.closing {
            intake = shared
                .wake
                .wait_timeout_while(intake, DELAY, |q| !q.hurry && !q.closing && q.bytes < ENOUGH_BYTES)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        intake.hurry = false;
        intake.closing
    }

    /// When the writer looks around though nothing came.
    fn next_look(&self) -> Instant {
        match &self.down {
            Some(down) => down.retry_at,
            None if self.pruning => Instant::now(),
            None => self.tick,
        }
    }

    /// Commits the steps in groups, or retains them.
    fn settle(&mut self, steps: Vec<Step>) {
        let mut at = 0;
        let mut singly = false;
        let mut busy_since: Option<Instant> = None;
        while at < steps.len() {
            if self.down.is_some() {
                self.retain(steps, at);
                return;
            }
            let end = if singly { at + 1 } else { steps.len() };
            match catch_unwind(AssertUnwindSafe(|| self.group(&steps[at..end]))) {
                Ok(Ok(written)) => {
                    at += self.account(&steps[at..end], written);
                    busy_since = None;
                }
                Ok(Err(error)) if file::is_busy(&error) => {
                    let since = *busy_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= BUSY_PATIENCE {
                        self.go_down(&error);
                    } else {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
                Ok(Err(error)) if file::is_corrupt(&error) => self.set_aside(&error.to_string()),
                Ok(Err(error)) => self.go_down(&error),
                Err(_) if singly => {
                    self.count_panic();
                    self.pass(&steps[at..=at]);
                    at += 1;
                }
                // One of them is at fault: find it by writing each in a transaction of its own.
                Err(_) => singly = true,
            }
        }
    }

    /// Writes the first of `steps` in one transaction.
    fn group(&mut self, steps: &[Step]) -> Result<Written, rusqlite::Error> {
        if let [Step::Other(Op::IndexText), ..] = steps {
            self.index_text()?;
            return Ok(Written { steps: 1, ..Written::default() });
        }
        // The text index is brought up to date between groups: what was accepted before it must be in the file.
        let until =
            steps.iter().position(|step| matches!(step, Step::Other(Op::IndexText))).unwrap_or(steps.len());
        self.with_file(|place| {
            let started = Instant::now();
            let written = group::write(&mut place.connection, &steps[..until])?;
            Ok((written, started.elapsed()))
        })
        .map(|(written, took)| {
            let counters = &self.shared.counters;
            counters.commits.fetch_add(1, Ordering::Relaxed);
            counters.longest_commit.fetch_max(took.as_micros() as u64, Ordering::Relaxed);
            written
        })
    }

    fn with_file<T>(
        &mut self,
        work: impl FnOnce(&mut file::Writable) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let mut guard = lock(&self.shared.writable);
        let place = match &mut *guard {
            Some(place) => place,
            None => {
                self.rows = None;
                guard.insert(file::open(&self.shared.options.place)?)
            }
        };
        work(place)
    }

    /// Counts a committed group and tells those who wait for it.
    fn account(&mut self, steps: &[Step], written: Written) -> usize {
        for (answer, changed) in &written.answers {
            answer.store(*changed, Ordering::Release);
        }
        self.shared.counters.rows_written.fetch_add(written.changed as u64, Ordering::Relaxed);
        self.shared.counters.malformed.fetch_add(written.refused as u64, Ordering::Relaxed);
        self.rows = self.rows.map(|rows| rows.saturating_add_signed(written.grown));
        self.pass(&steps[..written.steps]);
        written.steps
    }

    /// The steps are no longer in the backlog.
    fn pass(&self, steps: &[Step]) {
        self.shared.seen_bytes.fetch_sub(steps.iter().map(Step::weight).sum(), Ordering::Relaxed);
        self.shared.progress.advance(steps.len() as u64);
    }

    /// Holds the steps from `at` on for a file that cannot be written; the oldest go when it is too much.
    fn retain(&mut self, steps: Vec<Step>, at: usize) {
        let left = steps.len() - at;
        let weight: usize = steps[at..].iter().map(Step::weight).sum();
        {
            let mut retained = lock(&self.shared.retained);
            retained.extend(steps.into_iter().skip(at).filter(|step| {
                !matches!(step, Step::Nothing | Step::Other(Op::IndexText | Op::IndexChannels))
            }));
            let mut bytes: usize = retained.iter().map(Step::weight).sum();
            let mut drop = retained.len().saturating_sub(RETAINED_STEPS);
            bytes -= retained[..drop].iter().map(Step::weight).sum::<usize>();
            while bytes > RETAINED_BYTES && drop < retained.len() {
                bytes -= retained[drop].weight();
                drop += 1;
            }
            retained.drain(..drop);
            self.shared.counters.lost.fetch_add(drop as u64, Ordering::Relaxed);
        }
        self.shared.seen_bytes.fetch_sub(weight, Ordering::Relaxed);
        self.shared.progress.advance(left as u64);
    }

    fn go_down(&mut self, error: &rusqlite::Error) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        *lock(&self.shared.writable) = None;
        let delay = match &self.down {
            Some(down) => (down.delay * 2).min(RETRY_LAST),
            None => RETRY_FIRST,
        };
        let first = self.down.is_none();
        self.down = Some(Down { retry_at: Instant::now() + delay, delay });
        self.shared.degraded.store(true, Ordering::Release);
        if first {
            self.tell(
                TroubleKind::Unwritable,
                format!(
                    "the message cache {} cannot be written ({error}). The bot goes on with the messages in memory, \
                     and tries the file again from time to time. Look at the disk space and at who may write there.",
                    self.name()
                ),
            );
        }
    }

    /// Tries the retained operations again.
    fn recover(&mut self) {
        loop {
            let chunk: Vec<Step> = lock(&self.shared.retained).iter().take(2048).cloned().collect();
            // Even with nothing to write: the file must open again.
            match self.group(&chunk) {
                Ok(written) => {
                    for (answer, changed) in &written.answers {
                        answer.store(*changed, Ordering::Release);
                    }
                    self.shared.counters.rows_written.fetch_add(written.changed as u64, Ordering::Relaxed);
                    self.rows = self.rows.map(|rows| rows.saturating_add_signed(written.grown));
                    let mut retained = lock(&self.shared.retained);
                    let done = written.steps.min(retained.len());
                    retained.drain(..done);
                    if retained.is_empty() {
                        break;
                    }
                }
                Err(error) if file::is_corrupt(&error) && self.aside < 3 => {
                    self.set_aside(&error.to_string());
                    if self.down.as_ref().is_some_and(|down| Instant::now() < down.retry_at) {
                        return;
                    }
                }
                Err(error) => {
                    self.go_down(&error);
                    return;
                }
            }
        }
        self.down = None;
        self.shared.degraded.store(false, Ordering::Release);
        self.tell(TroubleKind::Recovered, format!("the message cache {} can be written again.", self.name()));
    }

    /// Renames the broken file and starts a new one with the messages in memory.
    fn set_aside(&mut self, why: &str) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        *lock(&self.shared.reader) = None;
        *lock(&self.shared.writable) = None;
        self.aside += 1;
        let broken = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let Place::File(path) = &self.shared.options.place else {
            self.go_down(&rusqlite::Error::SqliteFailure(broken, Some(why.to_owned())));
            return;
        };
        // Three broken files in one life: the disk is at fault, not the file.
        let renamed = if self.aside > 3 {
            Err(std::io::Error::other("it keeps breaking"))
        } else {
            file::set_aside(path)
        };
        match renamed {
            Ok(target) => {
                self.tell(
                    TroubleKind::Corrupt,
                    format!(
                        "the message cache {} is broken ({why}). It was renamed to {}, and a new one is started.",
                        self.name(),
                        target.display()
                    ),
                );
                self.write_memory();
            }
            Err(error) => self.go_down(&rusqlite::Error::SqliteFailure(
                broken,
                Some(format!("it is broken ({why}) and cannot be renamed: {error}")),
            )),
        }
    }

    /// What memory still holds goes into the new file.
    fn write_memory(&mut self) {
        let held = lock(&self.shared.seen).memory.messages(None);
        let steps: Vec<Step> = held
            .into_iter()
            .filter_map(|message| match message {
                Kept::Payload(body) => Header::parse(&body).map(|header| Step::Payload(header, body)),
                Kept::Row(row) => {
                    let (channel, id) = (row.channel_id.parse().ok()?, row.id.parse().ok()?);
                    Some(Step::Other(Op::Row { channel, id, row }))
                }
            })
            .collect();
        let mut at = 0;
        while at < steps.len() {
            match self.group(&steps[at..]) {
                Ok(written) => {
                    self.shared.counters.rows_written.fetch_add(written.changed as u64, Ordering::Relaxed);
                    at += written.steps.max(1);
                }
                // What is to be written next meets the same fault and is dealt with there.
                Err(_) => return,
            }
        }
        self.rows = None;
    }

    fn index_text(&mut self) -> Result<(), rusqlite::Error> {
        while self.with_file(|place| search::catch_up(&mut place.connection))? {}
        Ok(())
    }

    /// Checkpoint, bounds. None of it may fail loudly: the next group meets what is wrong.
    fn maintain(&mut self) {
        if self.down.is_some() || lock(&self.shared.writable).is_none() {
            self.pruning = false;
            self.tick = Instant::now() + TICK;
            return;
        }
        self.checkpoint();
        if let Err(error) = self.prune() {
            self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
            self.pruning = false;
            self.tick = Instant::now() + TICK;
            if file::is_corrupt(&error) {
                self.shared.suspect.store(true, Ordering::Release);
            }
        }
    }

    fn checkpoint(&mut self) {
        let mut guard = lock(&self.shared.writable);
        let Some(place) = guard.as_mut() else { return };
        let pages = place.wal_pages.load(Ordering::Relaxed);
        if pages < CHECKPOINT_PAGES {
            self.checkpoint_at = CHECKPOINT_PAGES;
        }
        if pages < self.checkpoint_at {
            return;
        }
        self.checkpoint_at = pages + CHECKPOINT_AGAIN;
        match place.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
            Ok(_) => self.shared.counters.checkpoints.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.shared.counters.failures.fetch_add(1, Ordering::Relaxed),
        };
    }

    fn prune(&mut self) -> Result<(), rusqlite::Error> {
        let options = &self.shared.options;
        let ticked = Instant::now() >= self.tick;
        let mut more = false;
        if let Some(max) = options.max_messages {
            if ticked {
                // Somebody else has written: the count is no longer known.
                let version = self.with_file(|place| {
                    place.connection.query_row("PRAGMA data_version", [], |row| row.get(0))
                })?;
                if self.data_version.replace(version).is_some_and(|before| before != version) {
                    self.rows = None;
                }
            }
            let rows = match self.rows {
                Some(rows) => rows,
                None => self.with_file(|place| read::count(&place.connection, None))?,
            };
            self.rows = Some(rows);
            if rows > max {
                let removed =
                    self.prune_step(|pace, place| pace.oldest(&mut place.connection, rows - max))?;
                more = removed > 0 && rows - removed as u64 > max;
            }
        }
        if let Some(age) = options.max_age
            && (ticked || self.pruning)
        {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let cutoff = now.saturating_sub(age).as_secs() as i64;
            more |= self.prune_step(|pace, place| pace.expired(&mut place.connection, cutoff))? > 0;
        }
        self.pruning = more;
        if ticked {
            self.tick = Instant::now()
                + options.max_age.map_or(TICK, |age| (age / 10).clamp(Duration::from_secs(1), TICK));
        }
        Ok(())
    }

    fn prune_step(
        &mut self,
        step: impl FnOnce(&mut Pace, &mut file::Writable) -> Result<usize, rusqlite::Error>,
    ) -> Result<usize, rusqlite::Error> {
        let mut pace = std::mem::replace(&mut self.pace, Pace::new());
        let started = Instant::now();
        let removed = self.with_file(|place| step(&mut pace, place));
        self.pace = pace;
        let removed = removed?;
        let took = started.elapsed().as_micros() as u64;
        self.shared.counters.longest_commit.fetch_max(took, Ordering::Relaxed);
        self.shared.counters.pruned.fetch_add(removed as u64, Ordering::Relaxed);
        self.rows = self.rows.map(|rows| rows.saturating_sub(removed as u64));
        Ok(removed)
    }

    /// Ends the thread unless something came in the last moment; false ends it.
    fn finish(&mut self) -> bool {
        // Closing the last connection, which must be the writer's, empties the log into the file.
        *lock(&self.shared.reader) = None;
        *lock(&self.shared.writable) = None;
        let mut intake = lock(&self.shared.intake);
        if intake.accepted != self.taken {
            return true;
        }
        intake.running = false;
        intake.asleep = false;
        drop(intake);
        self.shared.wake.notify_all();
        false
    }

    fn count_panic(&self) {
        self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        self.tell(
            TroubleKind::Defect,
            "a message could not be stored because of a defect in mezon-rs. It was skipped; please report it.".into(),
        );
    }

    /// A turn came to a bad end: nobody must wait for what it had taken.
    fn after_panic(&mut self) {
        self.count_panic();
        let settled = self.shared.progress.settled();
        self.shared.progress.advance(self.taken.saturating_sub(settled));
        self.shared.seen_bytes.store(0, Ordering::Relaxed);
    }

    fn tell(&self, kind: TroubleKind, text: String) {
        if let Some(tell) = &self.shared.options.on_trouble {
            let trouble = Trouble { kind, text };
            if catch_unwind(AssertUnwindSafe(|| tell(&trouble))).is_err() {
                self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn name(&self) -> String {
        match &self.shared.options.place {
            Place::File(path) => path.display().to_string(),
            Place::Memory => "in memory".into(),
        }
    }
}

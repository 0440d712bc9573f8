//! What the handles of a store and its writer share: the ways in and out, and who waits for whom.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::handle::Member;
use super::indexes::{Index, Indexes};
use super::memory::{Kept, Memory};
use super::queue::{Intake, Op, Progress, lock};
use super::row::Row;
use super::{Location, Options, Trouble, TroubleKind, file, fork, live, read, sql, writer};
use crate::by_channel::RingBounds;
use crate::wire::Header;
use crate::wire::message::{CODE_REMOVE, CODE_UPDATE};

/// Above this nothing more is taken for the file: somebody fills the queue who does not look at the backlog.
const BACKLOG_LIMIT: usize = 256 << 20;

/// How long the writer of a store that nobody holds any more, and nobody has closed, waits for a file that another process
/// holds.
const CLOSE_PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// The writer gives up so long before a close is over, so that what it reports comes before the close returns. An attempt takes
/// `file::BUSY` at most while another process holds the file.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// What the memory layer takes in before it lets the others at it.
const PORTION: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub rows_written: AtomicU64,
    pub commits: AtomicU64,
    pub longest_commit: AtomicU64,
    pub pruned: AtomicU64,
    pub checkpoints: AtomicU64,
    pub failures: AtomicU64,
    pub malformed: AtomicU64,
    pub lost: AtomicU64,
    pub panics: AtomicU64,
}

/// The memory layer and what it has seen that the writer has not taken. Locked before the intake, never after.
pub(super) struct Seen {
    pub memory: Memory,
    pub ops: Vec<Op>,
}

/// Readers of the file by how long they may take, each with a connection of its own: none waits for a slower one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lane {
    /// One row by its key.
    Fetch,
    /// Lists, counts and searches.
    Scan,
}

pub(super) struct Shared {
    pub options: Options,
    pub intake: Mutex<Intake>,
    pub wake: Condvar,
    pub seen: Mutex<Seen>,
    pub progress: Progress,
    /// Operations the file has not taken, held until it can.
    pub retained: Mutex<Vec<Op>>,
    pub degraded: AtomicBool,
    /// A reader met a broken page.
    pub suspect: AtomicBool,
    /// Bytes seen and not settled. With the intake's own bytes this is the backlog. `absorb` adds the bytes of an operation,
    /// the writer's `Batch` that takes the operation subtracts them, and nobody else writes to it.
    pub seen_bytes: AtomicUsize,
    /// The writer's connection; readers share it when the place is memory.
    pub writable: Mutex<Option<file::Writable>>,
    /// Readers who wait for it.
    pub waiting: AtomicUsize,
    readers: [Mutex<Option<Connection>>; 2],
    /// Those who hold it, each with a connection for SQL of its own.
    pub members: Mutex<Vec<Weak<Member>>>,
    /// The last one who held it, until the writer has ended: the writer reports to it what could not be written.
    pub last_member: Mutex<Option<Arc<Member>>>,
    pub indexes: Indexes,
    pub counters: Counters,
    pub process: u32,
}

impl Shared {
    pub fn new(options: Options) -> Shared {
        let bounds = RingBounds {
            per_channel: options.memory_messages_per_channel,
            channels: options.memory_channels,
            bytes: options.memory_bytes,
        };
        Shared {
            options,
            intake: Mutex::default(),
            wake: Condvar::new(),
            seen: Mutex::new(Seen { memory: Memory::new(bounds), ops: Vec::new() }),
            progress: Progress::default(),
            retained: Mutex::default(),
            degraded: AtomicBool::new(false),
            suspect: AtomicBool::new(false),
            seen_bytes: AtomicUsize::new(0),
            writable: Mutex::new(None),
            waiting: AtomicUsize::new(0),
            readers: [const { Mutex::new(None) }; 2],
            members: Mutex::default(),
            last_member: Mutex::default(),
            indexes: Indexes::default(),
            counters: Counters::default(),
            process: std::process::id(),
        }
    }

    /// Takes an operation. `hurry`: somebody waits for it.
    pub fn push(self: &Arc<Self>, op: Op, hurry: bool) {
        let weight = op.weight();
        let mut intake = lock(&self.intake);
        if intake.bytes + weight > BACKLOG_LIMIT {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        intake.ops.push_back(op);
        intake.bytes += weight;
        intake.accepted += 1;
        self.rouse(intake, hurry);
    }

    /// Sees to it that the writer runs; in a hurry it collects no group first.
    fn rouse(self: &Arc<Self>, mut intake: MutexGuard<'_, Intake>, hurry: bool) {
        intake.hurry |= hurry;
        if !intake.running {
            intake.running = true;
            intake.closing = None;
            drop(intake);
            self.start();
        } else if intake.asleep || hurry {
            intake.asleep = false;
            drop(intake);
            self.wake.notify_one();
        }
    }

    fn start(self: &Arc<Self>) {
        if self.process != std::process::id() {
            return;
        }
        live::add(self);
        let shared = Arc::clone(self);
        let started =
            std::thread::Builder::new().name("mezon-store".into()).spawn(move || writer::run(&shared));
        if started.is_err() {
            // No thread to be had: the next write tries again, the memory layer serves meanwhile.
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
            lock(&self.intake).running = false;
        }
    }

    /// Puts all that was accepted so far into the memory layer. Whoever looks calls this first.
    pub fn absorb(&self) -> MutexGuard<'_, Seen> {
        let mut left = lock(&self.intake).ops.len();
        loop {
            let mut seen = lock(&self.seen);
            let Seen { memory, ops } = &mut *seen;
            // In the writer's hands before memory looks at them: a panic there keeps no operation from being settled.
            let first = ops.len();
            {
                let mut intake = lock(&self.intake);
                let count = intake.ops.len().min(PORTION);
                ops.extend(intake.ops.drain(..count));
                let bytes = ops[first..].iter().map(Op::weight).sum();
                intake.bytes -= bytes;
                self.seen_bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            let portion = &ops[first..];
            left = left.saturating_sub(portion.len());
            let last = portion.len() < PORTION || left == 0;
            for op in portion {
                if catch_unwind(AssertUnwindSafe(|| see(memory, op))).is_err() {
                    self.counters.panics.fetch_add(1, Ordering::Relaxed);
                }
            }
            if last {
                return seen;
            }
            drop(seen);
            std::thread::yield_now();
        }
    }

    /// A message that is in memory, by the shortest way: this is called on event loops.
    pub fn peek(&self, channel: i64, id: i64) -> Option<Kept> {
        {
            let mut seen = lock(&self.seen);
            let intake = lock(&self.intake);
            let mut sent = None;
            let mut told = intake.ops.iter().rev().filter(|op| op.concerns(channel, id));
            let change = loop {
                match told.next() {
                    None => break false,
                    // The server's own copy may lie before it, and says more.
                    Some(Op::Sent(_, body)) => sent = Some(body),
                    Some(Op::Payload(header, body)) if !matches!(header.code, CODE_UPDATE | CODE_REMOVE) => {
                        let kept = Kept::Payload(body.clone());
                        // What is not going to be held is not in memory now.
                        return seen.memory.takes(&kept).then_some(kept);
                    }
                    Some(_) => break true,
                }
            };
            if !change {
                let known = seen.memory.get(channel, id);
                let sent = sent.map(|body| Kept::Payload(body.clone()));
                return known.or(sent.filter(|kept| seen.memory.takes(kept)));
            }
        }
        self.absorb().memory.get(channel, id)
    }

    /// Waits until what is accepted now is settled. False when it is not, in time.
    pub fn settle(self: &Arc<Self>, timeout: Duration) -> bool {
        let intake = lock(&self.intake);
        let target = intake.accepted;
        if self.progress.settled() >= target {
            return true;
        }
        self.rouse(intake, true);
        self.progress.wait(target, timeout)
    }

    /// Has an index brought up to what is accepted now, without waiting for it. Gives a ticket; None for a file that
    /// is neither there nor about to be made for what was accepted.
    pub fn ask_index(self: &Arc<Self>, index: Index) -> Option<u64> {
        let there = match &self.options.location {
            Location::File(path) => path.exists() || self.progress.settled() < lock(&self.intake).accepted,
            Location::Memory => true,
        };
        if !there {
            return None;
        }
        let intake = lock(&self.intake);
        let ticket = self.indexes.ask(index, intake.accepted);
        self.rouse(intake, true);
        Some(ticket)
    }

    pub fn read<T>(
        self: &Arc<Self>,
        lane: Lane,
        ask: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Option<T> {
        let _inside = fork::enter();
        let answer = match &self.options.location {
            Location::Memory => {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                let guard = lock(&self.writable);
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                ask(&guard.as_ref()?.connection)
            }
            Location::File(path) => {
                let mut guard = lock(&self.readers[lane as usize]);
                if guard.is_none() {
                    live::add(self);
                    match file::open_reader(path) {
                        Ok(connection) => *guard = connection,
                        Err(error) => return self.unreadable(&error),
                    }
                }
                let answer = ask(guard.as_ref()?);
                if answer.is_err() {
                    *guard = None;
                }
                answer
            }
        };
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => self.unreadable(&error),
        }
    }

    /// The readers' connections end: the writer's is then the last, or the file is another one.
    pub fn close_readers(&self) {
        let _inside = fork::enter();
        self.drop_readers();
    }

    fn drop_readers(&self) {
        for reader in &self.readers {
            *lock(reader) = None;
        }
    }

    /// Closes the file for a fork, which nobody is inside of. What is in memory alone stays.
    pub fn put_down(&self) {
        if let Location::File(_) = &self.options.location {
            self.drop_readers();
            for member in self.holders() {
                sql::put_down(&mut lock(&member.sql));
            }
            if let Some(place) = lock(&self.writable).take() {
                place.put_down();
            }
        }
    }

    fn unreadable<T>(&self, error: &rusqlite::Error) -> Option<T> {
        if file::is_missing_table(error) {
            // Another process has made the file and not yet the table.
            return None;
        }
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        if file::is_corrupt(error) {
            self.suspect.store(true, Ordering::Release);
            lock(&self.intake).asleep = false;
            self.wake.notify_one();
        }
        None
    }

    /// `rows` with what memory and the retained operations know, newest first.
    pub fn with_memory(&self, mut rows: Vec<Row>, channel: Option<i64>) -> Vec<Row> {
        let held = self.absorb().memory.messages(channel);
        rows.extend(held.iter().filter_map(|message| match message {
            Kept::Row(row) => Some(Row::clone(row)),
            Kept::Payload(body) => Header::parse(body).ok().map(|header| Row::of_payload(&header, body)),
        }));
        let rows = read::overlay(rows, lock(&self.retained).iter());
        match channel.map(|channel| channel.to_string()) {
            Some(channel) => rows.into_iter().filter(|row| row.channel_id == channel).collect(),
            None => rows,
        }
    }

    pub fn flush(self: &Arc<Self>, timeout: Duration) -> bool {
        if self.process != std::process::id() {
            return false;
        }
        self.settle(timeout) && lock(&self.retained).is_empty()
    }

    /// Commits what was accepted and ends the writer. False when something is missing in the file.
    ///
    /// Waits for a file that another process holds. What is not written within `timeout` is dropped, and the holders are told.
    pub fn close(self: &Arc<Self>, timeout: Duration) -> bool {
        if self.process != std::process::id() {
            return false;
        }
        let deadline = Instant::now() + timeout;
        let lost = self.counters.lost.load(Ordering::Relaxed);
        let settled = self.settle(timeout);
        // The writer's connection is then the last, and its end empties the log into the file.
        self.close_readers();
        if !self.end_writer(deadline) {
            let waiting = lock(&self.intake).accepted.saturating_sub(self.progress.settled());
            let waiting = waiting + lock(&self.retained).len() as u64;
            self.tell(
                TroubleKind::Unwritable,
                format!(
                    "the message cache {} could not be closed within {} s: {waiting} messages are not in the file yet, and \
                     are lost if the process ends now.",
                    self.name(),
                    timeout.as_secs_f64()
                ),
            );
            return false;
        }
        settled && lock(&self.retained).is_empty() && self.counters.lost.load(Ordering::Relaxed) == lost
    }

    /// Has the writer end, and waits for that; false when it has not by the deadline.
    fn end_writer(&self, deadline: Instant) -> bool {
        let mut intake = lock(&self.intake);
        let until = deadline.checked_sub(LAST_REPORT).unwrap_or(deadline);
        intake.closing = intake.closing.max(Some(until));
        self.wake.notify_all();
        let ended = intake.ended;
        // One that others start meanwhile is not waited for.
        while intake.running && intake.ended == ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            intake = self.wake.wait_timeout(intake, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if !intake.running {
            intake.closing = None;
        }
        true
    }

    /// The last member goes. The writer ends by itself, and has somebody to report to until then.
    pub fn end_with(&self, member: &Arc<Member>) {
        let mut intake = lock(&self.intake);
        if intake.running {
            *lock(&self.last_member) = Some(Arc::clone(member));
            intake.closing = intake.closing.max(Some(Instant::now() + CLOSE_PATIENCE));
            self.wake.notify_all();
        }
    }

    /// Reports trouble to every holder.
    pub fn tell(&self, kind: TroubleKind, text: String) {
        let trouble = Trouble { kind, text };
        for member in self.holders() {
            let Some(tell) = &member.on_trouble else { continue };
            if catch_unwind(AssertUnwindSafe(|| tell(&trouble))).is_err() {
                self.counters.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub fn name(&self) -> String {
        match &self.options.location {
            Location::File(path) => path.display().to_string(),
            Location::Memory => "in memory".into(),
        }
    }
}

/// What an operation means to the memory layer.
fn see(memory: &mut Memory, op: &Op) {
    match op {
        Op::Payload(header, body) => match header.code {
            CODE_UPDATE => memory.update(header.channel, header.id, body),
            CODE_REMOVE => {
                memory.remove(header.channel, header.id);
            }
            _ => memory.put(header.channel, header.id, Kept::Payload(body.clone())),
        },
        Op::Sent(header, body) => memory.add(header.channel, header.id, Kept::Payload(body.clone())),
        Op::Row { channel, id, row } => memory.put(*channel, *id, Kept::Row(Arc::clone(row))),
        // The count stands if the file cannot be asked.
        Op::Delete { channel, id, result } => {
            result.store(i64::from(memory.remove(*channel, *id)), Ordering::Release);
        }
        Op::Clear { channel, result } => {
            result.store(memory.clear(*channel) as i64, Ordering::Release);
        }
    }
}

//! The state that the handles of a store and its writer share: the queue, the connections, and who waits for whom.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::file::{self, Location};
use super::indexes::{Index, Indexes};
use super::memory::{CachedMessage, Memory};
use super::options::{OnTrouble, Options, Trouble, TroubleKind};
use super::process::{self, OpenStore};
use super::queue::{Intake, Op, Progress, lock};
use super::read;
use super::row::Row;
use crate::by_channel::RingBounds;
use crate::wire::Header;
use crate::wire::message::{CODE_REMOVE, CODE_UPDATE};

/// Operations above this size are dropped: the producer ignores the backlog.
const BACKLOG_LIMIT: usize = 256 << 20;

/// How long the writer of a store that was dropped without a close waits for a file that another process has
/// locked.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// The writer gives up this long before the deadline of a close, so that its report precedes the return of the
/// close. An attempt takes at most `file::BUSY` while another process has locked the file.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// The number of operations applied to the memory layer before the lock is released.
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

/// The memory layer, and the operations it has applied that the writer has not taken. Locked before the intake,
/// never after.
pub(super) struct Applied {
    pub memory: Memory,
    pub ops: Vec<Op>,
}

/// What belongs to one handle.
pub(super) struct Holder {
    pub on_trouble: Option<OnTrouble>,
    /// The connection for the bot's own SQL.
    pub sql: Mutex<Option<Connection>>,
    /// The handle has used the store since it was last closed.
    pub in_use: AtomicBool,
}

/// The readers of the file by how long they may take, each with its own connection: none waits for a slower one.
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
    pub applied: Mutex<Applied>,
    pub progress: Progress,
    /// Operations retained until the file can be written.
    pub retained: Mutex<Vec<Op>>,
    pub degraded: AtomicBool,
    /// A reader has met a corrupt page.
    pub suspect: AtomicBool,
    /// The size of the operations that are applied but not completed. With the intake's size it is the backlog.
    /// `apply_accepted` adds the size of an operation, the writer's `Batch` that has taken it subtracts it, and
    /// nothing else writes to it.
    pub applied_bytes: AtomicUsize,
    /// The writer's connection; readers share it if the store is in memory.
    pub writable: Mutex<Option<file::Writable>>,
    /// The number of readers that wait for it.
    pub waiting: AtomicUsize,
    readers: [Mutex<Option<Connection>>; 2],
    /// The handles of the store.
    pub holders: Mutex<Vec<Weak<Holder>>>,
    /// The last handle, until the writer has ended: the writer reports to it what could not be written.
    pub last_holder: Mutex<Option<Arc<Holder>>>,
    pub indexes: Indexes,
    pub counters: Counters,
    pub process: u32,
    /// The body of the writer's thread: `writer::run`.
    run_writer: fn(&Arc<Shared>),
}

impl Shared {
    pub fn new(options: Options, run_writer: fn(&Arc<Shared>)) -> Shared {
        let bounds = RingBounds {
            per_channel: options.memory_messages_per_channel,
            channels: options.memory_channels,
            bytes: options.memory_bytes,
        };
        Shared {
            options,
            intake: Mutex::default(),
            wake: Condvar::new(),
            applied: Mutex::new(Applied { memory: Memory::new(bounds), ops: Vec::new() }),
            progress: Progress::default(),
            retained: Mutex::default(),
            degraded: AtomicBool::new(false),
            suspect: AtomicBool::new(false),
            applied_bytes: AtomicUsize::new(0),
            writable: Mutex::new(None),
            waiting: AtomicUsize::new(0),
            readers: [const { Mutex::new(None) }; 2],
            holders: Mutex::default(),
            last_holder: Mutex::default(),
            indexes: Indexes::default(),
            counters: Counters::default(),
            process: std::process::id(),
            run_writer,
        }
    }

    /// Queue an operation. `urgent` means that something waits for it.
    pub fn push(self: &Arc<Self>, op: Op, urgent: bool) {
        let weight = op.weight();
        let mut intake = lock(&self.intake);
        if intake.bytes + weight > BACKLOG_LIMIT {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        intake.ops.push_back(op);
        intake.bytes += weight;
        intake.accepted += 1;
        self.ensure_writer(intake, urgent);
    }

    /// Ensure that the writer runs; if `urgent`, it does not collect a group.
    fn ensure_writer(self: &Arc<Self>, mut intake: MutexGuard<'_, Intake>, urgent: bool) {
        intake.urgent |= urgent;
        if !intake.running {
            intake.running = true;
            intake.closing = None;
            drop(intake);
            self.start();
        } else if intake.asleep || urgent {
            intake.asleep = false;
            drop(intake);
            self.wake.notify_one();
        }
    }

    fn start(self: &Arc<Self>) {
        if self.process != std::process::id() {
            return;
        }
        process::register(self.clone());
        let shared = Arc::clone(self);
        let started = std::thread::Builder::new()
            .name("mezon-store".into())
            .spawn(move || (shared.run_writer)(&shared));
        if started.is_err() {
            // The system provides no thread: the next write tries again, meanwhile the memory layer serves.
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
            lock(&self.intake).running = false;
        }
    }

    /// Apply all accepted operations to the memory layer. Every reader of it calls this first.
    pub fn apply_accepted(&self) -> MutexGuard<'_, Applied> {
        let mut left = lock(&self.intake).ops.len();
        loop {
            let mut applied = lock(&self.applied);
            let Applied { memory, ops } = &mut *applied;
            // Given to the writer before the memory layer applies them: a panic there must not keep an operation
            // from being completed.
            let first = ops.len();
            {
                let mut intake = lock(&self.intake);
                let count = intake.ops.len().min(PORTION);
                ops.extend(intake.ops.drain(..count));
                let bytes = ops[first..].iter().map(Op::weight).sum();
                intake.bytes -= bytes;
                self.applied_bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            let portion = &ops[first..];
            left = left.saturating_sub(portion.len());
            let last = portion.len() < PORTION || left == 0;
            for op in portion {
                if catch_unwind(AssertUnwindSafe(|| apply_to_memory(memory, op))).is_err() {
                    self.counters.panics.fetch_add(1, Ordering::Relaxed);
                }
            }
            if last {
                return applied;
            }
            drop(applied);
            std::thread::yield_now();
        }
    }

    /// Return a message that is in memory, as fast as possible: this is called on event loops.
    pub fn peek(&self, channel: i64, id: i64) -> Option<CachedMessage> {
        {
            let mut applied = lock(&self.applied);
            let intake = lock(&self.intake);
            let mut sent = None;
            let mut ops = intake.ops.iter().rev().filter(|op| op.concerns(channel, id));
            let change = loop {
                match ops.next() {
                    None => break false,
                    // The server's own copy, which has more fields, may precede it.
                    Some(Op::Sent(_, body)) => sent = Some(body),
                    Some(Op::Payload(header, body)) if !matches!(header.code, CODE_UPDATE | CODE_REMOVE) => {
                        let message = CachedMessage::Payload(body.clone());
                        // A message that the bounds exclude is not in memory now.
                        return applied.memory.accepts(&message).then_some(message);
                    }
                    Some(_) => break true,
                }
            };
            if !change {
                let known = applied.memory.get(channel, id);
                let sent = sent.map(|body| CachedMessage::Payload(body.clone()));
                return known.or(sent.filter(|message| applied.memory.accepts(message)));
            }
        }
        self.apply_accepted().memory.get(channel, id)
    }

    /// Wait until everything accepted so far is completed. Returns false if the time is over first.
    pub fn wait_completed(self: &Arc<Self>, timeout: Duration) -> bool {
        let intake = lock(&self.intake);
        let target = intake.accepted;
        if self.progress.completed() >= target {
            return true;
        }
        self.ensure_writer(intake, true);
        self.progress.wait(target, timeout)
    }

    /// Request an index of everything accepted so far, without waiting for it. Returns a ticket; None if the file
    /// neither exists nor is about to be created.
    pub fn request_index(self: &Arc<Self>, index: Index) -> Option<u64> {
        let exists = match &self.options.location {
            Location::File(path) => path.exists() || self.progress.completed() < lock(&self.intake).accepted,
            Location::Memory => true,
        };
        if !exists {
            return None;
        }
        let intake = lock(&self.intake);
        let ticket = self.indexes.request(index, intake.accepted);
        self.ensure_writer(intake, true);
        Some(ticket)
    }

    pub fn read<T>(
        self: &Arc<Self>,
        lane: Lane,
        ask: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Option<T> {
        let _guard = process::enter_sqlite();
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
                    process::register(self.clone());
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

    /// Close the readers' connections, before the writer's last one or because the file was replaced.
    pub fn close_readers(&self) {
        let _guard = process::enter_sqlite();
        self.drop_readers();
    }

    fn drop_readers(&self) {
        for reader in &self.readers {
            *lock(reader) = None;
        }
    }

    fn unreadable<T>(&self, error: &rusqlite::Error) -> Option<T> {
        if file::is_missing_table(error) {
            // Another process has created the file but not the table yet.
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

    /// Return `rows` merged with memory and the retained operations, newest first.
    pub fn with_memory(&self, mut rows: Vec<Row>, channel: Option<i64>) -> Vec<Row> {
        let held = self.apply_accepted().memory.messages(channel);
        rows.extend(held.iter().filter_map(|message| match message {
            CachedMessage::Row(row) => Some(Row::clone(row)),
            CachedMessage::Payload(body) => {
                Header::parse(body).ok().map(|header| Row::of_payload(&header, body))
            }
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
        self.wait_completed(timeout) && lock(&self.retained).is_empty()
    }

    /// Commit what was accepted and end the writer. Returns false if something is missing in the file.
    ///
    /// Waits for a file that another process has locked. What is not written within `timeout` is dropped, and the
    /// handles are notified.
    pub fn close(self: &Arc<Self>, timeout: Duration) -> bool {
        if self.process != std::process::id() {
            return false;
        }
        let deadline = Instant::now() + timeout;
        let lost = self.counters.lost.load(Ordering::Relaxed);
        let completed = self.wait_completed(timeout);
        // The writer's connection is then the last one, and closing it checkpoints the log.
        self.close_readers();
        if !self.end_writer(deadline) {
            let waiting = lock(&self.intake).accepted.saturating_sub(self.progress.completed());
            let waiting = waiting + lock(&self.retained).len() as u64;
            self.notify(
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
        completed && lock(&self.retained).is_empty() && self.counters.lost.load(Ordering::Relaxed) == lost
    }

    /// End the writer and wait for it. Returns false if it has not ended by the deadline.
    fn end_writer(&self, deadline: Instant) -> bool {
        let mut intake = lock(&self.intake);
        let until = deadline.checked_sub(LAST_REPORT).unwrap_or(deadline);
        intake.closing = intake.closing.max(Some(until));
        self.wake.notify_all();
        let ended = intake.ended;
        // A writer that is started meanwhile is not waited for.
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

    /// End the writer after the last handle. It reports to that handle until it has ended.
    pub fn end_with(&self, holder: &Arc<Holder>) {
        let mut intake = lock(&self.intake);
        if intake.running {
            *lock(&self.last_holder) = Some(Arc::clone(holder));
            intake.closing = intake.closing.max(Some(Instant::now() + CLOSE_TIMEOUT));
            self.wake.notify_all();
        }
    }

    /// Report trouble to every handle.
    pub fn notify(&self, kind: TroubleKind, text: String) {
        let trouble = Trouble { kind, text };
        for holder in self.holders() {
            let Some(tell) = &holder.on_trouble else { continue };
            if catch_unwind(AssertUnwindSafe(|| tell(&trouble))).is_err() {
                self.counters.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Return the current handles, or the last one. Must not be called with another lock held, and the result must
    /// not be kept during a notification or a close.
    pub fn holders(&self) -> Vec<Arc<Holder>> {
        let held: Vec<Arc<Holder>> = lock(&self.holders).iter().filter_map(Weak::upgrade).collect();
        if held.is_empty() { lock(&self.last_holder).iter().cloned().collect() } else { held }
    }

    /// Return whether a handle is using the store.
    pub fn in_use(&self) -> bool {
        self.holders().iter().any(|holder| holder.in_use.load(Ordering::Acquire))
    }

    /// Return whether another handle may share the store. A store that all handles have closed is not shared: its
    /// memory may be out of date if another process has changed the file.
    pub fn is_open(&self) -> bool {
        self.in_use() || lock(&self.intake).accepted == 0
    }

    pub fn name(&self) -> String {
        match &self.options.location {
            Location::File(path) => path.display().to_string(),
            Location::Memory => "in memory".into(),
        }
    }
}

impl OpenStore for Shared {
    fn process(&self) -> u32 {
        self.process
    }

    fn close(self: Arc<Self>, timeout: Duration) -> bool {
        Shared::close(&self, timeout)
    }

    /// In-memory stores stay open.
    fn close_for_fork(&self) {
        if let Location::File(_) = &self.options.location {
            self.drop_readers();
            for holder in self.holders() {
                file::close_idle_for_fork(&mut lock(&holder.sql));
            }
            if let Some(writable) = lock(&self.writable).take() {
                writable.close_for_fork();
            }
        }
    }
}

/// Apply an operation to the memory layer.
fn apply_to_memory(memory: &mut Memory, op: &Op) {
    match op {
        Op::Payload(header, body) => match header.code {
            CODE_UPDATE => memory.update(header.channel, header.id, body),
            CODE_REMOVE => {
                memory.remove(header.channel, header.id);
            }
            _ => memory.put(header.channel, header.id, CachedMessage::Payload(body.clone())),
        },
        Op::Sent(header, body) => memory.add(header.channel, header.id, CachedMessage::Payload(body.clone())),
        Op::Row { channel, id, row } => memory.put(*channel, *id, CachedMessage::Row(Arc::clone(row))),
        // The count is the result if the file cannot be read.
        Op::Delete { channel, id, result } => {
            result.store(i64::from(memory.remove(*channel, *id)), Ordering::Release);
        }
        Op::Clear { channel, result } => {
            result.store(memory.clear(*channel) as i64, Ordering::Release);
        }
        Op::Create => {}
    }
}

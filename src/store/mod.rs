//! The message cache: a memory layer over SQLite, one writer thread, group commit.
//!
//! The way of a message: [`Store::accept`] puts its bytes into a queue and is done. The next one to look (the writer,
//! or a reader who must not miss it) reads the header and puts it into the memory layer; the writer commits what has
//! come together since its last commit. A reader whose message is not in memory waits for the commit of what was
//! accepted before it asked, then asks the file.

mod file;
mod group;
mod json;
mod memory;
mod message;
mod prune;
mod queue;
mod read;
mod row;
mod search;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use rusqlite::Connection;

pub use file::Place;
pub use memory::Kept as Found;
pub use row::Row;

use crate::proto::api::ChannelMessage;
use memory::{Bounds, Memory};
use message::{CODE_REMOVE, CODE_UPDATE, Header};
use queue::{Intake, Op, Progress, Step, lock};

/// Above this nothing more is taken for the file: somebody fills the queue who does not look at the backlog.
const BACKLOG_LIMIT: usize = 256 << 20;

/// What a reader waits for the writer before it answers from memory and from what is committed.
const READER_PATIENCE: Duration = Duration::from_secs(3);

/// Who is told of trouble.
pub type OnTrouble = Box<dyn Fn(&Trouble) + Send + Sync>;

/// How a store is made. Nothing is opened before the first write.
pub struct Options {
    pub place: Place,
    /// The file holds at most about this many rows; the ones stored first go first. `None`: no bound.
    pub max_messages: Option<u64>,
    /// Rows created longer ago are removed. `None`: no bound.
    pub max_age: Option<Duration>,
    pub memory_messages_per_channel: usize,
    pub memory_channels: usize,
    pub memory_bytes: usize,
    /// Told, from the writer's thread, when the file cannot be written and when it can again.
    pub on_trouble: Option<OnTrouble>,
}

impl Options {
    /// The defaults for a file at `path`, or for memory with `:memory:`.
    pub fn at(path: impl Into<PathBuf>) -> Options {
        Options {
            place: Place::of(&path.into()),
            max_messages: Some(1_000_000),
            max_age: None,
            memory_messages_per_channel: 200,
            memory_channels: 1_000,
            memory_bytes: 16 << 20,
            on_trouble: None,
        }
    }
}

/// Something the owner of the store should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// A sentence or two for a log.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The file cannot be written: the store goes on from memory and tries again.
    Unwritable,
    /// The file was broken and was renamed; a new one takes its place.
    Corrupt,
    /// The file can be written again.
    Recovered,
    /// A defect of the store: what it concerned was skipped.
    Defect,
}

impl TroubleKind {
    pub fn name(self) -> &'static str {
        match self {
            TroubleKind::Unwritable => "unwritable",
            TroubleKind::Corrupt => "corrupt",
            TroubleKind::Recovered => "recovered",
            TroubleKind::Defect => "defect",
        }
    }
}

/// Accepted and not yet committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub messages: usize,
    pub bytes: usize,
}

/// Counts since the store was made. `longest_commit` in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub accepted: u64,
    pub rows_written: u64,
    pub commits: u64,
    pub longest_commit: u64,
    pub pruned: u64,
    pub checkpoints: u64,
    pub failures: u64,
    pub malformed: u64,
    pub lost: u64,
    pub panics: u64,
    pub degraded: bool,
    pub backlog: Backlog,
    /// Held in memory until a file that cannot be written can be written again.
    pub retained: usize,
    pub memory_messages: usize,
    pub memory_bytes: usize,
}

#[derive(Debug, Default)]
struct Counters {
    rows_written: AtomicU64,
    commits: AtomicU64,
    longest_commit: AtomicU64,
    pruned: AtomicU64,
    checkpoints: AtomicU64,
    failures: AtomicU64,
    malformed: AtomicU64,
    lost: AtomicU64,
    panics: AtomicU64,
}

/// The memory layer and what it has seen that the writer has not taken. Locked before the intake, never after.
struct Seen {
    memory: Memory,
    steps: Vec<Step>,
}

struct Shared {
    options: Options,
    intake: Mutex<Intake>,
    wake: Condvar,
    seen: Mutex<Seen>,
    progress: Progress,
    /// Operations the file has not taken, held until it can.
    retained: Mutex<Vec<Step>>,
    degraded: AtomicBool,
    /// A reader met a broken page.
    suspect: AtomicBool,
    /// Bytes seen and not settled. With the intake's own bytes this is the backlog.
    seen_bytes: AtomicUsize,
    /// The writer's connection; readers share it when the place is memory.
    writable: Mutex<Option<file::Writable>>,
    reader: Mutex<Option<Connection>>,
    counters: Counters,
    process: u32,
}

/// A handle on a message cache. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

/// Ends the writer when the last handle goes.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        if self.0.process == std::process::id() {
            lock(&self.0.intake).closing = true;
            self.0.wake.notify_all();
        }
    }
}

/// The stores that may have something to write, for the end of the process.
static LIVE: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl Store {
    /// Does not touch the disk and starts no thread.
    pub fn open(options: Options) -> Store {
        let bounds = Bounds {
            messages_per_channel: options.memory_messages_per_channel,
            channels: options.memory_channels,
            bytes: options.memory_bytes,
        };
        let shared = Shared {
            options,
            intake: Mutex::default(),
            wake: Condvar::new(),
            seen: Mutex::new(Seen { memory: Memory::new(bounds), steps: Vec::new() }),
            progress: Progress::default(),
            retained: Mutex::default(),
            degraded: AtomicBool::new(false),
            suspect: AtomicBool::new(false),
            seen_bytes: AtomicUsize::new(0),
            writable: Mutex::new(None),
            reader: Mutex::new(None),
            counters: Counters::default(),
            process: std::process::id(),
        };
        Store { handle: Arc::new(Handle(Arc::new(shared))) }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.0
    }

    /// Takes an encoded `mezon.api.ChannelMessage`. Codes 1 and 2 (update, remove) change and delete the row.
    ///
    /// Never blocks and never fails. `body` is held as it is: it must not be a slice of a larger buffer.
    pub fn accept(&self, body: Bytes) {
        self.shared().push(Op::Payload(body), false);
    }

    /// Takes a row made elsewhere, the bot's own message say.
    pub fn save_row(&self, channel: i64, id: i64, row: Row) {
        self.shared().push(Op::Row { channel, id, row: Arc::new(row) }, false);
    }

    /// Changes a message the way an edit from the gateway does. The lists are JSON arrays.
    pub fn update(&self, channel: i64, id: i64, content: String, mentions: String, attachments: String) {
        // What json.rs reads in place of protobuf; an empty list is an empty field.
        let list = |text: String| if text == "[]" { Bytes::new() } else { Bytes::from(text) };
        let edit = ChannelMessage {
            channel_id: channel,
            message_id: id,
            code: CODE_UPDATE,
            content,
            mentions: list(mentions),
            attachments: list(attachments),
            ..ChannelMessage::default()
        };
        self.accept(edit.encode_to_vec().into());
    }

    /// Accepted and not yet committed. Zero while the file cannot be written: waiting would not help.
    pub fn backlog(&self) -> Backlog {
        let intake = lock(&self.shared().intake);
        let settled = self.shared().progress.settled();
        Backlog {
            messages: usize::try_from(intake.accepted.saturating_sub(settled)).unwrap_or(usize::MAX),
            bytes: intake.bytes + self.shared().seen_bytes.load(Ordering::Relaxed),
        }
    }

    /// The message if it is in memory. Takes microseconds; does not touch the disk.
    pub fn peek(&self, channel: i64, id: i64) -> Option<Found> {
        self.shared().absorb().memory.get(channel, id)
    }

    /// The message from memory or from the file. May wait for a commit.
    pub fn get(&self, channel: i64, id: i64) -> Option<Found> {
        if let Some(found) = self.peek(channel, id) {
            return Some(found);
        }
        let shared = self.shared();
        let whole = shared.settle(READER_PATIENCE);
        let row = shared.read(|connection| read::message(connection, channel, id)).flatten();
        if whole && !shared.degraded.load(Ordering::Acquire) {
            return row.map(|row| Found::Row(Arc::new(row)));
        }
        let retained = lock(&shared.retained);
        let rows = read::overlay(row.into_iter().collect(), retained.iter());
        let (id, channel) = (id.to_string(), channel.to_string());
        rows.into_iter()
            .find(|row| row.id == id && row.channel_id == channel)
            .map(|row| Found::Row(Arc::new(row)))
    }

    /// A channel's messages, newest first.
    pub fn list(&self, channel: i64, limit: usize, offset: usize) -> Vec<Row> {
        let shared = self.shared();
        shared.ask_index(Op::IndexChannels);
        let whole = shared.settle(READER_PATIENCE);
        let wanted = if whole && !shared.degraded.load(Ordering::Acquire) {
            return shared
                .read(|connection| read::channel(connection, channel, limit, offset))
                .unwrap_or_default();
        } else {
            limit.saturating_add(offset)
        };
        let rows =
            shared.read(|connection| read::channel(connection, channel, wanted, 0)).unwrap_or_default();
        let rows = shared.with_memory(rows, Some(channel));
        rows.into_iter().skip(offset).take(limit).collect()
    }

    /// Number of messages stored, of one channel or of all.
    pub fn count(&self, channel: Option<i64>) -> u64 {
        let shared = self.shared();
        if channel.is_some() {
            shared.ask_index(Op::IndexChannels);
        }
        let whole = shared.settle(READER_PATIENCE);
        let count = shared.read(|connection| read::count(connection, channel));
        if whole && !shared.degraded.load(Ordering::Acquire) {
            return count.unwrap_or(0);
        }
        // Not exact while the file cannot be written: a message may be both there and here.
        let held = shared.with_memory(Vec::new(), channel).len() as u64;
        count.unwrap_or(0).max(held)
    }

    /// The newest messages with every word of `text`, the last word as a beginning; diacritics do not matter.
    pub fn search(&self, text: &str, channel: Option<i64>, limit: usize) -> Vec<Row> {
        let shared = self.shared();
        shared.ask_index(Op::IndexText);
        // The first search reads every row there is.
        let whole = shared.settle(Duration::from_secs(600));
        let mut rows =
            shared.read(|connection| search::find(connection, text, channel, limit)).unwrap_or_default();
        if !whole || shared.degraded.load(Ordering::Acquire) {
            let held = shared.with_memory(Vec::new(), channel);
            for row in search::find_in(&held, text, limit).unwrap_or_default() {
                if !rows.iter().any(|known| known.id == row.id && known.channel_id == row.channel_id) {
                    rows.push(row);
                }
            }
        }
        rows.sort_by(|a, b| b.order_key().cmp(&a.order_key()));
        rows.truncate(limit);
        rows
    }

    /// Removes a message; true if there was one.
    pub fn delete(&self, channel: i64, id: i64) -> bool {
        let result = Arc::new(AtomicI64::new(0));
        self.shared().push(Op::Delete { channel, id, result: Arc::clone(&result) }, true);
        self.shared().settle(READER_PATIENCE);
        result.load(Ordering::Acquire) > 0
    }

    /// Removes a channel's messages and returns their number.
    pub fn clear(&self, channel: i64) -> u64 {
        let result = Arc::new(AtomicI64::new(0));
        self.shared().push(Op::Clear { channel, result: Arc::clone(&result) }, true);
        self.shared().settle(Duration::from_secs(60));
        u64::try_from(result.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Waits until everything accepted so far is committed. False when it is not: the time is over, or the file
    /// cannot be written.
    pub fn flush_blocking(&self, timeout: Duration) -> bool {
        self.shared().flush(timeout)
    }

    /// Flushes, closes the file and ends the writer. The next write opens it again.
    pub fn close_blocking(&self, timeout: Duration) -> bool {
        self.shared().close(timeout)
    }

    pub fn stats(&self) -> Stats {
        let shared = self.shared();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (memory_messages, memory_bytes) = {
            let seen = shared.absorb();
            (seen.memory.len(), seen.memory.bytes())
        };
        let accepted = lock(&shared.intake).accepted;
        let retained = lock(&shared.retained).len();
        Stats {
            accepted,
            rows_written: count(&shared.counters.rows_written),
            commits: count(&shared.counters.commits),
            longest_commit: count(&shared.counters.longest_commit),
            pruned: count(&shared.counters.pruned),
            checkpoints: count(&shared.counters.checkpoints),
            failures: count(&shared.counters.failures),
            malformed: count(&shared.counters.malformed),
            lost: count(&shared.counters.lost),
            panics: count(&shared.counters.panics),
            degraded: shared.degraded.load(Ordering::Acquire),
            backlog: self.backlog(),
            retained,
            memory_messages,
            memory_bytes,
        }
    }
}

/// Flushes and closes every store of this process: what an exit handler calls. True when nothing is missing.
pub fn close_all(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    // A fork may have copied the lock as it was held: then there is nothing of this process to close.
    let Ok(live) = LIVE.try_lock().map(|live| live.clone()) else { return false };
    let mut whole = true;
    for shared in live.iter().filter_map(Weak::upgrade) {
        whole &= shared.close(deadline.saturating_duration_since(Instant::now()));
    }
    whole
}

impl Shared {
    fn push(self: &Arc<Self>, op: Op, hurry: bool) {
        let weight = op.weight();
        let mut intake = lock(&self.intake);
        if intake.bytes + weight > BACKLOG_LIMIT {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        intake.ops.push(op);
        intake.bytes += weight;
        intake.accepted += 1;
        intake.hurry |= hurry;
        if !intake.running {
            intake.running = true;
            intake.closing = false;
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
        let mut live = lock(&LIVE);
        live.retain(|store| store.strong_count() > 0);
        if !live.iter().any(|store| std::ptr::eq(store.as_ptr(), Arc::as_ptr(self))) {
            live.push(Arc::downgrade(self));
        }
        drop(live);
        let shared = Arc::clone(self);
        let started =
            std::thread::Builder::new().name("mezon-store".into()).spawn(move || writer::run(&shared));
        if started.is_err() {
            // No thread to be had: the next write tries again, the memory layer serves meanwhile.
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
            lock(&self.intake).running = false;
        }
    }

    /// Puts all that was accepted into the memory layer. Whoever looks calls this first.
    fn absorb(&self) -> std::sync::MutexGuard<'_, Seen> {
        let mut seen = lock(&self.seen);
        let (ops, bytes) = {
            let mut intake = lock(&self.intake);
            (std::mem::take(&mut intake.ops), std::mem::take(&mut intake.bytes))
        };
        if ops.is_empty() {
            return seen;
        }
        self.seen_bytes.fetch_add(bytes, Ordering::Relaxed);
        seen.steps.reserve(ops.len());
        for op in ops {
            let step = self.see(&mut seen.memory, op);
            seen.steps.push(step);
        }
        seen
    }

    fn see(&self, memory: &mut Memory, op: Op) -> Step {
        match op {
            Op::Payload(body) => {
                let Some(header) = Header::parse(&body) else {
                    self.counters.malformed.fetch_add(1, Ordering::Relaxed);
                    // Its bytes leave the backlog with the step that stands for them.
                    self.seen_bytes.fetch_sub(body.len(), Ordering::Relaxed);
                    return Step::Nothing;
                };
                match header.code {
                    CODE_UPDATE => memory.update(header.channel, header.id, &body),
                    CODE_REMOVE => {
                        memory.remove(header.channel, header.id);
                    }
                    _ => memory.put(header.channel, header.id, Found::Payload(body.clone())),
                }
                return Step::Payload(header, body);
            }
            Op::Row { channel, id, ref row } => memory.put(channel, id, Found::Row(Arc::clone(row))),
            // The count stands if the file cannot be asked.
            Op::Delete { channel, id, ref result } => {
                result.store(i64::from(memory.remove(channel, id)), Ordering::Release);
            }
            Op::Clear { channel, ref result } => {
                result.store(memory.clear(channel) as i64, Ordering::Release);
            }
            Op::IndexChannels | Op::IndexText => {}
        }
        Step::Other(op)
    }

    /// Waits until what is accepted now is settled. False when it is not, in time.
    fn settle(&self, timeout: Duration) -> bool {
        let target = {
            let mut intake = lock(&self.intake);
            if self.progress.settled() >= intake.accepted {
                return true;
            }
            intake.hurry = true;
            intake.asleep = false;
            intake.accepted
        };
        self.wake.notify_one();
        self.progress.wait(target, timeout)
    }

    /// An index is made by the writer, who must be running for it: not for a file that is neither there nor about
    /// to be made for what was accepted.
    fn ask_index(self: &Arc<Self>, op: Op) {
        let there = match &self.options.place {
            Place::File(path) => path.exists() || self.progress.settled() < lock(&self.intake).accepted,
            Place::Memory => true,
        };
        if there {
            self.push(op, true);
        }
    }

    fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>) -> Option<T> {
        let answer = match &self.options.place {
            Place::Memory => {
                let guard = lock(&self.writable);
                ask(&guard.as_ref()?.connection)
            }
            Place::File(path) => {
                let mut guard = lock(&self.reader);
                if guard.is_none() {
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
    fn with_memory(&self, mut rows: Vec<Row>, channel: Option<i64>) -> Vec<Row> {
        let held = self.absorb().memory.messages(channel);
        rows.extend(held.iter().filter_map(|message| match message {
            Found::Row(row) => Some(Row::clone(row)),
            Found::Payload(body) => Header::parse(body).map(|header| Row::of_payload(&header, body)),
        }));
        let rows = read::overlay(rows, lock(&self.retained).iter());
        match channel.map(|channel| channel.to_string()) {
            Some(channel) => rows.into_iter().filter(|row| row.channel_id == channel).collect(),
            None => rows,
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        if self.process != std::process::id() {
            return false;
        }
        self.settle(timeout) && lock(&self.retained).is_empty()
    }

    fn close(&self, timeout: Duration) -> bool {
        if self.process != std::process::id() {
            return false;
        }
        let deadline = Instant::now() + timeout;
        let whole = self.flush(timeout);
        // The writer's connection is then the last, and its end empties the log into the file.
        *lock(&self.reader) = None;
        {
            let mut intake = lock(&self.intake);
            intake.closing = true;
            self.wake.notify_all();
            while intake.running {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                intake =
                    self.wake.wait_timeout(intake, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
            }
            intake.closing = false;
        }
        whole && lock(&self.retained).is_empty()
    }
}

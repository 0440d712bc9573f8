//! The message cache: a memory layer over SQLite, one writer thread, group commit.
//!
//! The way of a message: [`Store::accept`] reads its header, puts it into a queue and is done. The next one to look (the
//! writer, or a reader who must not miss it) puts it into the memory layer; the writer commits what has come together
//! since its last commit. A reader whose message is not in memory waits for the commit of what was accepted before it
//! asked, then asks the file.

mod file;
mod fork;
mod group;
mod handle;
mod indexes;
mod json;
mod listing;
mod live;
mod memory;
mod outage;
mod parts;
mod prune;
mod queue;
mod read;
mod row;
mod search;
mod shared;
mod sink;
mod sql;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

pub use file::Location;
pub use fork::{forget as after_fork_in_child, hold as before_fork, release as after_fork_in_parent};
pub use live::close_all;
pub use memory::Kept as Found;
pub use row::Row;
pub use sql::{Answer, Values};

use crate::wire::message::CODE_UPDATE;
use crate::wire::proto::api::ChannelMessage;
use crate::wire::{Body, Header};
use handle::Handle;
use indexes::Index;
use queue::{Op, lock};
use shared::{Lane, Shared};

/// What a reader waits for the writer before it answers from memory and from what is committed.
const READER_PATIENCE: Duration = Duration::from_secs(3);

/// What the first search may take: it reads every row there is.
const FIRST_SEARCH: Duration = Duration::from_secs(600);

/// Who is told of trouble.
pub type OnTrouble = Box<dyn Fn(&Trouble) + Send + Sync>;

/// How a store is made. Nothing is opened before the first write.
pub struct Options {
    pub location: Location,
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
            location: Location::of(&path.into()),
            max_messages: Some(1_000_000),
            max_age: None,
            memory_messages_per_channel: 200,
            memory_channels: 1_000,
            memory_bytes: 16 << 20,
            on_trouble: None,
        }
    }
}

/// Searches a file as [`Store::search`] does, without an index if it has none. Neither the file nor what is beside it changes.
///
/// The file must not be open in a store of this process.
pub fn search_file(
    path: &Path,
    text: &str,
    channel: Option<i64>,
    limit: usize,
) -> Result<Vec<Row>, rusqlite::Error> {
    let _inside = fork::enter();
    let connection = file::open_other(path)?;
    let mut rows = search::find_reading(&connection, text, channel, limit)?;
    rows.sort_by(|a, b| b.order_key().cmp(&a.order_key()));
    Ok(rows)
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
    /// The file was taken away or replaced while it was in use; what memory holds is written to the one there is now.
    Moved,
    /// The file can be written again.
    Recovered,
    /// The store was closed while the file could not be written: what was held for it is dropped.
    Lost,
    /// A defect of the store: what it concerned was skipped.
    Defect,
}

impl TroubleKind {
    pub fn name(self) -> &'static str {
        match self {
            TroubleKind::Unwritable => "unwritable",
            TroubleKind::Corrupt => "corrupt",
            TroubleKind::Moved => "moved",
            TroubleKind::Recovered => "recovered",
            TroubleKind::Lost => "lost",
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

/// A handle on a message cache. Clones are the same one; others of the process on the same file with the same settings
/// share all but whom they tell of trouble and their own SQL.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

impl Store {
    /// Does not write to the disk and starts no thread.
    pub fn open(options: Options) -> Store {
        Store { handle: Arc::new(handle::hold(options)) }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.used()
    }

    /// Takes an encoded `mezon.api.ChannelMessage`. Codes 1 and 2 (update, remove) change and delete the row.
    ///
    /// Never blocks and never fails. `body` is held as it is.
    pub fn accept(&self, body: Body) {
        match Header::parse(&body) {
            Ok(header) => self.shared().push(Op::Payload(header, body), false),
            Err(_) => {
                self.shared().counters.malformed.fetch_add(1, Ordering::Relaxed);
            }
        }
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
        let shared = self.handle.seen();
        let intake = lock(&shared.intake);
        let settled = shared.progress.settled();
        Backlog {
            messages: usize::try_from(intake.accepted.saturating_sub(settled)).unwrap_or(usize::MAX),
            bytes: intake.bytes + shared.seen_bytes.load(Ordering::Relaxed),
        }
    }

    /// The message if it is in memory. Takes microseconds; does not touch the disk.
    pub fn peek(&self, channel: i64, id: i64) -> Option<Found> {
        self.handle.seen().peek(channel, id)
    }

    /// The message from memory or from the file. May wait for a commit.
    pub fn get(&self, channel: i64, id: i64) -> Option<Found> {
        if let Some(found) = self.peek(channel, id) {
            return Some(found);
        }
        let shared = self.shared();
        let whole = shared.settle(READER_PATIENCE);
        let row = shared.read(Lane::Fetch, |connection| read::message(connection, channel, id)).flatten();
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
        let (whole, indexed) = self.ready_to_list();
        let read = |page| {
            let rows =
                shared.read(Lane::Scan, |connection| listing::channel(connection, channel, page, indexed));
            rows.unwrap_or_default()
        };
        if whole && !shared.degraded.load(Ordering::Acquire) {
            return read((limit, offset));
        }
        let rows = shared.with_memory(read((limit.saturating_add(offset), 0)), Some(channel));
        rows.into_iter().skip(offset).take(limit).collect()
    }

    /// Asks for the listing of channels. Says whether the file holds all that was accepted, and whether the listing does.
    fn ready_to_list(&self) -> (bool, bool) {
        let shared = self.shared();
        let ticket = shared.ask_index(Index::Channels);
        let whole = shared.settle(READER_PATIENCE);
        let far = shared.read(Lane::Scan, listing::far_behind).unwrap_or(false);
        let indexed = ticket
            .is_some_and(|ticket| !far && shared.indexes.wait(Index::Channels, ticket, READER_PATIENCE));
        (whole, indexed)
    }

    /// Number of messages stored, of one channel or of all.
    pub fn count(&self, channel: Option<i64>) -> u64 {
        let shared = self.shared();
        let (whole, indexed) = match channel {
            Some(_) => self.ready_to_list(),
            None => (shared.settle(READER_PATIENCE), false),
        };
        let count = shared.read(Lane::Scan, |connection| match channel {
            Some(channel) => listing::count(connection, channel, indexed),
            None => read::count(connection),
        });
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
        let ticket = shared.ask_index(Index::Text);
        let whole = shared.settle(READER_PATIENCE)
            && ticket.is_none_or(|ticket| shared.indexes.wait(Index::Text, ticket, FIRST_SEARCH));
        let found = shared.read(Lane::Scan, |connection| search::find(connection, text, channel, limit));
        let mut rows = found.unwrap_or_default();
        if !whole || shared.degraded.load(Ordering::Acquire) {
            let held = shared.with_memory(Vec::new(), channel);
            let _inside = fork::enter();
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
        self.handle.seen().flush(timeout)
    }

    /// Flushes. Closes the file and ends the writer unless others have it open. The next write opens it again.
    ///
    /// A file that another process holds is waited for; what it has not taken within `timeout` is dropped and reported.
    pub fn close_blocking(&self, timeout: Duration) -> bool {
        self.handle.close(timeout)
    }

    /// Of all who share it.
    pub fn stats(&self) -> Stats {
        let shared = self.handle.seen();
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

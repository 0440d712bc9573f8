//! The message cache: a memory layer over SQLite, one writer thread, group commit.
//!
//! [`Store::accept`] parses a message's header and queues it. The writer, or a reader that must not miss it,
//! applies it to the memory layer; the writer commits everything that was queued since its last commit. A reader
//! whose message is not in memory waits for the commit of what was accepted before its request, then reads the
//! file.

mod file;
mod group;
mod handle;
mod indexes;
mod json;
mod listing;
mod maintenance;
mod memory;
mod options;
mod outage;
mod pacing;
mod parts;
mod process;
mod prune;
mod queue;
mod read;
mod row;
mod search;
mod shared;
mod sql;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

pub use file::Location;
pub use memory::CachedMessage;
pub use options::{Backlog, OnTrouble, Options, Stats, Trouble, TroubleKind};
pub use process::{after_fork_in_child, after_fork_in_parent, before_fork, close_all};
pub use row::Row;
pub use sql::{Answer, Values};

use crate::item::MessageSink;
use crate::wire::message::CODE_UPDATE;
use crate::wire::proto::api::ChannelMessage;
use crate::wire::{Body, Header};
use handle::Handle;
use indexes::Index;
use queue::{Op, lock};
use shared::{Lane, Shared};

/// How long a reader waits for the writer before it answers from memory and from the committed rows.
const READER_TIMEOUT: Duration = Duration::from_secs(3);

/// The time limit of the first search, which indexes every row.
const FIRST_SEARCH: Duration = Duration::from_secs(600);

/// Search a file as [`Store::search`] does, without an index if it has none. Changes neither the file nor its
/// folder.
///
/// The file must not be open in a store of this process.
pub fn search_file(
    path: &Path,
    text: &str,
    channel: Option<i64>,
    limit: usize,
) -> Result<Vec<Row>, rusqlite::Error> {
    let _guard = process::enter_sqlite();
    let connection = file::open_other(path)?;
    let mut rows = search::find_read_only(&connection, text, channel, limit)?;
    rows.sort_by(|a, b| b.order_key().cmp(&a.order_key()));
    Ok(rows)
}

/// A handle of a message cache; clones refer to the same handle. Handles of the process on the same file with the
/// same settings share everything except their callback for trouble and their own SQL.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

impl Store {
    /// Create a handle. Neither writes to the disk nor starts a thread.
    pub fn open(options: Options) -> Store {
        Store { handle: Arc::new(handle::open_shared(options)) }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.activate()
    }

    /// Accept an encoded `mezon.api.ChannelMessage`. Codes 1 and 2 (update, remove) change and delete the row.
    ///
    /// Never blocks and never fails. `body` is stored without a copy.
    pub fn accept(&self, body: Body) {
        match Header::parse(&body) {
            Ok(header) => self.shared().push(Op::Payload(header, body), false),
            Err(_) => {
                self.shared().counters.malformed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Accept a row created elsewhere, such as the bot's own message.
    pub fn save_row(&self, channel: i64, id: i64, row: Row) {
        self.shared().push(Op::Row { channel, id, row: Arc::new(row) }, false);
    }

    /// Change a message as an edit from the gateway does. The lists are JSON arrays.
    pub fn update(&self, channel: i64, id: i64, content: String, mentions: String, attachments: String) {
        // json.rs accepts JSON in place of protobuf; an empty list is an empty field.
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

    /// Return what is accepted but not committed. Zero while the file cannot be written, because waiting would not
    /// help.
    pub fn backlog(&self) -> Backlog {
        let shared = self.handle.inspect();
        let intake = lock(&shared.intake);
        let completed = shared.progress.completed();
        Backlog {
            messages: usize::try_from(intake.accepted.saturating_sub(completed)).unwrap_or(usize::MAX),
            bytes: intake.bytes + shared.applied_bytes.load(Ordering::Relaxed),
        }
    }

    /// Return the message if it is in memory. Takes microseconds and does not access the disk.
    pub fn peek(&self, channel: i64, id: i64) -> Option<CachedMessage> {
        self.handle.inspect().peek(channel, id)
    }

    /// Return the message from memory or from the file. May wait for a commit.
    pub fn get(&self, channel: i64, id: i64) -> Option<CachedMessage> {
        if let Some(found) = self.peek(channel, id) {
            return Some(found);
        }
        let shared = self.shared();
        let whole = shared.wait_completed(READER_TIMEOUT);
        let row = shared.read(Lane::Fetch, |connection| read::message(connection, channel, id)).flatten();
        if whole && !shared.degraded.load(Ordering::Acquire) {
            return row.map(|row| CachedMessage::Row(Arc::new(row)));
        }
        let retained = lock(&shared.retained);
        let rows = read::overlay(row.into_iter().collect(), retained.iter());
        let (id, channel) = (id.to_string(), channel.to_string());
        rows.into_iter()
            .find(|row| row.id == id && row.channel_id == channel)
            .map(|row| CachedMessage::Row(Arc::new(row)))
    }

    /// Return a channel's messages, newest first.
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

    /// Request the listing of channels. Returns whether the file contains everything accepted, and whether the
    /// listing does.
    fn ready_to_list(&self) -> (bool, bool) {
        let shared = self.shared();
        let ticket = shared.request_index(Index::Channels);
        let whole = shared.wait_completed(READER_TIMEOUT);
        let far = shared.read(Lane::Scan, listing::far_behind).unwrap_or(false);
        let indexed =
            ticket.is_some_and(|ticket| !far && shared.indexes.wait(Index::Channels, ticket, READER_TIMEOUT));
        (whole, indexed)
    }

    /// Return the number of stored messages, of one channel or of all.
    pub fn count(&self, channel: Option<i64>) -> u64 {
        let shared = self.shared();
        let (whole, indexed) = match channel {
            Some(_) => self.ready_to_list(),
            None => (shared.wait_completed(READER_TIMEOUT), false),
        };
        let count = shared.read(Lane::Scan, |connection| match channel {
            Some(channel) => listing::count(connection, channel, indexed),
            None => read::count(connection),
        });
        if whole && !shared.degraded.load(Ordering::Acquire) {
            return count.unwrap_or(0);
        }
        // Inexact while the file cannot be written: a message may be in the file and in memory.
        let held = shared.with_memory(Vec::new(), channel).len() as u64;
        count.unwrap_or(0).max(held)
    }

    /// Return the newest messages that contain every word of `text`, the last one as a prefix; ignores diacritics.
    pub fn search(&self, text: &str, channel: Option<i64>, limit: usize) -> Vec<Row> {
        let shared = self.shared();
        let ticket = shared.request_index(Index::Text);
        let whole = shared.wait_completed(READER_TIMEOUT)
            && ticket.is_none_or(|ticket| shared.indexes.wait(Index::Text, ticket, FIRST_SEARCH));
        let found = shared.read(Lane::Scan, |connection| search::find(connection, text, channel, limit));
        let mut rows = found.unwrap_or_default();
        if !whole || shared.degraded.load(Ordering::Acquire) {
            let held = shared.with_memory(Vec::new(), channel);
            let _guard = process::enter_sqlite();
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

    /// Remove a message. Returns whether there was one.
    pub fn delete(&self, channel: i64, id: i64) -> bool {
        let result = Arc::new(AtomicI64::new(0));
        self.shared().push(Op::Delete { channel, id, result: Arc::clone(&result) }, true);
        self.shared().wait_completed(READER_TIMEOUT);
        result.load(Ordering::Acquire) > 0
    }

    /// Remove a channel's messages and return their number.
    pub fn clear(&self, channel: i64) -> u64 {
        let result = Arc::new(AtomicI64::new(0));
        self.shared().push(Op::Clear { channel, result: Arc::clone(&result) }, true);
        self.shared().wait_completed(Duration::from_secs(60));
        u64::try_from(result.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Create the file and its table if the file is missing, and commit everything accepted so far. Returns false if
    /// the time is over first or the file cannot be written.
    pub fn create_blocking(&self, timeout: Duration) -> bool {
        if matches!(&self.handle.inspect().options.location, Location::File(path) if !path.exists()) {
            self.shared().push(Op::Create, true);
        }
        self.flush_blocking(timeout)
    }

    /// Wait until everything accepted so far is committed. Returns false if the time is over first or the file
    /// cannot be written.
    pub fn flush_blocking(&self, timeout: Duration) -> bool {
        self.handle.inspect().flush(timeout)
    }

    /// Flush; close the file and end the writer unless other handles are using them. The next write opens the file
    /// again.
    ///
    /// Waits for a file that another process has locked; what is not written within `timeout` is dropped and
    /// reported.
    pub fn close_blocking(&self, timeout: Duration) -> bool {
        self.handle.close(timeout)
    }

    /// Return the statistics of all handles together.
    pub fn stats(&self) -> Stats {
        let shared = self.handle.inspect();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (memory_messages, memory_bytes) = {
            let applied = shared.apply_accepted();
            (applied.memory.len(), applied.memory.bytes())
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

impl MessageSink for Store {
    fn accept(&self, header: Header, body: Body) {
        self.shared().push(Op::Payload(header, body), false);
    }

    fn accept_sent(&self, header: Header, body: Body) {
        self.shared().push(Op::Sent(header, body), false);
    }

    fn backlog(&self) -> usize {
        self.backlog().bytes
    }
}

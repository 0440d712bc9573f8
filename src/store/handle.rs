//! Who holds a store. Those of a process who name one file with the same settings hold the same one.
//!
//! A thousand bots on one file then have one writer, one memory layer and one set of connections, and the bounds are for
//! all of them together. What each has by itself: whom it tells of trouble, and the connection for SQL of its own, for
//! nobody may end up in another's transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rusqlite::Connection;

use super::queue::lock;
use super::shared::Shared;
use super::{Location, OnTrouble, Options};

/// The stores of files that somebody holds. Locked by `hold` alone, which Python calls with the GIL: so no fork copies it
/// while it is held.
static HELD: Mutex<Option<HashMap<Key, Weak<Shared>>>> = Mutex::new(None);

/// What two must agree in to share a store.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    /// A forked child shares nothing with its parent.
    process: u32,
    /// The folder as it really is, and the name in it.
    place: PathBuf,
    /// A path that is looked up anew whenever the process changes its folder.
    relative: Option<PathBuf>,
    max_messages: Option<u64>,
    max_age: Option<Duration>,
    memory: [usize; 3],
}

impl Key {
    /// None for what is never shared: a store in memory belongs to whoever made it.
    fn of(options: &Options) -> Option<Key> {
        let Location::File(path) = &options.location else { return None };
        Some(Key {
            process: std::process::id(),
            place: real(path)?,
            relative: path.is_relative().then(|| path.clone()),
            max_messages: options.max_messages,
            max_age: options.max_age,
            memory: [options.memory_messages_per_channel, options.memory_channels, options.memory_bytes],
        })
    }
}

/// The path with its folder as it really is; the part of the folder that is not made yet as it is written.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().skip(1).find_map(|above| Some((above, above.canonicalize().ok()?)));
    match folder {
        Some((above, found)) => path.strip_prefix(above).ok().map(|rest| found.join(rest)),
        None => Some(path),
    }
}

/// One who holds a store.
pub(super) struct Member {
    pub on_trouble: Option<OnTrouble>,
    /// The one for a bot's own SQL.
    pub sql: Mutex<Option<Connection>>,
    /// It has used the store since it closed it last.
    in_use: AtomicBool,
}

/// A hold on a store. When the last one of all goes, the writer ends.
pub(super) struct Handle {
    shared: Arc<Shared>,
    pub member: Arc<Member>,
}

/// Opens a store, or takes part in the one that others hold.
pub(super) fn hold(mut options: Options) -> Handle {
    let member = Arc::new(Member {
        on_trouble: options.on_trouble.take(),
        sql: Mutex::new(None),
        in_use: AtomicBool::new(false),
    });
    let Some(key) = Key::of(&options) else { return Handle::new(Arc::new(Shared::new(options)), member) };
    let mut held = lock(&HELD);
    let held = held.get_or_insert_default();
    if let Some(shared) = held.get(&key).and_then(Weak::upgrade).filter(|shared| shared.is_open()) {
        return Handle::new(shared, member);
    }
    held.retain(|_, shared| shared.strong_count() > 0);
    let shared = Arc::new(Shared::new(options));
    held.insert(key, Arc::downgrade(&shared));
    Handle::new(shared, member)
}

impl Handle {
    fn new(shared: Arc<Shared>, member: Arc<Member>) -> Handle {
        lock(&shared.members).push(Arc::downgrade(&member));
        Handle { shared, member }
    }

    /// To look at it: that makes nobody one who has it open.
    pub fn seen(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// To use it.
    pub fn used(&self) -> &Arc<Shared> {
        // Looked at first: all bots of a process would write to one place with every message.
        if !self.member.in_use.load(Ordering::Relaxed) {
            self.member.in_use.store(true, Ordering::Release);
        }
        &self.shared
    }

    /// Commits what was accepted; closes the file as well if nobody else has it open.
    pub fn close(&self, timeout: Duration) -> bool {
        if self.shared.process != std::process::id() {
            return false;
        }
        self.member.in_use.store(false, Ordering::Release);
        if self.shared.in_use() { self.shared.flush(timeout) } else { self.shared.close(timeout) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.shared.process != std::process::id() {
            return;
        }
        let mut members = lock(&self.shared.members);
        members.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(&self.member)));
        let last = members.is_empty();
        drop(members);
        *lock(&self.member.sql) = None;
        if last {
            self.member.in_use.store(false, Ordering::Release);
            self.shared.end_with(&self.member);
        }
    }
}

impl Shared {
    /// Those who hold it, or the last one who did. Never with another lock held, nor kept while anybody is told or closed.
    pub fn holders(&self) -> Vec<Arc<Member>> {
        let held: Vec<Arc<Member>> = lock(&self.members).iter().filter_map(Weak::upgrade).collect();
        if held.is_empty() { lock(&self.last_member).iter().cloned().collect() } else { held }
    }

    /// Does anybody have it open?
    fn in_use(&self) -> bool {
        self.holders().iter().any(|member| member.in_use.load(Ordering::Acquire))
    }

    /// May another take part? Not in one that all have closed: what it remembers is from before, and somebody else may have
    /// changed the file since.
    fn is_open(&self) -> bool {
        self.in_use() || lock(&self.intake).accepted == 0
    }
}

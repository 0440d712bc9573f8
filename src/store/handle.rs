//! Handles of stores. Handles in one process for the same file with the same settings share one store.
//!
//! A thousand bots on one file then have one writer, one memory layer and one set of connections, and the bounds
//! apply to all of them together. Each handle has its own callback for trouble and its own connection for the
//! bot's SQL, so that no bot joins another's transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::file::Location;
use super::options::Options;
use super::queue::lock;
use super::shared::{Holder, Shared};
use super::writer;

/// The shared stores. Locked only by `open_shared`, which Python calls with the GIL held: no fork copies the lock
/// in its locked state.
static SHARED_STORES: Mutex<Option<HashMap<Key, Weak<Shared>>>> = Mutex::new(None);

/// The settings that handles of one store have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    /// A forked child does not share stores with its parent.
    process: u32,
    /// The canonical folder and the file name.
    place: PathBuf,
    /// The relative path, which depends on the working directory.
    relative: Option<PathBuf>,
    max_messages: Option<u64>,
    max_age: Option<Duration>,
    memory: [usize; 3],
}

impl Key {
    /// Return the key; None for a store in memory, which is never shared.
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

/// Return the path with its existing folders made canonical.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().skip(1).find_map(|above| Some((above, above.canonicalize().ok()?)));
    match folder {
        Some((above, found)) => path.strip_prefix(above).ok().map(|rest| found.join(rest)),
        None => Some(path),
    }
}

/// A handle of a store. The writer ends with the last one.
pub(super) struct Handle {
    shared: Arc<Shared>,
    pub holder: Arc<Holder>,
}

/// Open a store, or share the one that other handles have opened.
pub(super) fn open_shared(mut options: Options) -> Handle {
    let holder = Arc::new(Holder {
        on_trouble: options.on_trouble.take(),
        sql: Mutex::new(None),
        in_use: AtomicBool::new(false),
    });
    let Some(key) = Key::of(&options) else {
        return Handle::new(Arc::new(Shared::new(options, writer::run)), holder);
    };
    let mut held = lock(&SHARED_STORES);
    let held = held.get_or_insert_default();
    if let Some(shared) = held.get(&key).and_then(Weak::upgrade).filter(|shared| shared.is_open()) {
        return Handle::new(shared, holder);
    }
    held.retain(|_, shared| shared.strong_count() > 0);
    let shared = Arc::new(Shared::new(options, writer::run));
    held.insert(key, Arc::downgrade(&shared));
    Handle::new(shared, holder)
}

impl Handle {
    fn new(shared: Arc<Shared>, holder: Arc<Holder>) -> Handle {
        lock(&shared.holders).push(Arc::downgrade(&holder));
        Handle { shared, holder }
    }

    /// Return the store without marking it as in use.
    pub fn inspect(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Return the store and mark it as in use by this handle.
    pub fn activate(&self) -> &Arc<Shared> {
        // Read first: otherwise all bots of a process would write to one cache line with every message.
        if !self.holder.in_use.load(Ordering::Relaxed) {
            self.holder.in_use.store(true, Ordering::Release);
        }
        &self.shared
    }

    /// Commit what was accepted; close the file as well if no other handle is using it.
    pub fn close(&self, timeout: Duration) -> bool {
        if self.shared.process != std::process::id() {
            return false;
        }
        self.holder.in_use.store(false, Ordering::Release);
        if self.shared.in_use() { self.shared.flush(timeout) } else { self.shared.close(timeout) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.shared.process != std::process::id() {
            return;
        }
        let mut holders = lock(&self.shared.holders);
        holders.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(&self.holder)));
        let last = holders.is_empty();
        drop(holders);
        *lock(&self.holder.sql) = None;
        if last {
            self.holder.in_use.store(false, Ordering::Release);
            self.shared.end_with(&self.holder);
        }
    }
}

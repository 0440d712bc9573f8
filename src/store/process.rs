//! The stores of the process at its exit and at a fork: a fork finds no thread inside SQLite and no file of a
//! store open.
//!
//! SQLite's knowledge of file locks belongs to the process. A fork copies it, but not the locks: a child forked
//! while the parent writes takes a lock of the parent for its own and never releases it; a child forked while a
//! file is open believes that it holds a lock, and the parent may delete the log. The process therefore closes all
//! files before a fork, and opens them again at the next read or write.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::queue::lock;

/// The number of threads inside SQLite. Not protected by a lock: another thread could hold it at the moment of a
/// fork, and nothing in the child would release it.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The number of threads about to fork.
static PENDING_FORKS: AtomicUsize = AtomicUsize::new(0);

/// The polling interval of waiting threads.
const POLL: Duration = Duration::from_millis(1);

/// Marks a thread as inside SQLite until it is dropped. Such a thread must not wait for Python.
#[must_use]
pub struct SqliteGuard(());

impl Drop for SqliteGuard {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, SeqCst);
    }
}

/// Mark this thread as inside SQLite, once no fork is pending. Neither reentrant nor to be called with the GIL
/// held.
pub fn enter_sqlite() -> SqliteGuard {
    loop {
        INSIDE.fetch_add(1, SeqCst);
        if !fork_pending() {
            return SqliteGuard(());
        }
        INSIDE.fetch_sub(1, SeqCst);
        std::thread::sleep(POLL);
    }
}

/// Return whether a fork is pending. A thread that may stay inside for long should leave.
pub fn fork_pending() -> bool {
    PENDING_FORKS.load(SeqCst) > 0
}

/// Wait until no thread is inside SQLite and keep others out, then close the files as they are. Returns false if a
/// thread stays inside for too long. In either case `after_fork_in_parent` and `after_fork_in_child` must follow.
pub fn before_fork(timeout: Duration) -> bool {
    let until = Instant::now() + timeout;
    PENDING_FORKS.fetch_add(1, SeqCst);
    while INSIDE.load(SeqCst) > 0 {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(POLL);
    }
    close_all_for_fork();
    true
}

/// Let threads enter SQLite again after a fork, in the parent.
pub fn after_fork_in_parent() {
    // A call that was interrupted before it began is not undone.
    let _ = PENDING_FORKS.fetch_update(SeqCst, SeqCst, |forks| forks.checked_sub(1));
}

/// Reset the counters after a fork, in the child: the counted threads do not exist here.
pub fn after_fork_in_child() {
    PENDING_FORKS.store(0, SeqCst);
    INSIDE.store(0, SeqCst);
}

/// A store whose file must be closed at the exit of the process and before a fork.
pub trait OpenStore: Send + Sync {
    /// Return the process that has created the store.
    fn process(&self) -> u32;
    /// Commit what was accepted and end the writer. Returns false if something is missing in the file.
    fn close(self: Arc<Self>, timeout: Duration) -> bool;
    /// Close the file as it is. No thread is inside SQLite.
    fn close_for_fork(&self);
}

/// The stores of this process that have a file open or may have something to write.
static OPEN: Mutex<Vec<Weak<dyn OpenStore>>> = Mutex::new(Vec::new());

pub fn register(store: Arc<dyn OpenStore>) {
    let mut live = lock(&OPEN);
    live.retain(|known| known.strong_count() > 0);
    if !live.iter().any(|known| std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(&store))) {
        live.push(Arc::downgrade(&store));
    }
}

/// Flush and close every store of this process, for an exit handler. Returns true if nothing is missing in the
/// files.
pub fn close_all(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    // A fork may have copied the lock in its locked state: this process then has nothing to close.
    let Ok(live) = OPEN.try_lock().map(|live| live.clone()) else { return false };
    let mut whole = true;
    for shared in live.iter().filter_map(Weak::upgrade) {
        whole &= shared.close(deadline.saturating_duration_since(Instant::now()));
    }
    whole
}

/// Close the files of every store of this process as they are. No thread is inside SQLite.
fn close_all_for_fork() {
    let live = lock(&OPEN).clone();
    for shared in live.iter().filter_map(Weak::upgrade) {
        if shared.process() == std::process::id() {
            shared.close_for_fork();
        }
    }
}

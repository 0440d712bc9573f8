//! The stores of this process that have a file open or may have something to write: for its end, and for a fork.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::queue::lock;
use super::shared::Shared;

static LIVE: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

pub fn add(store: &Arc<Shared>) {
    let mut live = lock(&LIVE);
    live.retain(|known| known.strong_count() > 0);
    if !live.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(store))) {
        live.push(Arc::downgrade(store));
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

/// Closes the files of every store of this process, as they are. Nobody is inside SQLite.
pub(super) fn put_down_all() {
    let live = lock(&LIVE).clone();
    for shared in live.iter().filter_map(Weak::upgrade) {
        if shared.process == std::process::id() {
            shared.put_down();
        }
    }
}

//! A fork finds no thread inside SQLite and no file of a store open.
//!
//! What SQLite knows of a file's locks belongs to the process. A fork copies it, and the locks themselves it does not: a child
//! that is born while the parent writes takes a lock of the parent's for one of its own, which nobody ever gives back; one
//! that is born beside an open file believes it holds a lock that it does not, and the parent may delete the log under
//! it. So the process lets go of everything before it forks, and opens again at the next read or write.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::live;

/// Threads inside SQLite. No lock guards it: a lock could be held by another thread in the moment of a fork, and then nobody
/// in the child would ever let go of it.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Threads about to fork.
static HOLDERS: AtomicUsize = AtomicUsize::new(0);

/// How often those who wait look.
const LOOK: Duration = Duration::from_millis(1);

/// A thread inside SQLite, until this is dropped. It waits for no Python meanwhile.
#[must_use]
pub struct Inside(());

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, SeqCst);
    }
}

/// Goes in, as soon as nobody is about to fork. Not twice in one thread, and never with the GIL held.
pub fn enter() -> Inside {
    loop {
        INSIDE.fetch_add(1, SeqCst);
        if !wanted() {
            return Inside(());
        }
        INSIDE.fetch_sub(1, SeqCst);
        std::thread::sleep(LOOK);
    }
}

/// Is somebody about to fork? Who may take long inside should come out.
pub fn wanted() -> bool {
    HOLDERS.load(SeqCst) > 0
}

/// Before a fork: nobody goes in any more, and when all are out the files are closed, as they are. False when somebody stays
/// inside for too long. Either way `release` follows in the parent and `forget` in the child.
pub fn hold(patience: Duration) -> bool {
    let until = Instant::now() + patience;
    HOLDERS.fetch_add(1, SeqCst);
    while INSIDE.load(SeqCst) > 0 {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    live::put_down_all();
    true
}

/// After a fork, in the parent.
pub fn release() {
    // A hold that was interrupted before it began is not taken back.
    let _ = HOLDERS.fetch_update(SeqCst, SeqCst, |holders| holders.checked_sub(1));
}

/// After a fork, in the child: the threads that were counted are not here.
pub fn forget() {
    HOLDERS.store(0, SeqCst);
    INSIDE.store(0, SeqCst);
}

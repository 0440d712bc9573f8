//! The tokio runtime of the process, on one thread: a bot has few sockets.

use std::io;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

struct Owned {
    runtime: Runtime,
    pid: u32,
}

static RUNTIME: Mutex<Option<Owned>> = Mutex::new(None);

/// Return the runtime's handle; the first call in a process starts it.
///
/// # Errors
/// If the system provides no thread or no descriptor.
pub fn handle() -> io::Result<Handle> {
    let mut slot = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    if let Some(owned) = slot.as_ref().filter(|owned| owned.pid == pid) {
        return Ok(owned.runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("mezon-io")
        .enable_io()
        .enable_time()
        .build()?;
    let handle = runtime.handle().clone();
    // A forked process inherits the memory of its parent's runtime but none of its threads: dropping it would wait
    // for them.
    mem::forget(slot.replace(Owned { runtime, pid }));
    Ok(handle)
}

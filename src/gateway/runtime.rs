//! One tokio runtime for the process, on one thread: a bot has few sockets.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

struct Owned {
    runtime: Runtime,
    pid: u32,
}

static RUNTIME: OnceLock<Owned> = OnceLock::new();

/// The process was forked after its runtime had started: the threads stayed in the parent.
#[derive(Debug, PartialEq, Eq)]
pub struct Forked;

/// The runtime's handle; the first call starts it.
///
/// # Errors
/// In a child forked after that.
pub fn handle() -> Result<Handle, Forked> {
    let owned = RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mezon-io")
            .enable_io()
            .enable_time()
            .build()
            .expect("the system grants a thread and an epoll descriptor");
        Owned { runtime, pid: std::process::id() }
    });
    if owned.pid == std::process::id() { Ok(owned.runtime.handle().clone()) } else { Err(Forked) }
}

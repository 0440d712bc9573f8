//! Wakes the event loop: through a descriptor, or by a callable for loops that watch no descriptors.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use pyo3::prelude::*;

#[cfg(unix)]
use crate::inbox::FdWake;
use crate::inbox::Wake;

pub(super) enum AnyWake {
    #[cfg(unix)]
    Fd(FdWake),
    Callback(Arc<CallbackWaker>),
}

/// Signalled by the I/O thread, which never takes the GIL; a thread of its own takes the GIL and calls.
#[derive(Default)]
pub(super) struct CallbackWaker {
    state: Mutex<CallbackState>,
    changed: Condvar,
}

#[derive(Default)]
struct CallbackState {
    pending: bool,
    closed: bool,
}

impl AnyWake {
    pub fn new(notify: Option<Py<PyAny>>) -> PyResult<Self> {
        let Some(notify) = notify else { return Self::without_callable() };
        let waker = Arc::new(CallbackWaker::default());
        let server = waker.clone();
        thread::Builder::new().name("mezon-wake".into()).spawn(move || server.serve(notify))?;
        Ok(Self::Callback(waker))
    }

    #[cfg(unix)]
    fn without_callable() -> PyResult<Self> {
        Ok(Self::Fd(FdWake::new()?))
    }

    #[cfg(not(unix))]
    fn without_callable() -> PyResult<Self> {
        Err(pyo3::exceptions::PyValueError::new_err("this system has no descriptor to watch: pass `notify`"))
    }

    pub fn fd(&self) -> i32 {
        match self {
            #[cfg(unix)]
            Self::Fd(wake) => wake.fd(),
            Self::Callback(_) => -1,
        }
    }

    pub fn clear(&self) {
        match self {
            #[cfg(unix)]
            Self::Fd(wake) => wake.clear(),
            Self::Callback(_) => {}
        }
    }
}

impl Wake for AnyWake {
    fn wake(&self) {
        match self {
            #[cfg(unix)]
            Self::Fd(wake) => wake.wake(),
            Self::Callback(waker) => waker.change(|state| state.pending = true),
        }
    }
}

impl Drop for AnyWake {
    fn drop(&mut self) {
        match self {
            #[cfg(unix)]
            Self::Fd(_) => {}
            Self::Callback(waker) => waker.change(|state| state.closed = true),
        }
    }
}

impl CallbackWaker {
    fn change(&self, change: impl FnOnce(&mut CallbackState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    fn serve(&self, notify: Py<PyAny>) {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while !state.pending && !state.closed {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let closed = state.closed;
            state.pending = false;
            drop(state);
            // None if the interpreter is shutting down: there is nothing to notify.
            let called = Python::try_attach(|py| {
                if !closed && let Err(why) = notify.call0(py) {
                    why.write_unraisable(py, None);
                }
            });
            if closed || called.is_none() {
                return;
            }
        }
    }
}

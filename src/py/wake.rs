//! Waking the event loop: by descriptor, or by a callable for loops that watch none.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use pyo3::prelude::*;

#[cfg(unix)]
use crate::inbox::FdWake;
use crate::inbox::Wake;

pub(super) enum AnyWake {
    #[cfg(unix)]
    Fd(FdWake),
    Call(Arc<Bell>),
}

/// Rung by the I/O thread, which takes no GIL; a thread of its own takes it and calls.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<BellState>,
    changed: Condvar,
}

#[derive(Default)]
struct BellState {
    rung: bool,
    gone: bool,
}

impl AnyWake {
    pub fn new(notify: Option<Py<PyAny>>) -> PyResult<Self> {
        let Some(notify) = notify else { return Self::without_callable() };
        let bell = Arc::new(Bell::default());
        let ringer = bell.clone();
        thread::Builder::new().name("mezon-wake".into()).spawn(move || ringer.serve(notify))?;
        Ok(Self::Call(bell))
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
            Self::Call(_) => -1,
        }
    }

    pub fn clear(&self) {
        match self {
            #[cfg(unix)]
            Self::Fd(wake) => wake.clear(),
            Self::Call(_) => {}
        }
    }
}

impl Wake for AnyWake {
    fn wake(&self) {
        match self {
            #[cfg(unix)]
            Self::Fd(wake) => wake.wake(),
            Self::Call(bell) => bell.change(|state| state.rung = true),
        }
    }
}

impl Drop for AnyWake {
    fn drop(&mut self) {
        match self {
            #[cfg(unix)]
            Self::Fd(_) => {}
            Self::Call(bell) => bell.change(|state| state.gone = true),
        }
    }
}

impl Bell {
    fn change(&self, change: impl FnOnce(&mut BellState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    fn serve(&self, notify: Py<PyAny>) {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while !state.rung && !state.gone {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let gone = state.gone;
            state.rung = false;
            drop(state);
            // None when the interpreter is shutting down: nobody listens then.
            let called = Python::try_attach(|py| {
                if !gone && let Err(why) = notify.call0(py) {
                    why.write_unraisable(py, None);
                }
            });
            if gone || called.is_none() {
                return;
            }
        }
    }
}

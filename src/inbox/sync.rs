//! The locks of the inbox: the standard library's and tokio's, or those of a model checker (`make model`), which tries every
//! order in which threads can take them.

#[cfg(not(feature = "model"))]
pub use std::sync::{Mutex, MutexGuard};
#[cfg(not(feature = "model"))]
pub use tokio::sync::Notify;

#[cfg(feature = "model")]
pub use loom::sync::{Mutex, MutexGuard};
#[cfg(feature = "model")]
pub use modelled::Notify;

#[cfg(feature = "model")]
mod modelled {
    use loom::sync::{Condvar, Mutex};

    /// What tokio's does as far as the inbox needs it: one permit, which is kept when nobody waits.
    pub struct Notify {
        permit: Mutex<bool>,
        changed: Condvar,
    }

    impl Notify {
        pub fn new() -> Self {
            Self { permit: Mutex::new(false), changed: Condvar::new() }
        }

        pub fn notify_one(&self) {
            *self.permit.lock().unwrap() = true;
            self.changed.notify_one();
        }

        /// Blocks: a model has threads in place of tasks.
        pub async fn notified(&self) {
            let mut permit = self.permit.lock().unwrap();
            while !*permit {
                permit = self.changed.wait(permit).unwrap();
            }
            *permit = false;
        }
    }
}

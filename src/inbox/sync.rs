//! The locks of the inbox: those of the standard library and tokio, or those of the model checker loom (`make
//! model`).

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

    /// The part of tokio's `Notify` that the inbox needs: one permit, which is stored if nothing waits.
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

        /// Blocks: a model has threads instead of tasks.
        pub async fn notified(&self) {
            let mut permit = self.permit.lock().unwrap();
            while !*permit {
                permit = self.changed.wait(permit).unwrap();
            }
            *permit = false;
        }
    }
}

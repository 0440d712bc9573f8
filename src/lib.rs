//! The core of mezon-rs: frames, sockets, time and SQLite. Only `py` knows Python.

mod by_channel;
mod crowd;
pub mod crypto;
pub mod filter;
pub mod gateway;
pub mod inbox;
mod runtime;
pub mod store;
pub mod wire;

#[cfg(feature = "python")]
mod py;

//! The core of mezon-rs: frames, sockets, time and SQLite. Only `py` depends on Python.
//!
//! `gateway`, `inbox` and `store` do not depend on each other; `item` holds the types between them
//! (`tests/layers.rs`).

mod by_channel;
pub mod crypto;
pub mod filter;
pub mod gateway;
pub mod inbox;
pub mod item;
mod memory_budget;
pub mod recorder;
mod runtime;
mod state;
pub mod store;
pub mod wire;

#[cfg(feature = "python")]
mod py;

//! The plan-driven codec: protobuf bytes to Python objects and back, told by plans what to make of which field.

mod content;
pub(super) mod decode;
pub(super) mod encode;
mod instance;
pub(super) mod json;
pub(super) mod lazy;
pub(super) mod plan;
pub(super) mod senders;

//! The codec between protobuf bytes and Python objects, driven by plans.

pub(super) mod decode;
pub(super) mod encode;
mod instance;
pub(super) mod json;
pub(super) mod lazy;
pub(super) mod plan;
pub(super) mod senders;
pub(super) mod spec;

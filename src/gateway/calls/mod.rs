//! The calls: queued, sent, waited for, and the joins that are made again.

pub(super) mod call;
pub(super) mod joined;
pub(super) mod limiter;
pub(super) mod outbox;
pub(super) mod pending;

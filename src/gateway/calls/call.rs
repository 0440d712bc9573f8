//! A call on its way, and how it may end without an answer.

use bytes::Bytes;
use tokio::time::Instant;

/// Names a call between Python and the core; never used twice.
pub type CallId = u64;

/// The call of the joins the core itself makes after a reconnect.
pub(in crate::gateway) const INTERNAL: CallId = 0;

#[derive(Debug)]
pub struct Call {
    pub id: CallId,
    /// The envelope field it goes in.
    pub tag: u32,
    pub body: Bytes,
    pub deadline: Instant,
    /// How often the server has asked for patience with it.
    pub refused: u32,
}

/// Why a call gets no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No answer within the deadline, though it was sent.
    Timeout,
    /// Its turn did not come within the deadline: it was never sent.
    NotSent,
    /// The connection was lost after it was sent.
    DeliveryUnknown(String),
    /// The client was closed before it was sent.
    Closed(String),
    /// A raw API answer with a code other than 0.
    Refused { code: u16, message: String },
    /// A raw API answer longer than the bound.
    TooLong,
}

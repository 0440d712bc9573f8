//! The types that the parts of the core exchange: what the connection reports, and the interfaces that take it.
//!
//! The connection (`gateway`), the queue to Python (`inbox`) and the message cache (`store`) depend on this module and not
//! on each other. `tests/layers.rs` checks it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::state::State;
use crate::wire::{Body, Header, Parsed};

/// Identifies a call between Python and the core; never reused.
pub type CallId = u64;

/// Why a call gets no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The call was sent, but no answer arrived before the deadline.
    Timeout,
    /// The deadline passed before the call was sent.
    NotSent,
    /// The connection was lost after the call was sent.
    DeliveryUnknown(String),
    /// The client was closed before the call was sent.
    Closed(String),
    /// A raw API answer with a code other than 0.
    Refused { code: u16, message: String },
    /// A raw API answer longer than the maximum.
    TooLong,
}

/// A report to Python.
#[derive(Debug)]
pub enum Item {
    /// An event from the server: its tag in the envelope, its encoded body, and the parsed parts of a message.
    Event { tag: u32, body: Body, message: Option<Parsed> },
    /// The envelope that answers a call.
    Reply { call: CallId, tag: u32, body: Bytes },
    /// The complete raw API answer to a call.
    Raw { call: CallId, body: Bytes },
    /// A call that will get no answer.
    Failed { call: CallId, failure: Failure },
    /// The connection has entered a state.
    State { state: State, generation: u64, reason: String },
    /// The connection was lost and needs a new session: answer with `provide_session` or `refuse_session`.
    SessionWanted { generation: u64, attempt: u32 },
    /// A malformed frame: the number of such frames so far, and what is wrong with this one.
    Malformed { count: u64, reason: String },
    /// The connection is ready again. Times are seconds since the epoch.
    Reconnected { generation: u64, lost_at: f64, back_at: f64 },
    /// A record for the logger of the core; the level in the numbers of Python's `logging`.
    Log { level: u8, text: String },
}

impl Item {
    pub fn weight(&self) -> usize {
        match self {
            Self::Event { body, .. } => body.len() + OVERHEAD,
            _ => 0,
        }
    }

    /// Return whether the item is delivered in order with the events.
    pub fn keeps_event_order(&self) -> bool {
        matches!(self, Self::Event { .. } | Self::Reconnected { .. })
    }
}

/// The weight of an event in addition to its body.
const OVERHEAD: usize = 192;
/// The capacity of the inbox; the reader pauses above it.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    pub events: usize,
    pub bytes: usize,
}

/// Receives the reports of the connection. Implemented by the inbox.
pub trait ItemSink: Send + Sync {
    /// Append `items` in order and empty the vector. Returns true if the reader should pause.
    fn push_all(&self, items: &mut Vec<Item>) -> bool;
    /// Return whether the sink has reached its capacity.
    fn is_full(&self) -> bool;
    /// Return whether the sink holds twice its capacity.
    fn is_flooded(&self) -> bool;
    /// Resolve when a full sink has been drained to half its capacity.
    fn wait_space(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Append one item.
    fn push(&self, item: Item) {
        self.push_all(&mut vec![item]);
    }
}

/// Receives every message. Implemented by the store.
pub trait MessageSink: Send + Sync {
    /// Accept an encoded `mezon.api.ChannelMessage` and its parsed header. Must neither block nor fail.
    fn accept(&self, header: Header, body: Body);
    /// Accept a message that the bot has sent. It does not replace an existing one.
    fn accept_sent(&self, header: Header, body: Body);
    /// Return the number of bytes that are accepted but not committed.
    fn backlog(&self) -> usize;
}

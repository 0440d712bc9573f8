//! The types that the parts of the core exchange: what the connection reports, and the interfaces that take it.
//!
//! The connection (`gateway`), the queue to Python (`inbox`) and the message cache (`store`) depend on this module and not
//! on each other. `tests/layers.rs` checks it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::state::State;
use crate::wire::{Body, Header};

/// Identifies a call between Python and the core; never reused.
pub type CallId = u64;

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

/// Something the Python side has to know.
#[derive(Debug)]
pub enum Item {
    /// An event the server pushed: its tag in the envelope and its encoded body.
    Event { tag: u32, body: Body },
    /// The envelope that answers a call.
    Reply { call: CallId, tag: u32, body: Bytes },
    /// The raw API answer to a call, joined.
    Raw { call: CallId, body: Bytes },
    /// A call that will get no answer.
    Failed { call: CallId, failure: Failure },
    /// The connection went from one state to another.
    State { state: State, generation: u64, reason: String },
    /// The connection was lost and wants a new session: answer with `provide_session` or `refuse_session`.
    SessionWanted { generation: u64, attempt: u32 },
    /// Frames came that cannot be read: how many up to now, and what was wrong with this one.
    Malformed { count: u64, reason: String },
    /// The connection is back. Times are seconds since the epoch.
    Reconnected { generation: u64, lost_at: f64, back_at: f64 },
    /// Something for the logger of the core; the level in the numbers of Python's `logging`.
    Log { level: u8, text: String },
}

impl Item {
    pub fn weight(&self) -> usize {
        match self {
            Self::Event { body, .. } => body.len() + OVERHEAD,
            _ => 0,
        }
    }

    /// Keeps its place among the events.
    pub fn keeps_event_order(&self) -> bool {
        matches!(self, Self::Event { .. } | Self::Reconnected { .. })
    }
}

/// What an item costs beside its body.
const OVERHEAD: usize = 64;
/// How much the inbox holds before the reader pauses.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    pub events: usize,
    pub bytes: usize,
}

/// Takes what the connection reports. Implemented by the inbox.
pub trait ItemSink: Send + Sync {
    /// Appends `items` in order and empties the vector. Returns true when the reader should pause.
    fn push_all(&self, items: &mut Vec<Item>) -> bool;
    /// Whether the sink has reached its capacity.
    fn is_full(&self) -> bool;
    /// Whether the sink holds twice its capacity.
    fn is_flooded(&self) -> bool;
    /// Resolves when a full sink has been drained to half its capacity.
    fn wait_space(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Appends one item.
    fn push(&self, item: Item) {
        self.push_all(&mut vec![item]);
    }
}

/// Where received messages go beside the inbox: the store.
pub trait MessageSink: Send + Sync {
    /// Takes an encoded `mezon.api.ChannelMessage` and what it says at its head. Must neither block nor fail.
    fn accept(&self, header: Header, body: Body);
    /// Takes one the bot has sent: it takes the place of none that is there.
    fn accept_sent(&self, header: Header, body: Body);
    /// Bytes taken and not yet safe.
    fn backlog(&self) -> usize;
}

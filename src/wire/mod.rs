//! Frames to typed things and back, without I/O.
//!
//! A binary WebSocket message is either an `Envelope` (protobuf) or, when its first byte is 0xFF, a chunk of a raw
//! API answer (docs/protocol.md, "Raw API answers").

mod content;
mod envelope;
mod fields;
mod looks;
pub mod message;
mod peek;
pub mod proto;
mod raw;
pub mod schema;
mod sent;
pub mod tags;
pub mod varint;

pub use content::plain_text;
pub use envelope::{CID_MAX, encode_envelope};
pub use fields::{Fields, Malformed, Value};
pub use looks::{Looks, Seen, Shown};
pub use message::{Header, Span};
pub use peek::{Peek, peek};
pub use raw::{Chunk, RAW_MARK, Stream, StreamTooLong};
pub use sent::sent_message;

/// The encoded body of an event, which several hold: the bot, the store, the recent messages. It is one allocation with
/// the count beside the bytes, for they are held and let go on three threads.
pub type Body = std::sync::Arc<[u8]>;

/// What a binary frame is.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    Envelope(Peek),
    Chunk(Chunk),
}

/// Classifies a frame and reads its header; the body stays undecoded.
pub fn classify(frame: &[u8]) -> Result<Inbound, Malformed> {
    if frame.first() == Some(&RAW_MARK) {
        Chunk::parse(frame).map(Inbound::Chunk)
    } else {
        peek(frame).map(Inbound::Envelope)
    }
}

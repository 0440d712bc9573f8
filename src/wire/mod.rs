//! The wire format, without I/O.
//!
//! A binary WebSocket message is either an `Envelope` (protobuf) or, if its first byte is 0xFF, a chunk of a raw
//! API answer (docs/protocol.md, "Raw API answers").

mod envelope;
mod fields;
mod generated;
pub mod message;
mod profile;
mod raw;
pub mod schema;
mod sent;
mod unknown;
pub mod varint;

pub use envelope::{CID_MAX, Peek, encode_envelope, peek};
pub use fields::{Fields, Malformed, Span, Value};
pub use generated::{proto, tags};
pub use message::{Header, Parsed, plain_text};
pub use profile::{Profile, ProfileSpans, StoredProfile};
pub use raw::{Chunk, RAW_MARK, Stream, StreamTooLong};
pub use sent::sent_message;
pub use unknown::{UNKNOWN_FIELDS, UnknownField};

/// The encoded body of an event, shared by the bot, the store and the recent messages. One allocation with an
/// atomic count, because three threads hold and drop it.
pub type Body = std::sync::Arc<[u8]>;

/// The kind of a binary frame, with its header.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    Envelope(Peek),
    Chunk(Chunk),
}

/// Classify a frame and parse its header; the body stays encoded.
pub fn classify(frame: &[u8]) -> Result<Inbound, Malformed> {
    if frame.first() == Some(&RAW_MARK) {
        Chunk::parse(frame).map(Inbound::Chunk)
    } else {
        peek(frame).map(Inbound::Envelope)
    }
}

//! How envelopes travel: each transport frames calls, pings and answers in its own way.
//!
//! Another transport is one file with a [`Transport`] and a line in [`Connector`]. Tests put scripted ones in place.

mod abridged;
mod dial;
mod endpoint;
mod tcp;
mod tls;
mod websocket;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

pub use abridged::{Broken, Decoder};
pub use endpoint::{Endpoint, Secrets};
pub use tls::Trust;
#[cfg(test)]
pub use websocket::frame as websocket_frame;

use crate::wire::{Chunk, Malformed};
use tls::Tls;

/// The cid of the ping that goes with the handshake of a transport that pings_in_handshake.
pub const HANDSHAKE_PING: u16 = u16::MAX;

/// Something the peer said.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// An encoded envelope, without padding.
    Envelope(Bytes),
    /// A piece of a raw API answer.
    Chunk { chunk: Chunk, payload: Bytes },
    /// The answer to the ping of that cid, where pings are no envelopes.
    Pong(u16),
    /// The answer to the ping that went with the handshake.
    HandshakePong,
    /// It cannot be read, and the next one can.
    Malformed(Malformed),
    /// Proof of life and nothing else.
    Other,
}

impl Frame {
    /// Bytes of what it carries.
    pub fn weight(&self) -> usize {
        match self {
            Self::Envelope(bytes) | Self::Chunk { payload: bytes, .. } => bytes.len(),
            Self::Pong(_) | Self::HandshakePong | Self::Malformed(_) | Self::Other => 0,
        }
    }
}

/// Why there is no connection (any more).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The network, the server, or the transport itself.
    Broken,
    /// The server does not take the session: another transport would not help.
    Credential,
}

/// The connection ended: how, in words for a log. Never holds a URL, which carries the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub reason: String,
    pub cause: Cause,
}

impl Lost {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: Cause::Broken }
    }

    /// An HTTP status in place of an open connection.
    pub fn http(status: u16, reason: String) -> Self {
        Self { reason, cause: if status == 401 { Cause::Credential } else { Cause::Broken } }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// An open connection that carries envelopes both ways.
pub trait Transport: Send {
    /// The next thing the peer said.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>>;
    /// Bytes read since it was opened, those of frames that are not whole yet as well.
    fn bytes_read(&self) -> u64;
    /// Ready when `send` or `ping` may be called.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>>;
    /// Queues `Envelope { cid, <tag>: body }`; `poll_flush` writes it out. Gives the bytes of the frame.
    fn send(&mut self, cid: u16, tag: u32, body: &[u8]) -> Result<usize, Lost>;
    /// Queues a ping, the same way.
    fn ping(&mut self, cid: u16) -> Result<usize, Lost>;
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>>;
    /// Says good-bye and waits for the peer's.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    WebSocket = 1,
    Tcp,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Tcp => "tcp",
        }
    }

    /// Does a ping go with its handshake, of the cid [`HANDSHAKE_PING`]?
    pub fn pings_in_handshake(self) -> bool {
        self == Self::Tcp
    }

    pub(super) fn from_u8(value: u8) -> Option<Self> {
        [Self::WebSocket, Self::Tcp].into_iter().find(|kind| *kind as u8 == value)
    }
}

pub type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Transport>, Lost>> + Send>>;

/// Opens connections.
pub trait Connect: Send + Sync {
    fn connect(&self, endpoint: &Endpoint) -> Connecting;
}

/// The transports of the real world. The environment's proxy variables are not read, as aiohttp with its defaults does.
pub struct Connector {
    tls: Arc<Tls>,
    max_frame: usize,
}

impl Connector {
    /// `max_frame` is the largest message taken from the peer, in bytes.
    pub fn new(trust: Trust, max_frame: usize) -> Self {
        Self { tls: Arc::new(Tls::new(trust)), max_frame }
    }
}

impl Connect for Connector {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        let (endpoint, tls, max_frame) = (endpoint.clone(), self.tls.clone(), self.max_frame);
        Box::pin(async move {
            let stream = dial::dial(&endpoint, &tls).await?;
            match endpoint.kind {
                Kind::WebSocket => websocket::open(&endpoint, stream, max_frame).await,
                Kind::Tcp => tcp::open(&endpoint, stream, max_frame).await,
            }
        })
    }
}

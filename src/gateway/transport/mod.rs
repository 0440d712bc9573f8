//! The transports of envelopes: each frames calls, pings and answers in its own way.
//!
//! A new transport is one file with a [`Transport`] and a line in [`Connector`]. Tests use scripted ones.

mod abridged;
mod dial;
mod endpoint;
mod recorded;
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
pub(super) use recorded::record;
pub use tls::Trust;
#[cfg(test)]
pub use websocket::frame as websocket_frame;

use crate::wire::{Chunk, Malformed};
use tls::Tls;

/// The cid of the ping in the handshake of a transport that sends one.
pub const HANDSHAKE_PING: u16 = u16::MAX;

/// A frame from the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// An encoded envelope, without padding.
    Envelope(Bytes),
    /// A chunk of a raw API answer.
    Chunk { chunk: Chunk, payload: Bytes },
    /// The answer to the ping of this cid, where pings are not envelopes.
    Pong(u16),
    /// The answer to the ping in the handshake.
    HandshakePong,
    /// A malformed frame; the next one can be read.
    Malformed(Malformed),
    /// A sign of life without content.
    Other,
}

impl Frame {
    /// Return the size of the content in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Envelope(bytes) | Self::Chunk { payload: bytes, .. } => bytes.len(),
            Self::Pong(_) | Self::HandshakePong | Self::Malformed(_) | Self::Other => 0,
        }
    }
}

/// The cause of a lost connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The network, the server, or the transport itself.
    Broken,
    /// The server has rejected the session: another transport would not help.
    Credential,
}

/// A lost or failed connection. The reason is a text for the log and contains no URL, which would reveal the
/// token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub reason: String,
    pub cause: Cause,
}

impl Lost {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: Cause::Broken }
    }

    /// Create the error for an HTTP status instead of an open connection.
    pub fn http(status: u16, reason: String) -> Self {
        Self { reason, cause: if status == 401 { Cause::Credential } else { Cause::Broken } }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// An open connection that carries envelopes in both directions.
pub trait Transport: Send {
    /// Receive the next frame.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>>;
    /// Return the number of bytes read since the connection was opened, incomplete frames included.
    fn bytes_read(&self) -> u64;
    /// Ready when `send` or `ping` may be called.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>>;
    /// Queue `Envelope { cid, <tag>: body }` for `poll_flush`. Returns the size of the frame in bytes.
    fn send(&mut self, cid: u16, tag: u32, body: &[u8]) -> Result<usize, Lost>;
    /// Queue a ping. Returns the size of the frame in bytes.
    fn ping(&mut self, cid: u16) -> Result<usize, Lost>;
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>>;
    /// Close the connection and wait for the peer to close it.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// The transport of an endpoint.
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

    /// Return whether the handshake includes a ping with the cid [`HANDSHAKE_PING`].
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

/// The connector over the network. Ignores the environment's proxy variables, as aiohttp does by default.
pub struct Connector {
    tls: Arc<Tls>,
    max_frame: usize,
}

impl Connector {
    /// Create a connector; `max_frame` is the maximum size of a received message in bytes.
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

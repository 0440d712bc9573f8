//! What the session task needs of a connection. Tests put scripted ones in its place.

mod handshake;
mod tls;
mod websocket;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

pub use tls::Trust;
pub use websocket::WebSocketConnector;

/// One message from the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Binary(Bytes),
    /// Text, ping and pong: proof of life and nothing else.
    Other,
}

/// The connection ended: how, in words for a log. Never holds a URL, which carries the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost(pub String);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An open connection that carries messages both ways.
pub trait Transport: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>>;
    /// Ready when `send` may be called.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>>;
    /// Queues a binary message; `poll_flush` writes it out.
    fn send(&mut self, frame: Bytes) -> Result<(), Lost>;
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>>;
    /// Says good-bye and waits for the peer's.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

pub type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Transport>, Lost>> + Send>>;

/// Opens connections.
pub trait Connect: Send + Sync {
    fn connect(&self, url: &str) -> Connecting;
}

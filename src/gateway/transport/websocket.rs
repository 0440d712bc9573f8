//! Envelopes as binary messages of a WebSocket: tokio-tungstenite over TCP or rustls.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::handshake::handshake;
use super::stream::Stream;
use super::{Endpoint, Frame, Lost, Transport};
use crate::wire::tags::envelope::PING;
use crate::wire::{Chunk, RAW_MARK, encode_envelope};

/// How much is read at once. tungstenite clears that much before every read, also before the one that finds nothing:
/// with its own 128 KiB that was an eighth of what this thread did at a quiet hour. And what is cleared is held, by each
/// connection of a process: at a burst 16 KiB are a hundred messages for one system call.
const READ_BUFFER: usize = 16 << 10;

pub async fn open(endpoint: &Endpoint, stream: Stream, max_frame: usize) -> Result<Box<dyn Transport>, Lost> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(max_frame))
        .max_frame_size(Some(max_frame));
    Ok(Box::new(WebSocket(handshake(endpoint.uri.clone(), stream, config).await?)))
}

struct WebSocket(WebSocketStream<Stream>);

/// What a binary message is: an envelope or, when its first byte says so, a chunk of a raw answer.
pub fn frame(message: Bytes) -> Frame {
    if message.first() != Some(&RAW_MARK) {
        return Frame::Envelope(message);
    }
    match Chunk::parse(&message) {
        Ok(chunk) => {
            let payload = message.slice(message.len() - chunk.payload(&message).len()..);
            Frame::Chunk { chunk, payload }
        }
        Err(why) => Frame::Malformed(why),
    }
}

impl Transport for WebSocket {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        let message = ready!(Pin::new(&mut self.0).poll_next(cx));
        if let Some(Ok(Message::Close(_))) = message {
            // Our good-bye lies ready: it goes out if the socket takes it now.
            let _ = Pin::new(&mut self.0).poll_flush(cx);
        }
        Poll::Ready(match message {
            Some(Ok(Message::Binary(bytes))) => Ok(frame(bytes)),
            Some(Ok(Message::Close(Some(frame)))) => Err(Lost::new(format!(
                "the server closed the connection with code {}",
                u16::from(frame.code)
            ))),
            Some(Ok(Message::Close(None))) | None => Err(Lost::new("the server closed the connection")),
            Some(Ok(_)) => Ok(Frame::Other),
            Some(Err(why)) => Err(lost(&why)),
        })
    }

    fn bytes_read(&self) -> u64 {
        self.0.get_ref().bytes_read()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        Pin::new(&mut self.0).poll_ready(cx).map_err(|why| lost(&why))
    }

    fn send(&mut self, cid: u16, tag: u32, body: &[u8]) -> Result<usize, Lost> {
        let frame = encode_envelope(cid, tag, body);
        let length = frame.len();
        Pin::new(&mut self.0).start_send(Message::Binary(frame)).map_err(|why| lost(&why))?;
        Ok(length)
    }

    fn ping(&mut self, cid: u16) -> Result<usize, Lost> {
        self.send(cid, PING, &[])
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        Pin::new(&mut self.0).poll_flush(cx).map_err(|why| lost(&why))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut socket = Pin::new(&mut self.0);
        if ready!(socket.as_mut().poll_close(cx)).is_err() {
            return Poll::Ready(());
        }
        // Closing a socket with something unread in it resets the connection, and our last frames with it.
        while let Some(Ok(_)) = ready!(socket.as_mut().poll_next(cx)) {}
        Poll::Ready(())
    }
}

fn lost(why: &Error) -> Lost {
    Lost::new(format!("the connection broke: {}", describe(why)))
}

/// The error in words; an HTTP response or a URL in it stays out.
pub(super) fn describe(why: &Error) -> String {
    match why {
        Error::Http(response) => format!("HTTP {}", response.status()),
        Error::Url(_) => "the socket URL is not usable".into(),
        other => other.to_string(),
    }
}

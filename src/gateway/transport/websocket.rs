//! Envelopes as binary messages of a WebSocket: tokio-tungstenite over TCP or rustls.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Response, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri, header};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::dial::Stream;
use super::{Endpoint, Frame, Lost, Transport};
use crate::wire::tags::envelope::PING;
use crate::wire::{Chunk, RAW_MARK, encode_envelope};

/// The size of the read buffer. tungstenite clears the buffer before every read, even if there is nothing to read:
/// with its default of 128 KiB that took an eighth of the CPU time of an idle I/O thread. The buffer also stays
/// allocated for each connection of the process; in a burst 16 KiB are a hundred messages per system call.
const READ_BUFFER: usize = 16 << 10;

pub async fn open(endpoint: &Endpoint, stream: Stream, max_frame: usize) -> Result<Box<dyn Transport>, Lost> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(max_frame))
        .max_frame_size(Some(max_frame));
    Ok(Box::new(WebSocket(handshake(endpoint.uri.clone(), stream, config).await?)))
}

struct WebSocket(WebSocketStream<Stream>);

/// Classify a binary message: an envelope or, by its first byte, a chunk of a raw answer.
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
            // Our close frame is queued: it is sent if the socket accepts it now.
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
        // Closing a socket with unread data resets the connection and discards our last frames.
        while let Some(Ok(_)) = ready!(socket.as_mut().poll_next(cx)) {}
        Poll::Ready(())
    }
}

fn lost(why: &Error) -> Lost {
    Lost::new(format!("the connection broke: {}", describe(why)))
}

/// Return the error's message without the HTTP response or URL that it may contain.
fn describe(why: &Error) -> String {
    match why {
        Error::Http(response) => format!("HTTP {}", response.status()),
        Error::Url(_) => "the socket URL is not usable".into(),
        other => other.to_string(),
    }
}

/// The maximum size of the response's head.
const HEAD_MAX: usize = 16 << 10;
const PROTOCOL: HeaderValue = HeaderValue::from_static("protobuf");

/// Request a WebSocket on an open stream.
///
/// More lenient than tungstenite, as browsers and Python are: tungstenite rejects a server that does not select
/// the offered subprotocol, and a proxy that answers `Connection: keep-alive, Upgrade`.
async fn handshake<S>(uri: Uri, mut stream: S, config: WebSocketConfig) -> Result<WebSocketStream<S>, Lost>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = uri.into_client_request().map_err(|_| unusable())?;
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    let (bytes, key) = generate_request(request).map_err(|_| unusable())?;
    stream.write_all(&bytes).await.map_err(|why| failed(&why))?;
    stream.flush().await.map_err(|why| failed(&why))?;
    let mut head = Vec::with_capacity(1024);
    let (length, response) = loop {
        if stream.read_buf(&mut head).await.map_err(|why| failed(&why))? == 0 {
            return Err(failed(&"the server closed the connection"));
        }
        if let Some(found) = Response::try_parse(&head).map_err(|why| failed(&describe(&why)))? {
            break found;
        }
        if head.len() > HEAD_MAX {
            return Err(failed(&"the response's head is too long"));
        }
    };
    verify(&response, &key)?;
    let rest = head.split_off(length);
    Ok(WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await)
}

fn verify(response: &Response, key: &str) -> Result<(), Lost> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let status = response.status();
        let reason = format!("the server answered the WebSocket handshake with HTTP {status}");
        return Err(Lost::http(status.as_u16(), reason));
    }
    let has = |name, wanted: &str| {
        let values = response.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(wanted))
    };
    if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
        return Err(failed(&"the server did not switch to WebSocket"));
    }
    let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(failed(&"the server answered with a wrong key"));
    }
    // None was offered: a server that uses one nevertheless (permessage-deflate) sends unreadable frames.
    if response.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(failed(&"the server wants an extension that was not offered"));
    }
    // Selecting no subprotocol is valid, selecting a different one is not.
    match response.headers().get(header::SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) if *chosen != PROTOCOL => Err(failed(&"the server wants another subprotocol")),
        _ => Ok(()),
    }
}

fn unusable() -> Lost {
    Lost::new("the socket URL is not usable")
}

fn failed(why: &dyn std::fmt::Display) -> Lost {
    Lost::new(format!("the WebSocket handshake failed: {why}"))
}

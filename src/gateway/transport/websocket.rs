//! The transport of the real world: tokio-tungstenite over TCP or rustls.
//!
//! There is no proxy support: like aiohttp with its defaults, the environment's proxy variables are not read.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::handshake::handshake;
use super::tls::{self, Trust};
use super::{Connect, Connecting, Frame, Lost, Transport};

/// How much is read at once. tungstenite clears that much before every read, also before the one that finds nothing:
/// with its own 128 KiB that was an eighth of what this thread did at a quiet hour.
const READ_BUFFER: usize = 32 << 10;

/// Opens WebSockets.
pub struct WebSocketConnector {
    trust: Trust,
    max_frame: usize,
    /// Made at the first wss connection: reading the system's certificates takes milliseconds.
    tls: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl WebSocketConnector {
    pub fn new(trust: Trust, max_frame: usize) -> Self {
        Self { trust, max_frame, tls: Arc::default() }
    }
}

impl Connect for WebSocketConnector {
    fn connect(&self, url: &str) -> Connecting {
        let url = url.to_owned();
        let (trust, max_frame, tls) = (self.trust.clone(), self.max_frame, self.tls.clone());
        Box::pin(async move {
            // The parser's error quotes nothing, but the URL must not leak by a later version either.
            let uri: Uri = url.parse().map_err(|_| Lost("the socket URL is not a URL".into()))?;
            let host = uri.host().ok_or_else(|| Lost("the socket URL names no host".into()))?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let secure = match uri.scheme_str() {
                Some("wss") => true,
                Some("ws") => false,
                _ => return Err(Lost("the socket URL must begin with wss:// or ws://".into())),
            };
            let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
            let stream = TcpStream::connect((host.as_str(), port))
                .await
                .map_err(|why| Lost(format!("cannot connect to {host}:{port}: {why}")))?;
            stream.set_nodelay(true).map_err(|why| Lost(why.to_string()))?;
            if !secure {
                return open(uri, stream, max_frame).await;
            }
            let config = tls.get_or_init(|| tls::client_config(&trust)).clone().map_err(Lost)?;
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Lost(format!("{host} is not a name a certificate can be checked for")))?;
            let stream = TlsConnector::from(config)
                .connect(name, stream)
                .await
                .map_err(|why| Lost(tls::failed(&format!("{host}:{port}"), &why)))?;
            open(uri, stream, max_frame).await
        })
    }
}

async fn open<S>(uri: Uri, stream: S, max_frame: usize) -> Result<Box<dyn Transport>, Lost>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(max_frame))
        .max_frame_size(Some(max_frame));
    Ok(Box::new(WebSocket(handshake(uri, stream, config).await?)))
}

struct WebSocket<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for WebSocket<S> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        Pin::new(&mut self.0).poll_next(cx).map(|message| match message {
            Some(Ok(Message::Binary(bytes))) => Ok(Frame::Binary(bytes)),
            Some(Ok(Message::Close(Some(frame)))) => {
                Err(Lost(format!("the server closed the connection with code {}", u16::from(frame.code))))
            }
            Some(Ok(Message::Close(None))) | None => Err(Lost("the server closed the connection".into())),
            Some(Ok(_)) => Ok(Frame::Other),
            Some(Err(why)) => Err(lost(&why)),
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        Pin::new(&mut self.0).poll_ready(cx).map_err(|why| lost(&why))
    }

    fn send(&mut self, frame: Bytes) -> Result<(), Lost> {
        Pin::new(&mut self.0).start_send(Message::Binary(frame)).map_err(|why| lost(&why))
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
    Lost(format!("the connection broke: {}", describe(why)))
}

/// The error in words; an HTTP response or a URL in it stays out.
pub(super) fn describe(why: &Error) -> String {
    match why {
        Error::Http(response) => format!("HTTP {}", response.status()),
        Error::Url(_) => "the socket URL is not usable".into(),
        other => other.to_string(),
    }
}

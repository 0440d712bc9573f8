//! The WebSocket handshake of the client, as lenient as browsers and Python are.
//!
//! tungstenite's own refuses a server that does not choose the subprotocol it was offered, and one whose proxy answers
//! `Connection: keep-alive, Upgrade`. The rest is tungstenite's.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Response, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri, header};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Lost;
use super::websocket::describe;

/// No server's answer is longer.
const HEAD_MAX: usize = 16 << 10;
const PROTOCOL: HeaderValue = HeaderValue::from_static("protobuf");

/// Asks for a WebSocket on an open stream.
pub(super) async fn handshake<S>(
    uri: Uri,
    mut stream: S,
    config: WebSocketConfig,
) -> Result<WebSocketStream<S>, Lost>
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
            return Err(failed(&"the answer has no end"));
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
    // None was offered: whoever uses one all the same (permessage-deflate) sends what cannot be read.
    if response.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(failed(&"the server wants an extension that was not offered"));
    }
    // None chosen is fine, another one than ours is not.
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

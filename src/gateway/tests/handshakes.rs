//! Failed handshakes: each error gives its reason and never contains the token.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::super::{Options, State};
use super::bot::{MS, SEC, quick};
use super::sockets::{Peer, bot, patient, request_key, switching};

/// Return the reason of a failed first connect; the peer runs `answer`.
async fn refused<F: Future<Output = ()>>(scheme: &str, answer: impl FnOnce(TcpStream) -> F) -> String {
    let peer = Peer::new().await;
    let mut bot = bot(Options { connect_timeout: SEC, ..quick() });
    bot.connect(&peer.url(scheme)).unwrap();
    let (reason, ()) = tokio::join!(bot.until(State::Closed), async { answer(peer.accept().await).await });
    assert!(!reason.contains("secret"), "{reason}");
    bot.finish().await;
    reason
}

#[tokio::test]
async fn a_port_nobody_listens_on() {
    let peer = Peer::new().await;
    let url = peer.url("ws");
    drop(peer);
    let mut bot = bot(patient());
    bot.connect(&url).unwrap();
    let reason = bot.until(State::Closed).await;
    assert!(reason.starts_with("cannot connect to 127.0.0.1:"), "{reason}");
    bot.finish().await;
}

#[tokio::test]
async fn urls_that_are_none() {
    for url in ["", "no url?token=secret", "http://127.0.0.1/?token=secret", "ws:///ws?token=secret"] {
        let mut bot = bot(patient());
        bot.connect(url).unwrap();
        let reason = bot.until(State::Closed).await;
        assert!(reason.starts_with("the socket URL") && !reason.contains("secret"), "{reason}");
        bot.finish().await;
    }
}

#[tokio::test]
async fn handshakes_that_fail() {
    let hangs = refused("ws", |stream| async move {
        sleep(2 * SEC).await;
        drop(stream);
    });
    let tls_hangs = refused("wss", |stream| async move {
        sleep(2 * SEC).await;
        drop(stream);
    });
    let tls_cut = refused("wss", |mut stream| async move {
        stream.read_u8().await.unwrap();
    });
    let tls_half = refused("wss", |mut stream| async move {
        stream.read_u8().await.unwrap();
        // The header of a ServerHello without its body.
        stream.write_all(&[0x16, 3, 3, 0, 90, 2]).await.unwrap();
    });
    let tls_garbage = refused("wss", |mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.read_u8().await.unwrap();
    });
    let cut = refused("ws", |mut stream| async move {
        request_key(&mut stream).await;
        stream.write_all(b"HTTP/1.1 101 Swit").await.unwrap();
    });
    let full = refused("ws", |mut stream| async move {
        request_key(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n").await;
    });
    let no_switch = refused("ws", |mut stream| async move {
        let key = request_key(&mut stream).await;
        let answer = switching(&key, "").replace("Connection: keep-alive, Upgrade\r\n", "");
        let _ = stream.write_all(answer.as_bytes()).await;
    });
    let wrong_key = refused("ws", |mut stream| async move {
        request_key(&mut stream).await;
        let _ = stream.write_all(switching("another", "").as_bytes()).await;
    });
    let wrong_protocol = refused("ws", |mut stream| async move {
        let key = request_key(&mut stream).await;
        let _ = stream.write_all(switching(&key, "Sec-WebSocket-Protocol: json\r\n").as_bytes()).await;
    });
    // No extension was offered, and compressed frames are unreadable.
    let deflates = refused("ws", |mut stream| async move {
        let key = request_key(&mut stream).await;
        let more = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        let _ = stream.write_all(switching(&key, more).as_bytes()).await;
    });
    let endless = refused("ws", |mut stream| async move {
        request_key(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 101 OK\r\nX: ").await;
        while stream.write_all(&[b'x'; 1000]).await.is_ok() {
            sleep(MS).await;
        }
    });
    let garbage = refused("ws", |mut stream| async move {
        request_key(&mut stream).await;
        let _ = stream.write_all(b"\x00\x01\x02 garbage\r\n\r\n").await;
    });
    let in_time = async { tokio::join!(hangs, tls_hangs) };
    let ((hangs, tls_hangs), tls_cut, tls_half, tls_garbage) =
        tokio::join!(in_time, tls_cut, tls_half, tls_garbage);
    assert_eq!(
        (hangs.as_str(), tls_hangs.as_str()),
        ("no connection within 1 s", "no connection within 1 s")
    );
    for reason in [tls_cut, tls_half, tls_garbage] {
        assert!(reason.starts_with("the TLS handshake with 127.0.0.1:"), "{reason}");
    }
    let deflates = deflates.await;
    assert!(deflates.ends_with("an extension that was not offered"), "{deflates}");
    let reasons = tokio::join!(cut, full, no_switch, wrong_key, wrong_protocol, endless, garbage);
    assert!(reasons.0.ends_with("failed: the server closed the connection"), "{}", reasons.0);
    assert!(reasons.1.ends_with("HTTP 503 Service Unavailable"), "{}", reasons.1);
    assert!(reasons.2.ends_with("did not switch to WebSocket"), "{}", reasons.2);
    assert!(reasons.3.ends_with("a wrong key"), "{}", reasons.3);
    assert!(reasons.4.ends_with("another subprotocol"), "{}", reasons.4);
    assert!(reasons.5.ends_with("the response's head is too long"), "{}", reasons.5);
    assert!(reasons.6.starts_with("the WebSocket handshake failed: "), "{}", reasons.6);
}

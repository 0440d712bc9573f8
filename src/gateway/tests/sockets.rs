//! The real WebSocket over loopback TCP against a misbehaving peer.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};

use super::super::{Connector, Failure, Options, State};
use super::bot::{Bot, MS, Outcome, SEC, TYPING, quick};
use crate::wire::encode_envelope;
use crate::wire::tags::envelope::PING;

/// Options with short timeouts. No test depends on the speed of the machine.
fn short_timeouts() -> Options {
    Options {
        connect_timeout: 500 * MS,
        heartbeat_interval: 200 * MS,
        heartbeat_timeout: 200 * MS,
        rate_limit: 0,
        ..quick()
    }
}

pub fn patient() -> Options {
    Options { connect_timeout: 60 * SEC, rate_limit: 0, ..quick() }
}

pub fn bot(options: Options) -> Bot {
    bot_with(options, 1 << 20)
}

pub fn bot_with(options: Options, max_frame: usize) -> Bot {
    let connector = Connector::new(Options::default().trust(), max_frame);
    Bot::on(options, Box::new(connector))
}

pub struct Peer(TcpListener);

impl Peer {
    pub async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/ws?token=secret", self.0.local_addr().unwrap())
    }

    pub async fn accept(&self) -> TcpStream {
        timeout(60 * SEC, self.0.accept()).await.expect("the client connects").unwrap().0
    }

    /// Accept a WebSocket whose client has sent its first ping.
    async fn websocket(&self) -> WebSocketStream<TcpStream> {
        let mut socket = tokio_tungstenite::accept_async(self.accept().await).await.unwrap();
        let ping = timeout(60 * SEC, socket.next()).await.expect("a ping comes at once").unwrap().unwrap();
        let Message::Binary(ping) = ping else { panic!("{ping:?}") };
        assert_eq!(crate::wire::peek(&ping).unwrap().tag, PING);
        socket
    }

    /// Bring a client to ready and return the raw stream behind its WebSocket.
    pub async fn raw(&self, bot: &mut Bot) -> TcpStream {
        bot.connect(&self.url("ws")).unwrap();
        let mut stream = self.accept().await;
        let key = request_key(&mut stream).await;
        stream.write_all(switching(&key, "").as_bytes()).await.unwrap();
        bot.until(State::Ready).await;
        // The first ping: a header of two bytes, a mask of four, an envelope.
        let length = 6 + encode_envelope(u16::MAX, PING, &[]).len();
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        stream
    }
}

/// Read the client's request and return its key.
pub async fn request_key(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    let request = String::from_utf8(request).unwrap();
    assert!(request.contains("Sec-WebSocket-Protocol: protobuf\r\n"), "{request}");
    let line = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    line.expect("a key").to_owned()
}

pub fn switching(key: &str, more: &str) -> String {
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// Return a WebSocket frame as servers send it.
fn frame(payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[0x82, payload.len() as u8][..], payload].concat()
}

fn typing() -> Vec<u8> {
    encode_envelope(0, TYPING, &[0x10, 5]).to_vec()
}

#[tokio::test]
async fn a_server_may_choose_the_subprotocol_or_none() {
    for chosen in ["", "Sec-WebSocket-Protocol: protobuf\r\n"] {
        let peer = Peer::new().await;
        let mut bot = bot(patient());
        bot.connect(&peer.url("ws")).unwrap();
        let mut stream = peer.accept().await;
        let key = request_key(&mut stream).await;
        // The first frame may arrive in the same packet as the response.
        let answer = [switching(&key, chosen).into_bytes(), frame(&typing())].concat();
        stream.write_all(&answer).await.unwrap();
        bot.until(State::Ready).await;
        while bot.events.is_empty() {
            bot.next().await;
        }
        drop(stream);
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_peer_that_speaks_byte_by_byte_is_understood() {
    let peer = Peer::new().await;
    let mut bot = bot(patient());
    bot.connect(&peer.url("ws")).unwrap();
    let slow = async {
        let mut stream = peer.accept().await;
        stream.set_nodelay(true).unwrap();
        let key = request_key(&mut stream).await;
        let all = [switching(&key, "").into_bytes(), frame(&typing()), frame(&typing())].concat();
        for byte in all {
            stream.write_all(&[byte]).await.unwrap();
            sleep(MS).await;
        }
        stream
    };
    let listening = async {
        while bot.events.len() < 2 {
            bot.next().await;
        }
    };
    let (stream, ()) = tokio::join!(slow, listening);
    drop(stream);
    bot.finish().await;
}

#[tokio::test]
async fn a_frame_that_never_ends_is_no_sign_of_life() {
    let peer = Peer::new().await;
    let mut bot = bot(short_timeouts());
    let mut stream = peer.raw(&mut bot).await;
    let (mut reader, mut writer) = stream.split();
    let dripping = async {
        // A frame of 100,000 bytes that arrives one byte at a time.
        let _ = writer.write_all(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0x86, 0xA0]).await;
        while writer.write_all(&[0]).await.is_ok() {
            sleep(20 * MS).await;
        }
    };
    let mut sink = Vec::new();
    let peer = async {
        let _ = tokio::join!(dripping, reader.read_to_end(&mut sink));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        reason = bot.until(State::Backoff) => assert!(reason.contains("no frame came"), "{reason}"),
        () = peer => unreachable!(),
    }
    bot.finish().await;
}

#[tokio::test]
async fn a_cut_in_the_middle_of_a_frame_is_a_loss() {
    let peer = Peer::new().await;
    let mut bot = bot(patient());
    let mut stream = peer.raw(&mut bot).await;
    let call = bot.send(60 * SEC);
    stream.read_u8().await.unwrap();
    let whole = frame(&typing());
    stream.write_all(&whole).await.unwrap();
    stream.write_all(&whole[..whole.len() - 1]).await.unwrap();
    drop(stream);
    let reason = bot.until(State::Backoff).await;
    assert!(reason.starts_with("the connection broke: "), "{reason}");
    bot.look();
    assert_eq!(bot.events.len(), 1);
    assert!(matches!(bot.failure(call), Some(Failure::DeliveryUnknown(_))));
    bot.finish().await;
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_while_much_waits_to_be_written() {
    let peer = Peer::new().await;
    let mut bot = bot(short_timeouts());
    // The peer's machine has disappeared: nothing reads, answers or resets.
    let stream = peer.raw(&mut bot).await;
    for _ in 0..600 {
        let body = bytes::Bytes::from(vec![0; 64 << 10]);
        bot.gateway.call(super::bot::SEND, body, 60 * SEC).unwrap();
    }
    let mut failed = 0;
    let reason = loop {
        // The bodies of these calls do not decode; the bot does not track them, so count them here.
        let mut items = Vec::new();
        bot.inbox.drain(256, &mut items);
        let mut lost = None;
        for item in items {
            match item {
                crate::item::Item::Failed { .. } => failed += 1,
                crate::item::Item::State { state: State::Backoff, reason, .. } => lost = Some(reason),
                _ => {}
            }
        }
        if let Some(reason) = lost {
            break reason;
        }
        sleep(MS).await;
    };
    assert!(reason.contains("no frame came"), "{reason}");
    assert!(failed > 0 && failed < 600, "{failed} were sent; the others wait");
    drop(stream);
    assert!(bot.gateway.close());
    while bot.gateway.state() != State::Closed {
        sleep(MS).await;
    }
    assert_eq!(bot.stat("pending"), 0);
}

#[tokio::test]
async fn close_codes_are_losses_like_others() {
    let peer = Peer::new().await;
    let mut bot = bot(patient());
    bot.connect(&peer.url("ws")).unwrap();
    for code in [4006, 4014, 1001, 1008] {
        let mut socket = peer.websocket().await;
        bot.until(State::Ready).await;
        let frame = CloseFrame { code: CloseCode::from(code), reason: "bye".into() };
        socket.send(Message::Close(Some(frame))).await.unwrap();
        let reason = bot.until(State::Backoff).await;
        assert_eq!(reason, format!("the server closed the connection with code {code}"));
        let generation = bot.asked().await;
        bot.gateway.provide_session(generation, vec![peer.url("ws")]);
    }
    let socket = peer.websocket().await;
    bot.until(State::Ready).await;
    drop(socket);
    bot.until(State::Backoff).await;
    bot.finish().await;
}

#[tokio::test]
async fn a_message_beyond_the_bound_is_a_loss_and_one_below_is_not() {
    let peer = Peer::new().await;
    let mut bot = bot(patient());
    bot.connect(&peer.url("ws")).unwrap();
    let mut socket = peer.websocket().await;
    bot.until(State::Ready).await;
    let big = |size| Message::Binary(encode_envelope(0, TYPING, &encode_envelope(0, 4, &vec![b'x'; size])));
    socket.send(big(1_000_000)).await.unwrap();
    while bot.events.is_empty() {
        bot.next().await;
    }
    assert_eq!(bot.state(), State::Ready);
    let _ = socket.send(big(1_100_000)).await;
    let reason = bot.until(State::Backoff).await;
    assert!(reason.starts_with("the connection broke: "), "{reason}");
    bot.finish().await;
}

#[tokio::test]
async fn at_close_the_goodbye_is_said_and_waited_for() {
    let peer = Peer::new().await;
    let mut bot = bot(patient());
    bot.connect(&peer.url("ws")).unwrap();
    let mut socket = peer.websocket().await;
    bot.until(State::Ready).await;
    let call = bot.send(60 * SEC);
    bot.pass(20 * MS).await;
    // Unread frames: a client that only closed its socket would reset the connection.
    for _ in 0..100 {
        socket.feed(Message::Binary(typing().into())).await.unwrap();
    }
    bot.gateway.close();
    socket.flush().await.unwrap();
    let mut frames = Vec::new();
    while let Some(message) = socket.next().await {
        frames.push(message.expect("no reset"));
    }
    assert!(matches!(frames[..], [Message::Binary(_), Message::Close(_)]), "{frames:?}");
    bot.until(State::Closed).await;
    assert!(matches!(bot.outcome(call), Some(Outcome::Failed(Failure::DeliveryUnknown(_)))));
    bot.finish().await;
}

#[tokio::test]
async fn pings_of_the_websocket_are_answered_and_text_is_ignored() {
    let peer = Peer::new().await;
    let mut bot = bot(patient());
    bot.connect(&peer.url("ws")).unwrap();
    let mut socket = peer.websocket().await;
    bot.until(State::Ready).await;
    socket.send(Message::text("hello")).await.unwrap();
    socket.send(Message::Ping(vec![1, 2].into())).await.unwrap();
    let pong = async { socket.next().await.unwrap().unwrap() };
    let pong = timeout(Duration::from_secs(60), pong).await.expect("a pong comes");
    assert_eq!(pong, Message::Pong(vec![1, 2].into()));
    assert_eq!((bot.stat("malformed"), bot.stat("frames_received")), (0, 0));
    drop(socket);
    bot.finish().await;
}

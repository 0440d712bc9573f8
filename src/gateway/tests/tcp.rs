//! Abridged TCP over loopback against a misbehaving peer.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::super::{Connector, Failure, Options, State};
use super::bot::{API, Bot, MESSAGE, MS, Outcome, SEC, SEND, quick};
use crate::wire::proto::realtime::ApiRequestEvent;
use crate::wire::tags::envelope::{CHANNEL_MESSAGE_ACK, PING, PONG};
use crate::wire::{encode_envelope, peek};

/// The ping in the handshake.
const HANDSHAKE_PING: [u8; 3] = [0, 0xFF, 0xFF];

fn bot(options: Options) -> Bot {
    let connector = Connector::new(Options::default().trust(), 1 << 20);
    let options = Options { rate_limit: 0, ..options };
    Bot::on(options, Box::new(connector))
}

struct Peer(TcpListener);

impl Peer {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> String {
        format!("tcp://{}?token=tok%2Ben", self.0.local_addr().unwrap())
    }

    /// Accept the handshake only.
    async fn accept(&self) -> Stream {
        let mut stream = timeout(60 * SEC, self.0.accept()).await.expect("the client connects").unwrap().0;
        stream.set_nodelay(true).unwrap();
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head, [0xEF, 2], "two words of token");
        let mut token = [0; 8];
        stream.read_exact(&mut token).await.unwrap();
        assert_eq!(&token, b"tok+en\0\0");
        let mut ping = [0; 3];
        stream.read_exact(&mut ping).await.unwrap();
        assert_eq!(ping, HANDSHAKE_PING);
        Stream(stream)
    }

    /// Bring a client to ready.
    async fn ready(&self, bot: &mut Bot) -> Stream {
        bot.connect(&self.url()).unwrap();
        let mut stream = self.accept().await;
        stream.send(&HANDSHAKE_PING).await;
        bot.until(State::Ready).await;
        assert_eq!(bot.gateway.stats().transport().map(|kind| kind.name()), Some("tcp"));
        stream.pong().await;
        stream
    }
}

#[derive(Debug, PartialEq)]
enum Said {
    Ping([u8; 3]),
    /// cid, tag, body.
    Call(u16, u32, Vec<u8>),
}

struct Stream(TcpStream);

impl Stream {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Return the client's next frame as the server receives it: without trailing zeros.
    async fn receive(&mut self) -> Said {
        let first = self.0.read_u8().await.unwrap();
        let words = match first {
            0 => {
                let mut ping = [0; 3];
                self.0.read_exact(&mut ping[1..]).await.unwrap();
                return Said::Ping(ping);
            }
            0x7F => {
                let mut long = [0; 4];
                self.0.read_exact(&mut long[..3]).await.unwrap();
                u32::from_le_bytes(long)
            }
            words => words.into(),
        };
        let mut envelope = vec![0; words as usize * 4];
        self.0.read_exact(&mut envelope).await.unwrap();
        let end = envelope.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let seen = peek(&envelope[..end]).expect("it is whole without its zeros");
        Said::Call(seen.cid as u16, seen.tag, envelope[seen.body].to_vec())
    }

    /// Answer the next frame, which is a ping.
    async fn pong(&mut self) {
        let Said::Ping(ping) = self.receive().await else { panic!("a ping comes at once") };
        self.send(&ping).await;
    }

    /// Return cid, tag and body of the next frame, which is a call.
    async fn call(&mut self) -> (u16, u32, Vec<u8>) {
        match self.receive().await {
            Said::Call(cid, tag, body) => (cid, tag, body),
            ping => panic!("{ping:?}"),
        }
    }
}

/// Return an envelope as the server frames it.
fn abridged(envelope: &[u8]) -> Vec<u8> {
    let words = envelope.len().div_ceil(4);
    assert!(words < 0x7F);
    let mut frame = vec![words as u8];
    frame.extend(envelope);
    frame.resize(1 + 4 * words, 0);
    frame
}

fn message() -> Vec<u8> {
    encode_envelope(0, MESSAGE, &[0x08, 1, 0x10, 2, 0x18, 3]).to_vec()
}

/// Return an event as a WebSocket frame.
fn pushed() -> Vec<u8> {
    let envelope = message();
    [&[0x82, envelope.len() as u8][..], &envelope].concat()
}

#[tokio::test]
async fn calls_events_and_raw_answers_find_their_way() {
    let peer = Peer::new().await;
    let mut bot = bot(quick());
    let mut stream = peer.ready(&mut bot).await;
    let (send, api) = (bot.send(60 * SEC), bot.call(API, ApiRequestEvent::default(), 60 * SEC));
    let (cid, tag, body) = stream.call().await;
    assert_eq!((cid, tag), (1, SEND));
    assert!(!body.is_empty());
    let (api_cid, tag, _) = stream.call().await;
    assert_eq!((api_cid, tag), (2, API));
    let ack = abridged(&encode_envelope(cid, CHANNEL_MESSAGE_ACK, &[0x08, 7, 0x10, 0]));
    let chunk = |last: u8, body: &[u8]| {
        let head = [0xFF, 0, 2, 0, 0, 0, last];
        [&head[..], &(body.len() as u32).to_be_bytes(), body].concat()
    };
    // All kinds of frames, one byte at a time.
    let all = [chunk(0, b"ab"), pushed(), ack, chunk(0xFF, b"c\0\0"), abridged(&message())].concat();
    let slow = async {
        for byte in all {
            stream.send(&[byte]).await;
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
    bot.look();
    assert!(
        matches!(bot.outcome(send), Some(Outcome::Reply(CHANNEL_MESSAGE_ACK, body)) if body[..] == [8, 7, 0x10, 0])
    );
    assert_eq!(bot.outcome(api), Some(&Outcome::Raw(b"abc\0\0".to_vec().into())));
    assert_eq!((bot.stat("malformed"), bot.stat("unclaimed")), (0, 0));
    assert!(bot.stat("latency_us") > 0);
    drop(stream);
    bot.finish().await;
}

#[tokio::test]
async fn the_first_thing_the_server_says_proves_that_it_took_the_session() {
    let peer = Peer::new().await;
    let mut bot = bot(quick());
    bot.connect(&peer.url()).unwrap();
    let mut stream = peer.accept().await;
    // An event may precede the answer to the ping and is not lost.
    stream.send(&[pushed(), HANDSHAKE_PING.to_vec()].concat()).await;
    bot.until(State::Ready).await;
    while bot.events.is_empty() {
        bot.next().await;
    }
    assert_eq!(bot.stat("unclaimed"), 0);
    bot.finish().await;
}

/// Return the reason of a failed first connect; the peer runs `answer`.
async fn refused<F: Future<Output = ()>>(answer: impl FnOnce(Stream) -> F) -> String {
    let peer = Peer::new().await;
    let mut bot = bot(Options { connect_timeout: SEC, ..quick() });
    bot.connect(&peer.url()).unwrap();
    let (reason, ()) = tokio::join!(bot.until(State::Closed), async { answer(peer.accept().await).await });
    assert!(!reason.contains("tok"), "{reason}");
    bot.finish().await;
    reason
}

#[tokio::test]
async fn handshakes_that_fail() {
    let silent = refused(|stream| async move {
        sleep(2 * SEC).await;
        drop(stream);
    });
    assert_eq!(silent.await, "no connection within 1 s");
    let closed = refused(|stream| async move { drop(stream) });
    assert_eq!(
        closed.await,
        "the server closed the connection before sending anything: it may have rejected the session"
    );
    let http = |status: &'static str| {
        refused(move |mut stream| async move {
            stream.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
        })
    };
    assert_eq!(http("401 Unauthorized").await, "the server refused the TCP connection with HTTP 401");
    assert_eq!(http("503 Service Unavailable").await, "the server refused the TCP connection with HTTP 503");
    let garbage = refused(|mut stream| async move { stream.send(&[0x80, 1, 2]).await });
    assert!(garbage.await.contains("out of step"));
}

#[tokio::test]
async fn a_url_without_a_token_is_refused() {
    let peer = Peer::new().await;
    let url = peer.url().replace("?token=tok%2Ben", "");
    let mut bot = bot(quick());
    bot.connect(&url).unwrap();
    assert_eq!(bot.until(State::Closed).await, "the socket URL carries no token");
    bot.finish().await;
}

#[tokio::test]
async fn losses_of_every_kind() {
    for (bytes, reason) in [
        (&[0x90][..], "the connection is out of step: no frame begins with 0x90"),
        (&[0x82, 0x85, 1, 2, 3, 4][..], "the connection is out of step: no frame begins with 0x85"),
        (&[0x7F, 0xFF, 0xFF, 0xFF][..], "the connection broke: a frame is longer than max_frame"),
        (&[0x88, 2, 0x0F, 0xA6][..], "the server closed the connection with code 4006"),
        (&[][..], "the server closed the connection"),
    ] {
        let peer = Peer::new().await;
        let mut bot = bot(quick());
        let mut stream = peer.ready(&mut bot).await;
        let call = bot.send(60 * SEC);
        stream.call().await;
        stream.send(&[&pushed()[..], bytes].concat()).await;
        if bytes.is_empty() {
            drop(stream);
        }
        assert_eq!(bot.until(State::Backoff).await, reason);
        bot.look();
        assert_eq!(bot.events.len(), 1, "what came before counts");
        assert_eq!(bot.failure(call), Some(&Failure::DeliveryUnknown(reason.into())));
        bot.finish().await;
    }
}

#[tokio::test]
async fn pings_of_both_sides() {
    let peer = Peer::new().await;
    let mut bot = bot(Options { heartbeat_interval: 50 * MS, ..quick() });
    let mut stream = peer.ready(&mut bot).await;
    for _ in 0..3 {
        stream.pong().await;
    }
    stream.send(&abridged(&encode_envelope(9, PING, &[]))).await;
    stream.send(&abridged(&encode_envelope(0, PING, &[]))).await;
    let mut pongs = Vec::new();
    while pongs.len() < 2 {
        match stream.receive().await {
            Said::Ping(ping) => stream.send(&ping).await,
            Said::Call(cid, tag, body) => {
                assert_eq!((tag, body), (PONG, vec![]));
                pongs.push(cid);
            }
        }
    }
    pongs.sort_unstable();
    assert_eq!(pongs, [0, 9], "the one without a cid is not cut by the server either");
    assert_eq!(bot.gateway.state(), State::Ready);
    bot.finish().await;
}

#[tokio::test]
async fn a_silent_peer_is_dead_and_a_drip_is_no_life() {
    let peer = Peer::new().await;
    let mut bot = bot(Options { heartbeat_interval: 200 * MS, heartbeat_timeout: 200 * MS, ..quick() });
    let mut stream = peer.ready(&mut bot).await;
    let dripping = async {
        let _ = stream.0.write_all(&[0x7F, 0x00, 0x10, 0x00]).await;
        loop {
            let _ = stream.0.write_all(&[0]).await;
            sleep(20 * MS).await;
        }
    };
    tokio::select! {
        reason = bot.until(State::Backoff) => assert!(reason.contains("no frame came"), "{reason}"),
        () = dripping => unreachable!(),
    }
    bot.finish().await;
}

#[tokio::test]
async fn at_close_all_is_written_and_the_end_is_waited_for() {
    let peer = Peer::new().await;
    let mut bot = bot(quick());
    let mut stream = peer.ready(&mut bot).await;
    bot.send(60 * SEC);
    bot.pass(20 * MS).await;
    for _ in 0..100 {
        stream.send(&pushed()).await;
    }
    bot.gateway.close();
    assert_eq!(stream.call().await.1, SEND);
    let mut rest = Vec::new();
    stream.0.read_to_end(&mut rest).await.expect("no reset");
    assert_eq!(rest, [0u8; 0]);
    drop(stream);
    bot.until(State::Closed).await;
    bot.finish().await;
}

#[tokio::test]
async fn much_that_waits_to_be_written_is_written_whole() {
    let peer = Peer::new().await;
    let mut bot = bot(quick());
    let mut stream = peer.ready(&mut bot).await;
    let calls: Vec<_> = (0..40)
        .map(|n| {
            let request =
                ApiRequestEvent { api_index: n, body: vec![n as u8; 200_000].into(), ..Default::default() };
            bot.call(API, request, 60 * SEC)
        })
        .collect();
    sleep(Duration::from_millis(50)).await;
    for n in 0..40 {
        let (cid, tag, body) = stream.call().await;
        assert_eq!((cid, tag), (n + 1, API));
        assert!(body.len() > 200_000);
        let last = [0xFF, 0, cid as u8, 0, 0, 0, 0xFF, 0, 0, 0, 0];
        stream.send(&last).await;
    }
    while calls.iter().any(|id| bot.outcome(*id).is_none()) {
        bot.next().await;
    }
    drop(stream);
    bot.finish().await;
}

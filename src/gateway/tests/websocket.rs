//! The client cases of the Autobahn suite, section by section, as far as they apply: binary messages are events,
//! text is ignored, and a protocol violation ends the connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::super::State;
use super::bot::{Bot, MS, SEC, TYPING};
use super::sockets::{Peer, bot_with, patient};
use crate::wire::encode_envelope;

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Return a frame as servers send it, with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..65536 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Return a typing event of exactly this many bytes, at least 20.
fn event(length: usize) -> Vec<u8> {
    let (mut inner, mut outer);
    let mut name = length - 8;
    loop {
        inner = encode_envelope(0, 4, &vec![b'x'; name]);
        outer = encode_envelope(0, TYPING, &inner);
        match outer.len().cmp(&length) {
            std::cmp::Ordering::Equal => return outer.to_vec(),
            std::cmp::Ordering::Less => name += 1,
            std::cmp::Ordering::Greater => name -= 1,
        }
    }
}

struct Case {
    bot: Bot,
    stream: TcpStream,
}

impl Case {
    async fn new() -> Self {
        let peer = Peer::new().await;
        let mut bot = bot_with(patient(), 32 << 20);
        let stream = peer.raw(&mut bot).await;
        Self { bot, stream }
    }

    async fn send(&mut self, bytes: &[u8], piece: usize) {
        for piece in bytes.chunks(piece) {
            // The client may close the connection in the middle.
            if self.stream.write_all(piece).await.is_err() {
                return;
            }
            if bytes.len() < 3000 {
                sleep(MS / 4).await;
            }
        }
    }

    /// Send bytes that the client accepts, followed by an event, and return the number of events.
    async fn taken(mut self, bytes: &[u8], piece: usize) -> usize {
        self.send(bytes, piece).await;
        // A final event that differs from all previous ones.
        let last = encode_envelope(0, TYPING, &[0x10, 77]);
        self.send(&frame(FIN | BINARY, &last), usize::MAX).await;
        while self.bot.events.last().is_none_or(|(_, body)| body[..] != [0x10, 77]) {
            let next = timeout(60 * SEC, self.bot.next()).await;
            assert!(next.is_ok(), "the last event does not come");
        }
        assert_eq!((self.bot.state(), self.bot.stat("malformed")), (State::Ready, 0));
        let events = self.bot.events.len() - 1;
        self.bot.finish().await;
        events
    }

    /// Send bytes that end the connection, and return the reason.
    async fn ends(mut self, bytes: &[u8], piece: usize) -> String {
        self.send(bytes, piece).await;
        let reason = timeout(60 * SEC, self.bot.until(State::Backoff)).await.expect("it ends");
        self.bot.finish().await;
        reason
    }

    /// Read the client's frames up to one of this opcode and return its unmasked payload.
    async fn receive(&mut self, opcode: u8) -> Vec<u8> {
        loop {
            let first = self.stream.read_u8().await.unwrap();
            let length = self.stream.read_u8().await.unwrap() & 0x7F;
            let mut mask = [0; 4];
            self.stream.read_exact(&mut mask).await.unwrap();
            let mut payload = vec![0; length.into()];
            self.stream.read_exact(&mut payload).await.unwrap();
            for (at, byte) in payload.iter_mut().enumerate() {
                *byte ^= mask[at % 4];
            }
            if first == FIN | opcode {
                return payload;
            }
        }
    }
}

async fn taken(bytes: &[u8]) -> usize {
    Case::new().await.taken(bytes, usize::MAX).await
}

async fn ends(bytes: &[u8]) -> String {
    Case::new().await.ends(bytes, usize::MAX).await
}

async fn breaks(bytes: &[u8]) {
    let reason = ends(bytes).await;
    assert!(reason.starts_with("the connection broke: "), "{reason}");
}

#[tokio::test]
async fn section_1_framing() {
    for length in [20, 125, 126, 127, 128, 65_535, 65_536] {
        let binary = frame(FIN | BINARY, &event(length));
        assert_eq!(taken(&binary).await, 1, "{length}");
        assert_eq!(Case::new().await.taken(&binary, 997).await, 1, "{length} in pieces");
    }
    for length in [0, 125, 126, 127, 128, 65_535, 65_536] {
        assert_eq!(taken(&frame(FIN | TEXT, &vec![b'*'; length])).await, 0, "{length}");
    }
    assert_eq!(taken(&frame(FIN | BINARY, &[])).await, 0, "an empty one says nothing");
}

#[tokio::test]
async fn section_2_pings_and_pongs() {
    for (payload, piece) in
        [(&b""[..], 99), (b"Hello, world!", 99), (&[0, 0xFF, 0xFE], 99), (&[0xFE; 125], 1)]
    {
        let mut case = Case::new().await;
        case.send(&frame(FIN | PING, payload), piece).await;
        assert_eq!(case.receive(PONG).await, payload);
        case.bot.finish().await;
    }
    breaks(&frame(FIN | PING, &[0xFE; 126])).await;
    for pong in [&b""[..], b"nobody asked"] {
        assert_eq!(taken(&frame(FIN | PONG, pong)).await, 0);
    }
    for piece in [usize::MAX, 1] {
        let mut case = Case::new().await;
        let pings: Vec<u8> = (0..10).flat_map(|n| frame(FIN | PING, &[b'p', n])).collect();
        case.send(&pings, piece).await;
        // One pong may answer several pings (RFC 6455, 5.5.3).
        while case.receive(PONG).await != [b'p', 9] {}
        case.bot.finish().await;
    }
}

#[tokio::test]
async fn section_3_reserved_bits() {
    for bits in 1..8u8 {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            breaks(&frame(FIN | bits << 4 | opcode, b"")).await;
        }
    }
    assert!(!Case::new().await.ends(&frame(FIN | 0x40 | BINARY, &event(30)), 1).await.is_empty());
}

#[tokio::test]
async fn section_4_opcodes() {
    for opcode in (3..8).chain(11..16) {
        breaks(&frame(FIN | opcode, b"")).await;
        breaks(&frame(FIN | opcode, b"payload")).await;
    }
    let mut masked = frame(FIN | BINARY, &[0, 0, 0, 0, 8]);
    masked[1] = 0x80 | 1;
    breaks(&masked).await;
}

#[tokio::test]
async fn section_5_fragments() {
    let body = event(60);
    let (one, two, three) = (&body[..20], &body[20..40], &body[40..]);
    let whole = [
        frame(BINARY, one),
        frame(FIN | PING, b"between"),
        frame(CONTINUATION, two),
        frame(FIN | PONG, b""),
        frame(FIN | CONTINUATION, three),
    ]
    .concat();
    assert_eq!(taken(&whole).await, 1);
    assert_eq!(Case::new().await.taken(&whole, 1).await, 1);
    let empty = [frame(BINARY, b""), frame(CONTINUATION, &body), frame(FIN | CONTINUATION, b"")].concat();
    assert_eq!(taken(&empty).await, 1);
    let text = [frame(TEXT, b"frag"), frame(FIN | CONTINUATION, b"ment")].concat();
    assert_eq!(taken(&text).await, 0);
    for broken in [
        [frame(PING, b"frag"), frame(FIN | CONTINUATION, b"ment")].concat(),
        [frame(PONG, b"frag"), frame(FIN | CONTINUATION, b"ment")].concat(),
        frame(FIN | CONTINUATION, b"nothing to continue"),
        frame(CONTINUATION, b"nothing to continue"),
        [frame(FIN | BINARY, &body), frame(FIN | CONTINUATION, b"")].concat(),
        [frame(BINARY, one), frame(FIN | BINARY, two)].concat(),
        [frame(TEXT, b"one"), frame(FIN | TEXT, b"two")].concat(),
    ] {
        breaks(&broken).await;
    }
}

#[tokio::test]
async fn section_6_utf_8() {
    let greek = "κόσμε 🦀 \u{10FFFF}".as_bytes();
    assert_eq!(taken(&frame(FIN | TEXT, greek)).await, 0);
    for at in 0..greek.len() {
        // Also in the middle of a character.
        let split = [frame(TEXT, &greek[..at]), frame(FIN | CONTINUATION, &greek[at..])].concat();
        assert_eq!(taken(&split).await, 0, "split at {at}");
    }
    for broken in [
        &b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xED\xA0\x80edited"[..],
        b"\xF4\x90\x80\x80",
        b"\xFF",
        b"\xC0\xAF",
        b"\xE0\x80\x80",
        b"cut \xCE",
        b"\x80",
    ] {
        breaks(&frame(FIN | TEXT, broken)).await;
        let (one, two) = broken.split_at(broken.len() / 2);
        breaks(&[frame(TEXT, one), frame(FIN | CONTINUATION, two)].concat()).await;
    }
}

#[tokio::test]
async fn section_7_closing() {
    let close = |payload: &[u8]| frame(FIN | CLOSE, payload);
    let code = |code: u16, reason: &[u8]| frame(FIN | CLOSE, &[&code.to_be_bytes()[..], reason].concat());
    assert_eq!(ends(&close(b"")).await, "the server closed the connection");
    // Everything after it is ignored.
    let after = [code(1000, b"bye"), frame(FIN | BINARY, &event(30)), code(1001, b"")].concat();
    assert_eq!(ends(&after).await, "the server closed the connection with code 1000");
    for fine in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4006, 4999] {
        let reason = ends(&code(fine, b"reason")).await;
        assert_eq!(reason, format!("the server closed the connection with code {fine}"));
    }
    assert_eq!(ends(&code(1000, &[b'*'; 123])).await, "the server closed the connection with code 1000");
    for none in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999] {
        assert!(!ends(&code(none, b"")).await.is_empty(), "{none}");
    }
    breaks(&close(b"\x03")).await;
    breaks(&code(1000, &[b'*'; 124])).await;
    breaks(&code(1000, b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xED\xA0\x80")).await;
    // The client echoes the close frame and closes.
    let mut case = Case::new().await;
    case.send(&code(1000, b""), usize::MAX).await;
    assert_eq!(case.receive(CLOSE).await[..2], 1000u16.to_be_bytes());
    case.bot.finish().await;
}

#[tokio::test]
async fn sections_9_and_10_large_messages_however_they_are_cut() {
    for (length, piece) in [(4 << 20, 64 << 10), (16 << 20, 1 << 20), (65_536, 1300)] {
        let body = event(length);
        assert_eq!(taken(&frame(FIN | BINARY, &body)).await, 1, "{length}");
        let count = body.len().div_ceil(piece);
        let pieces = body.chunks(piece).enumerate().flat_map(|(n, part)| {
            let first = if n == 0 { BINARY } else { CONTINUATION };
            frame(if n + 1 == count { FIN | first } else { first }, part)
        });
        let cut: Vec<u8> = pieces.collect();
        assert_eq!(Case::new().await.taken(&cut, 100_000).await, 1, "{length} in pieces of {piece}");
    }
    let over = frame(FIN | BINARY, &event((32 << 20) + 1));
    breaks(&over[..100_000]).await;
    // The bound applies to the whole message, however it is fragmented.
    let half = event(17 << 20);
    breaks(&[frame(BINARY, &half), frame(FIN | CONTINUATION, &half)].concat()).await;
}

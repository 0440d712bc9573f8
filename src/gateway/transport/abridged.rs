//! The framing of the TCP transport, without I/O: bytes in any pieces to frames, and calls to bytes.
//!
//! An envelope is framed as in MTProto's abridged form: its length in words of four bytes, then the envelope, padded with
//! zeros. Between such frames the server mixes others, each known by its first byte (docs/protocol.md, "Abridged TCP").

use bytes::{Buf as _, Bytes, BytesMut};

use super::Frame;
use crate::wire::{Chunk, varint};

/// The first byte of the handshake.
const HANDSHAKE: u8 = 0xEF;
/// In place of a length: it follows in three bytes, the lowest first.
const LONG: u8 = 0x7F;
const WORD: usize = 4;
/// The longest frame: 24 bits of words.
pub const FRAME_MAX: usize = 0x00FF_FFFF * WORD;
const RAW: u8 = 0xFF;
const RAW_HEADER: usize = 11;
/// A WebSocket's control frame is no longer.
const CONTROL_MAX: usize = 125;
/// The server cuts every zero at the end of a frame. This unknown field, which it skips, keeps one that counts.
const FILLER: [u8; 3] = [0xF8, 0x7F, 0x01];
/// No field of an envelope is longer: a length beyond is none.
const FIELD_MAX: u64 = 64 << 20;

/// Why a stream cannot be read on. Nothing is searched for: whoever is out of step stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// No frame begins with this byte.
    OutOfStep(u8),
    /// A frame is longer than the bound.
    TooLong,
    /// The server closed the connection in the way of WebSockets.
    Closed(Option<u16>),
    /// An HTTP answer in place of the first frame: its status.
    Refused(u16),
}

/// Takes the frames out of a stream.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    max: usize,
    /// A frame has come: from then on `H` is a length, and not the beginning of `HTTP`.
    begun: bool,
}

impl Decoder {
    /// `max` is the longest frame, in bytes.
    pub fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), max, begun: false }
    }

    /// Where to put what was read, at the end. It grows with what comes, never by what a length promises.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next frame, once it is whole.
    ///
    /// # Errors
    /// When the stream is none, or ended by a frame that says so.
    pub fn next(&mut self) -> Result<Option<Frame>, Broken> {
        let Some(&first) = self.buffer.first() else { return Ok(None) };
        if !self.begun && first == b'H' {
            match refusal(&self.buffer) {
                Refusal::Not => {}
                Refusal::Status(status) => return Err(Broken::Refused(status)),
                Refusal::Unknown => return Ok(None),
            }
        }
        let frame = match first {
            0 => self.pong(),
            0x01..=LONG => self.abridged(first)?,
            RAW => self.raw()?,
            0x82 => self.websocket()?.map(Frame::Envelope),
            0x81 => self.websocket()?.map(|_| Frame::Other),
            0x88..=0x8A => self.control(first)?,
            other => return Err(Broken::OutOfStep(other)),
        };
        self.begun |= frame.is_some();
        Ok(frame)
    }

    /// The part after a header of `header` bytes, once it is there.
    fn take(&mut self, header: usize, length: usize) -> Result<Option<Bytes>, Broken> {
        if length > self.max {
            return Err(Broken::TooLong);
        }
        if self.buffer.len() < header + length {
            return Ok(None);
        }
        self.buffer.advance(header);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    fn pong(&mut self) -> Option<Frame> {
        let head: [u8; 3] = self.buffer.first_chunk().copied()?;
        self.buffer.advance(head.len());
        Some(Frame::Pong(u16::from_be_bytes([head[1], head[2]])))
    }

    fn abridged(&mut self, first: u8) -> Result<Option<Frame>, Broken> {
        let (header, words) = match (first, self.buffer.first_chunk::<4>()) {
            (LONG, Some([_, low, middle, high])) => (4, u32::from_le_bytes([*low, *middle, *high, 0])),
            (LONG, None) => return Ok(None),
            _ => (1, u32::from(first)),
        };
        let padded = self.take(header, words as usize * WORD)?;
        Ok(padded.map(|padded| Frame::Envelope(padded.slice(..envelope_end(&padded)))))
    }

    fn raw(&mut self) -> Result<Option<Frame>, Broken> {
        let Some(head) = self.buffer.first_chunk::<RAW_HEADER>().copied() else { return Ok(None) };
        let length = u32::from_be_bytes([head[7], head[8], head[9], head[10]]);
        let Ok(chunk) = Chunk::parse(&head) else { return Err(Broken::OutOfStep(RAW)) };
        let payload = self.take(RAW_HEADER, usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(payload.map(|payload| Frame::Chunk { chunk, payload }))
    }

    /// The payload of a WebSocket's frame: whole in itself, and unmasked as servers send it.
    fn websocket(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(&short) = self.buffer.get(1) else { return Ok(None) };
        let (header, length) = match short {
            126 => match self.buffer.get(2..4) {
                Some(length) => (4, u64::from(u16::from_be_bytes([length[0], length[1]]))),
                None => return Ok(None),
            },
            127 => match self.buffer.get(2..10).and_then(|length| length.first_chunk()) {
                Some(length) => (10, u64::from_be_bytes(*length)),
                None => return Ok(None),
            },
            masked @ 128.. => return Err(Broken::OutOfStep(masked)),
            short => (2, u64::from(short)),
        };
        self.take(header, usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn control(&mut self, first: u8) -> Result<Option<Frame>, Broken> {
        if self.buffer.get(1).is_some_and(|length| usize::from(*length) > CONTROL_MAX) {
            return Err(Broken::OutOfStep(first));
        }
        let Some(payload) = self.websocket()? else { return Ok(None) };
        if first == 0x88 {
            let code = payload.first_chunk().copied().map(u16::from_be_bytes);
            return Err(Broken::Closed(code));
        }
        Ok(Some(Frame::Other))
    }
}

enum Refusal {
    Not,
    /// More bytes will tell.
    Unknown,
    Status(u16),
}

/// Is this the head of an HTTP answer?
fn refusal(bytes: &[u8]) -> Refusal {
    const START: &[u8] = b"HTTP/1.";
    let seen = bytes.len().min(START.len());
    if bytes[..seen] != START[..seen] {
        return Refusal::Not;
    }
    // "HTTP/1.1 401"
    let Some(status) = bytes.get(START.len() + 2..START.len() + 5) else { return Refusal::Unknown };
    let status = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok());
    Refusal::Status(status.unwrap_or(0))
}

/// Where an envelope ends in its padded frame: at a tag that no field has, for the padding is zeros.
///
/// A frame that ends in the middle of a field is given whole: it is for whoever decodes it to say what is wrong.
fn envelope_end(padded: &[u8]) -> usize {
    let mut at = 0;
    while at < padded.len() {
        let start = at;
        let Ok(tag) = varint::read(padded, &mut at) else { return padded.len() };
        let length = match (tag >> 3, tag & 7) {
            (0, _) | (_, 3 | 4 | 6 | 7) => return start,
            (_, 0) => match varint::read(padded, &mut at) {
                Ok(_) => 0,
                Err(_) => return padded.len(),
            },
            (_, 1) => 8,
            (_, 5) => 4,
            _ => match varint::read(padded, &mut at) {
                Ok(length) if length > FIELD_MAX => return start,
                Ok(length) => length as usize,
                Err(_) => return padded.len(),
            },
        };
        at += length;
    }
    padded.len()
}

/// Appends the handshake: the token, once, before anything else.
pub fn handshake(token: &[u8], into: &mut BytesMut) {
    into.extend_from_slice(&[HANDSHAKE]);
    padded(token, into);
}

pub fn ping(cid: u16, into: &mut BytesMut) {
    into.extend_from_slice(&[0]);
    into.extend_from_slice(&cid.to_be_bytes());
}

/// Appends `Envelope { <tag>: body, cid }` as a frame. Gives its length, or None when it is too long for one.
///
/// The cid comes last: it never ends in a zero, which the server would cut.
pub fn envelope(cid: u16, tag: u32, body: &[u8], into: &mut BytesMut) -> Option<usize> {
    let mut envelope = Vec::with_capacity(body.len() + 16);
    varint::write(u64::from(tag) << 3 | 2, &mut envelope);
    varint::write(body.len() as u64, &mut envelope);
    envelope.extend_from_slice(body);
    if cid != 0 {
        envelope.push(1 << 3);
        varint::write(u64::from(cid), &mut envelope);
    }
    if envelope.last() == Some(&0) {
        envelope.extend(FILLER);
    }
    if envelope.len() > FRAME_MAX {
        return None;
    }
    let before = into.len();
    padded(&envelope, into);
    Some(into.len() - before)
}

/// The length in words, the bytes, and zeros up to the next word.
fn padded(bytes: &[u8], into: &mut BytesMut) {
    let words = bytes.len().div_ceil(WORD);
    into.reserve(4 + words * WORD);
    match u8::try_from(words) {
        Ok(words) if words < LONG => into.extend_from_slice(&[words]),
        _ => {
            let [low, middle, high, _] = (words as u32).to_le_bytes();
            into.extend_from_slice(&[LONG, low, middle, high]);
        }
    }
    into.extend_from_slice(bytes);
    into.resize(into.len() + words * WORD - bytes.len(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::encode_envelope;
    use crate::wire::proto::realtime::Envelope;
    use proptest::prelude::*;
    use prost::Message as _;

    const MAX: usize = 1 << 20;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    /// What comes of a stream that is read in pieces of these sizes, the rest in one.
    fn read(stream: &[u8], sizes: &[usize], max: usize) -> (Vec<Frame>, Result<(), Broken>) {
        let (mut decoder, mut frames, mut rest) = (Decoder::new(max), Vec::new(), stream);
        for size in sizes.iter().copied().chain([usize::MAX]) {
            let (piece, left) = rest.split_at(size.min(rest.len()));
            rest = left;
            decoder.buffer().extend_from_slice(piece);
            loop {
                match decoder.next() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(why) => return (frames, Err(why)),
                }
            }
        }
        (frames, Ok(()))
    }

    fn all(stream: &str) -> Vec<Frame> {
        let (frames, end) = read(&hex(stream), &[], MAX);
        assert_eq!(end, Ok(()));
        frames
    }

    fn envelope_of(bytes: &str) -> Frame {
        Frame::Envelope(hex(bytes).into())
    }

    fn chunk(cid: u16, code: u16, last: bool, payload: &[u8]) -> Frame {
        Frame::Chunk { chunk: Chunk { cid, code, last }, payload: payload.to_vec().into() }
    }

    fn written(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
        let mut into = BytesMut::new();
        write(&mut into);
        into.to_vec()
    }

    #[test]
    fn the_handshake_counts_the_token_in_words() {
        let of = |token: &[u8]| written(|into| handshake(token, into));
        assert_eq!(of(b"abc"), hex("ef 01 61 62 63 00"));
        assert_eq!(of(&[b'a'; 504]), [hex("ef 7e"), vec![b'a'; 504]].concat());
        assert_eq!(of(&[b'a'; 505]), [hex("ef 7f 7f 00 00"), vec![b'a'; 505], vec![0; 3]].concat());
        assert_eq!(of(&[b'a'; 600]), [hex("ef 7f 96 00 00"), vec![b'a'; 600]].concat());
    }

    #[test]
    fn calls_end_with_their_cid() {
        let of =
            |cid, tag, body: &str| written(|into| assert!(envelope(cid, tag, &hex(body), into).is_some()));
        assert_eq!(of(1, 3, ""), hex("01 1a 00 08 01"), "a clan_join of clan 0");
        let list = "08 02 12 0d 4c 69 73 74 43 6c 61 6e 44 65 73 63 73";
        assert_eq!(of(5, 92, list), [hex("06 e2 05 11"), hex(list), hex("08 05 00 00")].concat());
        let update = "08 b5 01 12 14 55 70 64 61 74 65 43 68 61 6e 6e 65 6c 4d 65 73 73 61 67 65 1a 02 08 00";
        assert_eq!(of(6, 92, update), [hex("09 e2 05 1d"), hex(update), hex("08 06 00 00")].concat());
        assert_eq!(of(0, 23, ""), hex("02 ba 01 00 f8 7f 01 00 00"), "no cid: a filler keeps the zero");
        assert_eq!(written(|into| ping(0x1234, into)), hex("00 12 34"));
    }

    #[test]
    fn a_call_too_long_for_a_frame_is_none() {
        let mut into = BytesMut::new();
        assert_eq!(envelope(1, 8, &vec![1; FRAME_MAX], &mut into), None);
        assert!(into.is_empty());
    }

    #[test]
    fn the_worked_examples_are_understood() {
        assert_eq!(all("00 00 01"), [Frame::Pong(1)]);
        assert_eq!(
            all("04 08 02 1a 0a 08 e8 87 e0 95 85 c8 bf c4 19 00 00"),
            [envelope_of("08 02 1a 0a 08 e8 87 e0 95 85 c8 bf c4 19")]
        );
        assert_eq!(
            all(
                "ff 00 05 00 00 00 00 00 00 00 05 0a 04 12 02 61 ff 00 05 00 00 00 ff 00 00 00 07 62 0a 04 12 02 63 64"
            ),
            [chunk(5, 0, false, &hex("0a 04 12 02 61")), chunk(5, 0, true, &hex("62 0a 04 12 02 63 64"))]
        );
        assert_eq!(
            all("ff 00 06 00 05 00 ff 00 00 00 11 63 68 61 6e 6e 65 6c 20 6e 6f 74 20 66 6f 75 6e 64"),
            [chunk(6, 5, true, b"channel not found")]
        );
        assert_eq!(all("ff 00 08 00 00 00 ff 00 00 00 00"), [chunk(8, 0, true, b"")]);
        assert_eq!(
            all("05 08 07 62 0d 08 03 12 09 62 61 64 20 69 6e 70 75 74 00 00 00"),
            [envelope_of("08 07 62 0d 08 03 12 09 62 61 64 20 69 6e 70 75 74")]
        );
        let pushed = "32 12 08 01 10 02 18 03 42 0a 7b 22 74 22 3a 22 68 69 22 7d";
        assert_eq!(all(&format!("82 14 {pushed}")), [envelope_of(pushed)]);
        assert_eq!(all(&format!("05 {pushed}")), [envelope_of(pushed)]);
        assert_eq!(all("02 08 58 22 00 00 00 00 00"), [envelope_of("08 58 22 00")]);
        assert_eq!(
            all(&format!("00 00 09 02 08 03 3a 04 08 02 10 03 82 14 {pushed}")),
            [Frame::Pong(9), envelope_of("08 03 3a 04 08 02 10 03"), envelope_of(pushed)]
        );
    }

    #[test]
    fn long_headers_of_both_kinds() {
        for (header, length) in
            [("82 7e 01 2c", 300), ("82 7f 00 00 00 00 00 01 11 70", 70_000), ("7f 96 00 00", 600)]
        {
            // Fields of nine bytes, the last one cut.
            let (frames, end) = read(&[hex(header), vec![9; length]].concat(), &[], MAX);
            assert_eq!((frames.len(), frames[0].weight(), end), (1, length, Ok(())), "{header}");
        }
    }

    #[test]
    fn an_envelope_ends_where_its_fields_do() {
        for (padded, end) in [
            ("08 58 22 00 00 00 00 00", 4),
            ("08 58 22 00", 4),
            ("0a 03 61 62 63 00 00 00", 5),
            ("0a ff ff ff ff 0f 00 00", 0),
            ("10 80 a0 80 f0 fe d1 d3 c5 19 0c c2 01 2a", 10),
            ("0a 03 61 62 63 17 32 57", 5),
            ("0a 09 61 62", 4),
            ("", 0),
            ("00 00 00 00", 0),
        ] {
            assert_eq!(envelope_end(&hex(padded)), end, "{padded}");
        }
    }

    #[test]
    fn what_a_websocket_would_say_is_understood() {
        assert_eq!(all("81 02 68 69 89 00 8a 02 01 02"), [Frame::Other, Frame::Other, Frame::Other]);
        assert_eq!(read(&hex("88 02 0f a6"), &[], MAX).1, Err(Broken::Closed(Some(4006))));
        assert_eq!(read(&hex("88 00"), &[], MAX).1, Err(Broken::Closed(None)));
        assert_eq!(read(&hex("89 7e 00 80"), &[], MAX).1, Err(Broken::OutOfStep(0x89)));
    }

    #[test]
    fn whoever_is_out_of_step_is_not_followed() {
        for first in (0x80..=0xFE).filter(|first| !matches!(first, 0x81 | 0x82 | 0x88..=0x8A)) {
            let (frames, end) = read(&[0, 0, 1, first, 0, 0, 0], &[], MAX);
            assert_eq!((frames.len(), end), (1, Err(Broken::OutOfStep(first))));
        }
        assert_eq!(read(&hex("82 85 01 02 03 04 00"), &[], MAX).1, Err(Broken::OutOfStep(0x85)), "masked");
    }

    #[test]
    fn lengths_are_bounded_before_anything_is_kept() {
        for head in ["7f 01 00 04", "82 7f 00 00 00 00 00 10 00 01", "82 7f ff ff ff ff ff ff ff ff"] {
            assert_eq!(read(&hex(head), &[], MAX).1, Err(Broken::TooLong), "{head}");
        }
        assert_eq!(read(&hex("ff 00 05 00 00 00 ff 00 10 00 01"), &[], MAX).1, Err(Broken::TooLong));
        assert_eq!(read(&hex("7f 00 00 04"), &[], MAX), (vec![], Ok(())), "just within");
    }

    #[test]
    fn http_is_a_refusal_at_the_beginning_only() {
        let refused = b"HTTP/1.1 401 Unauthorized\r\n\r\n";
        for size in [1, 3, 12, 100] {
            let sizes = vec![size; refused.len() / size + 1];
            assert_eq!(read(refused, &sizes, MAX), (vec![], Err(Broken::Refused(401))));
        }
        // The first byte is a legal length too: of 72 words.
        let mut frame = vec![72];
        frame.extend(encode_envelope(0, 10, &[b'T'; 286]));
        frame.resize(1 + 288, 0);
        assert_eq!(read(&frame, &[1, 1, 1], MAX).0.len(), 1);
        let later = [&[0, 0, 1][..], &refused[..]].concat();
        assert_eq!(read(&later, &[], MAX), (vec![Frame::Pong(1)], Ok(())), "72 words that are not there yet");
    }

    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let body = prop::collection::vec(any::<u8>(), 0..400);
        prop_oneof![
            any::<u16>().prop_map(|cid| written(|into| ping(cid, into))),
            (1u16.., 2u32..120, body.clone()).prop_map(|(cid, tag, body)| written(|into| assert!(
                envelope(cid, tag, &body, into).is_some()
            ))),
            (any::<u16>(), any::<u16>(), any::<bool>(), body.clone()).prop_map(|(cid, code, last, body)| {
                let flag = if last { 0xFFu16 } else { 0 };
                let length = (body.len() as u32).to_be_bytes();
                [&[RAW][..], &cid.to_be_bytes(), &code.to_be_bytes(), &flag.to_be_bytes(), &length, &body]
                    .concat()
            }),
            body.prop_map(|body| match body.len() {
                length @ 0..126 => [&[0x82, length as u8][..], &body].concat(),
                length => [&[0x82, 126][..], &(length as u16).to_be_bytes(), &body].concat(),
            }),
        ]
    }

    proptest! {
        #[test]
        fn any_split_of_a_stream_gives_the_same_frames(
            parts in prop::collection::vec(frames(), 1..12),
            sizes in prop::collection::vec(1usize..40, 0..200),
        ) {
            let stream = parts.concat();
            let whole = read(&stream, &[], MAX);
            prop_assert_eq!(whole.1, Ok(()));
            prop_assert_eq!(whole.0.len(), parts.len());
            prop_assert_eq!(&read(&stream, &sizes, MAX), &whole);
            let bytes = vec![1; stream.len()];
            prop_assert_eq!(&read(&stream, &bytes, MAX), &whole);
        }

        #[test]
        fn any_bytes_are_frames_or_an_end_whatever_the_split(
            stream: Vec<u8>, sizes in prop::collection::vec(1usize..9, 0..60),
        ) {
            prop_assert_eq!(read(&stream, &sizes, 64), read(&stream, &[], 64));
        }

        #[test]
        fn what_is_written_is_read_though_the_server_cuts_zeros(cid: u16, tag in 2u32..120, mut body: Vec<u8>, zeros in 0usize..5) {
            body.resize(body.len() + zeros, 0);
            let frame = written(|into| assert!(envelope(cid, tag, &body, into).is_some()));
            prop_assert_eq!(frame.len() % 4, 1);
            let end = frame.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            let peeked = crate::wire::peek(&frame[1..end]).unwrap();
            prop_assert_eq!((peeked.cid, peeked.tag), (u32::from(cid), tag));
            prop_assert_eq!(&frame[1..end][peeked.body], &body[..]);
            let (frames, _) = read(&frame, &[], MAX);
            let [Frame::Envelope(envelope)] = &frames[..] else { panic!() };
            prop_assert_eq!(envelope.len(), end - 1);
        }
    }

    #[test]
    fn prost_takes_what_is_written() {
        let frame = written(|into| assert!(envelope(0, 22, &[], into).is_some()));
        let envelope = Envelope::decode(&frame[1..7]).unwrap();
        assert!(envelope.message.is_some() && envelope.cid == 0);
    }
}

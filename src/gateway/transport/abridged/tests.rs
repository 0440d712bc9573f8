//! Every split of a stream yields the same frames; worked examples; bounds.

use super::*;
use crate::wire::encode_envelope;
use crate::wire::proto::realtime::Envelope;
use proptest::prelude::*;
use prost::Message as _;

const MAX: usize = 1 << 20;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// Decode a stream that arrives in pieces of these sizes, the rest in one piece.
fn read(stream: &[u8], sizes: &[usize], max: usize) -> (Vec<Frame>, Result<(), Broken>) {
    let (mut decoder, mut frames, mut rest) = (Decoder::new(max), Vec::new(), stream);
    for size in sizes.iter().copied().chain([usize::MAX]) {
        let (piece, left) = rest.split_at(size.min(rest.len()));
        rest = left;
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.frame() {
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
    let of = |cid, tag, body: &str| written(|into| assert!(envelope(cid, tag, &hex(body), into).is_some()));
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
        // Fields of nine bytes, the last one truncated.
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
    // The first byte is also a valid length: 72 words.
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
        (1u16.., 2u32..120, body.clone())
            .prop_map(|(cid, tag, body)| written(|into| assert!(envelope(cid, tag, &body, into).is_some()))),
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

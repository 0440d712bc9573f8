//! A fuzzer of the wire format: `make fuzz`, and for a second in every `cargo test`.
//!
//! The corpus starts with the frames of the vectors; an input with a new behaviour (its kind, error and fields) is
//! added. A run is determined by its seed, and a failure prints seed and input. `FUZZ_SECONDS` and `FUZZ_SEED` set
//! them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use _core::gateway::{Broken, Decoder, Frame};
use _core::wire::proto::api::ChannelMessage;
use _core::wire::proto::realtime::Envelope;
use _core::wire::schema;
use _core::wire::{
    Chunk, Fields, Header, Inbound, Malformed, RAW_MARK, Stream, StreamTooLong, Value, classify,
    encode_envelope, peek, plain_text, sent_message, varint,
};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const CORPUS_MAX: usize = 20_000;
const INPUT_MAX: usize = 4096;

#[test]
fn no_frame_breaks_the_wire() {
    let seconds = env("FUZZ_SECONDS").unwrap_or(1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = env("FUZZ_SEED").unwrap_or(now);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut corpus = vectors();
    let given = corpus.len();
    assert!(given > 500, "the vectors are there");
    let mut seen = HashSet::new();
    for input in &corpus {
        seen.insert(check(input, &mut rng));
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0u64;
    while Instant::now() < until {
        for _ in 0..256 {
            count += 1;
            let input = mutate(&corpus, &mut rng);
            let outcome = catch_unwind(AssertUnwindSafe(|| check(&input, &mut rng)));
            let Ok(behaviour) = outcome else {
                panic!("seed {seed}, input {count}: {}", hex(&input));
            };
            if seen.insert(behaviour) && corpus.len() < CORPUS_MAX {
                corpus.push(input);
            }
        }
    }
    println!(
        "seed {seed}: {count} inputs in {seconds} s, {} behaviours, corpus {given} + {}",
        seen.len(),
        corpus.len() - given
    );
}

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Return the frames of the vectors, and raw chunks.
fn vectors() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    let mut frames = vec![vec![], vec![RAW_MARK]];
    for file in ["inbound.jsonl", "outbound.jsonl"] {
        let text = std::fs::read_to_string(format!("{folder}{file}")).unwrap();
        for line in text.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            frames.extend(vector["frame"].as_str().map(unhex));
        }
    }
    for (cid, code, flag) in [(1u16, 0u16, 0u16), (1, 0, 0xFF), (0xFFFF, 7, 0xFF)] {
        let head = [&[RAW_MARK][..], &cid.to_be_bytes(), &code.to_be_bytes(), &flag.to_be_bytes()].concat();
        frames.push([&head[..], &frames[10]].concat());
        frames.push(head);
    }
    let streams: Vec<_> = frames.iter().step_by(7).flat_map(|frame| abridged(frame)).collect();
    frames.extend(streams);
    frames
}

/// Return the frame as the TCP transport carries it, padded and as a WebSocket frame, and parts of such streams.
fn abridged(envelope: &[u8]) -> [Vec<u8>; 3] {
    let words = envelope.len().div_ceil(4);
    let mut padded = match words {
        0..0x7F => vec![words as u8],
        _ => [&[0x7F][..], &(words as u32).to_le_bytes()[..3]].concat(),
    };
    padded.extend(envelope);
    padded.resize(padded.len() + words * 4 - envelope.len(), 0);
    let head = match envelope.len() {
        length @ 0..126 => vec![0x82, length as u8],
        length => [&[0x82, 126][..], &(length as u16).to_be_bytes()].concat(),
    };
    let pushed = [&head[..], envelope].concat();
    let raw = [&[0xFF, 0, 5, 0, 0, 0, 0xFF][..], &(envelope.len() as u32).to_be_bytes(), envelope].concat();
    let all = [&[0, 0, 9][..], &padded, &pushed, &raw].concat();
    [padded, pushed, all]
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mutate(corpus: &[Vec<u8>], rng: &mut StdRng) -> Vec<u8> {
    let mut input = corpus.choose(rng).unwrap().clone();
    for _ in 0..1 << rng.random_range(0..4) {
        let at = rng.random_range(0..=input.len());
        let to = rng.random_range(at..=input.len().min(at + 64));
        match rng.random_range(0..12) {
            0 if at < input.len() => input[at] ^= 1 << rng.random_range(0..8),
            1 if at < input.len() => input[at] = rng.random(),
            2 if at < input.len() => {
                input[at] = *[0, 1, 2, 0x7F, 0x80, 0xFF, 0x08, 0x0B, 0x0C, 0x0A].choose(rng).unwrap();
            }
            3 => input.truncate(at),
            4 => drop(input.drain(at..to)),
            5 => {
                let part = input[at..to].to_vec();
                input.splice(at..at, part);
            }
            6 => {
                let other = corpus.choose(rng).unwrap();
                let from = rng.random_range(0..=other.len());
                input.truncate(at);
                input.extend(&other[from..]);
            }
            7 => {
                // A varint, possibly too long or not the shortest.
                let mut bytes = Vec::new();
                varint::write(rng.random::<u64>() >> rng.random_range(0..64), &mut bytes);
                if rng.random() {
                    *bytes.last_mut().unwrap() |= 0x80;
                    bytes.extend([0x80, 0x00]);
                }
                input.splice(at..at, bytes);
            }
            8 => {
                // A key: usually of a field near the existing ones, with any wire type.
                let mut key = Vec::new();
                varint::write(u64::from(rng.random_range(0..130u32) << 3 | rng.random_range(0..8)), &mut key);
                input.splice(at..at, key);
            }
            9 => {
                // Valid framing around anything.
                input = encode_envelope(rng.random(), rng.random_range(1..130), &input[at..to]).to_vec();
            }
            10 => input.extend(corpus.choose(rng).unwrap()),
            _ => {
                let mut noise = vec![0; rng.random_range(1..10)];
                rng.fill(&mut noise[..]);
                input.splice(at..at, noise);
            }
        }
        input.truncate(INPUT_MAX);
    }
    input
}

/// Check all invariants and return a digest of the behaviour.
fn check(input: &[u8], rng: &mut StdRng) -> u64 {
    let mut behaviour = DefaultHasher::new();
    let class = classify(input);
    match &class {
        Ok(Inbound::Chunk(chunk)) => check_chunk(input, chunk),
        Ok(Inbound::Envelope(_)) => assert_ne!(input.first(), Some(&RAW_MARK)),
        Err(why) => assert_eq!(*why == Malformed::ChunkHeader, input.first() == Some(&RAW_MARK)),
    }
    (matches!(class, Ok(Inbound::Chunk(_))), class.as_ref().err().map(|why| why.to_string()))
        .hash(&mut behaviour);
    check_peek(input, &mut behaviour);
    check_fields(input, &mut behaviour);
    check_header(input, &mut behaviour);
    check_sent(input, rng);
    check_content(input);
    check_encode(input, rng);
    check_stream(input, rng);
    check_abridged(input, rng, &mut behaviour);
    let mut at = 0;
    if varint::read(input, &mut at).is_ok() {
        assert!((1..=10).contains(&at) && at <= input.len());
    }
    behaviour.finish()
}

fn check_chunk(input: &[u8], chunk: &Chunk) {
    let payload = chunk.payload(input);
    assert_eq!(payload, &input[7..]);
    assert_eq!(input[1..3], chunk.cid.to_be_bytes());
    assert_eq!(input[3..5], chunk.code.to_be_bytes());
    assert_eq!(chunk.last, input[5..7] == [0, 0xFF]);
}

fn is_member(tag: u32) -> bool {
    schema::envelope().field(tag).is_some_and(|field| field.oneof)
}

/// `peek` accepts what prost accepts, with the same result.
fn check_peek(input: &[u8], behaviour: &mut DefaultHasher) {
    let seen = peek(input);
    if let Ok(seen) = &seen {
        assert!(seen.body.start <= seen.body.end && seen.body.end <= input.len());
        (seen.tag, seen.cid.min(300), seen.body.len().min(300)).hash(behaviour);
    }
    let decoded = Envelope::decode(input);
    decoded.is_ok().hash(behaviour);
    let Ok(envelope) = decoded else { return };
    let seen = match seen {
        Ok(seen) => seen,
        // prost skips groups, which these schemas do not contain and this parser rejects.
        Err(Malformed::Field) if has_group(input) => return,
        Err(why) => panic!("prost takes it, peek says {why}"),
    };
    assert_eq!(seen.cid as i32, envelope.cid);
    if envelope.message.is_none() {
        assert!(!is_member(seen.tag), "peek sees {}", seen.tag);
        return;
    }
    let again = envelope.encode_to_vec();
    let canonical = peek(&again).expect("what prost writes");
    assert_eq!((seen.cid, seen.tag), (canonical.cid, canonical.tag));
}

fn has_group(input: &[u8]) -> bool {
    let mut at = 0;
    while at < input.len() {
        let Ok(key) = varint::read(input, &mut at) else { return false };
        let skip = match key & 7 {
            0 => match varint::read(input, &mut at) {
                Ok(_) => 0,
                Err(_) => return false,
            },
            1 => 8,
            2 => match varint::read(input, &mut at) {
                Ok(length) => length as usize,
                Err(_) => return false,
            },
            5 => 4,
            3 | 4 => return true,
            _ => return false,
        };
        at = at.saturating_add(skip);
    }
    false
}

/// The fields, encoded again, are the same fields.
fn check_fields(input: &[u8], behaviour: &mut DefaultHasher) {
    let mut fields = Fields::new(input);
    let mut written = Vec::new();
    let mut all = Vec::new();
    let end = loop {
        match fields.read() {
            Ok(Some((number, value))) => {
                assert!((1..=0x1FFF_FFFF).contains(&number));
                write(number, value, &mut written);
                all.push((number, value));
            }
            Ok(None) => break Ok(()),
            Err(why) => break Err(why),
        }
        assert!(all.len() <= input.len(), "each field takes a byte at least");
    };
    assert!(written.len() <= input.len(), "the shortest form is not longer");
    let mut again = Fields::new(&written);
    for field in &all {
        assert_eq!(again.read(), Ok(Some(*field)));
    }
    assert_eq!(again.read(), Ok(None));
    (all.len().min(50), end.err().map(|why| why.to_string())).hash(behaviour);
}

/// The header of a message equals what prost decodes, for the input and for the input inside a message.
fn check_header(input: &[u8], behaviour: &mut DefaultHasher) {
    let inside = peek(input).map(|seen| seen.body).unwrap_or(0..0);
    for body in [input, &input[inside]] {
        let header = Header::parse(body);
        (
            header.as_ref().ok().map(|header| (header.code.clamp(-1, 20), header.is_plain())),
            body.len().min(8),
        )
            .hash(behaviour);
        let (Ok(message), Ok(header)) = (ChannelMessage::decode(body), &header) else { continue };
        assert_eq!(
            [header.clan, header.channel, header.id, header.sender, header.topic],
            [message.clan_id, message.channel_id, message.message_id, message.sender_id, message.topic_id]
        );
        assert_eq!((header.code, header.created), (message.code, message.create_time_seconds));
        assert_eq!(header.content.of(body), message.content.as_bytes());
        assert_eq!(header.mentions.of(body), &message.mentions[..]);
        assert_eq!(header.attachments.of(body), &message.attachments[..]);
        assert_eq!(header.reactions.of(body), &message.reactions[..]);
        assert_eq!(header.references.of(body), &message.references[..]);
    }
}

/// Any two parts of the input, as call and answer, result in a readable message or none.
fn check_sent(input: &[u8], rng: &mut StdRng) {
    let (sent, answer) = input.split_at(rng.random_range(0..=input.len()));
    if let Ok(Some(made)) = sent_message(7, sent, answer) {
        let header = Header::parse(&made).expect("what we write");
        assert_eq!(header.sender, 7);
        assert_ne!(header.id, 0);
    }
}

/// JSON agrees with a text that is recognized as plain.
fn check_content(input: &[u8]) {
    let content = [b"{\"t\":\"", input, b"\"}"].concat();
    if let (Some(found), Ok(text)) = (plain_text(&content), std::str::from_utf8(&content)) {
        let value: serde_json::Value = serde_json::from_str(text).expect("it is plain");
        assert_eq!(value["t"].as_str().map(str::as_bytes), Some(found));
    }
}

fn write(number: u32, value: Value<'_>, into: &mut Vec<u8>) {
    let key = |wire: u64| u64::from(number) << 3 | wire;
    match value {
        Value::Varint(number) => {
            varint::write(key(0), into);
            varint::write(number, into);
        }
        Value::Fixed64(number) => {
            varint::write(key(1), into);
            into.extend(number.to_le_bytes());
        }
        Value::Bytes(bytes) => {
            varint::write(key(2), into);
            varint::write(bytes.len() as u64, into);
            into.extend(bytes);
        }
        Value::Fixed32(number) => {
            varint::write(key(5), into);
            into.extend(number.to_le_bytes());
        }
    }
}

/// Decoding an encoded envelope returns its body.
fn check_encode(body: &[u8], rng: &mut StdRng) {
    let (cid, tag) = (rng.random::<u16>(), rng.random_range(2..128));
    let frame = encode_envelope(cid, tag, body);
    let seen = peek(&frame).expect("what we write");
    assert_eq!((seen.cid, seen.tag), (cid.into(), tag));
    assert_eq!(&frame[seen.body], body);
}

/// An answer split into chunks is the answer, within the bound.
fn check_stream(body: &[u8], rng: &mut StdRng) {
    let max = if rng.random() { INPUT_MAX } else { rng.random_range(0..=body.len()) };
    let mut stream = Stream::default();
    let mut rest = body;
    loop {
        let (part, left) = rest.split_at(rng.random_range(0..=rest.len()));
        rest = left;
        let chunk = Chunk { cid: 1, code: 0, last: rest.is_empty() };
        match stream.push(chunk, part, max) {
            Ok(Some(whole)) => {
                assert!(chunk.last && whole == body && whole.len() <= max);
                return;
            }
            Ok(None) => assert!(!chunk.last),
            Err(StreamTooLong) => {
                assert!(body.len() - rest.len() > max);
                return;
            }
        }
    }
}

/// Return the frames of a stream that arrives in pieces of these sizes, the rest in one piece.
fn decode(input: &[u8], mut sizes: impl FnMut(usize) -> usize) -> (Vec<Frame>, Option<Broken>) {
    let (mut decoder, mut frames, mut rest) = (Decoder::new(2048), Vec::new(), input);
    loop {
        let (piece, left) = rest.split_at(sizes(rest.len()).min(rest.len()));
        rest = left;
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(why) => return (frames, Some(why)),
            }
        }
        if rest.is_empty() {
            return (frames, None);
        }
    }
}

/// Every split of a stream yields the same frames, and no frame contains bytes that were not sent.
fn check_abridged(input: &[u8], rng: &mut StdRng, behaviour: &mut DefaultHasher) {
    let whole = decode(input, |left| left);
    assert_eq!(decode(input, |_| 1), whole);
    assert_eq!(decode(input, |_| rng.random_range(1..40)), whole);
    let (frames, end) = whole;
    let held: usize = frames.iter().map(Frame::weight).sum();
    assert!(held + frames.len() <= input.len(), "a frame has a header of a byte at least");
    for frame in &frames {
        if let Frame::Envelope(envelope) = frame {
            assert!(envelope.len() <= 2048);
            // Any envelope is parsed like one of a WebSocket.
            let _ = peek(envelope);
        }
        (std::mem::discriminant(frame), frame.weight().min(40)).hash(behaviour);
    }
    (frames.len().min(10), end.map(|why| std::mem::discriminant(&why))).hash(behaviour);
}

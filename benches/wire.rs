//! The cost of a frame before it is decoded, and of encoding a call: `cargo bench --bench wire`.

use std::hint::black_box;

use _core::wire::proto::api::ChannelMessage;
use _core::wire::proto::realtime::{Envelope, MessageTypingEvent, envelope::Message};
use _core::wire::{classify, encode_envelope, peek};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message as _;

/// A typical message of about 400 bytes.
fn message() -> Vec<u8> {
    let message = ChannelMessage {
        clan_id: 1_830_000_000_000_000_011,
        channel_id: 1_830_000_000_000_000_021,
        message_id: 1_830_000_000_000_000_031,
        sender_id: 1_830_000_000_000_000_041,
        username: "alice".into(),
        avatar: "https://cdn.example/avatars/1830000000000000041.webp".into(),
        content: format!(r#"{{"t":"{}"}}"#, "xin chào mọi người ".repeat(10)),
        channel_label: "general".into(),
        create_time_seconds: 1_767_225_600,
        mode: 2,
        is_public: true,
        ..Default::default()
    };
    Envelope { cid: 0, message: Some(Message::ChannelMessage(message)) }.encode_to_vec()
}

fn typing() -> Vec<u8> {
    let typing = MessageTypingEvent {
        clan_id: 1_830_000_000_000_000_011,
        channel_id: 1_830_000_000_000_000_021,
        sender_id: 1_830_000_000_000_000_041,
        mode: 2,
        is_public: true,
        ..Default::default()
    };
    Envelope { cid: 0, message: Some(Message::MessageTypingEvent(typing)) }.encode_to_vec()
}

fn chunk() -> Vec<u8> {
    let mut frame = vec![0xFF, 0, 7, 0, 0, 0, 0xFF];
    frame.resize(4096, 1);
    frame
}

fn wire(criterion: &mut Criterion) {
    let frames = [("channel_message", message()), ("typing", typing()), ("raw chunk", chunk())];
    let mut group = criterion.benchmark_group("classify");
    for (name, frame) in &frames {
        group.throughput(Throughput::Elements(1));
        group.bench_function(*name, |bench| bench.iter(|| classify(black_box(frame))));
    }
    group.finish();

    let mut group = criterion.benchmark_group("peek");
    for (name, frame) in &frames[..2] {
        group.bench_function(*name, |bench| bench.iter(|| peek(black_box(frame))));
    }
    // For comparison: decoding the frame.
    let frame = &frames[0].1;
    group.bench_function("decoded by prost", |bench| bench.iter(|| Envelope::decode(black_box(&frame[..]))));
    group.finish();

    let mut group = criterion.benchmark_group("encode_envelope");
    for (name, len) in [("100 bytes", 100), ("4 KiB", 4096)] {
        let body = vec![1_u8; len];
        group.bench_function(name, |bench| {
            bench.iter(|| encode_envelope(black_box(77), 13, black_box(&body)))
        });
    }
    group.finish();
}

criterion_group!(benches, wire);
criterion_main!(benches);

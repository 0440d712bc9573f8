//! The message cache: from accept to commit, and reads.

use std::time::{Duration, Instant};

use _core::store::{Options, Store};
use _core::wire::Body;
use _core::wire::proto::api::ChannelMessage;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message as _;

const TIMEOUT: Duration = Duration::from_secs(60);

fn payload(number: i64, channels: i64) -> Body {
    let message = ChannelMessage {
        clan_id: 1_820_000_000_000_000_000,
        channel_id: 1_830_000_000_000_000_000 + number.wrapping_mul(7919) % channels,
        message_id: 1_840_000_000_000_000_000 + number * 4096,
        sender_id: 1_810_000_000_000_000_000 + number % 50,
        username: "someone".into(),
        avatar: "https://cdn.example/avatars/1810000000000000000.png".into(),
        content: r#"{"t":"hello world, this is a message of some words"}"#.into(),
        channel_label: "general".into(),
        display_name: "Some One".into(),
        category_name: "text".into(),
        create_time_seconds: 1_700_000_000 + u32::try_from(number / 100).expect("fits"),
        mode: 2,
        is_public: true,
        ..ChannelMessage::default()
    };
    message.encode_to_vec().into()
}

fn fill(store: &Store, from: i64, count: i64) {
    for number in from..from + count {
        store.accept(payload(number, 100));
        while store.backlog().bytes > 16 << 20 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(store.flush_blocking(TIMEOUT));
}

/// A group of 2,000 rows from accept to commit, into files of two sizes.
fn write(c: &mut Criterion) {
    let mut group = c.benchmark_group("store/write");
    group.sample_size(20);
    let rows = 2_000;
    group.throughput(Throughput::Elements(rows));
    for (name, size) in [("10k", 10_000), ("1M", 1_000_000)] {
        let folder = tempfile::tempdir_in("target").expect("a folder");
        let store =
            Store::open(Options { max_messages: None, ..Options::at(folder.path().join("cache.db")) });
        fill(&store, 0, size);
        let mut next = size;
        group.bench_function(name, |b| {
            b.iter_custom(|rounds| {
                let mut took = Duration::ZERO;
                for _ in 0..rounds {
                    let bodies: Vec<Body> = (0..rows as i64).map(|row| payload(next + row, 100)).collect();
                    next += rows as i64;
                    let started = Instant::now();
                    for body in bodies {
                        store.accept(body);
                    }
                    assert!(store.flush_blocking(TIMEOUT));
                    took += started.elapsed();
                }
                took
            });
        });
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let folder = tempfile::tempdir_in("target").expect("a folder");
    let store = Store::open(Options::at(folder.path().join("cache.db")));
    fill(&store, 0, 100_000);
    let id = |number: i64| {
        (1_830_000_000_000_000_000 + number * 7919 % 100, 1_840_000_000_000_000_000 + number * 4096)
    };
    let mut number = 0;
    c.bench_function("store/get/memory", |b| {
        b.iter(|| {
            number = (number + 1) % 10_000;
            let (channel, message) = id(99_999 - number);
            store.peek(channel, message).expect("it is in memory")
        });
    });
    c.bench_function("store/get/disk", |b| {
        b.iter(|| {
            number = (number + 7919) % 50_000;
            let (channel, message) = id(number);
            store.get(channel, message).expect("it is in the file")
        });
    });
    let (channel, _) = id(1);
    assert_eq!(store.list(channel, 50, 0).len(), 50);
    c.bench_function("store/list/50", |b| b.iter(|| store.list(channel, 50, 0)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(4));
    targets = write, read
}
criterion_main!(benches);

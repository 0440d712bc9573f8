//! Incoming frames: malformed ones, floods, and a bot or a store that cannot keep up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use prost::Message as _;

use super::super::{MessageSink, Options, State};
use super::bot::{Bot, MESSAGE, MS, Outcome, SEC, SEND, quick};
use super::net::Auto;
use crate::item::Capacity;
use crate::wire::proto::api::ChannelMessage;
use crate::wire::proto::realtime::ChannelMessageSend;
use crate::wire::{Body, Header};

#[tokio::test(start_paused = true)]
async fn malformed_frames_are_counted_and_the_connection_stays() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    let garbage: [&[u8]; 7] = [
        b"\xFF",
        b"\xFF\x00\x01\x00\x00\x00",
        b"\x08",
        b"\x08\x80",
        b"\xC2\x01\x7F",
        b"\x00\x00",
        b"\x0B\x0C",
    ];
    for frame in garbage {
        link.raw(frame);
    }
    link.raw(Bytes::new());
    link.typing(5);
    bot.settle().await;
    assert_eq!(bot.stat("malformed"), garbage.len() as u64);
    assert_eq!((bot.state(), bot.events.len()), (State::Ready, 1));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn answers_to_nobody_are_counted_whatever_their_cid() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.settle().await;
    let latency = bot.stat("latency_us");
    for cid in ["08d209ba0100", "08808004ba0100", "08ffffffffffffffffff01ba0100"] {
        let bytes: Vec<u8> =
            (0..cid.len() / 2).map(|at| u8::from_str_radix(&cid[2 * at..2 * at + 2], 16).unwrap()).collect();
        link.raw(bytes);
    }
    bot.settle().await;
    assert_eq!(bot.stat("unclaimed"), 3);
    assert_eq!(bot.stat("latency_us"), latency, "they answer no ping");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_pauses_the_reader_until_it_is_drained() {
    let options = Options { inbox: Capacity { events: 100, bytes: 1 << 20 }, ..Options::default() };
    let (mut bot, link) = Bot::ready(options).await;
    for n in 0..10_000 {
        link.message(1, n);
    }
    bot.sleep(5 * SEC).await;
    let depth = bot.inbox.depth();
    assert!(depth.high_water <= 100 + 256, "a turn beyond the bound, and no more: {depth:?}");
    assert!(link.unread() >= 9_000);
    bot.pass(5 * SEC).await;
    assert_eq!((bot.events.len(), link.unread()), (10_000, 0));
    assert!(bot.stat("pauses") >= 20);
    assert!(bot.inbox.depth().high_water <= 100 + 256);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_behind_a_full_inbox_is_read_while_its_call_waits() {
    let options = Options { inbox: Capacity { events: 500, bytes: 1 << 20 }, ..Options::default() };
    let (mut bot, link) = Bot::ready(options).await;
    for n in 0..600 {
        link.message(1, n);
    }
    bot.sleep(SEC).await;
    // The dispatch pauses: only answers are drained, and a handler awaits one.
    let call = bot.send(5 * SEC);
    for _ in 0..20 {
        bot.sleep(SEC / 10).await;
        bot.take_answers();
    }
    assert!(matches!(bot.outcome(call), Some(Outcome::Reply(..))), "{:?}", bot.outcome(call));
    assert!(bot.inbox.depth().events >= 500);
    bot.pass(5 * SEC).await;
    assert_eq!(bot.events.len(), 600);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bytes_count_as_well_as_events() {
    let options = Options { inbox: Capacity { events: 100_000, bytes: 1 << 20 }, ..Options::default() };
    let (mut bot, link) = Bot::ready(options).await;
    let big = crate::wire::encode_envelope(0, MESSAGE, &crate::wire::encode_envelope(0, 4, &[b'x'; 100_000]));
    for _ in 0..1000 {
        link.raw(big.clone());
    }
    bot.sleep(5 * SEC).await;
    assert!(bot.inbox.depth().bytes < (1 << 20) + 256 * 100_100);
    assert!(link.unread() > 500);
    bot.pass(5 * SEC).await;
    assert_eq!(bot.events.len(), 1000);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_close_is_heard_while_the_reader_pauses() {
    let options = Options { inbox: Capacity { events: 1, bytes: 1 << 20 }, ..Options::default() };
    let (mut bot, link) = Bot::ready(options).await;
    for n in 0..1000 {
        link.typing(n);
    }
    let call = bot.send(2 * SEC);
    bot.sleep(5 * SEC).await;
    assert_eq!(bot.gateway.stats().pending.load(Relaxed), 0, "deadlines are kept");
    bot.gateway.close();
    bot.until(State::Closed).await;
    assert!(bot.outcome(call).is_some());
    bot.finish().await;
}

#[derive(Default)]
struct Store {
    taken: Mutex<Vec<Body>>,
    sent: Mutex<Vec<Header>>,
    backlog: AtomicUsize,
    /// The results of the next checks, before `backlog`.
    checks: Mutex<VecDeque<usize>>,
}

impl MessageSink for Store {
    fn accept(&self, _: Header, body: Body) {
        self.taken.lock().unwrap().push(body);
    }

    fn accept_sent(&self, header: Header, body: Body) {
        self.sent.lock().unwrap().push(header);
        self.accept(header, body);
    }

    fn backlog(&self) -> usize {
        self.checks.lock().unwrap().pop_front().unwrap_or_else(|| self.backlog.load(Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lags_pauses_the_reader_until_it_has_caught_up() {
    let store = Arc::new(Store::default());
    let options = Options { max_store_backlog: 1000, ..Options::default() };
    let mut bot = Bot::with_sink(options, Some(store.clone()));
    bot.connect("ws://one").unwrap();
    bot.until(State::Ready).await;
    let link = bot.net.link();
    link.message(1, 1);
    store.backlog.store(1001, Relaxed);
    bot.pass(SEC).await;
    link.message(1, 2);
    bot.pass(60 * SEC).await;
    assert_eq!(store.taken.lock().unwrap().len(), 1);
    assert_eq!(bot.state(), State::Ready, "no verdict meanwhile");
    store.backlog.store(0, Relaxed);
    bot.pass(10 * MS).await;
    assert_eq!((store.taken.lock().unwrap().len(), bot.events.len()), (2, 2));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_catches_up_between_two_looks_stalls_nobody() {
    let store = Arc::new(Store::default());
    let mut bot = Bot::with_sink(Options { max_store_backlog: 1000, ..quick() }, Some(store.clone()));
    bot.connect("ws://one").unwrap();
    bot.until(State::Ready).await;
    let link = bot.net.link();
    // The store lags at two checks of the reader, and not afterwards.
    store.checks.lock().unwrap().extend([2000, 2000]);
    link.message(1, 1);
    bot.settle().await;
    link.message(1, 2);
    bot.pass(20 * MS).await;
    assert_eq!(bot.events.len(), 2);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn unwanted_messages_reach_the_store_and_not_the_bot() {
    let store = Arc::new(Store::default());
    let mut bot = Bot::with_sink(Options::default(), Some(store.clone()));
    bot.gateway.stats().set_wanted(MESSAGE, false);
    bot.connect("ws://one").unwrap();
    bot.until(State::Ready).await;
    bot.net.link().message(3, 1);
    bot.net.link().message(3, 2);
    bot.settle().await;
    assert_eq!((store.taken.lock().unwrap().len(), bot.events.len()), (2, 0));
    assert_eq!((bot.stat("skipped"), bot.gateway.stats().events(MESSAGE)), (2, 2));
    assert_eq!(bot.gateway.take_recent(3).count(), 2);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_bot_has_sent_is_kept_once_it_is_known_who_the_bot_is() {
    let store = Arc::new(Store::default());
    let mut bot = Bot::with_sink(Options::default(), Some(store.clone()));
    bot.connect("ws://one").unwrap();
    bot.until(State::Ready).await;
    let send = |topic_id| ChannelMessageSend {
        channel_id: 3,
        topic_id,
        content: "hello".into(),
        ..Default::default()
    };
    bot.call(SEND, send(11), 30 * SEC);
    bot.settle().await;
    assert_eq!(bot.gateway.take_recent(3).count(), 0, "no one asked for them");
    bot.gateway.set_own_id(7);
    // The scripted server acknowledges with the topic's id as the message's id.
    bot.call(SEND, send(12), 30 * SEC);
    bot.settle().await;
    let kept: Vec<_> =
        bot.gateway.take_recent(3).map(|body| ChannelMessage::decode(&body[..]).unwrap()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].message_id, kept[0].sender_id, kept[0].content.as_str()), (12, 7, "hello"));
    let sent = store.sent.lock().unwrap().clone();
    assert_eq!(sent.iter().map(|header| (header.id, header.sender)).collect::<Vec<_>>(), [(12, 7)]);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_keeps_no_call_and_no_close_waiting() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.gateway.stats().set_wanted(super::bot::TYPING, false);
    for n in 0..50_000 {
        link.typing(n);
    }
    let call = bot.send(30 * SEC);
    bot.settle().await;
    assert!(matches!(bot.outcome(call), Some(Outcome::Reply(..))));
    assert_eq!(bot.stat("frames_received"), 50_002, "with the answer, and that to the first ping");
    link.auto(Auto::NONE);
    bot.finish().await;
}

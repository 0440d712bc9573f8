//! Pings, silent peers, and peers that accept no data.

use std::time::Duration;

use super::super::{Failure, Options, State};
use super::bot::{Bot, MS, SEC, TYPING, quick};
use super::net::Auto;
use crate::item::Capacity;
use crate::wire::proto::realtime::{Ping, envelope::Message};
use crate::wire::tags::envelope::{PING, PONG};

/// The maximum alignment of a ping.
const EARLY: Duration = Duration::from_millis(250);

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_noticed_within_twenty_seconds_and_not_waited_for() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.auto(Auto::NONE);
    let call = bot.send(60 * SEC);
    let start = tokio::time::Instant::now();
    let reason = bot.until(State::Backoff).await;
    assert_eq!(reason, "no frame came within 10 s after a ping");
    assert!(start.elapsed() <= 20 * SEC + 5 * MS, "{:?}", start.elapsed());
    assert!(matches!(bot.failure(call), Some(Failure::DeliveryUnknown(_))));
    assert_eq!((link.goodbyes(), link.held()), (0, false));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_owes_an_answer_is_not_waited_for_at_close() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto::NONE);
    bot.pass(15 * SEC).await;
    assert_eq!(link.pings().len(), 1);
    let start = tokio::time::Instant::now();
    bot.gateway.close();
    bot.until(State::Closed).await;
    assert!(start.elapsed() < MS);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_on_its_way_is_no_reason_to_leave_without_goodbye() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto { pings: false, ..Auto::ALL });
    bot.pass(10 * SEC + 5 * MS).await;
    assert_eq!(link.pings().len(), 1);
    bot.gateway.close();
    bot.until(State::Closed).await;
    assert_eq!(link.goodbyes(), 1);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn any_frame_is_a_sign_of_life() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto { pings: false, ..Auto::ALL });
    for n in 0..40 {
        bot.pass(9 * SEC).await;
        match n % 4 {
            0 => link.other(),
            1 => link.typing(1),
            2 => link.raw(&b"\x07garbage"[..]),
            _ => link.chunk(999, 0, true, &[]),
        }
    }
    assert_eq!(bot.state(), State::Ready);
    assert_eq!(bot.seen().len(), 3);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_round_trip_of_the_last_ping_is_known() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.settle().await;
    assert_eq!(bot.stat("latency_us"), 1, "the first ping went out at once, and was answered at once");
    assert!(link.first_ping().is_some() && link.pings().is_empty());
    link.auto(Auto { pings: false, ..Auto::ALL });
    bot.pass(10 * SEC - EARLY - 10 * MS).await;
    for wait in [40, 250] {
        let ping = loop {
            if let Some(ping) = link.pings().last().filter(|ping| ping.at + SEC > tokio::time::Instant::now())
            {
                break ping.clone();
            }
            bot.pass(MS).await;
        };
        let late = ping.at + Duration::from_millis(wait) - tokio::time::Instant::now();
        bot.pass(late).await;
        link.answer(&ping);
        bot.settle().await;
        let trip = Duration::from_micros(bot.stat("latency_us"));
        assert!(trip >= wait as u32 * MS && trip < (wait as u32 + 4) * MS, "{trip:?}");
        bot.pass(5 * SEC).await;
    }
    assert_eq!(bot.stat("unclaimed"), 0);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn pings_come_every_ten_seconds_and_count_with_the_limiter() {
    let (mut bot, link) = Bot::ready(Options { rate_limit: 1, ..Options::default() }).await;
    bot.pass(5 * SEC).await;
    let calls: Vec<_> = (0..30).map(|_| bot.send(120 * SEC)).collect();
    bot.pass(60 * SEC).await;
    assert_eq!(link.pings().len(), 6, "the limiter does not hold them up");
    assert!(calls.iter().all(|id| bot.outcome(*id).is_some()));
    let last = link.got().last().unwrap().at - link.got()[0].at;
    assert!(last >= 31 * SEC, "29 calls and 3 pings at 1 a second took {last:?}");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_reader_is_no_verdict() {
    let options = Options { inbox: Capacity { events: 10, bytes: 1 << 20 }, ..Options::default() };
    let (mut bot, link) = Bot::ready(options).await;
    for n in 0..1000 {
        link.typing(n);
    }
    bot.sleep(600 * SEC).await;
    assert!(link.unread() > 0, "the reader pauses");
    assert!(link.pings().len() >= 59, "pings go on");
    assert_eq!(bot.gateway.state(), State::Ready);
    bot.pass(SEC).await;
    assert_eq!(bot.events.len(), 1000);
    assert_eq!(bot.seen().len(), 3, "it was never lost");
    // From now on the silence counts again.
    link.auto(Auto::NONE);
    let start = tokio::time::Instant::now();
    bot.until(State::Backoff).await;
    assert!(start.elapsed() <= 20 * SEC + 5 * MS);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_while_writing_is_stuck() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.stick(true);
    let (expires, waits) = (bot.send(5 * SEC), bot.send(600 * SEC));
    for n in 0..100 {
        bot.pass(SEC).await;
        link.typing(n);
    }
    bot.settle().await;
    assert_eq!(bot.events.iter().filter(|(tag, _)| *tag == TYPING).count(), 100);
    assert_eq!(bot.state(), State::Ready, "a peer that speaks is alive");
    assert_eq!(bot.failure(expires), Some(&Failure::NotSent));
    assert!(link.got().is_empty());
    link.stick(false);
    bot.settle().await;
    assert!(bot.outcome(waits).is_some());
    assert_eq!(link.pings().len(), 1, "those that were missed are not made up for");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_and_says_nothing_is_dead() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.stick(true);
    let call = bot.send(600 * SEC);
    let start = tokio::time::Instant::now();
    bot.until(State::Backoff).await;
    assert!(start.elapsed() <= 20 * SEC + 5 * MS, "{:?}", start.elapsed());
    bot.serve_until(State::Ready).await;
    bot.settle().await;
    assert!(bot.outcome(call).is_some(), "it was never sent, and is now");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_finds_its_connection_alive() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto::NONE);
    bot.pass(10 * SEC + 5 * MS).await;
    link.answer(&link.pings()[0]);
    tokio::time::advance(Duration::from_secs(3600)).await;
    bot.settle().await;
    assert_eq!(bot.state(), State::Ready);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_dead_from_the_start_is_noticed_in_ten_seconds() {
    let mut bot = Bot::new(quick());
    bot.net.auto(Auto::NONE);
    bot.connect("ws://one").unwrap();
    bot.until(State::Ready).await;
    let start = tokio::time::Instant::now();
    bot.until(State::Backoff).await;
    assert!(start.elapsed() <= 10 * SEC + 5 * MS, "{:?}", start.elapsed());
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_can_be_ordered() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.settle().await;
    assert!(bot.gateway.ping());
    bot.settle().await;
    assert_eq!(link.pings().len(), 1);
    // The next ping follows after the usual interval, aligned as usual.
    bot.pass(10 * SEC - EARLY - 10 * MS).await;
    assert_eq!(link.pings().len(), 1);
    bot.pass(EARLY + 20 * MS).await;
    assert_eq!(link.pings().len(), 2);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn pings_of_the_servers_are_answered_and_are_no_call_s_answer() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto::PINGS);
    let call = bot.send(30 * SEC);
    bot.settle().await;
    let cid = link.got()[0].cid;
    // Without a cid the ping is an event as well, if there is a listener.
    bot.gateway.stats().set_wanted(PING, true);
    // The server numbers its pings independently: a ping may have the cid of a pending call.
    for cid in [0, cid, 777] {
        link.send(cid, Message::Ping(Ping {}));
    }
    bot.settle().await;
    let mut pongs: Vec<_> = link.got().iter().filter(|got| got.tag == PONG).map(|got| got.cid).collect();
    pongs.sort_unstable();
    assert_eq!(pongs, [0, cid, 777]);
    assert_eq!((bot.outcome(call), bot.stat("unclaimed")), (None, 0));
    assert_eq!(bot.events.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), [PING]);
    bot.gateway.stats().set_wanted(PING, false);
    // A flood of pings is answered in part.
    for _ in 0..1000 {
        link.send(0, Message::Ping(Ping {}));
    }
    bot.settle().await;
    assert!(link.got().len() < 300);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_on_a_slow_line_is_a_sign_of_life() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.settle().await;
    link.auto(Auto::NONE);
    // 3 MiB at 100 kB/s.
    for _ in 0..32 {
        link.drip(100_000);
        bot.pass(SEC).await;
    }
    link.message(1, 1);
    bot.settle().await;
    assert_eq!((bot.state(), bot.events.len(), bot.seen().len()), (State::Ready, 1, 3));
    // Single bytes now and then are not a sign of life.
    let start = tokio::time::Instant::now();
    while bot.state() == State::Ready {
        link.drip(1);
        bot.pass(100 * MS).await;
    }
    assert!(start.elapsed() <= 20 * SEC + 200 * MS, "{:?}", start.elapsed());
    bot.finish().await;
}

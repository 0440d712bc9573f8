//! The frame limiter and retries: no second with more than eighty frames, and no retry before the server allows
//! it.

use std::time::Duration;

use tokio::time::Instant;

use super::super::{Failure, Options, State};
use super::bot::{API, Bot, ERROR, MS, Outcome, SEC, quick};
use super::net::{Auto, Got, Link};
use crate::wire::proto::realtime::{ApiRequestEvent, Error, MessageTypingEvent, Ping, envelope::Message};
use crate::wire::tags::envelope::PONG;

/// Return the maximum number of frames in any second, pings included.
fn most_in_a_second(got: &[Got]) -> usize {
    let seen = |from: &Got| got.iter().filter(|one| from.at <= one.at && one.at < from.at + SEC).count();
    got.iter().map(seen).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn eighty_frames_go_out_in_any_second() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.pass(SEC).await;
    let start = Instant::now();
    // One of eighty slots is reserved for pings.
    let calls: Vec<_> = (0..474).map(|_| bot.send(30 * SEC)).collect();
    bot.pass(5 * SEC + 20 * MS).await;
    let times: Vec<_> = link.got().iter().map(|got| got.at - start).collect();
    assert_eq!(times.len(), calls.len());
    for (n, at) in times.iter().enumerate() {
        // tokio's timers have a resolution of milliseconds.
        let due = SEC * (n / 79) as u32;
        assert!(*at >= due && *at <= due + 10 * MS, "frame {n} after {at:?}, due {due:?}");
    }
    bot.pass(10 * SEC).await;
    assert_eq!(link.pings().len(), 1);
    assert!(most_in_a_second(&link.all()) <= 80, "the ping among them");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn calls_nobody_answers_wait_for_the_answer_to_a_ping() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto::PINGS);
    for n in 0..400 {
        let typing = MessageTypingEvent { channel_id: n, ..Default::default() };
        bot.call(24, typing, 30 * SEC);
    }
    bot.pass(12 * SEC).await;
    assert_eq!(link.got().len(), 400);
    assert!(most_in_a_second(&link.all()) <= 80);
    bot.pass(30 * SEC).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stalls_is_not_flooded_after_it() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.settle().await;
    link.auto(Auto::NONE);
    for _ in 0..500 {
        bot.send(60 * SEC);
    }
    // The server stalls for a while and then receives all frames at once.
    bot.pass(5 * SEC).await;
    assert!(link.all().len() <= 82, "{} wait for it", link.all().len());
    let held = link.all().len() - 1;
    for got in link.got() {
        link.answer(&got);
    }
    link.auto(Auto::ALL);
    bot.pass(999 * MS).await;
    assert!(link.all().len() - 1 <= held + 1, "it had its eighty");
    bot.pass(30 * SEC).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_does_not_begin_anew() {
    for by_close in [false, true] {
        let (mut bot, link) = Bot::ready(quick()).await;
        bot.net.auto(Auto::PINGS);
        link.auto(Auto::PINGS);
        let mut all = Vec::new();
        for _ in 0..4 {
            for _ in 0..200 {
                bot.send(60 * SEC);
            }
            bot.pass(100 * MS).await;
            all.extend(bot.net.link().all());
            if by_close {
                bot.gateway.close();
                bot.until(State::Closed).await;
                bot.connect("ws://again").unwrap();
                bot.until(State::Ready).await;
            } else {
                bot.reconnect().await;
            }
        }
        assert!(all.len() >= 79, "as much as may be goes out");
        assert!(most_in_a_second(&all) <= 80, "{}", most_in_a_second(&all));
        bot.finish().await;
    }
}

/// Over TCP each handshake includes a ping, and the first regular one follows at once: several reconnects in a row
/// send two pings each.
#[tokio::test(start_paused = true)]
async fn the_pings_of_handshakes_wait_for_their_places() {
    let options = Options { heartbeat_interval: 3 * SEC, ..quick() };
    let mut bot = Bot::new(options);
    bot.connect("tcp://one?token=t").unwrap();
    bot.until(State::Ready).await;
    let mut all = Vec::new();
    for round in 0..12 {
        for _ in 0..100 {
            bot.send(600 * SEC);
        }
        // Each loss at another moment of the second.
        bot.pass(MS * (40 + 130 * round)).await;
        all.extend(bot.net.link().all().iter().map(|got| got.at));
        bot.net.link().cut("cut");
        let generation = bot.asked().await;
        bot.gateway.provide_session(generation, vec!["tcp://again?token=t".into()]);
        bot.until(State::Ready).await;
    }
    bot.pass(20 * SEC).await;
    all.extend(bot.net.link().all().iter().map(|got| got.at));
    let handshake_pings = bot.net.handshake_pings();
    assert_eq!((bot.net.links(), handshake_pings.len()), (13, 13));
    all.extend(handshake_pings);
    let seen = |from: &Instant| all.iter().filter(|at| *from <= **at && **at < *from + SEC).count();
    let most = all.iter().map(seen).max().unwrap();
    assert!((79..=80).contains(&most), "{most}");
    bot.finish().await;
}

/// The server's pings are answered within the limit.
#[tokio::test(start_paused = true)]
async fn the_answers_to_the_servers_pings_count() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.pass(SEC).await;
    for _ in 0..100 {
        bot.send(600 * SEC);
    }
    for cid in 1..=10 {
        link.send(1000 + cid, Message::Ping(Ping {}));
        bot.pass(10 * MS).await;
    }
    bot.pass(2 * SEC).await;
    let pongs = link.all().iter().filter(|got| got.tag == PONG).count();
    assert_eq!((pongs, link.all().len()), (10, 111), "with the first ping");
    assert!(most_in_a_second(&link.all()) <= 80);
    bot.finish().await;
}

fn too_many(link: &Link, got: &Got, context: &[(&str, &str)]) {
    let context = context.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    link.send(got.cid, Message::Error(Error { code: 429, message: "slow down".into(), context }));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_too_many_of_goes_again_in_order() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.auto(Auto::PINGS);
    let calls: Vec<_> = (0..5).map(|n| bot.send_marked(n, 30 * SEC)).collect();
    bot.settle().await;
    let first = link.got();
    link.answer(&first[0]);
    for got in &first[1..] {
        too_many(&link, got, &[("retry_after", "2.5")]);
    }
    bot.settle().await;
    // Later messages wait behind them; other calls do not wait.
    let later = bot.send_marked(5, 30 * SEC);
    let other = bot.call(API, ApiRequestEvent::default(), 30 * SEC);
    bot.pass(2 * SEC).await;
    assert_eq!(link.got().len(), 6, "{:?}", link.got());
    assert_eq!(link.got()[5].tag, API);
    bot.pass(SEC).await;
    link.auto(Auto::ALL);
    for got in &link.got()[5..] {
        link.answer(got);
    }
    bot.settle().await;
    assert!(bot.outcome(other).is_some());
    let marks: Vec<_> = link.got()[6..].iter().map(mark).collect();
    assert_eq!(marks, [1, 2, 3, 4, 5]);
    for id in calls.iter().chain([&later]) {
        assert!(matches!(bot.outcome(*id), Some(Outcome::Reply(7, _))), "{:?}", bot.outcome(*id));
    }
    assert_eq!(bot.stat("sent_again"), 4);
    bot.finish().await;
}

fn mark(got: &Got) -> i64 {
    match &got.message {
        Message::ChannelMessageSend(send) => send.topic_id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_figure_the_waits_grow_and_the_deadline_ends_them() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.auto(Auto::PINGS);
    let call = bot.send(20 * SEC);
    let mut seen = 0;
    let start = Instant::now();
    while bot.outcome(call).is_none() {
        bot.pass(10 * MS).await;
        for got in &link.got()[seen..] {
            seen += 1;
            too_many(&link, got, &[]);
        }
    }
    assert!((5..9).contains(&seen), "{seen} times in {:?}", start.elapsed());
    assert!(
        matches!(bot.outcome(call), Some(Outcome::Reply(ERROR, _))),
        "the server's own answer is the last word"
    );
    let times: Vec<_> = link.got().iter().map(|got| got.at).collect();
    for (n, pair) in times.windows(2).enumerate() {
        let bound = Duration::from_millis(500) * 2u32.pow(n as u32);
        let waited = pair[1] - pair[0];
        assert!(waited >= bound / 2 && waited <= bound + 20 * MS, "wait {n} was {waited:?}");
    }
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_join_of_a_reconnect_goes_again_too() {
    let (mut bot, link) = Bot::ready(quick()).await;
    bot.join(5);
    bot.settle().await;
    bot.net.auto(Auto::PINGS);
    link.cut("cut");
    bot.serve_until(State::Joining).await;
    bot.settle().await;
    let link = bot.net.link();
    too_many(&link, &link.got()[0], &[("retry_after", "1")]);
    bot.pass(900 * MS).await;
    assert_eq!((bot.state(), link.got().len()), (State::Joining, 1));
    bot.pass(200 * MS).await;
    assert_eq!(link.got().len(), 2);
    link.answer(&link.got()[1]);
    bot.until(State::Ready).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn only_calls_of_the_api_get_their_answer_in_chunks_and_all_share_one_bound() {
    let (mut bot, link) = Bot::ready(Options { max_raw: 1000, ..quick() }).await;
    link.auto(Auto::PINGS);
    let message = bot.send(30 * SEC);
    let calls: Vec<_> = (0..3).map(|_| bot.call(API, ApiRequestEvent::default(), 30 * SEC)).collect();
    bot.settle().await;
    let cids: Vec<_> = link.got().iter().map(|got| got.cid).collect();
    link.chunk(cids[0], 0, false, &[1; 900]);
    bot.settle().await;
    assert_eq!((bot.stat("unclaimed"), bot.outcome(message)), (1, None), "a message's answer is no raw one");
    // Each alone is within the bound.
    link.chunk(cids[1], 0, false, &[1; 600]);
    link.chunk(cids[2], 0, false, &[1; 300]);
    link.chunk(cids[3], 0, false, &[1; 200]);
    bot.settle().await;
    assert_eq!(bot.failure(calls[2]), Some(&super::super::Failure::TooLong));
    // A finished call frees its share, whatever its outcome.
    bot.cancel(calls[0]);
    bot.settle().await;
    link.chunk(cids[2], 0, false, &[1; 600]);
    link.chunk(cids[2], 0, true, &[1; 100]);
    bot.settle().await;
    assert!(matches!(bot.outcome(calls[1]), Some(Outcome::Raw(body)) if body.len() == 1000));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn no_call_goes_out_after_the_end_of_a_lease() {
    let (mut bot, link) = Bot::ready(quick()).await;
    bot.gateway.renew_lease(SEC);
    let first = bot.send(10 * SEC);
    bot.pass(100 * MS).await;
    assert!(matches!(bot.outcome(first), Some(Outcome::Reply(..))), "{:?}", bot.outcome(first));
    // The process is suspended for a while: when it resumes, both the call and the end of the lease are in the
    // past.
    let late = bot.send(10 * SEC);
    tokio::time::advance(2 * SEC).await;
    let never = bot.send(SEC);
    bot.pass(3 * SEC).await;
    assert_eq!(link.got().len(), 1);
    assert!(bot.outcome(late).is_none(), "it may go yet");
    assert!(
        matches!(bot.outcome(never), Some(Outcome::Failed(Failure::NotSent))),
        "{:?}",
        bot.outcome(never)
    );
    // Pings continue: the connection is intact, and with a new lease the call is sent.
    assert_eq!(bot.gateway.state(), State::Ready);
    bot.gateway.renew_lease(SEC);
    bot.pass(200 * MS).await;
    assert!(matches!(bot.outcome(late), Some(Outcome::Reply(..))), "{:?}", bot.outcome(late));
    assert_eq!(link.got().len(), 2);
    bot.finish().await;
}

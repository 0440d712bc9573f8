//! Joins after a reconnect.

use super::super::{Options, State};
use super::bot::{Bot, CHANNEL_JOIN, CHANNEL_LEAVE, CLAN_JOIN, MS, Outcome, SEC, quick};
use super::net::{Auto, Got, Link};
use crate::wire::proto::realtime::envelope::Message;

/// Return (tag, clan or channel) of the joins that the client has sent.
pub fn targets(got: &[Got]) -> Vec<(u32, i64)> {
    let target = |got: &Got| match &got.message {
        Message::ClanJoin(join) => Some((CLAN_JOIN, join.clan_id)),
        Message::ChannelJoin(join) => Some((CHANNEL_JOIN, join.channel_id)),
        Message::ChannelLeave(leave) => Some((CHANNEL_LEAVE, leave.channel_id)),
        _ => None,
    };
    got.iter().filter_map(target).collect()
}

/// Two clans and three channels; channel 12 was used last, then 13, then 11.
async fn settled(options: Options) -> (Bot, Link) {
    let (mut bot, link) = Bot::ready(options).await;
    bot.join(11);
    bot.join_clan(1);
    bot.join(12);
    bot.join_clan(2);
    bot.join(13);
    bot.settle().await;
    link.message(12, 1);
    bot.settle().await;
    assert_eq!(bot.stat("joined"), 5);
    (bot, link)
}

const ORDER: [(u32, i64); 5] =
    [(CLAN_JOIN, 2), (CLAN_JOIN, 1), (CHANNEL_JOIN, 12), (CHANNEL_JOIN, 13), (CHANNEL_JOIN, 11)];

#[tokio::test(start_paused = true)]
async fn clans_come_first_then_the_channels_used_last_at_every_reconnect() {
    let (mut bot, _) = settled(quick()).await;
    for _ in 0..4 {
        let link = bot.reconnect().await;
        assert_eq!(targets(&link.got()), ORDER);
    }
    bot.net.link().message(11, 2);
    bot.settle().await;
    let link = bot.reconnect().await;
    assert_eq!(targets(&link.got())[2..], [(CHANNEL_JOIN, 11), (CHANNEL_JOIN, 12), (CHANNEL_JOIN, 13)]);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn calls_wait_until_all_is_joined() {
    let (mut bot, link) = settled(quick()).await;
    bot.net.auto(Auto { joins: false, ..Auto::ALL });
    link.cut("cut");
    bot.serve_until(State::Joining).await;
    let call = bot.send(30 * SEC);
    bot.settle().await;
    let link = bot.net.link();
    assert_eq!(targets(&link.got()), ORDER);
    for got in &link.got()[..4] {
        link.answer(got);
    }
    bot.settle().await;
    assert_eq!((bot.state(), link.got().len()), (State::Joining, 5));
    link.answer(&link.got()[4]);
    bot.until(State::Ready).await;
    bot.settle().await;
    assert!(matches!(bot.outcome(call), Some(Outcome::Reply(..))));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_does_not_hinder_the_others() {
    let (mut bot, link) = settled(quick()).await;
    for _ in 0..2 {
        bot.net.auto(Auto::PINGS);
        bot.net.link().cut("cut");
        bot.serve_until(State::Joining).await;
        bot.settle().await;
        let link = bot.net.link();
        for (n, got) in link.got().iter().enumerate() {
            if n == 2 { link.refuse(got) } else { link.answer(got) }
        }
        bot.until(State::Ready).await;
        // The failure may be temporary: the target stays in the list.
        assert_eq!(targets(&link.got()), ORDER);
    }
    drop(link);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn joins_that_are_never_answered_are_not_waited_for_long() {
    let (mut bot, link) = settled(quick()).await;
    let call = bot.send(60 * SEC);
    bot.settle().await;
    assert!(bot.outcome(call).is_some());
    bot.net.auto(Auto::PINGS);
    link.cut("cut");
    bot.serve_until(State::Joining).await;
    let start = tokio::time::Instant::now();
    let waits = bot.send(60 * SEC);
    bot.until(State::Ready).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    bot.settle().await;
    let link = bot.net.link();
    assert_eq!(link.got().len(), 6, "the call goes out");
    for got in link.got() {
        link.answer(&got);
    }
    bot.settle().await;
    assert!(matches!(bot.outcome(waits), Some(Outcome::Reply(..))));
    assert_eq!(bot.stat("unclaimed"), 5, "the joins were given up");
    assert_eq!(bot.stat("joined"), 5);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_while_joining_loses_nothing() {
    let (mut bot, link) = settled(quick()).await;
    link.cut("cut");
    bot.net.auto(Auto::PINGS);
    bot.serve_until(State::Joining).await;
    bot.settle().await;
    let link = bot.net.link();
    link.answer(&link.got()[0]);
    link.refuse(&link.got()[1]);
    link.cut("again");
    bot.settle().await;
    bot.net.auto(Auto::ALL);
    bot.serve_until(State::Ready).await;
    assert_eq!(targets(&bot.net.link().got()), ORDER);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn only_joins_that_were_granted_are_kept() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.auto(Auto::PINGS);
    let (granted, refused, cancelled) = (bot.join(1), bot.join(2), bot.join(3));
    bot.settle().await;
    bot.cancel(cancelled);
    bot.settle().await;
    let got = link.got();
    link.answer(&got[0]);
    link.refuse(&got[1]);
    link.answer(&got[2]);
    bot.settle().await;
    assert!(bot.outcome(granted).is_some() && bot.outcome(refused).is_some());
    assert_eq!(targets(&bot.reconnect().await.got()), [(CHANNEL_JOIN, 1)]);
    bot.leave(1);
    bot.settle().await;
    assert_eq!(bot.stat("joined"), 0);
    assert_eq!(targets(&bot.reconnect().await.got()), []);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn joins_keep_to_the_limit_and_calls_take_turns_with_those_that_take_too_long() {
    // 60 joins at 4 per second take 15 s, 5 s longer than the limit.
    let (mut bot, _) = Bot::ready(Options { rate_limit: 4, ..quick() }).await;
    for id in 0..60 {
        bot.join(id);
    }
    bot.pass(20 * SEC).await;
    assert_eq!(bot.stat("joined"), 60);
    bot.net.link().cut("cut");
    bot.serve_until(State::Joining).await;
    let start = tokio::time::Instant::now();
    let calls: Vec<_> = (0..4).map(|_| bot.send(60 * SEC)).collect();
    bot.until(State::Ready).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    bot.pass(2 * SEC + 50 * MS).await;
    assert!(calls.iter().all(|id| bot.outcome(*id).is_some()), "they need not wait for the last join");
    bot.pass(10 * SEC).await;
    let joined = targets(&bot.net.link().got());
    assert_eq!(joined.len(), 60);
    // A channel that is left before its turn is not joined again.
    bot.net.link().cut("cut");
    bot.serve_until(State::Ready).await;
    bot.leave(joined[59].1);
    bot.pass(20 * SEC).await;
    let places = targets(&bot.net.link().got());
    assert_eq!(places.len(), 60, "59 joins and a leave");
    assert!(!places.contains(&joined[59]));
    bot.finish().await;
}

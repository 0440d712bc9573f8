//! Calls: each has exactly one outcome, whatever happens to the connection.

use std::time::Duration;

use prost::Message as _;

use super::super::commands::MAX_HELD;
use super::super::{Denied, Failure, Options, State};
use super::bot::{API, Bot, ERROR, Outcome, SEC, SEND, quick};
use super::net::{Auto, Plan};
use crate::wire::proto::realtime::{ApiRequestEvent, ChannelMessageAck};

fn mark(outcome: Option<&Outcome>) -> i64 {
    match outcome {
        Some(Outcome::Reply(_, body)) => ChannelMessageAck::decode(&body[..]).unwrap().message_id,
        other => panic!("no answer: {other:?}"),
    }
}

async fn silent(options: Options) -> (Bot, super::net::Link) {
    let (bot, link) = Bot::ready(options).await;
    link.auto(Auto::PINGS);
    (bot, link)
}

#[tokio::test(start_paused = true)]
async fn calls_made_too_early_are_sent_in_order_when_it_is_ready() {
    let mut bot = Bot::new(Options { rate_limit: 0, ..quick() });
    bot.net.plan(Plan::AcceptAfter(5 * SEC));
    bot.connect("ws://one").unwrap();
    let late: Vec<_> =
        (1..=500).map(|n| bot.send_marked(n, if n % 5 == 0 { SEC } else { 30 * SEC })).collect();
    bot.until(State::Ready).await;
    bot.settle().await;
    let sent: Vec<_> = bot.net.link().got().into_iter().map(|got| got.cid).collect();
    assert_eq!(sent, (1..=400).collect::<Vec<u16>>());
    for (n, id) in (1..=500).zip(late) {
        if n % 5 == 0 {
            assert_eq!(bot.failure(id), Some(&Failure::NotSent));
        } else {
            assert_eq!(mark(bot.outcome(id)), n, "the answer is that of the call");
        }
    }
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_through_a_loss_is_sent_after_it_or_fails_at_its_deadline() {
    let (mut bot, link) = silent(quick()).await;
    link.cut("cut");
    bot.asked().await;
    let (early, late, cancelled) =
        (bot.send_marked(1, 5 * SEC), bot.send_marked(2, 60 * SEC), bot.send(60 * SEC));
    bot.cancel(cancelled);
    let made = tokio::time::Instant::now();
    while bot.outcome(early).is_none() {
        bot.next().await;
    }
    assert_eq!(made.elapsed().as_secs(), 5);
    assert_eq!(bot.failure(early), Some(&Failure::NotSent));
    assert_eq!(bot.stat("pending"), 1);
    let generation = bot.wanted[0].0;
    bot.gateway.provide_session(generation, vec!["ws://two".into()]);
    bot.until(State::Ready).await;
    bot.settle().await;
    assert_eq!(mark(bot.outcome(late)), 2);
    assert_eq!(bot.net.link().got().len(), 1);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_fail_at_once_when_the_connection_is_lost() {
    let (mut bot, link) = silent(quick()).await;
    let calls: Vec<_> = (0..20).map(|_| bot.send(30 * SEC)).collect();
    bot.settle().await;
    assert_eq!(bot.stat("pending"), 20);
    link.cut("cut");
    bot.settle().await;
    for id in &calls {
        assert_eq!(bot.failure(*id), Some(&Failure::DeliveryUnknown("cut".into())));
    }
    assert_eq!(bot.done, calls, "in the order they were made");
    bot.serve_until(State::Ready).await;
    assert!(bot.net.link().got().is_empty(), "what may have arrived is not sent twice");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_write_fails_is_told_like_the_others() {
    let (mut bot, link) = silent(quick()).await;
    link.break_on_send();
    let (first, second) = (bot.send(30 * SEC), bot.send(30 * SEC));
    bot.settle().await;
    assert_eq!(bot.failure(first), Some(&Failure::DeliveryUnknown("broken pipe".into())));
    assert_eq!(bot.outcome(second), None, "it was never tried, and waits");
    bot.serve_until(State::Ready).await;
    bot.settle().await;
    assert_eq!(mark(bot.outcome(second)), 1);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn answers_in_any_order_find_their_calls() {
    let (mut bot, link) = silent(quick()).await;
    let calls: Vec<_> = (0..50).map(|n| bot.send_marked(n, 30 * SEC)).collect();
    bot.settle().await;
    let mut got = link.got();
    got.reverse();
    got.swap(3, 17);
    for got in &got {
        link.answer(got);
    }
    bot.settle().await;
    for (n, id) in calls.into_iter().enumerate() {
        assert_eq!(mark(bot.outcome(id)), n as i64);
    }
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_too_late_is_counted_and_nobody_elses() {
    let (mut bot, link) = silent(quick()).await;
    let (slow, cancelled) = (bot.send(2 * SEC), bot.send(30 * SEC));
    bot.settle().await;
    bot.cancel(cancelled);
    bot.pass(3 * SEC).await;
    assert_eq!(bot.failure(slow), Some(&Failure::Timeout));
    assert_eq!(bot.stat("pending"), 0);
    let next = bot.send_marked(9, 30 * SEC);
    bot.settle().await;
    for got in link.got() {
        link.answer(&got);
        link.answer(&got);
    }
    bot.settle().await;
    assert_eq!(bot.outcome(cancelled), None);
    assert_eq!(mark(bot.outcome(next)), 9);
    assert_eq!(bot.stat("unclaimed"), 5, "two late, their doubles, and the double of the third");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_twice_or_what_is_over_or_never_was_changes_nothing() {
    let (mut bot, _) = Bot::ready(quick()).await;
    let done = bot.send(30 * SEC);
    bot.settle().await;
    bot.gateway.cancel(done);
    bot.gateway.cancel(0);
    bot.gateway.cancel(u64::MAX);
    bot.net.link().auto(Auto::PINGS);
    let open = bot.send(30 * SEC);
    bot.settle().await;
    bot.cancel(open);
    bot.cancel(open);
    bot.settle().await;
    assert_eq!(bot.stat("pending"), 0);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_joins_of_a_reconnect_cannot_be_cancelled() {
    let (mut bot, link) = Bot::ready(quick()).await;
    bot.join(5);
    bot.settle().await;
    bot.net.auto(Auto::PINGS);
    link.cut("cut");
    bot.serve_until(State::Joining).await;
    bot.settle().await;
    bot.gateway.cancel(0);
    bot.settle().await;
    assert_eq!((bot.state(), bot.stat("pending")), (State::Joining, 0));
    let link = bot.net.link();
    link.answer(&link.got()[0]);
    bot.until(State::Ready).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_wait_than_the_bound_says() {
    let (mut bot, link) = silent(Options { max_pending: 10, ..quick() }).await;
    for _ in 0..10 {
        bot.send(SEC);
    }
    assert_eq!(bot.gateway.call(8, "".into(), SEC), Err(Denied::TooManyPending(10)));
    bot.settle().await;
    // Every outcome frees a slot: an answer, a refusal, a deadline, a cancellation, a loss.
    let got = link.got();
    link.answer(&got[0]);
    link.refuse(&got[1]);
    bot.settle().await;
    assert!(matches!(bot.outcome(2), Some(Outcome::Reply(ERROR, _))));
    let (third, _) = (bot.send(30 * SEC), bot.send(30 * SEC));
    assert_eq!(bot.gateway.call(8, "".into(), SEC), Err(Denied::TooManyPending(10)));
    bot.cancel(third);
    bot.pass(SEC).await;
    assert_eq!(bot.stat("pending"), 1);
    link.cut("cut");
    bot.settle().await;
    assert_eq!(bot.stat("pending"), 0);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn cids_wrap_around_and_step_over_what_still_waits() {
    let (mut bot, link) = Bot::ready(Options { rate_limit: 0, max_pending: 100_000, ..quick() }).await;
    link.auto(Auto::PINGS);
    let held: Vec<_> = (0..3).map(|n| bot.send_marked(1000 + n, 3600 * SEC)).collect();
    bot.settle().await;
    let waiting = link.got();
    link.auto(Auto::ALL);
    for _ in 0..7 {
        let calls: Vec<_> = (0..10_000).map(|n| bot.send_marked(n, 30 * SEC)).collect();
        bot.settle().await;
        for (n, id) in calls.into_iter().enumerate() {
            assert_eq!(mark(bot.outcome(id)), n as i64);
        }
    }
    let cids: Vec<_> = link.got().iter().map(|got| got.cid).collect();
    assert_eq!(cids[..4], [1, 2, 3, 4]);
    let wrap = cids.iter().position(|cid| *cid == u16::MAX).expect("all are used");
    assert_eq!(cids[wrap + 1], 4, "0 is for events; 1 to 3 still wait");
    for got in &waiting {
        link.answer(got);
    }
    bot.settle().await;
    for (n, id) in held.into_iter().enumerate() {
        assert_eq!(mark(bot.outcome(id)), 1000 + n as i64);
    }
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_cids_wait_for_one() {
    let options = Options { rate_limit: 0, max_pending: 100_000, ..quick() };
    let (mut bot, link) = silent(options).await;
    let calls: Vec<_> = (0..65_540).map(|_| bot.send(9 * SEC)).collect();
    bot.settle().await;
    assert_eq!(link.got().len(), 65_535);
    link.answer(&link.got()[700]);
    bot.settle().await;
    assert_eq!(link.got().last().unwrap().cid, 701);
    bot.pass(9 * SEC).await;
    assert_eq!(bot.failure(calls[0]), Some(&Failure::Timeout));
    assert_eq!(bot.failure(calls[65_539]), Some(&Failure::NotSent));
    bot.finish().await;
}

fn api(bot: &mut Bot) -> u64 {
    bot.call(API, ApiRequestEvent { api_index: 181, ..Default::default() }, 30 * SEC)
}

#[tokio::test(start_paused = true)]
async fn raw_answers_are_joined_however_many_chunks_they_come_in() {
    let (mut bot, link) = silent(quick()).await;
    for count in [1, 2, 50] {
        let (one, two) = (api(&mut bot), api(&mut bot));
        bot.settle().await;
        let got = link.got();
        let [first, second] = &got[got.len() - 2..] else { panic!() };
        for n in 0..count {
            // Two answers with alternating chunks.
            link.chunk(first.cid, 0, n + 1 == count, &[n; 3]);
            link.chunk(second.cid, 0, n + 1 == count, &[100 + n]);
        }
        bot.settle().await;
        let whole: Vec<u8> = (0..count).flat_map(|n| [n; 3]).collect();
        assert_eq!(bot.outcome(one), Some(&Outcome::Raw(whole.into())));
        let whole: Vec<u8> = (100..100 + count).collect();
        assert_eq!(bot.outcome(two), Some(&Outcome::Raw(whole.into())));
    }
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn raw_answers_may_be_refusals_or_too_long_or_nobodys() {
    let (mut bot, link) = silent(Options { max_raw: 1000, ..quick() }).await;
    let (refused, long, fine) = (api(&mut bot), api(&mut bot), api(&mut bot));
    bot.settle().await;
    let cids: Vec<_> = link.got().iter().map(|got| got.cid).collect();
    link.chunk(cids[0], 13, true, "không".as_bytes());
    for _ in 0..5 {
        link.chunk(cids[1], 0, false, &[0; 400]);
        link.chunk(4000, 0, false, &[0; 400]);
        link.chunk(0, 0, true, &[]);
    }
    link.chunk(cids[2], 0, true, &[1]);
    bot.settle().await;
    let refusal = Failure::Refused { code: 13, message: "không".into() };
    assert_eq!(bot.failure(refused), Some(&refusal));
    assert_eq!(bot.failure(long), Some(&Failure::TooLong));
    assert_eq!(bot.outcome(fine), Some(&Outcome::Raw(vec![1].into())));
    // Ten unclaimed chunks, and two after the long answer was discarded.
    assert_eq!(bot.stat("unclaimed"), 12);
    assert_eq!(bot.state(), State::Ready);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_raw_answer_that_stops_in_the_middle_ends_with_its_deadline_or_the_connection() {
    let (mut bot, link) = silent(quick()).await;
    let (slow, cut) = (api(&mut bot), bot.call(API, ApiRequestEvent::default(), 90 * SEC));
    bot.settle().await;
    for got in link.got() {
        link.chunk(got.cid, 0, false, &[1; 100]);
    }
    bot.pass(31 * SEC).await;
    assert_eq!(bot.failure(slow), Some(&Failure::Timeout));
    link.cut("cut");
    bot.settle().await;
    assert_eq!(bot.failure(cut), Some(&Failure::DeliveryUnknown("cut".into())));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn answers_read_with_the_cut_still_count() {
    let (mut bot, link) = silent(quick()).await;
    let call = bot.send_marked(4, 30 * SEC);
    bot.settle().await;
    link.answer(&link.got()[0]);
    link.cut("cut");
    bot.settle().await;
    assert_eq!(mark(bot.outcome(call)), 4);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lies_there_at_the_deadline_is_taken() {
    // The I/O thread did not run for a while, as in a suspended process: the answer arrived in time.
    let (mut bot, link) = silent(quick()).await;
    let call = bot.send_marked(4, 5 * SEC);
    bot.settle().await;
    link.answer(&link.got()[0]);
    tokio::time::advance(Duration::from_secs(60)).await;
    bot.settle().await;
    assert_eq!(mark(bot.outcome(call)), 4);
    assert_eq!(bot.state(), State::Ready);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_held_go_with_the_next_one_or_when_they_are_many() {
    let (mut bot, link) = silent(quick()).await;
    let gone = |link: &super::net::Link| link.got().iter().filter(|got| got.tag == SEND).count();
    let held = [bot.send_held(), bot.send_held()];
    bot.settle().await;
    assert_eq!((gone(&link), bot.stat("pending")), (0, 2));
    let last = bot.send(30 * SEC);
    bot.settle().await;
    assert_eq!(gone(&link), 3, "they go before the one that is not held");
    bot.cancel(held[0]);
    for _ in 0..MAX_HELD {
        bot.send_held();
    }
    bot.settle().await;
    assert_eq!(gone(&link), 3 + MAX_HELD);
    let cancelled = bot.send_held();
    bot.cancel(cancelled);
    bot.send_held();
    bot.gateway.flush();
    bot.gateway.flush();
    bot.settle().await;
    assert_eq!(gone(&link), 4 + MAX_HELD, "one that is taken back is not sent");
    assert!(held[0] < last);
    link.cut("cut");
    bot.serve_until(State::Ready).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_held_has_its_outcome_when_the_connection_ends() {
    let (mut bot, _link) = silent(quick()).await;
    let before = bot.send_held();
    bot.gateway.close();
    // The task has not received the command yet, and will accept no further one.
    let after = bot.send_held();
    bot.until(State::Closed).await;
    bot.gateway.flush();
    bot.settle().await;
    for call in [before, after] {
        assert!(matches!(bot.failure(call), Some(Failure::Closed(_))));
    }
    assert_eq!(bot.gateway.call_held(SEND, bytes::Bytes::new(), SEC), Err(Denied::NotConnected));
    bot.finish().await;
}

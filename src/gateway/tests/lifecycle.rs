//! Connecting, losses, backoff, authentication and closing, in every state.

use super::super::{Denied, Failure, Options, State};
use super::bot::{Bot, MS, Outcome, SEC, URL, quick};
use super::net::{Auto, Plan};

use State::{Authenticating, Backoff, Closed, Connecting, Joining, Ready};

#[tokio::test(start_paused = true)]
async fn a_first_connect_that_is_refused_ends_with_its_reason() {
    let mut bot = Bot::new(Options::default());
    bot.net.plan(Plan::Refuse("connection refused"));
    bot.connect(URL).unwrap();
    let call = bot.send(30 * SEC);
    assert_eq!(bot.until(Closed).await, "connection refused");
    bot.pass(600 * SEC).await;
    assert_eq!(bot.seen(), [Connecting, Closed], "there is no retry before a first success");
    assert_eq!(bot.failure(call), Some(&Failure::Closed("connection refused".into())));
    assert_eq!(bot.gateway.call(8, "".into(), SEC), Err(Denied::NotConnected));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_connect_that_hangs_ends_in_time() {
    let mut bot = Bot::new(Options::default());
    bot.net.plan(Plan::Hang);
    bot.connect(URL).unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(bot.until(Closed).await, "no connection within 30 s");
    assert_eq!(start.elapsed().as_secs(), 30);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_made_good_with_a_new_session() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.cut("cut");
    let lost = tokio::time::Instant::now();
    assert_eq!(bot.until(Backoff).await, "cut");
    let generation = bot.asked().await;
    assert_eq!(lost.elapsed(), std::time::Duration::ZERO, "the first try is made at once");
    bot.gateway.provide_session(generation, vec!["ws://two".into()]);
    bot.until(Ready).await;
    bot.settle().await;
    assert_eq!(bot.net.urls(), [URL, "ws://two"]);
    let transitions = [Connecting, Joining, Ready, Backoff, Authenticating, Connecting, Joining, Ready];
    assert_eq!(bot.seen(), transitions);
    assert_eq!((bot.gaps.len(), bot.stat("reconnects"), bot.stat("generation")), (1, 1, 2));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_gap_begins_with_the_last_frame() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    bot.pass(3 * SEC).await;
    link.typing(1);
    link.auto(Auto::NONE);
    bot.serve_until(Backoff).await;
    bot.serve_until(Ready).await;
    bot.settle().await;
    let (lost_at, back_at) = bot.gaps[0];
    // The ping at 10 s (aligned up to 0.25 s earlier) is not answered, which is noticed at 20 s; the last frame
    // arrived at 3 s.
    assert!((16.7..17.2).contains(&(back_at - lost_at)), "{}", back_at - lost_at);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_auto_reconnect_a_loss_is_the_end() {
    let mut bot = Bot::new(Options::default());
    bot.gateway.connect_on(&tokio::runtime::Handle::current(), vec![URL.into()], false).unwrap();
    bot.until(Ready).await;
    bot.net.link().cut("cut");
    assert_eq!(bot.until(Closed).await, "cut");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn cuts_while_connecting_and_joining_back_off_longer_and_longer() {
    let options = Options { jitter_seed: Some(3), ..Options::default() };
    let (mut bot, link) = Bot::ready(options).await;
    bot.join_clan(1);
    bot.settle().await;
    link.cut("cut");
    bot.net.auto(Auto::PINGS);
    for round in 0..12 {
        if round % 2 == 0 {
            bot.net.plan(Plan::Refuse("refused"));
            bot.serve_until(Connecting).await;
        } else {
            bot.net.plan(Plan::Accept);
            bot.serve_until(Joining).await;
            bot.net.link().cut("cut");
        }
        bot.serve_until(Backoff).await;
    }
    bot.net.auto(Auto::ALL);
    bot.serve_until(Ready).await;
    let attempts: Vec<_> = bot.wanted.iter().map(|(_, attempt, _)| *attempt).collect();
    assert_eq!(attempts, (1..=13).collect::<Vec<_>>());
    let generations: Vec<_> = bot.wanted.iter().map(|(generation, ..)| *generation).collect();
    assert_eq!(generations, (2..=14).collect::<Vec<_>>());
    for (before, after) in bot.wanted.iter().zip(&bot.wanted[1..]) {
        let (waited, bound) = (after.2 - before.2, Options::default().backoff.bound(after.1));
        assert!(waited <= bound + MS * 2, "attempt {} came after {waited:?}", after.1);
    }
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_good_connection_sets_the_backoff_back_and_a_short_one_does_not() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.cut("at once");
    bot.serve_until(Ready).await;
    bot.net.link().cut("at once");
    bot.serve_until(Ready).await;
    bot.pass(10 * SEC).await;
    bot.net.link().cut("after a while");
    bot.serve_until(Ready).await;
    let attempts: Vec<_> = bot.wanted.iter().map(|(_, attempt, _)| *attempt).collect();
    assert_eq!(attempts, [1, 2, 1]);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_waits_the_same() {
    let mut waits = Vec::new();
    for seed in [5, 5, 6] {
        let (mut bot, link) = Bot::ready(Options { jitter_seed: Some(seed), ..Options::default() }).await;
        let start = tokio::time::Instant::now();
        link.cut("cut");
        for _ in 0..5 {
            let generation = bot.asked().await;
            bot.gateway.refuse_session(generation, false, "503".into());
        }
        waits.push(bot.wanted.iter().map(|(.., at)| *at - start).collect::<Vec<_>>());
        bot.finish().await;
    }
    assert_eq!(waits[0], waits[1]);
    assert_ne!(waits[0], waits[2]);
}

#[tokio::test(start_paused = true)]
async fn refused_sessions_are_asked_for_again_and_a_fatal_one_is_the_end() {
    let (mut bot, link) = Bot::ready(quick()).await;
    let call = bot.send(3600 * SEC);
    link.auto(Auto::NONE);
    link.cut("cut");
    let queued = bot.send(3600 * SEC);
    for _ in 0..3 {
        let generation = bot.asked().await;
        bot.gateway.refuse_session(generation, false, "503".into());
        assert!(bot.until(Backoff).await.contains("503"));
    }
    let generation = bot.asked().await;
    bot.gateway.refuse_session(generation, true, "the credentials are refused".into());
    assert_eq!(bot.until(Closed).await, "the credentials are refused");
    assert!(matches!(bot.outcome(call), Some(Outcome::Reply(..) | Outcome::Failed(_))));
    assert_eq!(bot.failure(queued), Some(&Failure::Closed("the credentials are refused".into())));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn answers_of_another_generation_are_ignored() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.cut("cut");
    let generation = bot.asked().await;
    bot.gateway.provide_session(generation - 1, vec!["ws://old".into()]);
    bot.gateway.refuse_session(generation - 1, true, "old".into());
    bot.gateway.provide_session(generation + 1, vec!["ws://future".into()]);
    bot.settle().await;
    assert_eq!(bot.state(), Authenticating);
    // This session is too late: the core requests another one, and only the new answer counts.
    bot.pass(Options::default().session_timeout).await;
    let next = bot.wanted.last().unwrap().0;
    assert!(next > generation);
    bot.gateway.provide_session(generation, vec!["ws://late".into()]);
    bot.settle().await;
    assert_eq!(bot.state(), Authenticating);
    bot.gateway.provide_session(next, vec!["ws://new".into()]);
    bot.until(Ready).await;
    // A second answer to the same request has no effect, neither now nor at the next loss.
    bot.gateway.provide_session(next, vec!["ws://twice".into()]);
    bot.gateway.refuse_session(next, true, "twice".into());
    bot.net.link().cut("cut");
    bot.serve_until(Ready).await;
    let urls = bot.net.urls();
    assert_eq!(urls[..2], [URL, "ws://new"]);
    assert!(urls[2].starts_with("ws://session/"), "{urls:?}");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_never_brings_a_session_is_asked_for_ever() {
    let (mut bot, link) = Bot::ready(quick()).await;
    link.cut("cut");
    for _ in 0..50 {
        bot.asked().await;
    }
    let reason = bot.until(Backoff).await;
    assert!(reason.contains("is the event loop blocked?"), "{reason}");
    bot.serve_until(Ready).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_so_many_attempts() {
    let (mut bot, link) = Bot::ready(Options { reconnect_max_attempts: Some(3), ..quick() }).await;
    for _ in 0..3 {
        bot.net.plan(Plan::Refuse("connection refused"));
    }
    link.cut("cut");
    let reason = bot.serve_until(Closed).await;
    assert_eq!(reason, "gave up after 3 attempts to reconnect; the last one failed: connection refused");
    assert_eq!(bot.net.urls().len(), 4);
    bot.finish().await;
    let (mut bot, link) = Bot::ready(Options { reconnect_max_attempts: Some(0), ..quick() }).await;
    link.cut("cut");
    assert!(bot.until(Closed).await.contains("gave up after 0 attempts"));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn close_ends_every_state_at_once() {
    for state in [Connecting, Joining, Ready, Backoff, Authenticating] {
        let options = Options { jitter_seed: Some(1), ..Options::default() };
        let (mut bot, link) = Bot::ready(options).await;
        bot.join(5);
        bot.settle().await;
        bot.net.auto(Auto::PINGS);
        bot.net.plan(Plan::Hang);
        let mut in_flight = None;
        match state {
            Ready => {
                link.auto(Auto::PINGS);
                in_flight = Some(bot.send(30 * SEC));
                bot.settle().await;
            }
            Connecting => {
                link.cut("cut");
                bot.serve_until(Connecting).await;
            }
            Joining => {
                bot.net.forget_plans();
                link.cut("cut");
                bot.serve_until(Joining).await;
            }
            Authenticating => {
                link.cut("cut");
                bot.asked().await;
            }
            _ => {
                link.cut("cut");
                let generation = bot.asked().await;
                bot.gateway.refuse_session(generation, false, "503".into());
                bot.until(Backoff).await;
            }
        }
        let queued = if state == Ready { None } else { Some(bot.send(30 * SEC)) };
        bot.settle().await;
        assert_eq!(bot.state(), state);
        let start = tokio::time::Instant::now();
        assert!(bot.gateway.close());
        assert_eq!(bot.until(Closed).await, "closed by the client", "{state}");
        assert!(start.elapsed() < MS, "{state}");
        if let Some(queued) = queued {
            assert_eq!(bot.failure(queued), Some(&Failure::Closed("closed by the client".into())));
        }
        if let Some(call) = in_flight {
            let unknown = Failure::DeliveryUnknown("closed by the client".into());
            assert_eq!(bot.failure(call), Some(&unknown));
            assert_eq!(link.goodbyes(), 1);
        }
        assert!(!bot.gateway.close(), "there is nothing left to close");
        bot.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_no_goodbye_is_not_waited_for_long() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto::NONE);
    let call = bot.send(30 * SEC);
    bot.settle().await;
    let start = tokio::time::Instant::now();
    assert!(bot.gateway.close() && bot.gateway.close(), "the second close is in time too");
    bot.settle().await;
    assert!(bot.failure(call).is_some(), "it is told at once, not after the goodbye");
    assert_eq!(
        bot.gateway.call(8, "".into(), SEC).map(drop),
        Ok(()),
        "it is taken, and fails like the others"
    );
    assert_eq!(bot.stat("pending"), 1);
    assert_eq!(bot.connect(URL), Err(Denied::Connected));
    while bot.gateway.state() != Closed {
        bot.sleep(10 * MS).await;
    }
    assert!(start.elapsed() <= SEC + 20 * MS, "{:?}", start.elapsed());
    assert_eq!(bot.stat("pending"), 0);
}

#[tokio::test(start_paused = true)]
async fn there_is_one_connection_however_often_it_is_asked_for() {
    let mut bot = Bot::new(Options::default());
    bot.connect(URL).unwrap();
    assert_eq!(bot.connect("ws://again"), Err(Denied::Connected));
    bot.until(Ready).await;
    assert_eq!(bot.connect("ws://again"), Err(Denied::Connected));
    bot.net.link().cut("cut");
    bot.asked().await;
    assert_eq!(bot.connect("ws://again"), Err(Denied::Connected));
    bot.serve_until(Ready).await;
    assert_eq!(bot.connect("ws://again"), Err(Denied::Connected));
    assert_eq!(bot.net.links(), 2);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_end_it_can_be_opened_again() {
    let mut bot = Bot::new(Options::default());
    assert!(!bot.gateway.close() && !bot.gateway.reconnect(), "there was none yet");
    for round in 1..=3 {
        bot.connect(URL).unwrap();
        bot.until(Ready).await;
        bot.join(5);
        bot.settle().await;
        assert_eq!(bot.stat("joined"), 1);
        assert_eq!(bot.net.link().got().len(), 1, "an earlier connection's channels are not joined again");
        assert!(bot.gateway.close());
        bot.until(Closed).await;
        assert_eq!(bot.stat("generation"), round);
    }
    bot.connect(URL).unwrap();
    bot.until(Ready).await;
    assert_eq!(bot.stat("joined"), 0);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_takes_its_connection_along() {
    for ready in [true, false] {
        let (mut bot, link) = Bot::ready(Options::default()).await;
        if !ready {
            link.cut("cut");
            bot.asked().await;
        }
        let net = bot.net.clone();
        drop(bot);
        tokio::time::sleep(MS).await;
        assert_eq!(net.live(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_defect_of_ours_is_an_end_with_a_reason_and_every_call_is_told() {
    let (mut bot, link) = Bot::ready(Options::default()).await;
    link.auto(Auto::PINGS);
    let sent = bot.send(30 * SEC);
    bot.settle().await;
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    link.panic();
    let reason = bot.until(Closed).await;
    std::panic::set_hook(hook);
    assert!(reason.contains("please report it"), "{reason}");
    assert!(matches!(bot.failure(sent), Some(Failure::DeliveryUnknown(_))));
    assert_eq!(bot.stat("pending"), 0);
    bot.connect(URL).unwrap();
    bot.until(Ready).await;
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn spans_without_end_are_taken() {
    let endless = std::time::Duration::MAX;
    let options = Options {
        connect_timeout: endless,
        heartbeat_interval: endless,
        heartbeat_timeout: endless,
        session_timeout: endless,
        rejoin_timeout: endless,
        rate_period: endless,
        ..quick()
    };
    let (mut bot, _) = Bot::ready(options).await;
    let call = bot.send(endless);
    bot.reconnect().await;
    bot.settle().await;
    assert!(bot.outcome(call).is_some());
    bot.finish().await;
}

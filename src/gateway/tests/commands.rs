//! The command to reconnect, in every state.

use super::super::State;
use super::bot::{Bot, Outcome, SEC, quick};
use super::net::{Auto, Plan};

use State::{Authenticating, Backoff, Connecting, Ready};

#[tokio::test(start_paused = true)]
async fn reconnect_gives_up_what_is_open_and_nothing_else() {
    let (mut bot, link) = Bot::ready(quick()).await;
    assert!(bot.gateway.reconnect());
    assert_eq!(bot.until(Backoff).await, "given up by the client");
    assert!(!link.held());
    bot.asked().await;
    assert!(bot.gateway.reconnect(), "a session is awaited: no second reconnect begins");
    bot.settle().await;
    assert_eq!(bot.state(), Authenticating);
    let generation = bot.wanted[0].0;
    bot.gateway.provide_session(generation, vec!["ws://two".into()]);
    bot.until(Ready).await;
    assert_eq!(bot.wanted.len(), 1);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn reconnect_during_a_backoff_tries_now() {
    let mut options = quick();
    options.backoff.base = 3600 * SEC;
    options.backoff.max = 3600 * SEC;
    let (mut bot, link) = Bot::ready(options).await;
    link.cut("cut");
    let first = bot.asked().await;
    bot.gateway.refuse_session(first, false, "503".into());
    bot.until(Backoff).await;
    let call = bot.send(10 * SEC);
    bot.pass(SEC).await;
    assert_eq!((bot.state(), bot.wanted.len()), (Backoff, 1), "the second attempt is far away");
    let before = tokio::time::Instant::now();
    assert!(bot.gateway.reconnect());
    assert!(bot.asked().await > first, "it is an attempt like any other");
    assert!(before.elapsed() < SEC);
    bot.serve_until(Ready).await;
    bot.net.link().auto(Auto::ALL);
    bot.settle().await;
    assert!(matches!(bot.outcome(call), Some(Outcome::Reply(..))), "what waited goes out");
    // A connection too short-lived to reset the attempts is also replaced without a delay.
    assert!(bot.gateway.reconnect());
    bot.serve_until(Ready).await;
    assert!(before.elapsed() < SEC);
    // A command skips one delay only.
    bot.net.link().cut("cut");
    bot.pass(SEC).await;
    assert_eq!((bot.state(), bot.wanted.len()), (Backoff, 3));
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn reconnect_lets_an_attempt_under_way_go_on() {
    let (mut bot, link) = Bot::ready(quick()).await;
    bot.net.plan(Plan::Hang);
    link.cut("cut");
    bot.serve_until(Connecting).await;
    bot.settle().await;
    assert!(bot.gateway.reconnect(), "a connection is being made");
    bot.settle().await;
    assert_eq!((bot.state(), bot.wanted.len()), (Connecting, 1));
    bot.finish().await;
}

/// Neither a command nor the end of the queue reaches the parent's task.
#[tokio::test(start_paused = true)]
async fn a_handle_that_a_forked_child_drops_orders_nothing() {
    let (bot, link) = Bot::ready(quick()).await;
    let Bot { mut gateway, .. } = bot;
    gateway.pid = 0;
    assert!(!gateway.close());
    drop(gateway);
    tokio::time::sleep(SEC).await;
    assert!(link.held(), "the parent's connection is still there");
    assert_eq!(link.goodbyes(), 0);
}

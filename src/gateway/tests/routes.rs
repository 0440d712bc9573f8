//! Several URLs: tried in order within one attempt, the last working transport first; and what is logged.

use super::super::{Options, State};
use super::bot::{Bot, SEC, quick};
use super::net::{Auto, Plan};
use crate::wire::tags::envelope::API_REQUEST_EVENT;

const BOTH: [&str; 2] = ["wss://one/ws?token=wsTOKEN", "tcps://two?token=tcpTOKEN"];

fn connect(bot: &Bot, urls: &[&str]) {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    bot.gateway.connect_on(&tokio::runtime::Handle::current(), urls, true).unwrap();
}

fn transport(bot: &Bot) -> &'static str {
    bot.gateway.stats().transport().map_or("", |kind| kind.name())
}

/// Return the schemes of the attempts, in order.
fn tried(bot: &Bot) -> Vec<String> {
    bot.net.urls().iter().map(|url| url.split(':').next().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_is_refused_leads_to_the_next_in_the_same_attempt() {
    let mut bot = Bot::new(quick());
    bot.net.plan(Plan::Refuse("no WebSocket here"));
    connect(&bot, &BOTH);
    bot.until(State::Ready).await;
    assert_eq!((tried(&bot), transport(&bot)), (vec!["wss".into(), "tcps".into()], "tcp"));
    assert_eq!(bot.seen(), [State::Connecting, State::Joining, State::Ready], "one attempt");
    // The transport that worked is tried first the next time; the other one remains available.
    for (plan, schemes) in [(Plan::Accept, vec!["tcps"]), (Plan::Refuse("gone"), vec!["tcps", "wss"])] {
        bot.net.plan(plan);
        bot.net.link().cut("cut");
        let generation = bot.asked().await;
        assert_eq!(transport(&bot), "", "nothing is open");
        let before = tried(&bot).len();
        bot.gateway.provide_session(generation, BOTH.map(Into::into).to_vec());
        bot.until(State::Ready).await;
        assert_eq!(tried(&bot)[before..], schemes);
    }
    assert_eq!(transport(&bot), "websocket");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_one_costs_its_share_of_the_time() {
    let mut bot = Bot::new(Options::default());
    bot.net.plan(Plan::Hang);
    connect(&bot, &BOTH);
    let start = tokio::time::Instant::now();
    bot.until(State::Ready).await;
    assert_eq!(start.elapsed().as_secs(), 15);
    bot.finish().await;
    let mut bot = Bot::new(Options::default());
    bot.net.plan(Plan::Refuse("refused"));
    bot.net.plan(Plan::Hang);
    connect(&bot, &BOTH);
    let start = tokio::time::Instant::now();
    assert_eq!(bot.until(State::Closed).await, "refused; then: no connection within 30 s");
    assert_eq!(start.elapsed().as_secs(), 30);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_no_reason_to_change() {
    let mut bot = Bot::new(quick());
    bot.net.plan(Plan::RefuseSession);
    connect(&bot, &BOTH);
    assert_eq!(bot.until(State::Closed).await, "the server refused the session");
    assert_eq!(tried(&bot), ["wss"]);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn plain_text_never_follows_tls() {
    let mut bot = Bot::new(quick());
    bot.net.plan(Plan::Refuse("refused"));
    connect(&bot, &["wss://one?token=a", "tcp://two?token=b", "ws://three?token=c"]);
    bot.until(State::Closed).await;
    assert_eq!(tried(&bot), ["wss"]);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_server_repeats_is_hidden() {
    let mut bot = Bot::new(quick());
    bot.gateway.trace().set_level(0);
    bot.net.plan(Plan::Refuse("who is wsTOKEN?"));
    connect(&bot, &BOTH);
    bot.until(State::Ready).await;
    let link = bot.net.link();
    link.auto(Auto::PINGS);
    let sent = bot.send(60 * SEC);
    bot.settle().await;
    link.cut("away with tcpTOKEN");
    assert_eq!(bot.until(State::Backoff).await, "away with [hidden]");
    assert!(format!("{:?}", bot.failure(sent)).contains("away with [hidden]"));
    let generation = bot.asked().await;
    bot.gateway.refuse_session(generation, true, "no, tcpTOKEN".into());
    assert_eq!(bot.until(State::Closed).await, "no, [hidden]");
    assert!(bot.log.iter().any(|text| text.contains("[hidden]")), "{:?}", bot.log);
    assert!(!format!("{:?}", bot.log).contains("TOKEN"), "{:?}", bot.log);
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_in_a_host_or_in_a_long_refusal_is_hidden() {
    let token = "t0ken".repeat(100);
    let urls = [format!("wss://{token}.one/ws?token={token}"), format!("tcps://{token}.two?token={token}")];
    let mut bot = Bot::new(quick());
    bot.gateway.trace().set_level(0);
    bot.net.plan(Plan::Refuse("no"));
    connect(&bot, &urls.each_ref().map(String::as_str));
    bot.until(State::Ready).await;
    let link = bot.net.link();
    link.auto(Auto::PINGS);
    let call = bot.call(API_REQUEST_EVENT, (), 60 * SEC);
    bot.settle().await;
    let cid = link.got().iter().find(|got| got.tag == API_REQUEST_EVENT).unwrap().cid;
    link.chunk(cid, 13, true, format!("who is {token}? {}", "word ".repeat(9999)).as_bytes());
    bot.settle().await;
    let failure = format!("{:?}", bot.failure(call));
    assert!(failure.contains("who is [hidden]? word") && failure.len() < 300, "{failure}");
    let log = bot.log.join("\n");
    assert!(
        log.contains("no connection to [hidden].one:443") && log.contains("connected to [hidden].two:443")
    );
    assert!(!log.contains("t0ken"), "{log}");
    bot.finish().await;
}

#[tokio::test(start_paused = true)]
async fn each_step_is_told_to_whoever_wants_to_hear_it() {
    let mut bot = Bot::new(quick());
    bot.gateway.trace().set_level(10);
    bot.net.plan(Plan::Refuse("refused"));
    connect(&bot, &BOTH);
    bot.until(State::Ready).await;
    bot.net.link().cut("cut");
    bot.serve_until(State::Ready).await;
    bot.settle().await;
    let log = bot.log.join("\n");
    for told in [
        "no connection to one:443 by websocket over TLS: refused",
        "connected to two:443 by tcp over TLS in 0.000 s",
        "joining -> ready, generation 1",
        "lost: cut",
        "ready -> backoff, generation 2: cut",
        "attempt 1 to connect again, in 0.0 s",
        "connected again after 0.0 s",
    ] {
        assert!(log.contains(told), "{told}:\n{log}");
    }
    // Disable the log.
    bot.gateway.trace().set_level(u8::MAX);
    let told = bot.log.len();
    bot.reconnect().await;
    bot.settle().await;
    assert_eq!(bot.log.len(), told);
    bot.finish().await;
}

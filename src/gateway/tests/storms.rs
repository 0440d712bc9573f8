//! A thousand storms: random commands, faults and delays, and the invariants that hold throughout.
//!
//! The bot checks transitions, generations and outcomes as they arrive; the network counts the live connections.
//! This file models what should be joined, and the recovery after each storm.

use std::collections::BTreeSet;

use proptest::prelude::*;
use prost::Message as _;

use super::super::{CallId, Options, State};
use super::bot::{Bot, CHANNEL_JOIN, CHANNEL_LEAVE, CLAN_JOIN, ERROR, MS, Outcome, SEC, URL, quick};
use super::joins::targets;
use super::net::{Auto, Plan};
use crate::item::Capacity;
use crate::wire::proto::realtime::ChannelMessageAck;

#[derive(Debug, Clone)]
enum Op {
    Send {
        seconds: u64,
    },
    JoinClan(i64),
    Join(i64),
    Leave(i64),
    /// An index into the calls made so far.
    Cancel(prop::sample::Index),
    Close,
    Reconnect,
    Connect,
    Pass {
        ms: u64,
    },
    Block {
        ms: u64,
    },
    PlanNext(Plan),
    AutoNext {
        pings: bool,
        joins: bool,
        calls: bool,
    },
    Cut,
    Answer(prop::sample::Index),
    Refuse(prop::sample::Index),
    Chunk {
        of: prop::sample::Index,
        code: u16,
        last: bool,
    },
    Raw(Vec<u8>),
    Events(i64),
    Stick(bool),
    BreakOnSend,
    Session(Verdict),
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    Url,
    Old,
    Refused,
    Fatal,
}

fn op() -> impl Strategy<Value = Op> {
    use Op::*;
    let plan = prop_oneof![
        2 => Just(Plan::Accept),
        2 => Just(Plan::Refuse("refused")),
        1 => Just(Plan::Hang),
        2 => (0u64..5000).prop_map(|ms| Plan::AcceptAfter(ms as u32 * MS)),
    ];
    let verdict = prop_oneof![
        8 => Just(Verdict::Url), 2 => Just(Verdict::Old), 2 => Just(Verdict::Refused), 1 => Just(Verdict::Fatal),
    ];
    prop_oneof![
        10 => (0u64..40).prop_map(|seconds| Send { seconds }),
        3 => (0i64..4).prop_map(JoinClan),
        5 => (0i64..6).prop_map(Join),
        2 => (0i64..6).prop_map(Leave),
        3 => any::<prop::sample::Index>().prop_map(Cancel),
        1 => Just(Close),
        2 => Just(Reconnect),
        2 => Just(Connect),
        10 => prop_oneof![4 => 0u64..50, 2 => 50u64..5000, 1 => 5000u64..200_000].prop_map(|ms| Pass { ms }),
        2 => (0u64..30_000).prop_map(|ms| Block { ms }),
        4 => plan.prop_map(PlanNext),
        2 => (any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(pings, joins, calls)| AutoNext { pings, joins, calls }),
        6 => Just(Cut),
        4 => any::<prop::sample::Index>().prop_map(Answer),
        2 => any::<prop::sample::Index>().prop_map(Refuse),
        2 => (any::<prop::sample::Index>(), 0u16..2, any::<bool>())
            .prop_map(|(of, code, last)| Chunk { of, code, last }),
        1 => prop::collection::vec(any::<u8>(), 0..30).prop_map(Raw),
        2 => (0i64..6).prop_map(Events),
        1 => any::<bool>().prop_map(Stick),
        1 => Just(BreakOnSend),
        10 => verdict.prop_map(Session),
    ]
}

/// The purpose of a call: its tag, and the clan, channel or mark.
type Purpose = (u32, i64);

struct Storm {
    bot: Bot,
    made: Vec<(CallId, Purpose)>,
    /// The number of outcomes already processed.
    read: usize,
    ended: usize,
    joined: BTreeSet<Purpose>,
}

impl Storm {
    async fn apply(&mut self, op: Op) {
        let link = (self.bot.net.links() > 0).then(|| self.bot.net.link());
        match op {
            Op::Send { seconds } => {
                let mark = self.made.len() as i64;
                self.make((8, mark), |bot| bot.send_marked(mark, seconds as u32 * SEC));
            }
            Op::JoinClan(id) => self.make((CLAN_JOIN, id), |bot| bot.join_clan(id)),
            Op::Join(id) => self.make((CHANNEL_JOIN, id), |bot| bot.join(id)),
            Op::Leave(id) => self.make((CHANNEL_LEAVE, id), |bot| bot.leave(id)),
            Op::Cancel(which) => {
                if !self.made.is_empty() {
                    let id = which.get(&self.made).0;
                    self.bot.cancel(id);
                }
            }
            Op::Close => drop(self.bot.gateway.close()),
            Op::Reconnect => drop(self.bot.gateway.reconnect()),
            Op::Connect => drop(self.bot.connect(URL)),
            Op::Pass { ms } => self.bot.pass(ms as u32 * MS).await,
            Op::Block { ms } => self.bot.sleep(ms as u32 * MS).await,
            Op::PlanNext(plan) => self.bot.net.plan(plan),
            Op::AutoNext { pings, joins, calls } => {
                self.bot.net.auto(Auto { pings, joins, calls, goodbye: pings });
            }
            Op::Session(verdict) => {
                self.bot.look();
                if let Some((generation, ..)) = self.bot.wanted.last().copied() {
                    let gateway = &self.bot.gateway;
                    match verdict {
                        Verdict::Url => gateway.provide_session(generation, vec!["ws://next".into()]),
                        Verdict::Old => {
                            gateway.provide_session(generation.saturating_sub(1), vec!["ws://old".into()])
                        }
                        Verdict::Refused => gateway.refuse_session(generation, false, "503".into()),
                        Verdict::Fatal => gateway.refuse_session(generation, true, "401".into()),
                    }
                }
            }
            peer => {
                let Some(link) = link else { return };
                let got = link.got();
                match peer {
                    Op::Cut => link.cut("cut"),
                    Op::Answer(which) if !got.is_empty() => link.answer(which.get(&got)),
                    Op::Refuse(which) if !got.is_empty() => link.refuse(which.get(&got)),
                    Op::Chunk { of, code, last } if !got.is_empty() => {
                        link.chunk(of.get(&got).cid, code, last, b"chunk");
                    }
                    Op::Raw(bytes) => link.raw(bytes),
                    Op::Events(channel) => (0..5).for_each(|n| link.message(channel, n)),
                    Op::Stick(stuck) => link.stick(stuck),
                    Op::BreakOnSend => link.break_on_send(),
                    _ => {}
                }
            }
        }
        self.learn();
    }

    fn make(&mut self, purpose: Purpose, call: impl FnOnce(&mut Bot) -> CallId) {
        // Without a connection the handle rejects a call at once.
        if self.bot.gateway.state() == State::Closed || self.bot.gateway.state() == State::Idle {
            return;
        }
        let id = call(&mut self.bot);
        self.made.push((id, purpose));
    }

    /// Process the new outcomes and update the joined targets.
    fn learn(&mut self) {
        self.bot.look();
        for id in &self.bot.done[self.read..] {
            let (tag, place) = self.made.iter().find(|(made, _)| made == id).expect("a call of ours").1;
            match self.bot.outcome(*id) {
                Some(Outcome::Reply(answer, body)) if *answer != ERROR => match tag {
                    CHANNEL_LEAVE => drop(self.joined.remove(&(CHANNEL_JOIN, place))),
                    CLAN_JOIN | CHANNEL_JOIN => drop(self.joined.insert((tag, place))),
                    _ if *answer == 7 => {
                        let ack = ChannelMessageAck::decode(&body[..]).expect("an ack");
                        assert_eq!(ack.message_id, place, "the answer is that of another call");
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        self.read = self.bot.done.len();
        // The list belongs to one connection: a closed one leaves nothing. No outcomes follow.
        let ended = self.bot.seen().iter().filter(|state| **state == State::Closed).count();
        if ended > self.ended {
            self.ended = ended;
            self.joined.clear();
        }
    }

    /// Restore the peer and wait until the bot recovers.
    async fn calm(&mut self) {
        self.bot.net.forget_plans();
        self.bot.net.auto(Auto::ALL);
        self.settle().await;
        if self.bot.state() != State::Closed && self.bot.state() != State::Idle {
            self.bot.gateway.reconnect();
            self.settle().await;
        }
        if self.bot.state() != State::Ready {
            // The connection was closed or never opened: it can be opened again.
            self.bot.connect(URL).expect("nothing is open");
            self.settle().await;
        }
        assert_eq!(self.bot.state(), State::Ready, "{:?}", self.bot.states);
        let link = self.bot.net.link();
        link.stick(false);
        link.auto(Auto::ALL);
        let joins: Vec<_> = targets(&link.got()).into_iter().take(self.joined.len()).collect();
        let again: BTreeSet<_> = joins.iter().copied().collect();
        assert_eq!(
            (again, joins.len()),
            (self.joined.clone(), self.joined.len()),
            "the joined set is restored"
        );
        assert_eq!(self.bot.stat("joined") as usize, self.joined.len());
        let call = self.bot.send(30 * SEC);
        self.made.push((call, (8, 1)));
        self.bot.pass(2 * SEC).await;
        assert!(matches!(self.bot.outcome(call), Some(Outcome::Reply(7, _))), "it works");
        assert_eq!(self.bot.stat("pending"), 0, "old calls are over by now");
    }

    /// Provide the requested sessions until nothing more happens.
    async fn settle(&mut self) {
        for _ in 0..60 {
            if let (State::Authenticating, Some((generation, ..))) =
                (self.bot.state(), self.bot.wanted.last())
            {
                self.bot.gateway.provide_session(*generation, vec!["ws://calm".into()]);
            }
            self.bot.pass(3 * SEC).await;
            self.learn();
        }
    }
}

fn storm(seed: u64, bounds: (usize, u32), ops: Vec<Op>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let options = Options {
            inbox: Capacity { events: bounds.0, bytes: 1 << 20 },
            rate_limit: bounds.1,
            jitter_seed: Some(seed),
            backoff: Options::default().backoff,
            ..quick()
        };
        let bot = Bot::new(options);
        let mut storm = Storm { bot, made: Vec::new(), read: 0, ended: 0, joined: BTreeSet::new() };
        storm.bot.connect(URL).unwrap();
        for op in ops {
            storm.apply(op).await;
        }
        storm.calm().await;
        storm.bot.finish().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_hold(
        seed: u64,
        events in prop_oneof![Just(1usize), Just(8), Just(1000)],
        rate in prop_oneof![Just(0u32), Just(3), Just(80)],
        ops in prop::collection::vec(op(), 1..80),
    ) {
        storm(seed, (events, rate), ops);
    }
}

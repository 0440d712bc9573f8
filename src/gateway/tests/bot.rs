//! A bot on the scripted network that records every report and checks the invariants of every test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::super::{CallId, Denied, Failure, Gateway, MessageSink, Options, State};
use super::net::{Connector, Link, Net};
use crate::inbox::Inbox;
use crate::inbox::Wake;
use crate::item::Item;
use crate::wire::Body;
use crate::wire::proto::realtime::{ChannelJoin, ChannelLeave, ChannelMessageSend, ClanJoin};

pub const SEC: Duration = Duration::from_secs(1);
pub const MS: Duration = Duration::from_millis(1);
pub const URL: &str = "ws://one";

pub use crate::wire::tags::envelope::{
    API_REQUEST_EVENT as API, CHANNEL_JOIN, CHANNEL_LEAVE, CHANNEL_MESSAGE as MESSAGE,
    CHANNEL_MESSAGE_SEND as SEND, CLAN_JOIN, ERROR, MESSAGE_TYPING_EVENT as TYPING,
};

#[derive(Default)]
struct TestWaker(Notify);

impl Wake for TestWaker {
    fn wake(&self) {
        self.0.notify_one();
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Reply(u32, Bytes),
    Raw(Bytes),
    Failed(Failure),
}

pub struct Bot {
    pub net: Arc<Net>,
    pub gateway: Gateway,
    pub inbox: Arc<Inbox>,
    waker: Arc<TestWaker>,
    queue: VecDeque<Item>,
    state: State,
    generation: u64,
    calls: BTreeSet<CallId>,
    cancelled: BTreeSet<CallId>,
    outcomes: BTreeMap<CallId, Outcome>,
    pub states: Vec<(State, u64, String)>,
    pub events: Vec<(u32, Body)>,
    pub wanted: Vec<(u64, u32, Instant)>,
    pub gaps: Vec<(f64, f64)>,
    /// The calls in the order of their outcomes.
    pub done: Vec<CallId>,
    /// The records of the core's logger.
    pub log: Vec<String>,
}

impl Bot {
    pub fn new(options: Options) -> Self {
        Self::with_sink(options, None)
    }

    pub fn with_sink(options: Options, sink: Option<Arc<dyn MessageSink>>) -> Self {
        let net = Arc::new(Net::default());
        let waker = Arc::new(TestWaker::default());
        let inbox = Arc::new(Inbox::new(options.inbox, waker.clone()));
        let connector = Box::new(Connector(net.clone()));
        Self::assemble(net, waker, inbox.clone(), Gateway::new(options, inbox, sink, connector))
    }

    /// Create a bot with a connector of its own; `net` is unused.
    pub fn on(options: Options, connector: Box<dyn super::super::Connect>) -> Self {
        let waker = Arc::new(TestWaker::default());
        let inbox = Arc::new(Inbox::new(options.inbox, waker.clone()));
        Self::assemble(Arc::default(), waker, inbox.clone(), Gateway::new(options, inbox, None, connector))
    }

    fn assemble(net: Arc<Net>, waker: Arc<TestWaker>, inbox: Arc<Inbox>, gateway: Gateway) -> Self {
        for tag in [MESSAGE, TYPING] {
            gateway.stats().set_wanted(tag, true);
        }
        Self {
            net,
            gateway,
            inbox,
            waker,
            queue: VecDeque::new(),
            state: State::Idle,
            generation: 0,
            calls: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            states: Vec::new(),
            events: Vec::new(),
            wanted: Vec::new(),
            gaps: Vec::new(),
            done: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Create a bot that is ready, and its link.
    pub async fn ready(options: Options) -> (Self, Link) {
        let mut bot = Self::new(options);
        bot.connect(URL).unwrap();
        bot.until(State::Ready).await;
        let link = bot.net.link();
        (bot, link)
    }

    pub fn connect(&self, url: &str) -> Result<(), Denied> {
        self.gateway.connect_on(&tokio::runtime::Handle::current(), vec![url.into()], true)
    }

    /// Take the queued items without waiting.
    pub fn drain(&mut self) {
        let mut items = Vec::new();
        while self.inbox.drain(256, &mut items) {}
        self.queue.extend(items);
    }

    /// Take everything except events, as a dispatch with no free handler does.
    pub fn take_answers(&mut self) {
        let mut items = Vec::new();
        while self.inbox.drain(0, &mut items) {}
        for item in items {
            self.note(&item);
        }
    }

    pub async fn next(&mut self) -> Item {
        loop {
            if let Some(item) = self.queue.pop_front() {
                self.note(&item);
                return item;
            }
            self.drain();
            if self.queue.is_empty() {
                self.waker.0.notified().await;
            }
        }
    }

    /// Record all queued items.
    pub fn look(&mut self) {
        self.drain();
        while let Some(item) = self.queue.pop_front() {
            self.note(&item);
        }
    }

    /// Run everything that is due now.
    pub async fn settle(&mut self) {
        self.pass(MS).await;
    }

    /// Advance the time; items are recorded as they arrive.
    pub async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while tokio::time::timeout_at(until, self.next()).await.is_ok() {}
        self.look();
    }

    /// Advance the time without draining the inbox, like a blocked event loop.
    pub async fn sleep(&self, time: Duration) {
        sleep(time).await;
    }

    /// Wait for a state and return its reason.
    pub async fn until(&mut self, wanted: State) -> String {
        loop {
            if let Item::State { state, reason, .. } = self.soon().await
                && state == wanted
            {
                return reason;
            }
        }
    }

    /// Wait for a request for a session and return its generation.
    pub async fn asked(&mut self) -> u64 {
        loop {
            if let Item::SessionWanted { generation, .. } = self.soon().await {
                return generation;
            }
        }
    }

    /// Provide the requested sessions until the state is reached.
    pub async fn serve_until(&mut self, wanted: State) -> String {
        // The request may have arrived already.
        if let (State::Authenticating, Some((generation, ..))) = (self.state, self.wanted.last()) {
            self.gateway.provide_session(*generation, vec![format!("ws://session/{generation}")]);
        }
        loop {
            match self.soon().await {
                Item::SessionWanted { generation, .. } => {
                    self.gateway.provide_session(generation, vec![format!("ws://session/{generation}")]);
                }
                Item::State { state, reason, .. } if state == wanted => return reason,
                _ => {}
            }
        }
    }

    async fn soon(&mut self) -> Item {
        match timeout(600 * SEC, self.next()).await {
            Ok(item) => item,
            Err(_) => panic!("it says nothing any more; states: {:?}", self.states),
        }
    }

    /// Cut the connection and return the new link.
    pub async fn reconnect(&mut self) -> Link {
        self.net.link().cut("cut");
        self.serve_until(State::Ready).await;
        self.net.link()
    }

    pub fn call(&mut self, tag: u32, body: impl prost::Message, timeout: Duration) -> CallId {
        let id = self.gateway.call(tag, body.encode_to_vec().into(), timeout).expect("the call is taken");
        self.calls.insert(id);
        id
    }

    pub fn send(&mut self, timeout: Duration) -> CallId {
        self.send_marked(1, timeout)
    }

    /// Send a held message.
    pub fn send_held(&mut self) -> CallId {
        let body = prost::Message::encode_to_vec(&ChannelMessageSend { channel_id: 7, ..Default::default() });
        let id = self.gateway.call_held(SEND, body.into(), 30 * SEC).expect("the call is taken");
        self.calls.insert(id);
        id
    }

    /// Send a message whose answer contains `mark`.
    pub fn send_marked(&mut self, mark: i64, timeout: Duration) -> CallId {
        let body = ChannelMessageSend { channel_id: 7, topic_id: mark, ..Default::default() };
        self.call(SEND, body, timeout)
    }

    pub fn join_clan(&mut self, clan_id: i64) -> CallId {
        self.call(CLAN_JOIN, ClanJoin { clan_id, ..Default::default() }, 30 * SEC)
    }

    pub fn join(&mut self, channel_id: i64) -> CallId {
        self.call(CHANNEL_JOIN, ChannelJoin { clan_id: 1, channel_id, ..Default::default() }, 30 * SEC)
    }

    pub fn leave(&mut self, channel_id: i64) -> CallId {
        self.call(CHANNEL_LEAVE, ChannelLeave { clan_id: 1, channel_id, ..Default::default() }, 30 * SEC)
    }

    pub fn cancel(&mut self, id: CallId) {
        self.cancelled.insert(id);
        self.gateway.cancel(id);
    }

    pub fn outcome(&self, id: CallId) -> Option<&Outcome> {
        self.outcomes.get(&id)
    }

    pub fn failure(&self, id: CallId) -> Option<&Failure> {
        match self.outcomes.get(&id)? {
            Outcome::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn seen(&self) -> Vec<State> {
        self.states.iter().map(|(state, ..)| *state).collect()
    }

    pub fn stat(&self, name: &str) -> u64 {
        let counters = self.gateway.stats().counters();
        counters.into_iter().find(|(counter, _)| *counter == name).expect("there is such a counter").1
    }

    fn note(&mut self, item: &Item) {
        match item {
            Item::State { state, generation, reason } => {
                assert!(self.state.may_become(*state), "{} became {state}: {:?}", self.state, self.states);
                self.rise(*generation);
                self.state = *state;
                self.states.push((*state, *generation, reason.clone()));
            }
            Item::SessionWanted { generation, attempt } => {
                self.rise(*generation);
                self.wanted.push((*generation, *attempt, Instant::now()));
            }
            Item::Reconnected { lost_at, back_at, .. } => self.gaps.push((*lost_at, *back_at)),
            Item::Event { tag, body, .. } => self.events.push((*tag, body.clone())),
            Item::Reply { call, tag, body } => self.end(*call, Outcome::Reply(*tag, body.clone())),
            Item::Raw { call, body } => self.end(*call, Outcome::Raw(body.clone())),
            Item::Failed { call, failure } => self.end(*call, Outcome::Failed(failure.clone())),
            Item::Malformed { .. } => {}
            Item::Log { text, .. } => {
                self.gateway.trace().taken();
                self.log.push(text.clone());
            }
        }
    }

    fn rise(&mut self, generation: u64) {
        assert!(
            generation >= self.generation,
            "the generation fell from {} to {generation}",
            self.generation
        );
        self.generation = generation;
    }

    fn end(&mut self, call: CallId, outcome: Outcome) {
        assert!(self.calls.contains(&call), "nobody made call {call}: {outcome:?}");
        self.done.push(call);
        let earlier = self.outcomes.insert(call, outcome.clone());
        assert!(earlier.is_none(), "call {call} ended twice: {earlier:?}, {outcome:?}");
    }

    /// Close the bot and check the invariants of every end.
    pub async fn finish(mut self) {
        if self.gateway.close() {
            self.until(State::Closed).await;
        }
        self.settle().await;
        let open: Vec<_> = self
            .calls
            .iter()
            .filter(|id| !self.outcomes.contains_key(id) && !self.cancelled.contains(id))
            .collect();
        assert!(open.is_empty(), "calls {open:?} have no outcome; states: {:?}", self.states);
        assert_eq!(self.stat("pending"), 0, "calls are counted that are over");
        assert_eq!(self.net.live(), 0, "a connection is still held");
        assert_eq!(self.gateway.state(), State::Closed);
    }
}

/// Options without delays.
pub fn quick() -> Options {
    let mut options = Options { jitter_seed: Some(1), ..Default::default() };
    options.backoff.base = Duration::ZERO;
    options.backoff.max = Duration::ZERO;
    options
}

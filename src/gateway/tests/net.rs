//! A scripted network: the outcome of each connect, and what the peer sends and accepts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tokio::time::{Instant, sleep};

use super::super::transport::{Connect, Connecting, Endpoint, Frame, Lost, Transport, websocket_frame};
use crate::wire::encode_envelope;
use crate::wire::proto::api::ChannelMessage;
use crate::wire::proto::realtime::{
    Channel, ChannelMessageAck, Envelope, Error, MessageTypingEvent, Pong, envelope::Message,
};
use crate::wire::tags::envelope as tags;

/// The outcome of a connect.
#[derive(Debug, Clone)]
pub enum Plan {
    Accept,
    Refuse(&'static str),
    /// Rejects the credential, not the connection.
    RefuseSession,
    /// Never answers.
    Hang,
    AcceptAfter(Duration),
}

/// What the peer answers by itself.
#[derive(Debug, Clone, Copy)]
pub struct Auto {
    pub pings: bool,
    pub joins: bool,
    pub calls: bool,
    pub goodbye: bool,
}

impl Auto {
    pub const ALL: Self = Self { pings: true, joins: true, calls: true, goodbye: true };
    /// Answers pings only.
    pub const PINGS: Self = Self { joins: false, calls: false, ..Self::ALL };
    pub const NONE: Self = Self { pings: false, joins: false, calls: false, goodbye: false };
}

#[derive(Default)]
pub struct Net(Mutex<State>);

struct State {
    plans: VecDeque<Plan>,
    auto: Auto,
    urls: Vec<String>,
    handshake_pings: Vec<Instant>,
    links: Vec<Link>,
}

impl Default for State {
    fn default() -> Self {
        let (plans, urls) = Default::default();
        Self { plans, auto: Auto::ALL, urls, handshake_pings: Vec::new(), links: Vec::new() }
    }
}

impl Net {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Plan the next connect that has no plan yet; unplanned ones are accepted.
    pub fn plan(&self, plan: Plan) {
        self.lock().plans.push_back(plan);
    }

    pub fn forget_plans(&self) {
        self.lock().plans.clear();
    }

    /// Set the automatic answers of future links.
    pub fn auto(&self, auto: Auto) {
        self.lock().auto = auto;
    }

    /// Return the URLs of all connects, in order.
    pub fn urls(&self) -> Vec<String> {
        self.lock().urls.clone()
    }

    /// Return when the pings of handshakes arrived.
    pub fn handshake_pings(&self) -> Vec<Instant> {
        self.lock().handshake_pings.clone()
    }

    /// Return the latest link.
    pub fn link(&self) -> Link {
        self.lock().links.last().expect("a connection was made").clone()
    }

    pub fn links(&self) -> usize {
        self.lock().links.len()
    }

    /// Return the number of links that the client holds now.
    pub fn live(&self) -> usize {
        self.lock().links.iter().filter(|link| link.lock().held).count()
    }

    fn accept(&self, pings_in_handshake: bool) -> Box<dyn Transport> {
        assert_eq!(self.live(), 0, "there is at most one live connection");
        let mut state = self.lock();
        let link = Link(Arc::new(Mutex::new(Wire { auto: state.auto, held: true, ..Wire::default() })));
        if pings_in_handshake {
            state.handshake_pings.push(Instant::now());
            link.push(Ok(Frame::HandshakePong));
        }
        state.links.push(link.clone());
        Box::new(End(link))
    }
}

pub struct Connector(pub Arc<Net>);

impl Connect for Connector {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        let net = self.0.clone();
        let mut state = net.lock();
        state.urls.push(endpoint.uri.to_string().trim_end_matches('/').to_owned());
        let plan = state.plans.pop_front().unwrap_or(Plan::Accept);
        let pings_in_handshake = endpoint.kind.pings_in_handshake();
        drop(state);
        Box::pin(async move {
            match plan {
                Plan::Accept => Ok(net.accept(pings_in_handshake)),
                Plan::Refuse(why) => Err(Lost::new(why)),
                Plan::RefuseSession => Err(Lost::http(401, "the server refused the session".into())),
                Plan::Hang => std::future::pending().await,
                Plan::AcceptAfter(delay) => {
                    sleep(delay).await;
                    Ok(net.accept(pings_in_handshake))
                }
            }
        })
    }
}

/// A frame from the client.
#[derive(Debug, Clone)]
pub struct Got {
    pub cid: u16,
    pub tag: u32,
    pub message: Message,
    pub at: Instant,
}

/// The peer's end of a connection.
#[derive(Clone)]
pub struct Link(Arc<Mutex<Wire>>);

struct Wire {
    auto: Auto,
    held: bool,
    /// Frames for the client to read.
    frames: VecDeque<Result<Frame, Lost>>,
    reader: Option<Waker>,
    got: Vec<Got>,
    stuck: bool,
    breaks_on_send: bool,
    panics: bool,
    writer: Option<Waker>,
    goodbyes: usize,
    bytes: u64,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            auto: Auto::NONE,
            held: false,
            frames: VecDeque::new(),
            reader: None,
            got: Vec::new(),
            stuck: false,
            breaks_on_send: false,
            panics: false,
            writer: None,
            goodbyes: 0,
            bytes: 0,
        }
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }

    fn push(&self, frame: Result<Frame, Lost>) {
        let mut wire = self.lock();
        wire.frames.push_back(frame);
        if let Some(waker) = wire.reader.take() {
            waker.wake();
        }
    }

    pub fn auto(&self, auto: Auto) {
        self.lock().auto = auto;
    }

    pub fn raw(&self, frame: impl Into<Bytes>) {
        self.push(Ok(websocket_frame(frame.into())));
    }

    /// Send a WebSocket ping, pong or text.
    pub fn other(&self) {
        self.push(Ok(Frame::Other));
    }

    pub fn send(&self, cid: u16, message: Message) {
        self.raw(Envelope { cid: cid.into(), message: Some(message) }.encode_to_vec());
    }

    pub fn cut(&self, why: &str) {
        self.push(Err(Lost::new(why)));
    }

    pub fn typing(&self, channel_id: i64) {
        self.send(0, Message::MessageTypingEvent(MessageTypingEvent { channel_id, ..Default::default() }));
    }

    pub fn message(&self, channel_id: i64, message_id: i64) {
        self.send(
            0,
            Message::ChannelMessage(ChannelMessage { channel_id, message_id, ..Default::default() }),
        );
    }

    /// Send the answer of a regular server.
    pub fn answer(&self, got: &Got) {
        self.send(got.cid, answer_to(&got.message));
    }

    pub fn refuse(&self, got: &Got) {
        self.send(got.cid, Message::Error(Error { code: 3, message: "no".into(), ..Default::default() }));
    }

    pub fn chunk(&self, cid: u16, code: u16, last: bool, payload: &[u8]) {
        let mut frame = vec![0xFF];
        frame.extend(cid.to_be_bytes());
        frame.extend((u32::from(code) << 16 | if last { 0xFF } else { 0 }).to_be_bytes());
        frame.extend(payload);
        self.raw(frame);
    }

    /// Return the client's frames without pings.
    pub fn got(&self) -> Vec<Got> {
        self.lock().got.iter().filter(|got| got.tag != tags::PING).cloned().collect()
    }

    /// Return the pings without the one that follows the connect.
    pub fn pings(&self) -> Vec<Got> {
        self.lock().got.iter().filter(|got| got.tag == tags::PING).skip(1).cloned().collect()
    }

    pub fn first_ping(&self) -> Option<Got> {
        self.lock().got.iter().find(|got| got.tag == tags::PING).cloned()
    }

    /// Return all frames in order of arrival.
    pub fn all(&self) -> Vec<Got> {
        self.lock().got.clone()
    }

    /// Pretend to have sent this many bytes of an incomplete frame.
    pub fn drip(&self, bytes: u64) {
        let mut wire = self.lock();
        wire.bytes += bytes;
        if let Some(waker) = wire.reader.take() {
            waker.wake();
        }
    }

    /// Stop or resume accepting data.
    pub fn stick(&self, stuck: bool) {
        let mut wire = self.lock();
        wire.stuck = stuck;
        if let Some(waker) = wire.writer.take() {
            waker.wake();
        }
    }

    pub fn break_on_send(&self) {
        self.lock().breaks_on_send = true;
    }

    /// Make the client panic at its next read.
    pub fn panic(&self) {
        self.lock().panics = true;
        self.typing(0);
    }

    pub fn unread(&self) -> usize {
        self.lock().frames.len()
    }

    pub fn goodbyes(&self) -> usize {
        self.lock().goodbyes
    }

    pub fn held(&self) -> bool {
        self.lock().held
    }
}

fn answer_to(message: &Message) -> Message {
    match message {
        Message::Ping(_) => Message::Pong(Pong {}),
        Message::ChannelJoin(join) => Message::Channel(Channel { id: join.channel_id, ..Default::default() }),
        Message::ChannelMessageSend(send) => Message::ChannelMessageAck(ChannelMessageAck {
            channel_id: send.channel_id,
            message_id: send.topic_id,
            ..Default::default()
        }),
        other => other.clone(),
    }
}

/// The client's end of a connection.
struct End(Link);

impl Transport for End {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        let mut wire = self.0.lock();
        if wire.panics {
            drop(wire);
            panic!("a defect, made for a test");
        }
        match wire.frames.pop_front() {
            Some(frame) => Poll::Ready(frame),
            None => {
                wire.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.poll_flush(cx)
    }

    fn bytes_read(&self) -> u64 {
        self.0.lock().bytes
    }

    fn ping(&mut self, cid: u16) -> Result<usize, Lost> {
        self.send(cid, tags::PING, &[])
    }

    fn send(&mut self, cid: u16, tag: u32, body: &[u8]) -> Result<usize, Lost> {
        let frame = encode_envelope(cid, tag, body);
        let envelope = Envelope::decode(&frame[..]).expect("the client sends envelopes");
        let got = Got { cid, tag, message: envelope.message.unwrap(), at: Instant::now() };
        let mut wire = self.0.lock();
        assert!(!wire.stuck, "poll_ready had said no");
        if wire.breaks_on_send {
            return Err(Lost::new("broken pipe"));
        }
        wire.got.push(got.clone());
        let auto = wire.auto;
        drop(wire);
        let answers = match got.tag {
            tags::PING => auto.pings,
            tags::PONG => false,
            3..=5 => auto.joins,
            _ => auto.calls,
        };
        if answers {
            self.0.answer(&got);
        }
        Ok(frame.len())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let mut wire = self.0.lock();
        if wire.stuck {
            wire.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<()> {
        let mut wire = self.0.lock();
        wire.goodbyes += 1;
        if wire.auto.goodbye { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.lock().held = false;
    }
}

//! The bounded queue from the I/O thread to Python.
//!
//! Events count against a bound of items and bytes; above it the session task stops reading the socket, and TCP pushes
//! back. Answers and state changes have a queue of their own that no bound and no paused dispatch holds up: they are
//! few, and somebody waits for them - often a handler that has to end before the next event can be taken.
//!
//! Sleeping and waking follow one rule under one lock: a consumer that finds the queue empty arms the wake-up in the
//! same critical section, a producer that pushes into an armed queue disarms it and wakes.

#[cfg(all(test, feature = "model"))]
mod model;
mod sync;
mod wake;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use self::sync::{Mutex, MutexGuard, Notify};

#[cfg(unix)]
pub use wake::FdWake;
pub use wake::Wake;

use crate::crowd::{Crowd, PROCESS};
use crate::gateway::{CallId, Failure, State};
use crate::wire::Body;

/// Something the Python side has to know.
#[derive(Debug)]
pub enum Item {
    /// An event the server pushed: its tag in the envelope and its encoded body.
    Event { tag: u32, body: Body },
    /// The envelope that answers a call.
    Reply { call: CallId, tag: u32, body: Bytes },
    /// The raw API answer to a call, joined.
    Raw { call: CallId, body: Bytes },
    /// A call that will get no answer.
    Failed { call: CallId, failure: Failure },
    /// The connection went from one state to another.
    State { state: State, generation: u64, reason: String },
    /// The connection was lost and wants a new session: answer with `provide_session` or `refuse_session`.
    SessionWanted { generation: u64, attempt: u32 },
    /// Frames came that cannot be read: how many up to now, and what was wrong with this one.
    Malformed { count: u64, reason: String },
    /// The connection is back. Times are seconds since the epoch.
    Reconnected { generation: u64, lost_at: f64, back_at: f64 },
    /// Something for the logger of the core; the level in the numbers of Python's `logging`.
    Log { level: u8, text: String },
}

impl Item {
    fn weight(&self) -> usize {
        match self {
            Self::Event { body, .. } => body.len() + OVERHEAD,
            _ => 0,
        }
    }

    /// Keeps its place among the events.
    fn in_line(&self) -> bool {
        matches!(self, Self::Event { .. } | Self::Reconnected { .. })
    }
}

/// What an item costs beside its body.
const OVERHEAD: usize = 64;
/// Answers taken in one go.
const MAX_ANSWERS: usize = 1024;

/// How much the inbox holds before the reader pauses.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    pub events: usize,
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    answers: VecDeque<Item>,
    events: VecDeque<Item>,
    bytes: usize,
    high_water: usize,
    armed: bool,
    /// The consumer takes no events for now: only an answer wakes it.
    holding: bool,
}

/// Depth now and the deepest it ever was, in events; bytes held now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub events: usize,
    pub bytes: usize,
    pub high_water: usize,
}

pub struct Inbox {
    queue: Mutex<Queue>,
    capacity: Capacity,
    /// Who else has one: their bounds in bytes hold for all together.
    crowd: &'static Crowd,
    space: Notify,
    wake: Arc<dyn Wake>,
}

impl Inbox {
    pub fn new(capacity: Capacity, wake: Arc<dyn Wake>) -> Self {
        Self::among(&PROCESS, capacity, wake)
    }

    fn among(crowd: &'static Crowd, capacity: Capacity, wake: Arc<dyn Wake>) -> Self {
        Self { queue: Mutex::new(Queue::default()), capacity, crowd, space: Notify::new(), wake }
    }

    fn most_bytes(&self) -> usize {
        self.crowd.part(self.capacity.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole after every statement: a panic elsewhere under the lock has not torn it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what `items` holds, in order, and empties it. True when the reader should pause.
    pub fn push_all(&self, items: &mut Vec<Item>) -> bool {
        let mut queue = self.lock();
        for item in items.drain(..) {
            queue.bytes += item.weight();
            if item.in_line() { queue.events.push_back(item) } else { queue.answers.push_back(item) }
        }
        queue.high_water = queue.high_water.max(queue.events.len());
        let full = self.is_full(&queue);
        let wake = queue.armed && queue.has_work();
        if wake {
            queue.armed = false;
        }
        drop(queue);
        if wake {
            self.wake.wake();
        }
        full
    }

    pub fn push(&self, item: Item) {
        self.push_all(&mut vec![item]);
    }

    fn is_full(&self, queue: &Queue) -> bool {
        queue.events.len() >= self.capacity.events || queue.bytes >= self.most_bytes()
    }

    pub fn full(&self) -> bool {
        self.is_full(&self.lock())
    }

    /// Twice as much as the bounds say.
    pub fn flooded(&self) -> bool {
        let queue = self.lock();
        queue.events.len() >= self.capacity.events.saturating_mul(2)
            || queue.bytes >= self.most_bytes().saturating_mul(2)
    }

    /// Resolves when a full inbox has been drained to half its bounds.
    pub async fn wait_space(&self) {
        self.space.notified().await;
    }

    /// Moves the answers and up to `max_events` events into `into`. False when there is nothing more to take: then
    /// the wake-up is armed, and with `max_events` 0 it takes an answer to fire it.
    pub fn drain(&self, max_events: usize, into: &mut Vec<Item>) -> bool {
        let mut queue = self.lock();
        let was_full = self.is_full(&queue);
        let answers = queue.answers.len().min(MAX_ANSWERS);
        into.extend(queue.answers.drain(..answers));
        let events = queue.events.len().min(max_events);
        let first = into.len();
        into.extend(queue.events.drain(..events));
        queue.bytes -= into[first..].iter().map(Item::weight).sum::<usize>();
        queue.holding = max_events == 0;
        let more = queue.has_work();
        queue.armed = !more;
        if queue.events.is_empty() && queue.events.capacity() > 4096 {
            // A burst is over: give its memory back.
            queue.events = VecDeque::new();
        }
        let relaxed = queue.events.len() * 2 <= self.capacity.events && queue.bytes * 2 <= self.most_bytes();
        drop(queue);
        if relaxed || was_full {
            // A permit is stored when nobody waits yet; a stale one costs the reader one look.
            self.space.notify_one();
        }
        more
    }

    pub fn depth(&self) -> Depth {
        let queue = self.lock();
        Depth { events: queue.events.len(), bytes: queue.bytes, high_water: queue.high_water }
    }
}

impl Queue {
    fn has_work(&self) -> bool {
        !self.answers.is_empty() || (!self.holding && !self.events.is_empty())
    }
}

#[cfg(all(test, not(feature = "model")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn event(n: u32, size: usize) -> Item {
        Item::Event { tag: n, body: vec![0; size].into() }
    }

    fn inbox(events: usize, bytes: usize) -> (Inbox, Arc<Count>) {
        let wakes = Arc::new(Count::default());
        (Inbox::new(Capacity { events, bytes }, wakes.clone()), wakes)
    }

    #[test]
    fn wakes_once_for_each_time_the_consumer_slept() {
        let (inbox, wakes) = inbox(10, 10_000);
        let mut out = Vec::new();
        inbox.push(event(1, 1));
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0, "nobody has armed it");
        assert!(!inbox.drain(8, &mut out));
        inbox.push(event(2, 1));
        inbox.push(event(3, 1));
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(inbox.drain(1, &mut out), "one is left");
        inbox.push(event(4, 1));
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "the consumer is awake");
        assert!(!inbox.drain(8, &mut out));
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn answers_pass_a_full_inbox() {
        let (inbox, _) = inbox(1, 10_000);
        assert!(inbox.push_all(&mut vec![event(1, 1)]));
        inbox.push(Item::Reply { call: 1, tag: 7, body: Bytes::new() });
        let mut out = Vec::new();
        assert!(!inbox.drain(0, &mut out), "the event waits, but is not wanted now");
        assert!(matches!(out[..], [Item::Reply { .. }]));
        assert!(inbox.full());
        assert!(!inbox.drain(1, &mut out));
        assert!(!inbox.full());
        assert_eq!(inbox.depth(), Depth { events: 0, bytes: 0, high_water: 1 });
    }

    #[test]
    fn many_inboxes_share_their_bound() {
        let crowd: &'static Crowd = Box::leak(Box::default());
        let capacity = Capacity { events: 1000, bytes: 1 << 20 };
        let inbox = Inbox::among(crowd, capacity, Arc::new(Count::default()));
        assert!(!inbox.push_all(&mut vec![event(1, 300_000)]));
        let members: Vec<_> = (0..32).map(|_| crowd.join()).collect();
        assert!(inbox.full(), "a quarter of what it may hold alone");
        assert!(!inbox.drain(8, &mut Vec::new()));
        assert!(!inbox.push_all(&mut vec![event(2, 200_000)]));
        drop(members);
        assert!(!inbox.push_all(&mut vec![event(3, 800_000)]));
        assert!(inbox.push_all(&mut vec![event(4, 100_000)]));
    }

    #[test]
    fn a_holding_consumer_is_woken_by_answers_alone() {
        let (inbox, wakes) = inbox(10, 10_000);
        let mut out = Vec::new();
        inbox.drain(0, &mut out);
        inbox.push(event(1, 1));
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        inbox.push(Item::Reply { call: 1, tag: 7, body: Bytes::new() });
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    }

    proptest! {
        #[test]
        fn keeps_order_and_counts(ops in prop::collection::vec((0usize..6, 0usize..300), 1..60)) {
            let (inbox, _) = inbox(16, 2000);
            let (mut sent, mut got) = (0u32, 0u32);
            let mut out = Vec::new();
            for (n, size) in ops {
                let mut items: Vec<_> = (0..n).map(|_| { sent += 1; event(sent, size) }).collect();
                let full = inbox.push_all(&mut items);
                prop_assert_eq!(full, inbox.full());
                inbox.drain(size % 7, &mut out);
                for item in out.drain(..) {
                    got += 1;
                    let Item::Event { tag, .. } = item else { unreachable!() };
                    prop_assert_eq!(tag, got);
                }
            }
            prop_assert_eq!(inbox.depth().events as u32, sent - got);
        }
    }
}

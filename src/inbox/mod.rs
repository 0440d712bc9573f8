//! The bounded queue from the I/O thread to Python.
//!
//! Events count against a bound of items and bytes; above it the connection stops reading its socket and TCP
//! pushes back. Answers and state changes have a queue of their own that neither the bound nor a paused dispatch
//! delays: there are few of them, and often a handler awaits one that has to finish before the next event can be
//! dispatched.
//!
//! One rule under one lock prevents lost wake-ups: a consumer that finds the queue empty arms the waker in the
//! same critical section, and a producer that pushes to an armed queue disarms the waker and wakes.

#[cfg(all(test, feature = "model"))]
mod model;
mod sync;
mod wake;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use self::sync::{Mutex, MutexGuard, Notify};

#[cfg(unix)]
pub use wake::FdWake;
pub use wake::Wake;

use crate::item::{Capacity, Item, ItemSink};
use crate::memory_budget::{MemoryBudget, PROCESS};

/// The maximum number of answers per drain.
const MAX_ANSWERS: usize = 1024;

#[derive(Debug, Default)]
struct Queue {
    answers: VecDeque<Item>,
    events: VecDeque<Item>,
    bytes: usize,
    high_water: usize,
    armed: bool,
    /// The consumer accepts no events for now: only answers wake it.
    events_paused: bool,
}

/// The current and the greatest number of queued events, and the bytes held now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub events: usize,
    pub bytes: usize,
    pub high_water: usize,
}

pub struct Inbox {
    queue: Mutex<Queue>,
    capacity: Capacity,
    /// Limits the bytes of all inboxes of the process together.
    budget: &'static MemoryBudget,
    space: Notify,
    wake: Arc<dyn Wake>,
}

impl Inbox {
    pub fn new(capacity: Capacity, wake: Arc<dyn Wake>) -> Self {
        Self::with_budget(&PROCESS, capacity, wake)
    }

    fn with_budget(budget: &'static MemoryBudget, capacity: Capacity, wake: Arc<dyn Wake>) -> Self {
        Self { queue: Mutex::new(Queue::default()), capacity, budget, space: Notify::new(), wake }
    }

    fn max_bytes(&self) -> usize {
        self.budget.share_of(self.capacity.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent after every statement, also after a panic of another holder.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exceeds_capacity(&self, queue: &Queue) -> bool {
        queue.events.len() >= self.capacity.events || queue.bytes >= self.max_bytes()
    }

    /// Resolve when a full inbox has been drained to half its capacity.
    pub async fn wait_for_space(&self) {
        self.space.notified().await;
    }

    /// Move the answers and up to `max_events` events to `into`. Returns false if nothing is left: the waker is
    /// then armed, and with `max_events` 0 only an answer fires it.
    pub fn drain(&self, max_events: usize, into: &mut Vec<Item>) -> bool {
        let mut queue = self.lock();
        let was_full = self.exceeds_capacity(&queue);
        let answers = queue.answers.len().min(MAX_ANSWERS);
        into.extend(queue.answers.drain(..answers));
        let events = queue.events.len().min(max_events);
        let first = into.len();
        into.extend(queue.events.drain(..events));
        queue.bytes -= into[first..].iter().map(Item::weight).sum::<usize>();
        queue.events_paused = max_events == 0;
        let more = queue.has_work();
        queue.armed = !more;
        if queue.events.is_empty() && queue.events.capacity() > 4096 {
            // Release the memory after a burst.
            queue.events = VecDeque::new();
        }
        let relaxed = queue.events.len() * 2 <= self.capacity.events && queue.bytes * 2 <= self.max_bytes();
        drop(queue);
        if relaxed || was_full {
            // A permit is stored if nothing waits; a stale one costs the reader one check.
            self.space.notify_one();
        }
        more
    }

    pub fn depth(&self) -> Depth {
        let queue = self.lock();
        Depth { events: queue.events.len(), bytes: queue.bytes, high_water: queue.high_water }
    }
}

impl ItemSink for Inbox {
    fn push_all(&self, items: &mut Vec<Item>) -> bool {
        let mut queue = self.lock();
        for item in items.drain(..) {
            queue.bytes += item.weight();
            if item.keeps_event_order() {
                queue.events.push_back(item)
            } else {
                queue.answers.push_back(item)
            }
        }
        queue.high_water = queue.high_water.max(queue.events.len());
        let full = self.exceeds_capacity(&queue);
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

    fn is_full(&self) -> bool {
        self.exceeds_capacity(&self.lock())
    }

    fn is_flooded(&self) -> bool {
        let queue = self.lock();
        queue.events.len() >= self.capacity.events.saturating_mul(2)
            || queue.bytes >= self.max_bytes().saturating_mul(2)
    }

    fn wait_space(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.wait_for_space().await })
    }
}

impl Queue {
    fn has_work(&self) -> bool {
        !self.answers.is_empty() || (!self.events_paused && !self.events.is_empty())
    }
}

#[cfg(all(test, not(feature = "model")))]
mod tests {
    use super::*;
    use bytes::Bytes;
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
        Item::Event { tag: n, body: vec![0; size].into(), message: None }
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
        assert!(inbox.is_full());
        assert!(!inbox.drain(1, &mut out));
        assert!(!inbox.is_full());
        assert_eq!(inbox.depth(), Depth { events: 0, bytes: 0, high_water: 1 });
    }

    #[test]
    fn many_inboxes_share_their_bound() {
        let budget: &'static MemoryBudget = Box::leak(Box::default());
        let capacity = Capacity { events: 1000, bytes: 1 << 20 };
        let inbox = Inbox::with_budget(budget, capacity, Arc::new(Count::default()));
        assert!(!inbox.push_all(&mut vec![event(1, 300_000)]));
        let members: Vec<_> = (0..32).map(|_| budget.register()).collect();
        assert!(inbox.is_full(), "a quarter of what it may hold alone");
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
                prop_assert_eq!(full, inbox.is_full());
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

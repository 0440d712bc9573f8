//! Model checking with loom (`make model`): runs every interleaving of the producers and consumers of an inbox.
//!
//! A lost wake-up or a missing permit would leave a thread waiting for ever, which loom reports.

use loom::future::block_on;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use bytes::Bytes;

use super::*;
use crate::item::CallId;
use crate::state::State;

/// The descriptor that an event loop watches: readable from a wake to the next clear.
#[derive(Default)]
struct ModelWaker {
    signalled: Mutex<bool>,
    changed: Condvar,
}

impl ModelWaker {
    /// Wait as an idle event loop does; the clear precedes the drain.
    fn wait_and_clear(&self) {
        let mut signalled = self.signalled.lock().unwrap();
        while !*signalled {
            signalled = self.changed.wait(signalled).unwrap();
        }
        *signalled = false;
    }
}

impl Wake for ModelWaker {
    fn wake(&self) {
        *self.signalled.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

/// Up to three preemptions per run find the interleavings that matter.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn inbox(events: usize) -> (Arc<Inbox>, std::sync::Arc<ModelWaker>) {
    let waker = std::sync::Arc::new(ModelWaker::default());
    (Arc::new(Inbox::new(Capacity { events, bytes: 1 << 20 }, waker.clone())), waker)
}

fn event(tag: u32) -> Item {
    Item::Event { tag, body: [].into(), message: None }
}

fn reply(call: CallId) -> Item {
    Item::Reply { call, tag: 1, body: Bytes::new() }
}

/// Return the tags of the events and the calls of the answers.
fn names(items: Vec<Item>) -> (Vec<u32>, Vec<CallId>) {
    let (mut tags, mut calls) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Event { tag, .. } => tags.push(tag),
            Item::Reply { call, .. } => calls.push(call),
            _ => {}
        }
    }
    (tags, calls)
}

/// Drain and sleep as the event loop does, until `count` items have arrived.
fn consume(inbox: &Inbox, waker: &ModelWaker, max_events: usize, count: usize) -> Vec<Item> {
    let mut items = Vec::new();
    loop {
        let more = inbox.drain(max_events, &mut items);
        if items.len() >= count {
            return items;
        }
        if !more {
            waker.wait_and_clear();
        }
    }
}

#[test]
fn no_wake_up_is_lost() {
    check(|| {
        let (inbox, waker) = inbox(8);
        let producer = {
            let inbox = inbox.clone();
            thread::spawn(move || {
                inbox.push(event(1));
                inbox.push(event(2));
            })
        };
        assert_eq!(names(consume(&inbox, &waker, 1, 2)).0, [1, 2]);
        producer.join().unwrap();
    });
}

#[test]
fn a_consumer_that_takes_no_events_hears_of_answers() {
    check(|| {
        let (inbox, waker) = inbox(8);
        let producer = {
            let inbox = inbox.clone();
            thread::spawn(move || {
                inbox.push(event(1));
                inbox.push(reply(7));
            })
        };
        assert_eq!(names(consume(&inbox, &waker, 0, 1)), (vec![], vec![7]));
        // The consumer checks by itself when it accepts events again: queued ones do not wake it.
        assert_eq!(names(consume(&inbox, &waker, 8, 1)).0, [1]);
        producer.join().unwrap();
    });
}

#[test]
fn a_reader_that_waits_for_space_goes_on() {
    check(|| {
        let (inbox, waker) = inbox(1);
        let producer = {
            let inbox = inbox.clone();
            thread::spawn(move || {
                for tag in 1..=2 {
                    let full = inbox.push_all(&mut vec![event(tag)]);
                    // As the connection does: permits can be stale.
                    while full && inbox.is_full() {
                        block_on(inbox.wait_for_space());
                    }
                }
            })
        };
        assert_eq!(names(consume(&inbox, &waker, 8, 2)).0, [1, 2]);
        producer.join().unwrap();
        assert_eq!(inbox.depth().events, 0);
    });
}

#[test]
fn the_end_is_heard_of_by_a_consumer_that_holds_events() {
    check(|| {
        let (inbox, waker) = inbox(1);
        let producer = {
            let inbox = inbox.clone();
            thread::spawn(move || {
                inbox.push(event(1));
                inbox.push(Item::State { state: State::Closed, generation: 1, reason: String::new() });
            })
        };
        let items = consume(&inbox, &waker, 0, 1);
        assert!(matches!(items[..], [Item::State { state: State::Closed, .. }]));
        producer.join().unwrap();
    });
}

#[test]
fn two_consumers_get_everything_once() {
    check(|| {
        let (inbox, _) = inbox(8);
        for tag in 1..=2 {
            inbox.push(event(tag));
        }
        let other = {
            let inbox = inbox.clone();
            thread::spawn(move || {
                let mut items = Vec::new();
                inbox.drain(1, &mut items);
                names(items).0
            })
        };
        inbox.push(event(3));
        let mut items = Vec::new();
        inbox.drain(1, &mut items);
        let mut tags = [names(items).0, other.join().unwrap()].concat();
        let mut rest = Vec::new();
        inbox.drain(8, &mut rest);
        tags.extend(names(rest).0);
        tags.sort_unstable();
        assert_eq!(tags, [1, 2, 3]);
        assert_eq!(inbox.depth().events, 0);
    });
}

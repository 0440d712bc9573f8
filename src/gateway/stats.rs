//! Counters that the connection's task updates and any thread may read.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use super::transport::Kind;
use crate::state::State;

/// All tags of the envelope are below this.
pub const TAGS: usize = 128;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        #[derive(Debug)]
        pub struct Stats {
            $($(#[$doc])* pub $name: AtomicU64,)+
            events: [AtomicU64; TAGS],
            wanted: [AtomicU64; TAGS / 64],
            state: AtomicU8,
            transport: AtomicU8,
        }

        impl Stats {
            pub fn new() -> Self {
                Self {
                    $($name: AtomicU64::new(0),)+
                    events: [const { AtomicU64::new(0) }; TAGS],
                    wanted: [const { AtomicU64::new(0) }; TAGS / 64],
                    state: AtomicU8::new(State::Idle as u8),
                    transport: AtomicU8::new(0),
                }
            }

            /// Return each counter with its name.
            pub fn counters(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Relaxed)),)+]
            }
        }
    };
}

counters! {
    frames_received,
    bytes_received,
    frames_sent,
    bytes_sent,
    /// Frames that are neither an envelope nor a chunk, and bodies that do not decode.
    malformed,
    /// Events without a listener and without a default effect; they are not decoded.
    skipped,
    /// Events that no handler's filter wants; they are not decoded.
    filtered,
    /// Answers and chunks of calls that are finished.
    unclaimed,
    reconnects,
    /// Calls that the server has refused with 429 and that were sent again.
    sent_again,
    /// How often a full inbox or the store's backlog has paused the reader.
    pauses,
    /// The last round trip of a ping in microseconds; 0 before the first.
    latency_us,
    generation,
    /// Calls that are queued or unanswered.
    pending,
    joined,
}

impl Default for Stats {
    fn default() -> Self {
        Self::new()
    }
}

impl Stats {
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Relaxed);
    }

    pub fn count_event(&self, tag: u32) {
        if let Some(counter) = self.events.get(tag as usize) {
            Self::add(counter, 1);
        }
    }

    /// Return the number of events of a tag, wanted or not.
    pub fn events(&self, tag: u32) -> u64 {
        self.events.get(tag as usize).map_or(0, |counter| counter.load(Relaxed))
    }

    /// Return whether events of this tag are handed to Python.
    pub fn wants(&self, tag: u32) -> bool {
        let word = self.wanted.get(tag as usize / 64);
        word.is_some_and(|word| word.load(Relaxed) >> (tag % 64) & 1 == 1)
    }

    pub fn set_wanted(&self, tag: u32, wanted: bool) {
        let Some(word) = self.wanted.get(tag as usize / 64) else { return };
        if wanted {
            word.fetch_or(1 << (tag % 64), Relaxed);
        } else {
            word.fetch_and(!(1 << (tag % 64)), Relaxed);
        }
    }

    pub fn state(&self) -> State {
        State::from_u8(self.state.load(Relaxed))
    }

    /// Return the transport of the open connection; None if there is none.
    pub fn transport(&self) -> Option<Kind> {
        Kind::from_u8(self.transport.load(Relaxed))
    }

    pub(super) fn set_transport(&self, kind: Option<Kind>) {
        self.transport.store(kind.map_or(0, |kind| kind as u8), Relaxed);
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interest_is_a_bit_for_each_tag() {
        let stats = Stats::new();
        for tag in [2, 63, 64, 100] {
            assert!(!stats.wants(tag));
            stats.set_wanted(tag, true);
            assert!(stats.wants(tag) && !stats.wants(tag + 1));
        }
        stats.set_wanted(64, false);
        assert!(!stats.wants(64) && stats.wants(63));
        assert!(!stats.wants(4000));
    }
}

//! The flight recorder: the latest frames of a client's connection and its latest HTTP exchanges, within bounds of
//! bytes and age.
//!
//! The ring holds frames as they were on the wire, secrets included, like the buffers of the connection itself. What
//! leaves the process is redacted in Python, when a trace is written.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An envelope from the server.
    Received,
    /// An envelope to the server.
    Sent,
    /// A chunk of a raw API answer: its frame, header included.
    Chunk,
    /// A malformed frame: the reason as text.
    Malformed,
    /// A connection was opened: its transport as text.
    Opened,
    /// A connection was lost: the reason as text.
    Lost,
    /// An HTTP exchange, as encoded by the caller.
    Http,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Chunk => "chunk",
            Self::Malformed => "malformed",
            Self::Opened => "opened",
            Self::Lost => "lost",
            Self::Http => "http",
        }
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub at: SystemTime,
    pub kind: Kind,
    pub body: Box<[u8]>,
}

/// The memory of a record besides its body.
const OVERHEAD: usize = size_of::<Record>();

/// The bounds of a recorder.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    pub age: Duration,
}

/// A ring of the latest records. The oldest are dropped when a bound is exceeded.
#[derive(Debug)]
pub struct Recorder {
    bounds: Bounds,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Record>,
    bytes: usize,
    dropped: u64,
}

impl Recorder {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ring: Mutex::default() }
    }

    /// Add a record. One that exceeds the bound by itself is dropped.
    pub fn add(&self, kind: Kind, body: impl Into<Box<[u8]>>) {
        self.add_at(SystemTime::now(), kind, body.into());
    }

    fn add_at(&self, at: SystemTime, kind: Kind, body: Box<[u8]>) {
        let mut ring = self.ring();
        ring.bytes += OVERHEAD + body.len();
        ring.records.push_back(Record { at, kind, body });
        ring.drop_old(self.bounds, at);
    }

    /// Return the records within the bounds, oldest first, and how many were dropped so far.
    pub fn records(&self) -> (Vec<Record>, u64) {
        let mut ring = self.ring();
        ring.drop_old(self.bounds, SystemTime::now());
        (ring.records.iter().cloned().collect(), ring.dropped)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn drop_old(&mut self, bounds: Bounds, now: SystemTime) {
        // A clock that was set back makes no record old.
        let too_old = |record: &Record| now.duration_since(record.at).is_ok_and(|age| age > bounds.age);
        while self.records.front().is_some_and(|first| self.bytes > bounds.bytes || too_old(first)) {
            if let Some(first) = self.records.pop_front() {
                self.bytes -= OVERHEAD + first.body.len();
                self.dropped += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(recorder: &Recorder) -> Vec<Vec<u8>> {
        recorder.records().0.into_iter().map(|record| record.body.into_vec()).collect()
    }

    #[test]
    fn the_oldest_records_make_room() {
        let bytes = 3 * (OVERHEAD + 10);
        let recorder = Recorder::new(Bounds { bytes, age: Duration::from_secs(60) });
        for number in 0..5u8 {
            recorder.add(Kind::Received, vec![number; 10]);
        }
        assert_eq!(bodies(&recorder), [[2; 10], [3; 10], [4; 10]]);
        assert_eq!(recorder.records().1, 2);
        recorder.add(Kind::Sent, vec![9; bytes]);
        assert!(bodies(&recorder).is_empty(), "a record larger than the bound leaves nothing");
    }

    #[test]
    fn old_records_are_dropped_also_without_new_ones() {
        let recorder = Recorder::new(Bounds { bytes: 1 << 20, age: Duration::from_secs(60) });
        let now = SystemTime::now();
        recorder.add_at(now - Duration::from_secs(90), Kind::Http, Box::from(*b"old"));
        recorder.add_at(now - Duration::from_secs(59), Kind::Http, Box::from(*b"new"));
        assert_eq!(bodies(&recorder), [b"new"]);
        recorder.add_at(now - Duration::from_secs(70), Kind::Http, Box::from(*b"set back"));
        assert_eq!(recorder.ring().records.len(), 2, "only the first record decides");
    }
}

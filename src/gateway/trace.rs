//! Records for the Python logger `mezon.core`.
//!
//! Off unless Python sets a level. A disabled record costs one atomic load; its text is not built.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use crate::item::{Item, ItemSink};

/// The level of a record, in the numbers of Python's `logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    Debug = 10,
    Info = 20,
    Warning = 30,
}

/// The maximum number of records that wait for Python; further ones are dropped and counted.
const WAITING_MAX: u32 = 1000;

#[derive(Debug)]
pub struct Trace {
    /// Records below this level are not built.
    level: AtomicU8,
    waiting: AtomicU32,
    left_out: AtomicU32,
}

impl Default for Trace {
    fn default() -> Self {
        Self { level: AtomicU8::new(u8::MAX), waiting: AtomicU32::new(0), left_out: AtomicU32::new(0) }
    }
}

impl Trace {
    /// Build records of this level and above; a level above all of them disables the log.
    pub fn set_level(&self, level: u8) {
        self.level.store(level, Relaxed);
    }

    /// Return whether records of a level are built.
    #[inline]
    pub fn enabled(&self, level: Level) -> bool {
        level as u8 >= self.level.load(Relaxed)
    }

    /// Log a record if its level is enabled. The text must contain no URL and no token.
    #[inline]
    pub fn log(&self, inbox: &dyn ItemSink, level: Level, text: impl FnOnce() -> String) {
        if self.enabled(level) {
            self.record(inbox, level, text());
        }
    }

    #[cold]
    fn record(&self, inbox: &dyn ItemSink, level: Level, text: String) {
        let more = |waiting| (waiting < WAITING_MAX).then_some(waiting + 1);
        if self.waiting.fetch_update(Relaxed, Relaxed, more).is_err() {
            self.left_out.fetch_add(1, Relaxed);
            return;
        }
        let text = match self.left_out.swap(0, Relaxed) {
            0 => text,
            count => format!("{text} ({count} records before this one were dropped)"),
        };
        inbox.push(Item::Log { level: level as u8, text });
    }

    /// Record that Python has received a record.
    pub fn taken(&self) {
        self.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::{Inbox, Wake};
    use crate::item::Capacity;
    use std::sync::Arc;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(&self) {}
    }

    fn texts(inbox: &Inbox) -> Vec<(u8, String)> {
        let mut items = Vec::new();
        while inbox.drain(100, &mut items) {}
        let text = |item| match item {
            Item::Log { level, text } => (level, text),
            other => panic!("{other:?}"),
        };
        items.into_iter().map(text).collect()
    }

    #[test]
    fn what_nobody_wants_is_not_even_made() {
        let inbox = Inbox::new(Capacity { events: 1, bytes: 1 }, Arc::new(Nobody));
        let trace = Trace::default();
        trace.log(&inbox, Level::Warning, || panic!("nobody asked"));
        trace.set_level(20);
        trace.log(&inbox, Level::Debug, || panic!("nobody asked"));
        trace.log(&inbox, Level::Info, || "one".into());
        trace.log(&inbox, Level::Warning, || "two".into());
        assert_eq!(texts(&inbox), [(20, "one".into()), (30, "two".into())]);
    }

    #[test]
    fn records_nobody_takes_are_bounded() {
        let inbox = Inbox::new(Capacity { events: 1, bytes: 1 }, Arc::new(Nobody));
        let trace = Trace::default();
        trace.set_level(0);
        for n in 0..WAITING_MAX + 7 {
            trace.log(&inbox, Level::Debug, || n.to_string());
        }
        assert_eq!(texts(&inbox).len(), WAITING_MAX as usize);
        trace.taken();
        trace.log(&inbox, Level::Debug, || "on".into());
        assert_eq!(texts(&inbox), [(10, "on (7 records before this one were dropped)".into())]);
    }
}

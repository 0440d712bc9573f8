//! What the writer does when the file cannot be written, is broken, or is not there any more.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::memory::Kept;
use super::queue::{Op, lock};
use super::writer::{Batch, Writer};
use super::{Location, TroubleKind, file, fork};
use crate::wire::Header;

const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LAST: Duration = Duration::from_secs(30);
/// What is held for a file that cannot be written.
const RETAINED_BYTES: usize = 32 << 20;
const RETAINED_OPS: usize = 100_000;
/// How often a closing store tries a file that another process holds; SQLite itself waits within each attempt.
const CLOSING_RETRY: Duration = Duration::from_millis(20);

/// The file cannot be written.
pub struct Down {
    pub retry_at: Instant,
    delay: Duration,
    /// Another process holds it: it may let go.
    busy: bool,
    why: String,
}

impl Down {
    /// It is tried at once.
    pub fn now() -> Down {
        Down { retry_at: Instant::now(), delay: RETRY_FIRST, busy: false, why: String::new() }
    }

    /// The next attempt is put off.
    pub fn postpone(&mut self) {
        self.retry_at = Instant::now() + self.delay;
    }
}

impl Writer<'_> {
    /// Holds what is left of a batch for a file that cannot be written; the oldest go when it is too much.
    pub fn retain(&mut self, mut batch: Batch<'_>) {
        {
            let mut retained = lock(&self.shared.retained);
            retained.extend_from_slice(batch.left());
            let mut bytes: usize = retained.iter().map(Op::weight).sum();
            let mut drop = retained.len().saturating_sub(RETAINED_OPS);
            bytes -= retained[..drop].iter().map(Op::weight).sum::<usize>();
            while bytes > RETAINED_BYTES && drop < retained.len() {
                bytes -= retained[drop].weight();
                drop += 1;
            }
            retained.drain(..drop);
            self.shared.counters.lost.fetch_add(drop as u64, Ordering::Relaxed);
        }
        batch.settle(batch.left().len());
    }

    pub fn go_down(&mut self, error: &rusqlite::Error) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.close_file();
        let delay = match &self.down {
            Some(down) => (down.delay * 2).min(RETRY_LAST),
            None => RETRY_FIRST,
        };
        let first = self.down.is_none();
        self.down = Some(Down {
            retry_at: Instant::now() + delay,
            delay,
            busy: file::is_busy(error),
            why: error.to_string(),
        });
        self.shared.degraded.store(true, Ordering::Release);
        self.shared.indexes.give_up();
        if first {
            self.shared.tell(
                TroubleKind::Unwritable,
                format!(
                    "the message cache {} cannot be written ({error}). The bot goes on with the messages in memory, \
                     and tries the file again from time to time. Look at the disk space and at who may write there.",
                    self.shared.name()
                ),
            );
        }
    }

    /// Tries the retained operations again.
    pub fn recover(&mut self) {
        loop {
            let chunk: Vec<Op> = lock(&self.shared.retained).iter().take(2048).cloned().collect();
            // Even with nothing to write: the file must open again.
            match self.group(&chunk) {
                Ok(written) => {
                    self.record(&written);
                    let mut retained = lock(&self.shared.retained);
                    let done = written.ops.min(retained.len());
                    retained.drain(..done);
                    if retained.is_empty() {
                        break;
                    }
                }
                Err(error) if file::is_corrupt(&error) && self.aside < 3 => {
                    self.set_aside(&error.to_string());
                    if self.down.as_ref().is_some_and(|down| Instant::now() < down.retry_at) {
                        return;
                    }
                }
                Err(error) => {
                    self.go_down(&error);
                    return;
                }
            }
        }
        self.down = None;
        self.shared.degraded.store(false, Ordering::Release);
        let text = format!("the message cache {} can be written again.", self.shared.name());
        self.shared.tell(TroubleKind::Recovered, text);
    }

    /// The store closes: tries to write what is retained until then if another process holds the file, and once otherwise. Drops
    /// what the file has not taken after that, and reports it.
    pub fn write_retained(&mut self, until: Instant) {
        while self.down.is_some() {
            self.recover();
            let Some(down) = &self.down else { return };
            if down.busy && Instant::now() < until {
                std::thread::sleep(CLOSING_RETRY);
                continue;
            }
            let dropped = std::mem::take(&mut *lock(&self.shared.retained)).len();
            if dropped > 0 {
                self.shared.counters.lost.fetch_add(dropped as u64, Ordering::Relaxed);
                let text = format!(
                    "{dropped} messages could not be written to the message cache {} before it was closed ({}). They are \
                     lost.",
                    self.shared.name(),
                    down.why
                );
                self.shared.tell(TroubleKind::Lost, text);
            }
            return;
        }
    }

    /// Renames the broken file and starts a new one with the messages in memory.
    pub fn set_aside(&mut self, why: &str) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.shared.close_readers();
        self.close_file();
        self.aside += 1;
        let broken = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let Location::File(path) = &self.shared.options.location else {
            self.go_down(&rusqlite::Error::SqliteFailure(broken, Some(why.to_owned())));
            return;
        };
        // Three broken files in one life: the disk is at fault, not the file.
        let renamed = if self.aside > 3 {
            Err(std::io::Error::other("it keeps breaking"))
        } else {
            file::set_aside(path)
        };
        match renamed {
            Ok(target) => {
                self.shared.tell(
                    TroubleKind::Corrupt,
                    format!(
                        "the message cache {} is broken ({why}). It was renamed to {}, and a new one is started.",
                        self.shared.name(),
                        target.display()
                    ),
                );
                self.write_memory();
            }
            Err(error) => self.go_down(&rusqlite::Error::SqliteFailure(
                broken,
                Some(format!("it is broken ({why}) and cannot be renamed: {error}")),
            )),
        }
    }

    /// Does another file lie where the one in use was, or none?
    pub fn has_moved(&self) -> bool {
        let guard = lock(&self.shared.writable);
        guard
            .as_ref()
            .is_some_and(|place| place.identity != file::Identity::of(&self.shared.options.location))
    }

    /// Goes on with the file that lies there now, or makes one.
    pub fn start_over(&mut self) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.shared.close_readers();
        {
            let _inside = fork::enter();
            if let Some(place) = lock(&self.shared.writable).take() {
                place.abandon(&self.shared.options.location);
            }
        }
        self.shared.tell(
            TroubleKind::Moved,
            format!(
                "the message cache {} was moved, deleted or replaced while the bot was using it. The bot goes on with \
                 the file that is there now, or a new one, and writes the messages it has in memory to it; older ones \
                 are gone. Stop the bot before you touch the file.",
                self.shared.name()
            ),
        );
        self.write_memory();
    }

    /// What memory still holds goes into the new file.
    fn write_memory(&mut self) {
        let held = lock(&self.shared.seen).memory.messages(None);
        let ops: Vec<Op> = held
            .into_iter()
            .filter_map(|message| match message {
                Kept::Payload(body) => Header::parse(&body).ok().map(|header| Op::Payload(header, body)),
                Kept::Row(row) => {
                    let (channel, id) = (row.channel_id.parse().ok()?, row.id.parse().ok()?);
                    Some(Op::Row { channel, id, row })
                }
            })
            .collect();
        let mut at = 0;
        while at < ops.len() {
            match self.group(&ops[at..]) {
                Ok(written) => {
                    self.shared.counters.rows_written.fetch_add(written.changed as u64, Ordering::Relaxed);
                    at += written.ops.max(1);
                }
                // What is to be written next meets the same fault and is dealt with there.
                Err(_) => return,
            }
        }
        self.rows = None;
    }
}

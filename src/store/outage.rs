//! The writer's handling of a file that cannot be written, is corrupt, or was moved.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::file::{self, Location};
use super::memory::CachedMessage;
use super::options::TroubleKind;
use super::process;
use super::queue::{Op, lock};
use super::writer::{Batch, Outage, RETRY_FIRST, Writer};
use crate::wire::Header;

const RETRY_LAST: Duration = Duration::from_secs(30);
/// The maximum size of the operations retained for a file that cannot be written.
const RETAINED_BYTES: usize = 32 << 20;
const RETAINED_OPS: usize = 100_000;
/// How often a closing store retries a file that another process has locked; SQLite itself waits within each
/// attempt.
const CLOSING_RETRY: Duration = Duration::from_millis(20);

impl Writer<'_> {
    /// Retain the rest of a batch until the file can be written; the oldest operations are dropped if there are
    /// too many.
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
        batch.complete(batch.left().len());
    }

    pub fn enter_outage(&mut self, error: &rusqlite::Error) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.close_file();
        let delay = match &self.outage {
            Some(outage) => (outage.delay * 2).min(RETRY_LAST),
            None => RETRY_FIRST,
        };
        let first = self.outage.is_none();
        self.outage = Some(Outage {
            retry_at: Instant::now() + delay,
            delay,
            busy: file::is_busy(error),
            why: error.to_string(),
        });
        self.shared.degraded.store(true, Ordering::Release);
        self.shared.indexes.complete_all();
        if first {
            self.shared.notify(
                TroubleKind::Unwritable,
                format!(
                    "the message cache {} cannot be written ({error}). The bot goes on with the messages in memory, \
                     and tries the file again from time to time. Look at the disk space and at who may write there.",
                    self.shared.name()
                ),
            );
        }
    }

    /// Retry the retained operations.
    pub fn recover(&mut self) {
        loop {
            let chunk: Vec<Op> = lock(&self.shared.retained).iter().take(2048).cloned().collect();
            // Even if there is nothing to write: the file must be opened again.
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
                    if self.outage.as_ref().is_some_and(|outage| Instant::now() < outage.retry_at) {
                        return;
                    }
                }
                Err(error) => {
                    self.enter_outage(&error);
                    return;
                }
            }
        }
        self.outage = None;
        self.shared.degraded.store(false, Ordering::Release);
        let text = format!("the message cache {} can be written again.", self.shared.name());
        self.shared.notify(TroubleKind::Recovered, text);
    }

    /// Write the retained operations before the store closes: until `until` if another process has locked the
    /// file, otherwise once. What is not written then is dropped and reported.
    pub fn write_retained(&mut self, until: Instant) {
        while self.outage.is_some() {
            self.recover();
            let Some(outage) = &self.outage else { return };
            if outage.busy && Instant::now() < until {
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
                    outage.why
                );
                self.shared.notify(TroubleKind::Lost, text);
            }
            return;
        }
    }

    /// Rename the corrupt file and start a new one with the messages in memory.
    pub fn set_aside(&mut self, why: &str) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.shared.close_readers();
        self.close_file();
        self.aside += 1;
        let broken = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let Location::File(path) = &self.shared.options.location else {
            self.enter_outage(&rusqlite::Error::SqliteFailure(broken, Some(why.to_owned())));
            return;
        };
        // Three corrupt files in one run: the disk is at fault, not the file.
        let renamed = if self.aside > 3 {
            Err(std::io::Error::other("it keeps breaking"))
        } else {
            file::set_aside(path)
        };
        match renamed {
            Ok(target) => {
                self.shared.notify(
                    TroubleKind::Corrupt,
                    format!(
                        "the message cache {} is broken ({why}). It was renamed to {}, and a new one is started.",
                        self.shared.name(),
                        target.display()
                    ),
                );
                self.write_memory();
            }
            Err(error) => self.enter_outage(&rusqlite::Error::SqliteFailure(
                broken,
                Some(format!("it is broken ({why}) and cannot be renamed: {error}")),
            )),
        }
    }

    /// Return whether the file was replaced or deleted.
    pub fn has_moved(&self) -> bool {
        let guard = lock(&self.shared.writable);
        guard
            .as_ref()
            .is_some_and(|writable| writable.identity != file::Identity::of(&self.shared.options.location))
    }

    /// Continue with the file that exists now, or create one.
    pub fn reopen_moved(&mut self) {
        self.shared.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.shared.close_readers();
        {
            let _guard = process::enter_sqlite();
            if let Some(writable) = lock(&self.shared.writable).take() {
                writable.abandon(&self.shared.options.location);
            }
        }
        self.shared.notify(
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

    /// Write the messages in memory to the new file.
    fn write_memory(&mut self) {
        let held = lock(&self.shared.applied).memory.messages(None);
        let ops: Vec<Op> = held
            .into_iter()
            .filter_map(|message| match message {
                CachedMessage::Payload(body) => {
                    Header::parse(&body).ok().map(|header| Op::Payload(header, body))
                }
                CachedMessage::Row(row) => {
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
                // The next batch meets the same error and handles it.
                Err(_) => return,
            }
        }
        self.rows = None;
    }
}

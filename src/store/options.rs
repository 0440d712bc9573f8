//! The options of a store, and the reports to its owner.

use std::path::PathBuf;
use std::time::Duration;

use super::file::Location;

/// The callback for trouble.
pub type OnTrouble = Box<dyn Fn(&Trouble) + Send + Sync>;

/// The options of a store. Nothing is opened before the first write.
pub struct Options {
    pub location: Location,
    /// The approximate maximum number of rows; the ones stored first are removed first. None for no bound.
    pub max_messages: Option<u64>,
    /// Rows created longer ago are removed. None for no bound.
    pub max_age: Option<Duration>,
    pub memory_messages_per_channel: usize,
    pub memory_channels: usize,
    pub memory_bytes: usize,
    /// Called on the writer's thread when the file cannot be written and when it can again.
    pub on_trouble: Option<OnTrouble>,
}

impl Options {
    /// Return the defaults for a file at `path`, or for memory with `:memory:`.
    pub fn at(path: impl Into<PathBuf>) -> Options {
        Options {
            location: Location::of(&path.into()),
            max_messages: Some(1_000_000),
            max_age: None,
            memory_messages_per_channel: 200,
            memory_channels: 1_000,
            memory_bytes: 16 << 20,
            on_trouble: None,
        }
    }
}

/// A report to the owner of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// A sentence or two for a log.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The file cannot be written: the store continues from memory and retries.
    Unwritable,
    /// The file was corrupt and was renamed; a new one replaces it.
    Corrupt,
    /// The file was removed or replaced while it was in use; the messages in memory are written to the current
    /// file.
    Moved,
    /// The file can be written again.
    Recovered,
    /// The store was closed while the file could not be written: the operations retained for it are dropped.
    Lost,
    /// A bug in the store: the message that triggered it was skipped.
    Defect,
}

impl TroubleKind {
    pub fn name(self) -> &'static str {
        match self {
            TroubleKind::Unwritable => "unwritable",
            TroubleKind::Corrupt => "corrupt",
            TroubleKind::Moved => "moved",
            TroubleKind::Recovered => "recovered",
            TroubleKind::Lost => "lost",
            TroubleKind::Defect => "defect",
        }
    }
}

/// What is accepted but not committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub messages: usize,
    pub bytes: usize,
}

/// Statistics since the store was created. `longest_commit` in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub accepted: u64,
    pub rows_written: u64,
    pub commits: u64,
    pub longest_commit: u64,
    pub pruned: u64,
    pub checkpoints: u64,
    pub failures: u64,
    pub malformed: u64,
    pub lost: u64,
    pub panics: u64,
    pub degraded: bool,
    pub backlog: Backlog,
    /// Operations retained in memory until the file can be written again.
    pub retained: usize,
    pub memory_messages: usize,
    pub memory_bytes: usize,
}

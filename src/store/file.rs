//! The database file: created, opened, migrated to this version, and renamed if it is corrupt.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// The `PRAGMA user_version` of a file that this version has opened; mezon-sdk leaves it at 0 and never reads it.
const VERSION: i64 = 2;

/// The table as mezon-sdk creates it. Additions must be compatible with its inserts by column name and its reads.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS messages (
    id TEXT NOT NULL, channel_id TEXT NOT NULL, clan_id TEXT, sender_id TEXT, content TEXT, mentions TEXT,
    attachments TEXT, reactions TEXT, msg_references TEXT, topic_id TEXT, create_time_seconds INTEGER,
    PRIMARY KEY (id, channel_id))";

const OPTIONAL_COLUMNS: [(&str, &str); 9] = [
    ("clan_id", "TEXT"),
    ("sender_id", "TEXT"),
    ("content", "TEXT"),
    ("mentions", "TEXT"),
    ("attachments", "TEXT"),
    ("reactions", "TEXT"),
    ("msg_references", "TEXT"),
    ("topic_id", "TEXT"),
    ("create_time_seconds", "INTEGER"),
];

/// SQLite's own timeout for a lock of another process.
const BUSY: Duration = Duration::from_millis(250);

/// The same for a connection that only reads.
const READER_BUSY: Duration = Duration::from_secs(1);

const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Where the rows are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    File(PathBuf),
    /// In this process only.
    Memory,
}

impl Location {
    pub fn of(path: &Path) -> Location {
        if path.as_os_str() == ":memory:" || path.as_os_str().is_empty() {
            Location::Memory
        } else {
            Location::File(path.to_owned())
        }
    }
}

/// The page size of a new file, the cheapest one for rows that arrive in groups. A file keeps the size that it has.
const PAGE_SIZE: usize = 16 << 10;

/// The unused bytes that a file may always keep for reuse.
const FREE_BYTES: i64 = 4 << 20;

/// A write-ahead log larger than this is truncated to it at a checkpoint.
const LOG_BYTES: usize = 32 << 20;

/// The identity of a file, to detect that it was replaced or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(Option<(u64, u64)>);

impl Identity {
    /// Return the identity of the file at the location. On systems without inodes an open file cannot be removed.
    pub fn of(location: &Location) -> Identity {
        match location {
            Location::File(path) => Identity::at(path),
            Location::Memory => Identity(None),
        }
    }

    #[cfg(unix)]
    fn at(path: &Path) -> Identity {
        use std::os::unix::fs::MetadataExt as _;
        Identity(std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino())))
    }

    #[cfg(not(unix))]
    fn at(_: &Path) -> Identity {
        Identity(None)
    }
}

/// The writer's connection. `wal_bytes` is the length of the write-ahead log after each commit.
pub struct Writable {
    pub connection: Connection,
    pub wal_bytes: Arc<AtomicUsize>,
    pub identity: Identity,
    /// The identity of the write-ahead log.
    log: Identity,
}

impl Writable {
    /// Close the connection at once, leaving the log for the next connection.
    pub fn close_for_fork(self) {
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    /// Close a file that was moved or replaced. SQLite must not take a log that was left behind for the log of the
    /// new file, because it would overwrite pages of that file with the log's content.
    pub fn abandon(self, location: &Location) {
        // The checkpoint puts everything in the log into the moved file.
        let _ = self.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE);
        let log = self.log;
        drop(self);
        if let Location::File(path) = location {
            let left = with_suffix(path, "-wal");
            if log != Identity(None) && Identity::at(&left) == log {
                let _ = std::fs::remove_file(left);
                let _ = std::fs::remove_file(with_suffix(path, "-shm"));
            }
        }
    }
}

/// Close a connection before a fork, unless the bot has an open transaction, which closing would roll back.
pub fn close_idle_for_fork(slot: &mut Option<Connection>) {
    if slot.as_ref().is_some_and(Connection::is_autocommit)
        && let Some(connection) = slot.take()
    {
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

/// Open the file for writing: create folder, file and table if necessary, and migrate an older file.
pub fn open(location: &Location) -> Result<Writable, rusqlite::Error> {
    let mut connection = match location {
        Location::Memory => Connection::open_in_memory()?,
        Location::File(path) => {
            make(path).map_err(|error| cannot_open(path, &error))?;
            Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?
        }
    };
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // The first two have no effect on a file that contains a table.
    connection.execute_batch(&format!(
        "PRAGMA page_size={PAGE_SIZE}; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192; \
         PRAGMA journal_size_limit={LOG_BYTES};"
    ))?;
    migrate(&mut connection)?;
    let page_size = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?;
    let wal_bytes = Arc::new(AtomicUsize::new(0));
    let bytes = Arc::clone(&wal_bytes);
    // Replaces SQLite's automatic checkpoint, which would run inside a commit.
    connection.wal_hook(Some(move |_: &'_ mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
        bytes.store(usize::try_from(count).unwrap_or(0) * page_size as usize, Ordering::Relaxed);
        Ok(())
    }))?;
    let log = match location {
        Location::File(path) => Identity::at(&with_suffix(path, "-wal")),
        Location::Memory => Identity(None),
    };
    Ok(Writable { connection, wal_bytes, identity: Identity::of(location), log })
}

/// Open the file read-only; None if there is no file.
pub fn open_reader(path: &Path) -> Result<Option<Connection>, rusqlite::Error> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, READ_ONLY)?;
    let connection = match connection.query_row("PRAGMA schema_version", [], |_| Ok(())) {
        Ok(()) => connection,
        Err(error) if matches!(code(&error), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
            // SQLite cannot create the log's index in a read-only folder. There is no writer then: read the file
            // as it is.
            open_immutable(path)?
        }
        Err(error) => return Err(error),
    };
    connection.busy_timeout(READER_BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch("PRAGMA cache_size=-4096;")?;
    Ok(Some(connection))
}

/// Open a file read-only that no store of this process has open. Creates no file, not even beside it.
pub fn open_other(path: &Path) -> Result<Connection, rusqlite::Error> {
    // To read a file in WAL mode SQLite creates a log and its index beside it, and leaves them there. Without a
    // log no process has such a file open, so that it can be read as it is.
    let connection = if in_wal_mode(path).map_err(|error| cannot_open(path, &error))?
        && !with_suffix(path, "-wal").exists()
    {
        open_immutable(path)?
    } else {
        Connection::open_with_flags(path, READ_ONLY)?
    };
    connection.busy_timeout(READER_BUSY)?;
    connection.execute_batch("PRAGMA temp_store=MEMORY")?;
    Ok(connection)
}

/// Read the mode from the format version in the file's header.
fn in_wal_mode(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(20);
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(path)?, 20), &mut header)?;
    Ok(header.get(18..20) == Some(&[2, 2]))
}

/// Open a file as it is, without locks and without a log.
fn open_immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let mut uri = OsString::from("file:");
    uri.push(path.as_os_str().to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23"));
    uri.push("?immutable=1");
    Connection::open_with_flags(PathBuf::from(uri), READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// Create the folder with mode 0700 and the file with mode 0600 if they are missing.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    if path.exists() {
        return Ok(());
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

fn cannot_open(path: &Path, error: &io::Error) -> rusqlite::Error {
    let code = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => rusqlite::ffi::SQLITE_READONLY,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => rusqlite::ffi::SQLITE_FULL,
        _ => rusqlite::ffi::SQLITE_CANTOPEN,
    };
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(code),
        Some(format!("{}: {error}", path.display())),
    )
}

fn migrate(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let version = |c: &Connection| c.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let made = |c: &Connection| -> Result<bool, rusqlite::Error> { Ok(!columns(c)?.is_empty()) };
    if version(connection)? >= VERSION && made(connection)? {
        return Ok(());
    }
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Check again under the lock: another process may have migrated the file meanwhile.
    let old = version(&change)?;
    if old < VERSION || !made(&change)? {
        change.execute_batch(TABLE)?;
        let present = columns(&change)?;
        for (name, kind) in OPTIONAL_COLUMNS {
            if !present.iter().any(|column| column == name) {
                change.execute_batch(&format!("ALTER TABLE messages ADD COLUMN {name} {kind}"))?;
            }
        }
        if old < VERSION {
            // The index doubles the cost of writing a row, and `listing` does not need it; mezon-sdk creates one
            // of this name if it is missing.
            change.execute_batch("DROP INDEX IF EXISTS idx_messages_channel_id")?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
    }
    change.commit()
}

fn columns(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('messages')")?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Rename a corrupt file, its log and the log's index. Deletes nothing.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut number = 0;
    let target = loop {
        let suffix = if number == 0 { format!(".corrupt-{now}") } else { format!(".corrupt-{now}-{number}") };
        let target = with_suffix(path, &suffix);
        if !target.exists() {
            break target;
        }
        number += 1;
    };
    std::fs::rename(path, &target)?;
    for suffix in ["-wal", "-shm"] {
        match std::fs::rename(with_suffix(path, suffix), with_suffix(&target, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(target)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Return unused pages to the file system, so many bytes at a time. Returns true if there are more than a file may
/// keep.
pub fn give_back(connection: &Connection, bytes: usize) -> Result<bool, rusqlite::Error> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // 2 means incremental. Files of mezon-sdk are not, and keep their size.
    if number("auto_vacuum")? != 2 {
        return Ok(false);
    }
    let (free, all, size) = (number("freelist_count")?, number("page_count")?, number("page_size")?);
    if free <= (FREE_BYTES / size).max(all / 8) {
        return Ok(false);
    }
    // The pragma returns a row per page and must be stepped to its end: otherwise it stops after one page, and the
    // WAL hook is not called.
    let pages = bytes as i64 / size;
    let mut slice = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut given = slice.query([])?;
    while given.next()?.is_some() {}
    Ok(true)
}

pub fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// The content of the file is corrupt.
pub fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Another process has locked the file.
pub fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// One row cannot be stored; others can.
pub fn is_row_error(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch))
}

pub fn is_missing_table(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { msg, .. } | rusqlite::Error::SqliteFailure(_, Some(msg))
        if msg.starts_with("no such table"))
}

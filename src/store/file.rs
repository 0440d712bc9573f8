//! The file: how it is made, opened, brought to this version, and set aside when it is broken.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// `PRAGMA user_version` of a file this version has opened; mezon-sdk leaves it at 0 and never reads it.
const VERSION: i64 = 2;

/// The table as mezon-sdk makes it. Every addition must leave its named inserts and its reads as they are.
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

/// How long SQLite itself waits for another process before it says busy.
const BUSY: Duration = Duration::from_millis(250);

/// The same for a connection that only reads.
const READER_BUSY: Duration = Duration::from_secs(1);

const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Where the rows are kept.
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

/// A file may always keep so many unused pages: it will need them again.
const FREE_PAGES: i64 = 1024;

/// A log that has grown beyond this is cut to it when its pages are in the file.
const LOG_BYTES: usize = 32 << 20;

/// Which file it is: another one may have been put in its place, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(Option<(u64, u64)>);

impl Identity {
    /// Of what lies there now. Where files have no such thing, an open one cannot be taken away either.
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

/// The writer's connection. `wal_pages` holds the length of the write-ahead log after each commit.
pub struct Writable {
    pub connection: Connection,
    pub wal_pages: Arc<AtomicUsize>,
    pub identity: Identity,
    /// Which file the log is.
    log: Identity,
}

impl Writable {
    /// Closes it at once: the log stays as it is, and whoever opens the file next goes on with it.
    pub fn put_down(self) {
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    /// Closes a file that is no longer where it was. Its log, if that was left behind, must not be taken for the log of the
    /// file that is there now: SQLite would write what is in it over that.
    pub fn abandon(self, location: &Location) {
        // What is only in the log goes with the file, wherever that is.
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

/// Opens for writing; makes folder, file and table if need be, and brings an older file up to date.
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
    // In a file that has a table already, auto_vacuum stays what it is.
    connection.execute_batch(&format!(
        "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192; \
         PRAGMA journal_size_limit={LOG_BYTES};"
    ))?;
    migrate(&mut connection)?;
    let wal_pages = Arc::new(AtomicUsize::new(0));
    let pages = Arc::clone(&wal_pages);
    // In place of SQLite's own automatic checkpoint, which would run inside a commit.
    connection.wal_hook(Some(move |_: &'_ mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
        pages.store(usize::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    let log = match location {
        Location::File(path) => Identity::at(&with_suffix(path, "-wal")),
        Location::Memory => Identity(None),
    };
    Ok(Writable { connection, wal_pages, identity: Identity::of(location), log })
}

/// Opens for reading only; `None` while there is no file.
pub fn open_reader(path: &Path) -> Result<Option<Connection>, rusqlite::Error> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, READ_ONLY)?;
    let connection = match connection.query_row("PRAGMA schema_version", [], |_| Ok(())) {
        Ok(()) => connection,
        Err(error) if matches!(code(&error), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
            // A log's index cannot be made in a folder nobody may write to. Nobody writes then: read as is.
            open_immutable(path)?
        }
        Err(error) => return Err(error),
    };
    connection.busy_timeout(READER_BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch("PRAGMA cache_size=-4096;")?;
    Ok(Some(connection))
}

/// Opens a file for reading only that no store of this process has open. Makes nothing, neither the file nor anything beside it.
pub fn open_other(path: &Path) -> Result<Connection, rusqlite::Error> {
    // To read a file in WAL mode SQLite makes a log and its index beside it, and leaves them there. Without a log nobody has such
    // a file open, and it can be read as it is.
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

/// The format version in the header of a database file says so.
fn in_wal_mode(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(20);
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(path)?, 20), &mut header)?;
    Ok(header.get(18..20) == Some(&[2, 2]))
}

/// Reads a file as it is, without locks and without a log.
fn open_immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let mut uri = OsString::from("file:");
    uri.push(path.as_os_str().to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23"));
    uri.push("?immutable=1");
    Connection::open_with_flags(PathBuf::from(uri), READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// The folder with mode 0700 and the file with mode 0600, where they are not there yet.
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
        // Another process was quicker.
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
    // Looked at again under the lock: another process may have done it meanwhile.
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
            // Half of what a row costs to write, and `listing` does without; mezon-sdk makes one of that name if it wants it.
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

/// Renames a broken file, its log and the log's index. Nothing is deleted.
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

/// Gives unused pages back to the disk, a few at a time; true when there are more than a file may keep.
pub fn give_back(connection: &Connection, pages: usize) -> Result<bool, rusqlite::Error> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // 2 is incremental: files of mezon-sdk's are not, and keep their size.
    if number("auto_vacuum")? != 2 {
        return Ok(false);
    }
    let (free, all) = (number("freelist_count")?, number("page_count")?);
    if free <= FREE_PAGES.max(all / 8) {
        return Ok(false);
    }
    // It gives a row for each page, and must be asked for all of them: otherwise it ends after one, and nobody hears of the log.
    let mut slice = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut given = slice.query([])?;
    while given.next()?.is_some() {}
    Ok(true)
}

pub fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// The file's own content is broken.
pub fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Another process holds the file; it may let go.
pub fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// One row cannot be stored; the others can.
pub fn is_of_the_row(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch))
}

pub fn is_missing_table(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { msg, .. } | rusqlite::Error::SqliteFailure(_, Some(msg))
        if msg.starts_with("no such table"))
}

//! The rows of each channel, newest first: a table beside `messages`, created at the first listing and updated at
//! each.
//!
//! It is not an SQLite index: creating one over a million rows blocks writing for half a second, and it would
//! double the cost of writing a row for bots that never list a channel.

use rusqlite::{Connection, TransactionBehavior};

use super::indexes::STEP;
use super::read;
use super::row::Row;

const TABLES: &str =
    "CREATE TABLE IF NOT EXISTS messages_by_channel (channel_id TEXT NOT NULL, created INTEGER NOT NULL,
    id TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (channel_id, created, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS messages_by_channel_end (row INTEGER NOT NULL);
    INSERT INTO messages_by_channel_end SELECT -1 WHERE NOT EXISTS (SELECT 1 FROM messages_by_channel_end);";

/// Rows without a time sort last.
const CREATED: &str = "coalesce(create_time_seconds, -9223372036854775808)";

/// If more rows than these are missing, a listing reads the table itself while the index is updated in the
/// background.
const FAR_BEHIND: i64 = 20_000;

/// Return whether a channel of this file was ever listed, in this process or another.
pub fn exists(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_master WHERE name = 'messages_by_channel_end'")?
        .exists([])
}

/// Add the next rows in one transaction, as long as `go_on` returns true. Returns true if there may be more.
pub fn catch_up(
    connection: &mut Connection,
    mut go_on: impl FnMut() -> bool,
) -> Result<bool, rusqlite::Error> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !exists(&change)? {
        change.execute_batch(TABLES)?;
    }
    let mut more = true;
    while more {
        more = step(&change)?;
        if !go_on() {
            break;
        }
    }
    change.commit()?;
    Ok(more)
}

/// Add the next rows. Returns true if there may be more.
fn step(change: &Connection) -> Result<bool, rusqlite::Error> {
    let last: Option<i64> = change
        .prepare_cached(
            "SELECT max(rowid) FROM (SELECT rowid FROM messages WHERE rowid > \
             (SELECT row FROM messages_by_channel_end) ORDER BY rowid LIMIT ?1)",
        )?
        .query_row([STEP as i64], |row| row.get(0))?;
    let Some(last) = last else { return Ok(false) };
    let added = change
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO messages_by_channel SELECT channel_id, {CREATED}, id, rowid FROM messages \
             WHERE rowid > (SELECT row FROM messages_by_channel_end) AND rowid <= ?1"
        ))?
        .execute([last])?;
    change.prepare_cached("UPDATE messages_by_channel_end SET row = ?1")?.execute([last])?;
    Ok(added >= STEP)
}

/// Return whether so much is missing that a listing should not wait for it.
pub fn far_behind(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let newest: i64 = connection
        .prepare_cached("SELECT coalesce(max(rowid), -1) FROM messages")?
        .query_row([], |row| row.get(0))?;
    let end = if exists(connection)? {
        connection
            .prepare_cached("SELECT row FROM messages_by_channel_end")?
            .query_row([], |row| row.get(0))?
    } else {
        -1
    };
    Ok(newest - end > FAR_BEHIND)
}

/// Remove a row before it is removed from the table.
pub fn forget(connection: &Connection, id: &str, channel: &str) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(&format!(
            "DELETE FROM messages_by_channel WHERE (channel_id, created, id) = \
             (SELECT channel_id, {CREATED}, id FROM messages WHERE id = ?1 AND channel_id = ?2)"
        ))?
        .execute([id, channel])?;
    Ok(())
}

/// Remove the rows of a channel before they are removed from the table.
pub fn forget_channel(connection: &Connection, channel: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM messages_by_channel WHERE channel_id = ?1")?
        .execute([channel.to_string()])?;
    Ok(())
}

/// Adjust the end after rows were removed: SQLite reuses row numbers above the last row.
pub fn trim_to_last_row(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE messages_by_channel_end SET row = min(row, (SELECT coalesce(max(rowid), -1) FROM messages))",
        )?
        .execute([])?;
    Ok(())
}

/// Remove rows before they are removed from the table.
pub fn forget_rows(connection: &Connection, rows: &[i64]) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(&format!(
        "DELETE FROM messages_by_channel WHERE (channel_id, created, id) = \
         (SELECT channel_id, {CREATED}, id FROM messages WHERE rowid = ?1)"
    ))?;
    for row in rows {
        statement.execute([row])?;
    }
    Ok(())
}

/// Remove the rows up to this one before they are removed from the table.
pub fn forget_until(connection: &Connection, last: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(&format!(
            "DELETE FROM messages_by_channel WHERE (channel_id, created, id) IN \
             (SELECT channel_id, {CREATED}, id FROM messages WHERE rowid <= ?1)"
        ))?
        .execute([last])?;
    Ok(())
}

/// Return a channel's rows, newest first; within one second the greater id first. `indexed` means that the listing
/// is up to date.
pub fn channel(
    connection: &Connection,
    channel: i64,
    (limit, offset): (usize, usize),
    indexed: bool,
) -> Result<Vec<Row>, rusqlite::Error> {
    let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let columns = read::COLUMNS;
    let query = if indexed && exists(connection)? {
        format!(
            "SELECT {columns} FROM messages_by_channel b CROSS JOIN messages m ON m.rowid = b.row AND m.id = b.id \
             WHERE b.channel_id = ?1 ORDER BY b.created DESC, b.id DESC LIMIT ?2 OFFSET ?3"
        )
    } else {
        format!(
            "SELECT {columns} FROM messages m WHERE m.channel_id = ?1 \
             ORDER BY m.create_time_seconds DESC, m.id DESC LIMIT ?2 OFFSET ?3"
        )
    };
    connection
        .prepare_cached(&query)?
        .query_map((channel.to_string(), number(limit), number(offset)), read::row)?
        .collect()
}

/// Return the number of rows of a channel.
pub fn count(connection: &Connection, channel: i64, indexed: bool) -> Result<u64, rusqlite::Error> {
    let query = if indexed && exists(connection)? {
        "SELECT count(*) FROM messages_by_channel b CROSS JOIN messages m ON m.rowid = b.row AND m.id = b.id \
         WHERE b.channel_id = ?1"
    } else {
        "SELECT count(*) FROM messages WHERE channel_id = ?1"
    };
    let count: i64 = connection.prepare_cached(query)?.query_row([channel.to_string()], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

//! Removes rows that exceed the bounds of the file, in small steps.

use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};

use super::listing;
use super::pacing::AdaptiveBatch;
use super::parts::Parts;

/// Remove up to `excess` of the rows stored first. Returns the number removed.
pub fn oldest(
    batch: &mut AdaptiveBatch,
    connection: &mut Connection,
    excess: u64,
) -> Result<usize, rusqlite::Error> {
    let started = Instant::now();
    let limit = usize::try_from(excess).unwrap_or(usize::MAX).min(batch.rows());
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (rows, last): (i64, Option<i64>) = change
        .prepare_cached(
            "SELECT count(*), max(rowid) FROM (SELECT rowid FROM messages ORDER BY rowid LIMIT ?1)",
        )?
        .query_row([i64::try_from(limit).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let Some(last) = last {
        if listing::exists(&change)? {
            listing::forget_until(&change, last)?;
        }
        change.prepare_cached("DELETE FROM messages WHERE rowid <= ?1")?.execute([last])?;
        update_indexes(&change)?;
    }
    change.commit()?;
    let rows = usize::try_from(rows).unwrap_or(0);
    batch.adapt(rows, started.elapsed());
    Ok(rows)
}

/// Remove rows created before `cutoff` (seconds) among those stored first. Returns the number removed.
///
/// Rows without a time are removed with the first expired row stored after them.
pub fn expired(
    batch: &mut AdaptiveBatch,
    connection: &mut Connection,
    cutoff: i64,
) -> Result<usize, rusqlite::Error> {
    let started = Instant::now();
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let window = first(&change, batch.rows())?;
    let expired = |created: i64| created > 0 && created < cutoff;
    let last = window.iter().rposition(|(_, created)| expired(*created)).map_or(0, |at| at + 1);
    let rows: Vec<i64> = window[..last]
        .iter()
        .filter(|(_, created)| *created <= 0 || expired(*created))
        .map(|(row, _)| *row)
        .collect();
    if rows.is_empty() {
        return Ok(0);
    }
    remove(&change, &rows)?;
    change.commit()?;
    batch.adapt(rows.len(), started.elapsed());
    Ok(rows.len())
}

fn first(connection: &Connection, limit: usize) -> Result<Vec<(i64, i64)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT rowid, coalesce(create_time_seconds, 0) FROM messages ORDER BY rowid LIMIT ?1",
        )?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Remove rows, first from the listing because it looks them up. The search index is not updated: see `parts`.
fn remove(connection: &Connection, rows: &[i64]) -> Result<(), rusqlite::Error> {
    if listing::exists(connection)? {
        listing::forget_rows(connection, rows)?;
    }
    let mut statement = connection.prepare_cached("DELETE FROM messages WHERE rowid = ?1")?;
    for row in rows {
        statement.execute([row])?;
    }
    update_indexes(connection)
}

fn update_indexes(connection: &Connection) -> Result<(), rusqlite::Error> {
    Parts::of(connection)?.trim_to_last_row(connection)?;
    if listing::exists(connection)? { listing::trim_to_last_row(connection) } else { Ok(()) }
}

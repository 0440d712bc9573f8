//! Keeps the file within its bounds, a small step at a time.

use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::listing;
use super::parts::Parts;

/// What one step may take. A commit of 20 ms is already a long one.
const TIME: Duration = Duration::from_millis(6);

/// How many rows a step takes, from what the last one took.
#[derive(Debug)]
pub struct Pace {
    rows: usize,
    least: usize,
}

impl Pace {
    /// Steps of `least` rows at first and whenever more take too long.
    pub fn new(least: usize) -> Pace {
        Pace { rows: least, least }
    }

    /// The step took so many rows in this time.
    fn learn(&mut self, done: usize, took: Duration) {
        if took > TIME {
            self.rows = (self.rows / 2).max(self.least);
        } else if done == self.rows && took < TIME / 2 {
            self.rows = (self.rows * 2).min(4096);
        }
    }

    /// Removes up to `excess` of the rows stored first. Returns the number removed.
    pub fn oldest(&mut self, connection: &mut Connection, excess: u64) -> Result<usize, rusqlite::Error> {
        let started = Instant::now();
        let limit = usize::try_from(excess).unwrap_or(usize::MAX).min(self.rows);
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
            follow(&change)?;
        }
        change.commit()?;
        let rows = usize::try_from(rows).unwrap_or(0);
        self.learn(rows, started.elapsed());
        Ok(rows)
    }

    /// Removes rows created before `cutoff` (seconds) from among those stored first. Returns the number removed.
    ///
    /// Rows without a time go with the first expired row stored after them.
    pub fn expired(&mut self, connection: &mut Connection, cutoff: i64) -> Result<usize, rusqlite::Error> {
        let started = Instant::now();
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let window = first(&change, self.rows)?;
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
        self.learn(rows.len(), started.elapsed());
        Ok(rows.len())
    }
}

fn first(connection: &Connection, limit: usize) -> Result<Vec<(i64, i64)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT rowid, coalesce(create_time_seconds, 0) FROM messages ORDER BY rowid LIMIT ?1",
        )?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The listing looks the rows up, so it forgets them first. The search index is not told: see `parts`.
fn remove(connection: &Connection, rows: &[i64]) -> Result<(), rusqlite::Error> {
    if listing::exists(connection)? {
        listing::forget_rows(connection, rows)?;
    }
    let mut statement = connection.prepare_cached("DELETE FROM messages WHERE rowid = ?1")?;
    for row in rows {
        statement.execute([row])?;
    }
    follow(connection)
}

fn follow(connection: &Connection) -> Result<(), rusqlite::Error> {
    Parts::of(connection)?.follow(connection)?;
    if listing::exists(connection)? { listing::follow(connection) } else { Ok(()) }
}

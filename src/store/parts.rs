//! The parts of the search index, each for a range of row numbers.
//!
//! FTS5 removes a row no faster than it adds one, and the bound removes rows from the front at any rate. The index
//! is therefore not updated when old rows are removed: a search joins the words with the existing rows, and a part
//! is dropped as a whole after its last row. Its tables are dropped incrementally.

use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

/// The name of a part's table, followed by the number of its first row; in files of an earlier version the name
/// alone.
const NAME: &str = "messages_search";
/// The name of unused plain tables: the words of a part whose rows are all removed.
const DETACHED: &str = "messages_retired";

/// unicode61 treats `ấ` as `a`, but `đ` as a separate letter; it is folded in the index and in the expression.
pub const FORM: &str =
    "fts5(text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')";

/// The minimum number of row numbers per part, and the divisor of those in use when it ends. A file of any size
/// has few parts, and little more than an eighth of its index belongs to removed rows.
const SPAN: i64 = if cfg!(test) { 10 } else { 16_384 };
const SHARE: i64 = 8;
/// A half-empty part this many times larger than the current span is too large.
const HUGE: i64 = 4;

/// The maximum number of rows removed one by one; for more the part is rebuilt.
const FEW: usize = 64;

/// The time limit of a slice of dropping a detached table, and the number of rows per check of the clock.
const SLICE: Duration = Duration::from_millis(5);
const ROWS_PER_CHECK: usize = 64;

#[derive(Debug)]
pub struct Part {
    pub name: String,
    from: i64,
}

impl Part {
    fn from_table_name(name: String) -> Option<Part> {
        let from = match name.strip_prefix(NAME)? {
            "" => -1,
            number => number.strip_prefix('_')?.parse().ok()?,
        };
        Some(Part { name, from })
    }

    fn number(&self, connection: &Connection, what: &str) -> Result<Option<i64>, rusqlite::Error> {
        connection
            .prepare_cached(&format!("SELECT {what}(id) FROM {}_docsize", self.name))?
            .query_row([], |row| row.get(0))
    }

    fn newest(&self, connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
        self.number(connection, "max")
    }

    pub fn holds(&self, connection: &Connection, row: i64) -> Result<bool, rusqlite::Error> {
        connection
            .prepare_cached(&format!("SELECT 1 FROM {}_docsize WHERE id = ?1", self.name))?
            .exists([row])
    }

    pub fn forget(&self, connection: &Connection, row: i64) -> Result<(), rusqlite::Error> {
        connection.prepare_cached(&format!("DELETE FROM {} WHERE rowid = ?1", self.name))?.execute([row])?;
        Ok(())
    }

    /// Return the first and the last indexed row.
    fn ends(&self, connection: &Connection) -> Result<Option<(i64, i64)>, rusqlite::Error> {
        Ok(self.number(connection, "min")?.zip(self.newest(connection)?))
    }

    fn is_full(&self, connection: &Connection) -> Result<bool, rusqlite::Error> {
        let Some((first, last)) = self.ends(connection)? else { return Ok(false) };
        Ok(last - first >= span(connection)?)
    }

    fn state(&self, connection: &Connection) -> Result<State, rusqlite::Error> {
        let Some((first, last)) = self.ends(connection)? else { return Ok(State::InUse) };
        let oldest: Option<i64> = connection
            .prepare_cached("SELECT min(rowid) FROM messages WHERE rowid BETWEEN ?1 AND ?2")?
            .query_row([self.from, last], |row| row.get(0))?;
        Ok(match oldest {
            None => State::Obsolete,
            Some(oldest)
                if oldest - first > (last - first) / 2 && last - first > HUGE * span(connection)? =>
            {
                State::Oversized
            }
            Some(_) => State::InUse,
        })
    }

    fn drop(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch(&format!("DROP TABLE {}", self.name))
    }

    /// Turn the large tables into plain ones and drop the rest, so that neither a search nor an integrity check
    /// meets half a part.
    fn detach(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let number: i64 = connection.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
        for table in ["data", "docsize"] {
            connection.execute_batch(&format!(
                "ALTER TABLE {}_{table} RENAME TO {DETACHED}_{number}_{table}",
                self.name
            ))?;
        }
        self.drop(connection)
    }
}

/// Return the number of row numbers of a part that ends now.
fn span(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let used: i64 = connection
        .prepare_cached(
            "SELECT coalesce((SELECT max(rowid) FROM messages) - (SELECT min(rowid) FROM messages), 0)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(SPAN.max(used / SHARE))
}

enum State {
    InUse,
    /// The part contains words, but none of an existing row.
    Obsolete,
    /// Most rows of the part are removed, and it was created when there were many more: the remaining rows would
    /// keep it for long.
    Oversized,
}

/// The parts, oldest rows first.
#[derive(Debug)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// Read the parts in the current transaction.
    pub fn of(connection: &Connection) -> Result<Parts, rusqlite::Error> {
        let mut names = connection.prepare_cached(&format!(
            "SELECT name FROM sqlite_master WHERE rootpage = 0 AND name GLOB '{NAME}*'"
        ))?;
        let names = names.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut parts: Vec<Part> = names.into_iter().filter_map(Part::from_table_name).collect();
        parts.sort_by_key(|part| part.from);
        Ok(Parts(parts))
    }

    /// Return whether there is no index: nobody has searched in this file, in this process or another.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Part> {
        self.0.iter().rev()
    }

    /// Return the part whose range contains a row.
    pub fn with(&self, row: i64) -> Option<&Part> {
        self.newest_first().find(|part| part.from <= row)
    }

    /// Return each part with the first row number of its range and the first one after it.
    pub fn ranges(&self) -> impl Iterator<Item = (&Part, i64, i64)> {
        let ends = self.0.iter().skip(1).map(|part| part.from).chain([i64::MAX]);
        self.0.iter().zip(ends).map(|(part, end)| (part, part.from, end))
    }

    /// Return the newest indexed row, or -1.
    pub fn last_indexed_row(&self, connection: &Connection) -> Result<i64, rusqlite::Error> {
        for part in self.newest_first() {
            if let Some(newest) = part.newest(connection)? {
                return Ok(newest);
            }
        }
        Ok(-1)
    }

    /// Return the part for the rows after the returned number; creates one if necessary.
    pub fn part_to_fill(&mut self, connection: &Connection) -> Result<(&Part, i64), rusqlite::Error> {
        // Another program may have removed rows.
        self.trim_to_last_row(connection)?;
        let mark = self.last_indexed_row(connection)?;
        // Empty parts that begin after rows still to be indexed: their range comes from rows that were removed.
        while let Some(last) = self.0.pop_if(|last| last.from > mark + 1) {
            last.drop(connection)?;
        }
        let more = match self.0.last() {
            Some(last) => last.is_full(connection)?,
            None => true,
        };
        if more {
            let part = Part { name: format!("{NAME}_{}", mark + 1), from: mark + 1 };
            connection.execute_batch(&format!("CREATE VIRTUAL TABLE {} USING {FORM}", part.name))?;
            self.0.push(part);
        }
        Ok((&self.0[self.0.len() - 1], mark))
    }

    /// Remove the words of row numbers above the last row: SQLite reuses these numbers.
    pub fn trim_to_last_row(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if self.is_empty() {
            return Ok(());
        }
        let last: i64 = connection
            .prepare_cached("SELECT coalesce(max(rowid), -1) FROM messages")?
            .query_row([], |row| row.get(0))?;
        let mut at = self.0.len();
        while at > 0 {
            at -= 1;
            let part = &self.0[at];
            match part.newest(connection)? {
                None => continue,
                Some(newest) if newest <= last => break,
                Some(_) => {}
            }
            let above: Vec<i64> = connection
                .prepare_cached(&format!(
                    "SELECT id FROM {}_docsize WHERE id > ?1 LIMIT {}",
                    part.name,
                    FEW + 1
                ))?
                .query_map([last], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            if above.len() > FEW {
                self.0.remove(at).drop(connection)?;
            } else {
                for row in above {
                    part.forget(connection, row)?;
                }
            }
        }
        Ok(())
    }
}

/// Detach parts of which little or nothing is left, or drop detached tables for one slice. Returns true if there
/// may be more to do.
pub fn detach(connection: &mut Connection) -> Result<bool, rusqlite::Error> {
    if obsolete(connection)?.is_empty() {
        return drop_incrementally(connection);
    }
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Check again under the lock: another process may have detached them.
    for part in obsolete(&change)? {
        part.detach(&change)?;
    }
    change.commit()?;
    Ok(true)
}

fn obsolete(connection: &Connection) -> Result<Vec<Part>, rusqlite::Error> {
    let mut parts = Parts::of(connection)?.0;
    for at in 0..parts.len() {
        match parts[at].state(connection)? {
            State::InUse => {}
            State::Obsolete => return Ok(vec![parts.swap_remove(at)]),
            // Together with the parts after it: an index is filled from its end, and the next search rebuilds it
            // from here.
            State::Oversized => return Ok(parts.split_off(at)),
        }
    }
    Ok(Vec::new())
}

fn drop_incrementally(connection: &mut Connection) -> Result<bool, rusqlite::Error> {
    let expression =
        format!("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '{DETACHED}_*' LIMIT 1");
    if !connection.prepare_cached(&expression)?.exists([])? {
        return Ok(false);
    }
    let started = Instant::now();
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let names: Vec<String> =
        change.prepare_cached(&expression)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        let mut some = change.prepare(&format!(
            "DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT {ROWS_PER_CHECK})"
        ))?;
        let mut left = true;
        while left && started.elapsed() < SLICE {
            left = some.execute([])? > 0;
        }
        drop(some);
        if !left {
            change.execute_batch(&format!("DROP TABLE {name}"))?;
        }
    }
    change.commit()?;
    Ok(true)
}

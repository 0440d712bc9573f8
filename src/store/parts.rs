//! The search index in parts, each for the rows from one row number to where the next part begins.
//!
//! FTS5 forgets a row no faster than it takes one in, and a bound removes rows from the front, at any rate. So nobody tells
//! the index of those: a search joins the words with the rows that are there, and a part goes as a whole when the last of its
//! rows has gone. Its tables are taken apart in slices.

use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

/// Each part is a table of this name and the number of its first row; one that an earlier version made is all the name.
const NAME: &str = "messages_search";
/// Plain tables that nobody reads any more: the words of a part all of whose rows have gone.
const RETIRED: &str = "messages_retired";

/// unicode61 takes `ấ` for `a`; `đ` is a letter of its own there and is folded on both sides.
pub const FORM: &str =
    "fts5(text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')";

/// A part spans so many row numbers at least, and an eighth of those in use when it ends: a file of any size has few parts,
/// and not much more than an eighth of its index is of rows that have gone.
const SPAN: i64 = if cfg!(test) { 10 } else { 16_384 };
const SHARE: i64 = 8;
/// So many times what a part spans now is too much for one that is half empty.
const HUGE: i64 = 4;

/// So many rows are forgotten one by one; for more the part is made again.
const FEW: usize = 64;

/// How long a retired table is taken apart in one slice, and how many of its rows before the clock is looked at.
const SLICE: Duration = Duration::from_millis(5);
const ROWS_PER_LOOK: usize = 64;

#[derive(Debug)]
pub struct Part {
    pub name: String,
    from: i64,
}

impl Part {
    fn called(name: String) -> Option<Part> {
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

    /// The first and the last row that it has taken in.
    fn ends(&self, connection: &Connection) -> Result<Option<(i64, i64)>, rusqlite::Error> {
        Ok(self.number(connection, "min")?.zip(self.newest(connection)?))
    }

    fn is_full(&self, connection: &Connection) -> Result<bool, rusqlite::Error> {
        let Some((first, last)) = self.ends(connection)? else { return Ok(false) };
        Ok(last - first >= span(connection)?)
    }

    fn state(&self, connection: &Connection) -> Result<State, rusqlite::Error> {
        let Some((first, last)) = self.ends(connection)? else { return Ok(State::Good) };
        let oldest: Option<i64> = connection
            .prepare_cached("SELECT min(rowid) FROM messages WHERE rowid BETWEEN ?1 AND ?2")?
            .query_row([self.from, last], |row| row.get(0))?;
        Ok(match oldest {
            None => State::Over,
            Some(oldest)
                if oldest - first > (last - first) / 2 && last - first > HUGE * span(connection)? =>
            {
                State::Huge
            }
            Some(_) => State::Good,
        })
    }

    fn drop(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch(&format!("DROP TABLE {}", self.name))
    }

    /// Its large tables become plain ones, and the rest goes: neither a search nor a check of the file meets half a part.
    fn retire(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let number: i64 = connection.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
        for table in ["data", "docsize"] {
            connection.execute_batch(&format!(
                "ALTER TABLE {}_{table} RENAME TO {RETIRED}_{number}_{table}",
                self.name
            ))?;
        }
        self.drop(connection)
    }
}

/// How many row numbers a part spans that ends now.
fn span(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let used: i64 = connection
        .prepare_cached(
            "SELECT coalesce((SELECT max(rowid) FROM messages) - (SELECT min(rowid) FROM messages), 0)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(SPAN.max(used / SHARE))
}

enum State {
    Good,
    /// It holds words, and none of a row that is there.
    Over,
    /// Most of its rows have gone, and it is of a time when there were many more: the rest of them would keep it for long.
    Huge,
}

/// The parts, oldest rows first.
#[derive(Debug)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// As they are in this transaction.
    pub fn of(connection: &Connection) -> Result<Parts, rusqlite::Error> {
        let mut names = connection.prepare_cached(&format!(
            "SELECT name FROM sqlite_master WHERE rootpage = 0 AND name GLOB '{NAME}*'"
        ))?;
        let names = names.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut parts: Vec<Part> = names.into_iter().filter_map(Part::called).collect();
        parts.sort_by_key(|part| part.from);
        Ok(Parts(parts))
    }

    /// False once somebody has searched in this file, in this process or another.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Part> {
        self.0.iter().rev()
    }

    /// The part that a row is in, if it is in one.
    pub fn with(&self, row: i64) -> Option<&Part> {
        self.newest_first().find(|part| part.from <= row)
    }

    /// Each part, and the first row number behind it.
    pub fn ranges(&self) -> impl Iterator<Item = (&Part, i64, i64)> {
        let ends = self.0.iter().skip(1).map(|part| part.from).chain([i64::MAX]);
        self.0.iter().zip(ends).map(|(part, end)| (part, part.from, end))
    }

    /// The newest row that is in the index, or -1.
    pub fn mark(&self, connection: &Connection) -> Result<i64, rusqlite::Error> {
        for part in self.newest_first() {
            if let Some(newest) = part.newest(connection)? {
                return Ok(newest);
            }
        }
        Ok(-1)
    }

    /// Where the rows after the returned number go; makes a part if need be.
    pub fn unfilled(&mut self, connection: &Connection) -> Result<(&Part, i64), rusqlite::Error> {
        // Another program may have removed rows.
        self.follow(connection)?;
        let mark = self.mark(connection)?;
        // Empty parts that begin behind rows still to come: those had their numbers from rows that were removed.
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

    /// Rows were removed. Numbers above those that are left are given out again by SQLite: there must be no words of them.
    pub fn follow(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
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

/// Retires parts of which nothing or little is left, or takes retired tables apart for one slice. Returns true when there may
/// be more to do.
pub fn retire(connection: &mut Connection) -> Result<bool, rusqlite::Error> {
    if outlived(connection)?.is_empty() {
        return take_apart(connection);
    }
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Looked at again under the lock: another process may have done it.
    for part in outlived(&change)? {
        part.retire(&change)?;
    }
    change.commit()?;
    Ok(true)
}

fn outlived(connection: &Connection) -> Result<Vec<Part>, rusqlite::Error> {
    let mut parts = Parts::of(connection)?.0;
    for at in 0..parts.len() {
        match parts[at].state(connection)? {
            State::Good => {}
            State::Over => return Ok(vec![parts.swap_remove(at)]),
            // With those behind it: an index is filled from its end, and the next search makes it again from here.
            State::Huge => return Ok(parts.split_off(at)),
        }
    }
    Ok(Vec::new())
}

fn take_apart(connection: &mut Connection) -> Result<bool, rusqlite::Error> {
    let question =
        format!("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '{RETIRED}_*' LIMIT 1");
    if !connection.prepare_cached(&question)?.exists([])? {
        return Ok(false);
    }
    let started = Instant::now();
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let names: Vec<String> =
        change.prepare_cached(&question)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        let mut some = change.prepare(&format!(
            "DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT {ROWS_PER_LOOK})"
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

//! Group commit: writes many operations in one transaction.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use itoa::Buffer;
use rusqlite::{CachedStatement, Connection, TransactionBehavior};

use super::json;
use super::parts::Parts;
use super::queue::{Op, RowsChanged};
use super::row::Row;
use super::{file, listing, search};
use crate::wire::Header;
use crate::wire::message::{CODE_REMOVE, CODE_UPDATE};

/// The time limit of a group, so that no commit takes long.
const TIME: Duration = Duration::from_millis(10);
/// The clock is read once per this number of rows.
const ROWS_PER_CHECK: usize = 128;

const COLUMNS: &str = "INTO messages (id, channel_id, clan_id, sender_id, content, \
    create_time_seconds, topic_id, mentions, attachments, reactions, msg_references)";
const UPDATE: &str =
    "UPDATE messages SET content = ?3, mentions = ?4, attachments = ?5 WHERE id = ?1 AND channel_id = ?2";
const DELETE: &str = "DELETE FROM messages WHERE id = ?1 AND channel_id = ?2";

/// Content that makes the writer panic, so that tests can observe the effect of a bug.
#[cfg(test)]
pub const PANIC: &str = "\u{2620} panic";

/// The same, but it panics before its group begins.
#[cfg(test)]
pub const PANIC_OUTSIDE: &str = "\u{2620} outside";

#[cfg(test)]
pub fn panic_outside(ops: &[Op]) {
    let asked = |op: &Op| matches!(op, Op::Payload(header, body) if json::content(header.content.of(body)).contains(PANIC_OUTSIDE));
    assert!(!ops.iter().any(asked), "asked for by a test");
}

/// The effect of a group.
#[derive(Debug, Default)]
pub struct Written {
    /// The number of operations written, counted from the first.
    pub ops: usize,
    /// Rows added, changed or removed.
    pub changed: usize,
    /// Rows added minus rows removed.
    pub grown: i64,
    /// Rows that SQLite has rejected because of their content.
    pub refused: usize,
    pub answers: Vec<(RowsChanged, i64)>,
}

impl Written {
    /// Add the counts of the next group.
    pub fn add(&mut self, next: Written) {
        self.ops += next.ops;
        self.changed += next.changed;
        self.grown += next.grown;
        self.refused += next.refused;
        self.answers.extend(next.answers);
    }
}

/// Write the first operations of `ops`, as many as the time limit allows.
pub fn write(connection: &mut Connection, ops: &[Op]) -> Result<Written, rusqlite::Error> {
    let started = Instant::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut done = Written::default();
    {
        let mut table = Table::of(&transaction)?;
        let (mut look, mut singly) = (ROWS_PER_CHECK, 0);
        while let Some(op) = ops.get(done.ops) {
            if done.ops >= look {
                if started.elapsed() > TIME {
                    break;
                }
                look = done.ops + ROWS_PER_CHECK;
            }
            if done.ops >= singly {
                match table.run(&ops[done.ops..], &mut done)? {
                    Run::Written(rows) => {
                        done.ops += rows;
                        continue;
                    }
                    Run::Singly(rows) => singly = done.ops + rows,
                }
            }
            match table.apply(op, &mut done) {
                Err(error) if file::is_row_error(&error) => done.refused += 1,
                other => other?,
            }
            done.ops += 1;
        }
    }
    transaction.commit()?;
    Ok(done)
}

/// What to do if the row exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnConflict {
    Ignore,
    Replace,
}

/// The numbers of rows inserted by one statement, which is cheaper than one statement per row.
const RUNS: [usize; 3] = [32, 8, 1];
const SINGLE: usize = RUNS.len() - 1;

/// What has become of the next operations.
enum Run {
    /// One statement has inserted this number of rows.
    Written(usize),
    /// This number of operations has to be applied one by one.
    Singly(usize),
}

/// Most messages are plain text: six values to bind instead of eleven.
const PLAIN_VALUES: usize = 6;
const PLAIN_CONSTANTS: &str = ", '0', '[]', '[]', '[]', '[]'";
const ALL_VALUES: usize = 11;

/// The statements that insert rows, by their place in `RUNS`.
type Inserts<T> = [T; RUNS.len()];
static PLAIN: LazyLock<Inserts<String>> = LazyLock::new(|| inserts(PLAIN_VALUES, PLAIN_CONSTANTS));
static ALL: LazyLock<Inserts<String>> = LazyLock::new(|| inserts(ALL_VALUES, ""));

/// Return statements whose rows have this number of parameters, followed by `constants`.
fn inserts(values: usize, constants: &str) -> Inserts<String> {
    let row = |at: usize| {
        let values: Vec<String> = (1..=values).map(|value| format!("?{}", at * values + value)).collect();
        format!("({}{constants})", values.join(", "))
    };
    RUNS.map(|rows| {
        let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
        format!("INSERT OR IGNORE {COLUMNS} VALUES {rows}")
    })
}

/// The statements of a group, prepared when they are needed.
struct Table<'c> {
    connection: &'c Connection,
    plain: Inserts<Option<CachedStatement<'c>>>,
    all: Inserts<Option<CachedStatement<'c>>>,
    /// The search index and the listing, which must follow the table if they exist.
    parts: Parts,
    listed: bool,
}

impl<'c> Table<'c> {
    fn of(connection: &'c Connection) -> Result<Table<'c>, rusqlite::Error> {
        Ok(Table {
            connection,
            plain: Default::default(),
            all: Default::default(),
            parts: Parts::of(connection)?,
            listed: listing::exists(connection)?,
        })
    }

    /// Return a statement that inserts as many rows as `RUNS` says.
    fn insert(&mut self, run: usize, plain: bool) -> Result<&mut CachedStatement<'c>, rusqlite::Error> {
        let (statements, texts) = if plain { (&mut self.plain, &PLAIN) } else { (&mut self.all, &ALL) };
        Ok(match &mut statements[run] {
            Some(statement) => statement,
            unprepared => unprepared.insert(self.connection.prepare_cached(&texts[run])?),
        })
    }

    /// Insert the first operations with one statement, if that is possible.
    fn run(&mut self, ops: &[Op], done: &mut Written) -> Result<Run, rusqlite::Error> {
        let fits = |rows: &usize| ops.get(..*rows).is_some_and(|ops| ops.iter().all(is_new));
        let Some(run) = RUNS[..SINGLE].iter().position(fits) else {
            return Ok(Run::Singly(RUNS[SINGLE - 1]));
        };
        let rows = RUNS[run];
        let ops = &ops[..rows];
        // A message with mentions, say, makes its neighbours bind all values, which is cheaper than a statement each.
        let plain = ops.iter().all(is_plain);
        let statement = self.insert(run, plain)?;
        for (at, op) in ops.iter().enumerate() {
            let Op::Payload(header, body) = op else { continue };
            let bound = if plain {
                bind_plain(statement, at * PLAIN_VALUES, header, body)
            } else {
                bind_all(statement, at * ALL_VALUES, header, body)
            };
            match bound {
                Err(error) if file::is_row_error(&error) => return Ok(Run::Singly(rows)),
                other => other?,
            }
        }
        let added = match statement.raw_execute() {
            Err(error) if file::is_row_error(&error) => return Ok(Run::Singly(rows)),
            other => other?,
        };
        done.grown += added as i64;
        if added < rows {
            // Some rows existed or occur twice: apply each of them again, in order.
            return Ok(Run::Singly(rows));
        }
        done.changed += rows;
        Ok(Run::Written(rows))
    }

    fn apply(&mut self, op: &Op, done: &mut Written) -> Result<(), rusqlite::Error> {
        match op {
            Op::Payload(header, body) => match header.code {
                CODE_REMOVE => {
                    let removed = self.delete(header.channel, header.id)?;
                    done.changed += removed;
                    done.grown -= removed as i64;
                }
                CODE_UPDATE => {
                    if self.update(header, body)? {
                        done.changed += 1;
                    } else {
                        self.put(header.channel, header.id, done, |table, on_conflict| {
                            table.insert_payload(header, body, on_conflict)
                        })?;
                    }
                }
                _ => self.put(header.channel, header.id, done, |table, on_conflict| {
                    table.insert_payload(header, body, on_conflict)
                })?,
            },
            Op::Sent(header, body) => {
                let added = self.insert_payload(header, body, OnConflict::Ignore)?;
                done.changed += added;
                done.grown += added as i64;
            }
            Op::Row { channel, id, row } => {
                self.put(*channel, *id, done, |table, on_conflict| table.insert_row(row, on_conflict))?;
            }
            Op::Delete { channel, id, result } => {
                let removed = self.delete(*channel, *id)?;
                done.changed += removed;
                done.grown -= removed as i64;
                done.answers.push((Arc::clone(result), removed as i64));
            }
            Op::Clear { channel, result } => {
                if !self.parts.is_empty() {
                    search::forget_channel(self.connection, &self.parts, *channel)?;
                }
                if self.listed {
                    listing::forget_channel(self.connection, *channel)?;
                }
                let removed = self
                    .connection
                    .prepare_cached("DELETE FROM messages WHERE channel_id = ?1")?
                    .execute([channel.to_string()])?;
                self.update_indexes()?;
                done.changed += removed;
                done.grown -= removed as i64;
                done.answers.push((Arc::clone(result), removed as i64));
            }
            Op::Create => {}
        }
        Ok(())
    }

    /// Insert a row, or replace the existing one.
    fn put(
        &mut self,
        channel: i64,
        id: i64,
        done: &mut Written,
        insert: impl Fn(&mut Self, OnConflict) -> Result<usize, rusqlite::Error>,
    ) -> Result<(), rusqlite::Error> {
        if insert(self, OnConflict::Ignore)? == 0 {
            self.forget(&id.to_string(), &channel.to_string())?;
            insert(self, OnConflict::Replace)?;
        } else {
            done.grown += 1;
        }
        done.changed += 1;
        Ok(())
    }

    fn insert_payload(
        &mut self,
        header: &Header,
        body: &[u8],
        on_conflict: OnConflict,
    ) -> Result<usize, rusqlite::Error> {
        if on_conflict == OnConflict::Replace {
            let mut statement = self.replacing()?;
            bind_all(&mut statement, 0, header, body)?;
            return statement.raw_execute();
        }
        let plain = header.is_plain();
        let statement = self.insert(SINGLE, plain)?;
        if plain {
            bind_plain(statement, 0, header, body)?;
        } else {
            bind_all(statement, 0, header, body)?;
        }
        statement.raw_execute()
    }

    fn replacing(&self) -> Result<CachedStatement<'c>, rusqlite::Error> {
        self.connection.prepare_cached(&ALL[SINGLE].replace("OR IGNORE", "OR REPLACE"))
    }

    fn insert_row(&mut self, row: &Row, on_conflict: OnConflict) -> Result<usize, rusqlite::Error> {
        let columns = (
            &row.id,
            &row.channel_id,
            &row.clan_id,
            &row.sender_id,
            &row.content,
            row.create_time_seconds,
            &row.topic_id,
            &row.mentions,
            &row.attachments,
            &row.reactions,
            &row.references,
        );
        match on_conflict {
            OnConflict::Ignore => self.insert(SINGLE, false)?.execute(columns),
            OnConflict::Replace => self.replacing()?.execute(columns),
        }
    }

    fn update(&mut self, header: &Header, body: &[u8]) -> Result<bool, rusqlite::Error> {
        let (id, channel) = (header.id.to_string(), header.channel.to_string());
        let changed = self.connection.prepare_cached(UPDATE)?.execute((
            &id,
            &channel,
            json::content(header.content.of(body)),
            json::mentions(header.mentions.of(body)),
            json::attachments(header.attachments.of(body)),
        ))?;
        if changed > 0 && !self.parts.is_empty() {
            search::refresh(self.connection, &self.parts, &id, &channel)?;
        }
        Ok(changed > 0)
    }

    fn delete(&mut self, channel: i64, id: i64) -> Result<usize, rusqlite::Error> {
        let (id, channel) = (id.to_string(), channel.to_string());
        self.forget(&id, &channel)?;
        let removed = self.connection.prepare_cached(DELETE)?.execute([id, channel])?;
        self.update_indexes()?;
        Ok(removed)
    }

    /// Remove a row from the indexes, before the row itself because they look it up.
    fn forget(&self, id: &str, channel: &str) -> Result<(), rusqlite::Error> {
        if !self.parts.is_empty() {
            search::forget(self.connection, &self.parts, id, channel)?;
        }
        if self.listed {
            listing::forget(self.connection, id, channel)?;
        }
        Ok(())
    }

    fn update_indexes(&mut self) -> Result<(), rusqlite::Error> {
        self.parts.trim_to_last_row(self.connection)?;
        if self.listed { listing::trim_to_last_row(self.connection) } else { Ok(()) }
    }
}

/// Return whether an operation is a new message, not the change of an existing one.
fn is_new(op: &Op) -> bool {
    matches!(op, Op::Payload(header, _) if !matches!(header.code, CODE_REMOVE | CODE_UPDATE))
}

/// Return whether a new message is plain text.
fn is_plain(op: &Op) -> bool {
    matches!(op, Op::Payload(header, _) if header.is_plain())
}

/// Bind the values that every row has, after the first `offset` parameters of the statement.
fn bind_plain(
    statement: &mut CachedStatement<'_>,
    offset: usize,
    header: &Header,
    body: &[u8],
) -> Result<(), rusqlite::Error> {
    let content = json::content(header.content.of(body));
    #[cfg(test)]
    assert!(!content.contains(PANIC), "asked for by a test");
    statement.raw_bind_parameter(offset + 1, Buffer::new().format(header.id))?;
    statement.raw_bind_parameter(offset + 2, Buffer::new().format(header.channel))?;
    statement.raw_bind_parameter(offset + 3, Buffer::new().format(header.clan))?;
    statement.raw_bind_parameter(offset + 4, Buffer::new().format(header.sender))?;
    statement.raw_bind_parameter(offset + 5, content)?;
    statement.raw_bind_parameter(offset + 6, header.created)
}

/// Bind all values of a row, after the first `offset` parameters of the statement.
fn bind_all(
    statement: &mut CachedStatement<'_>,
    offset: usize,
    header: &Header,
    body: &[u8],
) -> Result<(), rusqlite::Error> {
    bind_plain(statement, offset, header, body)?;
    statement.raw_bind_parameter(offset + 7, Buffer::new().format(header.topic))?;
    statement.raw_bind_parameter(offset + 8, json::mentions(header.mentions.of(body)))?;
    statement.raw_bind_parameter(offset + 9, json::attachments(header.attachments.of(body)))?;
    statement.raw_bind_parameter(offset + 10, json::reactions(header.reactions.of(body)))?;
    statement.raw_bind_parameter(offset + 11, json::references(header.references.of(body)))
}

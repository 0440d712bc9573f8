//! Writes a group of operations in one transaction.

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

/// A group ends after so much time, so that no commit is a long one.
const TIME: Duration = Duration::from_millis(10);
/// The clock is looked at once in so many rows.
const ROWS_PER_LOOK: usize = 128;

const COLUMNS: &str = "INTO messages (id, channel_id, clan_id, sender_id, content, \
    create_time_seconds, topic_id, mentions, attachments, reactions, msg_references)";
const UPDATE: &str =
    "UPDATE messages SET content = ?3, mentions = ?4, attachments = ?5 WHERE id = ?1 AND channel_id = ?2";
const DELETE: &str = "DELETE FROM messages WHERE id = ?1 AND channel_id = ?2";

/// A content with this in it panics, so that the tests can see what a defect costs.
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

/// What a group did.
#[derive(Debug, Default)]
pub struct Written {
    /// Operations of the group, counted from the first.
    pub ops: usize,
    /// Rows added, changed or removed.
    pub changed: usize,
    /// Rows added less rows removed.
    pub grown: i64,
    /// Rows SQLite refused for what is in them.
    pub refused: usize,
    pub answers: Vec<(RowsChanged, i64)>,
}

impl Written {
    /// Counts the next group with this one.
    pub fn add(&mut self, next: Written) {
        self.ops += next.ops;
        self.changed += next.changed;
        self.grown += next.grown;
        self.refused += next.refused;
        self.answers.extend(next.answers);
    }
}

/// Writes the first operations of `ops`, as many as fit in the time of a group.
pub fn write(connection: &mut Connection, ops: &[Op]) -> Result<Written, rusqlite::Error> {
    let started = Instant::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut done = Written::default();
    {
        let mut table = Table::of(&transaction)?;
        let (mut look, mut singly) = (ROWS_PER_LOOK, 0);
        while let Some(op) = ops.get(done.ops) {
            if done.ops >= look {
                if started.elapsed() > TIME {
                    break;
                }
                look = done.ops + ROWS_PER_LOOK;
            }
            if done.ops >= singly {
                if table.run(&ops[done.ops..], &mut done)? {
                    done.ops += RUN;
                    continue;
                }
                singly = done.ops + RUN;
            }
            match table.apply(op, &mut done) {
                Err(error) if file::is_of_the_row(&error) => done.refused += 1,
                other => other?,
            }
            done.ops += 1;
        }
    }
    transaction.commit()?;
    Ok(done)
}

/// What to do when the row is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Ignore,
    Replace,
}

/// The statements of a group, looked up once.
struct Table<'c> {
    connection: &'c Connection,
    plain: CachedStatement<'c>,
    run: CachedStatement<'c>,
    full: CachedStatement<'c>,
    /// The search index and the listing of channels have to follow, if they are there.
    parts: Parts,
    listed: bool,
}

/// Most messages carry text alone: six values to bind in place of eleven.
const PLAIN: &str = "VALUES (?1, ?2, ?3, ?4, ?5, ?6, '0', '[]', '[]', '[]', '[]')";
const PLAIN_VALUES: usize = 6;

/// So many of them in a row go in by one statement, for less than one by one.
const RUN: usize = 8;
static PLAIN_RUN: LazyLock<String> = LazyLock::new(|| {
    let row = |at: usize| {
        let first = at * PLAIN_VALUES;
        let values: Vec<String> = (1..=PLAIN_VALUES).map(|value| format!("?{}", first + value)).collect();
        format!("({}, '0', '[]', '[]', '[]', '[]')", values.join(", "))
    };
    (0..RUN).map(row).collect::<Vec<_>>().join(", ")
});
const FULL: &str = "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

impl<'c> Table<'c> {
    fn of(connection: &'c Connection) -> Result<Table<'c>, rusqlite::Error> {
        let insert =
            |values: &str| connection.prepare_cached(&format!("INSERT OR IGNORE {COLUMNS} {values}"));
        Ok(Table {
            connection,
            plain: insert(PLAIN)?,
            run: connection
                .prepare_cached(&format!("INSERT OR IGNORE {COLUMNS} VALUES {}", PLAIN_RUN.as_str()))?,
            full: insert(FULL)?,
            parts: Parts::of(connection)?,
            listed: listing::exists(connection)?,
        })
    }

    /// Inserts the first operations by one statement; false when they are not for that, and are still to be applied.
    fn run(&mut self, ops: &[Op], done: &mut Written) -> Result<bool, rusqlite::Error> {
        let Some(ops) = ops.first_chunk::<RUN>() else { return Ok(false) };
        if !ops.iter().all(is_plain) {
            return Ok(false);
        }
        for (at, op) in ops.iter().enumerate() {
            if let Op::Payload(header, body) = op {
                match bind_plain(&mut self.run, at * PLAIN_VALUES, header, body) {
                    Err(error) if file::is_of_the_row(&error) => return Ok(false),
                    other => other?,
                }
            }
        }
        let added = self.run.raw_execute()?;
        done.grown += added as i64;
        if added == RUN {
            done.changed += RUN;
        }
        // Some were there, or are twice among them: each is put once more, in their order.
        Ok(added == RUN)
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
                        self.put(header.channel, header.id, done, |table, known| {
                            table.insert_payload(header, body, known)
                        })?;
                    }
                }
                _ => self.put(header.channel, header.id, done, |table, known| {
                    table.insert_payload(header, body, known)
                })?,
            },
            Op::Sent(header, body) => {
                let added = self.insert_payload(header, body, Known::Ignore)?;
                done.changed += added;
                done.grown += added as i64;
            }
            Op::Row { channel, id, row } => {
                self.put(*channel, *id, done, |table, known| table.insert_row(row, known))?;
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
                self.follow()?;
                done.changed += removed;
                done.grown -= removed as i64;
                done.answers.push((Arc::clone(result), removed as i64));
            }
        }
        Ok(())
    }

    /// Inserts, or takes the place of the row that is there.
    fn put(
        &mut self,
        channel: i64,
        id: i64,
        done: &mut Written,
        insert: impl Fn(&mut Self, Known) -> Result<usize, rusqlite::Error>,
    ) -> Result<(), rusqlite::Error> {
        if insert(self, Known::Ignore)? == 0 {
            self.forget(&id.to_string(), &channel.to_string())?;
            insert(self, Known::Replace)?;
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
        known: Known,
    ) -> Result<usize, rusqlite::Error> {
        if header.is_plain() && known == Known::Ignore {
            bind_plain(&mut self.plain, 0, header, body)?;
            return self.plain.raw_execute();
        }
        let mut replacing;
        let statement = if known == Known::Ignore {
            &mut self.full
        } else {
            replacing = self.replacing()?;
            &mut replacing
        };
        bind_plain(statement, 0, header, body)?;
        statement.raw_bind_parameter(7, Buffer::new().format(header.topic))?;
        statement.raw_bind_parameter(8, json::mentions(header.mentions.of(body)))?;
        statement.raw_bind_parameter(9, json::attachments(header.attachments.of(body)))?;
        statement.raw_bind_parameter(10, json::reactions(header.reactions.of(body)))?;
        statement.raw_bind_parameter(11, json::references(header.references.of(body)))?;
        statement.raw_execute()
    }

    fn replacing(&self) -> Result<CachedStatement<'c>, rusqlite::Error> {
        self.connection.prepare_cached(&format!("INSERT OR REPLACE {COLUMNS} {FULL}"))
    }

    fn insert_row(&mut self, row: &Row, known: Known) -> Result<usize, rusqlite::Error> {
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
        match known {
            Known::Ignore => self.full.execute(columns),
            Known::Replace => self.replacing()?.execute(columns),
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
        self.follow()?;
        Ok(removed)
    }

    /// The indexes forget a row before it goes: they look it up.
    fn forget(&self, id: &str, channel: &str) -> Result<(), rusqlite::Error> {
        if !self.parts.is_empty() {
            search::forget(self.connection, &self.parts, id, channel)?;
        }
        if self.listed {
            listing::forget(self.connection, id, channel)?;
        }
        Ok(())
    }

    fn follow(&mut self) -> Result<(), rusqlite::Error> {
        self.parts.follow(self.connection)?;
        if self.listed { listing::follow(self.connection) } else { Ok(()) }
    }
}

/// A new message of text alone.
fn is_plain(op: &Op) -> bool {
    match op {
        Op::Payload(header, _) => !matches!(header.code, CODE_REMOVE | CODE_UPDATE) && header.is_plain(),
        _ => false,
    }
}

/// The values of a message that every row has, behind the first `offset` ones of the statement.
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

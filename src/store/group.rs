//! Writes a group of operations in one transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use itoa::Buffer;
use rusqlite::{CachedStatement, Connection, TransactionBehavior};

use super::json;
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

/// Writes the first operations of `ops`, as many as fit in the time of a group.
pub fn write(connection: &mut Connection, ops: &[Op]) -> Result<Written, rusqlite::Error> {
    let started = Instant::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut done = Written::default();
    {
        let mut table = Table::of(&transaction)?;
        for op in ops {
            if done.ops % ROWS_PER_LOOK == ROWS_PER_LOOK - 1 && started.elapsed() > TIME {
                break;
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
    full: CachedStatement<'c>,
    /// Is there a search index, a listing of channels, that has to follow?
    searched: bool,
    listed: bool,
}

/// Most messages carry text alone: six values to bind in place of eleven.
const PLAIN: &str = "VALUES (?1, ?2, ?3, ?4, ?5, ?6, '0', '[]', '[]', '[]', '[]')";
const FULL: &str = "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

impl<'c> Table<'c> {
    fn of(connection: &'c Connection) -> Result<Table<'c>, rusqlite::Error> {
        let insert =
            |values: &str| connection.prepare_cached(&format!("INSERT OR IGNORE {COLUMNS} {values}"));
        Ok(Table {
            connection,
            plain: insert(PLAIN)?,
            full: insert(FULL)?,
            searched: search::exists(connection)?,
            listed: listing::exists(connection)?,
        })
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
                if self.searched {
                    search::forget_channel(self.connection, *channel)?;
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
        let content = json::content(header.content.of(body));
        #[cfg(test)]
        assert!(!content.contains(PANIC), "asked for by a test");
        let plain = header.is_plain() && known == Known::Ignore;
        let mut replacing;
        let statement = if plain {
            &mut self.plain
        } else if known == Known::Ignore {
            &mut self.full
        } else {
            replacing = self.replacing()?;
            &mut replacing
        };
        statement.raw_bind_parameter(1, Buffer::new().format(header.id))?;
        statement.raw_bind_parameter(2, Buffer::new().format(header.channel))?;
        statement.raw_bind_parameter(3, Buffer::new().format(header.clan))?;
        statement.raw_bind_parameter(4, Buffer::new().format(header.sender))?;
        statement.raw_bind_parameter(5, content)?;
        statement.raw_bind_parameter(6, header.created)?;
        if !plain {
            statement.raw_bind_parameter(7, Buffer::new().format(header.topic))?;
            statement.raw_bind_parameter(8, json::mentions(header.mentions.of(body)))?;
            statement.raw_bind_parameter(9, json::attachments(header.attachments.of(body)))?;
            statement.raw_bind_parameter(10, json::reactions(header.reactions.of(body)))?;
            statement.raw_bind_parameter(11, json::references(header.references.of(body)))?;
        }
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
        if changed > 0 && self.searched {
            search::refresh(self.connection, &id, &channel)?;
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
        if self.searched {
            search::forget(self.connection, id, channel)?;
        }
        if self.listed {
            listing::forget(self.connection, id, channel)?;
        }
        Ok(())
    }

    fn follow(&self) -> Result<(), rusqlite::Error> {
        if self.listed { listing::follow(self.connection) } else { Ok(()) }
    }
}

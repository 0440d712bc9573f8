//! Reads rows from the file, and applies operations that have not reached it.

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};

use super::json;
use super::queue::Op;
use super::row::Row;
use crate::wire::message::{CODE_REMOVE, CODE_UPDATE};

pub const COLUMNS: &str = "m.id, m.channel_id, m.clan_id, m.sender_id, m.content, m.mentions, m.attachments, \
    m.reactions, m.msg_references, m.topic_id, m.create_time_seconds";

/// Convert a row to text, whatever another program has stored in its columns.
pub fn row(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    let text = |index: usize| -> Result<Option<String>, rusqlite::Error> {
        Ok(match row.get_ref(index)? {
            ValueRef::Null => None,
            ValueRef::Integer(value) => Some(value.to_string()),
            ValueRef::Real(value) => Some(value.to_string()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
        })
    };
    Ok(Row {
        id: text(0)?.unwrap_or_default(),
        channel_id: text(1)?.unwrap_or_default(),
        clan_id: text(2)?,
        sender_id: text(3)?,
        content: text(4)?,
        mentions: text(5)?,
        attachments: text(6)?,
        reactions: text(7)?,
        references: text(8)?,
        topic_id: text(9)?,
        create_time_seconds: match row.get_ref(10)? {
            ValueRef::Integer(value) => Some(value),
            ValueRef::Real(value) => Some(value as i64),
            _ => None,
        },
    })
}

pub fn message(connection: &Connection, channel: i64, id: i64) -> Result<Option<Row>, rusqlite::Error> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM messages m WHERE m.id = ?1 AND m.channel_id = ?2"))?
        .query_row([id.to_string(), channel.to_string()], row)
        .optional()
}

/// Return the number of rows of all channels.
pub fn count(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let count: i64 =
        connection.prepare_cached("SELECT count(*) FROM messages")?.query_row([], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Return rows with the operations applied that the file does not contain.
pub fn overlay<'s>(rows: Vec<Row>, ops: impl Iterator<Item = &'s Op>) -> Vec<Row> {
    let mut table: HashMap<(String, String), Row> =
        rows.into_iter().map(|row| ((row.channel_id.clone(), row.id.clone()), row)).collect();
    let key = |channel: i64, id: i64| (channel.to_string(), id.to_string());
    for op in ops {
        match op {
            Op::Payload(header, body) => {
                let key = key(header.channel, header.id);
                match (header.code, table.get_mut(&key)) {
                    (CODE_REMOVE, _) => {
                        table.remove(&key);
                    }
                    (CODE_UPDATE, Some(row)) => {
                        row.content = Some(json::content(header.content.of(body)).to_owned());
                        row.mentions = Some(json::mentions(header.mentions.of(body)).into_owned());
                        row.attachments = Some(json::attachments(header.attachments.of(body)).into_owned());
                    }
                    _ => {
                        table.insert(key, Row::of_payload(header, body));
                    }
                }
            }
            Op::Sent(header, body) => {
                table.entry(key(header.channel, header.id)).or_insert_with(|| Row::of_payload(header, body));
            }
            Op::Row { channel, id, row } => {
                table.insert(key(*channel, *id), Row::clone(row));
            }
            Op::Delete { channel, id, .. } => {
                table.remove(&key(*channel, *id));
            }
            Op::Clear { channel, .. } => {
                let channel = channel.to_string();
                table.retain(|(of, _), _| *of != channel);
            }
            Op::Create => {}
        }
    }
    let mut rows: Vec<Row> = table.into_values().collect();
    rows.sort_by(|a, b| b.order_key().cmp(&a.order_key()));
    rows
}

//! Full-text search. The index is created at the first search and updated at each: a bot that never searches pays
//! nothing for it.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::file;
use super::indexes::STEP;
use super::parts::{self, Part, Parts};
use super::read;
use super::row::Row;

const TEXT: &str = "replace(replace(CASE WHEN json_valid(m.content) \
    THEN coalesce(json_extract(m.content, '$.t'), '') ELSE '' END, 'đ', 'd'), 'Đ', 'D')";

/// The temporary index of a read-only search, and the number of rows in it at a time.
const SCAN: &str = "messages_scan";
const SCANNED: i64 = if cfg!(test) { 10 } else { 10_000 };

/// The maximum number of words in an expression and of letters in a word: each costs a walk through the index.
const WORDS: usize = 32;
const WORD_LETTERS: usize = 128;

/// Index the next rows in one transaction, as long as `go_on` returns true. Returns true if there may be more.
pub fn catch_up(
    connection: &mut Connection,
    mut go_on: impl FnMut() -> bool,
) -> Result<bool, rusqlite::Error> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut parts = Parts::of(&change)?;
    let mut more = true;
    while more {
        let (part, mark) = parts.part_to_fill(&change)?;
        more = change
            .prepare_cached(&format!(
                "INSERT INTO {}(rowid, text) SELECT m.rowid, {TEXT} FROM messages m WHERE m.rowid > ?1 \
                 ORDER BY m.rowid LIMIT ?2",
                part.name
            ))?
            .execute([mark, STEP as i64])?
            == STEP;
        if !go_on() {
            break;
        }
    }
    change.commit()?;
    Ok(more)
}

fn number_of(connection: &Connection, id: &str, channel: &str) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT rowid FROM messages WHERE id = ?1 AND channel_id = ?2")?
        .query_row([id, channel], |row| row.get(0))
        .optional()
}

/// Remove a row before it is removed from the table.
pub fn forget(
    connection: &Connection,
    parts: &Parts,
    id: &str,
    channel: &str,
) -> Result<(), rusqlite::Error> {
    if let Some(row) = number_of(connection, id, channel)?
        && let Some(part) = parts.with(row)
    {
        part.forget(connection, row)?;
    }
    Ok(())
}

/// Remove the rows of a channel before they are removed from the table.
pub fn forget_channel(connection: &Connection, parts: &Parts, channel: i64) -> Result<(), rusqlite::Error> {
    for (part, from, end) in parts.ranges() {
        connection
            .prepare_cached(&format!(
                "DELETE FROM {} WHERE rowid IN \
                 (SELECT rowid FROM messages WHERE channel_id = ?1 AND rowid >= ?2 AND rowid < ?3)",
                part.name
            ))?
            .execute((channel.to_string(), from, end))?;
    }
    Ok(())
}

/// Update the words of a row after its content has changed.
pub fn refresh(
    connection: &Connection,
    parts: &Parts,
    id: &str,
    channel: &str,
) -> Result<(), rusqlite::Error> {
    let Some(row) = number_of(connection, id, channel)? else { return Ok(()) };
    if let Some(part) = parts.with(row)
        && part.holds(connection, row)?
    {
        part.forget(connection, row)?;
        connection
            .prepare_cached(&format!(
                "INSERT INTO {}(rowid, text) SELECT m.rowid, {TEXT} FROM messages m WHERE m.rowid = ?1",
                part.name
            ))?
            .execute([row])?;
    }
    Ok(())
}

/// Return the newest rows that contain every word of `text`, the last one as a prefix. The index must be up to
/// date.
pub fn find(
    connection: &Connection,
    text: &str,
    channel: Option<i64>,
    limit: usize,
) -> Result<Vec<Row>, rusqlite::Error> {
    let channel = channel.map(|channel| channel.to_string());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let columns = read::COLUMNS;
    let letters = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
    match expression(text) {
        Some(expression) => find_words(connection, &expression, channel.as_deref(), limit),
        // No word in the text, such as an emoji: search for the text without the index.
        None if letters.is_empty() => Ok(Vec::new()),
        None => connection
            .prepare_cached(&format!(
                "SELECT {columns} FROM messages m WHERE instr(CASE WHEN json_valid(m.content) \
                 THEN coalesce(json_extract(m.content, '$.t'), '') ELSE '' END, ?1) > 0 \
                 AND (?2 IS NULL OR m.channel_id = ?2) ORDER BY m.rowid DESC LIMIT ?3"
            ))?
            .query_map((letters, channel, limit), read::row)?
            .collect(),
    }
}

/// Search part by part: each contains newer rows than the previous one.
fn find_words(
    connection: &Connection,
    expression: &str,
    channel: Option<&str>,
    limit: i64,
) -> Result<Vec<Row>, rusqlite::Error> {
    // In one read transaction: a part may be detached between two.
    let reading = connection.unchecked_transaction()?;
    let mut found = Vec::new();
    find_in_parts(&reading, expression, channel, limit, &mut found)?;
    reading.commit()?;
    Ok(found)
}

fn find_in_parts(
    reading: &Connection,
    expression: &str,
    channel: Option<&str>,
    limit: i64,
    found: &mut Vec<Row>,
) -> Result<(), rusqlite::Error> {
    let first: i64 = reading
        .prepare_cached("SELECT coalesce(min(rowid), 0) FROM messages")?
        .query_row([], |row| row.get(0))?;
    for Part { name, .. } in Parts::of(reading)?.newest_first() {
        find_in_part(reading, name, expression, (first, channel, limit), found)?;
    }
    Ok(())
}

/// Add the newest rows of one part, from row number `first` on, up to the limit.
fn find_in_part(
    reading: &Connection,
    name: &str,
    expression: &str,
    (first, channel, limit): (i64, Option<&str>, i64),
    found: &mut Vec<Row>,
) -> Result<(), rusqlite::Error> {
    let left = limit.saturating_sub_unsigned(found.len() as u64);
    if left <= 0 {
        return Ok(());
    }
    let columns = read::COLUMNS;
    let mut statement = reading.prepare_cached(&format!(
        "SELECT {columns} FROM {name} s CROSS JOIN messages m ON m.rowid = s.rowid \
         WHERE s.{name} MATCH ?1 AND s.rowid >= ?2 AND (?3 IS NULL OR m.channel_id = ?3) \
         ORDER BY s.rowid DESC LIMIT ?4"
    ))?;
    for row in statement.query_map((expression, first, channel, left), read::row)? {
        found.push(row?);
    }
    Ok(())
}

/// Search with a read-only connection: the words of rows that are not indexed go into a temporary index, the
/// newest first and `SCANNED` rows at a time.
pub fn find_read_only(
    connection: &Connection,
    text: &str,
    channel: Option<i64>,
    limit: usize,
) -> Result<Vec<Row>, rusqlite::Error> {
    let Some(expression) = expression(text) else { return find(connection, text, channel, limit) };
    let channel = channel.map(|channel| channel.to_string());
    let channel = channel.as_deref();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let reading = connection.unchecked_transaction()?;
    reading.execute_batch(&format!("CREATE VIRTUAL TABLE temp.{SCAN} USING {}", parts::FORM))?;
    let mark = Parts::of(&reading)?.last_indexed_row(&reading)?;
    let mut end = i64::MAX;
    let mut found = Vec::new();
    while (found.len() as i64) < limit {
        let from: Option<i64> = reading
            .prepare_cached(
                "SELECT min(rowid) FROM (SELECT rowid FROM messages WHERE rowid > ?1 AND rowid < ?2 \
                 ORDER BY rowid DESC LIMIT ?3)",
            )?
            .query_row((mark, end, SCANNED), |row| row.get(0))?;
        let Some(from) = from else { break };
        reading
            .prepare_cached(&format!(
                "INSERT INTO {SCAN}(rowid, text) SELECT m.rowid, {TEXT} FROM messages m WHERE m.rowid >= ?1 \
                 AND m.rowid < ?2 AND (?3 IS NULL OR m.channel_id = ?3) ORDER BY m.rowid"
            ))?
            .execute((from, end, channel))?;
        find_in_part(&reading, SCAN, &expression, (from, channel, limit), &mut found)?;
        reading.execute_batch(&format!("INSERT INTO {SCAN}({SCAN}) VALUES ('delete-all')"))?;
        end = from;
    }
    find_in_parts(&reading, &expression, channel, limit, &mut found)?;
    Ok(found)
}

/// Search in rows that are in no file.
pub fn find_in(rows: &[Row], text: &str, limit: usize) -> Result<Vec<Row>, rusqlite::Error> {
    let mut writable = file::open(&file::Location::Memory)?;
    {
        let mut insert = writable.connection.prepare(
            "INSERT OR REPLACE INTO messages (id, channel_id, clan_id, sender_id, content, mentions, attachments, \
             reactions, msg_references, topic_id, create_time_seconds) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
        )?;
        for row in rows {
            insert.execute((
                &row.id,
                &row.channel_id,
                &row.clan_id,
                &row.sender_id,
                &row.content,
                &row.mentions,
                &row.attachments,
                &row.reactions,
                &row.references,
                &row.topic_id,
                row.create_time_seconds,
            ))?;
        }
    }
    while catch_up(&mut writable.connection, || true)? {}
    find(&writable.connection, text, None, limit)
}

/// Return the text as an FTS5 expression: each word quoted, so that it contains no operators; without duplicates,
/// and of bounded length.
fn expression(text: &str) -> Option<String> {
    let folded = text.replace('đ', "d").replace('Đ', "D");
    let mut words: Vec<&str> = Vec::new();
    for word in folded.split(|letter: char| letter.is_whitespace() || letter == '\0') {
        let word = first_letters(word, WORD_LETTERS);
        if word.chars().any(char::is_alphanumeric) && words.last() != Some(&word) {
            words.push(word);
        }
    }
    // The last word is a prefix: it stays even if it is a duplicate.
    let last = words.pop()?;
    let mut seen = std::collections::HashSet::new();
    words.retain(|word| seen.insert(*word));
    words.truncate(WORDS - 1);
    words.push(last);
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    Some(quoted.join(" ") + "*")
}

fn first_letters(word: &str, count: usize) -> &str {
    word.char_indices().nth(count).map_or(word, |(end, _)| &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], text: &str) -> Vec<String> {
        let rows: Vec<Row> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| Row {
                id: index.to_string(),
                channel_id: "1".into(),
                content: Some(serde_json::json!({ "t": text }).to_string()),
                ..Row::default()
            })
            .collect();
        let found = find_in(&rows, text, 10).expect("memory is there");
        found.into_iter().map(|row| row.id).collect()
    }

    #[test]
    fn vietnamese_with_and_without_diacritics() {
        let texts = ["Xin chào các bạn", "Đường đến thành phố", "xin chao", "nothing"];
        assert_eq!(found(&texts, "xin chào"), ["2", "0"]);
        assert_eq!(found(&texts, "XIN CHAO"), ["2", "0"]);
        assert_eq!(found(&texts, "duong den"), ["1"]);
        assert_eq!(found(&texts, "đường"), ["1"]);
        assert_eq!(found(&texts, "thành ph"), ["1"]);
        assert_eq!(found(&texts, "thành công"), [""; 0]);
    }

    #[test]
    fn nothing_in_a_question_is_an_operator() {
        let texts = ["a \"b\" c", "x OR y", "100% sure :-)", "🎉 party"];
        assert_eq!(found(&texts, "\"b\""), ["0"]);
        assert_eq!(found(&texts, "a NOT c"), [""; 0]);
        assert_eq!(found(&texts, "OR"), ["1"]);
        assert_eq!(found(&texts, "text:x"), [""; 0]);
        assert_eq!(found(&texts, "🎉"), ["3"]);
        assert_eq!(found(&texts, ":-)"), ["2"]);
        assert_eq!(found(&texts, "  "), [""; 0]);
    }

    #[test]
    fn a_slice_ends_when_it_is_told_to_and_the_next_goes_on() {
        let mut writable = file::open(&file::Location::Memory).expect("memory is there");
        for id in 0..2 * STEP + 10 {
            let row = (id.to_string(), "1", format!("{{\"t\":\"common word{id}\"}}"));
            writable
                .connection
                .execute("INSERT INTO messages (id, channel_id, content) VALUES (?1, ?2, ?3)", row)
                .expect("writes");
        }
        let mut found = Vec::new();
        loop {
            let more = catch_up(&mut writable.connection, || false).expect("indexes");
            found.push(find(&writable.connection, "common", None, usize::MAX).expect("finds").len());
            if !more {
                break;
            }
        }
        assert_eq!(found, [STEP, 2 * STEP, 2 * STEP + 10]);
    }

    #[test]
    fn a_question_is_bounded() {
        let texts = ["one two three", "two"];
        let long = "x".repeat(100_000);
        assert_eq!(found(&texts, &long), [""; 0]);
        assert_eq!(found(&texts, &"two ".repeat(200_000)), ["1", "0"], "a word counts once");
        let many: Vec<String> = (0..100_000).map(|n| format!("word{n}")).collect();
        assert_eq!(found(&texts, &many.join(" ")), [""; 0]);
        assert_eq!(expression(&many.join(" ")).map(|text| text.split(' ').count()), Some(WORDS));
        assert_eq!(
            expression("tw two tw").as_deref(),
            Some("\"tw\" \"two\" \"tw\"*"),
            "the last word is a prefix"
        );
    }

    #[test]
    fn a_nul_parts_words_and_ends_nothing() {
        let texts = ["one two", "three"];
        assert_eq!(found(&texts, "one\0two"), ["0"]);
        assert_eq!(found(&texts, "\0"), [""; 0]);
        assert_eq!(found(&["a\0b"], "a\0"), ["0"]);
    }
}

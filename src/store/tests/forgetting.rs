//! The search index while rows are removed from the front, and when row numbers are reused.

use proptest::prelude::*;

use super::*;
use crate::store::pacing::AdaptiveBatch;
use crate::store::prune;
use crate::store::queue::Op;
use crate::wire::Header;

fn tables(connection: &Connection, like: &str) -> Vec<String> {
    let mut names = connection
        .prepare("SELECT name FROM sqlite_master WHERE name GLOB ?1 ORDER BY name")
        .expect("a table of its own");
    let names = names.query_map([like], |row| row.get(0)).expect("reads");
    names.collect::<Result<_, _>>().expect("texts")
}

fn words_of(connection: &Connection) -> i64 {
    let counts = tables(connection, "messages_search*_docsize").into_iter().map(|name| {
        let text = format!("SELECT count(*) FROM {name}");
        connection.query_row(&text, [], |row| row.get::<_, i64>(0)).expect("counts")
    });
    counts.sum()
}

fn fill(connection: &mut Connection, ids: std::ops::Range<i64>) {
    let ops: Vec<Op> = ids
        .map(|id| {
            let body = encoded(&message(1, id, &format!("common word{id}x")));
            Op::Payload(Header::parse(&body).expect("whole"), body)
        })
        .collect();
    write(connection, &ops);
}

fn write(connection: &mut Connection, ops: &[Op]) {
    let mut at = 0;
    while at < ops.len() {
        at += group::write(connection, &ops[at..]).expect("writes").ops;
    }
}

fn catch_up(connection: &mut Connection) {
    while search::catch_up(connection, || true).expect("indexes") {}
}

fn ids(connection: &Connection, text: &str, limit: usize) -> Vec<String> {
    let found = search::find(connection, text, None, limit).expect("finds");
    found.into_iter().map(|row| row.id).collect()
}

fn detach(connection: &mut Connection) {
    for _ in 0..1000 {
        if !parts::detach(connection).expect("retires") {
            return;
        }
    }
    panic!("there is always more to retire");
}

fn in_memory() -> Connection {
    file::open(&Location::Memory).expect("memory is there").connection
}

#[test]
fn rows_go_without_a_word_to_the_index_and_their_parts_go_as_a_whole() {
    let mut connection = in_memory();
    for tens in 0..100 {
        fill(&mut connection, tens * 10..tens * 10 + 10);
        catch_up(&mut connection);
    }
    let whole = words_of(&connection);
    assert_eq!(whole, 1000);
    assert_eq!(prune::oldest(&mut AdaptiveBatch::new(64), &mut connection, 45).expect("removes"), 45);
    assert_eq!(words_of(&connection), whole, "to forget a row costs as much as to take it in");
    assert_eq!(ids(&connection, "common", 3), ["999", "998", "997"]);
    assert_eq!(ids(&connection, "common", 5000).len(), 955, "none that has gone");
    assert_eq!(ids(&connection, "word44x", 5), [""; 0]);
    assert_eq!(ids(&connection, "word45x", 5), ["45"]);

    while prune::oldest(&mut AdaptiveBatch::new(64), &mut connection, 45).expect("removes") > 0 {
        if read::count(&connection).expect("counts") <= 100 {
            break;
        }
    }
    detach(&mut connection);
    let left = read::count(&connection).expect("counts");
    assert_eq!(ids(&connection, "common", 5000).len() as u64, left);
    assert!(words_of(&connection) < left as i64 + 40, "{} words of {left}", words_of(&connection));
    assert_eq!(tables(&connection, "messages_retired*"), [""; 0]);
}

#[test]
fn a_row_number_that_is_given_out_again_brings_no_old_words() {
    let mut connection = in_memory();
    for round in 0..8 {
        fill(&mut connection, 0..300 + round * 20);
        catch_up(&mut connection);
        prune::oldest(&mut AdaptiveBatch::new(500), &mut connection, 200).expect("removes");
        // Now the rows with numbers above all pruned ones.
        let clear = Op::Clear { channel: 1, result: Arc::default() };
        write(&mut connection, &[clear]);
        assert_eq!(read::count(&connection).expect("counts"), 0);
        fill(&mut connection, 1000..1003);
        assert_eq!(
            ids(&connection, "word1", 50),
            [""; 0],
            "not in the index yet, nor ever under their numbers"
        );
        catch_up(&mut connection);
        assert_eq!(ids(&connection, "common", 50), ["1002", "1001", "1000"]);
        write(&mut connection, &[Op::Clear { channel: 1, result: Arc::default() }]);
    }
}

/// The index of the previous version: one table for all rows, updated at each removal.
#[test]
fn an_index_in_one_piece_is_used_for_as_long_as_it_is_good() {
    let mut connection = in_memory();
    fill(&mut connection, 0..100);
    connection
        .execute_batch(
            "CREATE VIRTUAL TABLE messages_search USING fts5(text, content='', contentless_delete=1, \
             tokenize='unicode61 remove_diacritics 2'); \
             INSERT INTO messages_search(rowid, text) SELECT rowid, json_extract(content, '$.t') FROM messages;",
        )
        .expect("makes it");
    fill(&mut connection, 100..150);
    catch_up(&mut connection);
    assert_eq!(ids(&connection, "common", 500).len(), 150);
    assert_eq!(tables(&connection, "messages_search*_docsize").len(), 2, "the old one and the new one");
    let edit = encoded(&ChannelMessage { code: 1, ..message(1, 7, "other") });
    write(&mut connection, &[Op::Payload(Header::parse(&edit).expect("whole"), edit)]);
    assert_eq!(
        (ids(&connection, "word7x", 5).len(), ids(&connection, "other", 5)),
        (0, vec!["7".to_owned()])
    );
    prune::oldest(&mut AdaptiveBatch::new(500), &mut connection, 120).expect("removes");
    detach(&mut connection);
    assert_eq!(tables(&connection, "messages_search"), [""; 0]);
    assert_eq!(ids(&connection, "common", 500).len(), 30);
}

/// After a bound was lowered and few rows arrive, the remaining rows must not retain the index of all removed
/// ones.
#[test]
fn a_part_that_is_far_too_large_goes_before_its_last_row() {
    let mut connection = in_memory();
    fill(&mut connection, 0..1000);
    catch_up(&mut connection);
    assert_eq!(prune::oldest(&mut AdaptiveBatch::new(1000), &mut connection, 900).expect("removes"), 900);
    detach(&mut connection);
    assert_eq!(words_of(&connection), 0);
    catch_up(&mut connection);
    assert_eq!(words_of(&connection), 100);
    assert_eq!(ids(&connection, "common", 500).len(), 100);
    detach(&mut connection);
    assert_eq!(words_of(&connection), 100, "once");
}

/// Between two slices the file is consistent, and the next process to open it continues.
#[test]
fn an_index_that_is_half_taken_apart_is_no_broken_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let mut connection = file::open(&Location::File(path.clone())).expect("opens").connection;
    fill(&mut connection, 0..3000);
    catch_up(&mut connection);
    fill(&mut connection, 3000..3020);
    prune::oldest(&mut AdaptiveBatch::new(4000), &mut connection, 3000).expect("removes");
    assert!(parts::detach(&mut connection).expect("retires"));
    assert!(!tables(&connection, "messages_retired*").is_empty());
    drop(connection);
    assert_eq!(integrity(&path), "ok");
    let store = Store::open(Options { max_messages: Some(10), ..small(&path) });
    store.accept(encoded(&message(1, 9999, "common newcomer")));
    let seen = Connection::open(&path).expect("opens");
    wait_for("the end of what is retired", || tables(&seen, "messages_retired*").is_empty());
    wait_for("pruning", || store.count(None) == 10);
    assert_eq!(store.search("common", None, 50).len(), 10);
    assert_eq!(store.stats().failures, 0);
    assert_eq!(integrity(&path), "ok");
}

#[derive(Debug, Clone)]
enum Act {
    Put(i64, String),
    Edit(i64, String),
    Remove(i64),
    Clear,
    Prune(u64),
    Vanish,
    CatchUp,
    Retire,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        10 => (0..60_i64, "[ab]{1,2}").prop_map(|(id, text)| Act::Put(id, text)),
        2 => (0..60_i64, "[ab]{1,2}").prop_map(|(id, text)| Act::Edit(id, text)),
        3 => (0..60_i64).prop_map(Act::Remove),
        1 => Just(Act::Clear),
        4 => (1..30_u64).prop_map(Act::Prune),
        1 => Just(Act::Vanish),
        4 => Just(Act::CatchUp),
        3 => Just(Act::Retire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// After any sequence of additions and removals, a search returns the rows that contain the word, newest
    /// first.
    #[test]
    fn a_search_gives_what_reading_every_row_gives(acts in prop::collection::vec(act(), 1..150)) {
        let mut connection = in_memory();
        let payload = |code, id, text: &str| {
            let body = encoded(&ChannelMessage { code, ..message(1, id, text) });
            Op::Payload(Header::parse(&body).expect("whole"), body)
        };
        for act in acts {
            match act {
                Act::Put(id, text) => write(&mut connection, &[payload(0, id, &text)]),
                Act::Edit(id, text) => write(&mut connection, &[payload(1, id, &text)]),
                Act::Remove(id) => write(&mut connection, &[payload(2, id, "")]),
                Act::Clear => write(&mut connection, &[Op::Clear { channel: 1, result: Arc::default() }]),
                Act::Prune(rows) => {
                    prune::oldest(&mut AdaptiveBatch::new(64), &mut connection, rows).expect("removes");
                }
                // Another program removes the newest rows without a notification.
                Act::Vanish => {
                    let newest = "DELETE FROM messages WHERE rowid = (SELECT max(rowid) FROM messages)";
                    connection.execute(newest, []).expect("removes");
                    catch_up(&mut connection);
                }
                Act::CatchUp => catch_up(&mut connection),
                Act::Retire => detach(&mut connection),
            }
        }
        catch_up(&mut connection);
        for word in ["a", "b", "ab", "ba"] {
            let expected: Vec<String> = {
                let text = "SELECT id FROM messages WHERE json_extract(content, '$.t') GLOB ?1 ORDER BY rowid DESC";
                let mut all = connection.prepare(text).expect("reads");
                let all = all.query_map([format!("{word}*")], |row| row.get(0)).expect("reads");
                all.collect::<Result<_, _>>().expect("texts")
            };
            prop_assert_eq!(ids(&connection, word, 100), expected.clone());
            prop_assert_eq!(ids(&connection, word, 3), expected.into_iter().take(3).collect::<Vec<_>>());
        }
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
        prop_assert_eq!(whole, "ok");
    }
}

//! The results of reads.

use super::*;

#[test]
fn reads_see_what_was_accepted_before_them() {
    for place in ["file", ":memory:"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = if place == "file" { folder.path().join("cache.db") } else { PathBuf::from(place) };
        let store = Store::open(small(&path));
        for id in 1..=2000 {
            store.accept(encoded(&message(id % 3, id, &id.to_string())));
            if id % 97 == 0 {
                assert_eq!(content(store.get(id % 3, id)), Some(format!("{{\"t\":\"{id}\"}}")), "{place}");
                assert_eq!(store.list(id % 3, 1, 0)[0].id, id.to_string(), "{place}");
                assert_eq!(store.count(None), u64::try_from(id).expect("above zero"), "{place}");
            }
        }
        assert_eq!(store.clear(0), 666);
        assert_eq!(store.count(Some(0)), 0);
        assert_eq!(store.count(None), 1334);
        assert!(store.delete(1, 1) && !store.delete(1, 1));
        assert!(store.get(1, 1).is_none());
    }
}

#[test]
fn edits_and_removals_change_the_row() {
    for held in [0, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cache.db");
        let store = Store::open(Options { memory_messages_per_channel: held, ..Options::at(&path) });
        let first = ChannelMessage { topic_id: 5, username: "me".into(), ..message(1, 10, "one") };
        store.accept(encoded(&first));
        store.accept(encoded(&ChannelMessage { code: 1, create_time_seconds: 0, ..message(1, 10, "two") }));
        assert_eq!(content(store.get(1, 10)).as_deref(), Some("{\"t\":\"two\"}"));
        if let Some(CachedMessage::Payload(body)) = store.get(1, 10) {
            let held = ChannelMessage::decode(&body[..]).expect("whole");
            assert_eq!((held.code, held.topic_id, held.username.as_str()), (0, 5, "me"));
        }
        assert!(store.flush_blocking(SOON));
        let row = &store.list(1, 5, 0)[0];
        assert_eq!((row.topic_id.as_deref(), row.create_time_seconds), (Some("5"), Some(10)));
        assert_eq!(row.content.as_deref(), Some("{\"t\":\"two\"}"));
        store.accept(encoded(&ChannelMessage { code: 2, ..message(1, 10, "") }));
        assert!(store.get(1, 10).is_none());
        assert_eq!(store.count(None), 0);
        // An edit of an unknown message is stored.
        store.accept(encoded(&ChannelMessage { code: 1, ..message(1, 11, "late") }));
        assert_eq!(content(store.get(1, 11)).as_deref(), Some("{\"t\":\"late\"}"));
        assert_eq!(store.stats().panics, 0);
    }
}

#[test]
fn search_follows_edits_and_removals() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(small(&folder.path().join("cache.db")));
    for id in 0..1500 {
        store.accept(encoded(&message(id % 2, id, &format!("common word{id}"))));
    }
    assert_eq!(store.search("common", None, 2000).len(), 1500);
    assert_eq!(store.search("common", Some(1), 10)[0].id, "1499");
    store.accept(encoded(&ChannelMessage { code: 1, ..message(0, 4, "đổi rồi") }));
    assert!(store.search("word4", Some(0), 10).iter().all(|row| row.id != "4"));
    assert_eq!(store.search("doi roi", None, 10).len(), 1);
    assert!(store.delete(1, 1499));
    store.accept(encoded(&message(1, 1501, "newcomer")));
    assert_eq!(store.search("word1499", None, 10).len(), 0);
    assert_eq!(
        store.search("newcomer", None, 10).len(),
        1,
        "the row number of the removed row was taken again"
    );
}

/// Rows inserted by one statement: some exist already, some are duplicates, some are not plain text.
#[test]
fn the_last_of_several_copies_stays_however_they_come_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(small(&folder.path().join("cache.db")));
    let mut last = std::collections::BTreeMap::new();
    for round in 0..40 {
        for step in 0..23 {
            // The ids of a round overlap those of the previous one, and repeat within eight.
            let id = round * 9 + if step % 5 == 4 { step - 3 } else { step };
            let topic_id = if step % 11 == 10 { 5 } else { 0 };
            let message = ChannelMessage { topic_id, ..message(id % 2, id, &format!("{round}.{step}")) };
            store.accept(encoded(&message));
            last.insert(id, (message.content, topic_id));
        }
        if round % 3 == 0 {
            assert_eq!(store.search(&format!("{round}.22"), None, 5).len(), 1, "the index has followed");
        }
    }
    assert!(store.flush_blocking(SOON));
    assert_eq!(store.count(None), last.len() as u64);
    let rows = [store.list(0, 1000, 0), store.list(1, 1000, 0)].concat();
    assert_eq!(rows.len(), last.len());
    for row in rows {
        let (content, topic) = &last[&row.id.parse::<i64>().expect("digits")];
        assert_eq!(row.content.as_ref(), Some(content));
        assert_eq!(row.topic_id, Some(topic.to_string()));
    }
    let stats = store.stats();
    assert_eq!((stats.rows_written, stats.malformed, stats.panics), (40 * 23, 0, 0));
}

/// Return the files of a folder with their content.
fn contents(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let paths = std::fs::read_dir(folder).expect("lists").map(|entry| entry.expect("is there").path());
    paths.map(|path| (path.clone(), std::fs::read(path).expect("reads"))).collect()
}

fn ids(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// Without an index, with a complete one, and with one that lacks the newest rows: the results are those of the
/// store.
#[test]
fn a_search_that_only_reads_finds_what_the_store_finds_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let questions =
        [("duong", None), ("word1", None), ("chung WORD", Some(1)), (":-)", None), ("nothing", None)];
    for round in 0..3 {
        let store = Store::open(small(&path));
        for id in round * 50..round * 50 + 50 {
            store.accept(encoded(&message(id % 3, id, &format!("Đường chung word{id} :-)"))));
        }
        assert!(store.close_blocking(SOON));
        for (text, channel) in questions {
            for limit in [7, 1000] {
                // A copy, because the store's own search would create or update the index.
                let copy = tempfile::tempdir().expect("a folder");
                std::fs::copy(&path, copy.path().join("cache.db")).expect("copies");
                let expected = Store::open(small(&copy.path().join("cache.db"))).search(text, channel, limit);
                let before = contents(folder.path());
                let found = search_file(&path, text, channel, limit).expect("reads");
                assert_eq!(ids(&found), ids(&expected), "{text} {channel:?} {limit} {round}");
                assert!(contents(folder.path()) == before, "nothing is changed, and nothing is made");
            }
        }
        if round == 0 {
            assert_eq!(search_file(&path, "duong", None, 1000).expect("reads").len(), 50, "without an index");
            let store = Store::open(small(&path));
            store.search("duong", None, 1);
            assert!(store.close_blocking(SOON));
        }
    }
}

/// A bot has the file open, and its commits are in the log only.
#[test]
fn a_search_that_only_reads_sees_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    // Locked by another connection, as another process would lock it.
    let other = file::open(&Location::File(path.clone())).expect("opens");
    let row = ("1", "2", r#"{"t":"in the log"}"#);
    let insert = "INSERT INTO messages (id, channel_id, content) VALUES (?1, ?2, ?3)";
    other.connection.execute(insert, row).expect("inserts");
    assert_eq!(ids(&search_file(&path, "log", None, 5).expect("reads")), ["1"]);
    drop(other);
}

#[test]
fn what_is_no_store_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, other) = (folder.path().join("notes.txt"), folder.path().join("other.db"));
    std::fs::write(&text, b"not a database at all, and long enough to be taken for one".repeat(20))
        .expect("writes");
    let connection = Connection::open(&other).expect("opens");
    connection.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE mine (x)").expect("makes it");
    drop(connection);
    let before = contents(folder.path());
    for path in [&text, &other, &folder.path().join("none.db")] {
        assert!(search_file(path, "word", None, 5).is_err());
    }
    assert!(contents(folder.path()) == before);
}

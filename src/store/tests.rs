//! The store as a whole, on real files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;
use rusqlite::Connection;

use super::*;
use crate::wire::proto::api::ChannelMessage;

const SOON: Duration = Duration::from_secs(30);

fn message(channel: i64, id: i64, text: &str) -> ChannelMessage {
    ChannelMessage {
        clan_id: 1,
        channel_id: channel,
        message_id: id,
        sender_id: 7,
        content: serde_json::json!({ "t": text }).to_string(),
        create_time_seconds: u32::try_from(id.rem_euclid(1 << 30)).expect("fits"),
        ..ChannelMessage::default()
    }
}

fn encoded(message: &ChannelMessage) -> Bytes {
    message.encode_to_vec().into()
}

fn small(path: &Path) -> Options {
    Options { memory_messages_per_channel: 0, ..Options::at(path) }
}

fn content(found: Option<Found>) -> Option<String> {
    found.map(|found| match found {
        Found::Row(row) => row.content.clone().expect("the column is written"),
        Found::Payload(body) => ChannelMessage::decode(body).expect("it was encoded here").content,
    })
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn open_with_troubles(mut options: Options) -> (Store, Arc<Mutex<Vec<Trouble>>>) {
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&troubles);
    options.on_trouble = Some(Box::new(move |trouble| seen.lock().expect("whole").push(trouble.clone())));
    (Store::open(options), troubles)
}

fn kinds(troubles: &Mutex<Vec<Trouble>>) -> Vec<TroubleKind> {
    troubles.lock().expect("whole").iter().map(|trouble| trouble.kind).collect()
}

fn integrity(path: &Path) -> String {
    let connection = Connection::open(path).expect("opens");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks")
}

#[test]
fn a_store_that_is_only_read_makes_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/er/cache.db");
    let store = Store::open(Options::at(&path));
    assert!(store.get(1, 1).is_none());
    assert!(store.list(1, 10, 0).is_empty());
    assert_eq!(store.count(None), 0);
    assert!(store.search("word", None, 5).is_empty());
    assert!(store.flush_blocking(SOON) && store.close_blocking(SOON));
    assert!(!folder.path().join("deep").exists());
}

#[cfg(unix)]
#[test]
fn file_and_folder_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache/cache.db");
    let store = Store::open(Options::at(&path));
    store.accept(encoded(&message(1, 1, "a")));
    assert!(store.flush_blocking(SOON));
    let mode = |path: PathBuf| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(folder.path().join("cache")), 0o700);
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        assert_eq!(mode(folder.path().join("cache").join(name)), 0o600, "{name}");
    }
}

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
    for kept in [0, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cache.db");
        let store = Store::open(Options { memory_messages_per_channel: kept, ..Options::at(&path) });
        let first = ChannelMessage { topic_id: 5, username: "me".into(), ..message(1, 10, "one") };
        store.accept(encoded(&first));
        store.accept(encoded(&ChannelMessage { code: 1, create_time_seconds: 0, ..message(1, 10, "two") }));
        assert_eq!(content(store.get(1, 10)).as_deref(), Some("{\"t\":\"two\"}"));
        if let Some(Found::Payload(body)) = store.get(1, 10) {
            let held = ChannelMessage::decode(body).expect("whole");
            assert_eq!((held.code, held.topic_id, held.username.as_str()), (0, 5, "me"));
        }
        assert!(store.flush_blocking(SOON));
        let row = &store.list(1, 5, 0)[0];
        assert_eq!((row.topic_id.as_deref(), row.create_time_seconds), (Some("5"), Some(10)));
        assert_eq!(row.content.as_deref(), Some("{\"t\":\"two\"}"));
        store.accept(encoded(&ChannelMessage { code: 2, ..message(1, 10, "") }));
        assert!(store.get(1, 10).is_none());
        assert_eq!(store.count(None), 0);
        // An edit of a message never seen is worth keeping.
        store.accept(encoded(&ChannelMessage { code: 1, ..message(1, 11, "late") }));
        assert_eq!(content(store.get(1, 11)).as_deref(), Some("{\"t\":\"late\"}"));
        assert_eq!(store.stats().panics, 0);
    }
}

#[test]
fn closing_empties_the_log_and_a_later_write_opens_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let store = Store::open(Options::at(&path));
    for id in 0..100 {
        store.accept(encoded(&message(1, id, "a")));
    }
    assert_eq!(store.list(1, 1000, 0).len(), 100);
    assert!(store.close_blocking(SOON));
    assert!(!folder.path().join("cache.db-wal").exists());
    store.accept(encoded(&message(1, 100, "a")));
    assert_eq!(store.count(None), 101);
    drop(store);
    wait_for("the end of the writer", || !folder.path().join("cache.db-wal").exists());
    assert_eq!(integrity(&path), "ok");
}

#[test]
fn broken_payloads_are_counted_and_cost_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(Options::at(folder.path().join("cache.db")));
    store.accept(encoded(&message(1, 1, "a")));
    store.accept(Bytes::from_static(b"\xff\xff\xff"));
    store.accept(encoded(&message(1, 2, "b")));
    assert!(store.flush_blocking(SOON));
    let stats = store.stats();
    assert_eq!((stats.malformed, stats.rows_written, stats.backlog), (1, 2, Backlog::default()));
}

#[test]
fn a_panic_costs_the_message_that_caused_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, troubles) = open_with_troubles(Options::at(folder.path().join("cache.db")));
    for id in 1..=20 {
        let text = if id == 10 { group::PANIC } else { "fine" };
        store.accept(encoded(&message(1, id, text)));
    }
    assert!(store.flush_blocking(SOON));
    assert_eq!(store.count(None), 19);
    let stats = store.stats();
    assert_eq!((stats.panics, stats.backlog), (1, Backlog::default()));
    assert_eq!(kinds(&troubles), [TroubleKind::Defect]);
}

#[test]
fn the_number_of_rows_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let store = Store::open(Options { max_messages: Some(500), ..small(&path) });
    for id in 0..5000 {
        store.accept(encoded(&message(id % 5, id, "a word")));
        if id == 2500 {
            assert!(!store.search("word", None, 5).is_empty());
        }
    }
    assert!(store.flush_blocking(SOON));
    wait_for("pruning", || store.count(None) == 500);
    assert!(store.get(0, 0).is_none());
    assert!(store.get(4, 4999).is_some());
    assert_eq!(store.search("word", None, 10_000).len(), 500, "the search index has followed");
    assert_eq!(store.stats().pruned, 4500);
    assert!(store.close_blocking(SOON));
    assert_eq!(integrity(&path), "ok");
}

#[test]
fn age_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let now =
        u32::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()).expect("before 2106");
    let store = Store::open(Options { max_age: Some(Duration::from_secs(1000)), ..small(&path) });
    // The one from the future must not keep the old ones behind it.
    for (id, created) in [(1, now + 9999), (2, now - 2000), (3, 0), (4, now - 2000), (5, now - 10), (6, 0)] {
        store.accept(encoded(&ChannelMessage { create_time_seconds: created, ..message(1, id, "a") }));
    }
    assert!(store.flush_blocking(SOON));
    wait_for("pruning", || store.count(None) == 3);
    let mut left: Vec<String> = store.list(1, 10, 0).into_iter().map(|row| row.id).collect();
    left.sort();
    assert_eq!(left, ["1", "5", "6"]);
}

#[test]
fn a_broken_file_is_set_aside_and_memory_goes_into_the_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    std::fs::write(&path, b"this is no database, and it is long enough to be taken for one".repeat(100))
        .expect("writes");
    let (store, troubles) = open_with_troubles(Options::at(&path));
    store.accept(encoded(&message(1, 1, "a")));
    assert!(store.flush_blocking(SOON));
    assert_eq!(store.count(None), 1);
    assert_eq!(kinds(&troubles), [TroubleKind::Corrupt]);
    let aside: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .expect("lists")
        .map(|entry| entry.expect("is there").path())
        .filter(|path| path.to_string_lossy().contains(".corrupt-"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert!(std::fs::read(&aside[0]).expect("reads").starts_with(b"this is no database"));

    // Broken while in use: the pages are overwritten under the store.
    assert!(store.close_blocking(SOON));
    std::fs::write(&path, vec![0x5a; 64 * 1024]).expect("writes");
    store.accept(encoded(&message(1, 2, "b")));
    assert!(store.flush_blocking(SOON));
    assert_eq!(store.count(None), 2, "the first message came from memory");
    assert_eq!(kinds(&troubles), [TroubleKind::Corrupt, TroubleKind::Corrupt]);
}

#[test]
fn a_file_that_cannot_be_made_leaves_the_store_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), b"").expect("writes");
    // A file where the folder should be: not even root can make anything in it.
    let path = folder.path().join("file/cache.db");
    let (store, troubles) = open_with_troubles(small(&path));
    for id in 1..=10 {
        store.accept(encoded(&message(1, id, &format!("word{id}"))));
    }
    assert!(!store.flush_blocking(SOON));
    assert_eq!(store.backlog(), Backlog::default(), "nobody should wait for it");
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable], "once");
    store.accept(encoded(&ChannelMessage { code: 1, ..message(1, 9, "edited") }));
    store.accept(encoded(&ChannelMessage { code: 2, ..message(1, 8, "") }));
    assert_eq!(content(store.get(1, 9)).as_deref(), Some("{\"t\":\"edited\"}"));
    assert!(store.get(1, 8).is_none());
    assert_eq!(store.list(1, 3, 1).iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["9", "7", "6"]);
    assert_eq!(store.count(Some(1)), 9);
    assert_eq!(store.search("word10", None, 5).len(), 1);
    // The folder can be made now: everything held is written.
    std::fs::remove_file(folder.path().join("file")).expect("removes");
    wait_for("recovery", || !store.stats().degraded);
    assert!(store.flush_blocking(SOON));
    assert_eq!(store.count(None), 9);
    assert_eq!(content(store.get(1, 9)).as_deref(), Some("{\"t\":\"edited\"}"));
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable, TroubleKind::Recovered]);
}

#[test]
fn a_locked_file_is_waited_for_and_then_done_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let (store, troubles) = open_with_troubles(small(&path));
    store.accept(encoded(&message(1, 1, "a")));
    assert!(store.flush_blocking(SOON));
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    store.accept(encoded(&message(1, 2, "b")));
    assert_eq!(store.list(1, 5, 0).len(), 2, "the retained row is seen");
    wait_for("giving up", || store.stats().degraded);
    other.execute_batch("COMMIT").expect("unlocks");
    wait_for("recovery", || !store.stats().degraded);
    assert_eq!(store.count(None), 2);
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable, TroubleKind::Recovered]);
}

#[test]
fn two_stores_on_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let stores: Vec<Store> = (0..2).map(|_| Store::open(small(&path))).collect();
    std::thread::scope(|scope| {
        for (index, store) in stores.iter().enumerate() {
            scope.spawn(move || {
                for id in 0..3000 {
                    store.accept(encoded(&message(1, id * 2 + index as i64, "a")));
                    if id % 100 == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                assert!(store.flush_blocking(SOON));
            });
        }
    });
    assert_eq!(stores[0].count(Some(1)), 6000);
    assert_eq!(stores[1].count(None), 6000);
    assert_eq!(stores.iter().map(|store| store.stats().failures).sum::<u64>(), 0);
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

#[derive(Debug, Clone)]
enum Act {
    Put(i64, i64, String),
    Edit(i64, i64, String),
    Remove(i64, i64),
    Clear(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let ids = || (0..3_i64, 0..12_i64);
    prop_oneof![
        6 => (ids(), "[a-z]{0,8}").prop_map(|((c, m), text)| Act::Put(c, m, text)),
        2 => (ids(), "[a-z]{0,8}").prop_map(|((c, m), text)| Act::Edit(c, m, text)),
        2 => ids().prop_map(|(c, m)| Act::Remove(c, m)),
        1 => (0..3_i64).prop_map(Act::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens in whatever order, with memory or without, a read gives what a plain map would.
    #[test]
    fn behaves_like_a_map(acts in prop::collection::vec(act(), 1..80), kept in 0..4_usize) {
        let store = Store::open(Options { memory_messages_per_channel: kept, ..Options::at(":memory:") });
        let mut map: std::collections::BTreeMap<(i64, i64), String> = std::collections::BTreeMap::new();
        for (step, act) in acts.into_iter().enumerate() {
            match act {
                Act::Put(channel, id, text) => {
                    let message = message(channel, id, &text);
                    store.accept(encoded(&message));
                    map.insert((channel, id), message.content);
                }
                Act::Edit(channel, id, text) => {
                    let message = ChannelMessage { code: 1, ..message(channel, id, &text) };
                    store.accept(encoded(&message));
                    map.insert((channel, id), message.content);
                }
                Act::Remove(channel, id) => {
                    prop_assert_eq!(store.delete(channel, id), map.remove(&(channel, id)).is_some());
                }
                Act::Clear(channel) => {
                    let before = map.len();
                    map.retain(|(of, _), _| *of != channel);
                    prop_assert_eq!(store.clear(channel), (before - map.len()) as u64);
                }
            }
            if step % 7 == 0 {
                for channel in 0..3 {
                    for id in 0..12 {
                        prop_assert_eq!(content(store.get(channel, id)), map.get(&(channel, id)).cloned());
                    }
                    let listed: Vec<i64> = store.list(channel, 100, 0).iter().map(|row| row.id.parse().expect("digits")).collect();
                    let expected: Vec<i64> = map.keys().filter(|(of, _)| *of == channel).map(|(_, id)| *id).rev().collect();
                    prop_assert_eq!(listed, expected);
                }
            }
        }
        prop_assert_eq!(store.count(None), map.len() as u64);
    }
}

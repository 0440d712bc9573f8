//! Defects, broken files, and files that cannot be written.

use super::*;

#[test]
fn broken_payloads_are_counted_and_cost_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(Options::at(folder.path().join("cache.db")));
    store.accept(encoded(&message(1, 1, "a")));
    store.accept(b"\xff\xff\xff"[..].into());
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

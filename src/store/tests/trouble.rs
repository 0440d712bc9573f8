//! Bugs, corrupt files, and files that cannot be written.

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

    // Corrupted while in use: the pages are overwritten.
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
    // A file in place of the folder: not even root can create anything in it.
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
    // The folder can be created now: all retained operations are written.
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

/// Return the number of rows in the file.
fn rows_in(path: &Path) -> i64 {
    let connection = Connection::open(path).expect("opens");
    connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).expect("counts")
}

/// A store that retains 50 messages because the returned connection has locked the file.
fn locked_out(path: &Path) -> (Store, Arc<Mutex<Vec<Trouble>>>, Connection) {
    let (store, troubles) = open_with_troubles(small(path));
    store.accept(encoded(&message(1, 1000, "before")));
    assert!(store.flush_blocking(SOON));
    let other = Connection::open(path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    for id in 0..50 {
        store.accept(encoded(&message(1, id, "a")));
    }
    wait_for("giving up", || store.stats().retained == 50);
    (store, troubles, other)
}

#[test]
fn a_close_waits_for_a_locked_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let (store, troubles, other) = locked_out(&path);
    std::thread::scope(|scope| {
        let close = scope.spawn(|| store.close_blocking(SOON));
        wait_for("the close", || lock(&store.handle.inspect().intake).closing.is_some());
        other.execute_batch("COMMIT").expect("unlocks");
        assert!(close.join().expect("no panic"), "all is in the file");
    });
    assert_eq!((rows_in(&path), store.stats().lost, store.stats().retained), (51, 0, 0));
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable, TroubleKind::Recovered]);
}

#[test]
fn what_a_locked_file_does_not_take_in_time_is_dropped_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let (store, troubles, other) = locked_out(&path);
    assert!(!store.close_blocking(Duration::from_secs(3)));
    wait_for("the report", || kinds(&troubles) == [TroubleKind::Unwritable, TroubleKind::Lost]);
    let text = troubles.lock().expect("whole")[1].text.clone();
    assert!(text.starts_with("50 messages could not be written"), "{text}");
    assert!(text.contains(path.to_str().expect("is text")) && text.contains("locked"), "{text}");
    assert_eq!((store.stats().lost, store.stats().retained), (50, 0));
    // The store continues when it is used again.
    other.execute_batch("COMMIT").expect("unlocks");
    store.accept(encoded(&message(1, 2000, "after")));
    assert!(store.close_blocking(SOON));
    assert_eq!(rows_in(&path), 2);
}

/// No handle is left, and the last one is notified of the loss.
#[test]
fn a_store_that_is_dropped_reports_what_it_could_not_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let (store, troubles, other) = locked_out(&path);
    let shared = Arc::downgrade(store.shared());
    drop(store);
    wait_for("the end of the writer", || shared.upgrade().is_none());
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable, TroubleKind::Lost]);
    drop(other);
}

#[test]
fn a_panic_while_the_file_is_down_costs_the_message_that_caused_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), b"").expect("writes");
    let (store, troubles) = open_with_troubles(small(&folder.path().join("file/cache.db")));
    for id in 1..=20 {
        let text = if id == 10 { group::PANIC } else { "fine" };
        store.accept(encoded(&message(1, id, text)));
    }
    wait_for("giving up", || store.stats().degraded);
    std::fs::remove_file(folder.path().join("file")).expect("removes");
    wait_for("recovery", || !store.stats().degraded);
    assert!(store.flush_blocking(SOON));
    assert_eq!((store.count(None), store.stats().panics), (19, 1));
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable, TroubleKind::Defect, TroubleKind::Recovered]);
}

#[test]
fn a_panic_while_memory_is_written_to_a_new_file_costs_the_message_that_caused_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let (store, troubles) = open_with_troubles(Options::at(&path));
    for (id, text) in [(1, "a"), (2, group::PANIC), (3, "b")] {
        store.accept(encoded(&message(1, id, text)));
    }
    assert!(store.close_blocking(SOON));
    std::fs::write(&path, vec![0x5a; 64 * 1024]).expect("writes");
    store.accept(encoded(&message(1, 4, "c")));
    assert!(store.flush_blocking(SOON));
    assert_eq!((store.count(None), store.stats().panics), (3, 2));
    assert_eq!(kinds(&troubles), [TroubleKind::Defect, TroubleKind::Corrupt, TroubleKind::Defect]);
}

/// What arrives while the writer handles a panic stays in the backlog until it is completed.
#[test]
fn the_backlog_survives_a_turn_that_panics() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot: Arc<Mutex<Option<Store>>> = Arc::default();
    let inside = Arc::clone(&slot);
    let mut options = small(&folder.path().join("cache.db"));
    options.on_trouble = Some(Box::new(move |trouble| {
        // On the writer's thread, while it handles the panic.
        assert_eq!(trouble.kind, TroubleKind::Defect);
        let guard = inside.lock().expect("whole");
        let store = guard.as_ref().expect("the test has put it there");
        store.accept(encoded(&message(1, 2, "meanwhile")));
        assert_eq!(store.stats().memory_messages, 0, "this has taken it out of the intake");
    }));
    let store = Store::open(options);
    *slot.lock().expect("whole") = Some(store.clone());
    store.accept(encoded(&message(1, 1, group::PANIC_OUTSIDE)));
    wait_for("the panic", || store.stats().panics == 1);
    wait_for("the other message", || store.stats().rows_written == 1);
    assert!(store.flush_blocking(SOON));
    assert_eq!((store.backlog(), store.stats().lost), (Backlog::default(), 1));
    slot.lock().expect("whole").take();
}

#[test]
fn the_backlog_is_right_however_many_add_to_it_while_turns_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(small(&folder.path().join("cache.db")));
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let store = &store;
            scope.spawn(move || {
                for id in 0..2000 {
                    let text = if id % 100 == writer { group::PANIC_OUTSIDE } else { "fine" };
                    store.accept(encoded(&message(writer, id, text)));
                    // A reader applies the queued operations.
                    let _ = store.peek(writer, id - 1).is_some() || store.stats().degraded;
                }
            });
        }
    });
    assert!(store.flush_blocking(SOON));
    let stats = store.stats();
    assert_eq!((stats.backlog, stats.accepted), (Backlog::default(), 6000));
    assert_eq!(stats.rows_written + stats.lost, 6000);
    assert!(stats.panics > 0);
}

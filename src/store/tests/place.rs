//! The file, its folder and its log.

use super::*;

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

#[test]
fn a_missing_file_is_created_with_its_table_and_without_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/cache.db");
    let store = Store::open(Options::at(&path));
    for _ in 0..2 {
        assert!(store.create_blocking(SOON));
        let connection = Connection::open(&path).expect("opens");
        let rows: i64 =
            connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).expect("is there");
        assert_eq!(rows, 0);
    }
    let stats = store.stats();
    assert_eq!((stats.accepted, stats.rows_written, stats.memory_messages), (1, 0, 0));
    assert!(store.close_blocking(SOON));
    std::fs::remove_file(&path).expect("is there");
    store.accept(encoded(&message(1, 1, "a")));
    assert!(store.create_blocking(SOON));
    assert_eq!(store.count(None), 1);
}

#[test]
fn a_folder_that_cannot_be_created_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("deep"), "a file").expect("is written");
    let (store, troubles) = open_with_troubles(Options::at(folder.path().join("deep/cache.db")));
    assert!(!store.create_blocking(SOON));
    assert_eq!(kinds(&troubles), [TroubleKind::Unwritable]);
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

/// Different settings, so that each store has a writer of its own, as in two processes.
fn two_that_share_nothing(path: &Path) -> [Store; 2] {
    [1_000, 1_001].map(|memory_channels| Store::open(Options { memory_channels, ..small(path) }))
}

#[test]
fn two_stores_on_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let stores = two_that_share_nothing(&path);
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

/// The slices of an index leave gaps for another process, here a second store.
#[test]
fn a_first_search_keeps_no_other_store_from_writing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let stores = two_that_share_nothing(&path);
    for id in 0..20_000 {
        stores[0].accept(encoded(&message(1, id, &format!("common word{id}"))));
    }
    assert!(stores[0].flush_blocking(SOON));
    std::thread::scope(|scope| {
        let search = scope.spawn(|| stores[0].search("common", None, 50_000).len());
        let mut written = 0;
        while !search.is_finished() || written == 0 {
            stores[1].accept(encoded(&message(2, written, "newcomer")));
            assert!(stores[1].flush_blocking(SOON));
            written += 1;
        }
        assert_eq!(search.join().expect("no panic"), 20_000);
        assert_eq!(stores[0].count(Some(2)), written as u64);
    });
    for store in &stores {
        // On a busy machine an attempt may wait for longer than `file::BUSY`; the group is then written again.
        assert!(!store.stats().degraded);
    }
}

#[test]
fn a_slice_of_unused_space_is_as_large_as_it_says_and_counts_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = file::open(&Location::File(folder.path().join("cache.db"))).expect("opens");
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
                INSERT INTO messages (id, channel_id, content) SELECT i, 1, hex(zeroblob(1500)) FROM n";
    place.connection.execute(fill, []).expect("fills");
    place.connection.execute("DELETE FROM messages WHERE rowid > 10", []).expect("removes");
    let pages = |place: &file::Writable| -> i64 {
        place.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("counts")
    };
    let (before, log) = (pages(&place), place.wal_bytes.load(Ordering::Relaxed));
    let slice = 100 * 16_384;
    assert!(file::give_back(&place.connection, slice).expect("gives back"));
    assert_eq!(pages(&place), before - 100);
    assert!(place.wal_bytes.load(Ordering::Relaxed) > log, "or the log is never put into the file");
    while file::give_back(&place.connection, slice).expect("gives back") {}
    assert!(pages(&place) < before / 2);
}

#[test]
fn a_file_keeps_its_page_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = folder.path().join("old.db");
    let connection = Connection::open(&old).expect("opens");
    connection
        .execute_batch(
            "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; \
             CREATE TABLE messages (id TEXT NOT NULL, channel_id TEXT NOT NULL, content TEXT, \
                                    PRIMARY KEY (id, channel_id)); \
             INSERT INTO messages VALUES ('1', '1', '{\"t\":\"old\"}');",
        )
        .expect("an earlier version's file");
    drop(connection);
    for (path, rows, expected) in [(old, 2, 4096), (folder.path().join("new.db"), 1, 16_384)] {
        let store = Store::open(small(&path));
        store.accept(encoded(&message(1, 2, "new")));
        assert!(store.flush_blocking(SOON));
        assert_eq!(store.list(1, 10, 0).len(), rows);
        let reader = file::open_reader(&path).expect("opens").expect("a file");
        let size: u32 = reader.pragma_query_value(None, "page_size", |row| row.get(0)).expect("a number");
        assert_eq!(size, expected);
        assert!(store.close_blocking(SOON));
        drop(reader);
        assert_eq!(integrity(&path), "ok");
    }
}

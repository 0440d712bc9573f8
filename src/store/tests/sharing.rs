//! Handles of one process for the same file with the same settings.

use super::*;

fn same(one: &Store, other: &Store) -> bool {
    Arc::ptr_eq(one.handle.inspect(), other.handle.inspect())
}

/// Return whether there is a log beside the file. Closing the last connection removes it.
fn has_log(path: &Path) -> bool {
    let log = PathBuf::from(format!("{}-wal", path.display()));
    std::fs::metadata(log).is_ok_and(|found| found.len() > 0)
}

#[test]
fn a_thousand_have_one_writer_and_see_each_others_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let stores: Vec<Store> = (0..1000).map(|_| Store::open(Options::at(&path))).collect();
    for (id, store) in (1_i64..).zip(&stores) {
        assert!(same(store, &stores[0]));
        store.accept(encoded(&message(1, id, "a")));
    }
    assert!(stores[1].peek(1, 1000).is_some());
    assert!(stores[2].flush_blocking(SOON));
    assert_eq!(stores[999].count(None), 1000);
    let stats = stores[3].stats();
    assert_eq!((stats.accepted, stats.rows_written, stats.failures), (1000, 1000, 0));
}

#[test]
fn the_last_one_closes_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let stores: Vec<Store> = (0..3).map(|_| Store::open(Options::at(&path))).collect();
    // The third handle never uses the store and so does not keep it open.
    stores[0].accept(encoded(&message(1, 1, "a")));
    stores[1].accept(encoded(&message(1, 2, "b")));
    assert!(stores[0].close_blocking(SOON));
    assert!(has_log(&path), "the second has it open");
    assert!(lock(&stores[1].shared().intake).running);
    stores[1].accept(encoded(&message(1, 3, "c")));
    // A handle may be used again after a close.
    stores[0].accept(encoded(&message(1, 4, "d")));
    assert!(stores[1].close_blocking(SOON));
    assert!(has_log(&path), "the first has it open again");
    assert!(stores[0].close_blocking(SOON));
    assert!(!has_log(&path));
    assert!(!lock(&stores[0].handle.inspect().intake).running);
    let rows: i64 = Connection::open(&path)
        .expect("opens")
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .expect("counts");
    assert_eq!(rows, 4);
}

#[test]
fn one_that_goes_takes_nothing_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let (leaving, troubles) = open_with_troubles(Options::at(&path));
    let staying = Store::open(Options::at(&path));
    leaving.accept(encoded(&message(1, 1, "a")));
    staying.accept(encoded(&message(1, 2, "b")));
    drop(leaving);
    staying.accept(encoded(&message(1, 3, "c")));
    assert!(staying.flush_blocking(SOON));
    assert_eq!(staying.count(Some(1)), 3);
    assert!(lock(&staying.shared().intake).running);
    let shared = Arc::downgrade(staying.shared());
    drop(staying);
    wait_for("the end of the writer", || shared.upgrade().is_none());
    assert!(!has_log(&path));
    assert!(kinds(&troubles).is_empty());
}

#[test]
fn what_differs_is_not_shared() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let one = Store::open(Options::at(&path));
    assert!(same(&one, &Store::open(Options::at(folder.path().join(".").join("cache.db")))));
    let others = [
        Options { max_messages: None, ..Options::at(&path) },
        Options { max_age: Some(Duration::from_secs(9)), ..Options::at(&path) },
        Options { memory_bytes: 9, ..Options::at(&path) },
        Options { memory_channels: 9, ..Options::at(&path) },
        small(&path),
        Options::at(folder.path().join("other.db")),
        Options::at(folder.path().join("new").join("cache.db")),
    ];
    for other in others {
        assert!(!same(&one, &Store::open(other)));
    }
    assert!(!same(&Store::open(Options::at(":memory:")), &Store::open(Options::at(":memory:"))));
}

#[cfg(unix)]
#[test]
fn a_folder_by_two_names_is_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).expect("makes it");
    std::os::unix::fs::symlink(&real, &link).expect("makes it");
    // The subfolder is not created before the first write.
    let stores = [real, link].map(|folder| Store::open(Options::at(folder.join("new").join("cache.db"))));
    assert!(same(&stores[0], &stores[1]));
}

/// A store that all handles have closed is not shared: its memory would answer for a file that another process has
/// changed.
#[test]
fn a_closed_one_is_not_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let first = Store::open(Options::at(&path));
    first.accept(encoded(&message(1, 1, "a")));
    assert!(first.close_blocking(SOON));
    Connection::open(&path).expect("opens").execute("DELETE FROM messages", []).expect("deletes");
    let second = Store::open(Options::at(&path));
    assert!(!same(&first, &second));
    assert!(second.get(1, 1).is_none());
}

#[test]
fn all_are_told_of_trouble() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let both = [(); 2].map(|()| open_with_troubles(Options::at(&path)));
    both[0].0.accept(encoded(&message(1, 1, "a")));
    assert!(both[0].0.flush_blocking(SOON));
    std::fs::remove_file(&path).expect("removes it");
    both[1].0.accept(encoded(&message(1, 2, "b")));
    assert!(both[1].0.flush_blocking(SOON));
    for (store, troubles) in &both {
        assert_eq!(kinds(troubles), [TroubleKind::Moved]);
        assert_eq!(store.count(Some(1)), 2, "memory has written the first again");
    }
}

#[test]
fn nobody_is_in_anothers_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let stores = [(); 2].map(|()| Store::open(Options::at(&path)));
    stores[0].accept(encoded(&message(1, 1, "a")));
    assert!(stores[0].flush_blocking(SOON));
    stores[0].sql("CREATE TABLE mine (x)", &[Values::Ordered(vec![])], false).expect("makes it");
    stores[0].sql("INSERT INTO mine VALUES (1)", &[Values::Ordered(vec![])], true).expect("inserts");
    assert_eq!(stores.each_ref().map(Store::sql_in_transaction), [true, false]);
    let seen = stores[1].sql("SELECT * FROM mine", &[Values::Ordered(vec![])], false).expect("reads");
    assert!(seen.rows.is_empty(), "it is not committed");
    stores[0].sql_close();
    assert_eq!(stores.each_ref().map(Store::sql_in_transaction), [false, false]);
}

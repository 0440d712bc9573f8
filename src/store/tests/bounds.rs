//! Removal of rows over the bound and of expired rows.

use super::*;

#[test]
fn the_number_of_rows_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let store = Store::open(Options { max_messages: Some(500), ..small(&path) });
    for id in 0..5000 {
        store.accept(encoded(&message(id % 5, id, "a word")));
        if id == 2500 {
            assert!(store.flush_blocking(SOON));
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

/// Rows committed at once exceed the bound until others are removed; the excess is a small share at any speed.
#[test]
fn a_group_is_a_share_of_the_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(Options { max_messages: Some(1000), ..small(&folder.path().join("cache.db")) });
    let bodies: Vec<Body> = (0..20_000).map(|id| encoded(&message(1, id, "a"))).collect();
    for body in bodies {
        store.accept(body);
    }
    assert!(store.flush_blocking(SOON));
    assert!(store.stats().commits >= 20_000 / 256, "{} commits", store.stats().commits);
    wait_for("pruning", || store.count(None) == 1000);
}

#[test]
fn age_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let now =
        u32::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()).expect("before 2106");
    let store = Store::open(Options { max_age: Some(Duration::from_secs(1000)), ..small(&path) });
    // The row from the future must not retain the older ones after it.
    for (id, created) in [(1, now + 9999), (2, now - 2000), (3, 0), (4, now - 2000), (5, now - 10), (6, 0)] {
        store.accept(encoded(&ChannelMessage { create_time_seconds: created, ..message(1, id, "a") }));
    }
    assert!(store.flush_blocking(SOON));
    wait_for("pruning", || store.count(None) == 3);
    let mut left: Vec<String> = store.list(1, 10, 0).into_iter().map(|row| row.id).collect();
    left.sort();
    assert_eq!(left, ["1", "5", "6"]);
}

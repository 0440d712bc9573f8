//! The store compared with a map.

use proptest::prelude::*;

use super::*;

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

    /// After any sequence of operations, with memory or without, reads return what a map would.
    #[test]
    fn behaves_like_a_map(acts in prop::collection::vec(act(), 1..80), held in 0..4_usize) {
        let store = Store::open(Options { memory_messages_per_channel: held, ..Options::at(":memory:") });
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

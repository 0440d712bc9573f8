//! Who goes first when what is held by channel becomes too much: the channels used longest ago.

/// A bound less an eighth: room is made for more than need be, so that looking for it is paid rarely.
pub fn with_room(bound: usize) -> usize {
    bound - bound / 8
}

/// The channels of these pairs (last use, id) in the order in which they may go; `keep` is none of them.
pub fn oldest_first(channels: impl Iterator<Item = (u64, i64)>, keep: i64) -> Vec<i64> {
    let mut by_use: Vec<_> = channels.filter(|(_, id)| *id != keep).collect();
    by_use.sort_unstable();
    by_use.into_iter().map(|(_, id)| id).collect()
}

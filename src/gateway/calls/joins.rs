//! The clans and channels that the bot has joined, and their joins after a reconnect.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use tokio::time::Instant;

use super::outbox::{Call, INTERNAL};
use crate::wire::tags::envelope::{CHANNEL_JOIN, CHANNEL_LEAVE, CLAN_JOIN};
use crate::wire::tags::{channel_join, channel_leave, clan_join};
use crate::wire::{Fields, Value};

/// A clan, or a channel of a clan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinTarget {
    Clan(i64),
    Channel(i64),
}

#[derive(Debug)]
pub struct Joined {
    max: usize,
    tick: u64,
    /// The key in `by_use`, and the tag and body of the join.
    targets: HashMap<JoinTarget, (u64, u32, Bytes)>,
    by_use: BTreeMap<u64, JoinTarget>,
}

impl Joined {
    pub fn new(max: usize) -> Self {
        Self { max, tick: 0, targets: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub fn len(&self) -> usize {
        self.targets.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Update the list after an answered call: add what was joined, remove what was left.
    pub fn answered(&mut self, tag: u32, body: &Bytes) {
        match (tag, target_of(tag, body)) {
            (CHANNEL_LEAVE, Some(target)) => self.forget(target),
            (_, Some(target)) => self.keep(target, tag, body.clone()),
            _ => {}
        }
    }

    fn keep(&mut self, target: JoinTarget, tag: u32, body: Bytes) {
        if self.max == 0 {
            return;
        }
        self.forget(target);
        if self.targets.len() >= self.max
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.targets.remove(&oldest);
        }
        self.tick += 1;
        self.by_use.insert(self.tick, target);
        self.targets.insert(target, (self.tick, tag, body));
    }

    fn forget(&mut self, target: JoinTarget) {
        if let Some((tick, ..)) = self.targets.remove(&target) {
            self.by_use.remove(&tick);
        }
    }

    /// Return whether the target of this join is still in the list.
    pub fn holds(&self, tag: u32, body: &[u8]) -> bool {
        target_of(tag, body).is_some_and(|target| self.targets.contains_key(&target))
    }

    /// Mark a channel as used, so that it is joined earlier after the next reconnect.
    pub fn used(&mut self, channel: i64) {
        let target = JoinTarget::Channel(channel);
        let Some(entry) = self.targets.get_mut(&target) else { return };
        self.by_use.remove(&entry.0);
        self.tick += 1;
        entry.0 = self.tick;
        self.by_use.insert(self.tick, target);
    }

    /// Return tag and body of each join: clans before channels, because channels belong to them; the most recently
    /// used first.
    pub fn calls(&self) -> Vec<(u32, Bytes)> {
        let recent = self.by_use.values().rev();
        let (clans, channels): (Vec<_>, Vec<_>) =
            recent.partition(|target| matches!(target, JoinTarget::Clan(_)));
        let order = clans.into_iter().chain(channels);
        order
            .filter_map(|target| self.targets.get(target).map(|(_, tag, body)| (*tag, body.clone())))
            .collect()
    }
}

/// Return the clan or channel of a join or leave.
fn target_of(tag: u32, body: &[u8]) -> Option<JoinTarget> {
    Some(match tag {
        CLAN_JOIN => JoinTarget::Clan(int_field(body, clan_join::CLAN_ID)),
        CHANNEL_JOIN => JoinTarget::Channel(int_field(body, channel_join::CHANNEL_ID)),
        CHANNEL_LEAVE => JoinTarget::Channel(int_field(body, channel_leave::CHANNEL_ID)),
        _ => return None,
    })
}

/// Return the value of an integer field; 0 if it is missing.
fn int_field(body: &[u8], wanted: u32) -> i64 {
    let mut fields = Fields::new(body);
    let mut found = 0;
    while let Ok(Some((number, value))) = fields.read() {
        if let (true, Value::Varint(value)) = (number == wanted, value) {
            found = value as i64;
        }
    }
    found
}

#[derive(Debug)]
pub struct Rejoin {
    /// Joins to be sent, the next one last: tag, body, and how often the server has refused it with 429.
    left: Vec<(u32, Bytes, u32)>,
    /// Number of joins that were sent and are not answered.
    open: usize,
    /// When the connection becomes ready even if joins are left.
    pub until: Instant,
    /// No join is sent before: the server's Retry-After.
    held_until: Option<Instant>,
    /// Whether the last call sent was a join.
    was_join: bool,
}

impl Rejoin {
    pub fn new(joined: &Joined, until: Instant) -> Self {
        let left = joined.calls().into_iter().rev().map(|(tag, body)| (tag, body, 0)).collect();
        Self { left, open: 0, until, held_until: None, was_join: false }
    }

    pub fn done(&self) -> bool {
        self.left.is_empty() && self.open == 0
    }

    /// Record that a join was answered or has failed.
    pub fn finished(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Queue a join again, to be sent with those after it at `until`.
    pub fn put_back(&mut self, tag: u32, body: Bytes, refused: u32, until: Instant) {
        self.finished();
        self.left.push((tag, body, refused));
        self.held_until = Some(until);
    }

    /// Return when the next join may be sent, if there is one. Joins of targets that were left meanwhile are
    /// dropped.
    pub fn due(&mut self, joined: &Joined, now: Instant) -> Option<Instant> {
        while let Some((tag, body, _)) = self.left.last()
            && !joined.holds(*tag, body)
        {
            self.left.pop();
        }
        self.held_until = self.held_until.filter(|until| *until > now);
        self.left.last().map(|_| self.held_until.unwrap_or(now))
    }

    /// Return whether a join is sent next. Until the connection is ready only joins are sent; afterwards joins and
    /// calls alternate.
    pub fn turn(&mut self, ready: bool, has_join: bool, has_call: bool) -> bool {
        self.was_join = has_join && (!ready || !has_call || !self.was_join);
        self.was_join
    }

    pub fn pop(&mut self, deadline: Instant) -> Option<Call> {
        let (tag, body, refused) = self.left.pop()?;
        self.open += 1;
        Some(Call { id: INTERNAL, tag, body, deadline, refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::realtime::{ChannelJoin, ChannelLeave, ClanJoin};
    use prost::Message as _;

    fn clan(clan_id: i64) -> Bytes {
        ClanJoin { clan_id, ..Default::default() }.encode_to_vec().into()
    }

    fn channel(channel_id: i64) -> Bytes {
        ChannelJoin { clan_id: 1, channel_id, ..Default::default() }.encode_to_vec().into()
    }

    #[test]
    fn clans_come_first_then_what_was_used_last() {
        let mut joined = Joined::new(10);
        joined.answered(CHANNEL_JOIN, &channel(11));
        joined.answered(CHANNEL_JOIN, &channel(12));
        joined.answered(CLAN_JOIN, &clan(1));
        joined.answered(CLAN_JOIN, &clan(0));
        joined.used(11);
        joined.used(99);
        let order: Vec<_> = joined.calls().into_iter().map(|(_, body)| body).collect();
        assert_eq!(order, [clan(0), clan(1), channel(11), channel(12)]);
    }

    #[test]
    fn leaving_forgets_and_joining_twice_is_one() {
        let mut joined = Joined::new(10);
        joined.answered(CHANNEL_JOIN, &channel(11));
        joined.answered(CHANNEL_JOIN, &channel(11));
        assert_eq!(joined.len(), 1);
        let leave = ChannelLeave { clan_id: 1, channel_id: 11, ..Default::default() }.encode_to_vec().into();
        joined.answered(CHANNEL_LEAVE, &leave);
        assert!(joined.is_empty());
    }

    #[test]
    fn the_least_used_goes_when_it_is_full() {
        let mut joined = Joined::new(2);
        for id in [11, 12] {
            joined.answered(CHANNEL_JOIN, &channel(id));
        }
        joined.used(11);
        joined.answered(CHANNEL_JOIN, &channel(13));
        let bodies: Vec<_> = joined.calls().into_iter().map(|(_, body)| body).collect();
        assert_eq!(bodies, [channel(13), channel(11)]);
    }
}

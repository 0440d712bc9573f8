//! What the bot has joined, most recently used first: the list to join again after a reconnect.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::wire::tags::envelope::{CHANNEL_JOIN, CHANNEL_LEAVE, CLAN_JOIN};
use crate::wire::tags::{channel_join, channel_leave, clan_join};
use crate::wire::{Fields, Value};

/// A clan, or a channel of a clan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Clan(i64),
    Channel(i64),
}

#[derive(Debug)]
pub struct Joined {
    max: usize,
    tick: u64,
    /// Where it is in `by_use`, and the encoded join to send again.
    places: HashMap<Place, (u64, u32, Bytes)>,
    by_use: BTreeMap<u64, Place>,
}

impl Joined {
    pub fn new(max: usize) -> Self {
        Self { max, tick: 0, places: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes note of an answered call: joins are kept, a leave forgets.
    pub fn answered(&mut self, tag: u32, body: &Bytes) {
        match (tag, place_of(tag, body)) {
            (CHANNEL_LEAVE, Some(place)) => self.forget(place),
            (_, Some(place)) => self.keep(place, tag, body.clone()),
            _ => {}
        }
    }

    fn keep(&mut self, place: Place, tag: u32, body: Bytes) {
        if self.max == 0 {
            return;
        }
        self.forget(place);
        if self.places.len() >= self.max
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.places.remove(&oldest);
        }
        self.tick += 1;
        self.by_use.insert(self.tick, place);
        self.places.insert(place, (self.tick, tag, body));
    }

    fn forget(&mut self, place: Place) {
        if let Some((tick, ..)) = self.places.remove(&place) {
            self.by_use.remove(&tick);
        }
    }

    /// Is the place of this join still in the list?
    pub fn holds(&self, tag: u32, body: &[u8]) -> bool {
        place_of(tag, body).is_some_and(|place| self.places.contains_key(&place))
    }

    /// Something happened in a channel: it comes earlier at the next reconnect.
    pub fn used(&mut self, channel: i64) {
        let place = Place::Channel(channel);
        let Some(entry) = self.places.get_mut(&place) else { return };
        self.by_use.remove(&entry.0);
        self.tick += 1;
        entry.0 = self.tick;
        self.by_use.insert(self.tick, place);
    }

    /// Tag and body of each join: clans first, for channels belong to them, then the rest; the last used first.
    pub fn calls(&self) -> Vec<(u32, Bytes)> {
        let recent = self.by_use.values().rev();
        let (clans, channels): (Vec<_>, Vec<_>) = recent.partition(|place| matches!(place, Place::Clan(_)));
        let order = clans.into_iter().chain(channels);
        order.filter_map(|place| self.places.get(place).map(|(_, tag, body)| (*tag, body.clone()))).collect()
    }
}

/// The clan or channel a join or leave is about.
fn place_of(tag: u32, body: &[u8]) -> Option<Place> {
    Some(match tag {
        CLAN_JOIN => Place::Clan(int_field(body, clan_join::CLAN_ID)),
        CHANNEL_JOIN => Place::Channel(int_field(body, channel_join::CHANNEL_ID)),
        CHANNEL_LEAVE => Place::Channel(int_field(body, channel_leave::CHANNEL_ID)),
        _ => return None,
    })
}

/// The value of an integer field, 0 when it is not there.
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

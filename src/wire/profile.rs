//! The sender's profile in a message: its ranges in the payload, and its stored form.

use super::fields::Span;
use super::tags::channel_message as field;

/// The fields of a message that make up the sender's profile.
const PROFILE_FIELDS: [(u32, &str); 5] = [
    (field::USERNAME, "username"),
    (field::DISPLAY_NAME, "display_name"),
    (field::CLAN_NICK, "clan_nick"),
    (field::AVATAR, "avatar"),
    (field::CLAN_AVATAR, "clan_avatar"),
];

/// Marks a missing field, in contrast to an empty one.
const NONE: u32 = u32::MAX;

/// The ranges of the sender's profile in the payload of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProfileSpans([Span; PROFILE_FIELDS.len()]);

impl ProfileSpans {
    /// Set the range of a field if it belongs to the profile.
    #[inline]
    pub fn set(&mut self, number: u32, span: Span) {
        if let Some(place) = PROFILE_FIELDS.iter().position(|(look, _)| *look == number) {
            self.0[place] = span;
        }
    }

    /// Return the index of a field in the profile by its name.
    pub fn index_of(name: &str) -> Option<usize> {
        PROFILE_FIELDS.iter().position(|(_, look)| *look == name)
    }

    /// Return one field; empty if the message has none.
    pub fn one(self, place: usize, body: &[u8]) -> &[u8] {
        self.0[place].of(body)
    }

    /// Return user name, display name, clan nick, avatar and clan avatar.
    pub fn of(self, body: &[u8]) -> Profile<'_> {
        self.0.map(|span| Some(span.of(body)))
    }
}

/// The profile of a sender in the order of `ProfileSpans`; None for a field that a message created by hand lacks.
pub type Profile<'a> = [Option<&'a [u8]>; PROFILE_FIELDS.len()];

/// The last known profile of a sender, in one allocation: each message is compared with one of these, and together
/// they exceed the CPU's cache.
#[derive(Debug)]
pub struct StoredProfile {
    lengths: [u32; PROFILE_FIELDS.len()],
    all: Box<[u8]>,
}

impl StoredProfile {
    pub fn new(shown: &Profile<'_>) -> Self {
        let mut all = Vec::with_capacity(shown.iter().flatten().map(|look| look.len()).sum());
        shown.iter().flatten().for_each(|look| all.extend_from_slice(look));
        Self { lengths: shown.map(|look| look.map_or(NONE, |look| look.len() as u32)), all: all.into() }
    }

    /// Return whether the profile is the stored one.
    pub fn matches(&self, shown: &Profile<'_>) -> bool {
        let mut rest = &self.all[..];
        self.lengths.iter().zip(shown).all(|(&length, look)| match look {
            None => length == NONE,
            Some(look) if length as usize == look.len() => {
                let (one, others) = rest.split_at(look.len());
                rest = others;
                one == *look
            }
            Some(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Made = [Option<Vec<u8>>; PROFILE_FIELDS.len()];

    fn shown(made: &Made) -> Profile<'_> {
        [0, 1, 2, 3, 4].map(|place| made[place].as_deref())
    }

    proptest! {
        #[test]
        fn only_equal_profiles_match(
            one: [Option<[bool; 2]>; 5], other: [Option<[bool; 2]>; 5], shorter: [bool; 5],
        ) {
            // Few distinct values, so that profiles often differ only in where one field ends and the next begins.
            let made = |profile: [Option<[bool; 2]>; 5]| -> Made {
                let mut at = shorter.iter();
                profile.map(|look| {
                    let keep = if *at.next().unwrap_or(&false) { 1 } else { 2 };
                    look.map(|bits| bits.iter().take(keep).map(|bit| u8::from(*bit)).collect())
                })
            };
            let (one, other) = (made(one), made(other));
            let seen = StoredProfile::new(&shown(&one));
            prop_assert!(seen.matches(&shown(&one)));
            prop_assert_eq!(seen.matches(&shown(&other)), one == other);
            let mut joined = one.clone();
            joined.swap(0, 1);
            prop_assert_eq!(seen.matches(&shown(&joined)), one == joined);
        }
    }
}

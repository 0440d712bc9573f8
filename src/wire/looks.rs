//! What a message shows of its sender: as it lies in the payload, and as it is remembered.

use super::message::Span;
use super::tags::channel_message as field;

/// The fields of a message that say what its sender looks like.
const LOOKS: [(u32, &str); 5] = [
    (field::USERNAME, "username"),
    (field::DISPLAY_NAME, "display_name"),
    (field::CLAN_NICK, "clan_nick"),
    (field::AVATAR, "avatar"),
    (field::CLAN_AVATAR, "clan_avatar"),
];

/// A look that is not there, which an empty one is.
const NONE: u32 = u32::MAX;

/// What a message shows of its sender, as it lies in its payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks([Span; LOOKS.len()]);

impl Looks {
    /// Takes a field of bytes if it is one of them.
    #[inline]
    pub fn take(&mut self, number: u32, span: Span) {
        if let Some(place) = LOOKS.iter().position(|(look, _)| *look == number) {
            self.0[place] = span;
        }
    }

    /// Which of them a field's name is.
    pub fn place_of(name: &str) -> Option<usize> {
        LOOKS.iter().position(|(_, look)| *look == name)
    }

    /// One of them; empty where the message has none.
    pub fn one(self, place: usize, body: &[u8]) -> &[u8] {
        self.0[place].of(body)
    }

    /// User name, display name, nick in the clan, avatar, and avatar in the clan.
    pub fn of(self, body: &[u8]) -> Shown<'_> {
        self.0.map(|span| Some(span.of(body)))
    }
}

/// The looks of a sender, in the order of `Looks`; None where a message made by hand has nothing.
pub type Shown<'a> = [Option<&'a [u8]>; LOOKS.len()];

/// The looks of a sender that were seen last. They lie in one piece: each message is compared with one of these, out of
/// more than a cache holds.
#[derive(Debug)]
pub struct Seen {
    lengths: [u32; LOOKS.len()],
    all: Box<[u8]>,
}

impl Seen {
    pub fn new(shown: &Shown<'_>) -> Self {
        let mut all = Vec::with_capacity(shown.iter().flatten().map(|look| look.len()).sum());
        shown.iter().flatten().for_each(|look| all.extend_from_slice(look));
        Self { lengths: shown.map(|look| look.map_or(NONE, |look| look.len() as u32)), all: all.into() }
    }

    /// Are these the same?
    pub fn is(&self, shown: &Shown<'_>) -> bool {
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

    type Made = [Option<Vec<u8>>; LOOKS.len()];

    fn shown(made: &Made) -> Shown<'_> {
        [0, 1, 2, 3, 4].map(|place| made[place].as_deref())
    }

    proptest! {
        #[test]
        fn only_the_same_looks_are_the_same(
            one: [Option<[bool; 2]>; 5], other: [Option<[bool; 2]>; 5], shorter: [bool; 5],
        ) {
            // Few values, so that neighbours often differ only in where one ends and the next begins.
            let made = |looks: [Option<[bool; 2]>; 5]| -> Made {
                let mut at = shorter.iter();
                looks.map(|look| {
                    let keep = if *at.next().unwrap_or(&false) { 1 } else { 2 };
                    look.map(|bits| bits.iter().take(keep).map(|bit| u8::from(*bit)).collect())
                })
            };
            let (one, other) = (made(one), made(other));
            let seen = Seen::new(&shown(&one));
            prop_assert!(seen.is(&shown(&one)));
            prop_assert_eq!(seen.is(&shown(&other)), one == other);
            let mut joined = one.clone();
            joined.swap(0, 1);
            prop_assert_eq!(seen.is(&shown(&joined)), one == joined);
        }
    }
}

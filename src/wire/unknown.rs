//! Fields that the schema does not contain, as a newer server may send them. Each is reported once.
//!
//! Decoders have no logger at hand: they note such a field here, and the connection logs what is new.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The maximum number of fields to remember. Further ones are not reported.
const MOST: usize = 256;

/// A message of the schema and the number of a field that it does not have.
pub type UnknownField = (&'static str, u32);

/// The unknown fields of all messages received by this process.
pub static UNKNOWN_FIELDS: UnknownFields = UnknownFields::new();

#[derive(Debug)]
pub struct UnknownFields {
    /// Whether the connection whose events are being decoded logs the fields.
    enabled: AtomicBool,
    /// Whether a field is not reported yet.
    pending: AtomicBool,
    fields: Mutex<Noted>,
}

#[derive(Debug)]
struct Noted {
    seen: BTreeSet<UnknownField>,
    new: Vec<UnknownField>,
}

impl UnknownFields {
    const fn new() -> Self {
        Self {
            enabled: AtomicBool::new(false),
            pending: AtomicBool::new(false),
            fields: Mutex::new(Noted { seen: BTreeSet::new(), new: Vec::new() }),
        }
    }

    /// Set whether decoders note fields.
    #[inline]
    pub fn enable(&self, enabled: bool) {
        self.enabled.store(enabled, Relaxed);
    }

    /// Return whether decoders note fields.
    #[inline]
    pub fn enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    /// Note a field that the schema of a message does not contain.
    #[cold]
    pub fn note(&self, message: &'static str, number: u32) {
        let mut noted = self.lock();
        if noted.seen.len() < MOST && noted.seen.insert((message, number)) {
            noted.new.push((message, number));
            self.pending.store(true, Relaxed);
        }
    }

    /// Return the fields that were noted since the last call.
    #[inline]
    pub fn take(&self) -> Vec<UnknownField> {
        if !self.pending.load(Relaxed) {
            return Vec::new();
        }
        let mut noted = self.lock();
        self.pending.store(false, Relaxed);
        std::mem::take(&mut noted.new)
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_reported_once() {
        let fields = UnknownFields::new();
        for number in [90, 91, 90] {
            fields.note("mezon.api.Account", number);
        }
        fields.note("mezon.api.User", 90);
        assert_eq!(
            fields.take(),
            [("mezon.api.Account", 90), ("mezon.api.Account", 91), ("mezon.api.User", 90)]
        );
        fields.note("mezon.api.User", 90);
        assert_eq!(fields.take(), []);
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        let fields = UnknownFields::new();
        for number in 0..2 * MOST as u32 {
            fields.note("mezon.api.Account", number);
        }
        assert_eq!(fields.take().len(), MOST);
        assert_eq!(fields.lock().seen.len(), MOST);
    }
}

//! What messages have shown of their senders: most show nothing new, and are done with here.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::lazy::{dict_of, undecoded};
use crate::by_channel::IdMap;
use crate::wire::{Seen, Shown};

/// The looks of senders as the bot's users have them, up to a bound: all are forgotten when there are more.
#[pyclass(frozen, module = "mezon._core")]
pub struct Senders {
    most: usize,
    seen: Mutex<IdMap<Seen>>,
}

impl Senders {
    fn seen(&self) -> std::sync::MutexGuard<'_, IdMap<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, sender: i64, looks: &Shown<'_>) -> bool {
        self.seen().get(&sender).is_some_and(|seen| seen.is(looks))
    }
}

#[pymethods]
impl Senders {
    #[new]
    fn new(most: usize) -> Self {
        Self { most, seen: Mutex::default() }
    }

    /// Do the caches know the channel and the sender of a message, and its sender as it shows them?
    ///
    /// `use_channel` and `use_user` make an id the one used last, and raise KeyError when it is not there.
    fn know(
        &self,
        message: &Bound<'_, PyAny>,
        use_channel: &Bound<'_, PyAny>,
        use_user: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = message.py();
        let dict = dict_of(message)?;
        let known = |name: &Bound<'_, PyString>, cache: &Bound<'_, PyAny>| -> PyResult<bool> {
            let Some(id) = dict.get_item(name)? else { return Ok(false) };
            match cache.call1((id,)) {
                Ok(_) => Ok(true),
                Err(why) if why.is_instance_of::<PyKeyError>(py) => Ok(false),
                Err(why) => Err(why),
            }
        };
        Ok(known(intern!(py, "channel_id"), use_channel)?
            && known(intern!(py, "sender_id"), use_user)?
            && self.have_seen(message)?)
    }

    /// Does a message show its sender as the one before it did?
    fn have_seen(&self, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        with_looks(message, |sender, looks| self.has(sender, looks)).map(|seen| seen.unwrap_or(false))
    }

    /// Remembers what a message shows of its sender.
    fn see(&self, message: &Bound<'_, PyAny>) -> PyResult<()> {
        with_looks(message, |sender, looks| {
            let mut seen = self.seen();
            if seen.len() >= self.most {
                seen.clear();
            }
            seen.insert(sender, Seen::new(looks));
        })?;
        Ok(())
    }

    /// Forgets a sender.
    fn forget(&self, sender: i64) {
        self.seen().remove(&sender);
    }
}

/// Hands the sender and the looks of a message to `then`; None for a message that has other things in their places.
fn with_looks<T>(message: &Bound<'_, PyAny>, then: impl FnOnce(i64, &Shown<'_>) -> T) -> PyResult<Option<T>> {
    let py = message.py();
    let dict = dict_of(message)?;
    let Some(Ok(sender)) = dict.get_item(intern!(py, "sender_id"))?.map(|id| id.extract::<i64>()) else {
        return Ok(None);
    };
    if let Some(rest) = undecoded(&dict)? {
        return Ok(Some(then(sender, &rest.get().looks())));
    }
    let values = [
        value(&dict, intern!(py, "username"))?,
        value(&dict, intern!(py, "display_name"))?,
        value(&dict, intern!(py, "clan_nick"))?,
        value(&dict, intern!(py, "avatar"))?,
        value(&dict, intern!(py, "clan_avatar"))?,
    ];
    let mut looks: Shown<'_> = [None; 5];
    for (look, value) in looks.iter_mut().zip(&values) {
        match value {
            None => {}
            Some(value) => match value.cast::<PyString>().ok().and_then(|text| text.to_str().ok()) {
                Some(text) => *look = Some(text.as_bytes()),
                None => return Ok(None),
            },
        }
    }
    Ok(Some(then(sender, &looks)))
}

fn value<'py>(dict: &Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(dict.get_item(name)?.filter(|value| !value.is_none()))
}

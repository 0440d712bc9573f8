//! The profiles that messages have shown of their senders. Most messages show nothing new, which is decided here.

use std::sync::{Mutex, PoisonError};

use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{ffi, intern, prelude::*};

use super::lazy::{dict_of, undecoded};
use crate::by_channel::IdMap;
use crate::py::is_fatal;
use crate::wire::{Profile, StoredProfile};

/// The profiles of senders as the bot's users have them. All are forgotten when the bound is reached.
#[pyclass(frozen, module = "mezon._core")]
pub struct Senders {
    most: usize,
    seen: Mutex<IdMap<StoredProfile>>,
}

impl Senders {
    fn seen(&self) -> std::sync::MutexGuard<'_, IdMap<StoredProfile>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Return whether a sender's profile is the remembered one, and remember it.
    fn same(&self, sender: i64, profile: &Profile<'_>) -> bool {
        let mut seen = self.seen();
        if seen.get(&sender).is_some_and(|seen| seen.matches(profile)) {
            return true;
        }
        if seen.len() >= self.most {
            seen.clear();
        }
        seen.insert(sender, StoredProfile::new(profile));
        false
    }
}

#[pymethods]
impl Senders {
    #[new]
    fn new(most: usize) -> Self {
        Self { most, seen: Mutex::default() }
    }

    /// Call `on_diff` with a message and which parts of it are new to the caches: channel, sender, profile. Not called
    /// if nothing is new. The profile is remembered.
    ///
    /// `use_channel` and `use_user` mark an id as the most recently used one and raise KeyError if it is missing. The
    /// message comes last, so that `functools.partial` makes this the default effect of a message.
    fn notify_diff(
        &self,
        use_channel: &Bound<'_, PyAny>,
        use_user: &Bound<'_, PyAny>,
        on_diff: &Bound<'_, PyAny>,
        message: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = message.py();
        let dict = dict_of(message)?;
        let channel = !used(use_channel, dict.get_item(intern!(py, "channel_id"))?)?;
        let sender = !used(use_user, dict.get_item(intern!(py, "sender_id"))?)?;
        let profile = !with_profile(message, |sender, profile| self.same(sender, profile))?.unwrap_or(false);
        if channel || sender || profile {
            on_diff.call1((message, channel, sender, profile))?;
        }
        Ok(())
    }

    /// Forget a sender.
    fn forget(&self, sender: i64) {
        self.seen().remove(&sender);
    }
}

/// Return the sender's profile in a message, in the order of `ProfileSpans`; missing fields are empty.
#[pyfunction]
pub fn sender_profile<'py>(message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    let py = message.py();
    let dict = dict_of(message)?;
    let empty = intern!(py, "");
    if let Some(rest) = undecoded(&dict)? {
        let profile = rest.get().profile().map(|look| match look {
            None | Some([]) => Ok(empty.clone()),
            Some(text) => PyString::from_bytes(py, text),
        });
        let [a, b, c, d, e] = profile;
        return PyTuple::new(py, [a?, b?, c?, d?, e?]);
    }
    let [a, b, c, d, e] = profile_in(&dict)?.map(|look| look.unwrap_or_else(|| empty.clone().into_any()));
    PyTuple::new(py, [a, b, c, d, e])
}

/// Mark an id of a cache as the most recently used one. Returns false if it is missing, which is not an error:
/// creating one for each stranger would cost more than the rest.
fn used(cache_use: &Bound<'_, PyAny>, id: Option<Bound<'_, PyAny>>) -> PyResult<bool> {
    let Some(id) = id else { return Ok(false) };
    let py = id.py();
    let end = std::ptr::null_mut::<ffi::PyObject>();
    // SAFETY: live objects, borrowed for the call, and the terminating null; returns a new reference, or null with
    // an error set.
    let done = unsafe {
        let done = ffi::PyObject_CallFunctionObjArgs(cache_use.as_ptr(), id.as_ptr(), end);
        Bound::from_owned_ptr_or_opt(py, done)
    };
    if done.is_some() {
        return Ok(true);
    }
    // SAFETY: an error is set; it is checked and, if it is the expected one, cleared.
    unsafe {
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_KeyError) == 0 {
            return Err(PyErr::fetch(py));
        }
        ffi::PyErr_Clear();
    }
    Ok(false)
}

/// Pass the sender and the profile of a message to `then`; None if the message has values of other types there.
fn with_profile<T>(
    message: &Bound<'_, PyAny>,
    then: impl FnOnce(i64, &Profile<'_>) -> T,
) -> PyResult<Option<T>> {
    let py = message.py();
    let dict = dict_of(message)?;
    let sender = match dict.get_item(intern!(py, "sender_id"))?.map(|id| id.extract::<i64>()) {
        Some(Ok(sender)) => sender,
        Some(Err(why)) if is_fatal(py, &why) => return Err(why),
        _ => return Ok(None),
    };
    if let Some(rest) = undecoded(&dict)? {
        return Ok(Some(then(sender, &rest.get().profile())));
    }
    let values = profile_in(&dict)?;
    let mut profile: Profile<'_> = [None; 5];
    for (look, value) in profile.iter_mut().zip(&values) {
        match value {
            None => {}
            Some(value) => match value.cast::<PyString>().map(|text| text.to_str()) {
                Ok(Ok(text)) => *look = Some(text.as_bytes()),
                Ok(Err(why)) if is_fatal(py, &why) => return Err(why),
                _ => return Ok(None),
            },
        }
    }
    Ok(Some(then(sender, &profile)))
}

fn profile_in<'py>(dict: &Bound<'py, PyDict>) -> PyResult<[Option<Bound<'py, PyAny>>; 5]> {
    let py = dict.py();
    Ok([
        value(dict, intern!(py, "username"))?,
        value(dict, intern!(py, "display_name"))?,
        value(dict, intern!(py, "clan_nick"))?,
        value(dict, intern!(py, "avatar"))?,
        value(dict, intern!(py, "clan_avatar"))?,
    ])
}

fn value<'py>(dict: &Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(dict.get_item(name)?.filter(|value| !value.is_none()))
}

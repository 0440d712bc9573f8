//! What messages have shown of their senders: most show nothing new, and are done with here.

use std::sync::{Mutex, PoisonError};

use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{ffi, intern, prelude::*};

use super::lazy::{dict_of, undecoded};
use crate::by_channel::IdMap;
use crate::py::is_fatal;
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

    /// Does a sender look as remembered? From now on they do.
    fn same(&self, sender: i64, looks: &Shown<'_>) -> bool {
        let mut seen = self.seen();
        if seen.get(&sender).is_some_and(|seen| seen.is(looks)) {
            return true;
        }
        if seen.len() >= self.most {
            seen.clear();
        }
        seen.insert(sender, Seen::new(looks));
        false
    }
}

#[pymethods]
impl Senders {
    #[new]
    fn new(most: usize) -> Self {
        Self { most, seen: Mutex::default() }
    }

    /// What of a message is new to the caches: its channel, its sender, the looks? None for nothing. Looks are remembered.
    ///
    /// `use_channel` and `use_user` make an id the one used last, and raise KeyError when it is not there.
    fn news(
        &self,
        message: &Bound<'_, PyAny>,
        use_channel: &Bound<'_, PyAny>,
        use_user: &Bound<'_, PyAny>,
    ) -> PyResult<Option<(bool, bool, bool)>> {
        let py = message.py();
        let dict = dict_of(message)?;
        let channel = !used(use_channel, dict.get_item(intern!(py, "channel_id"))?)?;
        let sender = !used(use_user, dict.get_item(intern!(py, "sender_id"))?)?;
        let looks = !with_looks(message, |sender, looks| self.same(sender, looks))?.unwrap_or(false);
        Ok((channel || sender || looks).then_some((channel, sender, looks)))
    }

    /// Forgets a sender.
    fn forget(&self, sender: i64) {
        self.seen().remove(&sender);
    }
}

/// What a message shows of its sender, in the order of `Looks`; what it has not is empty.
#[pyfunction]
pub fn sender_looks<'py>(message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    let py = message.py();
    let dict = dict_of(message)?;
    let empty = intern!(py, "");
    if let Some(rest) = undecoded(&dict)? {
        let looks = rest.get().looks().map(|look| match look {
            None | Some([]) => Ok(empty.clone()),
            Some(text) => PyString::from_bytes(py, text),
        });
        let [a, b, c, d, e] = looks;
        return PyTuple::new(py, [a?, b?, c?, d?, e?]);
    }
    let [a, b, c, d, e] = looks_in(&dict)?.map(|look| look.unwrap_or_else(|| empty.clone().into_any()));
    PyTuple::new(py, [a, b, c, d, e])
}

/// Makes an id the one a cache has used last. False for one that is not there, which is no error here: to make one for
/// each stranger would cost more than all the rest.
fn used(cache_use: &Bound<'_, PyAny>, id: Option<Bound<'_, PyAny>>) -> PyResult<bool> {
    let Some(id) = id else { return Ok(false) };
    let py = id.py();
    let end = std::ptr::null_mut::<ffi::PyObject>();
    // SAFETY: live objects, borrowed for the call, and the null that ends them; gives a new reference, or null with an
    // error set.
    let done = unsafe {
        let done = ffi::PyObject_CallFunctionObjArgs(cache_use.as_ptr(), id.as_ptr(), end);
        Bound::from_owned_ptr_or_opt(py, done)
    };
    if done.is_some() {
        return Ok(true);
    }
    // SAFETY: an error is set; it is looked at and, if it is the expected one, dropped.
    unsafe {
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_KeyError) == 0 {
            return Err(PyErr::fetch(py));
        }
        ffi::PyErr_Clear();
    }
    Ok(false)
}

/// Hands the sender and the looks of a message to `then`; None for a message that has other things in their places.
fn with_looks<T>(message: &Bound<'_, PyAny>, then: impl FnOnce(i64, &Shown<'_>) -> T) -> PyResult<Option<T>> {
    let py = message.py();
    let dict = dict_of(message)?;
    let sender = match dict.get_item(intern!(py, "sender_id"))?.map(|id| id.extract::<i64>()) {
        Some(Ok(sender)) => sender,
        Some(Err(why)) if is_fatal(py, &why) => return Err(why),
        _ => return Ok(None),
    };
    if let Some(rest) = undecoded(&dict)? {
        return Ok(Some(then(sender, &rest.get().looks())));
    }
    let values = looks_in(&dict)?;
    let mut looks: Shown<'_> = [None; 5];
    for (look, value) in looks.iter_mut().zip(&values) {
        match value {
            None => {}
            Some(value) => match value.cast::<PyString>().map(|text| text.to_str()) {
                Ok(Ok(text)) => *look = Some(text.as_bytes()),
                Ok(Err(why)) if is_fatal(py, &why) => return Err(why),
                _ => return Ok(None),
            },
        }
    }
    Ok(Some(then(sender, &looks)))
}

fn looks_in<'py>(dict: &Bound<'py, PyDict>) -> PyResult<[Option<Bound<'py, PyAny>>; 5]> {
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

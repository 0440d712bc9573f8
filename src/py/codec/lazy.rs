//! Messages whose fields are decoded on first access.
//!
//! Most handlers read an id, the content and the sender. A message from the socket is therefore built with its ids
//! only, and its dict contains the encoded bytes as well. Reading the content decodes the content alone, and so
//! does each field of the sender's profile; the first access to any other field decodes the rest, and the instance
//! is then the one that the eager decoder builds. Reading `__dict__`, as pydantic does for everything, decodes all
//! of it. The difference is not observable: whatever could fail later is checked at once, and decoded at once if
//! it could fail.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{ffi, intern};

use super::decode::{self, COST, COST_OF_A_MESSAGE, Content, DecodeError};
use super::instance;
use super::plan::{KEY, Plan, PlanField, Shape};
use crate::wire::message::SAFE_ELEMENTS;
use crate::wire::schema::Kind;
use crate::wire::{Body, Malformed, Parsed, Profile, ProfileSpans, Span, UNKNOWN_FIELDS, Value};

/// Lists that are decoded later cannot exceed the maximum cost: their items are flat.
const _: () = assert!(SAFE_ELEMENTS * COST_OF_A_MESSAGE <= COST);

/// The undecoded rest of a message.
#[pyclass(frozen, module = "mezon._core")]
pub struct Undecoded {
    plan: Py<Plan>,
    body: Body,
    /// The bytes of the content, which is decoded alone.
    alone: Span,
    /// Whether that field was decoded; the instance then holds it.
    read: AtomicBool,
    profile: ProfileSpans,
}

/// Build the plan's instance from an encoded message, leaving the lazy fields undecoded. `parsed` holds the parts of
/// the message that the I/O thread has parsed.
pub(in crate::py) fn message<'py>(
    py: Python<'py>,
    plan: &Py<Plan>,
    body: &Body,
    parsed: Option<Parsed>,
) -> Result<Bound<'py, PyAny>, DecodeError> {
    let this = plan.get();
    let (Some(lazy), Some(class)) = (&this.lazy, &this.class) else { return decode::message(py, this, body) };
    let checked = || Parsed::parse_checked(body).ok().filter(|parsed| parsed.safe);
    let Some(parsed) = parsed.filter(|parsed| parsed.safe).or_else(checked) else {
        return decode::message(py, this, body);
    };
    if UNKNOWN_FIELDS.enabled() {
        this.message.note_unknown_fields(body);
    }
    let dict = lazy.template.bind(py).copy()?;
    for (name, number) in &lazy.at_once {
        match parsed.header.number(*number) {
            // The template has it.
            Some(0) | None => {}
            Some(value) => dict.set_item(name.bind(py), value)?,
        }
    }
    let rest = Undecoded {
        plan: plan.clone_ref(py),
        body: body.clone(),
        alone: parsed.header.content,
        read: AtomicBool::new(false),
        profile: parsed.profile,
    };
    dict.set_item(intern!(py, KEY), Bound::new(py, rest)?)?;
    Ok(instance::build(py, class.bind(py), dict, this.given.bind(py), this.complete)?)
}

impl Undecoded {
    /// Return the sender's profile, as `Senders` remembers it.
    pub(super) fn profile(&self) -> Profile<'_> {
        self.profile.of(&self.body)
    }

    /// Return one field of the profile; its zero if the message has none.
    fn profile_field<'py>(
        &self,
        name: &Bound<'py, PyString>,
        index: usize,
    ) -> Result<Bound<'py, PyAny>, DecodeError> {
        let py = name.py();
        match self.profile.one(index, &self.body) {
            [] => Ok(self.plan.get().template.bind(py).as_any().get_item(name)?),
            text => Ok(decode::scalar(py, Kind::String, Value::Bytes(text))?.ok_or(Malformed::Utf8)?),
        }
    }

    fn field(&self) -> Option<&PlanField> {
        let plan = self.plan.get();
        plan.fields.get(plan.lazy.as_ref()?.alone)
    }

    /// Return the value of the field that is decoded alone, and its text if that is not a JSON object.
    fn alone<'py>(&self, py: Python<'py>) -> Result<(Bound<'py, PyAny>, Option<Content<'py>>), DecodeError> {
        let text = self.alone.of(&self.body);
        match self.field().map(|field| &field.shape) {
            Some(Shape::JsonObject) => match decode::read_content(py, text)? {
                Content::Object(object) => Ok((object, None)),
                found @ Content::Text(_) => Ok((PyDict::new(py).into_any(), Some(found))),
            },
            _ => {
                let text = decode::scalar(py, Kind::String, Value::Bytes(text))?;
                Ok((text.ok_or(Malformed::Utf8)?, None))
            }
        }
    }
}

/// Return the undecoded rest in an instance's dict.
#[inline]
pub(super) fn undecoded<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, Undecoded>>> {
    let found = dict.get_item(intern!(dict.py(), KEY))?;
    Ok(found.and_then(|value| value.cast_into::<Undecoded>().ok()))
}

/// Return the dict of an instance without decoding.
#[inline]
pub(super) fn dict_of<'py>(instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    // SAFETY: a live object, borrowed for the call; returns a new reference, or null with an error set.
    let dict = unsafe {
        let dict = ffi::PyObject_GenericGetDict(instance.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(instance.py(), dict)?
    };
    Ok(dict.cast_into()?)
}

/// Decode an instance completely and return its dict, in the order of the model's fields.
fn whole<'py>(instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = instance.py();
    let dict = dict_of(instance)?;
    let Some(rest) = undecoded(&dict)? else { return Ok(dict) };
    let plan = rest.get().plan.get();
    let broken = |why: DecodeError| why.into_pyerr(plan.message.name);
    let read = rest.get().read.load(Ordering::Relaxed);
    let all = decode::attributes(py, plan, &rest.get().body, read).map_err(broken)?;
    // Another thread may have decoded the instance while Python parsed JSON: keep the values that it has handed
    // out.
    let dict = dict_of(instance)?;
    if undecoded(&dict)?.is_none() {
        return Ok(dict);
    }
    for (name, value) in dict.iter() {
        if !name.is(intern!(py, KEY)) {
            all.set_item(name, value)?;
        }
    }
    set_dict(instance, &all)?;
    Ok(all)
}

fn set_dict(instance: &Bound<'_, PyAny>, dict: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: two live objects, borrowed for the call; -1 means that an error is set.
    let status =
        unsafe { ffi::PyObject_GenericSetDict(instance.as_ptr(), dict.as_ptr(), std::ptr::null_mut()) };
    if status == 0 { Ok(()) } else { Err(PyErr::fetch(instance.py())) }
}

/// The `__dict__` descriptor of a class with lazy instances: reading it decodes the instance.
#[pyclass(frozen, module = "mezon._core")]
pub struct LazyDict;

#[pymethods]
impl LazyDict {
    #[new]
    fn new() -> Self {
        Self
    }

    fn __get__<'py>(
        slf: Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        _owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match instance {
            Some(instance) => Ok(whole(&instance)?.into_any()),
            None => Ok(slf.into_any()),
        }
    }

    fn __set__(&self, instance: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        set_dict(instance, value)
    }

    fn __delete__(&self, _instance: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("cannot delete __dict__"))
    }
}

/// What reading a field decodes.
enum Reads {
    /// Every field.
    Whole,
    /// This field, which is decoded alone.
    Alone,
    /// This field of the profile.
    ProfileField(usize),
}

/// A descriptor of a lazy field. Once the field is decoded, the instance's own value takes precedence.
#[pyclass(frozen, module = "mezon._core")]
pub struct LazyField {
    name: Py<PyString>,
    reads: Reads,
}

#[pymethods]
impl LazyField {
    /// With `alone`, reading the field decodes no other one. The same is true of the fields of the sender's
    /// profile.
    #[new]
    #[pyo3(signature = (name, alone=false))]
    fn new(py: Python<'_>, name: &str, alone: bool) -> Self {
        let reads = match ProfileSpans::index_of(name) {
            _ if alone => Reads::Alone,
            Some(index) => Reads::ProfileField(index),
            None => Reads::Whole,
        };
        Self { name: PyString::intern(py, name).unbind(), reads }
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        _owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let name = this.name.bind(py);
        if let Some(instance) = &instance {
            let dict = match this.reads {
                Reads::Whole => whole(instance)?,
                Reads::Alone => with_alone(instance, name)?,
                Reads::ProfileField(index) => with_profile_field(instance, name, index)?,
            };
            if let Some(value) = dict.get_item(name)? {
                return Ok(value);
            }
        }
        // The class has no such attribute, as pydantic requires, and neither has an instance that was created
        // without it.
        Err(PyAttributeError::new_err(name.clone().unbind()))
    }
}

/// Return the dict of an instance with the field that is decoded alone.
fn with_alone<'py>(
    instance: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = dict_of(instance)?;
    let Some(rest) = undecoded(&dict)? else { return Ok(dict) };
    let broken = |why: DecodeError| why.into_pyerr(rest.get().plan.get().message.name);
    let (value, text) = rest.get().alone(instance.py()).map_err(broken)?;
    // As in `whole`.
    let dict = dict_of(instance)?;
    if !dict.contains(name)? {
        dict.set_item(name, value)?;
        if let Some(text) = text {
            text.put_text(&dict)?;
        }
        rest.get().read.store(true, Ordering::Relaxed);
    }
    Ok(dict)
}

/// Return the dict of an instance with one field of the profile.
fn with_profile_field<'py>(
    instance: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    index: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = dict_of(instance)?;
    let Some(rest) = undecoded(&dict)? else { return Ok(dict) };
    let broken = |why: DecodeError| why.into_pyerr(rest.get().plan.get().message.name);
    if !dict.contains(name)? {
        dict.set_item(name, rest.get().profile_field(name, index).map_err(broken)?)?;
    }
    Ok(dict)
}

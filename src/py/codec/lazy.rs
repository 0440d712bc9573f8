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
use super::plan::{KEY, Lazy, Plan, PlanField, Shape};
use crate::wire::schema::Kind;
use crate::wire::{Body, Fields, Malformed, Profile, ProfileSpans, Span, Value};

/// Lists of fewer bytes are not counted: they cannot exceed the cost.
const SMALL: usize = 1024;

/// The undecoded rest of a message.
#[pyclass(frozen, module = "mezon._core")]
pub struct Undecoded {
    plan: Py<Plan>,
    body: Body,
    /// The bytes of the field that is decoded alone, if it is present.
    alone: Option<Span>,
    /// Whether that field was decoded; the instance then holds it.
    read: AtomicBool,
    profile: ProfileSpans,
}

/// Build the plan's instance from an encoded message, leaving the lazy fields undecoded.
pub(in crate::py) fn message<'py>(
    py: Python<'py>,
    plan: &Py<Plan>,
    body: &Body,
) -> Result<Bound<'py, PyAny>, DecodeError> {
    let this = plan.get();
    if let (Some(lazy), Some(class)) = (&this.lazy, &this.class)
        && let Some(dict) = begin(py, plan, lazy, body)?
    {
        return Ok(instance::build(py, class.bind(py), dict, this.given.bind(py), this.complete)?);
    }
    decode::message(py, this, body)
}

/// Return the dict of a lazy instance; None for bytes that must be decoded eagerly because decoding may fail.
fn begin<'py>(
    py: Python<'py>,
    plan: &Py<Plan>,
    lazy: &Lazy,
    body: &Body,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let this = plan.get();
    if u32::try_from(body.len()).is_err() {
        return Ok(None);
    }
    let dict = lazy.template.bind(py).copy()?;
    let (mut alone, mut profile, mut cost) = (None, ProfileSpans::default(), 0);
    let mut fields = Fields::new(body);
    loop {
        let Ok(next) = fields.read() else { return Ok(None) };
        let Some((number, value)) = next else { break };
        let Some(index) = this.index(number) else {
            this.note_unknown(number);
            continue;
        };
        let field = &this.fields[index];
        match (&field.shape, value) {
            (Shape::Scalar(kind), value) => {
                if lazy.at_once[index] {
                    match decode::scalar(py, *kind, value) {
                        Ok(Some(value)) => decode::set(py, &dict, field, &value)?,
                        Ok(None) => {}
                        Err(_) => return Ok(None),
                    }
                } else if let (Kind::String, Value::Bytes(text)) = (kind, value) {
                    if simdutf8::basic::from_utf8(text).is_err() {
                        return Ok(None);
                    }
                    profile.set(number, Span::before(fields.at(), text.len()));
                }
            }
            (Shape::Parts { list_field, item, .. }, Value::Bytes(list)) => {
                // Python parses JSON and may raise.
                if matches!(list.first(), Some(b'[' | b'{')) {
                    return Ok(None);
                }
                cost += cost_of(item.get(), *list_field, list);
            }
            _ => {}
        }
        if let Value::Bytes(bytes) = value
            && index == lazy.alone
        {
            alone = Some(Span::before(fields.at(), bytes.len()));
        }
    }
    let text = alone.map_or(&[][..], |span| span.of(body));
    if cost >= COST || simdutf8::basic::from_utf8(text).is_err() {
        return Ok(None);
    }
    let rest = Undecoded {
        plan: plan.clone_ref(py),
        body: body.clone(),
        alone,
        read: AtomicBool::new(false),
        profile,
    };
    dict.set_item(intern!(py, KEY), Bound::new(py, rest)?)?;
    Ok(Some(dict))
}

/// Return an upper bound of the decoder's cost for the elements of a list.
fn cost_of(item: &Plan, list_field: u32, list: &[u8]) -> usize {
    let most = list.len().saturating_mul(COST_OF_A_MESSAGE);
    if list.len() < SMALL || !item.is_flat() {
        return most;
    }
    let (mut fields, mut items) = (Fields::new(list), 0);
    while let Ok(Some((number, _))) = fields.read() {
        items += usize::from(number == list_field);
    }
    items * COST_OF_A_MESSAGE
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
        let text = self.alone.map_or(&[][..], |span| span.of(&self.body));
        match self.field().map(|field| &field.shape) {
            Some(Shape::JsonObject) => {
                let found =
                    if self.alone.is_some() { decode::read_content(py, text)? } else { Content::none(py) };
                match found {
                    Content::Object(object) => Ok((object, None)),
                    Content::Text(_) => Ok((PyDict::new(py).into_any(), Some(found))),
                }
            }
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

//! A message whose fields are decoded when somebody reads them.
//!
//! Most handlers read an id, the content and who sent it. So a message from the socket is built with its ids alone, and
//! its dict holds the bytes beside them. The content is decoded by itself when it is read, and so is each of the sender's
//! looks; the first other read decodes the rest, and the instance is then what the decoder makes at once. Whoever asks for the `__dict__`, as pydantic does for all it does,
//! gets it whole. Nobody can tell the difference: what could fail later is looked at now, and decoded now if it could.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{ffi, intern};

use super::content::{self, Content};
use super::decode::{self, COST, COST_OF_A_MESSAGE, DecodeError};
use super::instance;
use super::plan::{Plan, PlanField, Shape};
use crate::wire::schema::Kind;
use crate::wire::{Body, Fields, Looks, Malformed, Shown, Span, Value};

/// Where an instance keeps its bytes. No field of a model begins so.
const KEY: &str = "_undecoded";
/// Lists of fewer bytes are not counted: they cannot cost too much.
const SMALL: usize = 1024;

/// What of a message is decoded at once, and what by itself: `Later` of `mezon/_gateway/codec.py`.
#[derive(FromPyObject)]
pub(super) struct LaterSpec {
    at_once: Vec<String>,
    alone: String,
}

/// The same, as the decoder needs it.
pub(in crate::py) struct Lazy {
    /// The dict of an instance: what is decoded at once, and the place of the bytes.
    template: Py<PyDict>,
    /// By place in the plan's fields, those that are decoded at once.
    at_once: Vec<bool>,
    /// The place of the field that is decoded by itself.
    alone: usize,
}

impl Lazy {
    pub(super) fn new(
        py: Python<'_>,
        later: LaterSpec,
        fields: &[PlanField],
        template: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let readable = |field: &PlanField| {
            let plain = matches!(field.shape, Shape::Scalar(_) | Shape::JsonObject | Shape::Parts { .. });
            plain && !field.repeated
        };
        if !fields.iter().all(readable) {
            return Err(PyTypeError::new_err(
                "only a message of scalars, JSON and part lists can be read later",
            ));
        }
        let named = |field: &PlanField, wanted: &str| -> PyResult<bool> {
            let [name] = &field.names[..] else { return Ok(false) };
            Ok(name.bind(py).to_str()? == wanted)
        };
        let mut at_once = vec![false; fields.len()];
        let mut alone = None;
        for (place, field) in fields.iter().enumerate() {
            for name in &later.at_once {
                at_once[place] |= named(field, name)?;
            }
            if named(field, &later.alone)? {
                alone = Some(place);
            }
        }
        let alone = alone.ok_or_else(|| PyTypeError::new_err("the field to be read by itself is none"))?;
        let first = PyDict::new(py);
        for (name, zero) in template.iter() {
            let name = name.cast_into::<PyString>()?;
            let text = name.to_str()?;
            if text.starts_with('_') || later.at_once.iter().any(|at_once| at_once == text) {
                first.set_item(name, zero)?;
            }
        }
        first.set_item(intern!(py, KEY), py.None())?;
        Ok(Self { template: first.unbind(), at_once, alone })
    }
}

/// The rest of a message.
#[pyclass(frozen, module = "mezon._core")]
pub struct Undecoded {
    plan: Py<Plan>,
    body: Body,
    /// The field that is decoded by itself, if it is there.
    alone: Option<Span>,
    /// It was: the instance has it.
    read: AtomicBool,
    looks: Looks,
}

/// Builds the plan's instance from an encoded message, with what is left for later undecoded.
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

/// The dict of an instance that is decoded later; None for bytes that have to be decoded now, because that may fail.
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
    let (mut alone, mut looks, mut cost) = (None, Looks::default(), 0);
    let mut fields = Fields::new(body);
    loop {
        let Ok(next) = fields.read() else { return Ok(None) };
        let Some((number, value)) = next else { break };
        let Some(place) = this.place(number) else { continue };
        let field = &this.fields[place];
        match (&field.shape, value) {
            (Shape::Scalar(kind), value) => {
                if lazy.at_once[place] {
                    match decode::scalar(py, *kind, value) {
                        Ok(Some(value)) => decode::set(py, &dict, field, &value)?,
                        Ok(None) => {}
                        Err(_) => return Ok(None),
                    }
                } else if let (Kind::String, Value::Bytes(text)) = (kind, value) {
                    if simdutf8::basic::from_utf8(text).is_err() {
                        return Ok(None);
                    }
                    looks.take(number, Span::before(fields.at(), text.len()));
                }
            }
            (Shape::Parts { list_field, item, .. }, Value::Bytes(list)) => {
                // JSON is read by Python, which may raise.
                if matches!(list.first(), Some(b'[' | b'{')) {
                    return Ok(None);
                }
                cost += cost_of(item.get(), *list_field, list);
            }
            _ => {}
        }
        if let Value::Bytes(bytes) = value
            && place == lazy.alone
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
        looks,
    };
    dict.set_item(intern!(py, KEY), Bound::new(py, rest)?)?;
    Ok(Some(dict))
}

/// At most so much do the elements of a list cost the decoder.
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
    /// What the sender looks like, as `Senders` remembers it.
    pub(super) fn looks(&self) -> Shown<'_> {
        self.looks.of(&self.body)
    }

    /// One of the looks; the zero of its field where the message has none.
    fn look<'py>(&self, name: &Bound<'py, PyString>, place: usize) -> Result<Bound<'py, PyAny>, DecodeError> {
        let py = name.py();
        match self.looks.one(place, &self.body) {
            [] => Ok(self.plan.get().template.bind(py).as_any().get_item(name)?),
            text => Ok(decode::scalar(py, Kind::String, Value::Bytes(text))?.ok_or(Malformed::Utf8)?),
        }
    }

    fn field(&self) -> Option<&PlanField> {
        let plan = self.plan.get();
        plan.fields.get(plan.lazy.as_ref()?.alone)
    }

    /// The field that is decoded by itself: its value, and what its text is when it is no JSON object.
    fn alone<'py>(&self, py: Python<'py>) -> Result<(Bound<'py, PyAny>, Option<Content<'py>>), DecodeError> {
        let text = self.alone.map_or(&[][..], |span| span.of(&self.body));
        match self.field().map(|field| &field.shape) {
            Some(Shape::JsonObject) => {
                let found = if self.alone.is_some() { content::read(py, text)? } else { Content::none(py) };
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

/// What an instance has left undecoded, out of its dict.
#[inline]
pub(super) fn undecoded<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, Undecoded>>> {
    let found = dict.get_item(intern!(dict.py(), KEY))?;
    Ok(found.and_then(|value| value.cast_into::<Undecoded>().ok()))
}

/// The dict of an instance as it is.
#[inline]
pub(super) fn dict_of<'py>(instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    // SAFETY: a live object, borrowed for the call; gives a new reference, or null with an error set.
    let dict = unsafe {
        let dict = ffi::PyObject_GenericGetDict(instance.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(instance.py(), dict)?
    };
    Ok(dict.cast_into()?)
}

/// The dict of an instance with everything decoded, in the order of the model's fields.
fn whole<'py>(instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = instance.py();
    let dict = dict_of(instance)?;
    let Some(rest) = undecoded(&dict)? else { return Ok(dict) };
    let plan = rest.get().plan.get();
    let broken = |why: DecodeError| why.into_pyerr(plan.message.name);
    let read = rest.get().read.load(Ordering::Relaxed);
    let all = decode::attributes(py, plan, &rest.get().body, read).map_err(broken)?;
    // Another thread may have been here while Python read some JSON: what it has handed out stays.
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
    // SAFETY: two live objects, borrowed for the call; -1 says an error is set.
    let status =
        unsafe { ffi::PyObject_GenericSetDict(instance.as_ptr(), dict.as_ptr(), std::ptr::null_mut()) };
    if status == 0 { Ok(()) } else { Err(PyErr::fetch(instance.py())) }
}

/// The `__dict__` of a class whose instances may be decoded later: whoever reads it gets all of it.
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
    /// All there is.
    Whole,
    /// Itself: the field that is decoded by itself.
    Alone,
    /// Itself: one of the looks.
    Look(usize),
}

/// A field that may not be decoded yet. Once it is, the instance's own value goes first.
#[pyclass(frozen, module = "mezon._core")]
pub struct LazyField {
    name: Py<PyString>,
    reads: Reads,
}

#[pymethods]
impl LazyField {
    /// With `alone`, reading it decodes it and nothing else. So it is with the looks of the sender.
    #[new]
    #[pyo3(signature = (name, alone=false))]
    fn new(py: Python<'_>, name: &str, alone: bool) -> Self {
        let reads = match Looks::place_of(name) {
            _ if alone => Reads::Alone,
            Some(place) => Reads::Look(place),
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
                Reads::Look(place) => with_look(instance, name, place)?,
            };
            if let Some(value) = dict.get_item(name)? {
                return Ok(value);
            }
        }
        // The class has no such attribute, as pydantic wants it, and neither has an instance that was made without.
        Err(PyAttributeError::new_err(name.clone().unbind()))
    }
}

/// The dict of an instance with the field in it that is decoded by itself.
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

/// The dict of an instance with one of the looks in it.
fn with_look<'py>(
    instance: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    place: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = dict_of(instance)?;
    let Some(rest) = undecoded(&dict)? else { return Ok(dict) };
    let broken = |why: DecodeError| why.into_pyerr(rest.get().plan.get().message.name);
    if !dict.contains(name)? {
        dict.set_item(name, rest.get().look(name, place).map_err(broken)?)?;
    }
    Ok(dict)
}

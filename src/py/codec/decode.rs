//! Decodes the wire format to Python objects according to a plan.

use std::borrow::Cow;
use std::cell::Cell;

use pyo3::exceptions::{PyUnicodeDecodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyList, PyString};

use super::plan::{Fresh, Plan, PlanField, Shape};
use super::{instance, json};
use crate::wire::schema::{self, Kind};
use crate::wire::{Fields, Malformed, Value, peek, plain_text, varint};

/// The maximum nesting of messages.
const DEPTH: u32 = 32;
/// The maximum cost of the elements of all lists of a message; without it two million bytes could become a
/// gigabyte of objects.
pub(super) const COST: usize = 1 << 20;
pub(super) const COST_OF_A_MESSAGE: usize = 64;
const COST_OF_A_SCALAR: usize = 1;

/// The remaining depth and cost.
#[derive(Clone, Copy)]
struct Limits<'a> {
    depth: u32,
    cost: &'a Cell<usize>,
}

impl Limits<'_> {
    fn deeper(self) -> Result<Self, Malformed> {
        Ok(Self { depth: self.depth.checked_sub(1).ok_or(Malformed::TooDeep)?, ..self })
    }

    /// Charge the cost of a list element.
    #[inline]
    fn spend(self, cost: usize) -> Result<(), Malformed> {
        self.cost.set(self.cost.get().checked_sub(cost).ok_or(Malformed::TooMany)?);
        Ok(())
    }

    fn spend_on(self, shape: &Shape) -> Result<(), Malformed> {
        self.spend(if matches!(shape, Shape::Scalar(_)) { COST_OF_A_SCALAR } else { COST_OF_A_MESSAGE })
    }
}

/// Why a message could not be decoded.
pub(in crate::py) enum DecodeError {
    Malformed(Malformed),
    Python(PyErr),
}

impl From<Malformed> for DecodeError {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<PyErr> for DecodeError {
    fn from(why: PyErr) -> Self {
        Self::Python(why)
    }
}

impl DecodeError {
    pub fn into_pyerr(self, message: &str) -> PyErr {
        match self {
            Self::Malformed(why) => PyValueError::new_err(format!("not a valid {message}: {why}")),
            Self::Python(why) => why,
        }
    }
}

pub(super) type Decoded<'py> = Result<Bound<'py, PyAny>, DecodeError>;

/// None if the wire type is not the field's own: protobuf treats it as an unknown field and skips it.
type Found<'py> = Result<Option<Bound<'py, PyAny>>, DecodeError>;

/// Build the plan's instance from an encoded message.
pub(in crate::py) fn message<'py>(py: Python<'py>, plan: &Plan, body: &[u8]) -> Decoded<'py> {
    nested(py, plan, body, Limits { depth: DEPTH, cost: &Cell::new(COST) })
}

/// Return the attributes of the instance of an encoded message. A JSON text that was decoded before keeps its
/// zero.
pub(super) fn attributes<'py>(
    py: Python<'py>,
    plan: &Plan,
    body: &[u8],
    json_read: bool,
) -> Result<Bound<'py, PyDict>, DecodeError> {
    values(py, plan, body, Limits { depth: DEPTH, cost: &Cell::new(COST) }.deeper()?, json_read)
}

fn nested<'py>(py: Python<'py>, plan: &Plan, body: &[u8], limits: Limits<'_>) -> Decoded<'py> {
    let dict = values(py, plan, body, limits.deeper()?, false)?;
    match &plan.class {
        Some(class) => Ok(instance::build(py, class.bind(py), dict, plan.given.bind(py), plan.complete)?),
        None => Ok(dict.into_any()),
    }
}

fn values<'py>(
    py: Python<'py>,
    plan: &Plan,
    body: &[u8],
    limits: Limits<'_>,
    json_read: bool,
) -> Result<Bound<'py, PyDict>, DecodeError> {
    let dict = plan.template.bind(py).copy()?;
    let mut lists: Vec<Option<Bound<'py, PyList>>> = Vec::new();
    lists.resize_with(plan.slots, || None);
    for (name, fresh) in &plan.fresh {
        match fresh {
            Fresh::List => dict.set_item(name.bind(py), PyList::empty(py))?,
            Fresh::Dict => dict.set_item(name.bind(py), PyDict::new(py))?,
        }
    }
    let mut json = None;
    // A singular message that occurs in several parts is their concatenation: protobuf merges encoded messages
    // that way.
    let mut inner: Vec<(&PlanField, Cow<'_, [u8]>)> = Vec::new();
    let mut fields = Fields::new(body);
    while let Some((number, value)) = fields.read()? {
        let Some(field) = plan.field(number) else {
            plan.note_unknown(number);
            continue;
        };
        if field.repeated {
            let list = match &lists[field.slot] {
                Some(list) => list,
                None => {
                    let list = PyList::empty(py);
                    set(py, &dict, field, list.as_any())?;
                    &*lists[field.slot].insert(list)
                }
            };
            extend(py, list, field, value, limits)?;
        } else if let Shape::Map { key, value: kind } = &field.shape {
            limits.spend(COST_OF_A_MESSAGE)?;
            insert(py, &dict, field, *key, *kind, value)?;
        } else if let (Shape::JsonObject, Value::Bytes(text)) = (&field.shape, value) {
            json = Some((field, text));
        } else if let (Shape::Message(_) | Shape::Wrapper(_), Value::Bytes(body)) = (&field.shape, value) {
            match inner.iter_mut().find(|(known, _)| known.number == number) {
                Some((_, known)) => known.to_mut().extend_from_slice(body),
                None => inner.push((field, body.into())),
            }
        } else if let Some(value) = one(py, &field.shape, value, limits)? {
            set(py, &dict, field, &value)?;
        }
    }
    for (field, body) in inner {
        if let Some(value) = one(py, &field.shape, Value::Bytes(&body), limits)? {
            set(py, &dict, field, &value)?;
        }
    }
    match json {
        _ if json_read => {}
        Some((field, text)) => read_content(py, text)?.put(py, &dict, field)?,
        None if plan.has_json => Content::none(py).put_text(&dict)?,
        None => {}
    }
    if let Some((name, whole)) = &plan.whole {
        dict.set_item(name.bind(py), nested(py, whole.get(), body, limits)?)?;
    }
    Ok(dict)
}

#[inline]
pub(super) fn set<'py>(
    py: Python<'py>,
    dict: &Bound<'py, PyDict>,
    field: &PlanField,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    for name in &field.names {
        dict.set_item(name.bind(py), value)?;
    }
    Ok(())
}

fn extend<'py>(
    py: Python<'py>,
    list: &Bound<'py, PyList>,
    field: &PlanField,
    value: Value<'_>,
    limits: Limits<'_>,
) -> Result<(), DecodeError> {
    // Accept packed and unpacked runs alike.
    if let (Shape::Scalar(kind), Value::Bytes(run)) = (&field.shape, value)
        && !matches!(kind, Kind::String | Kind::Bytes)
    {
        let mut at = 0;
        while at < run.len() {
            let value = match kind {
                Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => {
                    Value::Fixed64(u64::from_le_bytes(fixed(run, &mut at)?))
                }
                Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => {
                    Value::Fixed32(u32::from_le_bytes(fixed(run, &mut at)?))
                }
                _ => Value::Varint(varint::read(run, &mut at)?),
            };
            limits.spend(COST_OF_A_SCALAR)?;
            if let Some(value) = scalar(py, *kind, value)? {
                list.append(value)?;
            }
        }
        return Ok(());
    }
    limits.spend_on(&field.shape)?;
    if let Some(value) = one(py, &field.shape, value, limits)? {
        list.append(value)?;
    }
    Ok(())
}

fn fixed<const N: usize>(run: &[u8], at: &mut usize) -> Result<[u8; N], Malformed> {
    let part = run.get(*at..*at + N).ok_or(Malformed::Truncated)?;
    *at += N;
    part.try_into().map_err(|_| Malformed::Truncated)
}

#[inline]
fn one<'py>(py: Python<'py>, shape: &Shape, value: Value<'_>, limits: Limits<'_>) -> Found<'py> {
    match (shape, value) {
        (Shape::Scalar(kind), value) => scalar(py, *kind, value),
        (Shape::Message(plan), Value::Bytes(body)) => nested(py, plan.get(), body, limits).map(Some),
        (Shape::Wrapper(kind), Value::Bytes(body)) => wrapped(py, *kind, body).map(Some),
        (Shape::Parts { list_field, item, from_json }, Value::Bytes(body)) => {
            parts(py, *list_field, item.get(), from_json.bind(py), body, limits).map(Some)
        }
        _ => Ok(None),
    }
}

/// Return the value of a `google.protobuf.*Value`.
fn wrapped<'py>(py: Python<'py>, kind: Kind, body: &[u8]) -> Decoded<'py> {
    let mut fields = Fields::new(body);
    let mut found = zero(py, kind);
    while let Some((number, value)) = fields.read()? {
        if number == 1
            && let Some(value) = scalar(py, kind, value)?
        {
            found = value;
        }
    }
    Ok(found)
}

fn insert<'py>(
    py: Python<'py>,
    dict: &Bound<'py, PyDict>,
    field: &PlanField,
    key_kind: Kind,
    value_kind: Kind,
    entry: Value<'_>,
) -> Result<(), DecodeError> {
    let Value::Bytes(body) = entry else { return Ok(()) };
    let (mut key, mut item) = (zero(py, key_kind), zero(py, value_kind));
    let mut fields = Fields::new(body);
    while let Some((number, value)) = fields.read()? {
        let (index, kind) = match number {
            1 => (&mut key, key_kind),
            2 => (&mut item, value_kind),
            _ => continue,
        };
        if let Some(value) = scalar(py, kind, value)? {
            *index = value;
        }
    }
    for name in &field.names {
        // The template's fresh dicts contain the map from the start.
        if let Some(map) = dict.get_item(name.bind(py))? {
            map.set_item(&key, &item)?;
        }
    }
    Ok(())
}

/// Decode the items of a list message inside a bytes field. A malformed list is empty, so that the message around
/// it is not lost.
fn parts<'py>(
    py: Python<'py>,
    list_field: u32,
    item: &Plan,
    from_json: &Bound<'py, PyAny>,
    body: &[u8],
    limits: Limits<'_>,
) -> Decoded<'py> {
    if matches!(body.first(), Some(b'[' | b'{')) {
        // Each item is an object and so has a brace.
        limits.spend(COST_OF_A_MESSAGE * body.iter().filter(|byte| **byte == b'{').count())?;
        return Ok(from_json.call1((PyBytes::new(py, body),))?);
    }
    let list = PyList::empty(py);
    let mut fields = Fields::new(body);
    loop {
        match fields.read() {
            Ok(None) => return Ok(list.into_any()),
            Ok(Some((number, Value::Bytes(body)))) if number == list_field => {
                limits.spend(COST_OF_A_MESSAGE)?;
                match nested(py, item, body, limits) {
                    Ok(value) => list.append(value)?,
                    Err(DecodeError::Malformed(why)) if why != Malformed::TooMany => break,
                    Err(why) => return Err(why),
                }
            }
            Ok(Some(_)) => {}
            Err(_) => break,
        }
    }
    Ok(PyList::empty(py).into_any())
}

/// Create a string. Python validates the UTF-8 while it copies, so there is no check before.
#[inline]
pub(super) fn string<'py>(py: Python<'py>, text: &[u8]) -> Decoded<'py> {
    PyString::from_bytes(py, text).map(Bound::into_any).map_err(|why| {
        if why.is_instance_of::<PyUnicodeDecodeError>(py) { Malformed::Utf8.into() } else { why.into() }
    })
}

#[inline]
pub(super) fn scalar<'py>(py: Python<'py>, kind: Kind, value: Value<'_>) -> Found<'py> {
    let number = |value: i64| value.into_pyobject(py).map(Bound::into_any);
    let infallible = match (kind, value) {
        (Kind::String, Value::Bytes(text)) => return string(py, text).map(Some),
        (Kind::Bytes, Value::Bytes(bytes)) => return Ok(Some(PyBytes::new(py, bytes).into_any())),
        (Kind::Bool, Value::Varint(value)) => {
            return Ok(Some(PyBool::new(py, value != 0).to_owned().into_any()));
        }
        (Kind::Int64, Value::Varint(value)) => number(value as i64),
        (Kind::Int32 | Kind::Enum(_), Value::Varint(value)) => number(i64::from(value as i32)),
        (Kind::Uint32, Value::Varint(value)) => number(i64::from(value as u32)),
        (Kind::Uint64, Value::Varint(value)) | (Kind::Fixed64, Value::Fixed64(value)) => {
            value.into_pyobject(py).map(Bound::into_any)
        }
        (Kind::Sint32 | Kind::Sint64, Value::Varint(value)) => {
            number((value >> 1) as i64 ^ -((value & 1) as i64))
        }
        (Kind::Sfixed64, Value::Fixed64(value)) => number(value as i64),
        (Kind::Fixed32, Value::Fixed32(value)) => number(value.into()),
        (Kind::Sfixed32, Value::Fixed32(value)) => number(i64::from(value as i32)),
        (Kind::Double, Value::Fixed64(bits)) => {
            return Ok(Some(PyFloat::new(py, f64::from_bits(bits)).into_any()));
        }
        (Kind::Float, Value::Fixed32(bits)) => {
            return Ok(Some(PyFloat::new(py, f64::from(f32::from_bits(bits))).into_any()));
        }
        _ => return Ok(None),
    };
    match infallible {
        Ok(number) => Ok(Some(number)),
        Err(never) => match never {},
    }
}

fn zero(py: Python<'_>, kind: Kind) -> Bound<'_, PyAny> {
    match kind {
        Kind::String => PyString::new(py, "").into_any(),
        Kind::Bytes => PyBytes::new(py, b"").into_any(),
        Kind::Bool => PyBool::new(py, false).to_owned().into_any(),
        Kind::Double | Kind::Float => PyFloat::new(py, 0.0).into_any(),
        Kind::Message(_) => py.None().into_bound(py),
        _ => match 0i64.into_pyobject(py) {
            Ok(zero) => zero.into_any(),
            Err(never) => match never {},
        },
    }
}

/// The attribute for the text of a content that is not a JSON object (`ChannelMessage.raw_content`); not a model
/// field.
const RAW_CONTENT: &str = "raw_content";

/// The value of a JSON text. A text that is not an object is kept next to an empty object
/// (`ChannelMessage.raw_content`).
pub(super) enum Content<'py> {
    Object(Bound<'py, PyAny>),
    Text(Bound<'py, PyString>),
}

impl<'py> Content<'py> {
    /// Return the value of a missing text, which is not an object either.
    pub fn none(py: Python<'py>) -> Self {
        Self::Text(pyo3::intern!(py, "").clone())
    }

    /// Put the value into an instance's dict, which contains the empty object from the start.
    pub fn put(&self, py: Python<'py>, dict: &Bound<'py, PyDict>, field: &PlanField) -> PyResult<()> {
        match self {
            Self::Object(object) => set(py, dict, field, object),
            Self::Text(_) => self.put_text(dict),
        }
    }

    /// Put a text that is not an object into `raw_content`.
    pub fn put_text(&self, dict: &Bound<'py, PyDict>) -> PyResult<()> {
        match self {
            Self::Object(_) => Ok(()),
            Self::Text(text) => dict.set_item(pyo3::intern!(dict.py(), RAW_CONTENT), text),
        }
    }
}

/// Decode a JSON text.
pub(super) fn read_content<'py>(py: Python<'py>, text: &[u8]) -> Result<Content<'py>, DecodeError> {
    if let Some(plain) = plain_text(text) {
        let object = PyDict::new(py);
        object.set_item(pyo3::intern!(py, "t"), string(py, plain)?)?;
        return Ok(Content::Object(object.into_any()));
    }
    match json::parse(py, text)?.filter(|value| value.is_instance_of::<PyDict>()) {
        Some(object) => Ok(Content::Object(object)),
        None => {
            let text = simdutf8::basic::from_utf8(text).map_err(|_| Malformed::Utf8)?;
            Ok(Content::Text(PyString::new(py, text)))
        }
    }
}

/// Return what the core reads of a frame without decoding it: (cid, tag, body). For tests.
///
/// Raises ValueError if the frame is not an envelope.
#[pyfunction]
pub fn peek_envelope<'py>(py: Python<'py>, frame: &[u8]) -> PyResult<(i32, u32, Bound<'py, PyBytes>)> {
    let seen = peek(frame).map_err(|why| PyValueError::new_err(why.to_string()))?;
    Ok((seen.cid as i32, seen.tag, PyBytes::new(py, &frame[seen.body])))
}

/// Return the zero of a field's type for the template of a plan.
#[pyfunction]
pub fn schema_zero<'py>(py: Python<'py>, message: &str, field: &str) -> PyResult<Bound<'py, PyAny>> {
    let found = schema::message(message).and_then(|message| message.field_named(field));
    let field =
        found.ok_or_else(|| PyValueError::new_err(format!("the schema has no field {message}.{field}")))?;
    Ok(zero(py, field.kind))
}

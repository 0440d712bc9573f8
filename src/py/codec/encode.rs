//! Encodes Python values to the wire format according to a plan.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyString, PyType};

use super::plan::{Plan, PlanField, Shape};
use crate::py::is_fatal;
use crate::wire::schema::Kind;
use crate::wire::varint;

/// Append the message that a mapping or an object describes.
pub(in crate::py) fn message(
    py: Python<'_>,
    plan: &Plan,
    value: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let dict = value.cast::<PyDict>().ok();
    let mapping = dict.is_none() && is_mapping(value)?;
    for field in &plan.fields {
        let Some(name) = field.names.first() else { continue };
        let name = name.bind(py);
        let found = match dict {
            Some(dict) => dict.get_item(name)?,
            None if mapping => value.contains(name)?.then(|| value.get_item(name)).transpose()?,
            None => value.getattr_opt(name)?,
        };
        let Some(found) = found.filter(|found| !found.is_none()) else { continue };
        encode_field(py, field, &found, out).map_err(|why| named(py, plan, field, why))?;
    }
    Ok(())
}

/// pyo3's own cast to a mapping discards exceptions of the check.
fn is_mapping(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MAPPING: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    value.is_instance(MAPPING.import(value.py(), "collections.abc", "Mapping")?)
}

/// Return the same kind of error with the field's name before its message.
fn named(py: Python<'_>, plan: &Plan, field: &PlanField, why: PyErr) -> PyErr {
    let name = field.names.first().map(|name| name.to_string()).unwrap_or_default();
    let short = plan.message.name.rsplit('.').next().unwrap_or_default();
    let text = format!("{short}.{name}: {}", why.value(py));
    if why.is_instance_of::<PyOverflowError>(py) {
        PyOverflowError::new_err(text)
    } else if why.is_instance_of::<PyTypeError>(py) {
        PyTypeError::new_err(text)
    } else if why.is_instance_of::<PyValueError>(py) {
        PyValueError::new_err(text)
    } else {
        why
    }
}

fn encode_field(
    py: Python<'_>,
    field: &PlanField,
    value: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    if let Shape::Map { key, value: kind } = &field.shape {
        for pair in value.cast::<PyDict>()?.iter() {
            let mut entry = Vec::new();
            scalar(1, *key, &pair.0, false, &mut entry)?;
            scalar(2, *kind, &pair.1, false, &mut entry)?;
            delimited(field.number, &entry, out);
        }
        return Ok(());
    }
    if !field.repeated {
        return one(py, field, value, false, out);
    }
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err("expected a list, not str or bytes"));
    }
    if let (Shape::Scalar(kind), true) = (&field.shape, field.packed) {
        let mut run = Vec::new();
        for item in value.try_iter()? {
            bare(*kind, &item?, &mut run)?;
        }
        if !run.is_empty() {
            delimited(field.number, &run, out);
        }
        return Ok(());
    }
    for item in value.try_iter()? {
        one(py, field, &item?, true, out)?;
    }
    Ok(())
}

/// Append one value with its key. Zeros are omitted unless `keep`.
fn one(
    py: Python<'_>,
    field: &PlanField,
    value: &Bound<'_, PyAny>,
    keep: bool,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let mut inner = Vec::new();
    match &field.shape {
        Shape::Scalar(kind) => return scalar(field.number, *kind, value, !keep, out),
        Shape::Message(plan) => message(py, plan.get(), value, &mut inner)?,
        Shape::Wrapper(kind) => scalar(1, *kind, value, true, &mut inner)?,
        Shape::JsonObject => return scalar(field.number, Kind::String, value, !keep, out),
        Shape::Parts { list_field, item, .. } => {
            for part in value.try_iter()? {
                let mut body = Vec::new();
                message(py, item.get(), &part?, &mut body)?;
                delimited(*list_field, &body, &mut inner);
            }
            if inner.is_empty() {
                return Ok(());
            }
        }
        Shape::Map { .. } => return Err(PyTypeError::new_err("a map is not a list")),
    }
    delimited(field.number, &inner, out);
    Ok(())
}

fn delimited(number: u32, body: &[u8], out: &mut Vec<u8>) {
    varint::write(u64::from(number) << 3 | 2, out);
    varint::write(body.len() as u64, out);
    out.extend_from_slice(body);
}

fn scalar(
    number: u32,
    kind: Kind,
    value: &Bound<'_, PyAny>,
    skip_zero: bool,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let start = out.len();
    let wire = match kind {
        Kind::String | Kind::Bytes => 2,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => 1,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => 5,
        _ => 0,
    };
    varint::write(u64::from(number) << 3 | wire, out);
    let body = out.len();
    bare(kind, value, out)?;
    if skip_zero && out[body..].iter().all(|byte| *byte == 0) && (wire != 2 || out.len() == body + 1) {
        out.truncate(start);
    }
    Ok(())
}

/// Append a value without its key.
fn bare(kind: Kind, value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    match kind {
        Kind::String => {
            let text = value.cast::<PyString>().map_err(|_| type_error("a str", value))?;
            // Lone surrogates cannot be encoded as UTF-8: replace them by question marks instead of failing.
            let text = text.to_string_lossy();
            varint::write(text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Kind::Bytes => {
            let bytes = value.cast::<PyBytes>().map_err(|_| type_error("bytes", value))?.as_bytes();
            varint::write(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Kind::Bool => out.push(u8::from(value.is_truthy()?)),
        Kind::Double => out.extend(float(value)?.to_le_bytes()),
        Kind::Float => out.extend((float(value)? as f32).to_le_bytes()),
        Kind::Int64 => varint::write(integer::<i64>(value)? as u64, out),
        Kind::Int32 | Kind::Enum(_) => varint::write(i64::from(integer::<i32>(value)?) as u64, out),
        Kind::Uint32 => varint::write(integer::<u32>(value)?.into(), out),
        Kind::Uint64 => varint::write(integer::<u64>(value)?, out),
        Kind::Sint32 | Kind::Sint64 => {
            let number = integer::<i64>(value)?;
            varint::write((number << 1 ^ number >> 63) as u64, out);
        }
        Kind::Fixed64 => out.extend(integer::<u64>(value)?.to_le_bytes()),
        Kind::Sfixed64 => out.extend(integer::<i64>(value)?.to_le_bytes()),
        Kind::Fixed32 => out.extend(integer::<u32>(value)?.to_le_bytes()),
        Kind::Sfixed32 => out.extend(integer::<i32>(value)?.to_le_bytes()),
        Kind::Message(_) => return Err(PyTypeError::new_err("a message needs a plan")),
    }
    Ok(())
}

fn float(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    match value.cast::<PyFloat>() {
        Ok(float) => Ok(float.value()),
        Err(_) => value.extract().map_err(|why: PyErr| {
            if is_fatal(value.py(), &why) { why } else { type_error("a number", value) }
        }),
    }
}

/// Convert to an integer of any width. Ids may be strings of digits; JSON may turn integers into whole floats.
fn integer<'a, T>(value: &Bound<'a, PyAny>) -> PyResult<T>
where
    T: for<'x, 'py> FromPyObject<'x, 'py, Error = PyErr> + std::str::FromStr,
{
    if value.is_instance_of::<PyInt>() {
        return value.extract();
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_string_lossy();
        return text.trim().parse().map_err(|_| {
            PyValueError::new_err(format!("{text:?} is not an integer in the range of the field"))
        });
    }
    if let Ok(float) = value.cast::<PyFloat>()
        && float.value().fract() == 0.0
    {
        return value.call_method0("__int__")?.extract();
    }
    if value.hasattr("__index__")? {
        return value.call_method0("__index__")?.extract();
    }
    Err(type_error("an int", value))
}

fn type_error(what: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("expected {what}, not {name}")),
        Err(why) => why,
    }
}

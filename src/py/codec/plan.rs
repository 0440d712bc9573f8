//! A plan says how a protobuf message becomes a pydantic instance or a dict, and how a mapping becomes a message.
//!
//! Python makes one per model at first use (mezon/_gateway/codec.py): the schema table gives numbers and types, the model
//! gives the names. Decoding follows the plan straight from the wire into a raw-built instance.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet, PyString, PyType};

use super::lazy::{LaterSpec, Lazy};
use super::{decode, encode, instance, lazy};
use crate::wire::schema::{self, Kind};

/// What a field's wire value turns into.
pub(in crate::py) enum Shape {
    Scalar(Kind),
    Message(Py<Plan>),
    /// A `google.protobuf.*Value`: the value itself, or None.
    Wrapper(Kind),
    /// A map of scalars, as a dict.
    Map {
        key: Kind,
        value: Kind,
    },
    /// A string of JSON: the object in it, `{}` for anything else.
    JsonObject,
    /// Bytes that hold a list message of one repeated field, or JSON.
    Parts {
        list_field: u32,
        item: Py<Plan>,
        from_json: Py<PyAny>,
    },
}

pub(in crate::py) struct PlanField {
    pub number: u32,
    /// The names it has in the instance; most have one.
    pub names: Vec<Py<PyString>>,
    pub shape: Shape,
    pub repeated: bool,
    pub packed: bool,
    /// Where its list is collected; only repeated fields have one.
    pub slot: usize,
}

/// A plan as `mezon/_gateway/codec.py` describes it: its `PlanSpec`.
#[derive(FromPyObject)]
struct PlanSpec {
    message: String,
    model: Option<Py<PyType>>,
    template: Py<PyDict>,
    given: Py<PySet>,
    fields: Vec<FieldSpec>,
    fresh_lists: Vec<Py<PyString>>,
    fresh_dicts: Vec<Py<PyString>>,
    whole: Option<WholeSpec>,
    later: Option<LaterSpec>,
}

/// Its `FieldSpec`.
#[derive(FromPyObject)]
struct FieldSpec {
    name: String,
    names: Vec<Py<PyString>>,
    inside: Option<Inside>,
}

/// What a field's value has inside: a message, its `PartList`, or its `JsonText`.
#[derive(FromPyObject)]
enum Inside {
    Message(Py<Plan>),
    Parts { list_field: u32, item: Py<Plan>, from_json: Py<PyAny> },
    Json { json: bool },
}

/// Its `WholeSpec`.
#[derive(FromPyObject)]
struct WholeSpec {
    name: Py<PyString>,
    plan: Py<Plan>,
}

/// How one message of the schema becomes an instance of one class.
#[pyclass(frozen, module = "mezon._core")]
pub struct Plan {
    pub(in crate::py) message: &'static schema::Message,
    /// None makes a dict.
    pub(in crate::py) class: Option<Py<PyType>>,
    /// Every name with its zero, in the order of the model's fields.
    pub(in crate::py) template: Py<PyDict>,
    /// The names whose zero is a new list or dict each time.
    pub(in crate::py) fresh: Vec<(Py<PyString>, Fresh)>,
    pub(in crate::py) given: Py<PySet>,
    /// `given` names every field of the model.
    pub(in crate::py) complete: bool,
    pub(in crate::py) fields: Vec<PlanField>,
    /// Field number to index in `fields` + 1; 0 for numbers the plan has no use for.
    by_number: Vec<u16>,
    pub(in crate::py) slots: usize,
    /// One of the fields is a JSON text.
    pub(in crate::py) has_json: bool,
    /// This name gets the whole message as a dict.
    pub(in crate::py) whole: Option<(Py<PyString>, Py<Plan>)>,
    /// What comes from the socket is decoded when it is read.
    pub(in crate::py) lazy: Option<Lazy>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::py) enum Fresh {
    List,
    Dict,
}

impl Plan {
    pub(in crate::py) fn field(&self, number: u32) -> Option<&PlanField> {
        self.fields.get(self.place(number)?)
    }

    /// Where in `fields` the field of this number is.
    #[inline]
    pub(super) fn place(&self, number: u32) -> Option<usize> {
        usize::from(*self.by_number.get(number as usize)?).checked_sub(1)
    }

    /// No field of it costs more than its bytes: there are no lists and nothing nests.
    pub(super) fn is_flat(&self) -> bool {
        let plain = |field: &PlanField| !field.repeated && matches!(field.shape, Shape::Scalar(_));
        self.whole.is_none() && self.fields.iter().all(plain)
    }
}

#[pymethods]
impl Plan {
    /// As a `PlanSpec` of `mezon._gateway.codec` describes it.
    #[new]
    fn new(py: Python<'_>, spec: PlanSpec) -> PyResult<Self> {
        let PlanSpec { message, model, template, given, fields, fresh_lists, fresh_dicts, whole, later } =
            spec;
        let message = schema::message(&message)
            .ok_or_else(|| PyValueError::new_err(format!("the schema has no message {message}")))?;
        if let Some(model) = &model {
            // Instances are built raw, which is sound for these alone.
            if !instance::is_model(model.bind(py))? {
                return Err(PyTypeError::new_err("a plan's model must be a pydantic model"));
            }
        }
        let mut planned = Vec::with_capacity(fields.len());
        let mut slots = 0;
        for FieldSpec { name, names, inside } in fields {
            let field = message
                .field_named(&name)
                .ok_or_else(|| PyValueError::new_err(format!("{} has no field {name}", message.name)))?;
            let shape = shape_of(field, inside)?;
            let repeated = field.repeated && !matches!(shape, Shape::Map { .. });
            let slot = slots;
            slots += usize::from(repeated);
            planned.push(PlanField {
                number: field.number,
                names,
                shape,
                repeated,
                packed: field.packed,
                slot,
            });
        }
        let top = planned.iter().map(|field| field.number).max().unwrap_or(0);
        let mut by_number = vec![0; top as usize + 1];
        for (at, field) in planned.iter().enumerate() {
            by_number[field.number as usize] = u16::try_from(at + 1)
                .map_err(|_| PyValueError::new_err("a plan of more than 65534 fields"))?;
        }
        let lists = fresh_lists.into_iter().map(|name| (name, Fresh::List));
        let fresh = lists.chain(fresh_dicts.into_iter().map(|name| (name, Fresh::Dict))).collect();
        let mut model_fields = 0;
        for name in template.bind(py).keys() {
            // What begins so is no field of the model: whose event it is (mezon/models/_origin.py).
            model_fields += usize::from(!name.extract::<&str>()?.starts_with('_'));
        }
        let complete = given.bind(py).len() == model_fields;
        let lazy = later.map(|later| Lazy::new(py, later, &planned, template.bind(py))).transpose()?;
        let has_json = planned.iter().any(|field| matches!(field.shape, Shape::JsonObject));
        Ok(Self {
            message,
            class: model,
            template,
            fresh,
            given,
            complete,
            fields: planned,
            by_number,
            slots,
            has_json,
            whole: whole.map(|WholeSpec { name, plan }| (name, plan)),
            lazy,
        })
    }

    /// The full name of the message.
    #[getter]
    fn message(&self) -> &'static str {
        self.message.name
    }

    /// Build the instance from an encoded message.
    ///
    /// Raises ValueError when the bytes are no such message.
    fn decode<'py>(&self, py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        decode::message(py, self, body).map_err(|why| why.into_pyerr(self.message.name))
    }

    /// Build it as `Gateway.drain` does: what its spec leaves for later is decoded when it is read.
    ///
    /// Raises ValueError when the bytes are no such message.
    fn receive<'py>(slf: &Bound<'py, Self>, body: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let body = body.into();
        lazy::message(slf.py(), slf.as_unbound(), &body).map_err(|why| why.into_pyerr(slf.get().message.name))
    }

    /// Encode a mapping, or an object's attributes, by the plan's names. None and zeros are left out.
    ///
    /// Raises TypeError, OverflowError or ValueError when a value does not fit its field.
    fn encode(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        let mut out = Vec::with_capacity(128);
        encode::message(py, self, value, &mut out)?;
        Ok(out)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let class = match &self.class {
            Some(class) => class.bind(py).name()?.to_string(),
            None => "dict".into(),
        };
        Ok(format!("<Plan {} -> {class}>", self.message.name))
    }
}

fn shape_of(field: &schema::Field, inside: Option<Inside>) -> PyResult<Shape> {
    let wrong = |what: &str| PyTypeError::new_err(format!("field {}: {what}", field.name));
    match (field.kind, inside) {
        (Kind::Message(name), None) => {
            let inner = schema::message(name).ok_or_else(|| wrong("its message is unknown"))?;
            match (inner.field_named("key"), inner.field_named("value")) {
                (Some(key), Some(value)) if name.ends_with("Entry") => {
                    Ok(Shape::Map { key: key.kind, value: value.kind })
                }
                (None, Some(value)) if name.starts_with("google.protobuf.") => Ok(Shape::Wrapper(value.kind)),
                _ => Err(wrong("a message field needs a plan")),
            }
        }
        (Kind::Message(_), Some(Inside::Message(plan))) => Ok(Shape::Message(plan)),
        (kind, None) => Ok(Shape::Scalar(kind)),
        (Kind::String, Some(Inside::Json { json: true })) => Ok(Shape::JsonObject),
        (Kind::Bytes, Some(Inside::Parts { list_field, item, from_json })) => {
            Ok(Shape::Parts { list_field, item, from_json })
        }
        _ => Err(wrong("only messages, JSON strings and part lists nest")),
    }
}

type SchemaRow = (u32, &'static str, String, &'static str, bool);

/// Give the fields of a message, as `mezon._gateway.codec.SchemaField` names them: number, name, kind, type_name, repeated.
#[pyfunction]
pub fn schema_fields(message: &str) -> PyResult<Vec<SchemaRow>> {
    let message = schema::message(message)
        .ok_or_else(|| PyValueError::new_err(format!("the schema has no message {message}")))?;
    let rows = message.fields.iter().map(|field| {
        let (kind, type_name) = match field.kind {
            Kind::Message(name) => ("message".to_owned(), name),
            Kind::Enum(name) => ("enum".to_owned(), name),
            scalar => (format!("{scalar:?}").to_lowercase(), ""),
        };
        (field.number, field.name, kind, type_name, field.repeated)
    });
    Ok(rows.collect())
}

/// Give the names of all messages of the schema.
#[pyfunction]
pub fn schema_messages() -> Vec<&'static str> {
    schema::MESSAGES.iter().map(|message| message.name).collect()
}

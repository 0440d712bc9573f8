//! Creates plans from their descriptions in Python, and defines their methods.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet, PyString, PyType};

use super::plan::{Fresh, KEY, Lazy, Plan, PlanField, Shape};
use super::{decode, encode, instance, lazy};
use crate::wire::Header;
use crate::wire::schema::{self, Kind};
use crate::wire::tags::channel_message;

/// The description of a plan: `PlanSpec` in `mezon/_gateway/codec.py`.
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

/// The description of a field: `FieldSpec`.
#[derive(FromPyObject)]
struct FieldSpec {
    name: String,
    names: Vec<Py<PyString>>,
    inside: Option<Inside>,
}

/// What a field's value contains: a message, a `PartList`, or a `JsonText`.
#[derive(FromPyObject)]
enum Inside {
    Message(Py<Plan>),
    Parts { list_field: u32, item: Py<Plan>, from_json: Py<PyAny> },
    Json { json: bool },
}

/// The description of a whole-message field: `WholeSpec`.
#[derive(FromPyObject)]
struct WholeSpec {
    name: Py<PyString>,
    plan: Py<Plan>,
}

/// Which fields are decoded at once, and which one alone: `Later` in `mezon/_gateway/codec.py`.
#[derive(FromPyObject)]
pub(super) struct LaterSpec {
    at_once: Vec<String>,
    alone: String,
}

impl Lazy {
    pub(super) fn new(
        py: Python<'_>,
        later: LaterSpec,
        message: &schema::Message,
        fields: &[PlanField],
        template: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        if message.name != "mezon.api.ChannelMessage" {
            return Err(PyTypeError::new_err("only a channel message can be decoded lazily"));
        }
        let flat = |field: &PlanField| match &field.shape {
            Shape::Parts { item, .. } => item.get().is_flat(),
            Shape::Scalar(_) | Shape::JsonObject => !field.repeated,
            _ => false,
        };
        if !fields.iter().all(flat) {
            return Err(PyTypeError::new_err(
                "only scalars, JSON and lists of flat items can be decoded lazily",
            ));
        }
        let index = |wanted: &String| {
            let number = message.field_named(wanted).map(|field| field.number);
            fields.iter().position(|field| Some(field.number) == number)
        };
        let header = Header::default();
        let mut at_once = Vec::with_capacity(later.at_once.len());
        for name in &later.at_once {
            let number = index(name).map(|index| fields[index].number);
            let number = number.filter(|number| header.number(*number).is_some());
            let number =
                number.ok_or_else(|| PyTypeError::new_err(format!("{name} cannot be decoded at once")))?;
            at_once.push((PyString::intern(py, name).unbind(), number));
        }
        let alone = index(&later.alone).filter(|index| fields[*index].number == channel_message::CONTENT);
        let alone = alone.ok_or_else(|| PyTypeError::new_err("only the content can be decoded alone"))?;
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

#[pymethods]
impl Plan {
    /// Create a plan from a `PlanSpec` of `mezon._gateway.codec`.
    #[new]
    fn new(py: Python<'_>, spec: PlanSpec) -> PyResult<Self> {
        let PlanSpec { message, model, template, given, fields, fresh_lists, fresh_dicts, whole, later } =
            spec;
        let message = schema::message(&message)
            .ok_or_else(|| PyValueError::new_err(format!("the schema has no message {message}")))?;
        if let Some(model) = &model {
            // Instances are built without a constructor, which is sound only for pydantic models.
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
                .map_err(|_| PyValueError::new_err("a plan has at most 65534 fields"))?;
        }
        let lists = fresh_lists.into_iter().map(|name| (name, Fresh::List));
        let fresh = lists.chain(fresh_dicts.into_iter().map(|name| (name, Fresh::Dict))).collect();
        let mut model_fields = 0;
        for name in template.bind(py).keys() {
            // Names with an underscore are not model fields: they hold the event's client
            // (mezon/models/_origin.py).
            model_fields += usize::from(!name.extract::<&str>()?.starts_with('_'));
        }
        let complete = given.bind(py).len() == model_fields;
        let lazy =
            later.map(|later| Lazy::new(py, later, message, &planned, template.bind(py))).transpose()?;
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
    /// Raises ValueError if the bytes are malformed.
    fn decode<'py>(&self, py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        decode::message(py, self, body).map_err(|why| why.into_pyerr(self.message.name))
    }

    /// Build the instance as `Gateway.drain` does: lazy fields are decoded on access.
    ///
    /// Raises ValueError if the bytes are malformed.
    fn receive<'py>(slf: &Bound<'py, Self>, body: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let body = body.into();
        lazy::message(slf.py(), slf.as_unbound(), &body, None)
            .map_err(|why| why.into_pyerr(slf.get().message.name))
    }

    /// Encode a mapping, or an object's attributes, by the plan's names. None and zeros are omitted.
    ///
    /// Raises TypeError, OverflowError or ValueError if a value does not fit its field.
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
        _ => Err(wrong("only messages, JSON strings and part lists can contain a plan")),
    }
}

type SchemaRow = (u32, &'static str, String, &'static str, bool);

/// Return the fields of a message as in `mezon._gateway.codec.SchemaField`: number, name, kind, type_name,
/// repeated.
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

/// Return the names of all messages of the schema.
#[pyfunction]
pub fn schema_messages() -> Vec<&'static str> {
    schema::MESSAGES.iter().map(|message| message.name).collect()
}

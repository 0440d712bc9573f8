//! Plans: how a protobuf message becomes a pydantic instance or a dict, and how a mapping becomes a message.
//!
//! Python creates one per model at its first use (mezon/_gateway/codec.py): the schema provides numbers and types,
//! the model provides names. Decoding follows the plan from the wire to a raw instance.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet, PyString, PyType};

use crate::wire::UNKNOWN_FIELDS;
use crate::wire::schema::{self, Kind};

/// What a field's wire value becomes.
pub(in crate::py) enum Shape {
    Scalar(Kind),
    Message(Py<Plan>),
    /// A `google.protobuf.*Value`: its value, or None.
    Wrapper(Kind),
    /// A map of scalars, as a dict.
    Map {
        key: Kind,
        value: Kind,
    },
    /// A JSON string: the object that it contains, `{}` for any other value.
    JsonObject,
    /// Bytes that contain a list message with one repeated field, or JSON.
    Parts {
        list_field: u32,
        item: Py<Plan>,
        from_json: Py<PyAny>,
    },
}

pub(in crate::py) struct PlanField {
    pub number: u32,
    /// The names of the field in the instance; usually one.
    pub names: Vec<Py<PyString>>,
    pub shape: Shape,
    pub repeated: bool,
    pub packed: bool,
    /// The index of its list during decoding; for repeated fields only.
    pub slot: usize,
}

/// How a message of the schema becomes an instance of a class.
#[pyclass(frozen, module = "mezon._core")]
pub struct Plan {
    pub(in crate::py) message: &'static schema::Message,
    /// None for a dict.
    pub(in crate::py) class: Option<Py<PyType>>,
    /// Every name with its zero, in the order of the model's fields.
    pub(in crate::py) template: Py<PyDict>,
    /// The names whose zero is a new list or dict for each instance.
    pub(in crate::py) fresh: Vec<(Py<PyString>, Fresh)>,
    pub(in crate::py) given: Py<PySet>,
    /// Whether `given` contains every field of the model.
    pub(in crate::py) complete: bool,
    pub(in crate::py) fields: Vec<PlanField>,
    /// Field number to index in `fields` + 1; 0 for unused numbers.
    pub(super) by_number: Vec<u16>,
    pub(in crate::py) slots: usize,
    /// Whether a field is a JSON text.
    pub(in crate::py) has_json: bool,
    /// The name that holds the whole message as a dict.
    pub(in crate::py) whole: Option<(Py<PyString>, Py<Plan>)>,
    /// How messages from the socket are decoded on access; None for eager decoding.
    pub(in crate::py) lazy: Option<Lazy>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::py) enum Fresh {
    List,
    Dict,
}

impl Plan {
    pub(in crate::py) fn field(&self, number: u32) -> Option<&PlanField> {
        self.fields.get(self.index(number)?)
    }

    /// Return the index in `fields` of a field number.
    #[inline]
    pub(super) fn index(&self, number: u32) -> Option<usize> {
        usize::from(*self.by_number.get(number as usize)?).checked_sub(1)
    }

    /// Note a field that the plan omits if the schema does not contain it either.
    #[inline]
    pub(super) fn note_unknown(&self, number: u32) {
        if UNKNOWN_FIELDS.enabled() {
            self.message.note_unknown(number);
        }
    }

    /// Return whether no field costs more than its bytes: no lists and no nested messages.
    pub(super) fn is_flat(&self) -> bool {
        let plain = |field: &PlanField| !field.repeated && matches!(field.shape, Shape::Scalar(_));
        self.whole.is_none() && self.fields.iter().all(plain)
    }
}

/// The key of the undecoded bytes in an instance's dict. No model field begins with an underscore.
pub(super) const KEY: &str = "_undecoded";
/// Which fields of a message are decoded lazily.
pub(in crate::py) struct Lazy {
    /// The initial dict of an instance: the eager fields and the key of the bytes.
    pub(super) template: Py<PyDict>,
    /// The names and numbers of the fields that are decoded eagerly. The header of a message has them.
    pub(super) at_once: Vec<(Py<PyString>, u32)>,
    /// The index of the field that is decoded alone, the content.
    pub(super) alone: usize,
}

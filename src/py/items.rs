//! Converts items to the tuples (kind, key, value) that `drain` returns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::codec::decode::{self, DecodeError};
use super::codec::lazy;
use super::codec::plan::Plan;
use super::is_fatal;
use crate::gateway::{Stats, TAGS};
use crate::item::{Failure, Item};
use crate::wire::schema::{self, Kind};
use crate::wire::{Body, Parsed, UNKNOWN_FIELDS};

/// The kinds of the tuples that `drain` returns, as `mezon._core.ItemKind`.
#[pyclass(frozen, module = "mezon._core")]
pub struct ItemKind;

#[pymethods]
impl ItemKind {
    /// An event: the key is its tag, the value the model, or bytes without a plan.
    #[classattr]
    const EVENT: u8 = 0;
    /// An answer: the key is the call, the value (tag, model).
    #[classattr]
    const REPLY: u8 = 1;
    /// A raw API answer: the key is the call, the value its bytes.
    #[classattr]
    const RAW: u8 = 2;
    /// A call that gets no answer: the key is the call, the value (a `FailureKind`, detail, code).
    #[classattr]
    const FAILED: u8 = 3;
    /// A new state: the key is the generation, the value (state, reason).
    #[classattr]
    const STATE: u8 = 4;
    /// A request for a session: the key is the generation, the value the attempt.
    #[classattr]
    const SESSION_WANTED: u8 = 5;
    /// The connection is ready again: the key is the generation, the value (lost at, back at).
    #[classattr]
    const RECONNECTED: u8 = 6;
    /// Malformed frames: the key is their number so far, the value the latest error.
    #[classattr]
    const MALFORMED: u8 = 7;
    /// An error with one item of this batch: the key is its tag, the value the exception.
    #[classattr]
    const BROKEN: u8 = 8;
    /// A record for the logger of the core: the key is its level, the value the text.
    #[classattr]
    const LOG: u8 = 9;
    /// Consecutive events of a tag that is delivered in lists: the key is the tag, the value the list.
    #[classattr]
    const EVENTS: u8 = 10;
}

/// Why a call got no answer, as `mezon._core.FailureKind`.
#[pyclass(frozen, module = "mezon._core")]
pub struct FailureKind;

#[pymethods]
impl FailureKind {
    /// The call was sent, but no answer arrived before the deadline.
    #[classattr]
    const TIMEOUT: &'static str = "timeout";
    /// The deadline passed before the call was sent.
    #[classattr]
    const NOT_SENT: &'static str = "not_sent";
    /// The connection was lost after the call was sent.
    #[classattr]
    const DELIVERY_UNKNOWN: &'static str = "delivery_unknown";
    /// The client was closed before the call was sent.
    #[classattr]
    const CLOSED: &'static str = "closed";
    /// The server has refused the call: detail is its message, code its code.
    #[classattr]
    const REFUSED: &'static str = "refused";
    /// The answer is longer than the maximum.
    #[classattr]
    const TOO_LONG: &'static str = "too_long";
    /// The answer is malformed.
    #[classattr]
    const MALFORMED: &'static str = "malformed";
}

/// How events and answers are delivered, by tag.
pub(super) struct Plans {
    /// The plans that decode them. Without a plan they remain bytes.
    plans: [PyOnceLock<Py<Plan>>; TAGS],
    /// Whether consecutive events are delivered as a list.
    lists: [AtomicBool; TAGS],
}

impl Plans {
    pub fn new() -> Self {
        Self { plans: [const { PyOnceLock::new() }; TAGS], lists: [const { AtomicBool::new(false) }; TAGS] }
    }

    /// Deliver consecutive events of a tag as a list, or one by one.
    pub fn set_lists(&self, tag: u32, lists: bool) {
        if let Some(known) = self.lists.get(tag as usize) {
            known.store(lists, Ordering::Relaxed);
        }
    }

    fn in_lists(&self, tag: u32) -> bool {
        self.lists.get(tag as usize).is_some_and(|lists| lists.load(Ordering::Relaxed))
    }

    /// Set the plan of a tag. False if the tag has one already; None if the tag is invalid.
    pub fn set(&self, py: Python<'_>, tag: u32, plan: Py<Plan>) -> Option<bool> {
        Some(self.plans.get(tag as usize)?.set(py, plan).is_ok())
    }

    /// Decode an answer or a recent message completely.
    pub fn decode<'py>(
        &self,
        py: Python<'py>,
        tag: u32,
        body: &[u8],
    ) -> Result<Bound<'py, PyAny>, DecodeError> {
        match self.get(py, tag) {
            Some(plan) => guarded(|| decode::message(py, plan.get(), body)),
            None => Ok(PyBytes::new(py, body).into_any()),
        }
    }

    /// Decode an event, leaving the lazy fields of its plan undecoded.
    fn receive<'py>(
        &self,
        py: Python<'py>,
        tag: u32,
        body: &Body,
        message: Option<Parsed>,
    ) -> Result<Bound<'py, PyAny>, DecodeError> {
        match self.get(py, tag) {
            Some(plan) => guarded(|| lazy::message(py, plan, body, message)),
            None => {
                note_unknown(tag, body);
                Ok(PyBytes::new(py, body).into_any())
            }
        }
    }

    fn get(&self, py: Python<'_>, tag: u32) -> Option<&Py<Plan>> {
        self.plans.get(tag as usize)?.get(py)
    }
}

/// Note the unknown fields of an event without a plan, which nothing else reads here.
fn note_unknown(tag: u32, body: &[u8]) {
    if UNKNOWN_FIELDS.enabled()
        && let Some(Kind::Message(name)) = schema::envelope().field(tag).map(|field| field.kind)
        && let Some(message) = schema::message(name)
    {
        message.note_unknown_fields(body);
    }
}

/// Catch panics, which are bugs in the core: they must cost this message only.
fn guarded<'py>(
    decode: impl FnOnce() -> Result<Bound<'py, PyAny>, DecodeError>,
) -> Result<Bound<'py, PyAny>, DecodeError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        let text = "a message could not be decoded because of a bug in mezon-rs; please report it";
        Err(DecodeError::Python(PyRuntimeError::new_err(text)))
    })
}

/// The tuples of a drain.
pub(super) struct Tuples<'py> {
    pub all: Vec<Bound<'py, PyTuple>>,
    /// The tag and the list of the last tuple, if it is an `EVENTS` tuple that takes further events.
    open: Option<(u32, Bound<'py, PyList>)>,
}

impl<'py> Tuples<'py> {
    pub fn with_capacity(items: usize) -> Self {
        Self { all: Vec::with_capacity(items), open: None }
    }

    fn push(&mut self, tuple: Bound<'py, PyTuple>) {
        self.open = None;
        self.all.push(tuple);
    }

    /// Append an event to the list of the previous one of its tag, or to a new list.
    fn push_to_list(&mut self, py: Python<'py>, tag: u32, event: Bound<'py, PyAny>) -> PyResult<()> {
        if let Some((open, list)) = &self.open
            && *open == tag
        {
            return list.append(event);
        }
        let list = PyList::new(py, [event])?;
        self.push(triple(py, ItemKind::EVENTS, tag.into(), list.clone().into_any())?);
        self.open = Some((tag, list));
        Ok(())
    }
}

/// Append the tuple of an item, or an event to a list. An event with a malformed body is counted and omitted.
///
/// # Errors
/// If Python has no memory for a tuple.
pub(super) fn add<'py>(
    py: Python<'py>,
    (plans, stats): (&Plans, &Stats),
    item: Item,
    into: &mut Tuples<'py>,
) -> PyResult<()> {
    let tuple = match item {
        Item::Event { tag, body, message } => match plans.receive(py, tag, &body, message) {
            Ok(value) if plans.in_lists(tag) => return into.push_to_list(py, tag, value),
            Ok(value) => triple(py, ItemKind::EVENT, tag.into(), value)?,
            Err(DecodeError::Malformed(_)) => {
                Stats::add(&stats.malformed, 1);
                return Ok(());
            }
            Err(DecodeError::Python(why)) => broken(py, tag, why)?,
        },
        Item::Reply { call, tag, body } => match plans.decode(py, tag, &body) {
            Ok(value) => triple(py, ItemKind::REPLY, call, (tag, value).into_pyobject(py)?.into_any())?,
            Err(DecodeError::Malformed(why)) => {
                Stats::add(&stats.malformed, 1);
                failed(py, call, (FailureKind::MALFORMED, why.to_string(), 0))?
            }
            Err(DecodeError::Python(why)) => {
                let text = why.value(py).to_string();
                if is_fatal(py, &why) {
                    // For example KeyboardInterrupt in Python code that decoding calls: report it in addition to
                    // the failed call.
                    into.push(broken(py, tag, why)?);
                }
                failed(py, call, (FailureKind::MALFORMED, text, 0))?
            }
        },
        Item::Raw { call, body } => triple(py, ItemKind::RAW, call, PyBytes::new(py, &body).into_any())?,
        Item::Failed { call, failure } => {
            let (name, detail, code) = match failure {
                Failure::Timeout => (FailureKind::TIMEOUT, String::new(), 0),
                Failure::NotSent => (FailureKind::NOT_SENT, String::new(), 0),
                Failure::DeliveryUnknown(reason) => (FailureKind::DELIVERY_UNKNOWN, reason, 0),
                Failure::Closed(reason) => (FailureKind::CLOSED, reason, 0),
                Failure::Refused { code, message } => (FailureKind::REFUSED, message, code),
                Failure::TooLong => (FailureKind::TOO_LONG, String::new(), 0),
            };
            failed(py, call, (name, detail, code))?
        }
        Item::Log { level, text } => {
            triple(py, ItemKind::LOG, level.into(), text.into_pyobject(py)?.into_any())?
        }
        Item::State { state, generation, reason } => {
            let value = (state.name(), reason).into_pyobject(py)?.into_any();
            triple(py, ItemKind::STATE, generation, value)?
        }
        Item::SessionWanted { generation, attempt } => {
            triple(py, ItemKind::SESSION_WANTED, generation, attempt.into_pyobject(py)?.into_any())?
        }
        Item::Malformed { count, reason } => {
            triple(py, ItemKind::MALFORMED, count, reason.into_pyobject(py)?.into_any())?
        }
        Item::Reconnected { generation, lost_at, back_at } => {
            let value = (lost_at, back_at).into_pyobject(py)?.into_any();
            triple(py, ItemKind::RECONNECTED, generation, value)?
        }
    };
    into.push(tuple);
    Ok(())
}

fn triple<'py>(
    py: Python<'py>,
    kind: u8,
    key: u64,
    value: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    (kind, key, value).into_pyobject(py)
}

fn failed<'py>(py: Python<'py>, call: u64, what: (&str, String, u16)) -> PyResult<Bound<'py, PyTuple>> {
    triple(py, ItemKind::FAILED, call, what.into_pyobject(py)?.into_any())
}

fn broken(py: Python<'_>, tag: u32, why: PyErr) -> PyResult<Bound<'_, PyTuple>> {
    triple(py, ItemKind::BROKEN, tag.into(), why.into_value(py).into_bound(py).into_any())
}

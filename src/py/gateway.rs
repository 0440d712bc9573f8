//! The connection as Python sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

use super::codec::decode::{self, DecodeError};
use super::codec::encode;
use super::codec::plan::Plan;
use super::wake::AnyWake;
use crate::gateway::{self, BackoffOptions, Denied, Failure, Options, Sink, Stats, TAGS, WebSocketConnector};
use crate::inbox::{Capacity, Inbox, Item};
use crate::wire::schema;
use crate::wire::tags::envelope as tags;

create_exception!(_core, GatewayError, PyException, "The core could not take an order; args: (kind, text).");

/// The kinds of the tuples `drain` gives.
pub mod kind {
    pub const EVENT: u8 = 0;
    pub const REPLY: u8 = 1;
    pub const RAW: u8 = 2;
    pub const FAILED: u8 = 3;
    pub const STATE: u8 = 4;
    pub const SESSION_WANTED: u8 = 5;
    pub const RECONNECTED: u8 = 6;
    pub const MALFORMED: u8 = 7;
}

fn denied(why: Denied) -> PyErr {
    let (kind, text) = match why {
        Denied::NotConnected => ("not_connected", "there is no connection".to_owned()),
        Denied::Connected => ("connected", "there is a connection already".to_owned()),
        Denied::TooManyPending(max) => ("too_many", format!("{max} calls are waiting already")),
        Denied::Forked => ("forked", "the process was forked after this client had started".to_owned()),
    };
    GatewayError::new_err((kind, text))
}

/// A connection to a Mezon gateway. It is driven by the core's own thread; `drain` brings what happened.
#[pyclass(frozen, module = "mezon._core")]
pub struct Gateway {
    core: gateway::Gateway,
    wake: Arc<AnyWake>,
    /// How events and answers are decoded, by tag. Those without a plan stay bytes.
    plans: [PyOnceLock<Py<Plan>>; TAGS],
}

impl Gateway {
    fn body<'py>(&self, py: Python<'py>, tag: u32, body: &[u8]) -> Result<Bound<'py, PyAny>, DecodeError> {
        match self.plans.get(tag as usize).and_then(|plan| plan.get(py)) {
            Some(plan) => decode::message(py, plan.get(), body),
            None => Ok(PyBytes::new(py, body).into_any()),
        }
    }

    /// The tuple for an item; None when its body does not decode, which is counted.
    fn tuple<'py>(&self, py: Python<'py>, item: Item) -> PyResult<Option<Bound<'py, PyTuple>>> {
        Ok(Some(match item {
            Item::Event { tag, body } => match self.body(py, tag, &body) {
                Ok(value) => triple(py, kind::EVENT, tag.into(), value)?,
                Err(DecodeError::Malformed(_)) => {
                    Stats::add(&self.core.stats().malformed, 1);
                    return Ok(None);
                }
                Err(DecodeError::Python(why)) => return Err(why),
            },
            Item::Reply { call, tag, body } => match self.body(py, tag, &body) {
                Ok(value) => triple(py, kind::REPLY, call, (tag, value).into_pyobject(py)?.into_any())?,
                Err(DecodeError::Malformed(why)) => {
                    Stats::add(&self.core.stats().malformed, 1);
                    failed(py, call, ("malformed", why.to_string(), 0))?
                }
                Err(DecodeError::Python(why)) => return Err(why),
            },
            Item::Raw { call, body } => triple(py, kind::RAW, call, PyBytes::new(py, &body).into_any())?,
            Item::Failed { call, failure } => {
                let (name, detail, code) = match failure {
                    Failure::Timeout => ("timeout", String::new(), 0),
                    Failure::NotSent => ("not_sent", String::new(), 0),
                    Failure::DeliveryUnknown(reason) => ("delivery_unknown", reason, 0),
                    Failure::Closed(reason) => ("closed", reason, 0),
                    Failure::Refused { code, message } => ("refused", message, code),
                    Failure::TooLong => ("too_long", String::new(), 0),
                };
                failed(py, call, (name, detail, code))?
            }
            Item::State { state, generation, reason } => {
                triple(py, kind::STATE, generation, (state.name(), reason).into_pyobject(py)?.into_any())?
            }
            Item::SessionWanted { generation, attempt } => {
                triple(py, kind::SESSION_WANTED, generation, attempt.into_pyobject(py)?.into_any())?
            }
            Item::Malformed { count, reason } => {
                triple(py, kind::MALFORMED, count, reason.into_pyobject(py)?.into_any())?
            }
            Item::Reconnected { generation, lost_at, back_at } => {
                triple(py, kind::RECONNECTED, generation, (lost_at, back_at).into_pyobject(py)?.into_any())?
            }
        }))
    }
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
    triple(py, kind::FAILED, call, what.into_pyobject(py)?.into_any())
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyValueError::new_err(format!("{name} must be a number of seconds, not {value}")))
}

/// The options by their names; the defaults are those of `Options`.
fn options(given: Option<&Bound<'_, PyDict>>) -> PyResult<Options> {
    let mut options = Options::default();
    let Some(given) = given else { return Ok(options) };
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        if value.is_none() && name != "reconnect_max_attempts" {
            continue;
        }
        let span = || value.extract::<f64>().and_then(|value| seconds(&name, value));
        match name.as_str() {
            "ca_file" => options.ca_file = Some(value.extract::<PathBuf>()?),
            "insecure" => options.insecure = value.extract()?,
            "max_frame" => options.max_frame = value.extract()?,
            "inbox_events" => options.inbox = Capacity { events: value.extract()?, ..options.inbox },
            "recent_per_channel" => options.recent.per_channel = value.extract()?,
            "recent_channels" => options.recent.channels = value.extract()?,
            "recent_bytes" => options.recent.bytes = value.extract()?,
            "inbox_bytes" => options.inbox = Capacity { bytes: value.extract()?, ..options.inbox },
            "max_pending" => options.max_pending = value.extract()?,
            "max_raw" => options.max_raw = value.extract()?,
            "connect_timeout" => options.connect_timeout = span()?,
            "heartbeat_interval" => options.heartbeat_interval = span()?,
            "heartbeat_timeout" => options.heartbeat_timeout = span()?,
            "rate_limit" => options.rate_limit = value.extract()?,
            "rate_period" => options.rate_period = span()?,
            "backoff_base" => options.backoff = BackoffOptions { base: span()?, ..options.backoff },
            "backoff_factor" => {
                options.backoff = BackoffOptions { factor: value.extract()?, ..options.backoff }
            }
            "backoff_max" => options.backoff = BackoffOptions { max: span()?, ..options.backoff },
            "reconnect_max_attempts" => options.reconnect_max_attempts = value.extract()?,
            "max_joined" => options.max_joined = value.extract()?,
            "rejoin_timeout" => options.rejoin_timeout = span()?,
            "session_timeout" => options.session_timeout = span()?,
            "max_store_backlog" => options.max_store_backlog = value.extract()?,
            _ => return Err(PyValueError::new_err(format!("the gateway has no option {name}"))),
        }
    }
    Ok(options)
}

#[pymethods]
impl Gateway {
    /// `options` as `mezon.GatewayOptions` names them. With `notify`, a callable is called on a thread of its own
    /// when there is something to drain; without, the descriptor `fileno()` becomes readable.
    #[new]
    #[pyo3(signature = (options=None, notify=None, store=None))]
    fn new(
        options: Option<&Bound<'_, PyDict>>,
        notify: Option<Py<PyAny>>,
        store: Option<&super::store::Store>,
    ) -> PyResult<Self> {
        let options = self::options(options)?;
        let wake = Arc::new(AnyWake::new(notify)?);
        let inbox = Arc::new(Inbox::new(options.inbox, wake.clone()));
        let connector = WebSocketConnector::new(options.trust(), options.max_frame);
        let sink = store.map(|store| Arc::new(store.store.clone()) as Arc<dyn Sink>);
        let core = gateway::Gateway::new(options, inbox, sink, Box::new(connector));
        Ok(Self { core, wake, plans: [const { PyOnceLock::new() }; TAGS] })
    }

    /// The descriptor to watch for reading, or -1 when `notify` is called instead.
    fn fileno(&self) -> i32 {
        self.wake.fd()
    }

    /// Makes `fileno()` unreadable until the next time there is something.
    fn clear_wake(&self) {
        self.wake.clear();
    }

    /// Up to `max` things that happened, oldest first, and whether there are more.
    ///
    /// When there are no more, the wake-up is armed.
    fn drain<'py>(&self, py: Python<'py>, max: usize) -> PyResult<(Bound<'py, PyList>, bool)> {
        let mut items = Vec::with_capacity(max.min(1024));
        let more = self.core.inbox().drain(max, &mut items);
        let mut tuples = Vec::with_capacity(items.len());
        for item in items {
            tuples.extend(self.tuple(py, item)?);
        }
        Ok((PyList::new(py, tuples)?, more))
    }

    fn connect(&self, url: String, auto_reconnect: bool) -> PyResult<()> {
        self.core.connect(url, auto_reconnect).map_err(denied)
    }

    /// Queues an encoded message in the envelope field `tag`; gives the id its answer will carry.
    fn call(&self, tag: u32, body: &[u8], timeout: f64) -> PyResult<u64> {
        let timeout = seconds("timeout", timeout)?;
        self.core.call(tag, bytes::Bytes::copy_from_slice(body), timeout).map_err(denied)
    }

    /// Encodes by a plan and queues, in one step.
    fn call_with(
        &self,
        py: Python<'_>,
        tag: u32,
        plan: &Plan,
        value: &Bound<'_, PyAny>,
        timeout: f64,
    ) -> PyResult<u64> {
        let timeout = seconds("timeout", timeout)?;
        let mut body = Vec::with_capacity(256);
        encode::message(py, plan, value, &mut body)?;
        self.core.call(tag, body.into(), timeout).map_err(denied)
    }

    /// Says who the bot is: from then on what it sends is kept like what it receives.
    fn set_own_id(&self, id: i64) {
        self.core.set_own_id(id);
    }

    fn cancel(&self, call: u64) {
        self.core.cancel(call);
    }

    fn provide_session(&self, generation: u64, url: String) {
        self.core.provide_session(generation, url);
    }

    fn refuse_session(&self, generation: u64, fatal: bool, reason: String) {
        self.core.refuse_session(generation, fatal, reason);
    }

    /// Begins to close; a state "closed" says when it is done. False when there is no connection.
    fn close(&self) -> bool {
        self.core.close()
    }

    /// Makes a new connection at once: gives up the one there is, or cuts the wait for the next attempt short.
    /// False when there is no connection and none is being made.
    fn reconnect(&self) -> bool {
        self.core.reconnect()
    }

    /// Hands events of a tag out, or counts and drops them.
    fn want(&self, tag: u32, wanted: bool) {
        self.core.stats().set_wanted(tag, wanted);
    }

    /// Decodes events and answers of a tag by a plan from now on. A tag's first plan stays.
    fn set_plan(&self, py: Python<'_>, tag: u32, plan: Py<Plan>) -> PyResult<()> {
        let slot = self.plans.get(tag as usize).ok_or_else(|| PyValueError::new_err("no such tag"))?;
        slot.set(py, plan).map_err(|_| PyRuntimeError::new_err("the tag has a plan already"))
    }

    /// The messages of a channel that came since it was last asked, oldest first. Those that do not decode are left out.
    fn take_recent<'py>(&self, py: Python<'py>, channel: i64) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for body in self.core.take_recent(channel) {
            match self.body(py, tags::CHANNEL_MESSAGE, &body) {
                Ok(message) => list.append(message)?,
                Err(DecodeError::Malformed(_)) => {}
                Err(DecodeError::Python(why)) => return Err(why),
            }
        }
        Ok(list)
    }

    #[getter]
    fn state(&self) -> &'static str {
        self.core.state().name()
    }

    /// The last round trip of a ping in seconds; None before the first.
    #[getter]
    fn latency(&self) -> Option<f64> {
        let micros = self.core.stats().latency_us.load(std::sync::atomic::Ordering::Relaxed);
        (micros > 0).then_some(micros as f64 / 1e6)
    }

    /// All counters by name, the inbox's depth, and `events`: how many of each came, by field name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, count) in self.core.stats().counters() {
            dict.set_item(name, count)?;
        }
        let depth = self.core.inbox().depth();
        dict.set_item("queued", depth.events)?;
        dict.set_item("queued_bytes", depth.bytes)?;
        dict.set_item("queue_high_water", depth.high_water)?;
        let events = PyDict::new(py);
        for field in schema::envelope().fields {
            let count = self.core.stats().events(field.number);
            if field.oneof && count > 0 {
                events.set_item(PyString::intern(py, field.name), PyInt::new(py, count))?;
            }
        }
        dict.set_item("events", events)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        format!("<Gateway {}>", self.core.state())
    }
}

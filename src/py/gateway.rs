//! Python bindings of the connection.

use std::sync::Arc;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString};

use super::codec::decode::DecodeError;
use super::codec::encode;
use super::codec::plan::Plan;
use super::filter::EventFilter;
use super::is_fatal;
use super::items::{self, Plans, Tuples};
use super::options::{self, seconds};
use super::wake::AnyWake;
use crate::gateway::{self, Connector, Denied, MessageSink};
use crate::inbox::Inbox;
use crate::item::Item;
use crate::wire::schema;
use crate::wire::tags::envelope as tags;

create_exception!(_core, GatewayError, PyException, "The core rejected a command; args: (kind, text).");

fn denied(why: Denied) -> PyErr {
    let (kind, text) = match why {
        Denied::NotConnected => ("not_connected", "there is no connection".to_owned()),
        Denied::Connected => ("connected", "there is a connection already".to_owned()),
        Denied::TooManyPending(max) => {
            ("too_many", format!("{max} calls are pending already, which is the maximum (max_pending)"))
        }
        Denied::Forked => ("forked", "the process was forked after this client had started".to_owned()),
        Denied::NoResources(why) => ("no_resources", why),
    };
    GatewayError::new_err((kind, text))
}

/// Convert a refusal of the system to the error of the other refusals.
fn no_resources(py: Python<'_>, why: PyErr) -> PyErr {
    if why.is_instance_of::<PyOSError>(py) {
        denied(Denied::NoResources(why.value(py).to_string()))
    } else {
        why
    }
}

impl Gateway {
    fn queue(&self, tag: u32, body: bytes::Bytes, timeout: f64, hold: bool) -> PyResult<u64> {
        let timeout = seconds("timeout", timeout)?;
        let call = if hold { gateway::Gateway::call_held } else { gateway::Gateway::call };
        call(&self.core, tag, body, timeout).map_err(denied)
    }
}

/// A connection to a Mezon gateway, driven by the core's own thread. `drain` returns its reports.
#[pyclass(frozen, module = "mezon._core")]
pub struct Gateway {
    core: gateway::Gateway,
    inbox: Arc<Inbox>,
    wake: Arc<AnyWake>,
    plans: Plans,
}

#[pymethods]
impl Gateway {
    /// `options` has the names of `mezon.GatewayOptions`. With `notify`, that callable is called on a thread of
    /// its own when there is something to drain; otherwise the descriptor `fileno()` becomes readable.
    #[new]
    #[pyo3(signature = (options=None, notify=None, store=None, recorder=None))]
    fn new(
        py: Python<'_>,
        options: Option<&Bound<'_, PyDict>>,
        notify: Option<Py<PyAny>>,
        store: Option<&super::store::Store>,
        recorder: Option<&super::recorder::Recorder>,
    ) -> PyResult<Self> {
        let mut options = options::read(options)?;
        options.recorder = recorder.map(super::recorder::Recorder::shared);
        let wake = AnyWake::new(notify).map_err(|why| no_resources(py, why))?;
        let wake = Arc::new(wake);
        let inbox = Arc::new(Inbox::new(options.inbox, wake.clone()));
        let connector = Connector::new(options.trust(), options.max_frame);
        let sink = store.map(|store| Arc::new(store.store.clone()) as Arc<dyn MessageSink>);
        let core = gateway::Gateway::new(options, inbox.clone(), sink, Box::new(connector));
        Ok(Self { core, inbox, wake, plans: Plans::new() })
    }

    /// Return the descriptor to watch for reading, or -1 if `notify` is called instead.
    fn fileno(&self) -> i32 {
        self.wake.fd()
    }

    /// Make `fileno()` unreadable until the next report. In a forked child the descriptor is the parent's and
    /// remains unchanged.
    fn clear_wake(&self) -> PyResult<()> {
        self.core.not_forked().map_err(denied)?;
        self.wake.clear();
        Ok(())
    }

    /// Return up to `max` events and the queued answers, oldest first, and whether there are more.
    ///
    /// The waker is armed if there are no more.
    fn drain<'py>(&self, py: Python<'py>, max: usize) -> PyResult<(Bound<'py, PyList>, bool)> {
        let mut items = Vec::with_capacity(max.min(1024));
        self.core.not_forked().map_err(denied)?;
        let more = self.inbox.drain(max, &mut items);
        let mut tuples = Tuples::with_capacity(items.len());
        self.core.note_unknown_fields();
        for item in items {
            if matches!(item, Item::Log { .. }) {
                self.core.trace().taken();
            }
            items::add(py, (&self.plans, self.core.stats()), item, &mut tuples)?;
        }
        self.core.log_unknown_fields();
        Ok((PyList::new(py, tuples.all)?, more))
    }

    /// Open the connection. The URLs are tried in order; the scheme names the transport: ws, wss, tcp, tcps.
    fn connect(&self, urls: Vec<String>, auto_reconnect: bool) -> PyResult<()> {
        self.core.connect(urls, auto_reconnect).map_err(denied)
    }

    /// Log records from this level of `logging` on; a level above all of them disables the log.
    fn set_log_level(&self, level: u8) {
        self.core.trace().set_level(level);
    }

    /// Queue an encoded message in the envelope field `tag` and return the id that its answer will have.
    /// With `hold` the call may wait for the next command, or for `flush`.
    #[pyo3(signature = (tag, body, timeout, hold=false))]
    fn call(&self, tag: u32, body: &[u8], timeout: f64, hold: bool) -> PyResult<u64> {
        self.queue(tag, bytes::Bytes::copy_from_slice(body), timeout, hold)
    }

    /// Encode a value by a plan and queue it, in one step.
    #[pyo3(signature = (tag, plan, value, timeout, hold=false))]
    fn call_with(
        &self,
        py: Python<'_>,
        tag: u32,
        plan: &Plan,
        value: &Bound<'_, PyAny>,
        timeout: f64,
        hold: bool,
    ) -> PyResult<u64> {
        let mut body = Vec::with_capacity(256);
        encode::message(py, plan, value, &mut body)?;
        self.queue(tag, body.into(), timeout, hold)
    }

    /// Queue the held calls.
    fn flush(&self) {
        self.core.flush();
    }

    /// Set the bot's id: from then on sent messages are recorded like received ones.
    fn set_own_id(&self, id: i64) {
        self.core.set_own_id(id);
    }

    /// Allow calls to be sent for `left` seconds from now on, and no longer unless the lease is renewed.
    fn renew_lease(&self, left: f64) -> PyResult<()> {
        self.core.renew_lease(seconds("left", left)?);
        Ok(())
    }

    fn cancel(&self, call: u64) {
        self.core.cancel(call);
    }

    fn provide_session(&self, generation: u64, urls: Vec<String>) {
        self.core.provide_session(generation, urls);
    }

    fn refuse_session(&self, generation: u64, fatal: bool, reason: String) {
        self.core.refuse_session(generation, fatal, reason);
    }

    /// Start closing the connection; the state "closed" reports the end. Returns False if there is no connection.
    fn close(&self) -> bool {
        self.core.close()
    }

    /// Establish a new connection at once: drop the current one, or skip the delay before the next attempt.
    /// Returns False if there is no connection and none is being established.
    fn reconnect(&self) -> bool {
        self.core.reconnect()
    }

    /// Measure the round trip now and store it in `latency`. Returns False if there is no connection.
    fn ping(&self) -> bool {
        self.core.ping()
    }

    /// Deliver the events of a tag, or count and drop them.
    fn want(&self, tag: u32, wanted: bool) {
        self.core.stats().set_wanted(tag, wanted);
    }

    /// Deliver consecutive events of a tag as a list (`ItemKind.EVENTS`), or one by one.
    fn deliver_lists(&self, tag: u32, lists: bool) {
        self.plans.set_lists(tag, lists);
    }

    /// Set or remove the filter of a tag.
    fn set_filter(&self, tag: u32, filter: Option<&EventFilter>) -> PyResult<()> {
        let filter = filter.map(EventFilter::fresh).transpose()?;
        self.core.set_filter(tag, filter);
        Ok(())
    }

    /// Decode the events and answers of a tag by a plan from now on. The first plan of a tag stays.
    fn set_plan(&self, py: Python<'_>, tag: u32, plan: Py<Plan>) -> PyResult<()> {
        match self.plans.set(py, tag, plan) {
            Some(true) => Ok(()),
            Some(false) => Err(PyRuntimeError::new_err("the tag has a plan already")),
            None => Err(PyValueError::new_err("no such tag")),
        }
    }

    /// Remove and return the messages of a channel that arrived since the last call, oldest first. Malformed ones
    /// are omitted.
    fn take_recent<'py>(&self, py: Python<'py>, channel: i64) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for body in self.core.take_recent(channel) {
            match self.plans.decode(py, tags::CHANNEL_MESSAGE, &body) {
                Ok(message) => list.append(message)?,
                Err(DecodeError::Malformed(_)) => {}
                Err(DecodeError::Python(why)) if is_fatal(py, &why) => return Err(why),
                // The error of one message must not cost the others of the channel.
                Err(DecodeError::Python(why)) => why.write_unraisable(py, None),
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

    /// Return all counters by name, `transport` ("websocket", "tcp", or "" while not connected), the depth of the
    /// inbox, and `events`: the number of received events by field name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, count) in self.core.stats().counters() {
            dict.set_item(name, count)?;
        }
        let transport = self.core.stats().transport();
        dict.set_item("transport", transport.map_or("", |kind| kind.name()))?;
        let depth = self.inbox.depth();
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

//! The options of the connection: one table of their names, types, fields and descriptions. The defaults are those
//! of [`Options`]; a test compares the table with `mezon.GatewayOptions` and the documentation.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::gateway::Options;

/// How an option's value is converted from and to Python.
trait Kind {
    type Value;
    /// The type as `GatewayOptions` writes it.
    const TYPE: &'static str;
    /// None keeps the default.
    fn read(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Self::Value>>;
    fn show(py: Python<'_>, value: &Self::Value) -> PyResult<Py<PyAny>>;
}

struct FilePath;
struct Flag;
struct Count<T>(PhantomData<T>);
struct Seconds;
struct Factor;
struct Attempts;

impl Kind for FilePath {
    type Value = Option<PathBuf>;
    const TYPE: &'static str = "str | None";
    fn read(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Self::Value>> {
        value.extract().map(Some)
    }
    fn show(py: Python<'_>, value: &Self::Value) -> PyResult<Py<PyAny>> {
        Ok(value.as_ref().map(|path| path.to_string_lossy().into_owned()).into_pyobject(py)?.unbind())
    }
}

impl Kind for Flag {
    type Value = bool;
    const TYPE: &'static str = "bool";
    fn read(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
        value.extract()
    }
    fn show(py: Python<'_>, value: &bool) -> PyResult<Py<PyAny>> {
        Ok(value.into_pyobject(py)?.to_owned().into_any().unbind())
    }
}

impl<T> Kind for Count<T>
where
    T: Copy + for<'a, 'py> FromPyObject<'a, 'py, Error = PyErr> + TryInto<u64>,
{
    type Value = T;
    const TYPE: &'static str = "int";
    fn read(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<T>> {
        value.extract()
    }
    fn show(py: Python<'_>, value: &T) -> PyResult<Py<PyAny>> {
        let number: u64 = (*value).try_into().unwrap_or(u64::MAX);
        Ok(number.into_pyobject(py)?.into_any().unbind())
    }
}

impl Kind for Seconds {
    type Value = Duration;
    const TYPE: &'static str = "float";
    fn read(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
        value.extract::<Option<f64>>()?.map(|value| seconds(name, value)).transpose()
    }
    fn show(py: Python<'_>, value: &Duration) -> PyResult<Py<PyAny>> {
        Ok(value.as_secs_f64().into_pyobject(py)?.into_any().unbind())
    }
}

impl Kind for Factor {
    type Value = f64;
    const TYPE: &'static str = "float";
    fn read(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
        value.extract()
    }
    fn show(py: Python<'_>, value: &f64) -> PyResult<Py<PyAny>> {
        Ok(value.into_pyobject(py)?.into_any().unbind())
    }
}

impl Kind for Attempts {
    type Value = Option<u32>;
    const TYPE: &'static str = "int | None";
    fn read(_: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Option<u32>>> {
        value.extract().map(Some)
    }
    fn show(py: Python<'_>, value: &Option<u32>) -> PyResult<Py<PyAny>> {
        Ok(value.into_pyobject(py)?.into_any().unbind())
    }
}

/// (name, type, default, description).
type Row = (&'static str, &'static str, Py<PyAny>, &'static str);

macro_rules! table {
    ($($name:ident: $kind:ty => $($place:ident).+, $doc:literal;)*) => {
        fn set(options: &mut Options, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
            match name {
                $(stringify!($name) => {
                    if let Some(value) = <$kind as Kind>::read(name, value)? {
                        options.$($place).+ = value;
                    }
                })*
                _ => return Err(PyValueError::new_err(format!("the gateway has no option {name}"))),
            }
            Ok(())
        }

        /// Return every option of the connection: name, type, default, description.
        #[pyfunction]
        pub fn gateway_options(py: Python<'_>) -> PyResult<Vec<Row>> {
            let options = Options::default();
            Ok(vec![$((
                stringify!($name),
                <$kind as Kind>::TYPE,
                <$kind as Kind>::show(py, &options.$($place).+)?,
                $doc,
            )),*])
        }
    };
}

table! {
    ca_file: FilePath => ca_file,
        "A PEM file of further certificate authorities to trust, for HTTP and the socket.";
    insecure: Flag => insecure,
        "Accept any certificate, for HTTP and the socket: an attacker between bot and server can read the key and the token and act as the bot. Prefer ``ca_file`` for a server with its own CA.";
    max_frame: Count<usize> => max_frame,
        "The largest frame accepted from the server, in bytes.";
    inbox_events: Count<usize> => inbox.events,
        "Events buffered for the event loop before reading from the socket pauses; twice as many while a call is pending, because its answer may be behind them.";
    inbox_bytes: Count<usize> => inbox.bytes,
        "The same limit in bytes. More than eight clients of one process share the budget of eight.";
    max_pending: Count<usize> => max_pending,
        "Calls that may be queued or waiting for their answer.";
    max_raw: Count<usize> => max_raw,
        "The largest answer of an API call over the socket in bytes, and the largest sum of such answers that are being received.";
    connect_timeout: Seconds => connect_timeout,
        "Seconds for an attempt to connect to one address: TCP, TLS and handshake.";
    heartbeat_interval: Seconds => heartbeat_interval,
        "Seconds between two pings.";
    heartbeat_timeout: Seconds => heartbeat_timeout,
        "Seconds without a frame after a ping before the connection counts as lost.";
    rate_limit: Count<u32> => rate_limit,
        "Frames sent in one ``rate_period``; 0 for no limit.";
    rate_period: Seconds => rate_period,
        "Seconds.";
    backoff_base: Seconds => backoff.base,
        "The maximum delay in seconds before the second attempt to reconnect.";
    backoff_factor: Factor => backoff.factor,
        "The growth of the maximum with each attempt. The delay is random below the maximum.";
    backoff_max: Seconds => backoff.max,
        "The maximum delay in seconds.";
    reconnect_max_attempts: Attempts => reconnect_max_attempts,
        "Attempts after a loss before the client gives up; None for no limit.";
    max_joined: Count<usize> => max_joined,
        "Clans and channels that are rejoined after a reconnect.";
    rejoin_timeout: Seconds => rejoin_timeout,
        "Seconds the rejoins may take.";
    session_timeout: Seconds => session_timeout,
        "Seconds the creation of a session for a reconnect may take.";
    max_store_backlog: Count<usize> => max_store_backlog,
        "Bytes of unsaved messages before reading from the socket pauses.";
    recent_per_channel: Count<usize> => recent.per_channel,
        "Messages of a channel kept for whoever looks at it; set by MezonClient.";
    recent_channels: Count<usize> => recent.channels,
        "Of how many channels, the ones used last; set by MezonClient.";
    recent_bytes: Count<usize> => recent.bytes,
        "How many bytes all of them may take.";
}

/// Read the options by their names.
pub(super) fn read(given: Option<&Bound<'_, PyDict>>) -> PyResult<Options> {
    let mut options = Options::default();
    for (name, value) in given.into_iter().flatten() {
        set(&mut options, &name.extract::<String>()?, &value)?;
    }
    Ok(options)
}

pub(super) fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyValueError::new_err(format!("{name} must be a number of seconds, not {value}")))
}

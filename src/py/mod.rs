//! The bindings to Python: the only module that depends on pyo3.
#![allow(unsafe_code)] // the seam alone may, and each use says why it is sound

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::prelude::*;

use crate::gateway::SILENT;

mod codec;
mod crypto;
mod filter;
mod gateway;
mod items;
mod options;
mod recorder;
mod store;
mod wake;

/// The version of the crate, which is the version of the distribution.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// True for an unoptimised build, which is several times slower.
const DEBUG_BUILD: bool = cfg!(debug_assertions);

/// Return whether an exception is an interrupt, an exit or a lack of memory: these are not about the value at hand
/// and must be propagated.
fn is_fatal(py: Python<'_>, why: &PyErr) -> bool {
    !why.is_instance_of::<PyException>(py) || why.is_instance_of::<PyMemoryError>(py)
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", VERSION)?;
    module.add("debug_build", DEBUG_BUILD)?;
    module.add("SILENT", SILENT)?;
    crypto::register(module)?;
    module.add("GatewayError", module.py().get_type::<gateway::GatewayError>())?;
    module.add_class::<gateway::Gateway>()?;
    module.add_class::<recorder::Recorder>()?;
    module.add_class::<filter::EventFilter>()?;
    module.add_class::<filter::TextFilter>()?;
    module.add_class::<items::ItemKind>()?;
    module.add_class::<items::FailureKind>()?;
    module.add_function(wrap_pyfunction!(options::gateway_options, module)?)?;
    module.add_class::<codec::plan::Plan>()?;
    module.add_class::<codec::lazy::LazyDict>()?;
    module.add_class::<codec::lazy::LazyField>()?;
    module.add_class::<codec::senders::Senders>()?;
    module.add_function(wrap_pyfunction!(codec::senders::sender_profile, module)?)?;
    module.add_class::<store::Store>()?;
    module.add_function(wrap_pyfunction!(store::search_file, module)?)?;
    module.add_function(wrap_pyfunction!(store::close_stores, module)?)?;
    module.add_function(wrap_pyfunction!(store::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(store::after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(store::sql_execute, module)?)?;
    module.add_function(wrap_pyfunction!(store::sql_script, module)?)?;
    module.add_function(wrap_pyfunction!(store::sql_in_transaction, module)?)?;
    module.add_function(wrap_pyfunction!(store::sql_close, module)?)?;
    module.add_function(wrap_pyfunction!(codec::spec::schema_fields, module)?)?;
    module.add_function(wrap_pyfunction!(codec::spec::schema_messages, module)?)?;
    module.add_function(wrap_pyfunction!(codec::decode::schema_zero, module)?)?;
    module.add_function(wrap_pyfunction!(codec::decode::peek_envelope, module)?)?;
    Ok(())
}

//! The seam: the only place that knows pyo3.

mod crypto;

use pyo3::prelude::*;

/// The version of the crate, which is the version of the distribution.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// True for an unoptimised build, which is several times slower.
const DEBUG_BUILD: bool = cfg!(debug_assertions);

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", VERSION)?;
    module.add("debug_build", DEBUG_BUILD)?;
    crypto::register(module)?;
    Ok(())
}

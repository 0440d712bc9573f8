//! Python bindings of the key pairs for token transfers, base58 and addresses.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyType};

use crate::crypto::{self, KeyPair};

pyo3::import_exception!(mezon.errors, InvalidArgumentError);
pyo3::import_exception!(mezon.errors, MezonError);

/// An Ed25519 key pair for signing token transfers. The private key stays in Rust, is wiped when the object is
/// dropped, and is exposed only by `private_key`.
#[pyclass(frozen, module = "mezon._core")]
pub struct EphemeralKeyPair {
    pair: KeyPair,
    public_key: String,
}

impl EphemeralKeyPair {
    fn events_paused(pair: KeyPair) -> Self {
        let public_key = crypto::base58_encode(&pair.public_key());
        Self { pair, public_key }
    }
}

#[pymethods]
impl EphemeralKeyPair {
    #[new]
    #[pyo3(signature = (private_key, public_key = None))]
    fn new(private_key: &str, public_key: Option<&str>) -> PyResult<Self> {
        let pair = KeyPair::from_text(private_key)
            .map_err(|error| InvalidArgumentError::new_err(error.to_string()))?;
        let made = Self::events_paused(pair);
        if public_key.is_some_and(|given| given != made.public_key) {
            return Err(InvalidArgumentError::new_err(
                "the public key does not belong to the private key: leave it out, or give the pair as it was made",
            ));
        }
        Ok(made)
    }

    #[classmethod]
    fn generate(_class: &Bound<'_, PyType>) -> PyResult<Self> {
        let pair = KeyPair::generate().map_err(|error| {
            MezonError::new_err(format!("the system gives no randomness for a key: {error}"))
        })?;
        Ok(Self::events_paused(pair))
    }

    /// The private key as hexadecimal text, as the Mezon SDKs exchange it.
    #[getter]
    fn private_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.pair.to_text())
    }

    /// The public key in base58.
    #[getter]
    fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The 32 bytes of the public key.
    #[getter]
    fn public_key_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.pair.public_key())
    }

    /// Return the 64 bytes of the signature of a message.
    fn sign<'py>(&self, py: Python<'py>, message: &[u8]) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.pair.sign(message))
    }

    fn __repr__(&self) -> String {
        format!("EphemeralKeyPair(public_key='{}')", self.public_key)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.public_key == other.public_key
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.public_key).hash()
    }

    // Immutable: a copy would only be another secret to wipe.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// Encode bytes as base58.
#[pyfunction]
fn base58_encode(data: &[u8]) -> String {
    crypto::base58_encode(data)
}

/// Decode a base58 text.
#[pyfunction]
fn base58_decode<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyBytes>> {
    match crypto::base58_decode(text) {
        Some(bytes) => Ok(PyBytes::new(py, &bytes)),
        None => Err(InvalidArgumentError::new_err("the text has a letter that base58 does not use")),
    }
}

/// Return the address of a user id.
#[pyfunction]
fn address_of(user_id: &str) -> String {
    crypto::address_of(user_id)
}

/// Return whether a text is an address.
#[pyfunction]
fn is_address(text: &str) -> bool {
    crypto::is_address(text)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<EphemeralKeyPair>()?;
    module.add_function(wrap_pyfunction!(base58_encode, module)?)?;
    module.add_function(wrap_pyfunction!(base58_decode, module)?)?;
    module.add_function(wrap_pyfunction!(address_of, module)?)?;
    module.add_function(wrap_pyfunction!(is_address, module)?)?;
    Ok(())
}

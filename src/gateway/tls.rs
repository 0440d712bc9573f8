//! The TLS client configuration: rustls on ring, certificates verified, always.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Trusts webpki's roots, the system's, and those of `ca_file`.
///
/// # Errors
/// A sentence, when the file cannot be read or holds no certificate.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // A broken certificate in the system's store is no reason to refuse all others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let unreadable =
            |why: &dyn std::fmt::Display| format!("cannot read the CA file {}: {why}", path.display());
        let certificates = CertificateDer::pem_file_iter(path).map_err(|why| unreadable(&why))?;
        let mut count = 0;
        for certificate in certificates {
            roots.add(certificate.map_err(|why| unreadable(&why))?).map_err(|why| unreadable(&why))?;
            count += 1;
        }
        if count == 0 {
            return Err(unreadable(&"it holds no PEM certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_ca_file_without_a_certificate_is_an_error_that_names_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "no certificate").unwrap();
        let why = client_config(Some(file.path())).unwrap_err();
        assert!(why.contains(&file.path().display().to_string()), "{why}");
        assert!(client_config(Some(Path::new("/nonexistent/ca.pem"))).is_err());
        assert!(client_config(None).is_ok());
    }
}

//! The TLS client configuration: rustls on ring. Certificates are verified except with [`Trust::Anybody`].

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Which certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those of webpki's authorities, the system's, and those of the file.
    Authorities(Option<PathBuf>),
    /// Any certificate: an intermediary can read and change everything.
    Anybody,
}

/// The configurations in use, shared by clients with the same trust: the system's certificates take milliseconds
/// to read and about 200 KB of memory, which a thousand bots need once.
static IN_USE: Mutex<Vec<(Basis, Weak<ClientConfig>)>> = Mutex::new(Vec::new());

/// The inputs of a configuration. A changed CA file results in a new configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    trust: Trust,
    file: Option<(SystemTime, u64)>,
    /// The environment variables that locate the system's certificates.
    cert_env: [Option<OsString>; 2],
}

impl Basis {
    fn of(trust: &Trust) -> Basis {
        let file = match trust {
            Trust::Authorities(Some(path)) => std::fs::metadata(path).ok(),
            _ => None,
        };
        Basis {
            trust: trust.clone(),
            file: file.and_then(|file| Some((file.modified().ok()?, file.len()))),
            cert_env: ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os),
        }
    }
}

/// # Errors
/// As [`client_config`].
fn shared_config(trust: &Trust) -> Result<Arc<ClientConfig>, String> {
    let basis = Basis::of(trust);
    // A fork may have copied the lock in its locked state: the child then builds its own configuration each time.
    let known = IN_USE.try_lock().ok().and_then(|in_use| {
        in_use.iter().find(|(known, _)| *known == basis).and_then(|(_, config)| config.upgrade())
    });
    if let Some(config) = known {
        return Ok(config);
    }
    let config = client_config(trust)?;
    if let Ok(mut in_use) = IN_USE.try_lock() {
        in_use.retain(|(_, config)| config.strong_count() > 0);
        in_use.push((basis, Arc::downgrade(&config)));
    }
    Ok(config)
}

/// The configuration, looked up or built at the first connection that needs it.
pub struct Tls {
    trust: Trust,
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    pub fn new(trust: Trust) -> Self {
        Self { trust, config: OnceLock::new() }
    }

    /// # Errors
    /// If the CA file is unusable.
    pub fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.config.get_or_init(|| shared_config(&self.trust)).clone()
    }
}

/// # Errors
/// If the CA file cannot be read or contains no certificate.
fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?;
    let builder = match trust {
        Trust::Authorities(ca_file) => builder.with_root_certificates(roots(ca_file.as_deref())?),
        Trust::Anybody => builder.dangerous().with_custom_certificate_verifier(Arc::new(TakesAny(provider))),
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // A broken certificate in the system's store does not invalidate the others.
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
    Ok(roots)
}

/// Return the message for a failed handshake.
pub fn failed(peer: &str, why: &io::Error) -> String {
    let inner = why.get_ref().and_then(|inner| inner.downcast_ref());
    // Must match the advice of mezon/_http/transport.py.
    let advice = match inner {
        Some(Error::InvalidCertificate(_)) => {
            "; for a server with a certificate of its own name its CA: GatewayOptions(ca_file=...), or take any \
             certificate: GatewayOptions(insecure=True)"
        }
        _ => "",
    };
    format!("the TLS handshake with {peer} failed: {why}{advice}")
}

/// Accepts any certificate. The peer must still own the key of the certificate it presents.
#[derive(Debug)]
struct TakesAny(Arc<CryptoProvider>);

impl ServerCertVerifier for TakesAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_ca_file_without_a_certificate_is_an_error_that_names_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "no certificate").unwrap();
        let of = |path: &Path| client_config(&Trust::Authorities(Some(path.into())));
        let why = of(file.path()).unwrap_err();
        assert!(why.contains(&file.path().display().to_string()), "{why}");
        assert!(of(Path::new("/nonexistent/ca.pem")).is_err());
        assert!(client_config(&Trust::Authorities(None)).is_ok());
        assert!(client_config(&Trust::Anybody).is_ok());
    }

    #[test]
    fn those_who_trust_the_same_share_a_configuration_while_somebody_has_it() {
        // A concurrent test may hold the lock; then a configuration is built that is not shared.
        let shared = |trust: &Trust| {
            (0..100).find_map(|_| {
                let (one, other) = (shared_config(trust).unwrap(), shared_config(trust).unwrap());
                Arc::ptr_eq(&one, &other).then_some(one)
            })
        };
        let all = shared(&Trust::Authorities(None)).expect("one for both");
        let anybody = shared(&Trust::Anybody).expect("one for both");
        assert!(!Arc::ptr_eq(&all, &anybody));
        let gone = Arc::downgrade(&anybody);
        drop(anybody);
        assert!(gone.upgrade().is_none(), "nobody holds it for those who may come");
    }

    #[test]
    fn a_file_of_authorities_that_was_written_anew_is_another_basis() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let trust = Trust::Authorities(Some(file.path().into()));
        let before = Basis::of(&trust);
        assert_eq!(before, Basis::of(&trust));
        writeln!(file, "another certificate").unwrap();
        assert_ne!(before, Basis::of(&trust));
        assert_ne!(before, Basis::of(&Trust::Authorities(None)));
    }

    #[test]
    fn verification_is_the_default() {
        let options = crate::gateway::Options::default();
        assert_eq!(options.trust(), Trust::Authorities(None));
    }
}

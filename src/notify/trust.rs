//! Whom a server's certificate must come from: the system's authorities, and those of `ca_file`.

use std::path::Path;
use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::SendError;

/// The text of a `ca_file`, and what it holds; `None` where none is named.
pub(super) struct Roots {
    /// As PEM, for lettre.
    pub(super) pem: Vec<u8>,
    certificates: Vec<CertificateDer<'static>>,
}

/// Reads a `ca_file`; a relative path starts at the inventory's folder.
pub(super) fn read_roots(folder: &Path, ca_file: Option<&str>) -> Result<Option<Roots>, SendError> {
    let Some(path) = ca_file else { return Ok(None) };
    let wrong = |why: String| SendError::CaFile { path: path.to_owned(), why };
    let pem = std::fs::read(folder.join(path)).map_err(|error| wrong(error.to_string()))?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(Some(Roots { pem, certificates }))
}

/// How TLS is spoken: one provider of cryptography, TLS 1.2 at least.
pub(super) fn tls(roots: Option<Roots>, host: &str) -> Result<Arc<ClientConfig>, SendError> {
    let wrong = |error: tokio_rustls::rustls::Error| SendError::Tls { host: host.to_owned(), why: error.to_string() };
    let provider = Arc::new(default_provider());
    let further = roots.map(|roots| roots.certificates).unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(further, provider.clone()).map_err(wrong)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

//! TLS of a client: whom it trusts, and the certificate that it shows.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orewatch_contracts::Failure;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{read_authorities, read_chain, read_key};
use super::{Contents, TlsClock, crypto, invalid, read_files, refusal};
use crate::Clock;

/// TLS of a client. Its files are read again for each connection, so that certificates can be renewed while
/// it runs. Clones share everything.
#[derive(Clone)]
pub struct ClientTls(Arc<Shared>);

struct Shared {
    /// Authorities that are trusted. `None`: those of the system.
    ca: Option<PathBuf>,
    /// Certificate chain and private key to show. `None`: no certificate.
    certificate: Option<(PathBuf, PathBuf)>,
    /// Protocol to agree on.
    protocol: &'static [u8],
    clock: Arc<dyn Clock>,
    /// The configuration that was built last, with the digest of its files.
    built: Mutex<Option<([u8; 32], Arc<ClientConfig>)>>,
    /// Why the last connection ended, as far as TLS caused it.
    refusal: Mutex<Option<Failure>>,
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { ca, certificate, .. } = &*self.0;
        f.debug_struct("ClientTls").field("ca", ca).field("certificate", certificate).finish_non_exhaustive()
    }
}

impl ClientTls {
    /// TLS for gRPC. `ca`: authorities to trust in the place of the system's (PEM). `certificate`: the files
    /// of the certificate chain to show and of its private key (PEM).
    #[must_use]
    pub fn new(ca: Option<PathBuf>, certificate: Option<(PathBuf, PathBuf)>, clock: Arc<dyn Clock>) -> Self {
        Self::for_protocol(b"h2", ca, certificate, clock)
    }

    /// TLS for HTTP/1.1.
    pub(crate) fn for_http(ca: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self::for_protocol(b"http/1.1", ca, None, clock)
    }

    fn for_protocol(
        protocol: &'static [u8],
        ca: Option<PathBuf>,
        certificate: Option<(PathBuf, PathBuf)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (built, refusal) = (Mutex::new(None), Mutex::new(None));
        Self(Arc::new(Shared { ca, certificate, protocol, clock, built, refusal }))
    }

    /// Checks that the files can be used, so that a wrong setting is reported at once.
    ///
    /// # Errors
    /// [`orewatch_contracts::Class::Invalid`] if not.
    pub async fn check(&self) -> Result<(), Failure> {
        self.config().await.map(drop)
    }

    /// Why the last connection ended, if TLS is the cause: a server may refuse a client certificate only
    /// after the client takes the connection for established.
    #[must_use]
    pub fn refusal(&self) -> Option<Failure> {
        lock(&self.0.refusal).clone()
    }

    /// Makes a connection over `tcp` to a server that has to have a certificate for `host`.
    pub(crate) async fn connect(&self, host: &str, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.config().await.map_err(|failure| {
            self.note(Some(failure.clone()));
            io::Error::other(failure)
        })?;
        // The host of an address has brackets if it is one of IPv6.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connected = TlsConnector::from(config).connect(name, tcp).await;
        connected.inspect_err(|error| self.note_error(error, host))
    }

    /// Forgets why an earlier connection ended.
    pub(crate) fn forget_refusal(&self) {
        self.note(None);
    }

    /// Notes the error of a connection, if TLS caused it.
    pub(crate) fn note_error(&self, error: &io::Error, host: &str) {
        if let Some(failure) = refusal::explain(error, host) {
            self.note(Some(failure));
        }
    }

    /// Notes that a server speaks TLS to this client, which speaks plain text.
    pub(crate) fn note_tls_server(&self, host: &str) {
        self.note(Some(refusal::speaks_tls(host)));
    }

    fn note(&self, failure: Option<Failure>) {
        *lock(&self.0.refusal) = failure;
    }

    /// The configuration for a connection now. Reading the system's authorities is slow, so that this is done
    /// on a thread of its own, and once for the same files.
    async fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let shared = Arc::clone(&self.0);
        let built = tokio::task::spawn_blocking(move || shared.config()).await;
        built.map_err(|error| Failure::internal(format!("a thread that reads files ended early: {error}")))?
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn paths(&self) -> Vec<PathBuf> {
        let certificate = self.certificate.iter().flat_map(|(chain, key)| [chain, key]);
        certificate.chain(&self.ca).cloned().collect()
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let contents = read_files(&self.paths())?;
        let digest = contents.digest();
        let mut built = lock(&self.built);
        if let Some((_, config)) = built.as_ref().filter(|(known, _)| *known == digest) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build(&contents)?);
        *built = Some((digest, Arc::clone(&config)));
        Ok(config)
    }

    fn build(&self, contents: &Contents) -> Result<ClientConfig, Failure> {
        let files_before_ca = if self.certificate.is_some() { 2 } else { 0 };
        let trusted = authorities(self.ca.as_deref(), contents.file(files_before_ca))?;
        let clock = Arc::new(TlsClock(Arc::clone(&self.clock)));
        let config = ClientConfig::builder_with_details(crypto(), clock)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::internal(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(trusted);
        let mut config = match &self.certificate {
            None => config.with_no_client_auth(),
            Some((chain_path, key_path)) => {
                let wrong = |message: String| invalid("tls-cert", chain_path, message);
                let chain = read_chain(contents.file(0)).map_err(wrong)?;
                let key = read_key(contents.file(1));
                let key = key.map_err(|message| invalid("tls-key", key_path, message))?;
                config.with_client_auth_cert(chain, key).map_err(|error| {
                    wrong(format!("the certificate and its key do not go together: {error}"))
                })?
            }
        };
        config.alpn_protocols = vec![self.protocol.to_vec()];
        Ok(config)
    }
}

/// The authorities in a file, or else those of the system.
fn authorities(ca: Option<&Path>, pem: &[u8]) -> Result<RootCertStore, Failure> {
    if let Some(path) = ca {
        return read_authorities(pem).map_err(|message| invalid("tls-ca", path, message));
    }
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Ok(authorities)
}

//! TLS of a server: its certificate, and the authorities of the client certificates that it accepts.
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::Failure;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::certificate::{check_validity, read_authorities, read_chain, read_key};
use super::{Contents, TlsClock, crypto, invalid, read_files, watch_files};
use crate::Clock;

/// Protocols that a connection can agree on: gRPC, and HTTP for readers of feeds.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Time before the expiry of a certificate from which on there is a warning. Issuers renew earlier.
const EXPIRY_NOTICE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The files of a server's TLS.
#[derive(Clone, Debug)]
pub struct ServerTlsFiles {
    /// Certificate chain of the server (PEM), its own certificate first.
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// Authorities whose client certificates are accepted (PEM). `None`: none are asked for.
    pub client_ca: Option<PathBuf>,
    /// A connection without a client certificate is refused.
    pub requires_client_certificate: bool,
}

impl ServerTlsFiles {
    fn paths(&self) -> Vec<PathBuf> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).cloned().collect()
    }
}

/// TLS of a server. Clones share it, and see the same certificate.
#[derive(Clone, Debug)]
pub struct ServerTls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    files: ServerTlsFiles,
    clock: Arc<dyn Clock>,
    digest: [u8; 32],
    current: RwLock<Current>,
}

/// The configuration that new connections get. It is replaced as a whole, so that no connection sees a new
/// certificate with an old authority, and no session of an old one is resumed.
#[derive(Clone, Debug)]
struct Current {
    config: Arc<ServerConfig>,
    expires_at: Timestamp,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`orewatch_contracts::Class::Invalid`] for a file that cannot be read, a certificate that is not valid
    /// now, and a key that does not belong to it.
    pub fn read(files: ServerTlsFiles, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let contents = read_files(&files.paths())?;
        let current = RwLock::new(build(&files, &contents, &clock)?);
        let digest = contents.digest();
        Ok(Self(Arc::new(Shared { files, clock, digest, current })))
    }

    /// When the certificate expires that new connections get.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.current().expires_at
    }

    /// Accepts connections with the certificate that is current now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current().config)
    }

    fn current(&self) -> Current {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again whenever they change, until `stop`. Files that cannot be used are refused with
    /// an error in the log, and the last ones stay in use. Connections that exist are not touched.
    pub(crate) async fn follow_files(self, stop: CancellationToken) {
        self.warn_of_expiry();
        let shared = Arc::clone(&self.0);
        watch_files(shared.files.paths(), shared.digest, &stop, |contents| self.replace(contents)).await;
    }

    fn replace(&self, contents: &Contents) {
        let Shared { files, clock, current, .. } = &*self.0;
        match build(files, contents, clock) {
            Ok(new) => {
                let expires_at = new.expires_at;
                *current.write().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!(%expires_at, "new connections get the new certificate");
                self.warn_of_expiry();
            }
            Err(failure) => {
                let expires_at = self.expires_at();
                tracing::error!(
                    %failure,
                    code = failure.code,
                    %expires_at,
                    "the new certificate is refused; the last one stays in use"
                );
            }
        }
    }

    fn warn_of_expiry(&self) {
        let expires_at = self.expires_at();
        if expires_at.duration_since(self.0.clock.now()) < EXPIRY_NOTICE {
            tracing::warn!(%expires_at, "the certificate of this server expires soon: renew it");
        }
    }
}

fn build(files: &ServerTlsFiles, contents: &Contents, clock: &Arc<dyn Clock>) -> Result<Current, Failure> {
    let wrong = |message: String| invalid("tls-cert", &files.certificate, message);
    let chain = read_chain(contents.file(0)).map_err(wrong)?;
    let own = chain.first().ok_or_else(|| wrong("the file has no certificate (PEM)".to_owned()))?;
    let expires_at = check_validity(own, clock.now()).map_err(wrong)?;
    let key = read_key(contents.file(1)).map_err(|message| invalid("tls-key", &files.key, message))?;
    let mut config = ServerConfig::builder_with_details(crypto(), Arc::new(TlsClock(Arc::clone(clock))))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::internal(format!("TLS cannot be set up: {error}")))?
        .with_client_cert_verifier(client_verifier(files, contents.file(2))?)
        .with_single_cert(chain, key)
        .map_err(|error| {
            wrong(format!("the certificate and its key do not go together: {error}"))
                .with_hint("tls-cert and tls-key name the two files of one certificate")
        })?;
    config.alpn_protocols = Vec::from(PROTOCOLS.map(<[u8]>::to_vec));
    Ok(Current { config: Arc::new(config), expires_at })
}

/// What checks the certificates of clients.
fn client_verifier(files: &ServerTlsFiles, pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let Some(path) = &files.client_ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let wrong = |message: String| invalid("tls-client-ca", path, message);
    let authorities = Arc::new(read_authorities(pem).map_err(wrong)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(authorities, crypto());
    let verifier =
        if files.requires_client_certificate { verifier } else { verifier.allow_unauthenticated() };
    verifier.build().map_err(|error| wrong(format!("the authorities cannot be used: {error}")))
}

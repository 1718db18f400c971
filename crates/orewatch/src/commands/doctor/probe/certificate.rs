//! The certificate that a server shows, and how long its chain is valid.
//!
//! The handshake takes any certificate and only keeps it: nothing is sent over the connection, and a server
//! that asks for a certificate of ours shows its own before. What was kept is then verified as services and
//! clients verify it, at the present time and at the end of its validity, which names the certificate of the
//! chain that ends first.
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::check::Check;
use super::super::endpoint::{Endpoint, Scheme};
use super::super::judge;

/// Time for connection and handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time for the line with which a NATS server begins; one that begins with TLS sends none.
const GREETING: Duration = Duration::from_secs(1);

/// Upper bound on that line, in bytes.
const MAX_GREETING: usize = 64 * 1024;

/// Time after now at which no certificate is valid any more (200 years).
const FAR: Duration = Duration::from_secs(200 * 366 * 24 * 3600);

/// Upper bound on certificates of a chain that end one before the other.
const MAX_CHAIN: usize = 10;

/// What a server shows: its own certificate, and those that lead to an authority.
#[derive(Clone, Debug)]
struct Chain {
    own: CertificateDer<'static>,
    others: Vec<CertificateDer<'static>>,
}

/// Looks at the certificate of a server.
pub(super) async fn check(endpoint: &Endpoint, authorities: &[PathBuf], now: Timestamp) -> Check {
    let shown = timeout(PATIENCE, shown_chain(endpoint)).await;
    let silent = |_| Err(format!("no handshake in {} s", PATIENCE.as_secs()));
    let until = shown.unwrap_or_else(silent).and_then(|chain| {
        let roots = roots(authorities)?;
        valid_until(&chain, roots, &endpoint.host, now)
    });
    judge::certificate(endpoint, until, now)
}

/// The authorities of the system, and those of some files.
fn roots(files: &[PathBuf]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for file in files {
        roots.add_parsable_certificates(certificates(file)?);
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{} holds no certificates: {error}", file.display());
    let read = CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))?;
    read.collect::<Result<_, _>>().map_err(|error| wrong(&error))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Connects, and returns the chain that the server shows.
async fn shown_chain(endpoint: &Endpoint) -> Result<Chain, String> {
    let connected = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
    let mut stream = connected.map_err(|error| format!("no connection: {error}"))?;
    if matches!(endpoint.scheme, Scheme::Nats | Scheme::NatsTls) {
        let _began_with_tls = timeout(GREETING, skip_line(&mut stream)).await;
    }
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| error.to_string())?;
    let keeper = Arc::new(Keeper::new());
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(keeper.clone())
        .with_no_client_auth();
    if endpoint.scheme == Scheme::Https {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    match (keeper.take(), connected) {
        (Some(chain), _) => Ok(chain),
        (None, Err(error)) => Err(format!("no handshake: {error}")),
        (None, Ok(_)) => Err("the server shows no certificate".to_owned()),
    }
}

/// Reads up to the end of a line.
async fn skip_line(stream: &mut TcpStream) -> std::io::Result<()> {
    for _ in 0..MAX_GREETING {
        if stream.read_u8().await? == b'\n' {
            break;
        }
    }
    Ok(())
}

/// The time up to which a chain is valid for a host. The error says why it is not now.
fn valid_until(chain: &Chain, roots: RootCertStore, host: &str, now: Timestamp) -> Result<Timestamp, String> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let verifier = verifier.map_err(|error| format!("no certificate authority is known: {error}"))?;
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let verify = |time| verifier.verify_server_cert(&chain.own, &chain.others, &name, &[], time);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0)));
    verify(now).map_err(|error| reason(&error))?;
    let mut time = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + FAR);
    for _ in 0..MAX_CHAIN {
        match verify(time) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                time = not_after;
            }
            Ok(_) => break,
            Err(error) => return Err(reason(&error)),
        }
    }
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

/// Why a certificate is not valid, in one sentence.
fn reason(error: &Error) -> String {
    let Error::InvalidCertificate(why) = error else { return error.to_string() };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate, or one that leads to its authority, has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet: it begins later, or the clock of this machine is wrong"
                .to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the authority that issued the certificate is not trusted here".to_owned()
        }
        CertificateError::NotValidForName => "the certificate is for another host".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("the certificate is for another host: {}", presented.join(", "))
        }
        other => format!("the certificate is not valid: {other}"),
    }
}

/// Takes any certificate and keeps it.
#[derive(Debug)]
struct Keeper {
    algorithms: WebPkiSupportedAlgorithms,
    kept: Mutex<Option<Chain>>,
}

impl Keeper {
    fn new() -> Self {
        let algorithms = provider().signature_verification_algorithms;
        Self { algorithms, kept: Mutex::default() }
    }

    fn take(&self) -> Option<Chain> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Keeper {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let others = others.iter().map(|one| one.clone().into_owned()).collect();
        let chain = Chain { own: own.clone().into_owned(), others };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate for `figures.example`, valid in 2026 and 2027, and authorities that have it.
    fn chain() -> (Chain, RootCertStore) {
        let mut params = CertificateParams::new(vec!["figures.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2028, 1, 1);
        let signed = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(signed.der().clone()).unwrap();
        (Chain { own: signed.der().clone(), others: Vec::new() }, roots)
    }

    fn until(host: &str, now: &str, roots: Option<RootCertStore>) -> Result<String, String> {
        let (chain, own) = chain();
        let until = valid_until(&chain, roots.unwrap_or(own), host, now.parse().unwrap());
        until.map(|time| time.to_string())
    }

    #[test]
    fn a_chain_is_valid_up_to_its_first_end() {
        let valid = until("figures.example", "2027-06-01T00:00:00Z", None);
        assert_eq!(valid, Ok("2028-01-01T00:00:00Z".to_owned()));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said() {
        for (host, now, reason) in [
            ("figures.example", "2028-02-01T00:00:00Z", "has expired"),
            ("figures.example", "2025-06-01T00:00:00Z", "not valid yet"),
            ("other.example", "2027-06-01T00:00:00Z", "for another host"),
        ] {
            let said = until(host, now, None).unwrap_err();
            assert!(said.contains(reason), "{said}");
        }
        let (_, stranger) = chain();
        let said = until("figures.example", "2027-06-01T00:00:00Z", Some(stranger)).unwrap_err();
        assert!(!said.is_empty(), "an authority of the same name with another key is another one");
        let nobody = until("figures.example", "2027-06-01T00:00:00Z", Some(RootCertStore::empty()));
        assert!(nobody.unwrap_err().contains("no certificate authority"));
    }
}

//! TLS: which certificates each side accepts, what the other side learns, and certificates that are replaced.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{
    Access, ClientTls, Clock, Running, Server, ServerTls, ServerTlsFiles, SystemClock, client,
};
use orewatch_testkit::{Authority, IssuedCertificate, Validity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Names of a server on this machine.
const LOCAL: [&str; 2] = ["localhost", "127.0.0.1"];

/// Time in which a condition has to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that stands.
#[derive(Debug)]
pub(crate) struct StandingClock(pub(crate) Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// A server with TLS and nothing but health.
async fn serve(files: ServerTlsFiles, clock: Arc<dyn Clock>) -> Result<Running, Failure> {
    let tls = ServerTls::read(files, Arc::clone(&clock))?;
    start(Access::open().with_tls(tls), clock).await
}

pub(crate) async fn start(access: Access, clock: Arc<dyn Clock>) -> Result<Running, Failure> {
    let server = Server {
        listen: "127.0.0.1:0".parse().unwrap(),
        services: Vec::new(),
        clock,
        shutdown_budget: Duration::from_secs(5),
        access,
    };
    server.start(async |_, _| Ok(())).await
}

fn address(running: &Running) -> String {
    format!("https://{}", running.address())
}

/// The files of a certificate in a folder of its own.
fn files(folder: &Path, certificate: &IssuedCertificate, client_ca: Option<PathBuf>) -> ServerTlsFiles {
    let (chain, key) = certificate.mount(&folder.join("server"));
    ServerTlsFiles { certificate: chain, key, client_ca, requires_client_certificate: false }
}

fn trusting(ca: Option<&Path>) -> ClientTls {
    ClientTls::new(ca.map(Path::to_owned), None, Arc::new(SystemClock))
}

/// Makes a call. Returns what the person at the client is told.
async fn call(address: &str, tls: &ClientTls) -> Result<(), Failure> {
    let channel = client::connect_with(address, tls).await?;
    match HealthClient::new(channel).check(HealthCheckRequest::default()).await {
        Ok(_) => Ok(()),
        Err(status) => Err(tls.refusal().unwrap_or_else(|| status.into())),
    }
}

/// Waits until a call succeeds.
async fn until_called(address: &str, tls: &ClientTls) {
    let begun = Instant::now();
    loop {
        match call(address, tls).await {
            Ok(()) => return,
            Err(failure) => assert!(begun.elapsed() < PATIENCE, "{failure}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_client_accepts_a_server_of_its_authority_under_its_name() {
    let dir = TempDir::new().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let [own_ca, other_ca] = [("own.pem", &ours), ("other.pem", &theirs)]
        .map(|(name, authority)| write(dir.path(), name, authority.pem()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let right = files(dir.path(), &ours.issue(&LOCAL, Validity::Now), None);
    let running = serve(right, Arc::clone(&clock)).await.unwrap();
    call(&address(&running), &trusting(Some(&own_ca))).await.unwrap();
    for ca in [Some(other_ca.as_path()), None] {
        let failure = call(&address(&running), &trusting(ca)).await.unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (Class::Refused, "not-trusted"), "{failure}");
        assert!(failure.hint.contains("--tls-ca"), "{failure}");
    }
    let plain = format!("http://{}", running.address());
    let failure = call(&plain, &trusting(None)).await.unwrap_err();
    assert_eq!(failure.code, "tls-mismatch", "{failure}");
    assert!(failure.hint.contains("https://"), "{failure}");
    running.stop().await.unwrap();

    let elsewhere = ours.issue(&["log.example"], Validity::Now);
    let running = serve(files(&dir.path().join("2"), &elsewhere, None), clock).await.unwrap();
    let failure = call(&address(&running), &trusting(Some(&own_ca))).await.unwrap_err();
    assert_eq!(failure.code, "not-trusted");
    assert!(failure.message.contains("is for log.example, not for 127.0.0.1"), "{failure}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_the_server_that_has_it_and_by_clients() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    let ca = write(dir.path(), "ca.pem", authority.pem());
    let expired = authority.issue(&LOCAL, Validity::Past);
    let now: Arc<dyn Clock> = Arc::new(SystemClock);
    let failure = serve(files(dir.path(), &expired, None), now).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "invalid-certificate"));
    assert!(failure.message.contains("expired at 2000-12-31"), "{failure}");

    let past: Arc<dyn Clock> = Arc::new(StandingClock("2000-06-01T00:00:00Z".parse().unwrap()));
    let running = serve(files(&dir.path().join("2"), &expired, None), past).await.unwrap();
    let failure = call(&address(&running), &trusting(Some(&ca))).await.unwrap_err();
    assert_eq!(failure.code, "not-trusted");
    assert!(failure.message.contains("has expired"), "{failure}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn files_that_do_not_go_together_are_refused_without_showing_a_key() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    let (one, other) = (authority.issue(&LOCAL, Validity::Now), authority.issue(&LOCAL, Validity::Now));
    let damaged = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE\n";
    for (certificate, key, setting) in [
        (one.certificate.as_str(), other.key.as_str(), "tls-cert"),
        (one.certificate.as_str(), damaged, "tls-key"),
        (one.certificate.as_str(), "", "tls-key"),
        ("", one.key.as_str(), "tls-cert"),
        (one.key.as_str(), one.key.as_str(), "tls-cert"),
    ] {
        let files = ServerTlsFiles {
            certificate: write(dir.path(), "tls.crt", certificate),
            key: write(dir.path(), "tls.key", key),
            client_ca: None,
            requires_client_certificate: false,
        };
        let failure = ServerTls::read(files, Arc::new(SystemClock)).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.field.as_str()), ("invalid-certificate", setting));
        assert!(!failure.to_string().contains("c2VjcmV0"), "{failure}");
    }
}

#[tokio::test]
async fn a_client_speaks_tls_only_to_a_server_that_does() {
    let running = start(Access::open(), Arc::new(SystemClock)).await.unwrap();
    let failure = call(&address(&running), &trusting(None)).await.unwrap_err();
    assert_eq!(failure.code, "tls-mismatch", "{failure}");
    assert!(failure.hint.contains("http://"), "{failure}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn client_certificates_are_refused_with_the_reason() {
    let dir = TempDir::new().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let ca = write(dir.path(), "ca.pem", ours.pem());
    let showing = |name: &str, certificate: &IssuedCertificate| {
        let pair = certificate.mount(&dir.path().join(name));
        ClientTls::new(Some(ca.clone()), Some(pair), Arc::new(SystemClock))
    };
    let right = showing("right", &ours.issue(&["console.example"], Validity::Now));
    let wrong = [
        ("expired", showing("expired", &ours.issue(&["a"], Validity::Past)), "has expired"),
        ("future", showing("future", &ours.issue(&["a"], Validity::Future)), "not valid yet"),
        ("other", showing("other", &theirs.issue(&["a"], Validity::Now)), "--tls-client-ca"),
        ("self", showing("self", &IssuedCertificate::self_signed(&["a"])), "--tls-client-ca"),
    ];
    let server = ours.issue(&LOCAL, Validity::Now);
    for requires in [false, true] {
        let folder = dir.path().join(requires.to_string());
        let files = ServerTlsFiles {
            requires_client_certificate: requires,
            ..files(&folder, &server, Some(ca.clone()))
        };
        let running = serve(files, Arc::new(SystemClock)).await.unwrap();
        let address = address(&running);
        call(&address, &right).await.unwrap();
        for (name, tls, word) in &wrong {
            let failure = call(&address, tls).await.unwrap_err();
            assert_eq!(failure.code, "certificate-refused", "{name}: {failure}");
            assert!(failure.to_string().contains(word), "{name}: {failure}");
        }
        let without = call(&address, &trusting(Some(&ca))).await;
        if requires {
            let failure = without.unwrap_err();
            assert_eq!(failure.code, "certificate-refused", "{failure}");
            assert!(failure.hint.contains("--tls-cert"), "{failure}");
        } else {
            without.unwrap();
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_replaced_certificate_is_used_and_a_wrong_one_is_not() {
    let dir = TempDir::new().unwrap();
    let [first, second, third] = ["first", "second", "third"].map(Authority::new);
    let [first_ca, second_ca, third_ca] = [("1", &first), ("2", &second), ("3", &third)]
        .map(|(name, authority)| trusting(Some(&write(dir.path(), name, authority.pem()))));
    let (server, clock) = (dir.path().join("server"), Arc::new(SystemClock));
    let files = files(dir.path(), &first.issue(&LOCAL, Validity::Now), None);
    let running = serve(files, clock).await.unwrap();
    let address = address(&running);
    call(&address, &first_ca).await.unwrap();

    let _paths = second.issue(&LOCAL, Validity::Now).mount(&server);
    until_called(&address, &second_ca).await;
    let mixed = IssuedCertificate {
        key: first.issue(&LOCAL, Validity::Now).key,
        ..third.issue(&LOCAL, Validity::Now)
    };
    for wrong in [mixed, third.issue(&LOCAL, Validity::Past)] {
        let _paths = wrong.mount(&server);
        // Longer than it takes to use a certificate that is right.
        for _ in 0..40 {
            call(&address, &second_ca).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let _paths = third.issue(&LOCAL, Validity::Now).mount(&server);
    until_called(&address, &third_ca).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_uses_a_replaced_certificate_with_its_next_connection() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    let ca = write(dir.path(), "ca.pem", authority.pem());
    let own = dir.path().join("own");
    let pair = authority.issue(&["a"], Validity::Past).mount(&own);
    let tls = ClientTls::new(Some(ca.clone()), Some(pair), Arc::new(SystemClock));
    let files = files(dir.path(), &authority.issue(&LOCAL, Validity::Now), Some(ca));
    let running = serve(files, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(call(&address(&running), &tls).await.unwrap_err().code, "certificate-refused");
    let _paths = authority.issue(&["a"], Validity::Now).mount(&own);
    call(&address(&running), &tls).await.unwrap();
    running.stop().await.unwrap();
}

/// A connection with TLS on which nothing has been said yet.
pub(crate) async fn open(running: &Running, authority: &Authority) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(running.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()
}

#[tokio::test]
async fn a_peer_that_is_slow_in_its_handshake_or_silent_after_it_is_closed_in_time() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    let files = files(dir.path(), &authority.issue(&LOCAL, Validity::Now), None);
    let running = serve(files, Arc::new(SystemClock)).await.unwrap();
    let slow = async {
        let mut tcp = TcpStream::connect(running.address()).await.unwrap();
        let begun = Instant::now();
        // The beginning of a long ClientHello, one byte a second.
        for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".iter().cycle() {
            if tcp.write_all(&[*byte]).await.is_err() || begun.elapsed() > PATIENCE {
                break;
            }
            let mut answer = [0; 64];
            let read = tokio::time::timeout(Duration::from_secs(1), tcp.read(&mut answer)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) {
                break;
            }
        }
        begun.elapsed()
    };
    let silent = async {
        let mut tls = open(&running, &authority).await;
        let begun = Instant::now();
        let mut rest = Vec::new();
        let _ended = tls.read_to_end(&mut rest).await;
        begun.elapsed()
    };
    let (slow, silent) =
        tokio::time::timeout(2 * PATIENCE, async { tokio::join!(slow, silent) }).await.unwrap();
    for lasted in [slow, silent] {
        assert!((5..PATIENCE.as_secs()).contains(&lasted.as_secs()), "{lasted:?}");
    }
    running.stop().await.unwrap();
}

//! Traces reach a collector over TLS. A process starts telemetry once, so that this is a test of its own.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use orewatch_runtime::{Telemetry, TelemetryOptions};
use orewatch_testkit::{Authority, Validity};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// With this a client begins that speaks HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn acceptor(dir: &TempDir, authority: &Authority) -> TlsAcceptor {
    let (chain, key) = authority.issue(&["localhost"], Validity::Now).mount(&dir.path().join("collector"));
    let (chain, key) = (std::fs::read(chain).unwrap(), std::fs::read(key).unwrap());
    let chain = CertificateDer::pem_slice_iter(&chain).map(Result::unwrap).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(&key).unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_trusted_by_its_authority() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("collectors");
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = acceptor(&dir, &authority);
    let collector = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(tcp).await.unwrap();
        let mut begun = [0; PREFACE.len()];
        stream.read_exact(&mut begun).await.unwrap();
        begun
    });
    let telemetry = Telemetry::start(&TelemetryOptions {
        service: "test".to_owned(),
        filter: "info".to_owned(),
        otlp_endpoint: Some(format!("https://localhost:{port}")),
        otlp_ca: Some(ca),
    })
    .unwrap();
    tracing::info_span!("work").in_scope(|| tracing::info!("something happens"));
    let flushed = tokio::spawn(telemetry.flush(Duration::from_secs(5)));
    let begun = tokio::time::timeout(Duration::from_secs(30), collector).await.unwrap().unwrap();
    assert_eq!(begun, PREFACE);
    flushed.await.unwrap();
}

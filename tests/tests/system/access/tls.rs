//! TLS between a server and its clients, as processes.
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use orewatch_runtime::{ClientTls, SystemClock, client as connection};
use orewatch_testkit::{Authority, IssuedCertificate, Validity};
use orewatch_tests::system::{client, file, run};
use orewatch_tests::tools::{output, text};
use tempfile::TempDir;
use tonic::transport::Channel;

use super::server::{SecuredServer, token};

/// A server with TLS that accepts client certificates of its authority.
pub(super) struct TlsServer {
    pub(super) secured: SecuredServer,
    authority: Authority,
    ca: String,
}

impl TlsServer {
    pub(super) fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let authority = Authority::new("cluster");
        let ca = file(&folder, "ca.pem", authority.pem());
        let pair =
            authority.issue(&["localhost", "127.0.0.1"], Validity::Now).mount(&folder.path().join("own"));
        let [certificate, key] = [&pair.0, &pair.1].map(|path| path.to_str().expect("UTF-8").to_owned());
        let more = ["--tls-cert", &certificate, "--tls-key", &key, "--tls-client-ca", &ca];
        let secured = SecuredServer::start_in(folder, &more);
        Self { secured, authority, ca }
    }

    fn address(&self) -> String {
        format!("https://{}", self.secured.process.address())
    }

    /// The files of a certificate in a folder of its own.
    fn mount(&self, certificate: &IssuedCertificate, name: &str) -> (PathBuf, PathBuf) {
        certificate.mount(&self.secured.folder.path().join(name.replace(['/', ':'], "-")))
    }

    /// A connection that shows a certificate for a name, or none.
    pub(super) async fn channel(&self, name: Option<&str>) -> Channel {
        let pair = name.map(|name| self.mount(&self.authority.issue(&[name], Validity::Now), name));
        let tls = ClientTls::new(Some(PathBuf::from(&self.ca)), pair, Arc::new(SystemClock));
        connection::connect_with(&self.address(), &tls).await.expect("the server listens")
    }

    /// A client command that trusts the authority of the server.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = client(&self.address(), args);
        command.args(["--tls-ca", &self.ca]);
        command
    }
}

/// Runs a command that must fail with an exit code. Returns its standard error.
#[track_caller]
fn refused(mut command: Command, code: i32) -> String {
    let output = output(&mut command);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    message
}

#[test]
fn a_command_reaches_a_server_with_tls_or_says_what_to_change() {
    let server = TlsServer::start();
    let output = server.secured.process.process_output();
    assert!(output.contains(&format!("listening on {}", server.address())), "{output}");

    let acme = file(&server.secured.folder, "acme.token", &token("acme-reader"));
    let mut with_token = server.command(&["releases"]);
    with_token.args(["--token-file", &acme]);
    run(with_token);
    let ann = file(&server.secured.folder, "ann.token", &server.secured.signed_token("ann", &[]));
    let mut with_signed_token = server.command(&["releases"]);
    with_signed_token.args(["--token-file", &ann]);
    run(with_signed_token);

    let certificate = |name: &str, validity| {
        let (chain, key) =
            server.mount(&server.authority.issue(&[name], validity), &format!("{name}-{validity:?}"));
        let mut command = server.command(&["releases"]);
        command.arg("--tls-cert").arg(chain).arg("--tls-key").arg(key);
        command
    };
    run(certificate("spiffe://cluster/dashboard", Validity::Now));
    for (command, word) in [
        (server.command(&["releases"]), "asks for a token"),
        (client(&server.address(), &["releases"]), "--tls-ca"),
        (client(&server.address().replace("https", "http"), &["releases"]), "https://"),
        (certificate("mallory.example", Validity::Now), "mallory.example"),
        (certificate("spiffe://cluster/dashboard", Validity::Past), "expired"),
    ] {
        let message = refused(command, 3);
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn half_of_a_certificate_is_an_error_of_the_command() {
    let message = refused(client("https://127.0.0.1:1", &["releases", "--tls-cert", "own.pem"]), 2);
    assert!(message.contains("tls-cert is set without tls-key"), "{message}");
}

//! TLS of the server and of its clients. Certificates and keys are files, read again when they change.
//!
//! [`ServerTls`] accepts connections and [`ClientTls`] makes them. A connection shows which names its peer's
//! certificate has ([`CertificateNames`]); what a caller may do for them is decided in [`crate::access`]. The
//! time comes from the clock of the process, and all cryptography from ring.
mod certificate;
mod client;
mod files;
mod refusal;
mod server;

use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::Clock;

pub(crate) use certificate::CertificateNames;
pub use client::ClientTls;
pub(crate) use files::{Contents, FileWatch, read_files, read_in_background, watch_files};
pub use server::{ServerTls, ServerTlsFiles};

/// Error code of a certificate, key or authority that cannot be used.
const INVALID_CERTIFICATE: &str = "invalid-certificate";

/// The clock of the process, in the form in which TLS asks for the time.
#[derive(Debug)]
struct TlsClock(Arc<dyn Clock>);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// The one cryptographic library of the program.
fn crypto() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The failure for the content of a file, which the setting `key` names.
fn invalid(key: &'static str, path: &std::path::Path, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, INVALID_CERTIFICATE, message).at(key, path.display().to_string())
}

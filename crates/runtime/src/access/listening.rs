//! On which addresses a service may listen: beyond this machine only with callers that it knows, and with
//! TLS, unless either is given up by name.
use std::net::SocketAddr;

use orewatch_contracts::{Class, Failure};

use super::Access;
use crate::ServerTls;

/// How the connections of a service are encrypted.
#[derive(Clone, Default)]
pub(super) enum Encryption {
    /// Not at all, for this machine only.
    #[default]
    Unset,
    /// Not at all, on any address: somebody asked for that by name.
    PlainText,
    /// With TLS.
    Tls(ServerTls),
}

impl Access {
    /// Whether the service's connections have TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls().is_some()
    }

    /// TLS of the service's connections. `None`: they are in plain text.
    pub(crate) fn tls(&self) -> Option<ServerTls> {
        match &self.encryption {
            Encryption::Tls(tls) => Some(tls.clone()),
            Encryption::Unset | Encryption::PlainText => None,
        }
    }

    /// Checks that a service may listen on an address: without known callers, or without TLS, only on one
    /// that other machines cannot reach, unless that is asked for by name.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it may not.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<(), Failure> {
        if address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        self.check_callers(address)?;
        self.check_encryption(address)
    }

    fn check_callers(&self, address: SocketAddr) -> Result<(), Failure> {
        if self.is_controlled() {
            return Ok(());
        }
        if self.to_all {
            let risk = "no tokens are asked for: whoever reaches this address may do everything";
            tracing::warn!(%address, "{risk}");
            return Ok(());
        }
        let message =
            "other machines can reach this address, and without tokens whoever does may do everything";
        Err(Failure::new(Class::Invalid, "open-to-all", message).at("listen", address.to_string()).with_hint(
            "say who may call with --tokens-file FILE or --access-file FILE, or that all may with \
                 --open-to-all",
        ))
    }

    fn check_encryption(&self, address: SocketAddr) -> Result<(), Failure> {
        match self.encryption {
            Encryption::Tls(_) => Ok(()),
            Encryption::PlainText => {
                let risk = "connections are in plain text: whoever is on the way reads tokens and data";
                tracing::warn!(%address, "{risk}");
                Ok(())
            }
            Encryption::Unset => {
                let message = "other machines can reach this address, and without TLS whoever is on the way \
                               reads tokens and data";
                Err(Failure::new(Class::Invalid, "without-tls", message)
                    .at("listen", address.to_string())
                    .with_hint(
                        "name a certificate with --tls-cert FILE and --tls-key FILE, or allow plain text \
                         with --without-tls",
                    ))
            }
        }
    }
}

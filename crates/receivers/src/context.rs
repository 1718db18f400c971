//! [`ChannelContext`]: what a channel checks and sends with. It holds the operator's limits and the secrets
//! of the receiver's tenant.
use std::path::Path;

use orewatch_contracts::alerting::v1::SecretReference;
use orewatch_contracts::{Class, Failure};

use crate::guard::{Guard, ResolveError};
use crate::http::HttpClient;
use crate::invalid::invalid_receiver;
use crate::secret::{self, Secret, Secrets};

/// Hint for an address that may not be sent to.
pub(crate) const REACH_HINT: &str =
    "use a public address and https, or have the operator list the network in allow-private";

/// What a channel checks and sends with.
#[derive(Clone, Debug)]
pub struct ChannelContext<'a> {
    /// Decides which addresses may be sent to.
    pub guard: &'a Guard,
    /// Secrets that the receiver may use.
    pub secrets: Secrets,
    /// Client for receivers over HTTP.
    pub http: &'a HttpClient,
    /// PEM file of certificates to trust besides the system's.
    pub ca: Option<&'a Path>,
    /// NATS server for receivers that name none.
    pub nats: Option<&'a str>,
}

impl ChannelContext<'_> {
    /// Checks the form of a URL.
    pub(crate) fn check_url(&self, field: &str, url: &str) -> Result<(), Failure> {
        let hint = "write https://HOST/PATH";
        // The value may contain a secret, so the error does not repeat it.
        self.guard
            .parse_url(url)
            .map(drop)
            .map_err(|error| invalid_receiver(field, "", format!("invalid address: {error}"), hint))
    }

    /// Checks that a reference names a location where secrets are permitted.
    pub(crate) fn check_secret(
        &self,
        field: &str,
        reference: Option<&SecretReference>,
    ) -> Result<(), Failure> {
        let empty = SecretReference::default();
        let reference = reference.unwrap_or(&empty);
        self.secrets.check(reference).map_err(|error| {
            let hint =
                "write `{environment: RECEIVER_NAME}` or `{file: PATH}`; never write the secret itself";
            invalid_receiver(field, "", error, hint)
        })
    }

    /// Checks that the host of a URL resolves and may be sent to.
    pub(crate) async fn check_reachable(&self, field: &str, url: &str) -> Result<(), Failure> {
        let to = self
            .guard
            .parse_url(url)
            .map_err(|error| invalid_receiver(field, "", error, "write https://HOST/PATH"))?;
        self.check_host(field, &to.host, to.port, to.secure).await
    }

    /// Checks that a host resolves, and only to addresses that may be sent to.
    pub(crate) async fn check_host(
        &self,
        field: &str,
        host: &str,
        port: u16,
        protected: bool,
    ) -> Result<(), Failure> {
        self.guard.resolve(host, port, protected).await.map(drop).map_err(|error| match error {
            ResolveError::Refused(text) => {
                Failure::new(Class::Invalid, "address-refused", text).at(field, host).with_hint(REACH_HINT)
            }
            ResolveError::Unresolved(text) => Failure::new(Class::Unavailable, "address-unknown", text)
                .at(field, host)
                .with_hint("check the name; it has to resolve where the service runs"),
        })
    }

    /// Reads a secret.
    pub(crate) fn read_secret(&self, field: &str, reference: &SecretReference) -> Result<Secret, Failure> {
        self.secrets.read(reference).map_err(|error| unreadable_secret(field, error))
    }

    /// Checks that a secret, if one is named, can be read. It may be any text.
    pub(crate) fn check_secret_exists(
        &self,
        field: &str,
        reference: Option<&SecretReference>,
    ) -> Result<(), Failure> {
        reference.map_or(Ok(()), |reference| self.read_secret(field, reference).map(drop))
    }

    /// Checks that a secret, if one is named, can be read and is a plain token.
    pub(crate) fn check_token(
        &self,
        field: &str,
        reference: Option<&SecretReference>,
    ) -> Result<(), Failure> {
        let Some(reference) = reference else { return Ok(()) };
        let secret = self.read_secret(field, reference)?;
        secret::check_bare_token(&secret)
            .map_err(|error| unusable_secret(field, &secret::describe_location(reference), &error))
    }
}

/// A failure about a secret or an address that cannot be read.
pub(crate) fn unreadable_secret(field: &str, error: String) -> Failure {
    let hint = "set the variable or mount the file where the service runs";
    invalid_receiver(field, "", error, hint)
}

/// A failure about a secret that can be read but not used.
pub(crate) fn unusable_secret(field: &str, location: &str, error: &str) -> Failure {
    let hint = "correct the secret, then put the receiver again";
    invalid_receiver(field, "", format!("{location}: {error}"), hint)
}

//! How this process shares its work with other replicas: what is configured, and what a service is given.
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt as _;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_runtime::{ClientTls, Clock, Context, LogTarget, Member, Settings, Sharing, client};

use crate::nats_options::ordinal;
use crate::options::access::client_tls;

/// How this process shares its work.
#[derive(Clone, Debug)]
pub(crate) struct ShareConfig {
    /// Name of this replica.
    ordinal: u32,
    /// Address at which other replicas reach it. `None`: the one that it listens on.
    advertise: Option<String>,
    /// Whether the server has TLS.
    has_tls: bool,
    /// TLS of connections to other replicas: their authorities, and the certificate of this server.
    tls: ClientTls,
}

impl ShareConfig {
    /// Reads the settings. `None`: this process shares nothing.
    ///
    /// # Errors
    /// A log that has one process only, no ordinal, a file of a token that cannot be read.
    pub(crate) fn read(
        log: &LogTarget,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failure> {
        if !settings.get_or("share", false)? {
            return Ok(None);
        }
        if matches!(log, LogTarget::Embedded(_)) {
            let message = "replicas share their work on a log of NATS, and the embedded log has one process";
            return Err(Failure::new(Class::Invalid, "invalid-setting", message)
                .at("share", "true")
                .with_hint("set --log nats://HOST:PORT, or leave --share out"));
        }
        let ordinal = ordinal(settings)?.ok_or_else(|| {
            Failure::new(Class::Invalid, "missing-setting", "replicas that share their work need an ordinal")
                .with_hint("number them from 0 with --ordinal (or OREWATCH_ORDINAL)")
        })?;
        // What it asks other replicas for by itself, it asks with this token.
        settings.get::<PathBuf>("token-file")?.map_or(Ok(()), |path| client::show_token(&path))?;
        let (advertise, has_tls) = (settings.get("advertise")?, settings.source("tls-cert").is_some());
        Ok(Some(Self { ordinal, advertise, has_tls, tls: client_tls(settings, clock)? }))
    }

    /// Begins to share the partitions of a service.
    ///
    /// # Errors
    /// Other replicas cannot reach the address that the server listens on, and no other one is set.
    pub(crate) fn start(
        &self,
        context: &Context,
        (log, options): (&LogTarget, &JetStreamOptions),
        service: &'static str,
        partitions: BTreeSet<&'static str>,
    ) -> Result<Sharing, Failure> {
        let (name, address, tls) = (self.ordinal.to_string(), self.address(context)?, self.tls.clone());
        let member = Member { name, address, tls };
        let (log, options) = (log.clone(), options.clone());
        let open = move || {
            let (log, options) = (log.clone(), options.clone());
            async move { log.leases(&options, service).await }.boxed()
        };
        Ok(Sharing::start(context, Box::new(open), member, partitions))
    }

    fn address(&self, context: &Context) -> Result<String, Failure> {
        if let Some(address) = &self.advertise {
            return Ok(address.clone());
        }
        let listened = context.address.filter(|address| !address.ip().is_unspecified());
        let scheme = if self.has_tls { "https" } else { "http" };
        listened.map(|address| format!("{scheme}://{address}")).ok_or_else(|| {
            let message = "other replicas need an address at which they reach this one";
            Failure::new(Class::Invalid, "missing-setting", message)
                .with_hint(format!("set --advertise {scheme}://HOST:PORT (or OREWATCH_ADVERTISE)"))
        })
    }
}

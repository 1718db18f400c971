//! How this process shares its work with other replicas: what is configured, and what a service is given.
use std::collections::BTreeSet;
use std::path::PathBuf;

use futures_util::FutureExt as _;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_runtime::{Context, LogTarget, Member, Settings, Sharing, client};

use crate::nats_options::ordinal;

/// How this process shares its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShareConfig {
    /// Name of this replica.
    ordinal: u32,
    /// Address at which other replicas reach it. `None`: the one that it listens on.
    advertise: Option<String>,
}

impl ShareConfig {
    /// Reads the settings. `None`: this process shares nothing.
    ///
    /// # Errors
    /// A log that has one process only, no ordinal, a file of a token that cannot be read.
    pub(crate) fn read(log: &LogTarget, settings: &Settings) -> Result<Option<Self>, Failure> {
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
        Ok(Some(Self { ordinal, advertise: settings.get("advertise")? }))
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
        let member = Member { name: self.ordinal.to_string(), address: self.address(context)? };
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
        listened.map(|address| format!("http://{address}")).ok_or_else(|| {
            let message = "other replicas need an address at which they reach this one";
            Failure::new(Class::Invalid, "missing-setting", message)
                .with_hint("set --advertise http://HOST:PORT (or OREWATCH_ADVERTISE)")
        })
    }
}

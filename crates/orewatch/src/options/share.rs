//! Options of replicas that share their work.
use super::{Flags, Keyed, given};

/// Options of `up` and `serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ShareOptions {
    /// Share work and memory with the other replicas of the service, by material; needs --log nats://... and
    /// --ordinal
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[arg(hide_possible_values = true)]
    share: Option<String>,
    /// With --share: address at which other replicas reach this one [default: the one that it listens on]
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// File with the token to show to other servers that require one, such as other replicas with --share
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    /// Authorities to trust for https addresses of other servers (PEM file) [default: those of the system]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<String>,
}

impl Keyed for ShareOptions {
    fn flags(&self) -> Flags {
        given([
            ("share", &self.share),
            ("advertise", &self.advertise),
            ("token-file", &self.token_file),
            ("tls-ca", &self.tls_ca),
        ])
    }
}

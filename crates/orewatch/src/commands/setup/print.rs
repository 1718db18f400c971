//! Configuration for NATS servers, NACK and Kubernetes, written from the same source that services and checks
//! use.
use std::fmt::Write as _;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::{Identity, LEASES, StreamSettings, stream_settings};
use orewatch_runtime::Settings;

use super::identities::identities;
use super::{LOGS, keys};
use crate::nats_options::jetstream_options;

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// Accounts and permissions for nats.conf
    Nats,
    /// Streams as resources for NACK
    Nack,
    /// New keys of all identities, as Secrets for Kubernetes
    Keys,
}

/// Largest number of processes of a service for which permissions are printed.
const MAX_INSTANCES: usize = 100;

/// The configuration.
///
/// # Errors
/// A key of an identity that does not exist, or more processes than can be listed.
pub(super) fn configuration(
    what: What,
    settings: &Settings,
    instances: usize,
    public_keys: &[String],
) -> Result<String, Failure> {
    match what {
        What::Nats => {
            if !(1..=MAX_INSTANCES).contains(&instances) {
                return Err(invalid(format!("instances is not 1 to {MAX_INSTANCES}"), instances.to_string()));
            }
            accounts(&identities(instances), public_keys)
        }
        What::Nack => {
            let options = jetstream_options(settings, "setup")?;
            let streams = LOGS.iter().copied().chain([LEASES]);
            Ok(streams.map(|log| resource(&stream_settings(log, &options))).collect())
        }
        What::Keys => keys::secrets(&identities(1)),
    }
}

fn invalid(message: String, value: String) -> Failure {
    Failure::new(Class::Invalid, "invalid-setting", message).at("print", value)
}

/// Accounts and permissions, as nats.conf has them.
fn accounts(identities: &[Identity], keys: &[String]) -> Result<String, Failure> {
    let pairs: Vec<(&str, &str)> = keys.iter().filter_map(|pair| pair.split_once('=')).collect();
    let names: Vec<&str> = identities.iter().map(|one| one.name.as_str()).collect();
    if pairs.len() != keys.len() || pairs.iter().any(|(name, _)| !names.contains(name)) {
        let failure = invalid("an nkey is not NAME=KEY of an identity".to_owned(), keys.join(" "));
        return Err(failure.with_hint(format!("the identities are {}", names.join(", "))));
    }
    let mut text = String::from(
        "# Accounts and permissions for nats.conf, printed by `orewatch setup --print nats`.\n\
         # What is not listed is refused.\n\
         accounts {\n  OREWATCH {\n    jetstream: enabled\n    users: [\n",
    );
    for identity in identities {
        let given = pairs.iter().find(|(name, _)| *name == identity.name).map(|(_, key)| (*key).to_owned());
        let key = given.unwrap_or_else(|| format!("$OREWATCH_NKEY_{}", identity.name.to_uppercase()));
        user(&mut text, identity, &key);
    }
    text.push_str("    ]\n  }\n}\n");
    Ok(text)
}

fn user(text: &mut String, identity: &Identity, key: &str) {
    let grants = identity.grants();
    let list = |subjects: &[String]| {
        subjects.iter().map(|subject| format!("\n            {subject:?}")).collect::<String>()
    };
    // Writing to a string cannot fail.
    let _infallible = write!(
        text,
        "      {{\n        # {}\n        nkey: {key}\n        permissions: {{\n\
         \x20         publish: {{ allow: [{}\n          ] }}\n\
         \x20         subscribe: {{ allow: [{}\n          ] }}\n        }}\n      }}\n",
        identity.name,
        list(&grants.publish),
        list(&grants.subscribe),
    );
}

/// A stream as a resource for NACK, which keeps the stream when the resource is deleted.
fn resource(stream: &StreamSettings) -> String {
    let StreamSettings { name, log, subject, replicas, max_bytes, duplicate_window, placement_tags } = stream;
    let placement = match placement_tags.is_empty() {
        true => String::new(),
        false => format!("  placement:\n    tags: [{}]\n", placement_tags.join(", ")),
    };
    let limit = max_bytes.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string());
    let (last_values, rights) = match log == LEASES {
        true => (1, "allowRollup: true\n  allowMsgTtl: true\n  denyDelete: true"),
        false => (-1, "allowAtomicPublish: true\n  denyDelete: true\n  denyPurge: true"),
    };
    format!(
        "---\napiVersion: jetstream.nats.io/v1beta2\nkind: Stream\nmetadata:\n  name: orewatch-{log}\n\
         \x20 labels:\n    app.kubernetes.io/part-of: orewatch\nspec:\n  name: {name}\n\
         \x20 subjects: [\"{subject}\"]\n  \
         retention: limits\n  storage: file\n  discard: new\n  replicas: {replicas}\n  maxBytes: {limit}\n  \
         maxMsgs: -1\n  maxMsgsPerSubject: {last_values}\n  maxMsgSize: -1\n  maxConsumers: -1\n  \
         duplicateWindow: {}s\n  allowDirect: true\n  {rights}\n  preventDelete: true\n{placement}",
        duplicate_window.as_secs(),
    )
}

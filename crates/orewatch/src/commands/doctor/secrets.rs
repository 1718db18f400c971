//! What must never be shown: passwords, tokens and keys that settings or the environment hold.
//!
//! Settings name files with secrets, and those are not read here. What is left are addresses with a password
//! or a key in them, and variables. Whatever leaves the process goes through [`Secrets::scrub`], so that an
//! error of a library that repeats an address does no harm either.
use std::collections::{BTreeMap, BTreeSet};

/// What is shown in place of a secret.
const HIDDEN: &str = "[hidden]";

/// Length from which the value of a variable counts as a secret, in characters. Shorter ones are words such
/// as `true`, and hiding these would hide what is wrong.
const MIN_VARIABLE_CHARS: usize = 8;

/// The same for what stands in an address.
const MIN_ADDRESS_CHARS: usize = 4;

/// Words in the names of variables whose values are secrets.
const SECRET_WORDS: [&str; 6] = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "KEY"];

/// Ends of the names of variables that name a file or a folder.
const PATH_ENDS: [&str; 4] = ["_FILE", "_DIR", "_PATH", "_HOME"];

/// Texts that must not be shown, the longest first: one may contain another.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Gathers the secrets in the values of settings and in the environment. `is_own` says whether a variable
    /// sets one of our keys: of these, only what is secret in an address counts.
    pub(super) fn gather<'a>(
        values: impl IntoIterator<Item = &'a str>,
        environment: &BTreeMap<String, String>,
        is_own: impl Fn(&str) -> bool,
    ) -> Self {
        let mut found: BTreeSet<String> = values.into_iter().flat_map(of_addresses).collect();
        found.extend(environment.values().flat_map(|value| of_addresses(value)));
        let is_secret = |name: &str, value: &str| {
            !is_own(name) && names_secret(name) && has_chars(value, MIN_VARIABLE_CHARS)
        };
        let variables = environment.iter().filter(|(name, value)| is_secret(name, value));
        found.extend(variables.map(|(_, value)| value.clone()));
        let mut all: Vec<String> = found.into_iter().collect();
        all.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(all)
    }

    /// The text without the secrets.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Whether a variable of this name holds a secret.
fn names_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    let is_path = PATH_ENDS.iter().any(|end| name.ends_with(end));
    !is_path && SECRET_WORDS.iter().any(|word| name.contains(word))
}

fn has_chars(text: &str, least: usize) -> bool {
    text.chars().count() >= least
}

/// A value with its addresses reduced to scheme, host, port and path.
pub(super) fn without_logins(value: &str) -> String {
    let bare = |address: &str| {
        let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
        let rest = rest.split('?').next().unwrap_or_default();
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}{path}")
    };
    value.split(',').map(bare).collect::<Vec<_>>().join(",")
}

/// What is secret in the addresses of a value, which commas separate: the password, or the token in its
/// place, and what a query holds.
fn of_addresses(value: &str) -> Vec<String> {
    value.split(',').filter_map(|address| address.trim().split_once("://")).flat_map(of_address).collect()
}

fn of_address((_, rest): (&str, &str)) -> Vec<String> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
    let password = login.split_once(':').map_or(login, |(_, password)| password);
    let of_query = query.split('&').map(|part| part.split_once('=').map_or(part, |(_, value)| value));
    let found = of_query.chain([password]).filter(|text| has_chars(text, MIN_ADDRESS_CHARS));
    found.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_addresses_and_variables_are_hidden() {
        let environment: BTreeMap<String, String> = [
            ("AWS_SECRET_ACCESS_KEY", "planted-aws-secret"),
            ("COMTRADE_KEY", "planted-publisher-key"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example/v1?api-key=planted-query"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token-file"),
            ("OREWATCH_TOKEN_FILE", "/run/secrets/token"),
            ("OREWATCH_NATS_KEY", "/run/secrets/client.key"),
            ("SSH_KEY", "no"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let values = ["nats://ann:planted-password@a:4222,nats://planted-token@b:4222", "s3://bucket/x"];
        let secrets = Secrets::gather(values, &environment, |name| name.starts_with("OREWATCH_"));
        let text = format!("{values:?} {environment:?}");
        let shown = secrets.scrub(&text);
        assert!(!shown.contains("planted"), "{shown}");
        for kept in ["nats://ann:", "@b:4222", "s3://bucket/x", "/run/secrets/client.key", "token-file"] {
            assert!(shown.contains(kept), "{kept} is in {shown}");
        }
        assert_eq!(format!("{secrets:?}"), "Secrets(5)");
    }

    #[test]
    fn addresses_are_reduced_to_what_is_public() {
        for (value, shown) in [
            ("nats://ann:pw@a:4222,nats://b", "nats://a:4222,nats://b"),
            ("https://collector.example/v1?api-key=x", "https://collector.example/v1"),
            ("https://a.example/p@th", "https://a.example/p@th"),
            ("embedded:/data", "embedded:/data"),
            ("20s", "20s"),
        ] {
            assert_eq!(without_logins(value), shown);
        }
    }

    #[test]
    fn a_secret_that_contains_another_is_hidden_as_a_whole() {
        let environment: BTreeMap<String, String> = [
            ("A_TOKEN".to_owned(), "planted1".to_owned()),
            ("B_TOKEN".to_owned(), "planted1-more".to_owned()),
        ]
        .into();
        let secrets = Secrets::gather([], &environment, |_| false);
        assert_eq!(secrets.scrub("planted1-more and planted1"), "[hidden] and [hidden]");
    }
}

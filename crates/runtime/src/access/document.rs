//! The access file: issuers of tokens, client certificates, and what both may do.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orewatch_contracts::{Class, Failure};
use serde::Deserialize;

use super::fetch::Remote;
use super::grants::{Grants, check_name, shortened};
use super::identity::Identity;
use super::issuer::{Issuer, Selection, SubjectRule};
use super::keys::{KeyPlace, Keys};
use crate::Clock;
use crate::tls::CertificateNames;

/// Upper bounds on what the file lists, of each kind.
const MAX_ISSUERS: usize = 16;
const MAX_ENTRIES: usize = 4_096;

/// What the file says.
#[derive(Debug)]
pub(super) struct AccessFile {
    /// Issuers of tokens.
    pub(super) issuers: Vec<Arc<Issuer>>,
    /// Client certificates. The first that fits counts.
    pub(super) certificates: Vec<CertificateRule>,
}

impl AccessFile {
    /// Takes over the keys of issuers that the last file had, too.
    pub(super) fn take_keys_from(&self, last: &Self) {
        for issuer in &self.issuers {
            let same = last.issuers.iter().find(|known| known.issuer == issuer.issuer);
            if let Some(known) = same {
                issuer.keys.take_from(&known.keys);
            }
        }
    }
}

/// What the holder of a client certificate may do.
#[derive(Debug)]
pub(super) struct CertificateRule {
    /// A name that the certificate has to have.
    name: CertificateName,
    /// Its holder.
    pub(super) identity: Arc<Identity>,
}

#[derive(Debug)]
enum CertificateName {
    Dns(String),
    Uri(String),
}

impl CertificateRule {
    /// Whether a certificate with these names is meant.
    pub(super) fn fits(&self, names: &CertificateNames) -> bool {
        match &self.name {
            CertificateName::Dns(name) => names.dns.iter().any(|one| one.eq_ignore_ascii_case(name)),
            CertificateName::Uri(name) => names.uris.contains(name),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    issuer: Vec<IssuerEntry>,
    #[serde(default)]
    subject: Vec<SubjectEntry>,
    #[serde(default)]
    certificate: Vec<CertificateEntry>,
}

/// An `[[issuer]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    name: String,
    /// What its tokens have in `iss`.
    issuer: String,
    /// Accepted values of `aud`.
    audiences: Vec<String>,
    /// Its keys (JWKS): a file, or an https address.
    keys: String,
    /// For an address: authorities to trust in the place of the system's.
    #[serde(rename = "ca-file")]
    ca_file: Option<PathBuf>,
    /// For an address: the file of a token to show.
    #[serde(rename = "token-file")]
    token_file: Option<PathBuf>,
}

/// A `[[subject]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectEntry {
    issuer: String,
    /// A subject, or the beginning of subjects with `*` after it.
    subject: Option<String>,
    /// A claim that has to have a value, in the place of a subject.
    claim: Option<String>,
    value: Option<String>,
    name: Option<String>,
    roles: Vec<String>,
    tenants: Option<Vec<String>>,
    #[serde(default)]
    read: Vec<String>,
    datasets: Option<BTreeSet<String>>,
    #[serde(rename = "calls-per-second")]
    calls_per_second: Option<u32>,
}

/// A `[[certificate]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateEntry {
    dns: Option<String>,
    uri: Option<String>,
    name: Option<String>,
    roles: Vec<String>,
    tenants: Option<Vec<String>>,
    #[serde(default)]
    read: Vec<String>,
    datasets: Option<BTreeSet<String>>,
    #[serde(rename = "calls-per-second")]
    calls_per_second: Option<u32>,
}

/// The failure for an access file.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "invalid-access-file", message)
}

/// Reads the access file. Paths in it that are not absolute begin at its own folder.
///
/// # Errors
/// [`Class::Invalid`] with the entry that is wrong.
pub(super) fn parse(text: &str, folder: &Path, clock: &Arc<dyn Clock>) -> Result<AccessFile, Failure> {
    let document: Document = toml::from_str(text).map_err(|error| {
        invalid(format!("this is no access file: {}", error.to_string().trim()))
            .with_hint("it has the tables [[issuer]], [[subject]] and [[certificate]]")
    })?;
    let Document { issuer: issuers, subject: subjects, certificate: certificates } = document;
    if issuers.len() > MAX_ISSUERS || subjects.len().max(certificates.len()) > MAX_ENTRIES {
        let message =
            format!("an access file has at most {MAX_ISSUERS} issuers and {MAX_ENTRIES} entries of a kind");
        return Err(invalid(message));
    }
    let mut read = issuers
        .into_iter()
        .map(|entry| issuer(entry, folder, clock))
        .collect::<Result<Vec<Issuer>, Failure>>()?;
    check_different(&read)?;
    for entry in subjects {
        let named = read.iter_mut().find(|issuer| issuer.name == entry.issuer);
        let issuer = named.ok_or_else(|| {
            invalid("a [[subject]] names an issuer that the file does not have")
                .at("issuer", shortened(&entry.issuer))
        })?;
        let at = entry.subject.clone().or_else(|| entry.claim.clone()).unwrap_or_default();
        let rule = subject(entry).map_err(|message| invalid(message).at("subject", shortened(&at)))?;
        issuer.subjects.push(rule);
    }
    let certificates = certificates.into_iter().map(certificate).collect::<Result<_, _>>()?;
    Ok(AccessFile { issuers: read.into_iter().map(Arc::new).collect(), certificates })
}

fn issuer(entry: IssuerEntry, folder: &Path, clock: &Arc<dyn Clock>) -> Result<Issuer, Failure> {
    let IssuerEntry { name, issuer, audiences, keys, ca_file, token_file } = entry;
    let wrong = |message: String| invalid(message).at("issuer", shortened(&name));
    check_name(&name).map_err(wrong)?;
    if issuer.is_empty() || audiences.is_empty() || audiences.iter().any(String::is_empty) {
        return Err(wrong("an [[issuer]] has its `issuer` and at least one of `audiences`".to_owned()));
    }
    let place = if keys.contains("://") {
        let [ca, token] = [&ca_file, &token_file].map(|file| file.as_ref().map(|file| folder.join(file)));
        let remote = Remote::new(&keys, ca.as_deref(), token.as_deref(), Arc::clone(clock));
        KeyPlace::Remote(remote.map_err(wrong)?)
    } else if ca_file.is_some() || token_file.is_some() {
        return Err(wrong("`ca-file` and `token-file` go with `keys` that are an address".to_owned()));
    } else {
        KeyPlace::File(folder.join(keys))
    };
    let keys = Arc::new(Keys::new(place));
    Ok(Issuer { name, issuer, audiences, keys, subjects: Vec::new() })
}

/// Refuses two issuers with one name, or of one kind of token.
fn check_different(issuers: &[Issuer]) -> Result<(), Failure> {
    let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::new());
    let twice = issuers
        .iter()
        .find(|issuer| !names.insert(issuer.name.as_str()) || !urls.insert(issuer.issuer.as_str()));
    twice.map_or(Ok(()), |issuer| {
        Err(invalid("two [[issuer]] have the same `name` or `issuer`").at("issuer", shortened(&issuer.name)))
    })
}

fn subject(entry: SubjectEntry) -> Result<SubjectRule, String> {
    let SubjectEntry { subject, claim, value, name, .. } = &entry;
    let selects = match (subject, claim, value) {
        (Some(subject), None, None) => match subject.strip_suffix('*') {
            None => Selection::Subject(subject.clone()),
            Some(beginning) => Selection::Prefix(beginning.to_owned()),
        },
        (None, Some(name), Some(value)) => Selection::Claim { name: name.clone(), value: value.clone() },
        _ => return Err("a [[subject]] has either `subject`, or `claim` and `value`".to_owned()),
    };
    if name.is_some() && !matches!(selects, Selection::Subject(_)) {
        return Err("`name` is for one subject: several would be taken for one".to_owned());
    }
    let name = entry.name.clone();
    let grants = Grants {
        roles: Some(entry.roles),
        tenants: entry.tenants,
        read: entry.read,
        write: None,
        datasets: entry.datasets,
        calls_per_second: entry.calls_per_second,
    };
    // What is wrong with the grants is an error here, not at the first call.
    let shown = name.as_deref().unwrap_or("subject");
    check_name(shown)?;
    grants.clone().identity(shown)?;
    Ok(SubjectRule { selects, name, grants })
}

fn certificate(entry: CertificateEntry) -> Result<CertificateRule, Failure> {
    let at = entry.uri.clone().or_else(|| entry.dns.clone()).unwrap_or_default();
    certificate_rule(entry).map_err(|message| invalid(message).at("certificate", shortened(&at)))
}

fn certificate_rule(entry: CertificateEntry) -> Result<CertificateRule, String> {
    let (rule_name, own_name) = match (entry.dns, entry.uri) {
        (Some(dns), None) => (CertificateName::Dns(dns.clone()), format!("dns:{dns}")),
        (None, Some(uri)) => (CertificateName::Uri(uri.clone()), uri),
        _ => return Err("a [[certificate]] has either `dns` or `uri`".to_owned()),
    };
    let name = entry.name.unwrap_or(own_name);
    check_name(&name)?;
    let grants = Grants {
        roles: Some(entry.roles),
        tenants: entry.tenants,
        read: entry.read,
        write: None,
        datasets: entry.datasets,
        calls_per_second: entry.calls_per_second,
    };
    Ok(CertificateRule { name: rule_name, identity: Arc::new(grants.identity(&name)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    fn read(text: &str) -> Result<AccessFile, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        parse(text, Path::new("/etc/orewatch"), &clock)
    }

    const ISSUER: &str = "[[issuer]]\nname = \"login\"\nissuer = \"https://login.example\"\n\
                          audiences = [\"orewatch\"]\nkeys = \"keys.json\"\n";

    #[test]
    fn a_wrong_file_names_the_entry() {
        for (text, word) in [
            ("issuer = 1", "[[issuer]]"),
            ("[[issuer]]\nname = \"a\"\n", "missing field"),
            ("[[issuer]]\nname = \"a\"\nissuer = \"i\"\naudiences = []\nkeys = \"k\"\n", "audiences"),
            (
                "[[issuer]]\nname = \"a\"\nissuer = \"i\"\naudiences = [\"o\"]\nkeys = \"http://far/k\"\n",
                "https",
            ),
            ("[[issuer]]\nname=\"a\"\nissuer=\"i\"\naudiences=[\"o\"]\nkeys=\"k\"\nca-file=\"c\"", "address"),
            ("[[subject]]\nissuer = \"none\"\nsubject = \"s\"\nroles = [\"reader\"]\n", "does not have"),
            ("[[certificate]]\nroles = [\"reader\"]\n", "either"),
            ("[[certificate]]\ndns = \"a\"\nuri = \"b\"\nroles = [\"reader\"]\n", "either"),
            ("[[certificate]]\ndns = \"a\"\nroles = [\"admin\"]\n", "there is no role"),
            (
                "[[certificate]]\ndns = \"a\"\nroles = [\"reader\"]\ncalls-per-second = 0\n",
                "calls-per-second",
            ),
        ] {
            let failure = read(text).map(drop).unwrap_err();
            assert_eq!(failure.code, "invalid-access-file", "{text}");
            assert!(failure.to_string().contains(word), "{text}: {failure}");
        }
        for (more, word) in [
            (ISSUER, "same `name`"),
            ("[[subject]]\nissuer = \"login\"\nroles = [\"reader\"]\n", "either"),
            (
                "[[subject]]\nissuer = \"login\"\nsubject = \"a\"\nclaim = \"b\"\nroles = [\"reader\"]\n",
                "either",
            ),
            (
                "[[subject]]\nissuer = \"login\"\nsubject = \"a*\"\nname = \"b\"\nroles = [\"reader\"]\n",
                "one subject",
            ),
            ("[[subject]]\nissuer = \"login\"\nsubject = \"a\"\nroles = []\n", "at least one"),
        ] {
            let failure = read(&format!("{ISSUER}{more}")).map(drop).unwrap_err();
            assert!(failure.to_string().contains(word), "{more}: {failure}");
        }
    }

    #[test]
    fn a_certificate_is_found_by_any_of_its_names() {
        let file = read(
            "[[certificate]]\nuri = \"spiffe://cluster/console\"\nname = \"console\"\nroles = [\"reader\"]\n\
             [[certificate]]\ndns = \"Alerting.example\"\nroles = [\"operator\"]\n",
        )
        .unwrap();
        let names = |dns: &[&str], uris: &[&str]| CertificateNames {
            dns: dns.iter().map(|name| (*name).to_owned()).collect(),
            uris: uris.iter().map(|name| (*name).to_owned()).collect(),
        };
        let found = |names: &CertificateNames| {
            let rule = file.certificates.iter().find(|rule| rule.fits(names));
            rule.map(|rule| rule.identity.name.clone())
        };
        assert_eq!(found(&names(&["x"], &["spiffe://cluster/console"])).as_deref(), Some("console"));
        assert_eq!(found(&names(&["x", "alerting.example"], &[])).as_deref(), Some("dns:Alerting.example"));
        assert_eq!(found(&names(&["spiffe://cluster/console"], &["alerting.example"])), None);
    }
}

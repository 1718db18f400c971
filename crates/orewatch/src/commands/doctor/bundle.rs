//! The support bundle: what a doctor found and what it looked at, as files that can be passed on. Settings
//! have no passwords, sections and files with secrets are not in it, and every text went through
//! `Secrets::scrub`.
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::Settings;
use serde_json::{Value, json};

use super::found::Found;
use super::secrets::{Secrets, without_logins};
use super::tar;
use crate::render::document;
use crate::version::version;

/// Folder of the files in an archive.
const FOLDER: &str = "orewatch-support";

/// What a bundle is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents<'a> {
    /// What was found, without secrets.
    pub(super) found: &'a Found,
    /// The settings.
    pub(super) settings: &'a Settings,
    /// What is secret in them.
    pub(super) secrets: &'a Secrets,
    /// As whom the logs were looked at.
    pub(super) identity: &'a str,
    /// When.
    pub(super) now: Timestamp,
}

impl Contents<'_> {
    /// The files, each with its name and content.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let Found { checks, positions, health } = self.found;
        let positions: Vec<Value> = positions
            .iter()
            .map(|one| json!({"log": one.log, "oldest": one.oldest, "head": one.head}))
            .collect();
        let health: Vec<Value> = health
            .iter()
            .map(|one| {
                let (answer, logs) = (one.answer.word(), &one.lines);
                json!({"service": one.service, "address": one.address, "answer": answer, "logs": logs})
            })
            .collect();
        let file = |name: &str, content: Vec<u8>| (name.to_owned(), content);
        vec![
            file("about.json", json_bytes(&self.about())),
            file("checks.json", json_bytes(&document(checks))),
            file("health.json", json_bytes(&health)),
            file("positions.json", json_bytes(&positions)),
            file("settings.json", json_bytes(&self.settings())),
        ]
    }

    fn about(&self) -> Value {
        json!({
            "version": version(),
            "system": std::env::consts::OS,
            "processor": std::env::consts::ARCH,
            "identity": self.identity,
            "time": self.now.to_string(),
        })
    }

    /// The settings that are set, with their sources.
    fn settings(&self) -> Vec<Value> {
        let shown = |value: &str| self.secrets.scrub(&without_logins(value));
        let entries = self.settings.entries();
        let entries = entries.map(|(key, source, value)| {
            let source = self.secrets.scrub(&source.to_string());
            // Only sections have no value here.
            let value = value.map_or_else(|| "[section]".to_owned(), shown);
            json!({"key": key, "value": value, "source": source})
        });
        entries.collect()
    }
}

fn json_bytes<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // Values of these types always have a JSON form.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Writes a bundle: an archive if the name ends with `.tar.gz` or `.tgz`, otherwise a folder. Nothing that is
/// there is changed.
///
/// # Errors
/// Something is there already, or it cannot be written.
pub(super) fn write(to: &Path, contents: &Contents<'_>) -> Result<(), Failure> {
    let written = match is_archive(to) {
        true => write_archive(to, contents),
        false => write_folder(to, contents),
    };
    written.map_err(|error| {
        let (class, code) = match error.kind() {
            io::ErrorKind::AlreadyExists => (Class::Invalid, "file-exists"),
            _ => (Class::Unavailable, "file-not-writable"),
        };
        let to = to.display().to_string();
        Failure::new(class, code, format!("cannot write {to}: {error}")).at("bundle", to)
    })
}

fn is_archive(to: &Path) -> bool {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

fn write_archive(to: &Path, contents: &Contents<'_>) -> io::Result<()> {
    let within = |(name, content): (String, Vec<u8>)| (format!("{FOLDER}/{name}"), content);
    let files: Vec<_> = contents.files().into_iter().map(within).collect();
    let seconds = u64::try_from(contents.now.as_second()).unwrap_or_default();
    let file = fs::File::create_new(to)?;
    let mut packed = GzEncoder::new(file, Compression::default());
    packed.write_all(&tar::archive(&files, seconds))?;
    packed.finish()?.sync_all()
}

fn write_folder(to: &Path, contents: &Contents<'_>) -> io::Result<()> {
    fs::create_dir(to)?;
    for (name, content) in contents.files() {
        fs::write(to.join(name), content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use orewatch_runtime::Key;

    use super::super::check::Check;
    use super::*;

    /// Writes a bundle of settings with planted secrets.
    fn bundle(to: &Path) -> Result<(), Failure> {
        let keys = [Key::new("log"), Key::new("otlp-endpoint"), Key::section("poll")];
        let environment: BTreeMap<String, String> =
            [("OREWATCH_LOG".to_owned(), "nats://ann:planted-password@nats:4222".to_owned())].into();
        let toml = "otlp-endpoint = 'https://a/v1?key=planted-query'\n[[poll]]\nkey = 'planted-key'\n";
        let file = Some((Path::new("orewatch.toml"), toml));
        let settings = Settings::new(&keys, [], environment.clone(), file).unwrap();
        let values = settings.entries().filter_map(|(_, _, value)| value);
        let secrets = Secrets::gather(values, &environment, |_| true);
        let found = Found::from(Check::pass("nats", "connection", "as operator"));
        let (found, settings, secrets) = (&found, &settings, &secrets);
        let now = "2026-11-30T12:00:00Z".parse().unwrap();
        write(to, &Contents { found, settings, secrets, identity: "operator", now })
    }

    #[test]
    fn a_folder_has_no_secret_and_is_never_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let to = place.path().join("support");
        bundle(&to).unwrap();
        let mut all = String::new();
        for name in ["about", "checks", "health", "positions", "settings"] {
            all.push_str(&fs::read_to_string(to.join(format!("{name}.json"))).unwrap());
        }
        assert!(!all.contains("planted"), "{all}");
        for shown in ["nats://nats:4222", "https://a/v1", "OREWATCH_LOG", "[section]", "as operator"] {
            assert!(all.contains(shown), "{shown} is in {all}");
        }
        assert_eq!(bundle(&to).unwrap_err().code, "file-exists");
        assert_eq!(bundle(&place.path().join("no/such")).unwrap_err().code, "file-not-writable");
    }

    #[test]
    fn an_archive_has_the_same_files() {
        let place = tempfile::tempdir().unwrap();
        let to = place.path().join("support.tar.gz");
        bundle(&to).unwrap();
        let mut unpacked = Vec::new();
        GzDecoder::new(fs::File::open(&to).unwrap()).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked.starts_with(b"orewatch-support/about.json\0"));
        assert!(!String::from_utf8_lossy(&unpacked).contains("planted"));
        assert_eq!(bundle(&to).unwrap_err().code, "file-exists");
    }
}

//! Secrets of receivers: where they may be stored, and how they stay out of logs and errors.
use std::fmt;
use std::path::{Component, Path, PathBuf};

use orewatch_contracts::alerting::v1::{SecretReference, secret_reference::Source};

use crate::config::VARIABLE_PREFIX;

/// Upper bound on the file of a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// A secret. Its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The secret itself, for the request that needs it and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Replaces the secret in a text: receivers may echo what they reject.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        text.replace(&self.0, "(secret)")
    }
}

/// Checks that a token has no quotes and no `Bearer ` copied along with it, which would be sent or used to
/// sign as part of it.
///
/// # Errors
/// What is wrong and what to do, without the secret.
pub fn check_bare_token(secret: &Secret) -> Result<(), String> {
    let text = secret.expose();
    let is_quoted = |quote: char| text.starts_with(quote) || text.ends_with(quote);
    if text.trim().is_empty() {
        return Err("it is blank".to_owned());
    }
    if let Some(quote) = ['"', '\'', '`'].into_iter().find(|quote| is_quoted(*quote)) {
        return Err(format!("it is in quotes: remove the {quote}"));
    }
    let begin = text.trim_start().get(..7).unwrap_or_default();
    if begin.eq_ignore_ascii_case("bearer ") {
        return Err("it begins with `Bearer `, which is added automatically: remove it".to_owned());
    }
    Ok(())
}

/// Locations where secrets may be stored.
#[derive(Clone, Debug)]
pub struct Secrets {
    folder: PathBuf,
    /// Whether environment variables with the known prefix hold secrets too: not those of tenants.
    has_variables: bool,
}

impl Secrets {
    /// Secrets in environment variables with the known prefix and in files of a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, has_variables: true }
    }

    /// Secrets of the receivers of a tenant, or of those that belong to everyone (empty). A tenant has only
    /// the folder `TENANT/` below, so that it cannot use secrets of others.
    #[must_use]
    pub fn for_tenant(&self, tenant: &str) -> Self {
        if tenant.is_empty() {
            return self.clone();
        }
        Self { folder: self.folder.join(tenant), has_variables: false }
    }

    /// Checks that a reference names a permitted location.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn check(&self, reference: &SecretReference) -> Result<(), String> {
        match &reference.source {
            Some(Source::Environment(_)) if !self.has_variables => {
                Err(format!("secrets of a tenant must be files in {}", self.folder.display()))
            }
            Some(Source::Environment(name)) if name.starts_with(VARIABLE_PREFIX) => Ok(()),
            Some(Source::Environment(_)) => {
                Err(format!("the name of a secret's environment variable must begin with {VARIABLE_PREFIX}"))
            }
            Some(Source::File(path)) if self.contains(Path::new(path)) => Ok(()),
            Some(Source::File(_)) => {
                Err(format!("secret files must be in {}, see secrets-dir", self.folder.display()))
            }
            None => Err("name an environment variable or a file".to_owned()),
        }
    }

    /// Whether a path is below the folder as it is written. A path with `..` is not, even if it leads back
    /// into the folder: otherwise errors would reveal which files exist outside of it.
    fn contains(&self, path: &Path) -> bool {
        path.starts_with(&self.folder) && !path.components().any(|part| part == Component::ParentDir)
    }

    /// Reads the current value of a secret. Errors name its location, never its content.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(&self, reference: &SecretReference) -> Result<Secret, String> {
        self.check(reference)?;
        let text = match &reference.source {
            Some(Source::Environment(name)) => {
                std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?
            }
            Some(Source::File(path)) => self.read_file(path)?,
            None => return Err("no secret is named".to_owned()),
        };
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if text.is_empty() {
            Err(format!("{} is empty", describe_location(reference)))
        } else {
            Ok(Secret(text.to_owned()))
        }
    }

    /// Reads a file. Mounted secrets are symbolic links within their folder; a link that leads out of it is
    /// refused.
    fn read_file(&self, path: &str) -> Result<String, String> {
        let cannot_read = |error: std::io::Error| format!("cannot read file {path}: {error}");
        let real = std::fs::canonicalize(path).map_err(cannot_read)?;
        let folder = std::fs::canonicalize(&self.folder).map_err(cannot_read)?;
        if !real.starts_with(&folder) {
            return Err(format!("file {path} is outside {}", self.folder.display()));
        }
        if std::fs::metadata(&real).map_err(cannot_read)?.len() > MAX_SECRET_BYTES {
            return Err(format!("file {path} is too large for a secret"));
        }
        std::fs::read_to_string(&real).map_err(cannot_read)
    }
}

/// Location of a secret, for messages.
#[must_use]
pub fn describe_location(reference: &SecretReference) -> String {
    match &reference.source {
        Some(Source::Environment(name)) => format!("environment variable {name}"),
        Some(Source::File(path)) => format!("file {path}"),
        None => "nowhere".to_owned(),
    }
}

/// Location of a secret, for tables.
#[must_use]
pub fn short_location(reference: &SecretReference) -> String {
    match &reference.source {
        Some(Source::Environment(name)) => format!("environment {name}"),
        Some(Source::File(path)) => format!("file {path}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: impl AsRef<Path>) -> SecretReference {
        SecretReference { source: Some(Source::File(path.as_ref().display().to_string())) }
    }

    #[test]
    fn a_secret_is_read_only_from_permitted_locations() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("secrets");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("key"), "s3cr3t \r\n").unwrap();
        std::fs::write(folder.join("empty"), "\n").unwrap();
        std::fs::write(dir.path().join("outside"), "not yours").unwrap();
        std::os::unix::fs::symlink(dir.path().join("outside"), folder.join("link")).unwrap();
        let secrets = Secrets::new(folder.clone());
        let key = secrets.read(&file(folder.join("key"))).unwrap();
        assert_eq!((key.expose(), format!("{key:?}")), ("s3cr3t ", "Secret".to_owned()));
        assert_eq!(key.scrub("token s3cr3t  is wrong"), "token (secret) is wrong");
        for wrong in ["empty", "link", "missing", "../outside"] {
            let error = secrets.read(&file(folder.join(wrong))).unwrap_err();
            assert!(!error.contains("not yours"), "{error}");
        }
        assert!(secrets.check(&file(dir.path().join("outside"))).is_err());
        let answers = ["../outside", "../nothing", "../secrets/key"]
            .map(|wrong| secrets.read(&file(folder.join(wrong))));
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "errors do not reveal which files exist: {answers:?}"
        );
        let variable = |name: &str| SecretReference { source: Some(Source::Environment(name.to_owned())) };
        assert!(secrets.check(&variable("AWS_SECRET_ACCESS_KEY")).is_err());
        assert!(secrets.read(&variable("RECEIVER_NOT_SET")).unwrap_err().contains("RECEIVER_NOT_SET"));
        assert!(secrets.read(&SecretReference::default()).is_err());
    }
}

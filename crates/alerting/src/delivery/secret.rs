//! Secrets of receivers: where they are, and how they stay out of everything that is written.
use std::fmt;
use std::path::{Path, PathBuf};

use orewatch_contracts::alerting::v1::{SecretReference, secret_reference::Source};

use super::config::VARIABLE_PREFIX;

/// Largest file of a secret in bytes.
const LARGEST: u64 = 64 << 10;

/// A secret. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// For where it has to go, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text that may repeat the secret, without it: receivers echo what they refuse.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        text.replace(&self.0, "(secret)")
    }
}

/// What came along with a secret that is none of it. A text that is copied with it would be sent or sign as it stands.
///
/// # Errors
/// What is wrong and what to do, without the secret.
pub fn bare(secret: &Secret) -> Result<(), String> {
    let text = secret.expose();
    let is_quoted = |quote: char| text.starts_with(quote) || text.ends_with(quote);
    if text.trim().is_empty() {
        return Err("it is blank".to_owned());
    }
    if let Some(quote) = ['"', '\'', '`'].into_iter().find(|quote| is_quoted(*quote)) {
        return Err(format!("it stands in quotes: drop the {quote}"));
    }
    let begin = text.trim_start().get(..7).unwrap_or_default();
    if begin.eq_ignore_ascii_case("bearer ") {
        return Err("it begins with `Bearer `, which is added by itself: drop that".to_owned());
    }
    Ok(())
}

/// Where secrets may be.
#[derive(Clone, Debug)]
pub struct Secrets {
    folder: PathBuf,
    /// Of everyone's receivers: the variables with the known prefix hold secrets too.
    variables: bool,
}

impl Secrets {
    /// Secrets of variables with the known prefix, and of files in a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, variables: true }
    }

    /// Where secrets of a tenant's receivers may be, or of everyone's (empty): a tenant has a folder of its own below, `TENANT/`,
    /// and nothing else, so that it cannot have another's secret used.
    #[must_use]
    pub fn of(&self, tenant: &str) -> Self {
        if tenant.is_empty() {
            return self.clone();
        }
        Self { folder: self.folder.join(tenant), variables: false }
    }

    /// Whether a reference names a place where secrets may be. An error says what to do.
    ///
    /// # Errors
    /// A text for people.
    pub fn check(&self, reference: &SecretReference) -> Result<(), String> {
        match &reference.source {
            Some(Source::Environment(_)) if !self.variables => {
                Err(format!("secrets of a tenant are files in {}", self.folder.display()))
            }
            Some(Source::Environment(name)) if name.starts_with(VARIABLE_PREFIX) => Ok(()),
            Some(Source::Environment(_)) => {
                Err(format!("the name of a variable that holds a secret begins with {VARIABLE_PREFIX}"))
            }
            Some(Source::File(path)) if Path::new(path).starts_with(&self.folder) => Ok(()),
            Some(Source::File(_)) => {
                Err(format!("files of secrets are in {}, see secrets-dir", self.folder.display()))
            }
            None => Err("name a variable of the environment or a file".to_owned()),
        }
    }

    /// The secret, as it is now. An error says where it should be, never what is there.
    ///
    /// # Errors
    /// A text for people.
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
            Err(format!("{} is empty", place(reference)))
        } else {
            Ok(Secret(text.to_owned()))
        }
    }

    /// Mounted secrets are links within their folder; one that leads out of it is followed nowhere.
    fn read_file(&self, path: &str) -> Result<String, String> {
        let unread = |error: std::io::Error| format!("file {path} cannot be read: {error}");
        let real = std::fs::canonicalize(path).map_err(unread)?;
        let folder = std::fs::canonicalize(&self.folder).map_err(unread)?;
        if !real.starts_with(&folder) {
            return Err(format!("file {path} lies outside {}", self.folder.display()));
        }
        if std::fs::metadata(&real).map_err(unread)?.len() > LARGEST {
            return Err(format!("file {path} is too large for a secret"));
        }
        std::fs::read_to_string(&real).map_err(unread)
    }
}

/// Where a secret is, for people.
#[must_use]
pub fn place(reference: &SecretReference) -> String {
    match &reference.source {
        Some(Source::Environment(name)) => format!("environment variable {name}"),
        Some(Source::File(path)) => format!("file {path}"),
        None => "nowhere".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: impl AsRef<Path>) -> SecretReference {
        SecretReference { source: Some(Source::File(path.as_ref().display().to_string())) }
    }

    #[test]
    fn a_secret_is_read_at_its_place_and_nowhere_else() {
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
        let variable = |name: &str| SecretReference { source: Some(Source::Environment(name.to_owned())) };
        assert!(secrets.check(&variable("AWS_SECRET_ACCESS_KEY")).is_err());
        assert!(secrets.read(&variable("RECEIVER_NOT_SET")).unwrap_err().contains("RECEIVER_NOT_SET"));
        assert!(secrets.read(&SecretReference::default()).is_err());
    }
}

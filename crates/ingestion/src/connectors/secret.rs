//! Keys of publishers' interfaces: where they are, and how they stay out of everything that is written.
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Shortest key that is accepted, in bytes.
const MIN_KEY_BYTES: usize = 8;

/// Longest key that is accepted, in bytes.
const MAX_KEY_BYTES: u64 = 4_096;

/// Location of a connector's key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// An environment variable, with its value when the process started.
    Variable(String, Option<String>),
    /// A file, read for every poll, so that a renewed key is used.
    File(PathBuf),
}

impl fmt::Debug for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPlace({self})")
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name, _) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl KeyLocation {
    pub(super) fn variable(name: String, environment: &BTreeMap<String, String>) -> Self {
        let value = environment.get(&name).cloned();
        Self::Variable(name, value)
    }

    /// Name of the variable, or path of the file.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Variable(name, _) => name.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Reads the key. An error names its location, never its content.
    pub(super) fn read(&self) -> Result<Secret, String> {
        let text = match self {
            Self::Variable(_, value) => value.clone().ok_or_else(|| format!("{self} is not set"))?,
            Self::File(path) => {
                let unread = |error: std::io::Error| format!("{self} cannot be read: {error}");
                let size = std::fs::metadata(path).map_err(unread)?.len();
                if size > MAX_KEY_BYTES {
                    return Err(format!("{self} is too large for a key"));
                }
                std::fs::read_to_string(path).map_err(unread)?
            }
        };
        let key = text.trim();
        let fits = key.len() >= MIN_KEY_BYTES && key.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Secret(key.to_owned())) } else { Err(format!("{self} does not hold a key")) }
    }
}

/// A key, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The key, for the header that carries it and nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// A text without the key: publishers echo what they refuse.
    pub(super) fn scrub(&self, text: &str) -> String {
        text.replace(&self.0, "(key)")
    }
}

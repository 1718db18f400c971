//! Configuration: flags come before the environment, which comes before the file. Each value knows its
//! source.
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use orewatch_catalog::closest_above;
use orewatch_contracts::{Class, Failure};
use serde::de::DeserializeOwned;

/// Prefix of the variables that set a key.
const PREFIX: &str = "OREWATCH_";

/// Similarity (Jaro-Winkler, 0 to 1) over which a wrong name is taken for a typing error of a right one.
/// Higher than elsewhere: a variable that another program set must not keep a service from starting.
const MIN_SIMILARITY: f64 = 0.85;

/// A setting that can be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Name in files, in kebab case. The flag is `--NAME`, the variable `OREWATCH_NAME`.
    pub name: &'static str,
    /// A variable that many programs share, read after our own.
    pub shared_variable: Option<&'static str>,
    /// It is a section: tables that only a file can hold, see [`Settings::section`].
    pub section: bool,
}

impl Key {
    /// A key without a shared variable.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, shared_variable: None, section: false }
    }

    /// The same key with a variable that many programs share.
    #[must_use]
    pub const fn shared(self, variable: &'static str) -> Self {
        Self { shared_variable: Some(variable), ..self }
    }

    /// A section of the file.
    #[must_use]
    pub const fn section(name: &'static str) -> Self {
        Self { name, shared_variable: None, section: true }
    }

    /// Name of the environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase().replace('-', "_"))
    }
}

/// Source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// A key of the configuration file.
    File(PathBuf, String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File(path, key) => write!(f, "key {key} in {}", path.display()),
        }
    }
}

/// All configured values with their sources. Of several sources of a key the first wins: flag, environment,
/// file.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, (Source, String)>,
    sections: BTreeMap<&'static str, (Source, toml::Value)>,
}

impl Settings {
    /// Combines the sources. `file` is the path and the text of a TOML file with the keys at its top level.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a file that is not TOML, for a key in it that is none of `keys`, and for a
    /// variable that begins with `OREWATCH_` and looks like a misspelt one of ours. Other variables with that
    /// prefix may belong to somebody else, and are ignored.
    pub fn new(
        keys: &[Key],
        flags: impl IntoIterator<Item = (&'static str, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<(&Path, &str)>,
    ) -> Result<Self, Failure> {
        let mut settings = Self::default();
        if let Some((path, text)) = file {
            settings.add_file(keys, path, text)?;
        }
        settings.add_environment(keys, &environment.into_iter().collect())?;
        for (name, value) in flags {
            settings.values.insert(name, (Source::Flag(format!("--{name}")), value));
        }
        Ok(settings)
    }

    fn add_file(&mut self, keys: &[Key], path: &Path, text: &str) -> Result<(), Failure> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            Failure::new(
                Class::Invalid,
                "invalid-config-file",
                format!("{} is not TOML: {error}", path.display()),
            )
        })?;
        for (name, value) in table {
            let key = keys.iter().find(|key| key.name == name).ok_or_else(|| {
                let hint = closest_above(MIN_SIMILARITY, &name, keys.iter().map(|key| key.name)).map_or_else(
                    || {
                        format!(
                            "the keys are {}",
                            keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
                        )
                    },
                    |right| format!("did you mean {right}?"),
                );
                Failure::new(
                    Class::Invalid,
                    "unknown-setting",
                    format!("{} has an unknown key", path.display()),
                )
                .at("key", &name)
                .with_hint(hint)
            })?;
            let source = Source::File(path.to_owned(), name.clone());
            if key.section {
                self.sections.insert(key.name, (source, value));
                continue;
            }
            let text = plain(&value).ok_or_else(|| {
                Failure::new(
                    Class::Invalid,
                    "invalid-setting",
                    format!("{source} must be one text, number or boolean"),
                )
                .at(key.name, value.to_string())
            })?;
            self.values.insert(key.name, (source, text));
        }
        Ok(())
    }

    fn add_environment(
        &mut self,
        keys: &[Key],
        environment: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        for key in keys.iter().filter(|key| !key.section) {
            let own = key.variable();
            let names = [Some(own.as_str()), key.shared_variable];
            let set = names.into_iter().flatten().find_map(|name| {
                environment.get(name).filter(|value| !value.is_empty()).map(|value| (name, value))
            });
            if let Some((name, value)) = set {
                self.values.insert(key.name, (Source::Variable(name.to_owned()), value.clone()));
            }
        }
        let known: Vec<String> = keys.iter().filter(|key| !key.section).map(Key::variable).collect();
        let strangers = environment
            .keys()
            .filter(|name| name.starts_with(PREFIX) && !known.iter().any(|key| key == *name));
        for name in strangers {
            // The prefix that all of them share would make all of them similar.
            let right = closest_above(MIN_SIMILARITY, bare(name), known.iter().map(|known| bare(known)));
            if let Some(right) = right {
                return Err(Failure::new(Class::Invalid, "unknown-setting", "unknown environment variable")
                    .at("variable", name)
                    .with_hint(format!("did you mean {PREFIX}{right}? Unset it otherwise.")));
            }
        }
        Ok(())
    }

    /// The value of a key, if any source sets it.
    ///
    /// # Errors
    /// [`Class::Invalid`] with key, source and value if the text does not parse.
    pub fn get<T>(&self, name: &str) -> Result<Option<T>, Failure>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let Some((source, text)) = self.values.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| {
            Failure::new(Class::Invalid, "invalid-setting", format!("{source} is wrong: {error}"))
                .at(name, text)
        })
    }

    /// The value of a key, or what it is when no source sets it.
    ///
    /// # Errors
    /// Those of [`Settings::get`].
    pub fn get_or<T>(&self, name: &str, default: T) -> Result<T, Failure>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        Ok(self.get(name)?.unwrap_or(default))
    }

    /// A section of the file, if it is there.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the section and what is wrong in it: a key that is missing or that nobody
    /// knows, or a value of another kind.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some((source, value)) = self.sections.get(name) else { return Ok(None) };
        value.clone().try_into().map(Some).map_err(|error: toml::de::Error| {
            let message = format!("{source} is wrong: {}", error.to_string().trim().replace('\n', " "));
            Failure::new(Class::Invalid, "invalid-setting", message)
        })
    }

    /// All values that are set, with their keys and sources, in the order of the keys. A section of the file
    /// has no value here: what it holds may be secret.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, &Source, Option<&str>)> {
        let values = self.values.iter().map(|(key, (source, text))| (*key, source, Some(text.as_str())));
        values.chain(self.sections.iter().map(|(key, (source, _))| (*key, source, None)))
    }

    /// Where the value of a key comes from.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.values.get(name).map(|(source, _)| source)
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => Some(value.to_string()),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

/// A variable's name without the prefix.
fn bare(variable: &str) -> &str {
    variable.strip_prefix(PREFIX).unwrap_or(variable)
}

//! Files of entries, such as receivers: YAML with one entry, or with a list of entries under a key. Every
//! error has file, line and column, also one that the service finds later.
use orewatch_contracts::{Class, Failure};
use serde::de::DeserializeOwned;

use crate::rules::{add_location, has_key, parse_yaml, read_text};

/// The entries of a file, with what is needed to locate errors about them.
#[derive(Clone, Debug)]
pub struct EntryFile<T> {
    name: String,
    text: String,
    key: &'static str,
    is_list: bool,
    entries: Vec<T>,
}

impl<T> EntryFile<T> {
    /// Reads a file. Errors call it `name`; `key` is the key of its list. `list` takes the entries out of the
    /// list, `entry` converts each of them.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, line, column, field, value and what to do.
    pub fn read<L: DeserializeOwned, E: DeserializeOwned>(
        name: &str,
        bytes: &[u8],
        key: &'static str,
        list: impl FnOnce(L) -> Vec<E>,
        entry: impl Fn(E) -> Result<T, Failure>,
    ) -> Result<Self, Failure> {
        let text = read_text(name, bytes)?;
        let is_list = has_key(text, key);
        let raw = if is_list { list(parse_yaml(name, text)?) } else { vec![parse_yaml(name, text)?] };
        let mut file =
            Self { name: name.to_owned(), text: text.to_owned(), key, is_list, entries: Vec::new() };
        if raw.is_empty() {
            return Err(Failure::new(
                Class::Invalid,
                "empty-file",
                format!("{name} has no entries under {key}"),
            ));
        }
        for (k, raw) in raw.into_iter().enumerate() {
            let made = entry(raw).map_err(|failure| file.locate(k, failure))?;
            file.entries.push(made);
        }
        Ok(file)
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Adds file, line and column to a failure about a field of an entry.
    #[must_use]
    pub fn locate(&self, entry: usize, failure: Failure) -> Failure {
        let prefix = if self.is_list { format!("{}[{entry}].", self.key) } else { String::new() };
        add_location(&self.name, &self.text, &prefix, failure)
    }
}

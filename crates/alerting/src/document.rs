//! Files that people write for the service: YAML with one entry, or with a list of them under a name. What is wrong is said with
//! file, line and column, whether it is found here or by the service later.
use orewatch_runtime::{Class, Failure};
use serde::de::DeserializeOwned;

use crate::rules::{self, has_key, place, readable};

/// The entries of a file, each with its place.
#[derive(Clone, Debug)]
pub struct Sheet<T> {
    name: String,
    text: String,
    key: &'static str,
    is_list: bool,
    entries: Vec<T>,
}

impl<T> Sheet<T> {
    /// Reads a file; `name` is what errors call it, `key` the name of its list. `list` takes the entries out of the list, `entry`
    /// makes of each what it stands for.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, line, column, field, value and what to do.
    pub(crate) fn read<L: DeserializeOwned, E: DeserializeOwned>(
        name: &str,
        bytes: &[u8],
        key: &'static str,
        list: impl FnOnce(L) -> Vec<E>,
        entry: impl Fn(E) -> Result<T, Failure>,
    ) -> Result<Self, Failure> {
        let text = readable(name, bytes)?;
        let is_list = has_key(text, key);
        let raw = if is_list { list(rules::read(name, text)?) } else { vec![rules::read(name, text)?] };
        let mut sheet =
            Self { name: name.to_owned(), text: text.to_owned(), key, is_list, entries: Vec::new() };
        if raw.is_empty() {
            return Err(Failure::new(
                Class::Invalid,
                "empty-file",
                format!("{name} lists nothing under {key}"),
            ));
        }
        for (k, raw) in raw.into_iter().enumerate() {
            let made = entry(raw).map_err(|failure| sheet.place(k, failure))?;
            sheet.entries.push(made);
        }
        Ok(sheet)
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Puts file, line and column of an entry's field before what is wrong with it.
    #[must_use]
    pub fn place(&self, entry: usize, failure: Failure) -> Failure {
        let prefix = if self.is_list { format!("{}[{entry}].", self.key) } else { String::new() };
        place(&self.name, &self.text, &prefix, failure)
    }
}

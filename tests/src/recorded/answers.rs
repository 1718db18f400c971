//! Answers as a table: sections of rows, each with a key and a value, both one line of text. Figures are
//! written as the bits of their doubles in hexadecimal, so that two tables are equal only if every figure is
//! equal to the bit.
use std::collections::BTreeMap;
use std::fmt;

/// Rows by key.
pub type Section = BTreeMap<String, String>;

/// Sections by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    sections: BTreeMap<String, Section>,
}

impl Answers {
    /// Adds a section.
    ///
    /// # Panics
    /// If there is a section of that name.
    pub fn add(&mut self, name: &str, section: Section) {
        let before = self.sections.insert(name.to_owned(), section);
        assert!(before.is_none(), "two sections are named {name}");
    }

    /// The sections by name.
    #[must_use]
    pub fn sections(&self) -> &BTreeMap<String, Section> {
        &self.sections
    }

    /// Finds a row. `None` if there is no such row.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.sections.get(section)?.get(key).map(String::as_str)
    }

    /// Changes a row, or adds it.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }

    /// Parses what [`Display`](fmt::Display) writes.
    ///
    /// # Panics
    /// If a line is neither the name of a section nor a row.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut answers = Self::default();
        let mut name = String::new();
        for line in text.lines() {
            if let Some(found) = line.strip_prefix("# ") {
                found.clone_into(&mut name);
                answers.add(&name, Section::new());
                continue;
            }
            let (key, value) = line.split_once('\t').unwrap_or_else(|| panic!("{line:?} is no row"));
            answers.set(&name, key, value);
        }
        answers
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, section) in &self.sections {
            writeln!(f, "# {name}")?;
            for (key, value) in section {
                writeln!(f, "{key}\t{value}")?;
            }
        }
        Ok(())
    }
}

/// Adds a row to a section.
///
/// # Panics
/// If the section has the key already, or if key or value are more than one line.
pub fn add_row(section: &mut Section, key: String, value: String) {
    let is_line = |text: &str| !text.contains(['\t', '\n', '\r']);
    assert!(is_line(&key) && is_line(&value), "{key:?} {value:?} is no row");
    let before = section.insert(key.clone(), value);
    assert!(before.is_none(), "two rows have the key {key:?}");
}

/// Creates a section of rows that have only an order. The key of a row is its number.
#[must_use]
pub fn numbered(rows: Vec<String>) -> Section {
    let mut section = Section::new();
    for (number, row) in rows.into_iter().enumerate() {
        add_row(&mut section, format!("{number:06}"), row);
    }
    section
}

/// Writes a figure as its bits. `-` if there is none.
#[must_use]
pub fn bits(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{:016x}", figure.to_bits()))
}

/// Writes a row for people: adds to the bits of each figure its decimal number.
#[must_use]
pub fn readable(row: &str) -> String {
    let words = row.split(' ').map(|word| match figure(word) {
        Some(figure) => format!("{word} ({figure})"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn figure(word: &str) -> Option<f64> {
    let is_bits = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_bits.then(|| u64::from_str_radix(word, 16).ok().map(f64::from_bits))?
}

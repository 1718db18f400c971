//! Reads a reference table.
use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use orewatch_catalog::reference;

/// A table with its leading keys.
pub(crate) struct Table {
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) header: String,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The table with a file name.
pub(crate) fn table(name: &str) -> Table {
    let found = reference::tables().iter().find(|table| table.name == name).unwrap();
    let mut text = String::new();
    GzDecoder::new(found.bytes).read_to_string(&mut text).unwrap();
    let (head, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("# "));
    let key = |line: &&str| {
        line[2..].split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap()
    };
    Table {
        keys: head.iter().map(key).collect(),
        header: body[0].to_owned(),
        rows: body[1..].iter().map(|line| line.split(',').map(str::to_owned).collect()).collect(),
    }
}

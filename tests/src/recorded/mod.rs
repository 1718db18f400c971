//! Recorded logs: the logs of all three services as an earlier version wrote them, with the answers that it gave.
//!
//! A record is a folder of `tests/recorded/`. Every later version reads it and is held to its answers; see
//! `tests/recorded/README.md`. The recorder is `examples/record`.

pub mod answers;
pub mod ask;
pub mod compare;
pub mod later;
pub mod logs;
pub mod permitted;
pub mod questions;
mod rows;

use std::fs;
use std::path::{Path, PathBuf};

use answers::Answers;
use questions::Questions;

/// Upper bound on what a record takes in the repository, in bytes.
pub const MAX_RECORD_BYTES: u64 = 2_000_000;

/// Name of the file with what was asked and how the record was made.
const QUESTIONS: &str = "record.toml";

/// Name of the file with the answers.
const ANSWERS: &str = "answers.txt.zst";

/// Folder of the logs and of the original files.
const DATA: &str = "data";

/// What is added to the name of a compressed file.
const COMPRESSED: &str = "zst";

/// Compression level of zstd: slow to write, written once.
const LEVEL: i32 = 22;

/// A record: a folder with logs, questions and answers.
#[derive(Clone, Debug)]
pub struct Record {
    folder: PathBuf,
}

impl Record {
    /// The record in a folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Every record of the repository, by name.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let folder = crate::tools::root().join("tests/recorded");
        let entries = fs::read_dir(&folder).expect("tests/recorded is there");
        let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        found.retain(|path| path.is_dir());
        found.sort();
        found.iter().map(|path| Self::at(path)).collect()
    }

    /// Its name, such as `2026-11`.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// What was asked, and how the record was made.
    ///
    /// # Panics
    /// If the file is not there or cannot be read.
    #[must_use]
    pub fn questions(&self) -> Questions {
        let path = self.folder.join(QUESTIONS);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The recorded answers.
    ///
    /// # Panics
    /// If the file is not there or cannot be read.
    #[must_use]
    pub fn answers(&self) -> Answers {
        let bytes = decompressed(&self.folder.join(ANSWERS));
        Answers::parse(&String::from_utf8(bytes).expect("answers are UTF-8"))
    }

    /// Writes the data directory as it was recorded.
    ///
    /// # Panics
    /// If it cannot be read or written.
    pub fn unpack(&self, into: &Path) {
        let data = self.folder.join(DATA);
        for path in files(&data) {
            let relative = path.strip_prefix(&data).expect("it lies below the folder").with_extension("");
            write(&into.join(relative), &decompressed(&path));
        }
    }

    /// Makes a record of a data directory whose services have stopped.
    ///
    /// # Panics
    /// If the record is there already, or cannot be written.
    pub fn pack_data(&self, data: &Path) {
        assert!(!self.folder.exists(), "{} is there already: records stay", self.folder.display());
        for path in files(data).iter().filter(|path| belongs_to_record(path)) {
            let relative = path.strip_prefix(data).expect("it lies below the folder");
            let name = format!("{}.{COMPRESSED}", relative.display());
            write(&self.folder.join(DATA).join(name), &compressed(path));
        }
    }

    /// Adds what was asked and what was answered.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn add_answers(&self, questions: &Questions, answers: &Answers) {
        let text = toml::to_string(questions).expect("questions are TOML");
        write(&self.folder.join(QUESTIONS), text.as_bytes());
        let packed = zstd::encode_all(answers.to_string().as_bytes(), LEVEL).expect("memory is written");
        write(&self.folder.join(ANSWERS), &packed);
    }

    /// What it takes in the repository, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        files(&self.folder).iter().map(|path| fs::metadata(path).map_or(0, |known| known.len())).sum()
    }
}

/// Whether a file of a data directory is recorded: logs and original files, but no locks, no caches and nothing of SQLite's
/// own bookkeeping, which is empty after an ordered stop.
fn belongs_to_record(path: &Path) -> bool {
    let is_log = path.extension().is_some_and(|extension| extension == "db");
    is_log || path.components().any(|part| part.as_os_str() == "archive")
}

fn compressed(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    zstd::encode_all(bytes.as_slice(), LEVEL).expect("memory is written")
}

fn decompressed(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    zstd::decode_all(bytes.as_slice()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// All files below a folder, in the order of their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

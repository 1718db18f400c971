//! Recorded logs: the logs of all three services as an earlier version wrote them, with its answers.
//!
//! A record is a folder of `tests/recorded/`. Every later version must read it and give the same answers: see
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

/// Maximum size of a record in the repository, in bytes.
pub const MAX_RECORD_BYTES: u64 = 2_000_000;

/// Name of the file with the questions, and with how the record was made.
const QUESTIONS_FILE: &str = "record.toml";

/// Name of the file with the answers.
const ANSWERS_FILE: &str = "answers.txt.zst";

/// Name of the folder with the logs and the original files.
const DATA_FOLDER: &str = "data";

/// Extension that is added to the name of a compressed file.
const EXTENSION: &str = "zst";

/// Compression level of zstd. The highest: a record is written once.
const COMPRESSION_LEVEL: i32 = 22;

/// A record: a folder with logs, questions and answers.
#[derive(Clone, Debug)]
pub struct Record {
    folder: PathBuf,
}

impl Record {
    /// Opens the record in a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Lists every record of the repository, by name.
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
        found.iter().map(|path| Self::in_folder(path)).collect()
    }

    /// Its name, such as `2026-11`.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Reads the questions, and how the record was made.
    ///
    /// # Panics
    /// If the file cannot be read.
    #[must_use]
    pub fn questions(&self) -> Questions {
        let path = self.folder.join(QUESTIONS_FILE);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Reads the recorded answers.
    ///
    /// # Panics
    /// If the file cannot be read.
    #[must_use]
    pub fn answers(&self) -> Answers {
        let bytes = decompressed(&self.folder.join(ANSWERS_FILE));
        Answers::parse(&String::from_utf8(bytes).expect("answers are UTF-8"))
    }

    /// Unpacks the recorded data directory into a folder.
    ///
    /// # Panics
    /// If it cannot be read or written.
    pub fn unpack(&self, into: &Path) {
        let data = self.folder.join(DATA_FOLDER);
        for path in files(&data) {
            let relative = path.strip_prefix(&data).expect("it lies below the folder").with_extension("");
            write(&into.join(relative), &decompressed(&path));
        }
    }

    /// Creates a record from a data directory whose services have stopped.
    ///
    /// # Panics
    /// If the record exists already, or cannot be written.
    pub fn pack_data(&self, data: &Path) {
        assert!(
            !self.folder.exists(),
            "{} exists already: records are never replaced",
            self.folder.display()
        );
        for path in files(data).iter().filter(|path| belongs_to_record(path)) {
            let relative = path.strip_prefix(data).expect("it lies below the folder");
            let name = format!("{}.{EXTENSION}", relative.display());
            write(&self.folder.join(DATA_FOLDER).join(name), &compressed(path));
        }
    }

    /// Adds the questions and the answers.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn add_answers(&self, questions: &Questions, answers: &Answers) {
        let text = toml::to_string(questions).expect("questions are TOML");
        write(&self.folder.join(QUESTIONS_FILE), text.as_bytes());
        let packed =
            zstd::encode_all(answers.to_string().as_bytes(), COMPRESSION_LEVEL).expect("memory is written");
        write(&self.folder.join(ANSWERS_FILE), &packed);
    }

    /// Its size in the repository, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        files(&self.folder).iter().map(|path| fs::metadata(path).map_or(0, |known| known.len())).sum()
    }
}

/// Whether a file of a data directory is recorded. Logs and original files are; locks, caches and the
/// auxiliary files of SQLite, which are empty after a clean stop, are not.
fn belongs_to_record(path: &Path) -> bool {
    let is_log = path.extension().is_some_and(|extension| extension == "db");
    is_log || path.components().any(|part| part.as_os_str() == "archive")
}

fn compressed(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    zstd::encode_all(bytes.as_slice(), COMPRESSION_LEVEL).expect("memory is written")
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

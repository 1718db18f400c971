//! What wraps data, told by its first bytes and never by a name.
use std::io::{self, Cursor, Read};

use super::broken::Broken;

/// Bytes by which every container is told; the mark of tar is the last, at 257.
pub(super) const TELLING: u64 = 512;

/// What content is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// One file, compressed by gzip.
    Gzip,
    /// One file, compressed by zstd.
    Zstd,
    /// Any number of files.
    Zip,
    /// Any number of files.
    SevenZ,
    /// Something that is told to say what to do, not to be read.
    Foreign {
        /// What it is.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// A document, which may lie beside data and holds none that could be read.
    Document {
        /// What it is.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
}

const UNPACK: &str = "unpack it; gzip, zstd, zip and 7z are read as they are";
const SAVE: &str = "save the sheet as csv";

/// First bytes and what they tell.
const MARKS: [(&[u8], Container); 11] = [
    (b"\x1f\x8b", Container::Gzip),
    (b"\x28\xb5\x2f\xfd", Container::Zstd),
    (b"PK\x03\x04", Container::Zip),
    // An archive without members, and one that was meant for several volumes.
    (b"PK\x05\x06", Container::Zip),
    (b"PK\x07\x08", Container::Zip),
    (b"7z\xbc\xaf\x27\x1c", Container::SevenZ),
    (b"\xfd7zXZ\x00", Container::Foreign { what: "an xz file", hint: UNPACK }),
    (b"BZh", Container::Foreign { what: "a bzip2 file", hint: UNPACK }),
    (b"Rar!\x1a\x07", Container::Foreign { what: "a rar archive", hint: UNPACK }),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Container::Document { what: "a spreadsheet or document", hint: SAVE },
    ),
    (b"%PDF-", Container::Document { what: "a PDF document", hint: "find the data as csv" }),
];

impl Container {
    /// What content with this beginning is wrapped in. None: nothing.
    pub(super) fn of(begin: &[u8]) -> Option<Self> {
        let marked = MARKS.iter().find(|(mark, _)| begin.starts_with(mark));
        let tar = || begin.get(257..262) == Some(b"ustar");
        match marked {
            Some((_, container)) => Some(*container),
            None => tar().then_some(Self::Foreign { what: "a tar archive", hint: UNPACK }),
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::SevenZ => "7z",
            Self::Foreign { what, .. } | Self::Document { what, .. } => what,
        }
    }

    /// What a failed reading of what it holds means.
    pub(super) fn broken(self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted || Broken::of(&error).is_some() {
            return error;
        }
        let name = self.name();
        let (truncated, damaged) = match self {
            Self::Gzip => ("truncated-gzip", "damaged-gzip"),
            Self::Zstd => ("truncated-zstd", "damaged-zstd"),
            Self::Zip => ("truncated-zip", "damaged-zip"),
            Self::SevenZ | Self::Foreign { .. } | Self::Document { .. } => ("truncated-7z", "damaged-7z"),
        };
        let broken = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Broken::new(truncated, format!("the {name} content ends too early: the file is incomplete"))
            }
            _ => Broken::new(damaged, format!("the {name} content is damaged: {error}")),
        };
        broken.with_hint("fetch the file again; nothing of it has been recorded").into()
    }

    /// What is read from inside of it.
    pub(super) fn layer<R>(self, inner: R) -> Layer<R> {
        Layer { inner, container: self }
    }
}

/// What is read from inside of a container: says of every failure what it means.
pub(super) struct Layer<R> {
    inner: R,
    container: Container,
}

impl<R: Read> Read for Layer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| self.container.broken(error))
    }
}

/// Refuses content that is wrapped in yet another container: one is unwrapped, no more, so that the room and time it takes
/// are known.
pub(super) fn unwrapped(
    outer: Container,
    mut inner: impl Read + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    let mut begin = Vec::new();
    (&mut inner).take(TELLING).read_to_end(&mut begin)?;
    match Container::of(&begin) {
        None | Some(Container::Document { .. }) => Ok(Box::new(Cursor::new(begin).chain(inner))),
        Some(nested) => {
            let message = format!("inside of the {} content is {}", outer.name(), nested.described());
            Err(Broken::new("nested-archive", message)
                .with_hint("unpack the outer one and hand in what it holds")
                .into())
        }
    }
}

impl Container {
    /// What it is, with an article.
    fn described(self) -> String {
        match self {
            Self::Gzip | Self::Zstd => format!("a {} file", self.name()),
            Self::Zip | Self::SevenZ => format!("a {} archive", self.name()),
            _ => self.name().to_owned(),
        }
    }
}

//! Containers of content: detected by their first bytes, never by a file name.
use std::io::{self, Cursor, Read};

use super::content_error::ContentError;

/// Bytes that identify every container; the mark of tar is the last, at 257.
pub(super) const MAGIC_BYTES: u64 = 512;

/// A container of content.
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
    /// A container that is not read; it is detected to say what to do.
    Foreign {
        /// What it is.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// A document. Archives of data may contain some; no data is read from them.
    Document {
        /// What it is.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
}

const UNPACK: &str = "unpack it; gzip, zstd, zip and 7z files are read directly";
const SAVE: &str = "save the sheet as csv";

/// First bytes of each container.
const MARKS: [(&[u8], Container); 11] = [
    (b"\x1f\x8b", Container::Gzip),
    (b"\x28\xb5\x2f\xfd", Container::Zstd),
    (b"PK\x03\x04", Container::Zip),
    // An archive without members, and one that was to be split into volumes.
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
    /// The container of content with this beginning. None: plain content.
    pub(super) fn detect(begin: &[u8]) -> Option<Self> {
        let marked = MARKS.iter().find(|(mark, _)| begin.starts_with(mark));
        let tar = || begin.get(257..262) == Some(b"ustar");
        match marked {
            Some((_, container)) => Some(*container),
            None => tar().then_some(Self::Foreign { what: "a tar archive", hint: UNPACK }),
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::SevenZ => "7z",
            Self::Foreign { what, .. } | Self::Document { what, .. } => what,
        }
    }

    /// Explains an error in reading its content.
    pub(super) fn explain(self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted || ContentError::from_io(&error).is_some() {
            return error;
        }
        let name = self.name();
        let (truncated, damaged) = match self {
            Self::Gzip => ("truncated-gzip", "damaged-gzip"),
            Self::Zstd => ("truncated-zstd", "damaged-zstd"),
            Self::Zip => ("truncated-zip", "damaged-zip"),
            Self::SevenZ | Self::Foreign { .. } | Self::Document { .. } => ("truncated-7z", "damaged-7z"),
        };
        let explained = match error.kind() {
            io::ErrorKind::UnexpectedEof => ContentError::new(
                truncated,
                format!("the {name} content ends too early: the file is incomplete"),
            ),
            _ => ContentError::new(damaged, format!("the {name} content is damaged: {error}")),
        };
        explained.with_hint("download the file again; nothing of it has been recorded").into()
    }

    /// A reader of its content that explains errors.
    pub(super) fn layer<R>(self, inner: R) -> Layer<R> {
        Layer { inner, container: self }
    }
}

/// Reads the content of a container and explains every error.
pub(super) struct Layer<R> {
    inner: R,
    container: Container,
}

impl<R: Read> Read for Layer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| self.container.explain(error))
    }
}

/// Refuses content that is another container. Only one container is unwrapped, so that the memory and time of
/// that are known.
pub(super) fn refuse_nested(
    outer: Container,
    mut inner: impl Read + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    let mut begin = Vec::new();
    (&mut inner).take(MAGIC_BYTES).read_to_end(&mut begin)?;
    match Container::detect(&begin) {
        None | Some(Container::Document { .. }) => Ok(Box::new(Cursor::new(begin).chain(inner))),
        Some(nested) => {
            let message = format!("the {} content is {}", outer.name(), nested.described());
            Err(ContentError::new("nested-archive", message)
                .with_hint("unpack the outer container and hand in the files in it")
                .into())
        }
    }
}

impl Container {
    /// Its name with an article.
    fn described(self) -> String {
        match self {
            Self::Gzip | Self::Zstd => format!("a {} file", self.name()),
            Self::Zip | Self::SevenZ => format!("a {} archive", self.name()),
            _ => self.name().to_owned(),
        }
    }
}

//! Locations of files, as settings name them.
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where files are: a folder, or a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of the file system.
    Folder(PathBuf),
    /// A bucket of S3, or of a service with its interface.
    Bucket {
        /// Name of the bucket.
        bucket: String,
        /// Prefix of all keys; may be empty.
        prefix: String,
    },
}

/// A text that is no location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLocation(&'static str);

impl fmt::Display for InvalidLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; write DIR or s3://BUCKET/PREFIX", self.0)
    }
}

impl std::error::Error for InvalidLocation {}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            None if text.is_empty() => Err(InvalidLocation("the location is empty")),
            None => Ok(Self::Folder(PathBuf::from(text))),
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                let prefix = prefix.trim_matches('/');
                if bucket.is_empty() {
                    return Err(InvalidLocation("the bucket is missing"));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            Some(_) => Err(InvalidLocation("this is neither a folder nor a bucket")),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Location {
    /// The location of this name below.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(path.join(name)),
            Self::Bucket { bucket, prefix } => {
                let prefix = format!("{prefix}/{name}").trim_matches('/').to_owned();
                Self::Bucket { bucket: bucket.clone(), prefix }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_as_they_are_written() {
        for text in ["/var/archive", "archive", "s3://originals", "s3://originals/some/prefix"] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
        for text in ["", "s3://", "s3:///prefix", "gs://bucket"] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_joined_below() {
        let joined = |text: &str| text.parse::<Location>().unwrap().join("snapshots").to_string();
        assert_eq!(joined("s3://originals"), "s3://originals/snapshots");
        assert_eq!(joined("s3://originals/a/"), "s3://originals/a/snapshots");
        assert_eq!(joined("/archive"), "/archive/snapshots");
    }
}

//! Datasets that are known by name or format: how their figures come about.

use crate::code::{Kind, UnknownCode, closest};

/// How the figures of a dataset come about. It decides what a release of the dataset restates, and the dataset's place where
/// several could answer. In the default order of datasets, the first first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatasetKind {
    /// Both sides of trade reconciled by the publisher, for every economy, such as BACI.
    Reconciled,
    /// What economies declare, such as UN Comtrade, Comext or customs offices.
    Declarations,
    /// Tables that a publisher compiles, such as those of the USGS.
    Tables,
    /// Single cells beside another dataset.
    Supplement,
    /// Nothing is said of the dataset: it answers where no other does.
    Undeclared,
}

impl DatasetKind {
    /// Every kind, in the default order.
    pub const ALL: [Self; 5] =
        [Self::Reconciled, Self::Declarations, Self::Tables, Self::Supplement, Self::Undeclared];

    /// Identifier.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reconciled => "reconciled",
            Self::Declarations => "declarations",
            Self::Tables => "tables",
            Self::Supplement => "supplement",
            Self::Undeclared => "undeclared",
        }
    }

    /// The kind of a dataset by its name and by the format that read it, such as `baci-hs92` and `baci/1`. A publisher's format
    /// counts first: a name is what somebody wrote, and declarations do not become a reconciled set by it. The name counts for
    /// formats of nobody's, because figures of a publisher also come as tables of one's own making.
    #[must_use]
    pub fn known(dataset: &str, parser: &str) -> Self {
        let format = parser.split_once('/').map_or(parser, |(format, _)| format);
        by_prefix(format).or_else(|| Self::by_name(dataset)).unwrap_or(Self::Undeclared)
    }

    /// The kind that the name of a dataset alone says. None: it says none.
    #[must_use]
    pub fn by_name(dataset: &str) -> Option<Self> {
        by_prefix(dataset)
    }
}

impl std::str::FromStr for DatasetKind {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        let suggestion = || closest(text, Self::ALL.map(Self::as_str)).map(str::to_owned);
        found.ok_or_else(|| UnknownCode::new(Kind::DatasetKind, text, suggestion()))
    }
}

/// What names of datasets and formats begin with, up to a hyphen or their end.
const PREFIXES: &[(&str, DatasetKind)] = &[
    ("baci", DatasetKind::Reconciled),
    ("comext", DatasetKind::Declarations),
    ("comtrade", DatasetKind::Declarations),
    ("eu-crm", DatasetKind::Tables),
    ("gta", DatasetKind::Tables),
    ("hmrc", DatasetKind::Declarations),
    ("iea", DatasetKind::Tables),
    ("oecd", DatasetKind::Tables),
    ("usgs", DatasetKind::Tables),
    ("wgi", DatasetKind::Tables),
    ("wmd", DatasetKind::Tables),
];

fn by_prefix(name: &str) -> Option<DatasetKind> {
    let begins =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    PREFIXES.iter().find(|(prefix, _)| begins(prefix)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_known_by_its_format_before_its_name() {
        assert_eq!(DatasetKind::known("baci-hs22", "comtrade/2"), DatasetKind::Declarations);
        assert_eq!(DatasetKind::known("comtrade-hs22", "baci/1"), DatasetKind::Reconciled);
        assert_eq!(DatasetKind::known("baci-hs92", "tidy/1"), DatasetKind::Reconciled);
        assert_eq!(DatasetKind::known("my-own", "comtrade/2"), DatasetKind::Declarations);
        assert_eq!(DatasetKind::known("usgs-mcs", ""), DatasetKind::Tables);
        assert_eq!(DatasetKind::known("bacillus", "tidy/1"), DatasetKind::Undeclared);
    }

    #[test]
    fn a_misspelt_kind_is_answered_with_the_one_that_was_meant() {
        let error = "reconcild".parse::<DatasetKind>().unwrap_err();
        assert!(error.to_string().contains("reconciled"), "{error}");
    }
}

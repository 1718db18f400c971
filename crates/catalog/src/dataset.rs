//! Kinds of datasets, and the kinds of datasets that are known by name or format.

use crate::code::{CodeKind, UnknownCode, closest};

/// How the figures of a dataset are compiled. The kind determines what a release of the dataset restates, and
/// which dataset answers where several could: the order of the variants is the default order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatasetKind {
    /// Both sides of trade reconciled by the publisher, for every economy, such as BACI.
    Reconciled,
    /// What economies declare, such as UN Comtrade, Comext or customs offices.
    Declarations,
    /// Tables compiled by a publisher, such as those of the USGS.
    Tables,
    /// Single cells that supplement another dataset.
    Supplement,
    /// Not declared: the dataset answers only where no other does.
    Undeclared,
}

impl DatasetKind {
    /// Every kind, in the default order.
    pub const ALL: [Self; 5] =
        [Self::Reconciled, Self::Declarations, Self::Tables, Self::Supplement, Self::Undeclared];

    /// The identifier, such as `reconciled`.
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

    /// Derives the kind of a dataset from its name and from the format that read it, such as `baci-hs92` and
    /// `baci/1`.
    ///
    /// A publisher's format takes precedence: anybody can choose a name, and naming declarations `baci` does
    /// not reconcile them. The name counts for general formats, because users also convert a publisher's
    /// figures into tables of their own.
    #[must_use]
    pub fn from_name_and_parser(dataset: &str, parser: &str) -> Self {
        let format = parser.split_once('/').map_or(parser, |(format, _)| format);
        by_prefix(format).or_else(|| Self::from_name(dataset)).unwrap_or(Self::Undeclared)
    }

    /// Derives the kind of a dataset from its name alone. `None` if the name is not known.
    #[must_use]
    pub fn from_name(dataset: &str) -> Option<Self> {
        by_prefix(dataset)
    }
}

impl std::str::FromStr for DatasetKind {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        let suggestion = || closest(text, Self::ALL.map(Self::as_str)).map(str::to_owned);
        found.ok_or_else(|| UnknownCode::new(CodeKind::DatasetKind, text, suggestion()))
    }
}

/// Prefixes of the names of datasets and formats. A prefix ends at a hyphen or at the end of the name.
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

/// Prefixes of the names of datasets whose observed figures are the base year of an outlook.
const OUTLOOKS: &[&str] = &["iea-cm"];

fn by_prefix(name: &str) -> Option<DatasetKind> {
    PREFIXES.iter().find(|(prefix, _)| begins_with(name, prefix)).map(|(_, kind)| *kind)
}

fn begins_with(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether the observed figures of a dataset are the base year of its publisher's outlook, such as those of
/// the IEA's Critical Minerals Dataset. Statistics of the same kind answer before it, whichever came first.
#[must_use]
pub fn is_base_of_outlook(dataset: &str) -> bool {
    OUTLOOKS.iter().any(|prefix| begins_with(dataset, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_dataset_takes_precedence_over_its_name() {
        assert_eq!(DatasetKind::from_name_and_parser("baci-hs22", "comtrade/2"), DatasetKind::Declarations);
        assert_eq!(DatasetKind::from_name_and_parser("comtrade-hs22", "baci/1"), DatasetKind::Reconciled);
        assert_eq!(DatasetKind::from_name_and_parser("baci-hs92", "tidy/1"), DatasetKind::Reconciled);
        assert_eq!(DatasetKind::from_name_and_parser("my-own", "comtrade/2"), DatasetKind::Declarations);
        assert_eq!(DatasetKind::from_name_and_parser("usgs-mcs", ""), DatasetKind::Tables);
        assert_eq!(DatasetKind::from_name_and_parser("bacillus", "tidy/1"), DatasetKind::Undeclared);
    }

    #[test]
    fn the_base_year_of_an_outlook_is_known_by_name() {
        for (name, expected) in
            [("iea-cm", true), ("iea-cm-2026", true), ("iea-cmd", false), ("usgs-mcs", false)]
        {
            assert_eq!(is_base_of_outlook(name), expected, "{name}");
        }
    }

    #[test]
    fn a_misspelt_kind_is_refused_with_a_suggestion() {
        let error = "reconcild".parse::<DatasetKind>().unwrap_err();
        assert!(error.to_string().contains("reconciled"), "{error}");
    }
}

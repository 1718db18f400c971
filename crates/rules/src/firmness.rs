//! How firm the published figures behind an alert are, and how firm its rule asks for them to be.
//!
//! Figures are firm if those like them, of the same dataset, material and stage, were hardly revised so far.
//! If no revision is known, nothing speaks for them: they do not confirm.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{DatasetRevision, RevisionSize};
use orewatch_contracts::figure::revision;
use orewatch_measures::{Firmness, Table};

/// The datasets that answer at a stage of a material, with their revisions, by period. A period of which no
/// revision is known is not listed.
pub type StageRevisions = BTreeMap<Period, Arc<[DatasetRevision]>>;

/// How firm the published figures behind a figure must be for a certain crossing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredFirmness {
    /// Least firm figures that confirm.
    pub weakest: Firmness,
    /// The table that the measure needs.
    pub table: Table,
    /// Weight of the flows.
    pub by: By,
}

/// Why published figures are not firm enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shortfall<'a> {
    /// Those of this dataset were revised too much.
    Revised(&'a str, RevisionSize),
    /// No revision of this dataset's is known yet.
    Unknown(&'a str),
    /// No revision is known yet of any dataset.
    AllUnknown,
}

impl RequiredFirmness {
    /// Why the figures are not firm enough, given the datasets that answer. `None`: they are. The least firm
    /// dataset decides.
    #[must_use]
    pub fn shortfall<'a>(&self, datasets: &'a [DatasetRevision]) -> Option<Shortfall<'a>> {
        let used = || datasets.iter().filter(|dataset| self.is_used(dataset));
        let known = used().filter_map(|dataset| Some((dataset, self.size(dataset)?)));
        let least = known.max_by(|(_, a), (_, b)| a.median.total_cmp(&b.median));
        let Some((dataset, size)) = least else { return Some(Shortfall::AllUnknown) };
        if Firmness::from_median(size.median) > self.weakest {
            return Some(Shortfall::Revised(&dataset.dataset, size));
        }
        used()
            .find(|dataset| self.size(dataset).is_none())
            .map(|dataset| Shortfall::Unknown(&dataset.dataset))
    }

    fn is_used(&self, dataset: &DatasetRevision) -> bool {
        match self.table {
            Table::Trade => dataset.trade,
            Table::Production => dataset.output,
            Table::Both => dataset.trade || dataset.output,
        }
    }

    /// Revisions of a dataset by the weight of the rule; of output, which has tonnes only, by quantity.
    fn size(&self, dataset: &DatasetRevision) -> Option<RevisionSize> {
        let by_value = dataset.by_value.filter(|_| self.by == By::Value);
        by_value.or(dataset.by_quantity)
    }
}

impl fmt::Display for Shortfall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revised(dataset, size) => {
                let [median, p90] = [size.median, size.p90].map(revision);
                let word = word(Firmness::from_median(size.median));
                write!(f, "figures of {dataset} are {word}: half were revised by {median} or more, ")?;
                write!(f, "one in ten by more than {p90}")
            }
            Self::Unknown(dataset) => write!(f, "no revision of figures of {dataset} is known yet"),
            Self::AllUnknown => f.write_str("no revision is known yet"),
        }
    }
}

fn word(firmness: Firmness) -> &'static str {
    match firmness {
        Firmness::Firm => "firm",
        Firmness::Soft => "soft",
        Firmness::Weak => "weak",
    }
}

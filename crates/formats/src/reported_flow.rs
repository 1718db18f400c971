//! Flows as one side reports them: what readers of trade declarations have in common.
use orewatch_contracts::ingestion::v1::Reporter;

use super::figure::Figure;
use super::location::SourceLocation;
use super::names::Symbol;
use super::sink::{Halt, RowSink};
use super::sums::{Aggregate, TotalKey};
use super::{Observation, Qualifier, SourceError};

/// Upper bound on the flows of a file that are held until all of their rows are read. Those of all materials
/// in a month are some ten thousand.
pub(super) const MAX_FLOWS: usize = 1 << 21;

/// A flow as one side reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ReportedFlow {
    pub(super) period: Symbol,
    pub(super) reporter: Symbol,
    pub(super) partner: Symbol,
    pub(super) topic: Symbol,
    /// Goods come in to the reporter; otherwise they go out.
    pub(super) imports: bool,
}

impl ReportedFlow {
    /// Which side reports it.
    fn side(&self) -> Reporter {
        if self.imports { Reporter::Importer } else { Reporter::Exporter }
    }

    /// The total of the reporter that it is part of.
    pub(super) fn total_key(&self) -> TotalKey {
        let aggregate = match self.imports {
            true => Aggregate::Imports(self.reporter),
            false => Aggregate::Exports(self.reporter),
        };
        TotalKey { period: self.period, topic: self.topic, aggregate, reporter: self.side() }
    }

    /// The row of its value and quantity.
    pub(super) fn observation(&self, figures: [Figure; 2]) -> Observation {
        let Self { period, reporter, partner, topic, imports } = *self;
        let (economy, partner) = if imports { (partner, reporter) } else { (reporter, partner) };
        let qualifier = Qualifier::Reported(self.side());
        Observation { period, economy, partner, topic, figures, qualifier }
    }
}

/// The weight of a flow with this value. Goods that were paid for weigh something: a weight of zero is then
/// not known.
pub(super) fn plausible_weight(value: Figure, weight: Figure) -> Figure {
    if weight.number == 0.0 && value.number > 0.0 { Figure::UNAVAILABLE } else { weight }
}

/// The error of a file with more than [`MAX_FLOWS`] flows.
pub(super) fn too_many_flows(file: &str, line: u64, hint: &str) -> SourceError {
    let message = format!("the file has more than {MAX_FLOWS} flows of materials");
    SourceError::new("too-many-flows", file, line, message).with_hint(hint)
}

/// Records flows that were summed up from several rows, each where its first row is, in the order of the
/// file.
pub(super) fn record_sums(
    sums: impl Iterator<Item = (ReportedFlow, SourceLocation, [Figure; 2])>,
    out: &mut dyn RowSink,
) -> Result<(), Halt> {
    let mut sums: Vec<_> = sums.collect();
    sums.sort_unstable_by_key(|(_, location, _)| location.line);
    sums.into_iter().try_for_each(|(flow, location, figures)| out.row(flow.observation(figures), location))
}

//! Where the rows of a file go.
use super::decimal::Decimal;
use super::figure::Figure;
use super::names::{Names, Symbol};
use super::sums::{Group, Total};
use super::{Beside, Observation, Reject, SourceError};

/// Where a figure is in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, or number of the record where a file has no lines; from 1.
    pub(super) line: u64,
    /// Column, from 1; 0: the row as a whole, or several columns. Of a flow the column of its quantity, where that is another than
    /// usual.
    pub(super) column: u32,
}

impl Place {
    /// A figure in a column of a line, the column from 0.
    pub(super) fn cell(line: u64, column: usize) -> Self {
        Self {
            line,
            column: column.checked_add(1).and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        }
    }

    /// A row as a whole.
    pub(super) fn line(line: u64) -> Self {
        Self { line, column: 0 }
    }
}

/// A flow as the plainest of lines has it: one figure for both sides, known value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Period, economy, partner and topic, 16 bits each. In one word, because processors stumble over fields that are written one
    /// by one and read together.
    pub(super) key: u64,
    pub(super) value: Decimal,
    /// None: not available.
    pub(super) quantity: Option<Decimal>,
}

impl Flow {
    /// Period, economy, partner and topic.
    pub(super) fn names(&self) -> [Symbol; 4] {
        let [a, b, c, d, e, f, g, h] = self.key.to_be_bytes();
        [[a, b], [c, d], [e, f], [g, h]].map(Symbol::from_be_bytes)
    }

    /// The flow as any other row.
    pub(super) fn observation(&self) -> Observation {
        let [period, economy, partner, topic] = self.names();
        let quantity = self.quantity.map_or(f64::NAN, Decimal::number);
        Observation {
            period,
            economy,
            partner,
            topic,
            figures: [Figure::known(self.value.number()), Figure::known_or_unavailable(quantity)],
            beside: Beside::Nothing,
        }
    }
}

/// Four names in one word.
#[inline]
pub(super) fn packed(parts: [Symbol; 4]) -> u64 {
    parts.into_iter().fold(0, |key, part| key << 16 | u64::from(part))
}

/// Why a reading ends early.
#[derive(Debug)]
pub(super) enum Halt {
    /// The file cannot be read.
    Source(SourceError),
    /// Nobody takes more rows; who stopped it knows why.
    Stopped,
}

impl From<SourceError> for Halt {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Takes what a reader finds, in the order in which it finds it. Every figure that a file has is handed over exactly once, as a
/// row, as one that is outside of what Orewatch covers, or as a rejection: so that what was read adds up.
pub(super) trait Out {
    /// The dictionaries of the release.
    fn names(&mut self) -> &mut Names;

    /// Something to record.
    ///
    /// # Errors
    /// [`Halt`] if nobody takes more.
    fn row(&mut self, row: Observation, place: Place) -> Result<(), Halt>;

    /// The same for a flow of a plain line.
    ///
    /// # Errors
    /// [`Halt`] if nobody takes more.
    fn flow(&mut self, flow: &Flow, line: u64) -> Result<(), Halt> {
        self.row(flow.observation(), Place::line(line))
    }

    /// A valid figure about what no material of the catalogue covers.
    fn outside(&mut self, place: Place);

    /// A figure, or a row, that is set aside; `text` is the row as it is written, empty where there is none.
    ///
    /// # Errors
    /// [`Halt`] if nobody takes more.
    fn reject(&mut self, reject: Reject, place: Place, text: &str) -> Result<(), Halt>;

    /// A total that the source declares beside its parts, such as the row `World` of a reporter's partners. It is no row: it is
    /// neither counted nor recorded, but compared with the sum of its parts once everything is read, in whichever order they
    /// come; gate `declared-totals` judges what differs. Its parts are the rows of the group that are recorded, and what
    /// [`Out::part`] is told. Only sources that say [`Source::has_totals`](super::Source::has_totals) are summed up.
    ///
    /// A source of trade whose rows are reported by one side says for each row with partner `World`
    ///
    /// ```text
    /// let whole = if imports { Whole::Imports(reporter) } else { Whole::Exports(reporter) };
    /// let group = Group { period, topic, whole, reporter: Reporter::Importer /* or Exporter */ };
    /// out.total(Total { group, figures: [value, quantity], rounding: 0.0 }, place);
    /// ```
    ///
    /// with [`Figure`]s that are UNAVAILABLE where a figure is not to be compared, and nothing for products that are out of
    /// scope.
    fn total(&mut self, _total: Total, _place: Place) {}

    /// A part of a total that is not recorded as a row: a partner that is no economy (`Areas, nes`, bunkers, free zones) or the
    /// reporter itself. The row is handed over besides, as a rejection or as what is outside.
    fn part(&mut self, _of: Group, _figures: [Figure; 2]) {}
}

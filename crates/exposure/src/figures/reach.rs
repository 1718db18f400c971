//! What the figures of a family look at.

/// What the figures of a family look at, beside the market that they are about. A release that touches none of it leaves
/// them as they are, and they are not computed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Flows, of this market and of those that `stages` and `earlier` name.
    pub flows: bool,
    /// Output, of the same.
    pub output: bool,
    /// The other stages of the same material and period, too.
    pub stages: bool,
    /// So many earlier periods of the same length, too.
    pub earlier: u16,
    /// Governance of the calendar year of each of these markets, and of so many years before. None: it looks at none.
    pub governance: Option<i16>,
    /// Parameters by name.
    pub parameters: &'static [&'static str],
    /// Restrictions of exports.
    pub restrictions: bool,
    /// A consumer's figures also look at trade between others. Otherwise those of a consumer follow, of all flows, from those into
    /// and out of it.
    pub network: bool,
    /// Of the flows into and out of a consumer its figures look at those into it alone.
    pub imports_only: bool,
}

impl Reach {
    /// Nothing.
    pub const NOTHING: Self = Self {
        flows: false,
        output: false,
        stages: false,
        earlier: 0,
        governance: None,
        parameters: &[],
        restrictions: false,
        network: false,
        imports_only: false,
    };

    /// Flows of the market.
    pub const FLOWS: Self = Self { flows: true, ..Self::NOTHING };

    /// Output of the market.
    pub const OUTPUT: Self = Self { output: true, ..Self::NOTHING };

    /// Flows and output of the market.
    pub const BOTH: Self = Self { output: true, ..Self::FLOWS };
}

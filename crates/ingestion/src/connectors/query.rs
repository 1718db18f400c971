//! Queries to each kind of publisher, as configured. Plain values, read by the interfaces.

/// Query to Comtrade.
#[derive(Clone, Debug)]
pub(super) struct TradeQuery {
    /// `A` annual, `M` monthly.
    pub(super) frequency: &'static str,
    pub(super) reporters: Vec<String>,
    pub(super) periods: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) flows: Vec<String>,
    /// Upper bound on the rows of a response.
    pub(super) cap: usize,
}

/// Query to the World Bank.
#[derive(Clone, Debug)]
pub(super) struct GovernanceQuery {
    pub(super) indicators: Vec<String>,
    /// Number of the World Bank's database.
    pub(super) source: u32,
    /// Years, `2020` or `2010:2024`. Empty: all.
    pub(super) date: String,
    /// Rows of a page.
    pub(super) page: usize,
}

/// Query to Global Trade Alert.
#[derive(Clone, Debug)]
pub(super) struct RestrictionsQuery {
    /// Version of the interface: 1 or 2.
    pub(super) version: u16,
    pub(super) products: Vec<String>,
    /// First and last day of announcement. `None`: any.
    pub(super) announced: Option<[String; 2]>,
    /// Records of a page.
    pub(super) limit: usize,
}

//! Kinds of amounts without a supplier.

/// Why an amount of a market has no supplier. Residuals stay in every sum, by kind.
///
/// An amount of unknown origin may come from any supplier, including those that are listed, or from several.
/// [`Residual::Unlisted`] is the exception: it comes from suppliers that are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Residual {
    /// The sum of suppliers that the source does not list: "other countries".
    Unlisted,
    /// The source does not know the partner: "areas not elsewhere specified".
    Unspecified,
    /// The source knows the partner and withholds it.
    Confidential,
    /// A partner that is no economy: bunkers, free zones, special categories, a group of economies.
    Special,
    /// The difference between the total that the source reports and the sum of the partners that it lists.
    Remainder,
    /// Imports of economies that have not reported for the period: the consumer itself, or members of it.
    NotReported,
}

impl Residual {
    /// Every kind, in the order in which residuals are kept.
    pub const ALL: [Self; 6] = [
        Self::Unlisted,
        Self::Unspecified,
        Self::Confidential,
        Self::Special,
        Self::Remainder,
        Self::NotReported,
    ];

    /// Stable name, such as `unspecified`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlisted => "unlisted",
            Self::Unspecified => "unspecified",
            Self::Confidential => "confidential",
            Self::Special => "special",
            Self::Remainder => "remainder",
            Self::NotReported => "not-reported",
        }
    }

    /// Description for people, a noun phrase.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Unlisted => "other suppliers, which the source does not list",
            Self::Unspecified => "partners that the source does not specify",
            Self::Confidential => "partners that the source withholds",
            Self::Special => "special partners, such as bunkers and free zones",
            Self::Remainder => "the reported total above the sum of the listed partners",
            Self::NotReported => "imports that are not reported",
        }
    }

    /// Whether it may come from a listed supplier: true for every kind but [`Residual::Unlisted`].
    #[must_use]
    pub const fn is_unknown_origin(self) -> bool {
        !matches!(self, Self::Unlisted)
    }
}

impl std::fmt::Display for Residual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

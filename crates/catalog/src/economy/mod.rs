//! Economies: countries and territories by ISO 3166-1 alpha-3.

mod aliases;
mod resolve;
mod table;

pub(crate) use resolve::fold;
pub use resolve::{Scheme, comtrade_number, look_up_economy, resolve_economy};

use std::fmt;

/// Code of the world as a consumer. It names no economy.
pub const WORLD: &str = "WLD";

/// Code of a production source's residual: the economies it does not list. It names no economy.
pub const OTHER: &str = "OTHER";

/// A country or territory with statistics of its own.
///
/// The table holds ISO 3166-1, Kosovo (`XKX`, a code that ISO leaves to users and that the World Bank and the EU use), and the
/// states and unions of the past that trade statistics since 1988 mention, each with its last year. These keep a code of
/// their own instead of being booked to a successor: Serbia and Montenegro was not Serbia. `BLX` (Belgium-Luxembourg) and
/// `ZA1` (Southern African Customs Union) reported as one and have no ISO code; theirs are those of the World Bank and CEPII.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Economy {
    /// Alpha-3 code, the identity: `DEU`.
    pub iso3: &'static str,
    /// Alpha-2 code: `DE`. Namibia's is `NA`, which is no missing value here.
    pub iso2: Option<&'static str>,
    /// ISO 3166-1 numeric code. Trade statistics deviate from it, see [`Scheme::Numeric`]. None: ISO gives none.
    pub numeric: Option<u16>,
    /// Short English name.
    pub name: &'static str,
    /// Last calendar year of an economy of the past. None: it exists today.
    pub until: Option<i16>,
}

impl Economy {
    /// Code and name, as suggestions show them: `COD (Congo, Democratic Republic)`.
    pub fn label(&self) -> String {
        format!("{} ({})", self.iso3, self.name)
    }
}

impl fmt::Display for Economy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.iso3)
    }
}

/// Every economy, by alpha-3 code.
pub fn economies() -> &'static [Economy] {
    table::ECONOMIES
}

/// The economy with this alpha-3 code, in capitals. Use [`resolve_economy`] for anything a person or a file wrote.
pub fn economy(iso3: &str) -> Option<&'static Economy> {
    let found = economies().binary_search_by(|economy| economy.iso3.cmp(iso3)).ok()?;
    economies().get(found)
}

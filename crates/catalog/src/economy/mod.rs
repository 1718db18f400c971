//! Economies: countries and territories, identified by ISO 3166-1 alpha-3 codes.

mod aliases;
mod resolve;
mod table;

pub(crate) use resolve::fold;
pub use resolve::{Scheme, comtrade_number, look_up_economy, resolve_economy};

use std::fmt;

/// Code of the world as a consumer. It is not the code of an economy.
pub const WORLD: &str = "WLD";

/// Code of the residual in production statistics, for all economies that a source does not list. It is not
/// the code of an economy.
pub const OTHER: &str = "OTHER";

/// A country or territory with statistics of its own.
///
/// The table has all of ISO 3166-1; Kosovo (`XKX`, a code that ISO leaves to users and that the World Bank
/// and the EU use); and former states and unions that occur in trade statistics since 1988, each with its
/// last year. Their figures are kept under their own codes instead of being assigned to a successor: Serbia
/// and Montenegro was not Serbia. `BLX` (Belgium-Luxembourg) and `ZA1` (Southern African Customs Union)
/// reported jointly and have no ISO code; their codes are those of the World Bank and CEPII.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Economy {
    /// Alpha-3 code, such as `DEU`, which identifies the economy.
    pub iso3: &'static str,
    /// Alpha-2 code, such as `DE`. The code of Namibia is `NA`, which does not mean a missing value here.
    pub iso2: Option<&'static str>,
    /// ISO 3166-1 numeric code. Trade statistics deviate from it: see [`Scheme::Numeric`]. `None` if ISO
    /// assigns none.
    pub numeric: Option<u16>,
    /// Short English name.
    pub name: &'static str,
    /// Last calendar year of a former economy. `None` if it still exists.
    pub until: Option<i16>,
}

impl Economy {
    /// Code and name, as shown in suggestions: `COD (Congo, Democratic Republic)`.
    pub fn label(&self) -> String {
        format!("{} ({})", self.iso3, self.name)
    }
}

impl fmt::Display for Economy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.iso3)
    }
}

/// Lists every economy, by alpha-3 code.
pub fn economies() -> &'static [Economy] {
    table::ECONOMIES
}

/// Finds an economy by its alpha-3 code in capitals. Use [`resolve_economy`] for text from people or files.
pub fn economy(iso3: &str) -> Option<&'static Economy> {
    let found = economies().binary_search_by(|economy| economy.iso3.cmp(iso3)).ok()?;
    economies().get(found)
}

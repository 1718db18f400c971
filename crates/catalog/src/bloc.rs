//! Blocs: sets of economies whose membership has dates.

use std::fmt;

use jiff::civil::{Date, date};

use crate::code::{CodeKind, UnknownCode};
use crate::economy::{Economy, economy};
use crate::period::Period;

/// A set of economies that act together, or are counted as one.
///
/// An economy belongs to a bloc in a period if it is a member on the last day of the period. The United
/// Kingdom left the EU at the end of 2020-01-31: it is a member of `EU` in 2019 and in January 2020, but not
/// in the year
/// 2020.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bloc {
    /// Code, such as `G7`, which identifies the bloc. Letters, digits and hyphens only.
    pub code: &'static str,
    /// English name.
    pub name: &'static str,
    /// Its members and the dates of their membership, in words.
    pub definition: &'static str,
    /// Publication that lists the members.
    pub source: &'static str,
    /// Memberships, by economy.
    pub memberships: &'static [Membership],
}

/// Membership of one economy in a bloc.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// Alpha-3 code of the member.
    pub iso3: &'static str,
    /// First day. `None` if the bloc has the same members in every period.
    pub from: Option<Date>,
    /// Last day. `None` if the economy is still a member.
    pub until: Option<Date>,
}

impl Membership {
    fn is_valid_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

impl Bloc {
    /// Lists the members on the last day of `period`, by alpha-3 code.
    pub fn members(&self, period: Period) -> Vec<&'static Economy> {
        let day = period.end();
        self.memberships
            .iter()
            .filter(|member| member.is_valid_on(day))
            .filter_map(|member| economy(member.iso3))
            .collect()
    }

    /// Whether `member` belongs to the bloc on the last day of `period`.
    pub fn contains(&self, member: &Economy, period: Period) -> bool {
        let day = period.end();
        self.memberships.iter().any(|entry| entry.iso3 == member.iso3 && entry.is_valid_on(day))
    }

    /// Code and name, as shown in suggestions.
    pub fn label(&self) -> String {
        format!("{} ({})", self.code, self.name)
    }
}

impl fmt::Display for Bloc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code)
    }
}

/// Lists every bloc, by code.
pub fn blocs() -> &'static [Bloc] {
    BLOCS
}

/// Finds a bloc by its code.
///
/// # Errors
/// [`UnknownCode`] if there is none.
pub fn bloc(code: &str) -> Result<&'static Bloc, UnknownCode> {
    let code = code.trim();
    let unknown = || UnknownCode::closest(CodeKind::Bloc, code, blocs().iter().map(|bloc| bloc.code));
    blocs().iter().find(|bloc| bloc.code == code).ok_or_else(unknown)
}

const fn fixed(iso3: &'static str) -> Membership {
    Membership { iso3, from: None, until: None }
}

const fn since(iso3: &'static str, year: i16, month: i8, day: i8) -> Membership {
    Membership { iso3, from: Some(date(year, month, day)), until: None }
}

static BLOCS: &[Bloc] = &[
    Bloc {
        code: "EU",
        name: "European Union, membership as it was",
        definition: "Each member from its accession, the United Kingdom until 2020-01-31. Belgium and \
                     Luxembourg are also counted through their joint statistics before 1999.",
        source: "European Union, \
                 https://european-union.europa.eu/principles-countries-history/eu-enlargement_en",
        memberships: EU,
    },
    Bloc {
        code: "EU27",
        name: "European Union of 27",
        definition: "The 27 economies that have formed the EU since 2020-02-01, in every period, so that a \
                     series keeps one composition. Eurostat calls it EU27_2020.",
        source: "Eurostat, \
                 https://ec.europa.eu/eurostat/statistics-explained/index.php?title=Glossary:EU_enlargements",
        memberships: EU27,
    },
    Bloc {
        code: "G7",
        name: "Group of Seven",
        definition: "Six economies since the summit of November 1975, Canada since June 1976. Russia's part \
                     in the G8 of 1998 to 2014 is left out, and so is the EU, which takes part without being \
                     counted.",
        source: "G7 Information Centre, University of Toronto, https://www.g7.utoronto.ca/what_is_g7.html",
        memberships: G7,
    },
    Bloc {
        code: "G7-plus",
        name: "G7 with the EU, Australia, India, South Korea and Mexico",
        definition: "The economies whose finance ministers met on critical minerals in Washington in January \
                     2026, in every period.",
        source: "Reuters, January 2026, on the meeting of finance ministers on critical minerals",
        memberships: G7_PLUS,
    },
    Bloc {
        code: "MSP",
        name: "Minerals Security Partnership",
        definition: "The partner economies since the founding in June 2022 or the month they joined; the \
                     days of Italy and Norway are not published, and they count from 2023. The European \
                     Commission is a partner too; EU members that are not partners themselves are not \
                     counted.",
        source: "US Department of State, https://www.state.gov/minerals-security-partnership",
        memberships: MSP,
    },
    Bloc {
        code: "QUAD",
        name: "Quadrilateral Security Dialogue",
        definition: "Australia, India, Japan and the United States since the dialogue resumed in November \
                     2017.",
        source: "Australian Department of Foreign Affairs and Trade, \
                 https://www.dfat.gov.au/international-relations/regional-architecture/quad",
        memberships: QUAD,
    },
];

/// Year, month and day on which the Treaty of Rome entered into force.
const TREATY_OF_ROME: (i16, i8, i8) = (1958, 1, 1);

const fn founder(iso3: &'static str) -> Membership {
    since(iso3, TREATY_OF_ROME.0, TREATY_OF_ROME.1, TREATY_OF_ROME.2)
}

static EU: &[Membership] = &[
    since("AUT", 1995, 1, 1),
    founder("BEL"),
    since("BGR", 2007, 1, 1),
    Membership { iso3: "BLX", from: Some(date(1958, 1, 1)), until: Some(date(1998, 12, 31)) },
    since("CYP", 2004, 5, 1),
    since("CZE", 2004, 5, 1),
    founder("DEU"),
    since("DNK", 1973, 1, 1),
    since("ESP", 1986, 1, 1),
    since("EST", 2004, 5, 1),
    since("FIN", 1995, 1, 1),
    founder("FRA"),
    Membership { iso3: "GBR", from: Some(date(1973, 1, 1)), until: Some(date(2020, 1, 31)) },
    since("GRC", 1981, 1, 1),
    since("HRV", 2013, 7, 1),
    since("HUN", 2004, 5, 1),
    since("IRL", 1973, 1, 1),
    founder("ITA"),
    since("LTU", 2004, 5, 1),
    founder("LUX"),
    since("LVA", 2004, 5, 1),
    since("MLT", 2004, 5, 1),
    founder("NLD"),
    since("POL", 2004, 5, 1),
    since("PRT", 1986, 1, 1),
    since("ROU", 2007, 1, 1),
    since("SVK", 2004, 5, 1),
    since("SVN", 2004, 5, 1),
    since("SWE", 1995, 1, 1),
];

/// Joint statistics of Belgium and Luxembourg, which ended with 1998.
const BELGIUM_LUXEMBOURG: Membership =
    Membership { iso3: "BLX", from: None, until: Some(date(1998, 12, 31)) };

static EU27: &[Membership] = &[
    fixed("AUT"),
    fixed("BEL"),
    fixed("BGR"),
    BELGIUM_LUXEMBOURG,
    fixed("CYP"),
    fixed("CZE"),
    fixed("DEU"),
    fixed("DNK"),
    fixed("ESP"),
    fixed("EST"),
    fixed("FIN"),
    fixed("FRA"),
    fixed("GRC"),
    fixed("HRV"),
    fixed("HUN"),
    fixed("IRL"),
    fixed("ITA"),
    fixed("LTU"),
    fixed("LUX"),
    fixed("LVA"),
    fixed("MLT"),
    fixed("NLD"),
    fixed("POL"),
    fixed("PRT"),
    fixed("ROU"),
    fixed("SVK"),
    fixed("SVN"),
    fixed("SWE"),
];

static G7: &[Membership] = &[
    since("CAN", 1976, 6, 27),
    since("DEU", 1975, 11, 15),
    since("FRA", 1975, 11, 15),
    since("GBR", 1975, 11, 15),
    since("ITA", 1975, 11, 15),
    since("JPN", 1975, 11, 15),
    since("USA", 1975, 11, 15),
];

static G7_PLUS: &[Membership] = &[
    fixed("AUS"),
    fixed("AUT"),
    fixed("BEL"),
    fixed("BGR"),
    BELGIUM_LUXEMBOURG,
    fixed("CAN"),
    fixed("CYP"),
    fixed("CZE"),
    fixed("DEU"),
    fixed("DNK"),
    fixed("ESP"),
    fixed("EST"),
    fixed("FIN"),
    fixed("FRA"),
    fixed("GBR"),
    fixed("GRC"),
    fixed("HRV"),
    fixed("HUN"),
    fixed("IND"),
    fixed("IRL"),
    fixed("ITA"),
    fixed("JPN"),
    fixed("KOR"),
    fixed("LTU"),
    fixed("LUX"),
    fixed("LVA"),
    fixed("MEX"),
    fixed("MLT"),
    fixed("NLD"),
    fixed("POL"),
    fixed("PRT"),
    fixed("ROU"),
    fixed("SVK"),
    fixed("SVN"),
    fixed("SWE"),
    fixed("USA"),
];

static MSP: &[Membership] = &[
    since("AUS", 2022, 6, 14),
    since("CAN", 2022, 6, 14),
    since("DEU", 2022, 6, 14),
    since("EST", 2024, 3, 1),
    since("FIN", 2022, 6, 14),
    since("FRA", 2022, 6, 14),
    since("GBR", 2022, 6, 14),
    since("IND", 2023, 6, 22),
    since("ITA", 2023, 2, 1),
    since("JPN", 2022, 6, 14),
    since("KOR", 2022, 6, 14),
    since("NOR", 2023, 2, 1),
    since("SWE", 2022, 6, 14),
    since("USA", 2022, 6, 14),
];

static QUAD: &[Membership] = &[
    since("AUS", 2017, 11, 12),
    since("IND", 2017, 11, 12),
    since("JPN", 2017, 11, 12),
    since("USA", 2017, 11, 12),
];

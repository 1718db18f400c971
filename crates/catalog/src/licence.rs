//! Licences of data: whether figures under them may be passed on to others, as they are.
//!
//! The table says what the text of a licence says, and nothing about a contract that somebody has with a
//! publisher. What is not in it is unknown: nothing is refused then, and nothing is promised. Derived
//! figures, such as a share, are no copy of the data and are not what the table is about.
use PassingOn::{Allowed, Forbidden, Unknown};

/// Whether data under a licence may be passed on as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassingOn {
    /// They may, under the licence's condition.
    Allowed,
    /// They may not, unless the publisher permits it.
    Forbidden,
    /// The licence is not known here, or it depends on what they are for.
    Unknown,
}

impl PassingOn {
    /// The answer to "may they be passed on?": `yes`, `no` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Allowed => "yes",
            Forbidden => "no",
            Unknown => "unknown",
        }
    }
}

/// A licence of data.
#[derive(Debug, PartialEq, Eq)]
pub struct Licence {
    /// SPDX identifier, or the name that formats use.
    pub id: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// What it is called.
    pub title: &'static str,
    /// Whether data under it may be passed on.
    pub passing_on: PassingOn,
    /// Under which condition, or why not: words after "may be passed on".
    pub condition: &'static str,
    /// Where that was read.
    pub source: &'static str,
}

/// All licences, by identifier.
const LICENCES: &[Licence] = &[
    Licence {
        id: "CC-BY-4.0",
        aliases: &["CC BY 4.0"],
        title: "Creative Commons Attribution 4.0",
        passing_on: Allowed,
        condition: "name the author and the licence, and say what was changed",
        source: "https://creativecommons.org/licenses/by/4.0/legalcode",
    },
    Licence {
        id: "CC-BY-NC-4.0",
        aliases: &["CC BY-NC 4.0"],
        title: "Creative Commons Attribution-NonCommercial 4.0",
        passing_on: Unknown,
        condition: "not for commercial purposes",
        source: "https://creativecommons.org/share-your-work/cclicenses/",
    },
    Licence {
        id: "CC-BY-SA-4.0",
        aliases: &["CC BY-SA 4.0"],
        title: "Creative Commons Attribution-ShareAlike 4.0",
        passing_on: Allowed,
        condition: "name the author, and share adaptations under the same terms",
        source: "https://creativecommons.org/share-your-work/cclicenses/",
    },
    Licence {
        id: "CC0-1.0",
        aliases: &["CC0"],
        title: "Creative Commons Zero 1.0",
        passing_on: Allowed,
        condition: "without conditions",
        source: "https://creativecommons.org/share-your-work/cclicenses/",
    },
    Licence {
        id: "OGL-UK-3.0",
        aliases: &["Open Government Licence v3.0", "Open Government Licence 3.0"],
        title: "Open Government Licence (United Kingdom) 3.0",
        passing_on: Allowed,
        condition: "acknowledge the source",
        source: "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    },
    Licence {
        id: "UN-Comtrade-terms",
        aliases: &[],
        title: "Terms of use of UN Comtrade",
        passing_on: Forbidden,
        condition: "for internal use, unless the United Nations Statistics Division permits it in writing",
        source: "https://wits.worldbank.org/WITS/wits/registration/TermsAndCondtions.aspx",
    },
    Licence {
        id: "US public domain",
        aliases: &["US-PD"],
        title: "Public domain of the United States",
        passing_on: Allowed,
        condition: "credit is asked for",
        source: "https://www.usgs.gov/information-policies-and-instructions/copyrights-and-credits",
    },
    Licence {
        id: "etalab-2.0",
        aliases: &["Licence Ouverte 2.0", "Open Licence 2.0"],
        title: "Licence Ouverte 2.0 (Etalab)",
        passing_on: Allowed,
        condition: "name the source and the date of the last update",
        source: "https://spdx.org/licenses/etalab-2.0.html",
    },
];

/// All licences, by identifier.
pub fn licences() -> &'static [Licence] {
    LICENCES
}

/// Finds a licence by its identifier or another name of it, whatever the case of its letters.
pub fn licence(name: &str) -> Option<&'static Licence> {
    let is_it = |known: &str| known.eq_ignore_ascii_case(name.trim());
    LICENCES.iter().find(|one| is_it(one.id) || one.aliases.iter().any(|alias| is_it(alias)))
}

/// Whether data under a licence of this name may be passed on.
pub fn passing_on(name: &str) -> PassingOn {
    licence(name).map_or(Unknown, |licence| licence.passing_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_licence_is_found_by_its_names_and_has_a_source() {
        assert!(LICENCES.is_sorted_by_key(|one| one.id));
        for one in LICENCES {
            assert!(one.source.starts_with("https://") && !one.condition.is_empty(), "{}", one.id);
            for name in one.aliases.iter().chain([&one.id]) {
                assert_eq!(licence(&format!(" {} ", name.to_lowercase())), Some(one), "{name}");
            }
        }
        let mut names: Vec<&str> =
            LICENCES.iter().flat_map(|one| one.aliases.iter().chain([&one.id]).copied()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LICENCES.iter().map(|one| one.aliases.len() + 1).sum::<usize>());
    }

    #[test]
    fn what_is_not_known_is_neither_allowed_nor_forbidden() {
        assert_eq!(passing_on("etalab-2.0"), Allowed);
        assert_eq!(passing_on("UN-Comtrade-terms"), Forbidden);
        for name in ["", "Global Trade Alert terms of use", "CC-BY-NC-4.0", "etalab-2"] {
            assert_eq!(passing_on(name), Unknown, "{name}");
        }
        assert_eq!([Allowed, Forbidden, Unknown].map(PassingOn::as_str), ["yes", "no", "unknown"]);
    }
}

//! The table of permitted differences from recorded answers. A change that alters figures of the past needs a
//! row here, which a reviewer reads.
use orewatch_contracts::common::v1::CauseKind;

/// A restatement that may change recorded answers.
///
/// An answer as of now may differ if the exposures log has an event after the recorded head, with this cause
/// and material, that contains exactly the answered figure. An alert may differ if the alerts log has a
/// transition with this cause after the recorded head that leads to it, or if it is shown with such a figure.
/// What follows from these (messages, counts, what mutes messages) may differ with them. Answers as at an
/// earlier time and recorded events must never differ.
#[derive(Clone, Copy, Debug)]
pub struct Permitted {
    /// Name of the record, such as `2026-11`.
    pub record: &'static str,
    /// Cause of the events with the new figures. A cause that any release can have would permit too much.
    pub cause: CauseKind,
    /// Materials whose figures may differ.
    pub materials: &'static [&'static str],
    /// Markets, as material and stage, in which answers that are never published may differ too: answers as
    /// at an earlier time, of a tenant, by another reading, and trends.
    pub unpublished: &'static [(&'static str, &'static str)],
    /// Prefixes of the keys of published figures that are unchanged to the bit but are based on other
    /// releases, with these releases. Nothing is published about such a change.
    pub releases: &'static [(&'static str, &'static str)],
    /// What has changed, and why that is right.
    pub why: &'static str,
}

impl Permitted {
    /// Whether it permits events with this cause about a material.
    #[must_use]
    pub fn covers(&self, cause: i32, material: &str) -> bool {
        i32::from(self.cause) == cause && self.materials.contains(&material)
    }

    /// Whether it permits that an unchanged figure with this key is based on these releases.
    #[must_use]
    pub fn covers_releases(&self, key: &str, releases: &str) -> bool {
        self.releases.iter().any(|(start, permitted)| key.starts_with(start) && releases == *permitted)
    }

    /// Whether it permits another answer that is not published, given the key of a figure, which begins with
    /// its market.
    #[must_use]
    pub fn covers_unpublished(&self, key: &str) -> bool {
        let mut words = key.split(' ');
        let market = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.unpublished.contains(&market)
    }
}

/// The table.
pub const PERMITTED: &[Permitted] = &[Permitted {
    record: "2026-11",
    cause: CauseKind::SourcesSeparated,
    materials: &[
        "antimony",
        "bismuth",
        "cobalt",
        "copper",
        "gallium",
        "graphite",
        "lithium",
        "magnesium",
        "manganese",
        "nickel",
        "rare-earths",
        "tungsten",
    ],
    unpublished: &[
        ("antimony", "mined"),
        ("bismuth", "refined"),
        ("cobalt", "mined"),
        ("cobalt", "refined"),
        ("graphite", "mined"),
        ("lithium", "refined"),
        ("magnesium", "mined"),
        ("magnesium", "refined"),
        ("manganese", "mined"),
        ("nickel", "refined"),
        ("tungsten", "mined"),
        ("tungsten", "refined"),
    ],
    releases: &[
        ("lithium refined 2022 ec-dependency-years/1 2 ", "baci-hs22/202501-d5a82ad8af76"),
        ("lithium refined 2022 geodep-years/1 2 ", "baci-hs22/202501-d5a82ad8af76"),
    ],
    why: "Releases of one dataset no longer erase those of another (lithium, graphite; a tenant's purchases \
          of antimony); product codes that a dataset lacks lower its coverage (tungsten powders, the desk's \
          own tables); members of blocs without a report widen bounds; negligible weights give no best \
          estimate (Argentina's antimony and tungsten); Japan's lithium of 2022 is based on BACI, which \
          answers, where its figures of three years happen to be the same.",
}];

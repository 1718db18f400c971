//! The table of differences from recorded answers that are permitted. Whoever changes a figure of the past adds a row here, and a
//! reviewer reads it.
use orewatch_contracts::common::v1::CauseKind;

/// A restatement that may change recorded answers.
///
/// An answer as of now may differ if the exposures log holds an event after the recorded head, of this cause and material, that
/// carries exactly the figure that is answered. An alert may differ if the alerts log holds a transition after the recorded
/// head of this cause that leaves it so, or if it is shown with such a figure. What follows from these (messages, counts, what
/// holds messages back) may differ with them. An answer as at an earlier time may never differ, nor may an event that was
/// recorded.
#[derive(Clone, Copy, Debug)]
pub struct Permitted {
    /// Name of the record, such as `2026-11`.
    pub record: &'static str,
    /// Cause of the events that carry the new figures. One that any release may have would permit too much.
    pub cause: CauseKind,
    /// Materials whose figures may move.
    pub materials: &'static [&'static str],
    /// Markets, as material and stage, of which answers that are never published may differ as well: as at an earlier time, of a
    /// tenant, by another reading, and of trends.
    pub unpublished: &'static [(&'static str, &'static str)],
    /// Beginnings of the keys of published figures that may name other releases where the figure itself is as it was: of that nothing
    /// is published.
    pub releases: &'static [&'static str],
    /// What the figures were before and are now, and why that is right.
    pub why: &'static str,
}

impl Permitted {
    /// Whether it permits what an event of this cause says about a material.
    #[must_use]
    pub fn covers(&self, cause: i32, material: &str) -> bool {
        i32::from(self.cause) == cause && self.materials.contains(&material)
    }

    /// Whether it permits other releases beside a figure that is as it was, given its key.
    #[must_use]
    pub fn covers_releases(&self, key: &str) -> bool {
        self.releases.iter().any(|start| key.starts_with(start))
    }

    /// Whether it permits another answer that is not published, given the key of a figure, which begins with its market.
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
    releases: &["lithium refined 2022 ec-dependency-years/1 2 ", "lithium refined 2022 geodep-years/1 2 "],
    why: "Releases of one dataset no longer erase those of another (lithium, graphite; a tenant's purchases of antimony); product \
          codes that a dataset does not hold lower its coverage (tungsten powders, the desk's own tables); members of blocs without \
          a report widen bounds; weights of next to nothing give no best estimate (Argentina's antimony and tungsten); Japan's lithium \
          of 2022 rests on BACI, which answers, where its figure happens to be the same.",
}];

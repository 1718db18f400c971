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
    /// What the figures were before and are now, and why that is right.
    pub why: &'static str,
}

impl Permitted {
    /// Whether it permits what an event of this cause says about a material.
    #[must_use]
    pub fn covers(&self, cause: i32, material: &str) -> bool {
        i32::from(self.cause) == cause && self.materials.contains(&material)
    }
}

/// The table.
pub const PERMITTED: &[Permitted] = &[];

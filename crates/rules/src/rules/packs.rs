//! The rule packs that ship with Orewatch.

/// A set of rules that belong together, as YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Name.
    pub name: &'static str,
    /// Text, in the form that [`parse`](super::parse) reads.
    pub text: &'static str,
}

static PACKS: &[Pack] = &[
    Pack { name: "crma-2030", text: include_str!("../../packs/crma-2030.yaml") },
    Pack { name: "early-signs", text: include_str!("../../packs/early-signs.yaml") },
    Pack { name: "g7-2030", text: include_str!("../../packs/g7-2030.yaml") },
    Pack { name: "g7-china", text: include_str!("../../packs/g7-china.yaml") },
    Pack { name: "uk-magnets", text: include_str!("../../packs/uk-magnets.yaml") },
];

/// All packs, by name.
#[must_use]
pub fn packs() -> &'static [Pack] {
    PACKS
}

/// The pack with a name.
#[must_use]
pub fn pack(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.name == name)
}

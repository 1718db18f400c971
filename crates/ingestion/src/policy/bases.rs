//! Compares the units and bases of two datasets.
use crate::tally::Bases;

/// The first material and stage for which two datasets differ in unit or basis, as a sentence. `None`: they
/// agree.
pub(super) fn basis_difference(one: &str, its: &Bases, other: &str, others: &Bases) -> Option<String> {
    let differs = |(topic, own): (&(String, String), &(String, String))| {
        let known = others.get(topic).filter(|known| *known != own)?;
        let (material, stage) = topic;
        let [own, known] = [own, known].map(|(unit, basis)| format!("{unit} of {basis}"));
        Some(format!("{material} {stage} is in {own} in {one}, and in {known} in {other}"))
    };
    its.iter().find_map(differs)
}

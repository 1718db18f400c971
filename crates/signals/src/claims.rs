//! Makes candidates of statements with a figure: whose share of what, at which stage, in which period.

use crate::amounts::FoundAmount;
use crate::events::{Scene, date_field};
use crate::facts::Facts;
use crate::names::{Mention, NameClass};
use crate::parties::{Party, PartyRole};
use crate::span::{Span, slice};
use crate::value::{Candidate, Field, FieldName, Kind, Value};

/// The claims of a clause: one for each share that it states.
pub(crate) fn find_claims(scene: Scene<'_>, clause: Span) -> Vec<Candidate> {
    let facts = scene.facts;
    let content = clause.of(facts.text);
    let Some(verb) = facts.rules.first_match("claim", content) else { return Vec::new() };
    let Some(subject) = scene.parties.iter().find(|party| may_be_subject(party)) else { return Vec::new() };
    let shares: Vec<&FoundAmount> = facts.amounts_in(clause).filter(|amount| amount.kind == "%").collect();
    let mut found: Vec<Candidate> = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| shares.get(index));
        let next = shares.get(index + 1);
        let around = Around {
            before: Span::new(before.map_or(clause.start, |share| share.span.end), share.span.start),
            behind: Span::new(share.span.end, next.map_or(clause.end, |share| share.span.start)),
        };
        let materials = materials_of(facts, around, found.last());
        if materials.is_empty() {
            continue;
        }
        let mut claim = Candidate::new(Kind::Claim, clause, verb.id);
        let value = Value::Quantity(share.quantity.clone());
        claim.add(Field { name: FieldName::Amount, value, span: share.span, rule: share.rule });
        for code in &subject.codes {
            claim.add_code(FieldName::Actor, code, subject.span, subject.name_rule);
        }
        if let Some((stage, span, rule)) = stage_of(facts, around, clause) {
            claim.add_code(FieldName::Stage, stage, span, rule);
        }
        for material in materials {
            claim.add(material);
        }
        add_period(facts, clause, &mut claim);
        found.push(claim);
    }
    found
}

/// The parts of a clause that belong to a share: up to the shares beside it.
#[derive(Clone, Copy)]
struct Around {
    before: Span,
    behind: Span,
}

fn may_be_subject(party: &Party) -> bool {
    let is_named = matches!(
        party.class,
        NameClass::Economy
            | NameClass::Bloc
            | NameClass::Capital
            | NameClass::CountryAnaphor
            | NameClass::BlocAnaphor
    );
    is_named
        && matches!(party.role, PartyRole::Subject | PartyRole::Source | PartyRole::Actor)
        && !party.codes.is_empty()
}

/// The materials that a share is about: those behind it, else those in front of it, else those of the share
/// before it.
fn materials_of(facts: &Facts<'_>, around: Around, last: Option<&Candidate>) -> Vec<Field> {
    let of =
        |part: Span| -> Vec<Field> { facts.named(part, NameClass::Material).map(material_field).collect() };
    let behind = of(around.behind);
    if !behind.is_empty() {
        return behind;
    }
    let before = of(around.before);
    if !before.is_empty() {
        return before;
    }
    let known = last.map_or(&[][..], |claim| claim.fields.as_slice());
    known.iter().filter(|field| field.name == FieldName::Material).cloned().collect()
}

fn material_field(name: &Mention) -> Field {
    let value = Value::Code(name.value.to_owned());
    Field { name: FieldName::Material, value, span: name.span, rule: name.rule }
}

/// The stage that a share is about: the first word for one beside it, else any of the clause. Chinese and
/// Japanese have it in front of the share.
fn stage_of(facts: &Facts<'_>, around: Around, clause: Span) -> Option<(&'static str, Span, &'static str)> {
    let part = if facts.language.is_unspaced() { around.before } else { around.behind };
    let stages_in = |part: Span| {
        let content = slice(facts.text, part.start, part.end);
        let stages = facts.rules.patterns("claim").iter().filter(|pattern| pattern.value != "-");
        stages.filter_map(move |pattern| {
            let found = pattern.regex.find(content)?;
            let span = Span::new(part.start + found.start(), part.start + found.end());
            Some((pattern.value, span, pattern.id))
        })
    };
    stages_in(part).min_by_key(|(_, span, _)| span.start).or_else(|| stages_in(clause).next())
}

/// The period of the figures: the first date that names a year, month or day.
fn add_period(facts: &Facts<'_>, clause: Span, claim: &mut Candidate) {
    let mut dates = facts.dates_in(clause);
    if let Some(date) = dates.find(|date| date.may_be_period && date.when.is_none()) {
        claim.add(date_field(FieldName::Date, date));
    }
}

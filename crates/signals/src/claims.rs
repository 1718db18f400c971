//! Makes candidates of statements with a figure: whose share of what, at which stage, in which period.

use crate::amounts::FoundAmount;
use crate::events::{Scene, date_field};
use crate::facts::Facts;
use crate::name_class::NameClass;
use crate::names::Mention;
use crate::parties::{Party, PartyRole};
use crate::span::Span;
use crate::value::{Candidate, Field, FieldName, Kind, Value};

/// The claims of a clause: one for each share that it states.
///
/// Whom a share is of has to be said, in the clause or in the one in front of it, unless somebody is named
/// who says it.
pub(crate) fn find_claims(scene: Scene<'_>, clause: Span) -> Vec<Candidate> {
    let facts = scene.facts;
    let Some(verb) = facts.rules.first_match("claim", clause.of(facts.text)) else { return Vec::new() };
    let subject = subject_of(scene);
    if subject.is_empty() && scene.speech.speaker.is_none() {
        return Vec::new();
    }
    let shares: Vec<&FoundAmount> = facts.amounts_in(clause).filter(|amount| amount.kind == "%").collect();
    let mut found: Vec<Candidate> = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| shares.get(index));
        let next = shares.get(index + 1);
        let around = Around {
            before: Span::new(before.map_or(clause.start, |share| share.span.end), share.span.start),
            behind: Span::new(share.span.end, next.map_or(clause.end, |share| share.span.start)),
        };
        let materials = materials_of(scene, around, found.last());
        if materials.is_empty() {
            continue;
        }
        let mut claim = Candidate::new(Kind::Claim, clause, verb.id);
        let value = Value::Quantity(share.quantity.clone());
        claim.add(Field { name: FieldName::Amount, value, span: share.span, rule: share.rule });
        subject.iter().for_each(|field| claim.add(field.clone()));
        if let Some((stage, span, rule)) = stage_of(facts, around, clause) {
            claim.add_code(FieldName::Stage, stage, span, rule);
        }
        materials.into_iter().for_each(|field| claim.add(field));
        add_period(facts, clause, &mut claim);
        found.push(claim);
    }
    found
}

/// Whom the shares are of: the first party that may be meant, or who acts in the clause in front.
fn subject_of(scene: Scene<'_>) -> Vec<Field> {
    if let Some(party) = scene.parties.iter().find(|party| may_be_subject(party)) {
        let field = |code: &String| Field {
            name: FieldName::Actor,
            value: Value::Code(code.clone()),
            span: party.span,
            rule: party.name_rule,
        };
        return party.codes.iter().map(field).collect();
    }
    fields_in_front(scene, FieldName::Actor)
}

/// Fields of the last candidate, if it is of the same sentence.
fn fields_in_front(scene: Scene<'_>, name: FieldName) -> Vec<Field> {
    let last = scene.memory.candidates.last().filter(|_| scene.continues);
    let fields = last.into_iter().flat_map(|last| &last.fields);
    fields.filter(|field| field.name == name).cloned().collect()
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
/// before it, else those of the clause before. Chinese and Japanese have them in front of the share, unless
/// an attribute follows it.
fn materials_of(scene: Scene<'_>, around: Around, last: Option<&Candidate>) -> Vec<Field> {
    let facts = scene.facts;
    let of =
        |part: Span| -> Vec<Field> { facts.named(part, NameClass::Material).map(material_field).collect() };
    let attribute = facts.rules.matches("share-behind", around.behind.of(facts.text));
    let sides = if facts.language.is_unspaced() && !attribute {
        [around.before, around.behind]
    } else {
        [around.behind, around.before]
    };
    if let Some(beside) = sides.into_iter().map(of).find(|materials| !materials.is_empty()) {
        return beside;
    }
    match last {
        Some(claim) => {
            let materials = claim.fields.iter().filter(|field| field.name == FieldName::Material);
            materials.cloned().collect()
        }
        None => fields_in_front(scene, FieldName::Material),
    }
}

fn material_field(name: &Mention) -> Field {
    let value = Value::Code(name.value.to_owned());
    Field { name: FieldName::Material, value, span: name.span, rule: name.rule }
}

/// A stage with the words that say it and their rule.
type StageWords = (&'static str, Span, &'static str);

/// The stage that a share is about: the verb in front of it, else the noun behind it, else any of the clause.
fn stage_of(facts: &Facts<'_>, around: Around, clause: Span) -> Option<StageWords> {
    let verb = first_stage(facts, "claim", around.before);
    let noun = || first_stage(facts, "claim-noun", around.behind);
    let any_verb = || first_stage(facts, "claim", clause);
    let any_noun = || first_stage(facts, "claim-noun", clause);
    verb.or_else(noun).or_else(any_verb).or_else(any_noun)
}

/// The first words of a class in a part that say a stage.
fn first_stage(facts: &Facts<'_>, class: &str, part: Span) -> Option<StageWords> {
    let content = part.of(facts.text);
    let stages = facts.rules.patterns(class).iter().filter(|pattern| pattern.value != "-");
    let found = stages.filter_map(|pattern| {
        let found = pattern.regex.find(content)?;
        Some((pattern.value, Span::new(part.start + found.start(), part.start + found.end()), pattern.id))
    });
    found.min_by_key(|(_, span, _)| span.start)
}

/// The period of the figures: the first date that names a year, month or day.
fn add_period(facts: &Facts<'_>, clause: Span, claim: &mut Candidate) {
    let mut dates = facts.dates_in(clause);
    if let Some(date) = dates.find(|date| date.may_be_period && date.when.is_none()) {
        claim.add(date_field(FieldName::Date, date));
    }
}

//! Makes a candidate of something that happens: who, towards whom, what, how much and when.

use crate::agents::{Agent, AgentKind, Medium};
use crate::dates::{FoundDate, When};
use crate::facts::{Facts, Memory, home};
use crate::language::Language;
use crate::name_class::NameClass;
use crate::parties::{Party, PartyRole};
use crate::span::Span;
use crate::speech::Speech;
use crate::triggers::Happening;
use crate::value::{Candidate, Field, FieldName, Flag, Kind, Value};

/// Characters between a date and the words of speech that it may belong to.
const SPEECH_REACH: usize = 25;

/// What the candidates of a clause are made of.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) memory: &'a Memory,
    pub(crate) parties: &'a [Party],
    pub(crate) agents: &'a [Agent],
    pub(crate) media: &'a [Medium],
    pub(crate) speech: &'a Speech,
    /// Whether a clause of the same sentence is in front of this one.
    pub(crate) continues: bool,
}

impl Scene<'_> {
    /// The parties of a part that are not there to say who speaks or reports.
    fn parties_in(&self, part: Span) -> impl Iterator<Item = &Party> {
        let speaker = self.speech.speaker.as_ref();
        let is_used = move |party: &&Party| {
            speaker.is_some_and(|agent| agent.used.contains(&party.mention))
                || self.media.iter().any(|medium| medium.used.contains(&party.mention))
        };
        self.parties.iter().filter(move |party| part.contains(party.span) && !is_used(party))
    }
}

/// Makes the candidate of what happens. `before` is what happens in front of it in the same clause. `None`
/// if it names too little to be one.
pub(crate) fn candidate_of(
    scene: Scene<'_>,
    happening: &Happening,
    before: Option<&Candidate>,
) -> Option<Candidate> {
    let mut candidate = Candidate::new(happening.kind, happening.part, happening.rule);
    if happening.possible {
        candidate.flags.insert(Flag::Possible);
    }
    add_parties(scene, happening, &mut candidate);
    add_inherited_actors(scene, happening, before, &mut candidate);
    add_subjects(scene, happening, &mut candidate);
    add_amount(scene, happening, &mut candidate);
    add_dates(scene, happening, &mut candidate);
    add_day_of_meeting(before, &mut candidate);
    stands(scene, happening, &candidate).then_some(candidate)
}

fn add_parties(scene: Scene<'_>, happening: &Happening, candidate: &mut Candidate) {
    let acts_by_word = |party: &Party| party.role == PartyRole::Actor && !party.codes.is_empty();
    let is_explicit = scene.parties_in(happening.part).any(acts_by_word);
    let mut acts = is_explicit;
    for party in scene.parties_in(happening.part) {
        let Some(field) = part_of(scene, happening, party, (acts, is_explicit)) else { continue };
        acts |= field == FieldName::Actor;
        let rule = if field == FieldName::Actor { party.name_rule } else { party.role_rule };
        for code in &party.codes {
            candidate.add_code(field, code, party.span, rule);
        }
    }
}

/// Whether a party acts, is acted upon, or does neither. `acts` says if somebody acts already, `is_explicit`
/// if the clause says by a word who acts.
fn part_of(
    scene: Scene<'_>,
    happening: &Happening,
    party: &Party,
    (acts, is_explicit): (bool, bool),
) -> Option<FieldName> {
    let kind = happening.kind;
    let is_behind = party.span.start > happening.words.end;
    if party.codes.is_empty() {
        return None;
    }
    if matches!(kind, Kind::Meeting | Kind::Agreement) {
        return (party.role != PartyRole::Place).then_some(FieldName::Actor);
    }
    if kind == Kind::Tariff && party.role == PartyRole::Source {
        return Some(FieldName::Target);
    }
    if party.class == NameClass::Demonym && is_behind {
        return (kind == Kind::Tariff).then_some(FieldName::Target);
    }
    match party.role {
        PartyRole::Target => kind.is_restriction().then_some(FieldName::Target),
        PartyRole::Actor => Some(FieldName::Actor),
        PartyRole::Subject => {
            let is_subject = !is_explicit && is_subject(scene, happening, party, is_behind && !acts);
            is_subject.then_some(FieldName::Actor)
        }
        PartyRole::Source | PartyRole::Place => None,
    }
}

/// Whether a party of which nothing is said acts: it stands in front of the verb, anywhere in Japanese,
/// and in German also behind a verb that comes first.
fn is_subject(scene: Scene<'_>, happening: &Happening, party: &Party, may_follow: bool) -> bool {
    match scene.facts.language {
        Language::Japanese => true,
        _ if party.span.start < happening.words.start => true,
        Language::German => may_follow && happening.kind != Kind::Tariff,
        _ => false,
    }
}

/// Without an actor of its own, those of what happens before it act, or else a government that the clause
/// names in front, or the one that speaks.
fn add_inherited_actors(
    scene: Scene<'_>,
    happening: &Happening,
    before: Option<&Candidate>,
    candidate: &mut Candidate,
) {
    if happening.kind == Kind::Meeting || candidate.has(FieldName::Actor) {
        return;
    }
    let inherited = before.into_iter().flat_map(|before| &before.fields);
    for field in inherited.filter(|field| field.name == FieldName::Actor) {
        candidate.add(field.clone());
    }
    if candidate.has(FieldName::Actor) {
        return;
    }
    if let Some((agent, code)) = named_government(scene, happening) {
        candidate.add_code(FieldName::Actor, &code, agent.span(), "actor.government");
        return;
    }
    if let Some((agent, code)) =
        scene.speech.speaker.as_ref().and_then(|agent| Some((agent, government(agent)?)))
    {
        let named = agent.used.first().and_then(|index| scene.facts.mentions.get(*index));
        let span = named.map_or(agent.span(), |mention| mention.span);
        candidate.add_code(FieldName::Actor, &code, span, "actor.from-speaker");
    }
}

/// A government in front of what happens, with its economy.
fn named_government<'a>(scene: Scene<'a>, happening: &Happening) -> Option<(&'a Agent, String)> {
    let agent = scene.agents.iter().find(|agent| {
        agent.kind == AgentKind::Role
            && matches!(agent.value, "government" | "ministry" | "president")
            && agent.affiliation.is_some()
            && agent.head.end <= happening.words.start
            && happening.part.start <= agent.head.start
    })?;
    Some((agent, agent.affiliation.clone()?))
}

/// The economy or bloc whose government speaks.
fn government(agent: &Agent) -> Option<String> {
    match agent.kind {
        AgentKind::Role if agent.is_official() => agent.affiliation.clone(),
        AgentKind::Organisation if matches!(agent.value, "EU" | "G7" | "QUAD") => {
            Some(agent.value.to_owned())
        }
        AgentKind::Organisation if agent.value.contains(':') => Some(home(agent.value).to_owned()),
        _ => None,
    }
}

/// Adds materials, products and the stage.
fn add_subjects(scene: Scene<'_>, happening: &Happening, candidate: &mut Candidate) {
    let Scene { facts, .. } = scene;
    for name in facts.named(happening.part, NameClass::Material) {
        candidate.add_code(FieldName::Material, name.value, name.span, name.rule);
    }
    if happening.kind.is_restriction() {
        for name in facts.named(happening.part, NameClass::Product) {
            candidate.add_code(FieldName::Product, name.value, name.span, name.rule);
        }
    }
    if !candidate.has(FieldName::Material) && !matches!(happening.kind, Kind::Investment | Kind::Pledge) {
        return;
    }
    let content = happening.part.of(facts.text);
    for pattern in facts.rules.patterns("stage") {
        if let Some(found) = pattern.regex.find(content) {
            let start = happening.part.start;
            let span = Span::new(start + found.start(), start + found.end());
            candidate.add_code(FieldName::Stage, pattern.value, span, pattern.id);
        }
    }
}

/// Kinds of amounts that each kind of candidate may have, the most telling first.
fn amounts_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Tariff => &["%"],
        Kind::Quota => &["t", "%"],
        Kind::Investment => &["money", "investments", "projects"],
        Kind::Pledge => &["money", "%", "t"],
        Kind::Agreement => &["money"],
        Kind::Ban | Kind::Control | Kind::Licence | Kind::List => &["materials"],
        Kind::Claim | Kind::Meeting | Kind::Statement => &[],
    }
}

fn add_amount(scene: Scene<'_>, happening: &Happening, candidate: &mut Candidate) {
    let of_kind = |kind: &&str| scene.facts.amounts_in(happening.part).find(|amount| amount.kind == *kind);
    if let Some(amount) = amounts_of(happening.kind).iter().find_map(of_kind) {
        let value = Value::Quantity(amount.quantity.clone());
        candidate.add(Field { name: FieldName::Amount, value, span: amount.span, rule: amount.rule });
    }
}

/// Adds dates: those of the event first, and the day on which somebody said so if it has none of its own.
fn add_dates(scene: Scene<'_>, happening: &Happening, candidate: &mut Candidate) {
    let dates = || scene.facts.dates_in(happening.part);
    for date in dates() {
        let name = match date.when {
            Some(When::From | When::Since) => FieldName::From,
            Some(When::Until) => FieldName::Until,
            Some(When::By) if happening.kind.is_restriction() => FieldName::From,
            Some(When::By) => FieldName::Until,
            None => continue,
        };
        candidate.add(date_field(name, date));
    }
    let plain = || dates().filter(|date| date.when.is_none());
    let own = plain().find(|date| !is_of_speech(scene, happening, date));
    if let Some(date) = own.or_else(|| plain().next()) {
        candidate.add(date_field(FieldName::Date, date));
    }
}

/// What a meeting leads to happens on its day, unless the text says otherwise.
fn add_day_of_meeting(before: Option<&Candidate>, candidate: &mut Candidate) {
    if candidate.has(FieldName::Date) || candidate.has(FieldName::From) {
        return;
    }
    let meeting = before.filter(|before| before.kind == Kind::Meeting);
    let dates = meeting.into_iter().flat_map(|meeting| &meeting.fields);
    dates.filter(|field| field.name == FieldName::Date).for_each(|field| candidate.add(field.clone()));
}

/// A date as a field.
pub(crate) fn date_field(name: FieldName, date: &FoundDate) -> Field {
    Field { name, value: Value::Days(date.days), span: date.span, rule: date.rule }
}

/// Whether a date stands beside words of speech, and nearer to them than to what happens.
fn is_of_speech(scene: Scene<'_>, happening: &Happening, date: &FoundDate) -> bool {
    let text = scene.facts.text;
    let nearest = scene.speech.spans.iter().map(|span| span.distance(date.span, text)).min();
    let to_event = happening.words.distance(date.span, text);
    scene.speech.speaker.is_some()
        && nearest.is_some_and(|nearest| nearest < SPEECH_REACH && nearest < to_event)
}

/// Whether a candidate says enough to be one.
fn stands(scene: Scene<'_>, happening: &Happening, candidate: &Candidate) -> bool {
    let acts = candidate.has(FieldName::Actor);
    let has_subject = candidate.has(FieldName::Material)
        || scene.facts.named(happening.part, NameClass::Product).next().is_some();
    match happening.kind {
        Kind::Meeting | Kind::Pledge | Kind::Agreement => acts,
        Kind::List => acts || candidate.has(FieldName::Material),
        Kind::Investment => {
            candidate.has(FieldName::Amount) || (has_subject && acts && is_verb(scene, happening))
        }
        Kind::Claim | Kind::Statement => true,
        _ => has_subject || is_about_trade(scene, happening, candidate) || adds_to_known(scene, candidate),
    }
}

/// Whether an investment is a verb. In scripts without blanks, nouns and verbs are the same words.
fn is_verb(scene: Scene<'_>, happening: &Happening) -> bool {
    let words = happening.words.of(scene.facts.text);
    scene.facts.language.is_unspaced() || scene.facts.rules.matches("verb-of-investment", words)
}

fn is_about_trade(scene: Scene<'_>, happening: &Happening, candidate: &Candidate) -> bool {
    let names_somebody = candidate.has(FieldName::Actor) || candidate.has(FieldName::Target);
    names_somebody && scene.facts.rules.matches("trade", happening.part.of(scene.facts.text))
}

/// Whether it says when or how much of a restriction that is known, as in "the duty takes effect on".
fn adds_to_known(scene: Scene<'_>, candidate: &Candidate) -> bool {
    let is_known = scene.memory.candidates.iter().any(|known| known.kind == candidate.kind);
    let adds = [FieldName::From, FieldName::Until, FieldName::Amount].iter().any(|name| candidate.has(*name));
    is_known && adds && !candidate.has(FieldName::Actor)
}

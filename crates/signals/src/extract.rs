//! From a text to candidates: sentence by sentence, clause by clause.
//!
//! In each clause, what happens makes candidates; a clause in which nothing happens may state a figure; and
//! one that does neither may be a statement of somebody. Candidates of one event in one text are one.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::agents::{Agent, AgentKind, Medium, find_agents};
use crate::claims::find_claims;
use crate::dates::When;
use crate::events::{Scene, candidate_of, date_field};
use crate::facts::{Facts, Memory};
use crate::language::Language;
use crate::name_class::NameClass;
use crate::parties::{Party, PartyRole, find_parties};
use crate::sentences::{clauses, sentences};
use crate::span::Span;
use crate::speech::{Speech, find_speech, speaker_value};
use crate::triggers::find_happenings;
use crate::value::{Candidate, Field, FieldName, Flag, Kind, Value};

/// Longest text that is read, in bytes: 512 KiB. An article has some kilobytes.
const MAX_TEXT_BYTES: usize = 512 << 10;
/// Longest sentence that is read to its end, in bytes.
const MAX_SENTENCE_BYTES: usize = 8 << 10;
/// Most candidates of a text.
const MAX_CANDIDATES: usize = 500;

/// What was found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    /// The language of the text.
    pub language: Language,
    /// Candidates, in the order of the text. A candidate never counts before somebody confirms it.
    pub candidates: Vec<Candidate>,
    /// What holds for the whole text.
    pub flags: BTreeSet<Flag>,
}

/// Extracts candidates from a normalised text. `published` is the day of publication: dates without a year
/// and relative dates are counted from it, and left out without it.
///
/// ```
/// use jiff::civil::date;
/// use orewatch_signals::{FieldName, Kind, extract};
///
/// let text = "China has required licences for exports of seven rare earths since 4 April 2025.";
/// let found = extract(text, Some(date(2026, 1, 12)));
/// let licence = &found.candidates[0];
/// assert_eq!(licence.kind, Kind::Licence);
/// let from = licence.fields.iter().find(|field| field.name == FieldName::From).unwrap();
/// assert_eq!(from.value.to_string(), "2025-04-04");
/// assert_eq!(from.span.of(text), "4 April 2025");
/// assert_eq!(from.rule, "date.en.dmy");
/// ```
pub fn extract(text: &str, published: Option<Date>) -> Extraction {
    let language = Language::of(text);
    let mut flags = BTreeSet::new();
    let read = beginning(text, MAX_TEXT_BYTES);
    let facts = Facts::read(read, language, published, &mut flags);
    let mut memory = Memory::default();
    let mut is_cut = read.len() < text.len();
    let mut position = 0;
    for sentence in sentences(read, facts.rules) {
        let between = read.get(position..sentence.start).unwrap_or_default();
        memory.paragraph += usize::from(between.contains('\n'));
        position = sentence.end;
        memory.sentence += 1;
        if facts.rules.matches("header", beginning(sentence.of(read), MAX_SENTENCE_BYTES)) {
            continue;
        }
        if memory.candidates.len() >= MAX_CANDIDATES {
            is_cut = true;
            break;
        }
        let kept = beginning(sentence.of(read), MAX_SENTENCE_BYTES).len();
        is_cut |= kept < sentence.len();
        let sentence = Span::new(sentence.start, sentence.start + kept);
        let clauses = clauses(read, without_dateline(&facts, sentence), facts.rules);
        for (index, clause) in clauses.into_iter().enumerate() {
            read_clause(&facts, &mut memory, clause, index > 0);
        }
    }
    let mut candidates = memory.candidates;
    candidates.iter_mut().for_each(|candidate| check(candidate, published));
    add_flags_of_text(&facts, published, &mut flags);
    if is_cut {
        flags.insert(Flag::TooLong);
    }
    Extraction { language, candidates, flags }
}

/// The beginning of a text, at most `bytes` long.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// A sentence without the place and day of the report in front of it.
fn without_dateline(facts: &Facts<'_>, sentence: Span) -> Span {
    let content = sentence.of(facts.text);
    let dateline = facts.rules.patterns("dateline").iter().find_map(|pattern| pattern.regex.find(content));
    Span::new(sentence.start + dateline.map_or(0, |found| found.end()), sentence.end)
}

/// Flags what cannot be.
fn check(candidate: &mut Candidate, published: Option<Date>) {
    for field in &candidate.fields {
        match &field.value {
            Value::Quantity(quantity) => {
                let high = quantity.high.unwrap_or(quantity.low);
                if high < quantity.low {
                    candidate.flags.insert(Flag::RangeUpsideDown);
                }
                if candidate.kind == Kind::Claim && quantity.unit == "%" && high.max(quantity.low) > 100.0 {
                    candidate.flags.insert(Flag::PercentOver100);
                }
            }
            Value::Days(days) => {
                let is_past = field.name == FieldName::Date && candidate.kind != Kind::Claim;
                if is_past && published.is_some_and(|published| days.first > published) {
                    candidate.flags.insert(Flag::FutureDate);
                }
            }
            Value::Code(_) => {}
        }
    }
}

fn add_flags_of_text(facts: &Facts<'_>, published: Option<Date>, flags: &mut BTreeSet<Flag>) {
    if published.is_none() {
        flags.insert(Flag::NoPublicationDay);
    }
    if facts.rules.matches("satire", facts.text) {
        flags.insert(Flag::Satire);
    }
    if facts.rules.matches("withdrawn", facts.text) {
        flags.insert(Flag::Withdrawn);
    }
}

/// What a clause says.
struct Reading {
    /// Candidates that it makes.
    made: Vec<Candidate>,
    /// Whether it was about something, even if it only added to what is known.
    is_read: bool,
}

/// Reads a clause. `continues` says if one of the same sentence is in front of it.
fn read_clause(facts: &Facts<'_>, memory: &mut Memory, clause: Span, continues: bool) {
    let parties = find_parties(facts, memory, clause);
    let (agents, media) = find_agents(facts, memory, clause);
    let speech = find_speech(facts, clause, &agents, &media);
    let scene = Scene {
        facts,
        memory: &*memory,
        parties: &parties,
        agents: &agents,
        media: &media,
        speech: &speech,
        continues,
    };
    let made = find_events(scene, clause);
    let is_read = !made.is_empty();
    let mut reading = Reading { made, is_read };
    suspend(facts, memory, clause, &mut reading);
    if !reading.is_read {
        let scene = Scene {
            facts,
            memory: &*memory,
            parties: &parties,
            agents: &agents,
            media: &media,
            speech: &speech,
            continues,
        };
        reading.made = find_claims(scene, clause);
        reading.is_read = !reading.made.is_empty() || complete_quota(facts, memory, clause);
    }
    let actors = actors(&reading.made, &parties, &speech);
    let speaker = speaker(facts, memory, &speech, &actors);
    if reading.made.is_empty() && echo(facts, memory, clause, speaker.as_ref()) {
        return;
    }
    if !reading.is_read
        && let Some(speaker) = &speaker
        && !continue_statement(facts, memory, clause, speaker)
    {
        reading.made.push(statement(facts, clause, &speech, speaker));
    }
    for mut candidate in reading.made {
        add_speech(&mut candidate, speaker.as_ref(), &media, &speech);
        candidate.sentence = memory.sentence;
        actors_of(&candidate).iter().for_each(|actor| memory.remember_actor(actor));
        remember(memory, candidate);
    }
    let blocs =
        parties.iter().filter(|party| party.class == NameClass::Bloc && party.role == PartyRole::Subject);
    blocs.flat_map(|party| &party.codes).for_each(|code| memory.remember_bloc(code));
}

/// The candidates of what happens in a clause.
fn find_events(scene: Scene<'_>, clause: Span) -> Vec<Candidate> {
    let mut made: Vec<Candidate> = Vec::new();
    for happening in find_happenings(scene.facts, clause) {
        if let Some(candidate) = candidate_of(scene, &happening, made.last()) {
            made.push(candidate);
        }
    }
    made
}

/// Turns a deadline into the end of a suspension, and dates into the end of what is lifted.
fn suspend(facts: &Facts<'_>, memory: &mut Memory, clause: Span, reading: &mut Reading) {
    let until = facts.dates_in(clause).find(|date| date.when == Some(When::Until));
    for pattern in facts.rules.patterns("suspend") {
        if !pattern.regex.is_match(clause.of(facts.text)) {
            continue;
        }
        let is_restriction = |candidate: &&mut Candidate| candidate.kind.is_restriction();
        let own = reading.made.iter_mut().rfind(is_restriction);
        let is_own = own.is_some();
        let Some(restriction) = own.or_else(|| memory.candidates.iter_mut().rfind(is_restriction)) else {
            continue;
        };
        if pattern.value == "suspended" {
            let Some(date) = until else { continue };
            restriction.fields.retain(|field| field.name != FieldName::Until || field.span != date.span);
            let field = Field { rule: pattern.id, ..date_field(FieldName::SuspendedUntil, date) };
            restriction.add(field);
            reading.is_read |= !is_own;
        } else if is_own {
            end(restriction);
        }
    }
}

/// Marks a restriction as ended: its date is its last day.
fn end(restriction: &mut Candidate) {
    for field in &mut restriction.fields {
        if matches!(field.name, FieldName::Date | FieldName::From) {
            field.name = FieldName::Until;
        }
    }
    restriction.flags.insert(Flag::Ended);
}

/// Adds a limit that a sentence of its own states to the last quota, if that has none.
fn complete_quota(facts: &Facts<'_>, memory: &mut Memory, clause: Span) -> bool {
    let mass = facts.amounts_in(clause).find(|amount| amount.kind == "t");
    let quota = memory.candidates.iter_mut().rfind(|candidate| candidate.kind == Kind::Quota);
    let (Some(mass), Some(quota)) = (mass, quota) else { return false };
    if quota.has(FieldName::Amount) || !facts.rules.matches("up-to", clause.of(facts.text)) {
        return false;
    }
    let value = Value::Quantity(mass.quantity.clone());
    quota.add(Field { name: FieldName::Amount, value, span: mass.span, rule: mass.rule });
    true
}

/// Who acts in a clause: to whom an official without an economy belongs.
fn actors(made: &[Candidate], parties: &[Party], speech: &Speech) -> Vec<String> {
    let found: Vec<String> = made.iter().flat_map(actors_of).collect();
    if !found.is_empty() {
        return found;
    }
    let used = speech.speaker.as_ref().map_or(&[][..], |agent| agent.used.as_slice());
    let subjects = parties.iter().filter(|party| {
        party.role == PartyRole::Subject
            && party.class == NameClass::Economy
            && !used.contains(&party.mention)
    });
    subjects.flat_map(|party| party.codes.clone()).collect()
}

/// The actors of a candidate, in the order of the text.
fn actors_of(candidate: &Candidate) -> Vec<String> {
    let acting = candidate.fields.iter().filter(|field| field.name == FieldName::Actor);
    acting.map(|field| field.value.to_string()).collect()
}

/// A speaker with the value of the field.
struct Speaker<'a> {
    agent: &'a Agent,
    value: String,
}

/// The speaker of a clause, who is remembered for the next ones.
fn speaker<'a>(
    facts: &Facts<'_>,
    memory: &mut Memory,
    speech: &'a Speech,
    actors: &[String],
) -> Option<Speaker<'a>> {
    let agent = speech.speaker.as_ref()?;
    let value = speaker_value(facts, memory, agent, actors)?;
    if agent.kind == AgentKind::Role {
        memory.last_speaker = Some(value.clone());
        memory.speakers.insert(agent.value, value.clone());
    }
    Some(Speaker { agent, value })
}

/// A sentence that only says who announced what was said before adds its speaker to that.
fn echo(facts: &Facts<'_>, memory: &mut Memory, clause: Span, speaker: Option<&Speaker<'_>>) -> bool {
    let Some(speaker) = speaker else { return false };
    let Some(last) = memory.candidates.last_mut() else { return false };
    let Some(pattern) = facts.rules.first_match("echo", clause.of(facts.text)) else { return false };
    let home = last.values(FieldName::Actor).into_iter().next();
    let value = match home.filter(|_| speaker.agent.is_official() && !speaker.value.contains(':')) {
        Some(home) => format!("{}:{home}", speaker.value),
        None => speaker.value.clone(),
    };
    last.add_code(FieldName::Speaker, &value, speaker.agent.span(), pattern.id);
    true
}

/// What "he said" adds belongs to the statement of the sentence before.
fn continue_statement(facts: &Facts<'_>, memory: &mut Memory, clause: Span, speaker: &Speaker<'_>) -> bool {
    let sentence = memory.sentence;
    let Some(last) = memory.candidates.last_mut() else { return false };
    let is_same = last.kind == Kind::Statement
        && last.values(FieldName::Speaker).contains(&speaker.value)
        && last.sentence + 1 >= sentence
        && speaker.agent.kind == AgentKind::Pronoun;
    if is_same {
        last.span.end = clause.end;
        last.sentence = sentence;
        for name in facts.named(clause, NameClass::Material) {
            last.add_code(FieldName::Material, name.value, name.span, name.rule);
        }
    }
    is_same
}

/// The statement of a clause: what it is about, and the day beside the words of speech.
fn statement(facts: &Facts<'_>, clause: Span, speech: &Speech, speaker: &Speaker<'_>) -> Candidate {
    let mut statement = Candidate::new(Kind::Statement, clause, speech.rule);
    for name in facts.named(clause, NameClass::Material) {
        statement.add_code(FieldName::Material, name.value, name.span, name.rule);
    }
    let is_near = |date: Span| speech.spans.iter().any(|span| span.distance(date, facts.text) < 30);
    let mut dates = facts.dates_in(clause);
    if let Some(date) = dates.find(|date| date.when.is_none() && date.days.is_day() && is_near(date.span)) {
        statement.add(date_field(FieldName::Date, date));
    }
    statement.add_code(FieldName::Speaker, &speaker.value, speaker.agent.span(), speech.rule);
    statement
}

/// Adds who said it and who reported it.
fn add_speech(candidate: &mut Candidate, speaker: Option<&Speaker<'_>>, media: &[Medium], speech: &Speech) {
    if let Some(speaker) = speaker {
        candidate.add_code(FieldName::Speaker, &speaker.value, speaker.agent.span(), speech.rule);
    }
    let named = media.iter().find(|medium| medium.value != "media").or_else(|| media.first());
    if let Some(medium) = named.filter(|_| !speech.spans.is_empty()) {
        let value = match &medium.affiliation {
            Some(home) => format!("{}:{home}", medium.value),
            None => medium.value.to_owned(),
        };
        candidate.add_code(FieldName::Reporter, &value, medium.span, NameClass::Media.rule());
    }
}

/// Remembers a candidate: as part of one about the same event, if there is one.
fn remember(memory: &mut Memory, candidate: Candidate) {
    let last = memory.candidates.len().saturating_sub(1);
    let mut known = memory.candidates.iter_mut().enumerate().rev();
    match known.find(|(index, known)| is_same_event(known, &candidate, *index == last)) {
        Some((_, known)) => {
            known.flags.extend(candidate.flags);
            candidate.fields.into_iter().for_each(|field| known.add(field));
        }
        None => memory.candidates.push(candidate),
    }
}

/// Whether two candidates of a text are about one event: nothing that both say differs. One that names
/// nobody and nothing belongs to the last candidate.
fn is_same_event(known: &Candidate, new: &Candidate, is_last: bool) -> bool {
    if known.kind != new.kind || matches!(new.kind, Kind::Statement | Kind::Claim) {
        return false;
    }
    let values = |name: FieldName| (known.values(name), new.values(name));
    let is_within = |name: FieldName| {
        let (one, other) = values(name);
        one.is_empty() || other.is_empty() || one.is_subset(&other) || other.is_subset(&one)
    };
    let agrees = |name: FieldName| {
        let (one, other) = values(name);
        one.is_empty() || other.is_empty() || one == other
    };
    let (known_actors, new_actors) = values(FieldName::Actor);
    let (known_materials, new_materials) = values(FieldName::Material);
    let is_bare = new_actors.is_empty() && new_materials.is_empty() && !new.has(FieldName::Target);
    let names_something =
        !known_materials.is_empty() || !new_materials.is_empty() || known_actors == new_actors;
    let is_like = is_within(FieldName::Actor) && is_within(FieldName::Material) && names_something;
    (if is_bare { is_last } else { is_like })
        && is_within(FieldName::Target)
        && [FieldName::Date, FieldName::From, FieldName::Amount].into_iter().all(agrees)
}

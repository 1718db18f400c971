//! Who says it: the speaker of a clause, by verbs of speech ("said"), by attributions ("according to") and
//! by what a report cites ("citing").
//!
//! The speaker said it, the reporter printed that: a medium is a reporter, never a speaker.

use crate::agents::{Agent, AgentKind, Medium};
use crate::facts::{Facts, Memory};
use crate::language::Language;
use crate::span::{Span, chars_between, slice, text_before};

/// Characters from a verb or preposition to the speaker behind it.
const REACH_BEHIND: usize = 40;
/// Characters from the speaker to the verb behind, where words are separated by blanks.
const REACH_IN_FRONT: usize = 60;
/// The same in Japanese, where the verb ends the sentence.
const REACH_TO_LAST_VERB: usize = 400;

/// The speaker of a clause.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    pub(crate) speaker: Option<Agent>,
    /// Identifier of the rule that found the speaker.
    pub(crate) rule: &'static str,
    /// The words of speech.
    pub(crate) spans: Vec<Span>,
}

/// What speakers are looked for in.
#[derive(Clone, Copy)]
struct Clause<'a> {
    facts: &'a Facts<'a>,
    span: Span,
    agents: &'a [Agent],
    media: &'a [Medium],
}

/// Finds the speaker of a clause.
pub(crate) fn find_speech(facts: &Facts<'_>, span: Span, agents: &[Agent], media: &[Medium]) -> Speech {
    let clause = Clause { facts, span, agents, media };
    let mut spans = Vec::new();
    let mut found = clause.cited(&mut spans);
    if found.is_none() {
        found = clause.attributed(&mut spans);
    }
    let said = clause.said(&mut spans);
    let (speaker, rule) = found.or(said).map_or((None, ""), |(agent, rule)| (Some(agent), rule));
    Speech { speaker: speaker.map(|agent| clause.antecedent(agent)), rule, spans }
}

type Found = Option<(Agent, &'static str)>;

impl Clause<'_> {
    fn text(&self) -> &str {
        self.facts.text
    }

    /// The first match of each pattern of a class, with its rule.
    fn first_matches(&self, class: &str) -> Vec<(Span, &'static str)> {
        let content = self.span.of(self.text());
        let patterns = self.facts.rules.patterns(class).iter();
        let found = patterns.filter_map(|pattern| Some((pattern.regex.find(content)?, pattern.id)));
        found.map(|(found, rule)| (self.place(found.start(), found.end()), rule)).collect()
    }

    /// A place in the text, of one in the clause.
    fn place(&self, start: usize, end: usize) -> Span {
        Span::new(self.span.start + start, self.span.start + end)
    }

    /// The first agent behind a position, within reach.
    fn agent_behind(&self, position: usize, reach: usize) -> Option<&Agent> {
        let behind = self.agents.iter().find(|agent| agent.phrase.start + 1 >= position)?;
        (chars_between(self.text(), position, behind.phrase.start) < reach).then_some(behind)
    }

    fn medium_behind(&self, position: usize) -> bool {
        let near = |medium: &Medium| {
            medium.span.start + 1 >= position
                && chars_between(self.text(), position, medium.span.start) < REACH_BEHIND
        };
        self.media.iter().any(near)
    }

    /// Whom the clause cites.
    fn cited(&self, spans: &mut Vec<Span>) -> Found {
        let mut found = None;
        for (place, rule) in self.first_matches("cite") {
            if let Some(agent) = self.agent_behind(place.end, REACH_BEHIND) {
                spans.push(Span::new(place.start, agent.phrase.end));
                found = Some((agent.clone(), rule));
            }
        }
        found
    }

    /// By whose account it is so.
    fn attributed(&self, spans: &mut Vec<Span>) -> Found {
        let mut found = None;
        for (place, rule) in self.first_matches("attrib") {
            if let Some(agent) = self.agent_behind(place.end, REACH_BEHIND) {
                spans.push(Span::new(place.start, agent.phrase.end));
                found = Some((agent.clone(), rule));
            } else if self.medium_behind(place.end) {
                spans.push(place);
            }
        }
        if found.is_some() {
            return found;
        }
        let reach = if self.facts.language == Language::Japanese { 2 } else { 12 };
        for (place, rule) in self.first_matches("attrib-after") {
            let in_front = self.agents.iter().rfind(|agent| {
                agent.phrase.end <= place.start
                    && chars_between(self.text(), agent.phrase.end, place.start) <= reach
            });
            if let Some(agent) = in_front {
                spans.push(Span::new(agent.phrase.start, place.end));
                found = Some((agent.clone(), rule));
            }
        }
        found
    }

    /// The speaker of the first verb of speech that has one.
    fn said(&self, spans: &mut Vec<Span>) -> Found {
        let content = self.span.of(self.text());
        let mut speaker = None;
        for pattern in self.facts.rules.patterns("say") {
            for found in pattern.regex.find_iter(content) {
                let verb = self.place(found.start(), found.end());
                spans.push(verb);
                if speaker.is_none() {
                    speaker = self.speaker_of(verb).map(|agent| (agent.clone(), pattern.id));
                }
            }
        }
        speaker
    }

    fn speaker_of(&self, verb: Span) -> Option<&Agent> {
        let language = self.facts.language;
        let inverted = self.is_inverted(verb);
        if self.medium_says(verb, inverted) {
            return None;
        }
        let in_front: Vec<&Agent> =
            self.agents.iter().filter(|agent| agent.phrase.end <= verb.start).collect();
        let behind = self.agents.iter().find(|agent| agent.phrase.start >= verb.end);
        let near = |reach: usize| {
            behind.filter(|agent| chars_between(self.text(), verb.end, agent.phrase.start) < reach)
        };
        let usual = match (inverted, in_front.last()) {
            (true, _) if near(REACH_BEHIND).is_some() => near(REACH_BEHIND),
            (false, Some(last)) if language == Language::Japanese => self.topic(&in_front, last, verb),
            (false, Some(last)) => self.subject(last, verb),
            _ if language == Language::French => near(REACH_BEHIND),
            _ => None,
        };
        let may_follow = !inverted && in_front.is_empty() && language != Language::Chinese;
        usual.or_else(|| near(30).filter(|_| may_follow))
    }

    /// Whether the speaker comes behind the verb: `"...", said the minister`.
    fn is_inverted(&self, verb: Span) -> bool {
        if self.facts.language.is_unspaced() {
            return false;
        }
        let before = slice(self.text(), self.span.start, verb.start).trim_end_matches(' ');
        if !(before.is_empty() || before.ends_with([',', '"'])) {
            return false;
        }
        let behind = self.agents.iter().find(|agent| agent.phrase.start >= verb.end);
        let far = behind.is_some_and(|agent| chars_between(self.text(), verb.end, agent.head.start) > 25);
        !(far && self.facts.language == Language::English)
    }

    /// Whether a medium is the subject of the verb.
    fn medium_says(&self, verb: Span, inverted: bool) -> bool {
        let reach = if self.facts.language == Language::Japanese { 4 } else { 6 };
        let near = |medium: &&Medium| {
            medium.span.end <= verb.start && chars_between(self.text(), medium.span.end, verb.start) < reach
        };
        let is_told = |medium: &Medium| {
            let before = text_before(self.text(), self.span.start, medium.span.start, 2);
            self.facts.rules.matches("told-before", before)
        };
        let says = self.media.iter().filter(near).any(|medium| !is_told(medium));
        says && (self.facts.language == Language::Japanese || !inverted)
    }

    /// The agent in front of a verb, unless something stands between them.
    fn subject<'s>(&self, last: &&'s Agent, verb: Span) -> Option<&'s Agent> {
        let gap = slice(self.text(), last.phrase.end, verb.start);
        let quoted = self.facts.language == Language::English && gap.contains('"');
        let far = gap.chars().count() > REACH_IN_FRONT;
        (!quoted && !far).then_some(*last)
    }

    /// The first agent that Japanese marks as topic or subject.
    fn topic<'s>(&self, in_front: &[&'s Agent], last: &&'s Agent, verb: Span) -> Option<&'s Agent> {
        let is_marked = |agent: &Agent| {
            let rest = slice(self.text(), agent.phrase.end, self.span.end);
            rest.starts_with(['は', 'が'])
        };
        let first = in_front.iter().copied().find(|agent| is_marked(agent));
        let near = chars_between(self.text(), last.phrase.end, verb.start) <= REACH_TO_LAST_VERB;
        first.or_else(|| Some(*last).filter(|agent| near && is_marked(agent)))
    }

    /// Whom a pronoun means, if the clause says it.
    fn antecedent(&self, agent: Agent) -> Agent {
        if agent.kind != AgentKind::Pronoun {
            return agent;
        }
        let in_front = self
            .agents
            .iter()
            .rfind(|other| other.kind == AgentKind::Role && other.head.end <= agent.head.start);
        in_front.cloned().unwrap_or(agent)
    }
}

/// Who speaks, as a value: the role with where the speaker belongs, or the organisation. `actors` are those
/// of the clause: an official without an economy belongs to the first of them.
pub(crate) fn speaker_value(
    facts: &Facts<'_>,
    memory: &Memory,
    agent: &Agent,
    actors: &[String],
) -> Option<String> {
    match agent.kind {
        AgentKind::Pronoun => memory.last_speaker.clone(),
        AgentKind::Organisation => Some(agent.value.to_owned()),
        AgentKind::Role => {
            let before = text_before(facts.text, 0, agent.head.start, 6);
            let known =
                memory.speakers.get(agent.value).filter(|_| facts.rules.matches("definite-before", before));
            if let Some(known) = known.filter(|_| agent.affiliation.is_none()) {
                return Some(known.clone());
            }
            let inferred = || actors.first().filter(|_| agent.is_official()).cloned();
            Some(with_home(agent.value, agent.affiliation.clone().or_else(inferred)))
        }
    }
}

/// A role with where the speaker belongs, such as `official:USA`.
fn with_home(role: &str, home: Option<String>) -> String {
    let role = if role == "secretary" { "minister" } else { role };
    match home {
        Some(home) => format!("{role}:{home}"),
        None => role.to_owned(),
    }
}

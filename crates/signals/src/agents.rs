//! Who may speak in a clause: roles with the economy that they belong to, organisations and pronouns; and
//! the media that report.

use crate::facts::{Facts, Memory, home};
use crate::name_class::NameClass;
use crate::names::Mention;
use crate::span::{Span, slice};

/// What kind of speaker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentKind {
    /// A person or office without a name, such as an official.
    Role,
    /// An organisation or bloc.
    Organisation,
    /// A word for the last speaker.
    Pronoun,
}

/// Somebody who may speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) kind: AgentKind,
    /// The role, or the code of the organisation.
    pub(crate) value: &'static str,
    /// The word for the role, or the name.
    pub(crate) head: Span,
    /// The head with what belongs to it.
    pub(crate) phrase: Span,
    /// Code of the economy or bloc that the speaker belongs to.
    pub(crate) affiliation: Option<String>,
    /// The same where nothing else is said.
    default: Option<&'static str>,
    /// Numbers of the names that say where the speaker belongs, and of the organisation itself.
    pub(crate) used: Vec<usize>,
}

impl Agent {
    fn new(kind: AgentKind, value: &'static str, span: Span) -> Self {
        Self { kind, value, head: span, phrase: span, affiliation: None, default: None, used: Vec::new() }
    }

    /// Whether the speaker speaks for a government.
    pub(crate) fn is_official(&self) -> bool {
        self.kind == AgentKind::Role
            && matches!(
                self.value,
                "official"
                    | "spokesperson"
                    | "minister"
                    | "ministry"
                    | "government"
                    | "regulator"
                    | "president"
                    | "diplomat"
                    | "secretary"
            )
    }

    /// The characters that name the speaker.
    pub(crate) fn span(&self) -> Span {
        Span::new(self.phrase.start.min(self.head.start), self.head.end)
    }
}

/// A medium that reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Medium {
    /// Code of the medium; `media` for one without a name.
    pub(crate) value: &'static str,
    pub(crate) span: Span,
    pub(crate) affiliation: Option<String>,
    /// Numbers of the names that say where it belongs.
    pub(crate) used: Vec<usize>,
}

/// The possible speakers and the media of a clause, each in its order.
pub(crate) fn find_agents(facts: &Facts<'_>, memory: &Memory, clause: Span) -> (Vec<Agent>, Vec<Medium>) {
    let mut agents: Vec<Agent> = Vec::new();
    let mut media = Vec::new();
    for (index, mention) in facts.mentions_in(clause) {
        match mention.class {
            NameClass::Role => add_role(facts, &mut agents, mention),
            NameClass::Organisation | NameClass::Bloc => add_organisation(facts, &mut agents, index, mention),
            NameClass::Pronoun => agents.push(Agent::new(AgentKind::Pronoun, "", mention.span)),
            NameClass::Media => media.push(Medium {
                value: mention.value,
                span: mention.span,
                affiliation: None,
                used: Vec::new(),
            }),
            _ => {}
        }
    }
    for agent in agents.iter_mut().filter(|agent| agent.kind == AgentKind::Role) {
        affiliate(facts, memory, clause, agent);
    }
    for medium in media.iter_mut().filter(|medium| medium.value == "media") {
        affiliate_medium(facts, memory, clause, medium);
    }
    (agents, media)
}

/// Adds a role. Two roles in a row are one speaker: of `ministry spokesperson` the last one speaks, of
/// `spokesperson of the ministry` the first.
fn add_role(facts: &Facts<'_>, agents: &mut Vec<Agent>, mention: &Mention) {
    let (role, default) = match mention.value.split_once(':') {
        Some((role, home)) => (role, Some(home)),
        None => (mention.value, None),
    };
    let mut agent = Agent { default, ..Agent::new(AgentKind::Role, role, mention.span) };
    if let Some(before) = agents.last_mut().filter(|before| before.kind == AgentKind::Role) {
        let gap = slice(facts.text, before.phrase.end, mention.span.start);
        if facts.rules.matches("role-compound", gap) {
            agent.affiliation = before.affiliation.take();
            agent.default = agent.default.or(before.default);
            agent.used = std::mem::take(&mut before.used);
            agent.phrase.start = before.phrase.start;
            *before = agent;
            return;
        }
        if facts.rules.matches("role-chain", gap) {
            before.phrase.end = mention.span.end;
            before.default = before.default.or(agent.default);
            return;
        }
    }
    agents.push(agent);
}

fn add_organisation(facts: &Facts<'_>, agents: &mut Vec<Agent>, index: usize, mention: &Mention) {
    if let Some(before) = agents.last_mut().filter(|before| before.kind == AgentKind::Role) {
        let gap = slice(facts.text, before.phrase.end, mention.span.start);
        if facts.rules.matches("organisation-chain", gap) {
            before.affiliation.get_or_insert_with(|| home(mention.value).to_owned());
            before.phrase.end = mention.span.end;
            before.used.push(index);
            return;
        }
    }
    let mut agent = Agent::new(AgentKind::Organisation, mention.value, mention.span);
    agent.used.push(index);
    agents.push(agent);
}

/// Whether a name may say where a speaker belongs.
fn may_affiliate(mention: &Mention) -> bool {
    matches!(
        mention.class,
        NameClass::Economy
            | NameClass::Bloc
            | NameClass::Demonym
            | NameClass::Capital
            | NameClass::CountryAnaphor
    )
}

/// Finds where a speaker belongs: by a name in the phrase, in front of it or behind it.
fn affiliate(facts: &Facts<'_>, memory: &Memory, clause: Span, agent: &mut Agent) {
    for (index, mention) in facts.mentions_in(clause).filter(|(_, mention)| may_affiliate(mention)) {
        if agent.affiliation.is_some() {
            break;
        }
        if agent.phrase.contains(mention.span) {
            // A name in the phrase needs no preposition.
        } else if is_in_front(facts, mention.span, agent.phrase) {
            if mention.class != NameClass::Bloc {
                agent.phrase.start = mention.span.start;
            }
        } else if is_behind(facts, agent, mention) {
            agent.phrase.end = mention.span.end;
        } else {
            continue;
        }
        agent.affiliation = memory.codes(facts, clause, mention).into_iter().next();
        agent.used.push(index);
    }
    if agent.affiliation.is_none() {
        agent.affiliation = agent.default.map(str::to_owned);
    }
}

fn affiliate_medium(facts: &Facts<'_>, memory: &Memory, clause: Span, medium: &mut Medium) {
    let mut names = facts.mentions_in(clause).filter(|(_, mention)| may_affiliate(mention));
    if let Some((index, mention)) = names.find(|(_, mention)| is_in_front(facts, mention.span, medium.span)) {
        medium.affiliation = memory.codes(facts, clause, mention).into_iter().next();
        medium.used.push(index);
    }
}

fn is_in_front(facts: &Facts<'_>, name: Span, phrase: Span) -> bool {
    let gap = slice(facts.text, name.end, phrase.start);
    name.end <= phrase.start
        && facts.rules.matches("affiliation-before", gap)
        && !facts.rules.matches("affiliation-before-not", gap)
}

fn is_behind(facts: &Facts<'_>, agent: &Agent, mention: &Mention) -> bool {
    if mention.span.start < agent.phrase.end {
        return false;
    }
    let gap = slice(facts.text, agent.phrase.end, mention.span.start);
    match facts.rules.first_match("affiliation-after", gap).map(|found| found.value) {
        Some("government") => agent.is_official(),
        Some("demonym") => mention.class == NameClass::Demonym,
        Some(_) => true,
        None => false,
    }
}

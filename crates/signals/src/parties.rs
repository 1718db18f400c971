//! Who acts and who is acted upon: the role of each party in a clause, by the words beside its name.

use crate::facts::{Facts, Memory};
use crate::language::Language;
use crate::name_class::NameClass;
use crate::span::{Span, slice, text_after, text_before};

/// Characters in front of a name that may say its role.
const REACH_BEFORE: usize = 40;
/// Characters behind a name that may say its role.
const REACH_AFTER: usize = 8;

/// What a party is in its clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartyRole {
    /// Nothing is said: it acts if it comes before what happens.
    Subject,
    /// It acts, as in "by China".
    Actor,
    /// It is acted upon, as in "exports to China".
    Target,
    /// Something comes from it.
    Source,
    /// It is where something happens.
    Place,
}

/// A party of a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    /// Number of the name.
    pub(crate) mention: usize,
    pub(crate) span: Span,
    pub(crate) class: NameClass,
    pub(crate) role: PartyRole,
    /// Identifier of the rule that found the name.
    pub(crate) name_rule: &'static str,
    /// Identifier of the rule that says the role.
    pub(crate) role_rule: &'static str,
    /// Codes of economies, blocs or organisations. Empty if nobody is meant.
    pub(crate) codes: Vec<String>,
}

/// The parties of a clause, in its order.
pub(crate) fn find_parties(facts: &Facts<'_>, memory: &Memory, clause: Span) -> Vec<Party> {
    let mut found: Vec<Party> = Vec::new();
    for (mention, name) in facts.mentions_in(clause).filter(|(_, name)| name.class.is_party()) {
        let stated = stated_role(facts, clause, name.span);
        let (role, role_rule) = stated
            .or_else(|| joined_role(facts, found.last(), name.span.start))
            .unwrap_or((PartyRole::Subject, "role.subject"));
        found.push(Party {
            mention,
            span: name.span,
            class: name.class,
            role,
            name_rule: name.rule,
            role_rule,
            codes: memory.codes(facts, clause, name),
        });
    }
    if facts.language == Language::Japanese {
        share_last_role(facts, &mut found);
    }
    found
}

fn stated_role(facts: &Facts<'_>, clause: Span, name: Span) -> Option<(PartyRole, &'static str)> {
    let before = text_before(facts.text, clause.start, name.start, REACH_BEFORE);
    let after = text_after(facts.text, name.end, clause.end, REACH_AFTER);
    let found = facts
        .rules
        .first_match("party-before", before)
        .or_else(|| facts.rules.first_match("party-after", after))?;
    let role = match found.value {
        "actor" => PartyRole::Actor,
        "target" => PartyRole::Target,
        "source" => PartyRole::Source,
        _ => PartyRole::Place,
    };
    Some((role, found.id))
}

/// The role of the party in front, if a list joins both.
fn joined_role(
    facts: &Facts<'_>,
    previous: Option<&Party>,
    start: usize,
) -> Option<(PartyRole, &'static str)> {
    let previous = previous?;
    is_joined(facts, previous.span.end, start).then_some((previous.role, "list.join"))
}

fn is_joined(facts: &Facts<'_>, end: usize, start: usize) -> bool {
    facts.rules.matches("party-join", slice(facts.text, end, start))
}

/// In Japanese the last of a list carries the role of all.
fn share_last_role(facts: &Facts<'_>, parties: &mut [Party]) {
    let mut next: Option<(PartyRole, &'static str, usize)> = None;
    for party in parties.iter_mut().rev() {
        if let Some((role, rule, start)) = next
            && party.role == PartyRole::Subject
            && !matches!(role, PartyRole::Subject | PartyRole::Actor)
            && is_joined(facts, party.span.end, start)
        {
            (party.role, party.role_rule) = (role, rule);
        }
        next = Some((party.role, party.role_rule, party.span.start));
    }
}

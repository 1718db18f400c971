//! What happens in a clause: the words that name it, and the part of the clause that belongs to each.

use crate::facts::Facts;
use crate::name_class::NameClass;
use crate::span::{Span, slice, text_after, text_before};
use crate::value::Kind;

/// Characters in front of a word that may negate or weaken it.
const REACH_BEFORE: usize = 40;
/// Characters behind a word that may negate or weaken it.
const REACH_AFTER: usize = 20;

/// Something that happens, with its part of the clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) kind: Kind,
    /// The words that name it.
    pub(crate) words: Span,
    /// The part of the clause about it.
    pub(crate) part: Span,
    /// Whether it is considered or demanded only.
    pub(crate) possible: bool,
    pub(crate) rule: &'static str,
}

/// Finds what happens in a clause, in its order.
pub(crate) fn find_happenings(facts: &Facts<'_>, clause: Span) -> Vec<Happening> {
    let strong = without_overlaps(matches(facts, clause, "trigger"));
    let found = if strong.is_empty() { matches(facts, clause, "trigger-weak") } else { strong };
    separated(facts, clause, found)
}

fn matches(facts: &Facts<'_>, clause: Span, class: &str) -> Vec<Happening> {
    let content = clause.of(facts.text);
    let mut found = Vec::new();
    for pattern in facts.rules.patterns(class) {
        let Some(kind) = Kind::parse(pattern.value) else { continue };
        for hit in pattern.regex.find_iter(content) {
            let words = Span::new(clause.start + hit.start(), clause.start + hit.end());
            let is_said = !is_part_of_name(facts, clause, words)
                && !is_negated(facts, clause, words)
                && !(kind == Kind::Investment && is_empty_investment(facts, clause, words))
                && !(class == "trigger-weak" && is_background(facts, clause, words));
            if is_said {
                let possible = is_possible(facts, clause, words);
                found.push(Happening { kind, words, part: clause, possible, rule: pattern.id });
            }
        }
    }
    found
}

/// Whether words belong to a name, or to a phrase in which they mean something else.
fn is_part_of_name(facts: &Facts<'_>, clause: Span, words: Span) -> bool {
    let is_name =
        |class: NameClass| matches!(class, NameClass::Media | NameClass::Organisation | NameClass::Bloc);
    let mut names = facts.mentions_in(clause).filter(|(_, mention)| is_name(mention.class));
    facts.is_blocked(words) || names.any(|(_, mention)| mention.span.overlaps(words))
}

/// Whether an investment is a mere noun: it has no amount.
fn is_empty_investment(facts: &Facts<'_>, clause: Span, words: Span) -> bool {
    let counts = |kind: &str| matches!(kind, "money" | "investments" | "projects");
    !facts.amounts_in(clause).any(|amount| counts(amount.kind))
        && !facts.language.is_unspaced()
        && !facts.rules.matches("verb-of-investment", words.of(facts.text))
}

/// Whether words only say when something else happened, as in "after talks".
fn is_background(facts: &Facts<'_>, clause: Span, words: Span) -> bool {
    let before = text_before(facts.text, clause.start, words.start, REACH_BEFORE);
    facts.rules.matches("not-before-weak", before)
}

fn is_negated(facts: &Facts<'_>, clause: Span, words: Span) -> bool {
    facts.rules.matches("not-before", text_before(facts.text, clause.start, words.start, REACH_BEFORE))
        || facts.rules.matches("not-after", text_after(facts.text, words.end, clause.end, REACH_AFTER))
}

fn is_possible(facts: &Facts<'_>, clause: Span, words: Span) -> bool {
    facts.rules.matches("possible-before", text_before(facts.text, clause.start, words.start, REACH_BEFORE))
        || facts.rules.matches("possible-after", text_after(facts.text, words.end, clause.end, REACH_AFTER))
}

/// The first of those that overlap; of two that begin together, the longer one.
fn without_overlaps(mut found: Vec<Happening>) -> Vec<Happening> {
    found.sort_by_key(|happening| (happening.words.start, std::cmp::Reverse(happening.words.end)));
    let mut kept: Vec<Happening> = Vec::new();
    for happening in found {
        if kept.last().is_none_or(|last| happening.words.start >= last.words.end) {
            kept.push(happening);
        }
    }
    kept
}

/// Puts words of the same kind together, and divides the clause among the rest: at the last conjunction
/// between two. Where there is none, the first counts, but anything before a meeting.
fn separated(facts: &Facts<'_>, clause: Span, found: Vec<Happening>) -> Vec<Happening> {
    let mut kept: Vec<Happening> = Vec::new();
    for mut happening in without_overlaps(found) {
        let Some(last) = kept.last_mut() else {
            kept.push(happening);
            continue;
        };
        if last.kind == happening.kind {
            last.words.end = happening.words.end;
        } else if let Some(cut) = last_conjunction(facts, last.words.end, happening.words.start) {
            last.part.end = cut;
            happening.part = Span::new(cut, clause.end);
            kept.push(happening);
        } else if last.kind == Kind::Meeting {
            happening.part = last.part;
            *last = happening;
        }
    }
    kept
}

fn last_conjunction(facts: &Facts<'_>, start: usize, end: usize) -> Option<usize> {
    let between = slice(facts.text, start, end);
    let pattern = facts.rules.patterns("conjunction").first()?;
    pattern.regex.find_iter(between).last().map(|found| start + found.start())
}

//! Finds names in a text: economies, blocs, organisations, media, roles of speakers, materials and products.
//!
//! The longest name at a place counts, where it begins and ends a word. A name of several economies
//! (`Congo`, `Georgia`) is resolved by other words of the text that leave no doubt; otherwise it names
//! nothing and is reported.

use std::collections::{BTreeMap, BTreeSet};

use crate::name_class::NameClass;
use crate::rules::{Name, Rules};
use crate::span::{Span, is_word, slice};
use crate::value::Flag;

/// A name in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) span: Span,
    pub(crate) class: NameClass,
    pub(crate) value: &'static str,
    /// Identifier of the rule that found it.
    pub(crate) rule: &'static str,
}

/// The economies that an ambiguous name may mean. The second one of `GEO` is a state of it.
const AMBIGUOUS: [(&str, [&str; 2]); 3] =
    [("CONGO", ["COD", "COG"]), ("GEO", ["GEO", "USA"]), ("KOREA", ["KOR", "PRK"])];

/// Finds all names of a text, in its order.
pub(crate) fn find_names(text: &str, rules: &Rules) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut next = 0;
    let mut previous = ' ';
    for (position, letter) in text.char_indices() {
        let begins_word = !(is_word(letter) && is_word(previous));
        previous = letter;
        if position < next || !begins_word {
            continue;
        }
        if let Some((name, end)) = name_at(text, position, letter, rules) {
            next = end;
            let span = Span::new(position, end);
            found.push(Mention { span, class: name.class, value: name.value, rule: name.class.rule() });
        }
    }
    found
}

fn name_at<'r>(text: &str, position: usize, first: char, rules: &'r Rules) -> Option<(&'r Name, usize)> {
    let rest = slice(text, position, text.len());
    let fits = |name: &&Name| {
        let Some(behind) = rest.strip_prefix(name.surface.as_str()) else { return false };
        let last_is_word = name.surface.chars().next_back().is_some_and(is_word);
        let goes_on = last_is_word && behind.chars().next().is_some_and(is_word);
        !goes_on
            || (name.class.has_genitive() && rules.matches("name-genitive", behind))
            || (name.may_go_on && rules.matches("name-ending", behind))
    };
    let name = rules.names(first).iter().find(fits)?;
    Some((name, position + name.surface.len()))
}

/// Resolves ambiguous names, and leaves out what is no name. Reports names that remain ambiguous.
pub(crate) fn resolve_names(found: Vec<Mention>, text: &str, flags: &mut BTreeSet<Flag>) -> Vec<Mention> {
    let evidence = collect_evidence(&found);
    let mut resolved = Vec::new();
    for mention in found {
        match mention.class {
            NameClass::Nothing | NameClass::Evidence => {}
            NameClass::Ambiguous => match single(evidence.get(mention.value)) {
                // A state of the United States does not act for them.
                Some("USA") => {}
                Some(value) => {
                    let class = NameClass::Economy;
                    resolved.push(Mention { class, value, rule: "name.resolved", ..mention });
                }
                None => {
                    flags.insert(Flag::AmbiguousName(mention.span.of(text).to_owned()));
                }
            },
            _ => resolved.push(mention),
        }
    }
    resolved
}

fn single(values: Option<&BTreeSet<&'static str>>) -> Option<&'static str> {
    let values = values.filter(|values| values.len() == 1)?;
    values.first().copied()
}

/// What the other names of a text say of each ambiguous one.
fn collect_evidence(found: &[Mention]) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut evidence: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
    for mention in found {
        match mention.class {
            NameClass::Evidence => {
                if let Some((name, value)) = mention.value.split_once('=') {
                    evidence.entry(name).or_default().insert(value);
                }
            }
            NameClass::Economy | NameClass::Capital | NameClass::Demonym => {
                for code in mention.value.split(',') {
                    let meant = AMBIGUOUS.iter().filter(|(_, codes)| codes.contains(&code));
                    meant.filter(|_| code != "USA").for_each(|(name, _)| {
                        evidence.entry(name).or_default().insert(code);
                    });
                }
            }
            _ => {}
        }
    }
    evidence
}

//! What is found in a text before rules put it together, and what is remembered from one clause to the next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use orewatch_catalog::{bloc, economy};

use crate::amounts::{FoundAmount, find_amounts};
use crate::dates::{FoundDate, find_dates};
use crate::language::Language;
use crate::name_class::NameClass;
use crate::names::{Mention, find_names, resolve_names};
use crate::rules::Rules;
use crate::span::Span;
use crate::value::{Candidate, Flag};

/// Paragraphs after which "the country" no longer means the last economy.
const COUNTRY_REACH: usize = 1;
/// Paragraphs after which "the bloc" no longer means the last bloc.
const BLOC_REACH: usize = 2;

/// The names, dates and amounts of a text.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) text: &'a str,
    pub(crate) language: Language,
    pub(crate) rules: &'static Rules,
    pub(crate) mentions: Vec<Mention>,
    /// Phrases in which nothing is what it seems.
    blocked: Vec<Span>,
    pub(crate) dates: Vec<FoundDate>,
    pub(crate) amounts: Vec<FoundAmount>,
}

impl<'a> Facts<'a> {
    /// Reads a text. Ambiguous names go to `flags`.
    pub(crate) fn read(
        text: &'a str,
        language: Language,
        published: Option<Date>,
        flags: &mut BTreeSet<Flag>,
    ) -> Self {
        let rules = Rules::of(language);
        let names = find_names(text, rules);
        let blocked =
            names.iter().filter(|name| name.class == NameClass::Nothing).map(|name| name.span).collect();
        Self {
            text,
            language,
            rules,
            mentions: resolve_names(names, text, flags),
            blocked,
            dates: find_dates(text, rules, published),
            amounts: find_amounts(text, language),
        }
    }

    /// The names in a part of the text, each with its number.
    pub(crate) fn mentions_in(&self, part: Span) -> impl Iterator<Item = (usize, &Mention)> {
        let first = self.mentions.partition_point(|mention| mention.span.start < part.start);
        let behind = self.mentions.iter().enumerate().skip(first);
        behind.take_while(move |(_, mention)| mention.span.end <= part.end)
    }

    /// Whether a part of the text is, in part, one of the phrases in which nothing is what it seems.
    pub(crate) fn is_blocked(&self, part: Span) -> bool {
        let first = self.blocked.partition_point(|span| span.end <= part.start);
        self.blocked.get(first).is_some_and(|span| span.overlaps(part))
    }

    /// The names of a class in a part of the text.
    pub(crate) fn named(&self, part: Span, class: NameClass) -> impl Iterator<Item = &Mention> {
        self.mentions_in(part).map(|(_, mention)| mention).filter(move |mention| mention.class == class)
    }

    /// The dates in a part of the text.
    pub(crate) fn dates_in(&self, part: Span) -> impl Iterator<Item = &FoundDate> {
        let first = self.dates.partition_point(|date| date.span.start < part.start);
        self.dates.iter().skip(first).take_while(move |date| date.span.end <= part.end)
    }

    /// The amounts in a part of the text.
    pub(crate) fn amounts_in(&self, part: Span) -> impl Iterator<Item = &FoundAmount> {
        let first = self.amounts.partition_point(|amount| amount.span.start < part.start);
        self.amounts.iter().skip(first).take_while(move |amount| amount.span.end <= part.end)
    }
}

/// What later clauses may refer to.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) candidates: Vec<Candidate>,
    /// The last person who spoke.
    pub(crate) last_speaker: Option<String>,
    /// The last speaker of each role.
    pub(crate) speakers: BTreeMap<&'static str, String>,
    /// Number of the sentence.
    pub(crate) sentence: usize,
    /// Number of the paragraph.
    pub(crate) paragraph: usize,
    last_economy: Option<(String, usize)>,
    last_bloc: Option<(String, usize)>,
}

impl Memory {
    /// Remembers who acted: "the country" or "the bloc" of the next sentences.
    pub(crate) fn remember_actor(&mut self, code: &str) {
        if economy(code).is_some() {
            self.last_economy = Some((code.to_owned(), self.paragraph));
        } else if bloc(code).is_ok() {
            self.remember_bloc(code);
        }
    }

    /// Remembers a bloc that was named.
    pub(crate) fn remember_bloc(&mut self, code: &str) {
        self.last_bloc = Some((code.to_owned(), self.paragraph));
    }

    /// The codes that a name of a clause stands for: "the country" is the last economy of the clause in
    /// front of it, or of the sentences before. Empty if it stands for nobody.
    pub(crate) fn codes(&self, facts: &Facts<'_>, clause: Span, mention: &Mention) -> Vec<String> {
        let in_front = Span::new(clause.start, mention.span.start);
        let named = facts.named(in_front, NameClass::Economy).last();
        if let Some(named) = named.filter(|_| mention.class == NameClass::CountryAnaphor) {
            return named.value.split(',').take(1).map(str::to_owned).collect();
        }
        let recent = |last: &Option<(String, usize)>, reach: usize| -> Vec<String> {
            let last =
                last.as_ref().filter(|(_, paragraph)| self.paragraph.saturating_sub(*paragraph) <= reach);
            last.map(|(code, _)| code.clone()).into_iter().collect()
        };
        match mention.class {
            NameClass::CountryAnaphor => recent(&self.last_economy, COUNTRY_REACH),
            NameClass::BlocAnaphor => recent(&self.last_bloc, BLOC_REACH),
            NameClass::Organisation => vec![home(mention.value).to_owned()],
            _ => mention.value.split(',').map(str::to_owned).collect(),
        }
    }
}

/// Where an organisation belongs, or the organisation itself.
pub(crate) fn home(value: &str) -> &str {
    value.rsplit_once(':').map_or(value, |(_, home)| home)
}

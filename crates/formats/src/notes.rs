//! What a publisher says about figures, collected while rows are read.
//!
//! A note often stands beside every row of a chapter. It is kept once for each series, with economy and
//! period where it stands beside a single one.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::PublisherNote;
use orewatch_contracts::text::without_hidden;

use super::Observation;
use super::names::{Names, Symbol, Topic};

/// Upper bound on the notes of a release.
const MAX_NOTES: usize = 500;

/// Upper bound on the length of a note in bytes.
const MAX_NOTE_BYTES: usize = 1_000;

/// Sign at the end of a note that was cut.
const CUT: char = '…';

/// Notes by series, in the order in which the series are met, then by text.
#[derive(Debug, Default)]
pub(super) struct Notes {
    found: BTreeMap<(Symbol, String), Beside>,
}

/// The rows that a note stands beside. `None`: they have several.
#[derive(Clone, Copy, Debug)]
struct Beside {
    economy: Option<Symbol>,
    partner: Option<Symbol>,
    period: Option<Symbol>,
}

impl Notes {
    /// Adds a note on the figure of a row. Beyond the bound, new notes are dropped.
    pub(super) fn add(&mut self, row: &Observation, text: &str) {
        let [economy, partner, period] = [row.economy, row.partner, row.period].map(Some);
        let own = Beside { economy, partner, period };
        let key = (row.topic, shortened(text));
        if let Some(beside) = self.found.get_mut(&key) {
            beside.economy = beside.economy.filter(|economy| *economy == row.economy);
            beside.partner = beside.partner.filter(|partner| *partner == row.partner);
            beside.period = beside.period.filter(|period| *period == row.period);
        } else if self.found.len() < MAX_NOTES {
            self.found.insert(key, own);
        }
    }

    /// The notes with the names of what they are about. Only flows, and series of a material and stage, have
    /// notes.
    pub(super) fn into_messages(self, names: &Names) -> Vec<PublisherNote> {
        let message = |((topic, text), beside): ((Symbol, String), Beside)| {
            let (material, stage, is_flow) = match names.topics.name(topic)? {
                Topic::Series(material, stage, _) => (*material, stage, false),
                Topic::Product(product) => (product.material, &product.stage, true),
                _ => return None,
            };
            let economy_name = |economy: Option<Symbol>| {
                let name = economy.and_then(|economy| names.economies.name(economy));
                name.map(str::to_owned).unwrap_or_default()
            };
            let period = beside.period.and_then(|period| names.periods.name(period));
            Some(PublisherNote {
                text,
                material: material.to_owned(),
                stage: stage.to_string(),
                economy: economy_name(beside.economy),
                partner: economy_name(beside.partner.filter(|_| is_flow)),
                period: period.map(ToString::to_string).unwrap_or_default(),
            })
        };
        self.found.into_iter().filter_map(message).collect()
    }
}

/// A note in one line without hidden characters, cut to its largest length.
fn shortened(text: &str) -> String {
    let shown = without_hidden(text, false);
    let mut line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > MAX_NOTE_BYTES {
        let end = line.floor_char_boundary(MAX_NOTE_BYTES - CUT.len_utf8());
        line.truncate(end);
        line.push(CUT);
    }
    line
}

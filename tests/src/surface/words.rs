//! Texts for random requests: words of the domain, hostile texts, and texts from earlier responses.
use std::sync::{Mutex, PoisonError};

use crate::random::Random;

/// Words of the domain, some of them slightly wrong.
const KNOWN: [&str; 44] = [
    "DEU",
    "CHN",
    "USA",
    "JPN",
    "G7",
    "EU27",
    "WLD",
    "ZAF",
    "graphite",
    "rare-earths",
    "antimony",
    "lithium",
    "mined",
    "refined",
    "import-share",
    "production-hhi",
    "lookthrough-share",
    "import-hhi@1",
    "2022",
    "2018..2024",
    "2024-06",
    "all",
    "2022-01..2022-12",
    "quantity",
    "baci-hs92",
    "usgs-mcs",
    "trade",
    "production",
    "G7-china",
    "rule-1",
    "warning",
    "consumer",
    "severity",
    "above",
    "0.65",
    "0.65..0.7",
    "P2Y",
    "figure > 0.5",
    "series.all(a, a > 0.0)",
    "https://127.0.0.1:1/hook",
    "Europe/Brussels",
    "09:00",
    "monday",
    "label.team=ops",
];

/// Texts that have broken software before.
const HOSTILE: [&str; 24] = [
    "",
    " ",
    "\0",
    "\u{1b}[31m",
    "a\r\nb",
    "\u{202e}abc",
    "../../etc/passwd",
    "*",
    ">",
    "orewatch.>",
    "a.b",
    "a/b",
    "%00",
    "NaN",
    "-1",
    "18446744073709551616",
    "0000-00",
    "9999-12",
    "2024..2018",
    "()",
    "((((((((((",
    "a+",
    "💥",
    "ﬀ",
];

/// A rule document that is nearly valid.
const RULE: &str =
    "rules:\n  - name: NAME\n    measure: import-share\n    select: {consumer: DEU}\n    above: 0.65\n";

/// Plausible texts for a field, by a part of its name. The first match counts.
const BY_FIELD_NAME: [(&str, &[&str]); 11] = [
    ("consumer", &["DEU", "JPN", "USA", "G7", "EU27", "WLD", "FRA"]),
    ("suppli", &["CHN", "ZAF", "AUS", "CHL"]),
    ("econom", &["DEU", "CHN", "JPN", "OTHER:unspecified"]),
    ("material", &["graphite", "rare-earths", "antimony", "lithium", "manganese"]),
    ("stage", &["mined", "refined", "manufactured"]),
    (
        "measure",
        &["import-share", "import-hhi", "production-hhi", "lookthrough-share", "net-import-reliance@1"],
    ),
    ("as_of", &["2022", "2024", "2018..2024", "all", "2024-06"]),
    ("period", &["2022", "2024", "2018..2024", "all", "2024-06"]),
    (
        "cel",
        &["value > 0.5", "series.all(a, series.all(b, a + b >= 0.0))", "size(series) > 3 && value > 0.1"],
    ),
    ("dataset", &["baci-hs92", "usgs-mcs", "wgi", "made-up"]),
    ("state", &["firing", "resolved"]),
];

/// Texts from the latest responses.
#[derive(Debug, Default)]
pub(super) struct Words {
    remembered: Mutex<Vec<String>>,
}

impl Words {
    /// How many texts are remembered.
    const MAX_TEXTS: usize = 512;
    /// Bytes of the longest text that is remembered.
    const MAX_BYTES: usize = 400;

    /// Remembers a text of a response. Once there are [`MAX_TEXTS`](Self::MAX_TEXTS), `slot` says which of
    /// them it replaces; any number will do.
    pub(super) fn remember(&self, text: &str, slot: usize) {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return;
        }
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() < Self::MAX_TEXTS {
            remembered.push(text.to_owned());
        } else if let Some(older) = remembered.get_mut(slot % Self::MAX_TEXTS) {
            text.clone_into(older);
        }
    }

    /// Picks a text for a field: often one that suits its name, so that some requests pass the first checks.
    pub(super) fn pick_for_field(&self, random: &mut Random, field: &str) -> String {
        let by_name = BY_FIELD_NAME.iter().find(|(part, _)| field.contains(part));
        let by_name = by_name.filter(|_| random.below(3) > 0);
        let word = by_name.and_then(|(_, words)| random.pick(words)).copied();
        word.map_or_else(|| self.pick(random), str::to_owned)
    }

    /// Picks any text.
    pub(super) fn pick(&self, random: &mut Random) -> String {
        match random.below(24) {
            0..8 => random.pick(&KNOWN).copied().unwrap_or_default().to_owned(),
            8..18 => {
                let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
                random.pick(&remembered).cloned().unwrap_or_default()
            }
            18..21 => random.pick(&HOSTILE).copied().unwrap_or_default().to_owned(),
            21 => RULE.replace("NAME", &format!("made-{}", random.below(16))),
            22 => long_text(random),
            _ => mistyped(random),
        }
    }
}

/// Generates a text that is longer than any field allows, up to 1 MiB.
fn long_text(random: &mut Random) -> String {
    let unit = random.pick(&["a", "(", "é", "x.", "\n"]).copied().unwrap_or_default();
    let length = random.pick(&[200, 3_000, 70_000, 1 << 20]).copied().unwrap_or_default();
    unit.repeat(length / unit.len().max(1))
}

/// Joins two words of the domain, as a typing mistake would.
fn mistyped(random: &mut Random) -> String {
    let word = |random: &mut Random| random.pick(&KNOWN).copied().unwrap_or_default().to_owned();
    let (mut first, second) = (word(random), word(random));
    first.truncate(2);
    first + &second
}

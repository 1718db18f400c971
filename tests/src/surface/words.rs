//! Texts of questions: words of the field, words that break things, and what the service itself has said.
use std::sync::{Mutex, PoisonError};

use crate::random::Random;

/// Words of the field.
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

/// Words that break things.
const ODD: [&str; 24] = [
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

/// A rule that is close to one that can be.
const RULE: &str =
    "rules:\n  - name: NAME\n    measure: import-share\n    select: {consumer: DEU}\n    above: 0.65\n";

/// What a field of a name takes, by a part of the name; the first that fits counts.
const FITTING: [(&str, &[&str]); 11] = [
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

/// Texts that answers held, the last some hundred of them.
#[derive(Debug, Default)]
pub(super) struct Words {
    said: Mutex<Vec<String>>,
}

impl Words {
    /// How many texts are remembered.
    const KEPT: usize = 512;
    /// The longest text that is remembered.
    const LONGEST: usize = 400;

    /// Remembers a text of an answer.
    pub(super) fn remember(&self, text: &str, at: usize) {
        if text.is_empty() || text.len() > Self::LONGEST {
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < Self::KEPT {
            said.push(text.to_owned());
        } else if let Some(place) = said.get_mut(at % Self::KEPT) {
            text.clone_into(place);
        }
    }

    /// A text for a field of a question: often one that fits its name, so that some questions come further than the door.
    pub(super) fn fitting(&self, random: &mut Random, field: &str) -> String {
        let fitting = FITTING.iter().find(|(part, _)| field.contains(part)).filter(|_| random.below(3) > 0);
        let word = fitting.and_then(|(_, words)| random.pick(words)).copied();
        word.map_or_else(|| self.pick(random), str::to_owned)
    }

    /// A text for a question.
    pub(super) fn pick(&self, random: &mut Random) -> String {
        match random.below(24) {
            0..8 => random.pick(&KNOWN).copied().unwrap_or_default().to_owned(),
            8..18 => {
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                random.pick(&said).cloned().unwrap_or_default()
            }
            18..21 => random.pick(&ODD).copied().unwrap_or_default().to_owned(),
            21 => RULE.replace("NAME", &format!("made-{}", random.below(16))),
            22 => long(random),
            _ => scrambled(random),
        }
    }
}

/// A text that is longer than anything means, up to a MiB.
fn long(random: &mut Random) -> String {
    let unit = random.pick(&["a", "(", "é", "x.", "\n"]).copied().unwrap_or_default();
    let most = random.pick(&[200, 3_000, 70_000, 1 << 20]).copied().unwrap_or_default();
    unit.repeat(most / unit.len().max(1))
}

/// Two words of the field grown together, as of somebody who mistypes.
fn scrambled(random: &mut Random) -> String {
    let word = |random: &mut Random| random.pick(&KNOWN).copied().unwrap_or_default().to_owned();
    let (mut first, second) = (word(random), word(random));
    first.truncate(2);
    first + &second
}

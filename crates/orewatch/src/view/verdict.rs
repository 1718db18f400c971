//! Verdicts on whether figures cross the thresholds of their measures' sources.
use orewatch_contracts::exposure::v1::{Exposure, LineVerdict, Standing};

use crate::render::{Cell, Column, Record, column, line_in};

/// Standing as a word for programs.
fn standing_code(standing: Standing) -> &'static str {
    match standing {
        Standing::Crossed => "crossed",
        Standing::CrossedNotConfirmed => "crossed-not-confirmed",
        Standing::ClearNotConfirmed => "clear-not-confirmed",
        Standing::Clear => "clear",
        Standing::Unknown | Standing::Unspecified => "unknown",
    }
}

/// Standing in words for people.
pub(crate) fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Crossed => "crossed",
        Standing::CrossedNotConfirmed => "crossed, not confirmed",
        Standing::ClearNotConfirmed => "not crossed, not confirmed",
        Standing::Clear => "not crossed",
        Standing::Unknown | Standing::Unspecified => "unknown",
    }
}

/// Whether the threshold lies inside the figure's bounds, so that the verdict is not confirmed.
pub(crate) fn is_open(standing: Standing) -> bool {
    matches!(standing, Standing::CrossedNotConfirmed | Standing::ClearNotConfirmed)
}

/// Severity of a standing, for choosing the verdict to show.
fn rank(standing: Standing) -> u8 {
    match standing {
        Standing::Crossed => 4,
        Standing::CrossedNotConfirmed => 3,
        Standing::ClearNotConfirmed => 2,
        Standing::Clear => 1,
        Standing::Unknown | Standing::Unspecified => 0,
    }
}

/// A verdict in a few words: `> 65 % crossed`.
pub(crate) fn verdict_words(unit: &str, verdict: &LineVerdict) -> String {
    format!("{} {}", verdict_line(unit, verdict), standing_words(verdict.standing()))
}

/// The threshold of a verdict: `> 65 %`.
pub(crate) fn verdict_line(unit: &str, verdict: &LineVerdict) -> String {
    line_in(unit, verdict.line, verdict.above, verdict.inclusive)
}

/// The most serious verdict. Among equally serious ones, the farthest threshold if it is crossed, otherwise
/// the nearest.
pub(crate) fn headline(exposure: &Exposure) -> Option<&LineVerdict> {
    let first = exposure.lines.first()?;
    let worse = |a: &LineVerdict, b: &LineVerdict| {
        let far = |verdict: &LineVerdict| if verdict.above { verdict.line } else { -verdict.line };
        let is_crossed = matches!(b.standing(), Standing::Crossed | Standing::CrossedNotConfirmed);
        // A farther crossed threshold says more; so does a nearer one that is not crossed.
        let (a_far, b_far) = if is_crossed { (far(a), far(b)) } else { (-far(a), -far(b)) };
        rank(b.standing()).cmp(&rank(a.standing())).then(b_far.total_cmp(&a_far)).is_gt()
    };
    Some(
        exposure
            .lines
            .iter()
            .skip(1)
            .fold(first, |worst, next| if worse(worst, next) { next } else { worst }),
    )
}

/// Columns of the most serious standing, and of all verdicts.
pub(crate) fn columns() -> Vec<Column<Exposure>> {
    vec![
        column("standing", |exposure: &Exposure| {
            Cell::text(headline(exposure).map_or("", |verdict| standing_code(verdict.standing())))
        }),
        column("lines", |exposure: &Exposure| {
            let verdicts = exposure.lines.iter();
            Cell::Records(verdicts.map(|verdict| record(&exposure.unit, verdict)).collect())
        }),
    ]
}

/// Columns of the most serious verdict, one value each.
pub(crate) fn headline_columns() -> Vec<Column<Exposure>> {
    vec![
        column("line", |exposure: &Exposure| Cell::Number(headline(exposure).map(|verdict| verdict.line))),
        column("line_name", |exposure: &Exposure| {
            Cell::text(headline(exposure).map(|verdict| verdict.name.clone()).unwrap_or_default())
        }),
        column("beyond", |exposure: &Exposure| {
            Cell::Number(headline(exposure).and_then(|verdict| verdict.beyond))
        }),
    ]
}

fn record(unit: &str, verdict: &LineVerdict) -> Record {
    Record {
        text: format!("{}: {}", verdict.name, verdict_words(unit, verdict)),
        fields: vec![
            ("name", Cell::text(&verdict.name)),
            ("line", Cell::Number(Some(verdict.line))),
            ("above", Cell::Flag(verdict.above)),
            ("inclusive", Cell::Flag(verdict.inclusive)),
            ("beyond", Cell::Number(verdict.beyond)),
            ("standing", Cell::text(standing_code(verdict.standing()))),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(line: f64, standing: Standing) -> LineVerdict {
        LineVerdict { line, above: true, standing: standing.into(), ..LineVerdict::default() }
    }

    fn chosen(lines: &[(f64, Standing)]) -> String {
        let lines = lines.iter().map(|(line, standing)| verdict(*line, *standing)).collect();
        headline(&Exposure { lines, ..Exposure::default() }).unwrap().line.to_string()
    }

    #[test]
    fn the_most_serious_verdict_makes_the_headline() {
        use Standing::{Clear, ClearNotConfirmed, Crossed, CrossedNotConfirmed};
        assert_eq!(chosen(&[(0.4, Crossed), (0.65, Crossed), (0.8, Clear)]), "0.65");
        assert_eq!(chosen(&[(0.65, Clear), (0.4, Clear)]), "0.4");
        assert_eq!(chosen(&[(0.4, ClearNotConfirmed), (0.65, Clear)]), "0.4");
        assert_eq!(chosen(&[(0.4, Clear), (0.3, CrossedNotConfirmed)]), "0.3");
        assert_eq!(headline(&Exposure::default()), None);
    }

    #[test]
    fn a_verdict_has_the_threshold_and_whether_it_is_crossed() {
        assert_eq!(verdict_words("share", &verdict(0.65, Standing::Crossed)), "> 65 % crossed");
        let open = LineVerdict { inclusive: true, ..verdict(1.0, Standing::ClearNotConfirmed) };
        assert_eq!(verdict_words("index", &open), ">= 1 not crossed, not confirmed");
        let short = LineVerdict { above: false, ..verdict(0.1, Standing::Crossed) };
        assert_eq!(verdict_words("share", &short), "< 10 % crossed");
    }
}

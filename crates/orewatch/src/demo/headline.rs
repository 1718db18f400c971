//! One sentence about a series of shares: where it began, where it ended, and on which side of the threshold.
use orewatch_catalog::Consumer;

use super::facts::{Headline, SUPPLIER};
use crate::render::{percent, signed_points};
use crate::words::{economy_name, material_name};

/// A series in one sentence.
pub(super) fn sentence(headline: &Headline) -> String {
    let Some([(first, from), (last, to)]) = headline.ends() else { return String::new() };
    let verdict = headline.line.map(|line| {
        let named = unbroken(&percent(line).replace(".0 %", " %"));
        match (from > line, to > line) {
            (false, true) => format!(", above the {named} threshold"),
            (true, false) => format!(", below the {named} threshold again"),
            (true, true) => format!(", above the {named} threshold in both"),
            (false, false) => {
                format!(", below the {named} threshold ({})", unbroken(&signed_points(to - from)))
            }
        }
    });
    let who = match headline.consumer.parse() {
        Ok(Consumer::Bloc(bloc)) => format!("The {}", bloc.code),
        _ => economy_name(&headline.consumer).to_owned(),
    };
    format!(
        "{who} took {} of its imported {} {} from {} in {first} and {} in {last}{}.",
        unbroken(&percent(from)),
        headline.stage,
        material_name(&headline.material),
        economy_name(SUPPLIER),
        unbroken(&percent(to)),
        verdict.unwrap_or_default()
    )
}

/// A figure that line wrapping does not separate from its unit.
fn unbroken(figure: &str) -> String {
    figure.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_on_which_side_of_the_threshold_a_series_ends() {
        let series = |from, to| Headline {
            consumer: "G7".to_owned(),
            material: "rare-earths".to_owned(),
            stage: "refined".to_owned(),
            line: Some(0.65),
            series: vec![
                ("2018".to_owned(), Some(from)),
                ("2020".to_owned(), None),
                ("2024".to_owned(), Some(to)),
            ],
        };
        assert_eq!(
            sentence(&series(0.61, 0.68)).replace('\u{a0}', " "),
            "The G7 took 61.0 % of its imported refined rare earths from China in 2018 and 68.0 % in 2024, \
             above the 65 % threshold."
        );
        assert!(sentence(&series(0.7, 0.6)).contains("threshold again"));
        assert!(sentence(&series(0.3, 0.4)).contains(", below the"));
        assert!(sentence(&series(0.9, 0.8)).contains("in both"));
    }
}

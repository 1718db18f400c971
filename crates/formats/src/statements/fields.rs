//! Fields of statements: identifiers, texts, days, measures, and words of a short list.
use orewatch_catalog::{Consumer, Scheme, Stage, material};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::ingestion::v1::Confirmation;
use orewatch_contracts::text::first_hidden;
use orewatch_measures::{Measure, Method, Weight};

use crate::figure::Figure;
use crate::header::Columns;
use crate::names::{Names, parse_consumer, parse_day};
use crate::row::Row;
use crate::{Reject, ids, nearest};

/// Longest field that is not a text for people, in bytes.
const MAX_WORD_BYTES: usize = 256;

/// The fields of a row, by the names of their columns.
pub(super) struct Fields<'a> {
    pub(super) row: &'a Row<'a>,
    pub(super) columns: &'a Columns,
    /// Names of the columns of the layout: required ones, optional ones.
    pub(super) names: [&'static [&'static str]; 2],
}

impl<'a> Fields<'a> {
    /// A field that is a word or a code. Empty if the row has none.
    pub(super) fn word(&self, column: &'static str) -> Result<&'a str, Reject> {
        let text = self.raw(column);
        if text.len() <= MAX_WORD_BYTES {
            return Ok(text);
        }
        let reason = format!("the field has {} bytes: no code or figure is that long", text.len());
        Err(Reject::new("field-too-long", column, text, reason))
    }

    /// A text for people. Doubled quotation marks are single ones.
    pub(super) fn text(&self, column: &'static str) -> Result<String, Reject> {
        let text = self.raw(column);
        match first_hidden(text, false) {
            Some(_) => Err(Reject::new("hidden-character", column, text, "the text has hidden characters")
                .with_hint("remove control characters and marks of direction")),
            None => Ok(text.replace("\"\"", "\"")),
        }
    }

    /// A text for people that must be there.
    pub(super) fn required_text(&self, column: &'static str, hint: &str) -> Result<String, Reject> {
        let text = self.text(column)?;
        if text.is_empty() { Err(missing(column, hint)) } else { Ok(text) }
    }

    /// The identifier of the row.
    pub(super) fn id(&self) -> Result<&'a str, Reject> {
        identifier("id", self.word("id")?, "g7-2030-rare-earths")
    }

    /// An economy, a bloc or the world.
    pub(super) fn consumer(&self) -> Result<Consumer, Reject> {
        match self.word("consumer")? {
            "" => Err(missing("consumer", "name an economy, a bloc such as G7, or WLD")),
            text => parse_consumer("consumer", text),
        }
    }

    /// Identifier of a material.
    pub(super) fn material(&self, column: &'static str, text: &str) -> Result<&'static str, Reject> {
        material(text).map(|known| known.id).map_err(|error| Reject::unknown(column, &error))
    }

    /// A stage.
    pub(super) fn stage(&self) -> Result<Stage, Reject> {
        self.word("stage")?.parse().map_err(|error| Reject::unknown("stage", &error))
    }

    /// A measure of the catalogue, with or without its version.
    pub(super) fn measure(&self) -> Result<&'static Method, Reject> {
        let text = self.word("measure")?;
        let known = text.parse::<Measure>().map(Measure::method);
        known.map_err(|error| {
            let hint = match error.suggestion {
                Some(meant) => format!("did you mean {meant}?"),
                None => "`orewatch measures` lists the measures".to_owned(),
            };
            Reject::new("unknown-measure", "measure", text, "there is no such measure").with_hint(hint)
        })
    }

    /// A supplier, which only some measures have. `None`: the field is empty.
    pub(super) fn supplier(&self, method: &Method, names: &mut Names) -> Result<Option<String>, Reject> {
        match self.word("supplier")? {
            "" => Ok(None),
            text if !method.has_supplier => {
                let reason = format!("a figure of {} is about no single supplier", method.name);
                Err(Reject::new("unexpected-supplier", "supplier", text, reason)
                    .with_hint("leave the supplier empty, or choose a measure that has one"))
            }
            text => {
                let symbol = names.economy(Scheme::Iso3, "supplier", text)?;
                Ok(names.economies.name(symbol).map(str::to_owned))
            }
        }
    }

    /// What flows are weighted by; UNSPECIFIED if the field is empty.
    pub(super) fn weight(&self, method: &Method) -> Result<By, Reject> {
        let (by, weight) = match self.word("by")? {
            "" => return Ok(By::Unspecified),
            "quantity" => (By::Quantity, Weight::Quantity),
            "value" => (By::Value, Weight::Value),
            text => {
                return Err(Reject::new(
                    "unknown-by",
                    "by",
                    text,
                    "figures are weighted by nothing like this",
                )
                .with_hint("write quantity or value; leave it empty if the source does not say"));
            }
        };
        if method.weights.contains(&weight) {
            return Ok(by);
        }
        let reason = format!("{} is not weighted by it", method.name);
        Err(Reject::new("unsupported-by", "by", self.raw("by"), reason)
            .with_hint("leave it empty: the measure has one weight only"))
    }

    /// A figure in the unit and range of a measure.
    pub(super) fn figure(&self, column: &'static str, method: &Method) -> Result<f64, Reject> {
        let text = self.word(column)?;
        let number = Figure::signed(column, text)?.number;
        let (least, greatest) = method.range;
        if number.is_nan() {
            let reason = "nothing can be compared with a statement without a figure";
            return Err(Reject::new("missing-figure", column, text, reason)
                .with_hint("leave the row out if no figure was stated"));
        }
        if (least..=greatest).contains(&number) {
            return Ok(number);
        }
        let reason = format!("{} is from {least} to {greatest} ({})", method.name, method.unit);
        let reject = Reject::new("out-of-range", column, text, reason);
        match method.unit {
            "share" if number > 1.0 && number <= 100.0 => {
                Err(reject.with_hint(format!("write per cent as a fraction: {}", number / 100.0)))
            }
            _ => Err(reject),
        }
    }

    /// A day as it is written. Empty if the field is.
    pub(super) fn day(&self, column: &'static str, names: &mut Names) -> Result<String, Reject> {
        let text = self.word(column)?;
        names.day(column, text)?;
        Ok(text.to_owned())
    }

    /// A day that must be there.
    pub(super) fn required_day(&self, column: &'static str, names: &mut Names) -> Result<String, Reject> {
        let text = self.day(column, names)?;
        if parse_day(&text).is_some() {
            return Ok(text);
        }
        Err(missing(column, "write year, month and day: 2026-06-17"))
    }

    /// A period as it is written. Empty if the field is.
    pub(super) fn period(&self, column: &'static str, names: &mut Names) -> Result<String, Reject> {
        let text = self.word(column)?;
        if text.is_empty() {
            return Ok(String::new());
        }
        let symbol = names.period(column, text)?;
        Ok(names.periods.name(symbol).map(ToString::to_string).unwrap_or_default())
    }

    /// How well the source is known. Only a recalled row may name none.
    pub(super) fn confirmation(&self, source: &str) -> Result<Confirmation, Reject> {
        const KNOWN: [(&str, Confirmation); 3] = [
            ("confirmed", Confirmation::Confirmed),
            ("reported", Confirmation::Reported),
            ("recalled", Confirmation::Recalled),
        ];
        let found = self.one_of("confirmation", KNOWN)?;
        match found {
            Confirmation::Confirmed | Confirmation::Reported if source.is_empty() => {
                let hint = "name the source, or write recalled if none is at hand";
                Err(missing("source", hint))
            }
            found => Ok(found),
        }
    }

    /// The meaning of a word of a short list.
    pub(super) fn one_of<T: Copy, const N: usize>(
        &self,
        column: &'static str,
        known: [(&'static str, T); N],
    ) -> Result<T, Reject> {
        let text = self.word(column)?;
        one_of(column, text, known)
    }

    fn raw(&self, column: &str) -> &'a str {
        let place = self.names.into_iter().flatten().position(|name| *name == column);
        place.map_or("", |place| self.columns.get(self.row, place))
    }
}

/// The meaning of a word of a short list.
pub(crate) fn one_of<T: Copy, const N: usize>(
    column: &str,
    text: &str,
    known: [(&'static str, T); N],
) -> Result<T, Reject> {
    if let Some((_, meaning)) = known.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let words = known.map(|(word, _)| word);
    if text.is_empty() {
        return Err(missing(column, &format!("write one of {}", words.join(", "))));
    }
    let hint = match nearest(text, words) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("write one of {}", words.join(", ")),
    };
    Err(Reject::new("unknown-word", column, text, "the column does not have this word").with_hint(hint))
}

/// Checks an identifier.
pub(crate) fn identifier<'a>(column: &str, text: &'a str, example: &str) -> Result<&'a str, Reject> {
    if ids::is_dataset(text) {
        return Ok(text);
    }
    if text.is_empty() {
        return Err(missing(column, &format!("write a name such as {example}")));
    }
    let hint = format!("use up to 64 lower-case letters, digits and hyphens, such as {example}");
    Err(Reject::new("invalid-id", column, text, "this is not an identifier").with_hint(hint))
}

pub(super) fn missing(column: &str, hint: &str) -> Reject {
    Reject::new("missing-field", column, "", "the field is empty").with_hint(hint)
}

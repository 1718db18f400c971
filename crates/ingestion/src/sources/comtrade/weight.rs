//! The weight of a flow, from whichever column has it.
//!
//! Net weight is what quantities are. Where it is missing, the same kilograms often stand in another column, because a reporter
//! declares them as the quantity that customs ask for. In the order of trust:
//!
//! 1. `netWgt`, as reported;
//! 2. `qty`, as reported, where its unit is the kilogram (`qtyUnitCode` 8, `qtyUnitAbbr` `kg`);
//! 3. `altQty`, as reported, in kilograms;
//! 4. the same three, as estimated by the United Nations (`isNetWgtEstimated`, `isQtyEstimated`, `isAltQtyEstimated`);
//! 5. `grossWgt`, which counts the packing too, as reported and then as estimated.
//!
//! Paid goods that weigh nothing have a weight that is not known, in whichever column. A row remembers the column that was used.
use orewatch_contracts::common::v1::Status;

use super::super::Reject;
use super::super::figure::Figure;
use super::layout::{Column, Layout, Texts};

/// Unit of quantity that is the kilogram.
const KILOGRAM: &str = "8";

/// A column with a weight: where its unit stands, and whether it is estimated. No unit: it is always kilograms.
struct Source {
    column: Column,
    unit: Option<[Column; 2]>,
    estimated: Column,
}

const NET: Source = Source { column: Column::Weight, unit: None, estimated: Column::WeightEstimated };
const QUANTITY: Source = Source {
    column: Column::Quantity,
    unit: Some([Column::QuantityUnit, Column::QuantityUnitName]),
    estimated: Column::QuantityEstimated,
};
const SECOND: Source = Source {
    column: Column::Second,
    unit: Some([Column::SecondUnit, Column::SecondUnitName]),
    estimated: Column::SecondEstimated,
};
const GROSS: Source = Source { column: Column::Gross, unit: None, estimated: Column::GrossEstimated };

/// Columns with whether they count when estimated, in the order of trust.
const ORDER: [(&Source, bool); 8] = [
    (&NET, false),
    (&QUANTITY, false),
    (&SECOND, false),
    (&NET, true),
    (&QUANTITY, true),
    (&SECOND, true),
    (&GROSS, false),
    (&GROSS, true),
];

/// The weight of a row in kilograms, and the column that it is from. None: that of the net weight, or there is no weight.
pub(super) fn weight(
    texts: &Texts<'_>,
    layout: &Layout,
    paid: bool,
) -> Result<(Figure, Option<Column>), Reject> {
    let mut found = (Figure { number: f64::NAN, status: Status::Unavailable }, None);
    for (source, estimated) in ORDER {
        if source.is_kilograms(texts) && is_true(texts.get(source.estimated)) == estimated {
            let figure = kilograms(layout.name(source.column), texts.get(source.column))?;
            if figure.number > 0.0 || (figure.number == 0.0 && !paid) {
                return Ok((figure, Some(source.column).filter(|column| *column != Column::Weight)));
            }
            // That the publisher withholds it is more than that it is missing.
            if figure.status == Status::Withheld {
                found.0 = figure;
            }
        }
    }
    Ok(found)
}

fn kilograms(column: &str, text: &str) -> Result<Figure, Reject> {
    Figure::amount(column, if text.is_empty() { "NA" } else { text })
}

impl Source {
    /// Whether its unit is the kilogram: by its number, or where there is none by its name.
    fn is_kilograms(&self, texts: &Texts<'_>) -> bool {
        let Some([number, name]) = self.unit else { return true };
        match texts.code(number) {
            "" | "-1" => {
                let name = texts.get(name).to_ascii_lowercase();
                matches!(name.as_str(), "kg" | "weight in kilograms")
            }
            number => number == KILOGRAM,
        }
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "1.0") || text.eq_ignore_ascii_case("true")
}

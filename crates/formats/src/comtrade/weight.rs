//! The weight of a flow, from whichever column has it.
//!
//! Quantities are net weights. If that is missing, another column often holds the same kilograms, because the
//! reporter declares them as the quantity that customs requires. In the order of trust:
//!
//! 1. `netWgt`, as reported;
//! 2. `qty`, as reported, where its unit is the kilogram (`qtyUnitCode` 8, `qtyUnitAbbr` `kg`);
//! 3. `altQty`, as reported, in kilograms;
//! 4. the same three, as estimated by the United Nations (`isNetWgtEstimated`, `isQtyEstimated`,
//!    `isAltQtyEstimated`);
//! 5. `grossWgt`, which counts the packing too, as reported and then as estimated.
//!
//! Goods that were paid for weigh something: a weight of zero is then not known, in any column. A row records
//! which column was used.
use orewatch_contracts::common::v1::Status;

use super::super::Reject;
use super::super::figure::Figure;
use super::layout::{Column, Layout, Texts};

/// Unit of quantity that is the kilogram.
const KILOGRAM: &str = "8";

/// A column that may hold the weight.
struct WeightColumn {
    column: Column,
    /// Columns of the number and the name of its unit. None: it is always kilograms.
    unit: Option<[Column; 2]>,
    /// Column that says whether it is estimated.
    estimated: Column,
}

const NET: WeightColumn =
    WeightColumn { column: Column::Weight, unit: None, estimated: Column::WeightEstimated };
const QUANTITY: WeightColumn = WeightColumn {
    column: Column::Quantity,
    unit: Some([Column::QuantityUnit, Column::QuantityUnitName]),
    estimated: Column::QuantityEstimated,
};
const SECOND: WeightColumn = WeightColumn {
    column: Column::Second,
    unit: Some([Column::SecondUnit, Column::SecondUnitName]),
    estimated: Column::SecondEstimated,
};
const GROSS: WeightColumn =
    WeightColumn { column: Column::Gross, unit: None, estimated: Column::GrossEstimated };

/// The columns in the order of trust, each with whether its estimates are meant.
const ORDER: [(&WeightColumn, bool); 8] = [
    (&NET, false),
    (&QUANTITY, false),
    (&SECOND, false),
    (&NET, true),
    (&QUANTITY, true),
    (&SECOND, true),
    (&GROSS, false),
    (&GROSS, true),
];

/// The weight of a row in kilograms, and its column. None: it is that of the net weight, or there is no
/// weight. `paid`: the row has a value above zero.
pub(super) fn weight(
    texts: &Texts<'_>,
    layout: &Layout,
    paid: bool,
) -> Result<(Figure, Option<Column>), Reject> {
    let mut found = (Figure::UNAVAILABLE, None);
    for (source, estimated) in ORDER {
        if source.is_kilograms(texts) && is_true(texts.get(source.estimated)) == estimated {
            let (column, text) = (layout.name(source.column), texts.get(source.column));
            let figure = Figure::amount_or_missing(column, text)?;
            if figure.number > 0.0 || (figure.number == 0.0 && !paid) {
                return Ok((figure, Some(source.column).filter(|column| *column != Column::Weight)));
            }
            // Withheld says more than missing.
            if figure.status == Status::Withheld {
                found.0 = figure;
            }
        }
    }
    Ok(found)
}

impl WeightColumn {
    /// Whether its unit is the kilogram, by its number or, without a number, by its name.
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

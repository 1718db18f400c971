//! Rows of concordances.
use orewatch_catalog::{Nomenclature, Stage, material};

use super::figure::Figure;
use super::header::Columns;
use super::names::{Assignment, Names, Topic, malformed};
use super::row::Row;
use super::tidy::flag;
use super::{Beside, Observation, Parsed, Reject, RowParser};

/// `nomenclature,code,material,stage[,purity][,proxy][,note]`: which material, at which stage, a code stands for. A code without
/// material and stage is about other goods, whatever other concordances say of it.
pub(super) struct Concordance {
    /// Where the columns are, in this order.
    pub(super) columns: Columns,
}

impl RowParser for Concordance {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject> {
        let [nomenclature, code, of, stage, purity, proxy, note] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let list: Nomenclature =
            nomenclature.parse().map_err(|error| Reject::unknown("nomenclature", &error))?;
        list.check(code).map_err(|suggestion| malformed("code", code, &list, suggestion))?;
        let (of, at) = market(of, stage)?;
        let (material, stage) = (of.to_owned(), at.to_owned());
        let purity = fraction(purity)?;
        let assignment = Assignment { material, stage, proxy: flag("proxy", proxy)?, note: note.to_owned() };
        let assignment = names.assignment("note", assignment)?;
        let nobody = names.nobody("nomenclature")?;
        let topic = Topic::Code { nomenclature: list.to_string(), code: code.to_owned() };
        Ok(Parsed::Row(Observation {
            period: 0,
            economy: nobody,
            partner: nobody,
            topic: names.topic("code", code, topic)?,
            figures: [purity, Figure::known(0.0)],
            beside: Beside::Assigned(assignment),
        }))
    }
}

/// Identifiers of material and stage, or neither.
fn market(text: &str, stage: &str) -> Result<(&'static str, &'static str), Reject> {
    match (text, stage) {
        ("", "") => Ok(("", "")),
        ("", _) => Err(Reject::new("missing-material", "material", "", "there is a stage and no material")
            .with_hint("leave both empty for goods of no material")),
        (_, "") => Err(Reject::new("missing-stage", "stage", "", "there is a material and no stage")
            .with_hint("write mined, refined or manufactured")),
        (text, stage) => {
            let of = material(text).map_err(|error| Reject::unknown("material", &error))?;
            let stage: Stage = stage.parse().map_err(|error| Reject::unknown("stage", &error))?;
            Ok((of.id, stage.as_str()))
        }
    }
}

/// The part of the goods that is the material; not known where it is empty.
fn fraction(text: &str) -> Result<Figure, Reject> {
    let purity = Figure::amount("purity", if text.is_empty() { "NA" } else { text })?;
    let fits = purity.number.is_nan() || (purity.number > 0.0 && purity.number <= 1.0);
    if fits {
        return Ok(purity);
    }
    Err(Reject::new("bad-purity", "purity", text, "a purity is above 0 and at most 1")
        .with_hint("write per cent as a fraction, such as 0.65; leave it empty if it is not known"))
}

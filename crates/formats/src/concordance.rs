//! Parses rows of concordances: which material, at which stage, a product code stands for.
use orewatch_catalog::{Nomenclature, Stage, material};

use super::figure::Figure;
use super::flag::flag;
use super::header::Columns;
use super::names::{Assignment, Names, Topic, malformed_product};
use super::row::Row;
use super::{Observation, Qualifier, Reject, RowParser};

/// `nomenclature,code,material,stage[,purity][,proxy][,note]`. A code without material and stage is about
/// other goods, whatever other concordances say of it.
pub(super) struct Concordance {
    /// Where the columns are, in this order.
    pub(super) columns: Columns,
}

impl RowParser for Concordance {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let [nomenclature, code, material, stage, purity, proxy, note] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let list: Nomenclature =
            nomenclature.parse().map_err(|error| Reject::unknown("nomenclature", &error))?;
        list.check_code(code).map_err(|suggestion| malformed_product("code", code, &list, suggestion))?;
        let (material, stage) = market(material, stage)?;
        let (material, stage) = (material.to_owned(), stage.to_owned());
        let figures = purity_figure(purity)?.alone();
        let assignment = Assignment { material, stage, proxy: flag("proxy", proxy)?, note: note.to_owned() };
        let assignment = names.assignment("note", assignment)?;
        let nobody = names.no_economy("nomenclature")?;
        let topic = Topic::Code { nomenclature: list.to_string(), code: code.to_owned() };
        Ok(Some(Observation {
            period: 0,
            economy: nobody,
            partner: nobody,
            topic: names.topic("code", code, topic)?,
            figures,
            qualifier: Qualifier::Assigned(assignment),
        }))
    }
}

/// Identifiers of material and stage; both empty for goods of no material.
fn market(text: &str, stage: &str) -> Result<(&'static str, &'static str), Reject> {
    match (text, stage) {
        ("", "") => Ok(("", "")),
        ("", _) => Err(Reject::new("missing-field", "material", "", "there is a stage and no material")
            .with_hint("leave both empty for goods of no material")),
        (_, "") => Err(Reject::new("missing-field", "stage", "", "there is a material and no stage")
            .with_hint("write mined, refined or manufactured")),
        (text, stage) => {
            let known = material(text).map_err(|error| Reject::unknown("material", &error))?;
            let stage: Stage = stage.parse().map_err(|error| Reject::unknown("stage", &error))?;
            Ok((known.id, stage.as_str()))
        }
    }
}

/// The fraction of the goods that is the material; not available if the field is empty.
fn purity_figure(text: &str) -> Result<Figure, Reject> {
    let purity = Figure::amount_or_missing("purity", text)?;
    let fits = purity.number.is_nan() || (purity.number > 0.0 && purity.number <= 1.0);
    if fits {
        return Ok(purity);
    }
    Err(Reject::new("invalid-purity", "purity", text, "a purity is above 0 and at most 1")
        .with_hint("write per cent as a fraction, such as 0.65; leave it empty if it is not known"))
}

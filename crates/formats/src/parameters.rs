//! Parses rows of parameters of methods.
use orewatch_catalog::parameter::ItemKind;
use orewatch_catalog::{
    HsRevision, Material, Parameter, Scheme, Stage, UnknownCode, hs_codes, material, parameter, parameters,
};

use super::figure::Figure;
use super::header::Columns;
use super::names::{Names, Symbol, Topic};
use super::row::Row;
use super::{Observation, Qualifier, Reject, RowParser};
use crate::shape::{self, Fields, Misfit};

/// `period,parameter,value[,economy][,partner][,material][,stage][,item]`. The parameter decides which of the
/// last five a row has.
pub(super) struct Parameters {
    /// Where the columns are, in this order.
    pub(super) columns: Columns,
    /// Revision of the product codes that items name. None: any in which the code means a material.
    pub(super) revision: Option<HsRevision>,
}

impl From<Misfit> for Reject {
    fn from(misfit: Misfit) -> Self {
        Self::new(misfit.code, misfit.field, &misfit.value, misfit.reason).with_hint(misfit.hint)
    }
}

impl RowParser for Parameters {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn figure_column(&self) -> Option<usize> {
        Some(2)
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let [period, name, value, economy, partner, material, stage, item] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let period = names.period("period", period)?;
        let parameter = parameter(name).map_err(|error| {
            let known = parameters().iter().map(|parameter| parameter.id);
            Reject::unlisted("parameter", &error, known)
        })?;
        let fields = Fields { economy, partner, material, stage, item };
        shape::check_fields(parameter, &fields)?;
        let economy = described_economy(parameter, economy, names)?;
        let partner = match partner {
            "" => names.no_economy("partner")?,
            text => names.partner(Scheme::Iso3, "partner", text)?,
        };
        let topic = topic(parameter, &fields, names)?;
        let figures = figure(parameter, value)?.alone();
        if parameter.item == ItemKind::Product && !self.is_in_scope(item) {
            return Ok(None);
        }
        Ok(Some(Observation { period, economy, partner, topic, figures, qualifier: Qualifier::None }))
    }
}

impl Parameters {
    /// Whether a product code means goods of a material.
    fn is_in_scope(&self, code: &str) -> bool {
        let valid = |revision: HsRevision, (first, last)| (first..=last).contains(&revision);
        let means = |span| self.revision.is_none_or(|revision| valid(revision, span));
        hs_codes().iter().any(|entry| entry.code == code && means((entry.first, entry.last)))
    }
}

/// The economy, bloc or world that a parameter describes.
fn described_economy(parameter: &Parameter, text: &str, names: &mut Names) -> Result<Symbol, Reject> {
    if text.is_empty() {
        return names.no_economy("economy");
    }
    let (symbol, consumer) = names.consumer("economy", text)?;
    shape::check_consumer(parameter, consumer)?;
    Ok(symbol)
}

fn topic(parameter: &Parameter, fields: &Fields<'_>, names: &mut Names) -> Result<Symbol, Reject> {
    let unknown = |column| move |error: UnknownCode| Reject::unknown(column, &error);
    let known =
        |text: &str| -> Result<&'static Material, Reject> { material(text).map_err(unknown("material")) };
    let material = Some(fields.material).filter(|text| !text.is_empty()).map(known).transpose()?;
    let stage = Some(fields.stage).filter(|text| !text.is_empty());
    let stage: Option<Stage> = stage.map(|text| text.parse().map_err(unknown("stage"))).transpose()?;
    let topic = Topic::Parameter {
        name: parameter.id,
        material: material.map_or("", |material| material.id),
        stage: stage.map_or("", Stage::as_str),
        item: fields.item.to_owned(),
    };
    names.topic("parameter", parameter.id, topic)
}

fn figure(parameter: &Parameter, text: &str) -> Result<Figure, Reject> {
    let figure = Figure::parameter("value", text)?;
    if !figure.number.is_nan() {
        shape::check_value(parameter, figure.number, text)?;
    }
    Ok(figure)
}

//! Parses rows of restrictions of exports, and the days and evaluations of restrictions in any format.
use orewatch_catalog::{
    HsRevision, Nomenclature, Scheme, Stage, hs_codes, material, restriction, restrictions,
};
use orewatch_contracts::ingestion::v1::Evaluation;

use super::figure::Figure;
use super::header::Columns;
use super::names::{Names, Symbol, Topic, malformed_product};
use super::row::Row;
use super::{Observation, Qualifier, Reject, RowParser, nearest};

/// `from,until,economy,material,stage,kind,evaluation[,product][,partners]`: the days in force, who restricts
/// what and how, how that is judged, and where the source says so, for which product and towards whom.
pub(super) struct Restrictions {
    /// Where the columns are, in this order.
    pub(super) columns: Columns,
    /// Revision that product codes follow. None: any in which the code means the material.
    pub(super) revision: Option<HsRevision>,
}

impl RowParser for Restrictions {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let [from, until, restricting, material_text, stage, kind, evaluation, product, partners] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let (from, until) = days_in_force(names, from, until)?;
        let economy = names.economy(Scheme::Iso3, "economy", restricting)?;
        let known = material(material_text).map_err(|error| Reject::unknown("material", &error))?;
        let stage: Stage = stage.parse().map_err(|error| Reject::unknown("stage", &error))?;
        let kind = restriction(kind).map_err(|error| {
            let known = restrictions().iter().map(|kind| kind.id);
            Reject::unlisted("kind", &error, known)
        })?;
        let evaluation = parse_evaluation(evaluation)?;
        let partner = names.concerned_partners("partners", partners, restricting)?;
        let Some((code, proxy)) = self.product(known.id, stage, product)? else { return Ok(None) };
        let topic = Topic::Restriction { kind: kind.id, material: known.id, stage, code, proxy };
        let topic = names.topic("kind", kind.id, topic)?;
        Ok(Some(Observation {
            period: from,
            economy,
            partner,
            topic,
            figures: [Figure::known(0.0); 2],
            qualifier: Qualifier::Restricted { until, evaluation },
        }))
    }
}

impl Restrictions {
    /// The product code of a market and whether it is a proxy; the empty code stands for every product. None:
    /// a valid code of no material of the catalogue.
    fn product(
        &self,
        material: &str,
        stage: Stage,
        text: &str,
    ) -> Result<Option<(&'static str, bool)>, Reject> {
        if text.is_empty() {
            return Ok(Some(("", false)));
        }
        let any = Nomenclature::Hs(HsRevision::Hs22);
        any.check_code(text).map_err(|suggestion| malformed_product("product", text, &any, suggestion))?;
        let valid = |span: std::ops::RangeInclusive<HsRevision>| {
            self.revision.is_none_or(|revision| span.contains(&revision))
        };
        let mut same =
            hs_codes().iter().filter(|entry| entry.code == text && valid(entry.first..=entry.last));
        let Some(first) = same.clone().next() else { return Ok(None) };
        match same.find(|entry| entry.material == material && entry.stage == stage) {
            Some(entry) => Ok(Some((entry.code, entry.proxy))),
            None => {
                let reason =
                    format!("the code is of {} {}, not of {material} {stage}", first.material, first.stage);
                Err(Reject::new("product-mismatch", "product", text, reason).with_hint(
                    "name the market that the product is of, or leave the product empty for all of a market",
                ))
            }
        }
    }
}

/// First and last day in force.
pub(super) fn days_in_force(names: &mut Names, from: &str, until: &str) -> Result<(Symbol, Symbol), Reject> {
    if from.is_empty() {
        return Err(Reject::new("missing-field", "from", from, "the first day in force is empty")
            .with_hint("if only the year is known, write its first day, such as 2010-01-01"));
    }
    let (first, begins) = names.day("from", from)?;
    let (last, ends) = names.day("until", until)?;
    if begins.zip(ends).is_some_and(|(begins, ends)| ends < begins) {
        let reason = format!("the restriction ends before it begins, on {from}");
        return Err(Reject::new("end-before-start", "until", until, reason).with_hint(
            "`until` is the last day in force; leave it empty if the restriction is still in force",
        ));
    }
    Ok((first, last))
}

/// Reads how a restriction is judged.
pub(super) fn parse_evaluation(text: &str) -> Result<Evaluation, Reject> {
    const KNOWN: [(&str, Evaluation); 4] = [
        ("red", Evaluation::Red),
        ("amber", Evaluation::Amber),
        ("green", Evaluation::Green),
        ("", Evaluation::Unspecified),
    ];
    let found = KNOWN.iter().find(|(word, _)| *word == text);
    found.map(|&(_, evaluation)| evaluation).ok_or_else(|| {
        let hint = match nearest(text, ["red", "amber", "green"]) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "write red, amber or green; leave it empty if nobody judged it".to_owned(),
        };
        Reject::new("unknown-evaluation", "evaluation", text, "this is no evaluation").with_hint(hint)
    })
}

//! Rows of restrictions of exports.
use orewatch_catalog::{
    HsRevision, Nomenclature, Scheme, Stage, hs_codes, material, restriction, restrictions,
};
use orewatch_contracts::ingestion::v1::Evaluation;

use super::figure::Figure;
use super::header::Columns;
use super::names::{Names, Topic, malformed};
use super::row::Row;
use super::{Beside, Observation, Parsed, Reject, RowParser, nearest};

/// `from,until,economy,material,stage,kind,evaluation[,product][,partners]`: days, who restricts what in which way, how that
/// is judged, and where the source says so for which product and towards whom.
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

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject> {
        let [from, until, economy, material_text, stage, kind, evaluation, product, partners] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let (from, until) = span(names, from, until)?;
        let restricting = economy;
        let economy = names.economy(Scheme::Iso3, "economy", economy)?;
        let of = material(material_text).map_err(|error| Reject::unknown("material", &error))?;
        let stage: Stage = stage.parse().map_err(|error| Reject::unknown("stage", &error))?;
        let kind = restriction(kind).map_err(|error| {
            let known = restrictions().iter().map(|kind| kind.id);
            Reject::unlisted("kind", &error, known)
        })?;
        let evaluation = judged(evaluation)?;
        let partner = names.concerned("partners", partners, restricting)?;
        let Some((code, proxy)) = self.product(of.id, stage, product)? else { return Ok(Parsed::OutOfScope) };
        let topic = Topic::Restriction { kind: kind.id, material: of.id, stage, code, proxy };
        let topic = names.topic("kind", kind.id, topic)?;
        Ok(Parsed::Row(Observation {
            period: from,
            economy,
            partner,
            topic,
            figures: [Figure::known(0.0); 2],
            beside: Beside::Restricted { until, evaluation },
        }))
    }
}

impl Restrictions {
    /// The product code of a market, and whether it is a proxy; the empty code for every product. None: a valid code of no
    /// material of the catalogue.
    fn product(&self, of: &str, at: Stage, text: &str) -> Result<Option<(&'static str, bool)>, Reject> {
        if text.is_empty() {
            return Ok(Some(("", false)));
        }
        let any = Nomenclature::Hs(HsRevision::Hs22);
        any.check(text).map_err(|suggestion| malformed("product", text, &any, suggestion))?;
        let valid = |span: std::ops::RangeInclusive<HsRevision>| {
            self.revision.is_none_or(|revision| span.contains(&revision))
        };
        let mut same =
            hs_codes().iter().filter(|entry| entry.code == text && valid(entry.first..=entry.last));
        let Some(first) = same.clone().next() else { return Ok(None) };
        match same.find(|entry| entry.material == of && entry.stage == at) {
            Some(entry) => Ok(Some((entry.code, entry.proxy))),
            None => {
                let reason = format!("the code is of {} {}, not of {of} {at}", first.material, first.stage);
                Err(Reject::new("product-mismatch", "product", text, reason).with_hint(
                    "name the market that the product is of, or leave the product empty for all of a market",
                ))
            }
        }
    }
}

/// First and last day.
pub(super) fn span(
    names: &mut Names,
    from: &str,
    until: &str,
) -> Result<(super::names::Symbol, super::names::Symbol), Reject> {
    if from.is_empty() {
        return Err(Reject::new("missing-day", "from", from, "the first day in force is empty")
            .with_hint("if only the year is known, write its first day, such as 2010-01-01"));
    }
    let (first, begins) = names.day("from", from)?;
    let (last, ends) = names.day("until", until)?;
    if begins.zip(ends).is_some_and(|(begins, ends)| ends < begins) {
        return Err(Reject::new(
            "reversed-days",
            "until",
            until,
            format!("it ends before it begins, on {from}"),
        )
        .with_hint("until is the last day in force; empty: still in force"));
    }
    Ok((first, last))
}

/// How a restriction is judged.
pub(super) fn judged(text: &str) -> Result<Evaluation, Reject> {
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
            None => "one of red, amber, green; empty if nobody judged it".to_owned(),
        };
        Reject::new("bad-evaluation", "evaluation", text, "this is no evaluation").with_hint(hint)
    })
}

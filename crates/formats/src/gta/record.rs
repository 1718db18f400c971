//! Interventions of either form as restrictions of exports: each product of a record with each implementer.
use std::collections::BTreeMap;

use orewatch_catalog::{
    CodeKind, Economy, HsRevision, Restriction, Scheme, UnknownCode, resolve_economy, restrictions,
};
use orewatch_contracts::ingestion::v1::Evaluation;
use sha2::{Digest as _, Sha256};

use super::super::Reject;
use super::super::location::SourceLocation;
use super::super::restrictions::parse_evaluation;
use super::super::sink::{Halt, RowSink};
use super::super::stated::{Product, StatedOnce, StatedRestriction, parse_product};

/// The members of a record as text; empty if a record does not have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Intervention {
    pub(super) id: String,
    /// Type: its name or number.
    pub(super) kind: String,
    /// MAST chapter, such as `P: Export-related measures (incl. subsidies)`.
    pub(super) chapter: String,
    /// Red, Amber, Green, or 1 to 3.
    pub(super) evaluation: String,
    /// Direction of trade that is affected: `inward`, `outward`.
    pub(super) flow: String,
    pub(super) implementers: Vec<Jurisdiction>,
    /// Jurisdictions that the record says are targeted.
    pub(super) targeted: Vec<Jurisdiction>,
    pub(super) products: Vec<Affected>,
    pub(super) implemented: String,
    pub(super) removed: String,
}

/// A product of a record, with what is said of this product alone. None: what the record says counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Affected {
    pub(super) code: String,
    pub(super) implemented: Option<String>,
    pub(super) removed: Option<String>,
    pub(super) evaluation: Option<String>,
    pub(super) flow: Option<String>,
    pub(super) implementers: Option<Vec<Jurisdiction>>,
    pub(super) targeted: Option<Vec<Jurisdiction>>,
}

/// An economy as a record names it; empty if it does not.
#[derive(Clone, Debug, Default)]
pub(super) struct Jurisdiction {
    pub(super) iso: String,
    pub(super) id: String,
    pub(super) name: String,
}

/// Types that restrict exports, by name. The catalogue has their numbers.
static TYPES: [(&str, u16); 9] = [
    ("export tax", 18),
    ("export ban", 19),
    ("export tariff quota", 20),
    ("export quota", 21),
    ("export licensing requirement", 35),
    ("export-related non-tariff measure, nes", 37),
    ("foreign customer limit", 39),
    ("local supply requirement for exports", 63),
    ("export price benchmark", 74),
];

/// Names in lower case that the catalogue reads as another economy or not at all.
static NAMES: [(&str, &str); 3] =
    [("chinese taipei", "TWN"), ("congo", "COG"), ("republic of kosovo", "XKX")];

impl Jurisdiction {
    /// The economy. Numbers are those of the United Nations, with few exceptions such as Kosovo's 999.
    fn economy(&self) -> Result<&'static Economy, Reject> {
        let (scheme, text) = match (&*self.iso, &*self.id, &*self.name) {
            ("", "", name) => return economy_by_name(name),
            ("", "999", _) => (Scheme::Iso3, "XKX"),
            ("", id, _) => (Scheme::Numeric, id),
            (iso, _, _) => (Scheme::Wgi, iso),
        };
        let unknown = |error: UnknownCode| Reject::unknown("implementing_jurisdictions", &error);
        resolve_economy(scheme, text).or_else(|error| match &*self.name {
            "" => Err(unknown(error)),
            name => economy_by_name(name).map_err(|_| unknown(error)),
        })
    }
}

fn economy_by_name(name: &str) -> Result<&'static Economy, Reject> {
    let lower = name.trim().to_lowercase();
    let found = match NAMES.iter().find(|(other, _)| *other == lower) {
        Some((_, iso3)) => resolve_economy(Scheme::Iso3, iso3),
        None => resolve_economy(Scheme::Bgs, &name.replace('&', " and ")),
    };
    found.map_err(|error| Reject::unknown("implementing_jurisdictions", &error))
}

/// The kind of restriction of a type. None: it restricts no exports.
///
/// # Errors
/// [`Reject`] for an unknown type that may be a restriction, by its chapter and name.
fn restriction_kind(text: &str, chapter: &str) -> Result<Option<&'static Restriction>, Reject> {
    let lower = text.to_lowercase();
    let number = lower
        .parse()
        .ok()
        .or_else(|| TYPES.iter().find(|(name, _)| *name == lower).map(|&(_, number)| number));
    let found = number.and_then(|number: u16| restrictions().iter().find(|kind| kind.gta.contains(&number)));
    let is_subsidy = lower.contains("subsidy") || lower.contains("incentive");
    let may_restrict = chapter.starts_with(['P', 'p']) && lower.starts_with("export") && !is_subsidy;
    if found.is_some() || !may_restrict {
        return Ok(found);
    }
    let error = UnknownCode::closest(CodeKind::Restriction, text, TYPES.iter().map(|(name, _)| *name));
    Err(Reject::unlisted("intervention_type", &error, TYPES.iter().map(|(name, _)| *name)))
}

/// An evaluation: its name or number.
fn evaluation(text: &str) -> Result<Evaluation, Reject> {
    match text {
        "1" => Ok(Evaluation::Red),
        "2" => Ok(Evaluation::Amber),
        "3" => Ok(Evaluation::Green),
        text => parse_evaluation(&text.to_lowercase()),
    }
}

/// Hands over the records of a file, and remembers those that were there before.
#[derive(Debug)]
pub(super) struct Interventions {
    revision: HsRevision,
    once: StatedOnce,
    /// Where each record was first, and a digest of its text.
    seen: BTreeMap<String, (u64, [u8; 32])>,
}

impl Interventions {
    pub(super) fn new(revision: HsRevision) -> Self {
        Self { revision, once: StatedOnce::default(), seen: BTreeMap::new() }
    }

    /// Hands over the restrictions of a record.
    pub(super) fn take(
        &mut self,
        record: &Intervention,
        line: u64,
        text: &str,
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        let location = SourceLocation::row(line);
        let kind = match self.kind_in_scope(record, line, text) {
            Ok(Some(kind)) => kind,
            Ok(None) => {
                out.out_of_scope(location);
                return Ok(());
            }
            Err(reject) => return out.reject(reject, location, text),
        };
        for affected in &record.products {
            for implementer in affected.implementers.as_ref().unwrap_or(&record.implementers) {
                match self.restriction(record, affected, implementer, kind).transpose() {
                    Some(stated) => {
                        let stated = stated.as_ref().map_err(Clone::clone);
                        self.once.hand_over(stated.map(OwnedRestriction::as_stated), location, text, out)?;
                    }
                    None => out.out_of_scope(location),
                }
            }
        }
        Ok(())
    }

    /// The kind of restriction of a record. None: it never restricted exports of any product.
    ///
    /// # Errors
    /// [`Reject`] for a record that was there before, and for what is wrong with all of its rows.
    fn kind_in_scope(
        &mut self,
        record: &Intervention,
        line: u64,
        text: &str,
    ) -> Result<Option<&'static Restriction>, Reject> {
        self.check_unique(record, line, text)?;
        let kind = restriction_kind(&record.kind, &record.chapter)?;
        let in_force = |product: &Affected| {
            let has_implementer = !product.implementers.as_ref().unwrap_or(&record.implementers).is_empty();
            has_implementer && !product.implemented.as_ref().unwrap_or(&record.implemented).is_empty()
        };
        let Some(kind) = kind.filter(|_| record.products.iter().any(in_force)) else { return Ok(None) };
        if record.products.iter().any(|product| product.evaluation.is_none()) {
            evaluation(&record.evaluation)?;
        }
        if record.products.iter().any(|product| product.targeted.is_none()) {
            partners(&record.targeted)?;
        }
        Ok(Some(kind))
    }

    /// The restriction of a product by an implementer. None: the product is of no material, or its exports
    /// were never restricted.
    fn restriction(
        &self,
        record: &Intervention,
        affected: &Affected,
        implementer: &Jurisdiction,
        kind: &'static Restriction,
    ) -> Result<Option<OwnedRestriction>, Reject> {
        let own_or = |own: &Option<String>, all: &String| own.as_ref().unwrap_or(all).clone();
        let days =
            (own_or(&affected.implemented, &record.implemented), own_or(&affected.removed, &record.removed));
        if days.0.is_empty() || is_inward(&own_or(&affected.flow, &record.flow)) {
            return Ok(None);
        }
        let economy = implementer.economy()?;
        let Some(product) = parse_product(self.revision, "affected_products", &affected.code)? else {
            return Ok(None);
        };
        let evaluation = evaluation(&own_or(&affected.evaluation, &record.evaluation))?;
        let partners = partners(affected.targeted.as_ref().unwrap_or(&record.targeted))?;
        Ok(Some(OwnedRestriction { days, economy, kind, evaluation, product, partners }))
    }

    /// Rejects a record that was there before. Records are edited after their publication: the release says
    /// which of two versions is newer, the file does not.
    fn check_unique(&mut self, record: &Intervention, line: u64, text: &str) -> Result<(), Reject> {
        if record.id.is_empty() {
            return Err(Reject::new("missing-field", "intervention_id", "", "the record has no number"));
        }
        let digest: [u8; 32] = Sha256::digest(text).into();
        let Some((first, before)) = self.seen.get(&record.id) else {
            self.seen.insert(record.id.clone(), (line, digest));
            return Ok(());
        };
        let content = if *before == digest { "the same content" } else { "other content" };
        let reason = format!("the same intervention is in record {first}, with {content}");
        Err(Reject::new("duplicate-key", "intervention_id", &record.id, reason)
            .with_hint("keep one of the records: the first was recorded"))
    }
}

/// A restriction of a product that owns its texts.
struct OwnedRestriction {
    days: (String, String),
    economy: &'static Economy,
    kind: &'static Restriction,
    evaluation: Evaluation,
    product: Product,
    partners: String,
}

impl OwnedRestriction {
    fn as_stated(&self) -> StatedRestriction<'_> {
        let Self { economy, kind, evaluation, product, .. } = *self;
        let days = (&*self.days.0, &*self.days.1);
        StatedRestriction { days, economy, kind, evaluation, product, partners: &self.partners }
    }
}

/// Whether a flow is inward only.
fn is_inward(flow: &str) -> bool {
    let lower = flow.to_lowercase();
    !lower.contains("outward") && (lower.contains("inward") || lower.contains("import"))
}

/// Codes of the targeted economies, separated by blanks.
fn partners(targeted: &[Jurisdiction]) -> Result<String, Reject> {
    let codes = targeted.iter().map(|jurisdiction| jurisdiction.economy().map(|economy| economy.iso3));
    Ok(codes.collect::<Result<Vec<_>, _>>()?.join(" "))
}

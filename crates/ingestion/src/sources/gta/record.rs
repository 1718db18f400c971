//! What a record says, whichever form it has.
use std::collections::BTreeMap;

use orewatch_catalog::{
    Economy, HsRevision, Kind, Restriction, Scheme, UnknownCode, resolve_economy, restrictions,
};
use orewatch_contracts::ingestion::v1::Evaluation;
use sha2::{Digest as _, Sha256};

use super::super::Reject;
use super::super::out::{Halt, Out, Place};
use super::super::restrictions::judged;
use super::super::stated::{Once, Product, Stated, product};

/// A record as text; empty where it says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Intervention {
    pub(super) id: String,
    /// Type: its name or number.
    pub(super) kind: String,
    /// MAST chapter, such as `P: Export-related measures (incl. subsidies)`.
    pub(super) chapter: String,
    /// Red, Amber, Green, or 1 to 3.
    pub(super) evaluation: String,
    /// Direction of trade that it affects: `inward`, `outward`.
    pub(super) flow: String,
    pub(super) implementers: Vec<Jurisdiction>,
    /// Those whom the record says to be targeted.
    pub(super) targeted: Vec<Jurisdiction>,
    pub(super) products: Vec<Affected>,
    pub(super) implemented: String,
    pub(super) removed: String,
}

/// A product of a record, with what is said of it alone. None: what is said of all products.
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

/// An economy as a record names it; empty where it does not.
#[derive(Clone, Debug, Default)]
pub(super) struct Jurisdiction {
    pub(super) iso: String,
    pub(super) id: String,
    pub(super) name: String,
}

/// Types that restrict exports, by name. The numbers are in the catalogue.
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

/// Names that the catalogue understands in another way or not at all, in lower case.
static NAMES: [(&str, &str); 3] =
    [("chinese taipei", "TWN"), ("congo", "COG"), ("republic of kosovo", "XKX")];

impl Jurisdiction {
    /// The economy. Numbers are those of the United Nations but for some, of which Kosovo's is no one else's.
    fn economy(&self) -> Result<&'static Economy, Reject> {
        let (scheme, text) = match (&*self.iso, &*self.id, &*self.name) {
            ("", "", name) => return named(name),
            ("", "999", _) => (Scheme::Iso3, "XKX"),
            ("", id, _) => (Scheme::Numeric, id),
            (iso, _, _) => (Scheme::Wgi, iso),
        };
        let unknown = |error: UnknownCode| Reject::unknown("implementing_jurisdictions", &error);
        resolve_economy(scheme, text).or_else(|error| match &*self.name {
            "" => Err(unknown(error)),
            name => named(name).map_err(|_| unknown(error)),
        })
    }
}

fn named(name: &str) -> Result<&'static Economy, Reject> {
    let lower = name.trim().to_lowercase();
    let found = match NAMES.iter().find(|(other, _)| *other == lower) {
        Some((_, iso3)) => resolve_economy(Scheme::Iso3, iso3),
        None => resolve_economy(Scheme::Bgs, &name.replace('&', " and ")),
    };
    found.map_err(|error| Reject::unknown("implementing_jurisdictions", &error))
}

/// What a type is. None: it restricts no exports.
fn kind(text: &str, chapter: &str) -> Result<Option<&'static Restriction>, Reject> {
    let lower = text.to_lowercase();
    let number = lower
        .parse()
        .ok()
        .or_else(|| TYPES.iter().find(|(name, _)| *name == lower).map(|&(_, number)| number));
    let found = number.and_then(|number: u16| restrictions().iter().find(|kind| kind.gta.contains(&number)));
    let is_subsidy = lower.contains("subsidy") || lower.contains("incentive");
    let might = chapter.starts_with(['P', 'p']) && lower.starts_with("export") && !is_subsidy;
    if found.is_some() || !might {
        return Ok(found);
    }
    let error = UnknownCode::closest(Kind::Restriction, text, TYPES.iter().map(|(name, _)| *name));
    Err(Reject::unlisted("intervention_type", &error, TYPES.iter().map(|(name, _)| *name)))
}

fn evaluation(text: &str) -> Result<Evaluation, Reject> {
    match text {
        "1" => Ok(Evaluation::Red),
        "2" => Ok(Evaluation::Amber),
        "3" => Ok(Evaluation::Green),
        text => judged(&text.to_lowercase()),
    }
}

/// The records of a file as they come.
#[derive(Debug)]
pub(super) struct Interventions {
    revision: HsRevision,
    once: Once,
    /// Where a record was first, and a digest of what it says.
    seen: BTreeMap<String, (u64, [u8; 32])>,
}

impl Interventions {
    pub(super) fn new(revision: HsRevision) -> Self {
        Self { revision, once: Once::default(), seen: BTreeMap::new() }
    }

    /// Hands over what a record says.
    pub(super) fn take(
        &mut self,
        record: &Intervention,
        line: u64,
        text: &str,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        let place = Place::line(line);
        let kind = match self.judged(record, line, text) {
            Ok(Some(kind)) => kind,
            Ok(None) => {
                out.outside(place);
                return Ok(());
            }
            Err(reject) => return out.reject(reject, place, text),
        };
        for affected in &record.products {
            for implementer in affected.implementers.as_ref().unwrap_or(&record.implementers) {
                match self.state(record, affected, implementer, kind).transpose() {
                    Some(stated) => {
                        let stated = stated.as_ref().map_err(Clone::clone);
                        self.once.give(stated.map(Owned::stated), place, text, out)?;
                    }
                    None => out.outside(place),
                }
            }
        }
        Ok(())
    }

    /// Kind of a record. None: it restricts no exports of anything, or never did.
    fn judged(
        &mut self,
        record: &Intervention,
        line: u64,
        text: &str,
    ) -> Result<Option<&'static Restriction>, Reject> {
        self.unique(record, line, text)?;
        let kind = kind(&record.kind, &record.chapter)?;
        let in_force = |product: &Affected| {
            let anyone = !product.implementers.as_ref().unwrap_or(&record.implementers).is_empty();
            anyone && !product.implemented.as_ref().unwrap_or(&record.implemented).is_empty()
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

    /// What a record says of a product and an implementer. None: the product is of no material, or its exports were never restricted.
    fn state(
        &self,
        record: &Intervention,
        affected: &Affected,
        implementer: &Jurisdiction,
        kind: &'static Restriction,
    ) -> Result<Option<Owned>, Reject> {
        let or = |own: &Option<String>, all: &String| own.as_ref().unwrap_or(all).clone();
        let days = (or(&affected.implemented, &record.implemented), or(&affected.removed, &record.removed));
        if days.0.is_empty() || is_inward(&or(&affected.flow, &record.flow)) {
            return Ok(None);
        }
        let economy = implementer.economy()?;
        let Some(product) = product(self.revision, "affected_products", &affected.code)? else {
            return Ok(None);
        };
        let evaluation = evaluation(&or(&affected.evaluation, &record.evaluation))?;
        let partners = partners(affected.targeted.as_ref().unwrap_or(&record.targeted))?;
        Ok(Some(Owned { days, economy, kind, evaluation, product, partners }))
    }

    /// Sets a record aside that was there before. Records are edited after their publication: which of two is newer, the
    /// release says, not the file.
    fn unique(&mut self, record: &Intervention, line: u64, text: &str) -> Result<(), Reject> {
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

/// A restriction of a product with its texts.
struct Owned {
    days: (String, String),
    economy: &'static Economy,
    kind: &'static Restriction,
    evaluation: Evaluation,
    product: Product,
    partners: String,
}

impl Owned {
    fn stated(&self) -> Stated<'_> {
        let Self { economy, kind, evaluation, product, .. } = *self;
        let days = (&*self.days.0, &*self.days.1);
        Stated { days, economy, kind, evaluation, product, partners: &self.partners }
    }
}

/// Whether it affects what comes in, and nothing that goes out.
fn is_inward(flow: &str) -> bool {
    let lower = flow.to_lowercase();
    !lower.contains("outward") && (lower.contains("inward") || lower.contains("import"))
}

/// Codes of those who are targeted, separated by blanks.
fn partners(targeted: &[Jurisdiction]) -> Result<String, Reject> {
    let codes = targeted.iter().map(|who| who.economy().map(|economy| economy.iso3));
    Ok(codes.collect::<Result<Vec<_>, _>>()?.join(" "))
}

//! Checked requests: names become entries of the catalogue, or failures with a hint at what may have been
//! meant.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, Period, Stage, UnknownCode, hs_codes, material};
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{ExposureFilter, Subject};
use orewatch_contracts::{Class, Failure};
use orewatch_measures::{Measure, Weight};

use crate::book::{Book, EconomyId, Knowledge, Market};
use crate::figures::{FigureFilter, FigureKey, FigureRequest};

/// The periods that a request covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Periods {
    /// The latest with data, determined for each material, stage and table.
    Latest,
    /// All periods.
    All,
    /// One period.
    Single(Period),
    /// All between the first day of the one and the last day of the other.
    Range(Period, Period),
    /// Several single periods and ranges.
    Listed(Vec<Periods>),
}

impl Periods {
    /// Reads `2022`, `2022-03`, `2018..2024`, several of these separated by commas, `all`, or an empty text
    /// for the latest.
    ///
    /// # Errors
    /// Another text, or a range that ends before it begins.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.trim() {
            "" => Ok(Self::Latest),
            "all" => Ok(Self::All),
            listed if listed.contains(',') => {
                listed.split(',').map(Self::parse_span).collect::<Result<_, _>>().map(Self::Listed)
            }
            single => Self::parse_span(single),
        }
    }

    /// Reads one period, or one range of periods.
    fn parse_span(text: &str) -> Result<Self, Failure> {
        let period = |text: &str| text.trim().parse::<Period>();
        let parsed = match text.split_once("..") {
            Some((from, to)) => period(from).and_then(|from| Ok(Self::Range(from, period(to)?))),
            None => period(text).map(Self::Single),
        };
        let hint =
            "write a year `2022`, a month `2022-03`, a range `2018..2024`, a list `2014,2024`, or `all`";
        let invalid =
            |message: String| Failure::new(Class::Invalid, "invalid-period", message).with_hint(hint);
        match parsed {
            Ok(Self::Range(from, to)) if to.end() < from.start() => {
                Err(invalid("the range ends before it begins".to_owned()).at("as_of", text))
            }
            Ok(periods) => Ok(periods),
            Err(error) => Err(invalid(error.to_string()).at("as_of", text)),
        }
    }

    pub(crate) fn include(&self, period: Period) -> bool {
        match self {
            Self::Latest | Self::All => true,
            Self::Single(one) => *one == period,
            Self::Range(from, to) => from.start() <= period.start() && period.end() <= to.end(),
            Self::Listed(periods) => periods.iter().any(|listed| listed.include(period)),
        }
    }
}

/// The length of periods. One answer never mixes years and months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frequency {
    /// Years.
    Annual,
    /// Months.
    Monthly,
}

impl Frequency {
    /// The frequency of a period.
    pub(crate) fn of_period(period: Period) -> Self {
        if period.is_month() { Self::Monthly } else { Self::Annual }
    }

    pub(crate) fn is_of(self, period: Period) -> bool {
        self == Self::of_period(period)
    }
}

/// The frequency of a filter. If it names none, the latest period is the latest year, and named periods may
/// be of any frequency.
fn frequency(filter: &ExposureFilter) -> Result<Option<Frequency>, Failure> {
    match common::Frequency::try_from(filter.frequency) {
        Ok(common::Frequency::Unspecified) => {
            let is_latest = Periods::parse(&filter.as_of)? == Periods::Latest;
            Ok(is_latest.then_some(Frequency::Annual))
        }
        Ok(common::Frequency::Annual) => Ok(Some(Frequency::Annual)),
        Ok(common::Frequency::Monthly) => Ok(Some(Frequency::Monthly)),
        Err(_) => Err(Failure::new(Class::Invalid, "unknown-frequency", "unknown frequency")
            .with_hint("leave it empty for years, or set it to months")
            .at("frequency", filter.frequency.to_string())),
    }
}

/// A checked filter. An empty set matches everything.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    consumers: BTreeSet<&'static str>,
    materials: BTreeSet<&'static str>,
    stages: BTreeSet<Stage>,
    suppliers: BTreeSet<EconomyId>,
    measures: BTreeSet<Measure>,
    by: Option<Weight>,
    pub(crate) periods: Periods,
    /// `None`: periods of all lengths.
    frequency: Option<Frequency>,
}

impl Selection {
    pub(crate) fn parse(filter: &ExposureFilter) -> Result<Self, Failure> {
        Ok(Self {
            consumers: parse_all(&filter.consumers, |text| consumer(text).map(|consumer| consumer.code()))?,
            materials: parse_all(&filter.materials, material_id)?,
            stages: parse_all(&filter.stages, stage)?,
            suppliers: parse_all(&filter.suppliers, supplier)?,
            measures: parse_all(&filter.measures, measure)?,
            by: weight(filter.by)?,
            frequency: frequency(filter)?,
            periods: Periods::parse(&filter.as_of)?,
        })
    }

    /// Reads the filter of a watch: periods of all lengths, unless the filter names a frequency.
    pub(crate) fn parse_for_watch(filter: &ExposureFilter) -> Result<Self, Failure> {
        let parsed = Self::parse(filter)?;
        let is_named = filter.frequency != i32::from(common::Frequency::Unspecified);
        Ok(Self { frequency: parsed.frequency.filter(|_| is_named), ..parsed })
    }

    /// Whether figures of a period are wanted, by its length and its date.
    pub(crate) fn period(&self, period: Period) -> bool {
        self.frequency.is_none_or(|frequency| frequency.is_of(period)) && self.periods.include(period)
    }

    /// Whether all measures are wanted.
    pub(crate) fn any_measure(&self) -> bool {
        self.measures.is_empty()
    }

    /// Whether a material is wanted.
    pub(crate) fn material(&self, id: &str) -> bool {
        self.materials.is_empty() || self.materials.contains(id)
    }

    /// Whether what is said about a material and stage is wanted; an empty period stands for all.
    pub(crate) fn subject_of_note(&self, material: &str, stage: &str, period: &str) -> bool {
        let is_stage = |wanted: &Stage| wanted.as_str() == stage;
        (self.materials.is_empty() || self.materials.contains(material))
            && (self.stages.is_empty() || self.stages.iter().any(is_stage))
            && period.parse().map_or(period.is_empty(), |period| self.period(period))
    }

    /// Whether figures of the material and stage of a market are wanted; its period is not considered.
    pub(crate) fn material_and_stage(&self, market: &Market) -> bool {
        matches(&self.materials, &market.material) && matches(&self.stages, &market.stage)
    }
}

impl FigureFilter for Selection {
    fn consumer(&self, code: &str) -> bool {
        self.consumers.is_empty() || self.consumers.contains(code)
    }

    fn measure(&self, measure: Measure) -> bool {
        matches(&self.measures, &measure)
    }

    fn weight(&self, by: Weight) -> bool {
        self.by.is_none_or(|wanted| wanted == by)
    }

    fn supplier(&self, supplier: Option<EconomyId>) -> bool {
        self.suppliers.is_empty() || supplier.is_some_and(|supplier| self.suppliers.contains(&supplier))
    }
}

/// Whether a set of a filter matches an item.
fn matches<T: Ord>(set: &BTreeSet<T>, item: &T) -> bool {
    set.is_empty() || set.contains(item)
}

/// Reads all texts of a field of a filter.
fn parse_all<T: Ord>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, Failure>,
) -> Result<BTreeSet<T>, Failure> {
    texts.iter().map(|text| parse(text)).collect()
}

/// A checked request for one exposure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExposureRequest {
    pub(crate) consumer: Consumer,
    pub(crate) material: &'static str,
    pub(crate) stage: Stage,
    pub(crate) key: FigureKey,
    /// `None`: the latest with data.
    pub(crate) period: Option<Period>,
}

impl ExposureRequest {
    pub(crate) fn parse(subject: Option<&Subject>, as_of: &str) -> Result<Self, Failure> {
        let subject = subject.ok_or_else(|| missing("subject"))?;
        let period = match Periods::parse(as_of)? {
            Periods::Latest => None,
            Periods::Single(period) => Some(period),
            Periods::All | Periods::Range(..) | Periods::Listed(_) => {
                let message = "a single exposure has a single period";
                return Err(Failure::new(Class::Invalid, "invalid-period", message)
                    .with_hint("name one period, or query for several")
                    .at("as_of", as_of));
            }
        };
        let consumer = consumer(required(&subject.consumer, "consumer")?)?;
        let measure = measure(required(&subject.measure, "measure")?)?;
        let key = FigureKey {
            measure,
            by: weight_of(measure, subject.by)?,
            consumer: consumer.code(),
            supplier: supplier_of(measure, &subject.supplier)?,
        };
        let material = material_id(required(&subject.material, "material")?)?;
        Ok(Self { consumer, material, stage: stage(required(&subject.stage, "stage")?)?, key, period })
    }

    /// Checks that the material has figures at the stage, in the catalogue or in a release.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn check_stage(&self, book: &Book) -> Result<(), Failure> {
        let stages = stages(self.material);
        let here = |market: &Market| market.material == self.material && market.stage == self.stage;
        if stages.contains(&self.stage) || book.markets(Knowledge::NOW).keys().any(here) {
            return Ok(());
        }
        let message =
            format!("{} has no figures at stage {}: no source gives any", self.material, self.stage);
        let hint = match stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>() {
            known if known.is_empty() => {
                "ask for another material: none of its stages has figures".to_owned()
            }
            known => format!("ask for {}", known.join(" or ")),
        };
        let failure = Failure::new(Class::NotFound, "unknown-market", message).with_hint(hint);
        Err(failure.at("stage", self.stage.as_str()))
    }

    /// The requested figure within its market.
    pub(crate) fn figure_request(&self) -> FigureRequest {
        FigureRequest { consumer: self.consumer, key: self.key }
    }

    /// Its material and stage.
    pub(crate) fn topic(&self) -> (&'static str, Stage) {
        (self.material, self.stage)
    }

    /// The market of the request in a period.
    pub(crate) fn market(&self, period: Period) -> Market {
        Market { material: self.material, stage: self.stage, period }
    }
}

/// The stages at which a material has figures: of output by the catalogue of materials, of trade by the
/// concordance.
fn stages(id: &str) -> BTreeSet<Stage> {
    let output = material(id).ok().into_iter().flat_map(|material| material.production);
    let trade = hs_codes().iter().filter(|code| code.material == id).map(|code| code.stage);
    output.map(|(stage, _)| *stage).chain(trade).collect()
}

fn required<'a>(text: &'a str, field: &str) -> Result<&'a str, Failure> {
    if text.trim().is_empty() { Err(missing(field)) } else { Ok(text) }
}

fn missing(field: &str) -> Failure {
    Failure::new(Class::Invalid, "missing-field", format!("the request does not name its {field}"))
        .at(field, "")
}

fn supplier_of(measure: Measure, text: &str) -> Result<Option<EconomyId>, Failure> {
    match (measure.method().has_supplier, text.trim()) {
        (true, "") => Err(missing("supplier").with_hint(format!("{measure} is about one supplier"))),
        (true, text) => supplier(text).map(Some),
        (false, "") => Ok(None),
        (false, text) => {
            let message = format!("{measure} is not about one supplier");
            Err(Failure::new(Class::Invalid, "unexpected-supplier", message)
                .with_hint("leave the supplier out")
                .at("supplier", text))
        }
    }
}

/// The requested weight. If none is requested, the default of the measure.
fn weight_of(measure: Measure, by: i32) -> Result<Weight, Failure> {
    let weights = measure.method().weights;
    let default = weights.first().copied().unwrap_or(Weight::Quantity);
    let weight = weight(by)?.unwrap_or(default);
    if weights.contains(&weight) {
        return Ok(weight);
    }
    let (only, wrong) = match default {
        Weight::Quantity => ("quantity", "BY_VALUE"),
        Weight::Value => ("value", "BY_QUANTITY"),
    };
    let message = format!("{measure} is weighted by {only} only");
    let failure = Failure::new(Class::Invalid, "unsupported-by", message);
    Err(failure.with_hint(format!("leave `by` empty, or set it to {only}")).at("by", wrong))
}

/// The weight of a message. `None`: it names none.
pub(crate) fn weight(by: i32) -> Result<Option<Weight>, Failure> {
    match common::By::try_from(by) {
        Ok(common::By::Unspecified) => Ok(None),
        Ok(common::By::Quantity) => Ok(Some(Weight::Quantity)),
        Ok(common::By::Value) => Ok(Some(Weight::Value)),
        Err(_) => {
            let message = "unknown weight";
            Err(Failure::new(Class::Invalid, "unknown-by", message).at("by", by.to_string()))
        }
    }
}

fn consumer(text: &str) -> Result<Consumer, Failure> {
    text.parse().map_err(|error| unknown("consumer", error))
}

/// The identifier of a material.
pub(crate) fn material_id(text: &str) -> Result<&'static str, Failure> {
    material(text).map(|material| material.id).map_err(|error| unknown("material", error))
}

fn stage(text: &str) -> Result<Stage, Failure> {
    text.parse().map_err(|error| unknown("stage", error))
}

/// A supplier by its code.
///
/// # Errors
/// The catalogue does not have it.
pub(crate) fn supplier(text: &str) -> Result<EconomyId, Failure> {
    let economy = orewatch_catalog::resolve_economy(orewatch_catalog::Scheme::Iso3, text);
    let economy = economy.map_err(|error| unknown("supplier", error))?;
    EconomyId::from_code(economy.iso3).ok_or_else(|| missing("supplier"))
}

fn measure(text: &str) -> Result<Measure, Failure> {
    text.parse().map_err(|error: orewatch_measures::UnknownMeasure| {
        let hint = error.suggestion.as_ref().map(|near| format!("did you mean {near}?"));
        let hint = hint.unwrap_or_else(|| "`orewatch measures` lists all measures".to_owned());
        Failure::new(Class::NotFound, "unknown-measure", format!("unknown measure `{}`", error.value))
            .with_hint(hint)
            .at("measure", error.value)
    })
}

fn unknown(field: &str, error: UnknownCode) -> Failure {
    Failure::new(Class::NotFound, error.code(), error.reason())
        .with_hint(error.hint())
        .at(field, &error.value)
}

/// The knowledge time of a request: up to which position or time commits count. `position` is the end of the
/// book.
///
/// # Errors
/// A time that does not exist, or a release that is unknown or ambiguous.
pub(crate) fn knowledge(book: &Book, position: u64, at: Option<&common::AsAt>) -> Result<Knowledge, Failure> {
    use common::as_at::At;
    match at.and_then(|at| at.at.as_ref()) {
        None => Ok(Knowledge::up_to(position)),
        Some(At::Position(at)) => Ok(Knowledge::up_to(position.min(*at))),
        Some(At::Time(time)) => {
            let instant = jiff::Timestamp::new(time.seconds, time.nanos).map_err(|error| {
                let value = format!("{} s {} ns", time.seconds, time.nanos);
                Failure::new(Class::Invalid, "invalid-as-at", error.to_string()).at("as_at.time", value)
            })?;
            Ok(Knowledge { position, time: Some(instant) })
        }
        Some(At::Release(text)) => release(book, text).map(Knowledge::up_to),
    }
}

/// Position of the commit of a release, by its identifier or by its vintage.
fn release(book: &Book, text: &str) -> Result<u64, Failure> {
    let text = text.trim();
    if let Some(entry) = book.every_release().rev().find(|entry| entry.id() == text) {
        return Ok(entry.committed.position);
    }
    let of_vintage = || book.every_release().filter(|entry| entry.content.release.vintage == text);
    let ids: BTreeSet<_> = of_vintage().map(|entry| entry.id()).collect();
    match (ids.len(), of_vintage().next_back()) {
        (1, Some(entry)) => Ok(entry.committed.position),
        (0, _) | (_, None) => {
            let known: BTreeSet<_> = book.every_release().map(|entry| entry.id()).collect();
            Err(Failure::new(
                Class::NotFound,
                "unknown-release",
                format!("no release `{text}` was committed"),
            )
            .with_hint(listed("committed are", &known))
            .at("as_at.release", text))
        }
        _ => Err(Failure::new(
            Class::Invalid,
            "ambiguous-release",
            format!("several releases have vintage `{text}`"),
        )
        .with_hint(listed("name one of", &ids))
        .at("as_at.release", text)),
    }
}

/// Some identifiers, for a hint.
fn listed(lead: &str, ids: &BTreeSet<&str>) -> String {
    const MAX_LISTED: usize = 10;
    let some: Vec<_> = ids.iter().take(MAX_LISTED).copied().collect();
    match (some.is_empty(), ids.len() > MAX_LISTED) {
        (true, _) => "nothing is committed yet".to_owned(),
        (false, true) => format!("{lead} {} and more", some.join(", ")),
        (false, false) => format!("{lead} {}", some.join(", ")),
    }
}

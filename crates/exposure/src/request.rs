//! What a request asks for, checked: names become entries of the catalogue, or failures that say what may have been meant.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, Period, Stage, UnknownCode, hs_codes, material};
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{ExposureFilter, Subject};
use orewatch_measures::{Measure, Weight};
use orewatch_runtime::{Class, Failure};

use crate::book::{Book, EconomyId, Knowledge, Market};
use crate::figures::{Key, Question, Wanted};

/// Which periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Periods {
    /// Of each material, stage and table the latest with data.
    Latest,
    /// Every one.
    All,
    /// One.
    One(Period),
    /// Those that lie between the first day of one and the last day of another.
    Range(Period, Period),
}

impl Periods {
    /// Reads `2022`, `2018..2024`, `all`, or nothing for the latest.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let period = |text: &str| text.trim().parse::<Period>();
        let parsed = match text.trim() {
            "" => Ok(Self::Latest),
            "all" => Ok(Self::All),
            text => match text.split_once("..") {
                Some((from, to)) => period(from).and_then(|from| Ok(Self::Range(from, period(to)?))),
                None => period(text).map(Self::One),
            },
        };
        let hint = "write a year `2022`, a month `2022-03`, a range `2018..2024`, or `all`";
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

    pub(crate) fn include(self, period: Period) -> bool {
        match self {
            Self::Latest | Self::All => true,
            Self::One(one) => one == period,
            Self::Range(from, to) => from.start() <= period.start() && period.end() <= to.end(),
        }
    }
}

/// How long periods are. Years and months never meet in one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frequency {
    /// Years.
    Annual,
    /// Months.
    Monthly,
}

impl Frequency {
    /// That of a period.
    pub(crate) fn of(period: Period) -> Self {
        if period.is_month() { Self::Monthly } else { Self::Annual }
    }

    pub(crate) fn is_of(self, period: Period) -> bool {
        self == Self::of(period)
    }
}

/// The frequency that a filter asks for. Where it asks for none, the latest period is that of years, and named periods are of any.
fn frequency(filter: &ExposureFilter) -> Result<Option<Frequency>, Failure> {
    match common::Frequency::try_from(filter.frequency) {
        Ok(common::Frequency::Unspecified) => {
            let is_latest = Periods::parse(&filter.as_of)? == Periods::Latest;
            Ok(is_latest.then_some(Frequency::Annual))
        }
        Ok(common::Frequency::Annual) => Ok(Some(Frequency::Annual)),
        Ok(common::Frequency::Monthly) => Ok(Some(Frequency::Monthly)),
        Err(_) => Err(Failure::new(Class::Invalid, "unknown-frequency", "this frequency does not exist")
            .with_hint("leave it out for years, or ask for months")
            .at("frequency", filter.frequency.to_string())),
    }
}

/// A filter, checked. An empty set matches everything.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    consumers: BTreeSet<&'static str>,
    materials: BTreeSet<&'static str>,
    stages: BTreeSet<Stage>,
    suppliers: BTreeSet<EconomyId>,
    measures: BTreeSet<Measure>,
    by: Option<Weight>,
    pub(crate) periods: Periods,
    /// None: periods of every length.
    frequency: Option<Frequency>,
}

impl Selection {
    pub(crate) fn parse(filter: &ExposureFilter) -> Result<Self, Failure> {
        Ok(Self {
            consumers: each(&filter.consumers, |text| consumer(text).map(|consumer| consumer.code()))?,
            materials: each(&filter.materials, material_id)?,
            stages: each(&filter.stages, stage)?,
            suppliers: each(&filter.suppliers, supplier)?,
            measures: each(&filter.measures, measure)?,
            by: weight(filter.by)?,
            frequency: frequency(filter)?,
            periods: Periods::parse(&filter.as_of)?,
        })
    }

    /// The same for changes as they happen: periods of every length, unless one is asked for.
    pub(crate) fn watch(filter: &ExposureFilter) -> Result<Self, Failure> {
        let parsed = Self::parse(filter)?;
        let is_asked = filter.frequency != i32::from(common::Frequency::Unspecified);
        Ok(Self { frequency: parsed.frequency.filter(|_| is_asked), ..parsed })
    }

    /// Whether figures of a period are wanted, by its length and its place in time.
    pub(crate) fn period(&self, period: Period) -> bool {
        self.frequency.is_none_or(|frequency| frequency.is_of(period)) && self.periods.include(period)
    }

    /// Whether no measure is left out.
    pub(crate) fn any_measure(&self) -> bool {
        self.measures.is_empty()
    }

    /// Whether figures of the market are wanted, leaving periods aside.
    pub(crate) fn material_and_stage(&self, market: &Market) -> bool {
        holds(&self.materials, &market.material) && holds(&self.stages, &market.stage)
    }
}

impl Wanted for Selection {
    fn consumer(&self, code: &str) -> bool {
        self.consumers.is_empty() || self.consumers.contains(code)
    }

    fn measure(&self, measure: Measure) -> bool {
        holds(&self.measures, &measure)
    }

    fn by(&self, by: Weight) -> bool {
        self.by.is_none_or(|wanted| wanted == by)
    }

    fn supplier(&self, supplier: Option<EconomyId>) -> bool {
        self.suppliers.is_empty() || supplier.is_some_and(|supplier| self.suppliers.contains(&supplier))
    }
}

fn holds<T: Ord>(set: &BTreeSet<T>, item: &T) -> bool {
    set.is_empty() || set.contains(item)
}

fn each<T: Ord>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, Failure>,
) -> Result<BTreeSet<T>, Failure> {
    texts.iter().map(|text| parse(text)).collect()
}

/// One exposure that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) consumer: Consumer,
    pub(crate) material: &'static str,
    pub(crate) stage: Stage,
    pub(crate) key: Key,
    /// None: the latest with data.
    pub(crate) period: Option<Period>,
}

impl Asked {
    pub(crate) fn parse(subject: Option<&Subject>, as_of: &str) -> Result<Self, Failure> {
        let subject = subject.ok_or_else(|| missing("subject"))?;
        let period = match Periods::parse(as_of)? {
            Periods::Latest => None,
            Periods::One(period) => Some(period),
            Periods::All | Periods::Range(..) => {
                let message = "one exposure has one period";
                return Err(Failure::new(Class::Invalid, "invalid-period", message)
                    .with_hint("name one period, or query for several")
                    .at("as_of", as_of));
            }
        };
        let consumer = consumer(required(&subject.consumer, "consumer")?)?;
        let measure = measure(required(&subject.measure, "measure")?)?;
        let key = Key {
            measure,
            by: weight_of(measure, subject.by)?,
            consumer: consumer.code(),
            supplier: supplier_of(measure, &subject.supplier)?,
        };
        let material = material_id(required(&subject.material, "material")?)?;
        Ok(Self { consumer, material, stage: stage(required(&subject.stage, "stage")?)?, key, period })
    }

    /// Checks that the material has the stage: the catalogue gives it figures there, or some release does.
    pub(crate) fn check_stage(&self, book: &Book) -> Result<(), Failure> {
        let stages = stages(self.material);
        let here = |market: &Market| market.material == self.material && market.stage == self.stage;
        if stages.contains(&self.stage) || book.markets(Knowledge::NOW).keys().any(here) {
            return Ok(());
        }
        let message = format!("{} has no stage {}: no source gives figures of it", self.material, self.stage);
        let hint = match stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>() {
            known if known.is_empty() => {
                "ask for another material: none of its stages has figures".to_owned()
            }
            known => format!("ask for {}", known.join(" or ")),
        };
        let failure = Failure::new(Class::NotFound, "no-such-stage", message).with_hint(hint);
        Err(failure.at("stage", self.stage.as_str()))
    }

    /// What is asked for, within its market.
    pub(crate) fn question(&self) -> Question {
        Question { consumer: self.consumer, key: self.key }
    }

    /// The market in a period.
    pub(crate) fn market(&self, period: Period) -> Market {
        Market { material: self.material, stage: self.stage, period }
    }
}

/// The stages at which a material has figures: output by the catalogue of materials, trade by the concordance.
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

/// The weight that is asked for; by quantity if none is, or by what else the measure can be weighed.
fn weight_of(measure: Measure, by: i32) -> Result<Weight, Failure> {
    let weights = measure.method().weights;
    let usual = weights.first().copied().unwrap_or(Weight::Quantity);
    let weight = weight(by)?.unwrap_or(usual);
    if weights.contains(&weight) {
        return Ok(weight);
    }
    let (only, wrong) = match usual {
        Weight::Quantity => ("quantity", "BY_VALUE"),
        Weight::Value => ("value", "BY_QUANTITY"),
    };
    let message = format!("{measure} is weighed by {only} only");
    let failure = Failure::new(Class::Invalid, "unsupported-by", message);
    Err(failure.with_hint(format!("leave `by` out, or ask by {only}")).at("by", wrong))
}

fn weight(by: i32) -> Result<Option<Weight>, Failure> {
    match common::By::try_from(by) {
        Ok(common::By::Unspecified) => Ok(None),
        Ok(common::By::Quantity) => Ok(Some(Weight::Quantity)),
        Ok(common::By::Value) => Ok(Some(Weight::Value)),
        Err(_) => {
            let message = "this weight does not exist";
            Err(Failure::new(Class::Invalid, "unknown-by", message).at("by", by.to_string()))
        }
    }
}

fn consumer(text: &str) -> Result<Consumer, Failure> {
    text.parse().map_err(|error| unknown("consumer", error))
}

fn material_id(text: &str) -> Result<&'static str, Failure> {
    material(text).map(|material| material.id).map_err(|error| unknown("material", error))
}

fn stage(text: &str) -> Result<Stage, Failure> {
    text.parse().map_err(|error| unknown("stage", error))
}

fn supplier(text: &str) -> Result<EconomyId, Failure> {
    let economy = orewatch_catalog::resolve_economy(orewatch_catalog::Scheme::Iso3, text);
    let economy = economy.map_err(|error| unknown("supplier", error))?;
    EconomyId::of(economy.iso3).ok_or_else(|| missing("supplier"))
}

fn measure(text: &str) -> Result<Measure, Failure> {
    text.parse().map_err(|error: orewatch_measures::UnknownMeasure| {
        let hint = error.suggestion.as_ref().map(|near| format!("did you mean {near}?"));
        let hint = hint.unwrap_or_else(|| "`orewatch measures` lists those that there are".to_owned());
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

/// The knowledge time that a request asks for, given what is known up to a position.
pub(crate) fn knowledge(book: &Book, position: u64, at: Option<&common::AsAt>) -> Result<Knowledge, Failure> {
    use common::as_at::At;
    match at.and_then(|at| at.at.as_ref()) {
        None => Ok(Knowledge::at(position)),
        Some(At::Position(at)) => Ok(Knowledge::at(position.min(*at))),
        Some(At::Time(time)) => {
            let instant = jiff::Timestamp::new(time.seconds, time.nanos).map_err(|error| {
                let value = format!("{} s {} ns", time.seconds, time.nanos);
                Failure::new(Class::Invalid, "invalid-time", error.to_string()).at("as_at.time", value)
            })?;
            Ok(Knowledge { position, time: Some(instant) })
        }
        Some(At::Release(text)) => release(book, text).map(Knowledge::at),
    }
}

/// Position of the commit of a release, by its identifier or by its vintage.
fn release(book: &Book, text: &str) -> Result<u64, Failure> {
    let text = text.trim();
    let entries = book.entries();
    if let Some(entry) = entries.iter().rev().find(|entry| entry.id() == text) {
        return Ok(entry.committed.position);
    }
    let of_vintage = || entries.iter().filter(|entry| entry.content.release.vintage == text);
    let ids: BTreeSet<_> = of_vintage().map(|entry| entry.id()).collect();
    match (ids.len(), of_vintage().next_back()) {
        (1, Some(entry)) => Ok(entry.committed.position),
        (0, _) | (_, None) => {
            let known: BTreeSet<_> = entries.iter().map(|entry| entry.id()).collect();
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
    const MOST: usize = 10;
    let some: Vec<_> = ids.iter().take(MOST).copied().collect();
    match (some.is_empty(), ids.len() > MOST) {
        (true, _) => "nothing is committed yet".to_owned(),
        (false, true) => format!("{lead} {} and more", some.join(", ")),
        (false, false) => format!("{lead} {}", some.join(", ")),
    }
}

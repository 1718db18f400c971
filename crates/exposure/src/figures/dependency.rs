//! Tests of dependency on trade: the world's exports, a bloc's imports from outside, imports over exports, and the years in
//! which the tests of GeoDep and of the European Commission were met.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::{Consumer, blocs, economies};
use orewatch_measures::{
    Amount, EcYear, Estimate, ExtraImports, GeodepYear, Measure, Status, Term, Terms, TradeBalance, Weight,
    ec_dependency_years, geodep_years,
};

use super::recorded::of_the_world;
use super::{Answer, Collector, Contribution, Explanation, Family, Key, Question, Reach, unit_of};
use crate::accounts::{NO_TRADE, NOT_REPORTED};
use crate::book::EconomyId;
use crate::scope::Scope;

const NOT_THE_WORLD: &str = "exports are measured for the world, WLD";
const NOTHING: &str = "it imports nothing here: the tests are not met";
const MONTHS: &str = "the tests are of calendar years: they are not put to months";

/// Trade of one year. The concentration of exports exists for the world, the share of imports from outside for blocs,
/// imports over exports for economies and blocs that import.
pub(super) struct OneYear;

/// Years of three. They exist for economies and blocs that import in the latest, and for no month.
pub(super) struct ThreeYears;

const OF_ONE_YEAR: &[Measure] = &[Measure::ExportHhi, Measure::ExtraImportShare, Measure::ImportExportRatio];
const OF_THREE_YEARS: &[Measure] = &[Measure::EcDependencyYears, Measure::GeodepYears];
const WEIGHTS: [Weight; 2] = [Weight::Quantity, Weight::Value];

impl Family for OneYear {
    fn measures(&self) -> &'static [Measure] {
        OF_ONE_YEAR
    }

    fn reach(&self) -> Reach {
        Reach::FLOWS
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let wanted: Vec<_> = WEIGHTS.into_iter().filter(|by| figures.wants_any(OF_ONE_YEAR, *by)).collect();
        if wanted.is_empty() {
            return;
        }
        for consumer in figures.of(scope.accounts().importers()) {
            for by in &wanted {
                for measure in OF_ONE_YEAR.iter().filter(|measure| exists(**measure, consumer)) {
                    let key = Key { measure: *measure, by: *by, consumer: consumer.code(), supplier: None };
                    if figures.wants(*measure, *by) {
                        figures.push(key, of_one_year(scope, *measure, consumer, *by));
                    }
                }
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        let Key { measure, by, .. } = asked.key;
        let world = asked.consumer == Consumer::World;
        if scope.accounts().view().flows.is_none() {
            return Answer::missing(Status::Unavailable, NO_TRADE);
        }
        match measure {
            Measure::ExportHhi if !world => Answer::missing(Status::NotApplicable, NOT_THE_WORLD),
            Measure::ExportHhi => of_one_year(scope, measure, asked.consumer, by).into(),
            _ => {
                of_the_world(asked).unwrap_or_else(|| of_one_year(scope, measure, asked.consumer, by).into())
            }
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let (consumer, by, unit) = (asked.consumer, asked.key.by, unit_of(asked.key.by));
        let imports = scope.accounts().imports(consumer, by);
        let contributions =
            imports.as_ref().map(|imports| Contribution::of(imports, unit)).unwrap_or_default();
        let (terms, mut rows) = match asked.key.measure {
            Measure::ExportHhi => {
                let sum = imports.map(|exports| Term::new("sum(a)", exports.total().estimate(), unit));
                (sum.into_iter().collect(), Vec::new())
            }
            Measure::ExtraImportShare => {
                (extra(scope, consumer, by).terms(unit), scope.inner_cited(consumer))
            }
            _ => (balance(scope, consumer, by).terms(unit), scope.exports_cited(consumer)),
        };
        rows.extend(scope.imports_cited(consumer));
        Explanation { terms, contributions, rows, ..Explanation::default() }
    }
}

fn exists(measure: Measure, consumer: Consumer) -> bool {
    match measure {
        Measure::ExportHhi => consumer == Consumer::World,
        Measure::ExtraImportShare => matches!(consumer, Consumer::Bloc(_)),
        _ => consumer != Consumer::World,
    }
}

fn of_one_year(scope: &Scope<'_>, measure: Measure, consumer: Consumer, by: Weight) -> Estimate {
    match measure {
        Measure::ExportHhi => concentration(scope, Consumer::World, by),
        Measure::ExtraImportShare => extra(scope, consumer, by).share(),
        _ => balance(scope, consumer, by).ratio(),
    }
}

/// Concentration of a consumer's imports; of the world's, by exporter, which are all exports.
fn concentration(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Estimate {
    let imports = scope.accounts().imports(consumer, by);
    imports.map_or(Estimate::missing(Status::NotApplicable, NOTHING), |imports| imports.hhi())
}

fn imports(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Amount {
    // Not added to nothing, which would be a known part of it.
    if scope.accounts().is_silent(consumer) {
        return Amount::unavailable();
    }
    scope.accounts().imports(consumer, by).map_or(Amount::NOTHING, |imports| imports.total())
}

fn extra(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> ExtraImports {
    let accounts = scope.accounts();
    let inside = accounts.insiders(consumer);
    let range = accounts.range_of(consumer).iter();
    let inner = range.filter(|pair| inside(pair.importer) && inside(pair.exporter));
    let intra = inner.map(|pair| pair.amount(by)).fold(Amount::NOTHING, |sum, amount| sum + amount);
    // What is of unknown origin may be from outside or from inside.
    let unknown = accounts.unknown_imports(consumer, by).into_iter().map(|(_, amount)| amount);
    let Some(unknown) = unknown.reduce(|a, b| a + b) else {
        return ExtraImports { extra: imports(scope, consumer, by), intra };
    };
    let extra = imports(scope, consumer, by).less_at_most(unknown);
    ExtraImports { extra, intra: intra + Amount::between(0.0, unknown.high()) }
}

fn balance(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> TradeBalance {
    TradeBalance { imports: imports(scope, consumer, by), exports: exports(scope, consumer, by) }
}

fn exports(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Amount {
    if let Consumer::Economy(economy) = consumer {
        let all = Exports::of(scope);
        let place = EconomyId::of(economy.iso3);
        return place.map_or(Amount::NOTHING, |place| all.of_economy(place, by));
    }
    scope.accounts().exported(consumer, by)
}

/// Exports of every economy, added up in one pass, in the order of the pairs. None: nobody says anything of them.
struct Exports {
    quantity: Vec<Option<Amount>>,
    value: Vec<Option<Amount>>,
}

impl Exports {
    fn of(scope: &Scope<'_>) -> Rc<Self> {
        scope.once(|scope| {
            let accounts = scope.accounts();
            let nothing = vec![None; economies().len()];
            let mut all = Self { quantity: nothing.clone(), value: nothing };
            for pair in accounts.pairs().iter().filter(|pair| pair.importer != pair.exporter) {
                all.add(pair.exporter, pair.quantity, pair.value);
            }
            for (exporter, quantity, value) in accounts.unplaced() {
                all.add(exporter, quantity, value);
            }
            for place in EconomyId::all() {
                if let Some(unreported) = accounts.unreported_exports_of(place) {
                    all.add_unreported(place, unreported);
                }
            }
            all
        })
    }

    /// Alone where nothing is reported: added to nothing there would be a known part.
    fn add_unreported(&mut self, exporter: EconomyId, unreported: Amount) {
        for sums in [&mut self.quantity, &mut self.value] {
            if let Some(sum) = sums.get_mut(exporter.index()) {
                *sum = Some(sum.map_or(unreported, |sum| sum + unreported));
            }
        }
    }

    fn add(&mut self, exporter: EconomyId, quantity: Amount, value: Amount) {
        for (sums, amount) in [(&mut self.quantity, quantity), (&mut self.value, value)] {
            if let Some(sum) = sums.get_mut(exporter.index()) {
                *sum = Some(sum.unwrap_or(Amount::NOTHING) + amount);
            }
        }
    }

    fn of_economy(&self, place: EconomyId, by: Weight) -> Amount {
        let sums = match by {
            Weight::Quantity => &self.quantity,
            Weight::Value => &self.value,
        };
        sums.get(place.index()).copied().flatten().unwrap_or(Amount::NOTHING)
    }
}

/// What the tests look at in one year, for everyone who imports.
struct Tests {
    export_hhi: Estimate,
    importers: BTreeMap<&'static str, EcYear>,
    /// Codes of consumers of whose imports nothing is known but that they are not reported.
    silent: BTreeSet<&'static str>,
}

impl Tests {
    /// None: the year has no trade figures.
    fn of(scope: &Scope<'_>) -> Option<Rc<Self>> {
        scope.accounts().rows()?;
        Some(scope.once(|scope| {
            let accounts = scope.accounts();
            let mut importers = accounts.importers();
            importers.retain(|consumer| *consumer != Consumer::World);
            let year = |consumer: Consumer| (consumer.code(), ec_year(scope, consumer));
            let everyone =
                economies().iter().map(Consumer::Economy).chain(blocs().iter().map(Consumer::Bloc));
            let silent = everyone.filter(|consumer| accounts.is_silent(*consumer));
            Self {
                silent: silent.map(|consumer| consumer.code()).collect(),
                export_hhi: concentration(scope, Consumer::World, Weight::Value),
                importers: importers.into_iter().map(year).collect(),
            }
        }))
    }

    fn ec(&self, consumer: Consumer) -> EcYear {
        let nothing = if self.silent.contains(consumer.code()) {
            Estimate::missing(Status::Unavailable, NOT_REPORTED)
        } else {
            Estimate::missing(Status::NotApplicable, NOTHING)
        };
        let none = EcYear { import_hhi: nothing, extra_share: nothing, ratio: nothing };
        self.importers.get(consumer.code()).copied().unwrap_or(none)
    }

    fn geodep(&self, consumer: Consumer) -> GeodepYear {
        let EcYear { import_hhi, ratio, .. } = self.ec(consumer);
        GeodepYear { import_hhi, export_hhi: self.export_hhi, ratio }
    }
}

fn ec_year(scope: &Scope<'_>, consumer: Consumer) -> EcYear {
    let by = Weight::Value;
    EcYear {
        import_hhi: concentration(scope, consumer, by),
        extra_share: extra(scope, consumer, by).share(),
        ratio: balance(scope, consumer, by).ratio(),
    }
}

/// The tests of the market's year and of the two before.
fn years(scope: &Scope<'_>) -> [Option<Rc<Tests>>; 3] {
    [0, 1, 2].map(|back| scope.earlier(back).and_then(|year| Tests::of(&year)))
}

fn of_three_years(measure: Measure, consumer: Consumer, years: &[Option<Rc<Tests>>; 3]) -> Estimate {
    let [a, b, c] = years.each_ref().map(Option::as_deref);
    match measure {
        Measure::GeodepYears => geodep_years(&[a, b, c].map(|year| year.map(|tests| tests.geodep(consumer)))),
        _ => ec_dependency_years(&[a, b, c].map(|year| year.map(|tests| tests.ec(consumer)))),
    }
}

impl Family for ThreeYears {
    fn measures(&self) -> &'static [Measure] {
        OF_THREE_YEARS
    }

    fn reach(&self) -> Reach {
        Reach { network: true, earlier: 2, ..Reach::FLOWS }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let by = Weight::Value;
        let wanted = figures.wants_any(OF_THREE_YEARS, by) && !scope.market().period.is_month();
        if !wanted || scope.accounts().view().flows.is_none() {
            return;
        }
        let years = years(scope);
        let mut consumers = figures.of(scope.accounts().importers());
        consumers.retain(|consumer| *consumer != Consumer::World);
        for consumer in consumers {
            for measure in OF_THREE_YEARS {
                let key = Key { measure: *measure, by, consumer: consumer.code(), supplier: None };
                figures.push(key, of_three_years(*measure, consumer, &years));
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        if scope.market().period.is_month() {
            return Answer::missing(Status::NotApplicable, MONTHS);
        }
        if scope.accounts().view().flows.is_none() {
            return Answer::missing(Status::Unavailable, NO_TRADE);
        }
        of_the_world(asked)
            .unwrap_or_else(|| of_three_years(asked.key.measure, asked.consumer, &years(scope)).into())
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let consumer = asked.consumer;
        let mut explanation = Explanation::default();
        if scope.market().period.is_month() {
            return explanation;
        }
        for year in [0, 1, 2].into_iter().filter_map(|back| scope.earlier(back)) {
            let Some(tests) = Tests::of(&year) else { continue };
            let terms: Terms = match asked.key.measure {
                Measure::GeodepYears => tests.geodep(consumer).terms(),
                _ => tests.ec(consumer).terms(),
            };
            explanation.terms.extend(terms);
            explanation.rows.extend(match asked.key.measure {
                // The concentration of the world's exports looks at every flow, the consumer's among them.
                Measure::GeodepYears => year.imports_cited(Consumer::World),
                _ => [year.imports_cited(consumer), year.inner_cited(consumer), year.exports_cited(consumer)]
                    .concat(),
            });
        }
        let imports = scope.accounts().imports(consumer, Weight::Value);
        let contributions = imports.map(|imports| Contribution::of(&imports, unit_of(Weight::Value)));
        Explanation { contributions: contributions.unwrap_or_default(), ..explanation }
    }
}

//! Tests of dependency on trade: concentration of the world's exports, a bloc's imports from outside, ratio
//! of imports to exports, and the years in which the tests of GeoDep and of the European Commission were met.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::{Consumer, blocs, economies};
use orewatch_measures::{
    Amount, EcYear, Estimate, ExtraImports, GeodepYear, Measure, Status, Term, Terms, TradeBalance, Weight,
    ec_dependency_years, geodep_years,
};

use super::recorded::no_figure_for_world;
use super::{
    Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach, unit_of,
};
use crate::accounts::{NO_TRADE, NOT_REPORTED};
use crate::book::EconomyId;
use crate::scope::Scope;

const NOT_THE_WORLD: &str = "exports are measured for the world, WLD";
const NOTHING: &str = "it imports nothing here: the tests are not met";
const MONTHS: &str = "the tests are of calendar years: they are not put to months";

/// Measures of one year: the concentration of exports for the world, the share of imports from outside for
/// blocs, the ratio of imports to exports for economies and blocs that import.
pub(super) struct YearlyTests;

/// Counts of years of three, for economies and blocs that import in the latest of them. Not for months.
pub(super) struct DependencyYears;

const OF_ONE_YEAR: &[Measure] = &[Measure::ExportHhi, Measure::ExtraImportShare, Measure::ImportExportRatio];
const OF_THREE_YEARS: &[Measure] = &[Measure::EcDependencyYears, Measure::GeodepYears];
const WEIGHTS: [Weight; 2] = [Weight::Quantity, Weight::Value];

impl Family for YearlyTests {
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
        for consumer in figures.wanted_consumers(scope.accounts().importers()) {
            for by in &wanted {
                for measure in OF_ONE_YEAR.iter().filter(|measure| exists(**measure, consumer)) {
                    let key =
                        FigureKey { measure: *measure, by: *by, consumer: consumer.code(), supplier: None };
                    if figures.wants(*measure, *by) {
                        figures.push(key, figure_of_year(scope, *measure, consumer, *by));
                    }
                }
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        let FigureKey { measure, by, .. } = request.key;
        let world = request.consumer == Consumer::World;
        if scope.accounts().view().flows.is_none() {
            return NamedEstimate::missing(Status::Unavailable, NO_TRADE);
        }
        match measure {
            Measure::ExportHhi if !world => NamedEstimate::missing(Status::NotApplicable, NOT_THE_WORLD),
            Measure::ExportHhi => figure_of_year(scope, measure, request.consumer, by).into(),
            _ => no_figure_for_world(request)
                .unwrap_or_else(|| figure_of_year(scope, measure, request.consumer, by).into()),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let (consumer, by, unit) = (request.consumer, request.key.by, unit_of(request.key.by));
        let imports = scope.accounts().imports(consumer, by);
        let contributions =
            imports.as_ref().map(|imports| Contribution::from_sourcing(imports, unit)).unwrap_or_default();
        let (terms, mut rows) = match request.key.measure {
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

fn figure_of_year(scope: &Scope<'_>, measure: Measure, consumer: Consumer, by: Weight) -> Estimate {
    match measure {
        Measure::ExportHhi => concentration(scope, Consumer::World, by),
        Measure::ExtraImportShare => extra(scope, consumer, by).share(),
        _ => balance(scope, consumer, by).ratio(),
    }
}

/// Concentration of a consumer's imports. Those of the world, by exporter, are all exports.
fn concentration(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Estimate {
    let imports = scope.accounts().imports(consumer, by);
    imports.map_or(Estimate::missing(Status::NotApplicable, NOTHING), |imports| imports.hhi())
}

fn imports(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Amount {
    // Without `+ NOTHING`, which would count as a known part.
    if scope.accounts().has_only_unreported_imports(consumer) {
        return Amount::unavailable();
    }
    scope.accounts().imports(consumer, by).map_or(Amount::NOTHING, |imports| imports.total())
}

fn extra(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> ExtraImports {
    let accounts = scope.accounts();
    let inside = accounts.inside(consumer);
    let range = accounts.pairs_with_imports(consumer).iter();
    let inner = range.filter(|pair| inside(pair.importer) && inside(pair.exporter));
    let intra = inner.map(|pair| pair.amount(by)).fold(Amount::NOTHING, |sum, amount| sum + amount);
    // Imports of unknown origin may come from outside or from inside.
    let unknown = accounts.unknown_imports(consumer, by).into_iter().map(|(_, amount)| amount);
    let Some(unknown) = unknown.reduce(|a, b| a + b) else {
        return ExtraImports { extra: imports(scope, consumer, by), intra };
    };
    let extra = imports(scope, consumer, by).minus_possible_overlap(unknown);
    ExtraImports { extra, intra: intra + Amount::between(0.0, unknown.high()) }
}

fn balance(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> TradeBalance {
    TradeBalance { imports: imports(scope, consumer, by), exports: exports(scope, consumer, by) }
}

fn exports(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Amount {
    if let Consumer::Economy(economy) = consumer {
        let all = Exports::compute(scope);
        let economy = EconomyId::from_code(economy.iso3);
        return economy.map_or(Amount::NOTHING, |economy| all.of_economy(economy, by));
    }
    scope.accounts().exports(consumer, by)
}

/// Exports of every economy, summed in one pass in the order of the pairs. `None`: nobody reports on them.
struct Exports {
    quantity: Vec<Option<Amount>>,
    value: Vec<Option<Amount>>,
}

impl Exports {
    fn compute(scope: &Scope<'_>) -> Rc<Self> {
        scope.compute_once(|scope| {
            let accounts = scope.accounts();
            let nothing = vec![None; economies().len()];
            let mut all = Self { quantity: nothing.clone(), value: nothing };
            for pair in accounts.pairs().iter().filter(|pair| pair.importer != pair.exporter) {
                all.add(pair.exporter, pair.quantity, pair.value);
            }
            for (exporter, quantity, value) in accounts.exports_to_unknown_by_exporter() {
                all.add(exporter, quantity, value);
            }
            for economy in EconomyId::iter() {
                if let Some(unreported) = accounts.unreported_exports_of(economy) {
                    all.add_unreported(economy, unreported);
                }
            }
            all
        })
    }

    /// Adds exports that are not reported. Where nothing else is, they are stored alone: a sum with `NOTHING`
    /// would count as partly known.
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

    fn of_economy(&self, economy: EconomyId, by: Weight) -> Amount {
        let sums = match by {
            Weight::Quantity => &self.quantity,
            Weight::Value => &self.value,
        };
        sums.get(economy.index()).copied().flatten().unwrap_or(Amount::NOTHING)
    }
}

/// The inputs of the tests in one year, by importer.
struct Tests {
    export_hhi: Estimate,
    importers: BTreeMap<&'static str, EcYear>,
    /// Codes of consumers of whose imports is only known that they are not reported.
    silent: BTreeSet<&'static str>,
}

impl Tests {
    /// `None`: the year has no trade figures.
    fn compute(scope: &Scope<'_>) -> Option<Rc<Self>> {
        scope.accounts().rows()?;
        Some(scope.compute_once(|scope| {
            let accounts = scope.accounts();
            let mut importers = accounts.importers();
            importers.retain(|consumer| *consumer != Consumer::World);
            let year = |consumer: Consumer| (consumer.code(), ec_year(scope, consumer));
            let everyone =
                economies().iter().map(Consumer::Economy).chain(blocs().iter().map(Consumer::Bloc));
            let silent = everyone.filter(|consumer| accounts.has_only_unreported_imports(*consumer));
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

/// The tests of the market's year and of the two years before.
fn years(scope: &Scope<'_>) -> [Option<Rc<Tests>>; 3] {
    [0, 1, 2].map(|back| scope.earlier(back).and_then(|year| Tests::compute(&year)))
}

fn of_three_years(measure: Measure, consumer: Consumer, years: &[Option<Rc<Tests>>; 3]) -> Estimate {
    let [a, b, c] = years.each_ref().map(Option::as_deref);
    match measure {
        Measure::GeodepYears => geodep_years(&[a, b, c].map(|year| year.map(|tests| tests.geodep(consumer)))),
        _ => ec_dependency_years(&[a, b, c].map(|year| year.map(|tests| tests.ec(consumer)))),
    }
}

impl Family for DependencyYears {
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
        let mut consumers = figures.wanted_consumers(scope.accounts().importers());
        consumers.retain(|consumer| *consumer != Consumer::World);
        for consumer in consumers {
            for measure in OF_THREE_YEARS {
                let key = FigureKey { measure: *measure, by, consumer: consumer.code(), supplier: None };
                figures.push(key, of_three_years(*measure, consumer, &years));
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        if scope.market().period.is_month() {
            return NamedEstimate::missing(Status::NotApplicable, MONTHS);
        }
        if scope.accounts().view().flows.is_none() {
            return NamedEstimate::missing(Status::Unavailable, NO_TRADE);
        }
        no_figure_for_world(request)
            .unwrap_or_else(|| of_three_years(request.key.measure, request.consumer, &years(scope)).into())
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let consumer = request.consumer;
        let mut explanation = Explanation::default();
        if scope.market().period.is_month() {
            return explanation;
        }
        for year in [0, 1, 2].into_iter().filter_map(|back| scope.earlier(back)) {
            let Some(tests) = Tests::compute(&year) else { continue };
            let terms: Terms = match request.key.measure {
                Measure::GeodepYears => tests.geodep(consumer).terms(),
                _ => tests.ec(consumer).terms(),
            };
            explanation.terms.extend(terms);
            explanation.rows.extend(match request.key.measure {
                // The concentration of the world's exports uses every flow, those of the consumer included.
                Measure::GeodepYears => year.imports_cited(Consumer::World),
                _ => [year.imports_cited(consumer), year.inner_cited(consumer), year.exports_cited(consumer)]
                    .concat(),
            });
        }
        let imports = scope.accounts().imports(consumer, Weight::Value);
        let contributions =
            imports.map(|imports| Contribution::from_sourcing(&imports, unit_of(Weight::Value)));
        Explanation { contributions: contributions.unwrap_or_default(), ..explanation }
    }
}

//! The figures of a market: every measure for everyone it exists for, or one that is asked for.

use orewatch_catalog::Consumer;
use orewatch_measures::{Estimate, Measure, Sourcing, Status, Table, Weight};

use crate::accounts::{Accounts, NO_OUTPUT, NO_TRADE};
use crate::book::EconomyId;

const INSIDE: &str = "the supplier is part of the consumer: trade inside it is left out";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";
const NOT_THE_WORLD: &str = "output is measured for the world, WLD";
const THE_WORLD: &str = "the world imports from nobody: ask for an economy or a bloc";

/// What a figure is about, within its market. The order of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The measure.
    pub measure: Measure,
    /// What suppliers are weighed by.
    pub by: Weight,
    /// Code of the consumer.
    pub consumer: &'static str,
    /// The supplier, for measures that have one.
    pub supplier: Option<EconomyId>,
}

/// The suppliers that a top-n figure names, largest first.
pub type Names = [Option<EconomyId>; 3];

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// What it is about.
    pub key: Key,
    /// The figure.
    pub estimate: Estimate,
    /// The suppliers it names.
    pub names: Names,
}

/// A figure that differs, with what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// What it is about.
    pub key: Key,
    /// The figure. None: it has ceased to exist.
    pub new: Option<Figure>,
    /// What it was. None: it did not exist.
    pub old: Option<Estimate>,
}

impl Figure {
    /// Whether nothing that a reader sees of the figure differs, to the bit.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let bits = |estimate: &Estimate| {
            [estimate.value, estimate.low, estimate.high, estimate.coverage]
                .map(|number| number.map(f64::to_bits))
        };
        let (a, b) = (&self.estimate, &other.estimate);
        (self.key, self.names, a.status, a.reason) == (other.key, other.names, b.status, b.reason)
            && bits(a) == bits(b)
    }
}

/// Which figures of a market are wanted.
pub trait Wanted {
    /// Figures of this consumer.
    fn consumer(&self, code: &str) -> bool;
    /// Figures of this measure.
    fn measure(&self, measure: Measure) -> bool;
    /// Figures by this weight.
    fn by(&self, by: Weight) -> bool;
    /// Figures about this supplier, or about none.
    fn supplier(&self, supplier: Option<EconomyId>) -> bool;
}

/// Every figure is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Everything;

impl Wanted for Everything {
    fn consumer(&self, _: &str) -> bool {
        true
    }
    fn measure(&self, _: Measure) -> bool {
        true
    }
    fn by(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// The measures of one sourcing, by table.
struct Measures {
    share: Measure,
    hhi: Measure,
    suppliers: Measure,
    top1: Measure,
    top3: Measure,
}

const OF_IMPORTS: Measures = Measures {
    share: Measure::ImportShare,
    hhi: Measure::ImportHhi,
    suppliers: Measure::ImportSuppliers,
    top1: Measure::ImportTop1,
    top3: Measure::ImportTop3,
};

const OF_OUTPUT: Measures = Measures {
    share: Measure::ProductionShare,
    hhi: Measure::ProductionHhi,
    suppliers: Measure::ProductionSuppliers,
    top1: Measure::ProductionTop1,
    top3: Measure::ProductionTop3,
};

/// Collects the figures that are wanted.
struct Collector<'a, W> {
    wanted: &'a W,
    figures: Vec<Figure>,
}

impl<W: Wanted> Collector<'_, W> {
    fn sourcing(
        &mut self,
        of: &Measures,
        consumer: &'static str,
        by: Weight,
        sourcing: &Sourcing<EconomyId>,
    ) {
        if self.wanted.measure(of.share) {
            for (supplier, estimate) in sourcing.shares() {
                self.push(of.share, by, consumer, Some(supplier), estimate, [None; 3]);
            }
        }
        for measure in [of.hhi, of.suppliers, of.top1, of.top3] {
            if self.wanted.measure(measure) && self.wanted.supplier(None) {
                let (estimate, names) = concentration(measure, sourcing);
                self.push(measure, by, consumer, None, estimate, names);
            }
        }
    }

    fn push(
        &mut self,
        measure: Measure,
        by: Weight,
        consumer: &'static str,
        supplier: Option<EconomyId>,
        estimate: Estimate,
        names: Names,
    ) {
        if self.wanted.supplier(supplier) {
            self.figures.push(Figure { key: Key { measure, by, consumer, supplier }, estimate, names });
        }
    }
}

/// Every wanted figure of a market that exists, sorted by key.
///
/// Shares exist for suppliers with a flow or a listed output; measures of imports for economies, blocs and the world as far
/// as they import; measures of output for the world; net import reliance where output and trade are on one basis.
#[must_use]
pub fn figures(accounts: &Accounts<'_>, wanted: &impl Wanted) -> Vec<Figure> {
    let mut all = Collector { wanted, figures: Vec::new() };
    for consumer in accounts.importers().into_iter().filter(|consumer| wanted.consumer(consumer.code())) {
        for by in [Weight::Quantity, Weight::Value].into_iter().filter(|by| wanted.by(*by)) {
            if let Some(imports) = accounts.imports(consumer, by) {
                all.sourcing(&OF_IMPORTS, consumer.code(), by, &imports);
            }
        }
    }
    if wanted.by(Weight::Quantity) {
        if wanted.consumer(Consumer::World.code())
            && let Some(output) = accounts.output()
        {
            all.sourcing(&OF_OUTPUT, Consumer::World.code(), Weight::Quantity, &output);
        }
        if wanted.measure(Measure::NetImportReliance) && wanted.supplier(None) {
            for consumer in accounts.reliant().into_iter().filter(|consumer| wanted.consumer(consumer.code()))
            {
                if let Ok(reliance) = accounts.reliance(consumer) {
                    let measure = Measure::NetImportReliance;
                    all.push(
                        measure,
                        Weight::Quantity,
                        consumer.code(),
                        None,
                        reliance.estimate(),
                        [None; 3],
                    );
                }
            }
        }
    }
    all.figures.sort_unstable_by_key(|figure| figure.key);
    all.figures
}

/// One figure, whether it is published or not: what has no figure says why.
#[must_use]
pub fn figure(accounts: &Accounts<'_>, consumer: Consumer, key: Key) -> Figure {
    let (estimate, names) = match key.measure.method().table {
        Table::Trade => import_figure(accounts, consumer, key),
        Table::Production => output_figure(accounts, consumer, key),
        Table::Both => (reliance_figure(accounts, consumer), [None; 3]),
    };
    Figure { key, estimate, names }
}

fn import_figure(accounts: &Accounts<'_>, consumer: Consumer, key: Key) -> (Estimate, Names) {
    let missing = |status, reason| (Estimate::missing(status, reason), [None; 3]);
    if accounts.view().flows.is_none() {
        return missing(Status::Unavailable, NO_TRADE);
    }
    let inside = |supplier| !matches!(consumer, Consumer::World) && accounts.is_inside(consumer, supplier);
    match accounts.imports(consumer, key.by) {
        None => missing(Status::NotApplicable, IMPORTS_NOTHING),
        Some(_) if key.supplier.is_some_and(inside) => missing(Status::NotApplicable, INSIDE),
        Some(imports) => of_sourcing(key, &imports),
    }
}

fn output_figure(accounts: &Accounts<'_>, consumer: Consumer, key: Key) -> (Estimate, Names) {
    let missing = |status, reason| (Estimate::missing(status, reason), [None; 3]);
    match accounts.output() {
        _ if consumer != Consumer::World => missing(Status::NotApplicable, NOT_THE_WORLD),
        None => missing(Status::Unavailable, NO_OUTPUT),
        Some(output) => of_sourcing(key, &output),
    }
}

fn reliance_figure(accounts: &Accounts<'_>, consumer: Consumer) -> Estimate {
    match accounts.reliance(consumer) {
        _ if consumer == Consumer::World => Estimate::missing(Status::NotApplicable, THE_WORLD),
        Ok(reliance) => reliance.estimate(),
        Err(gap) => Estimate::missing(Status::Unavailable, gap),
    }
}

fn of_sourcing(key: Key, sourcing: &Sourcing<EconomyId>) -> (Estimate, Names) {
    match key.supplier {
        Some(supplier) => (sourcing.share(supplier), [None; 3]),
        None => concentration(key.measure, sourcing),
    }
}

fn concentration(measure: Measure, sourcing: &Sourcing<EconomyId>) -> (Estimate, Names) {
    match measure {
        Measure::ImportTop1 | Measure::ProductionTop1 => named(sourcing.top::<1>()),
        Measure::ImportTop3 | Measure::ProductionTop3 => named(sourcing.top::<3>()),
        Measure::ImportSuppliers | Measure::ProductionSuppliers => {
            (sourcing.effective_suppliers(), [None; 3])
        }
        _ => (sourcing.hhi(), [None; 3]),
    }
}

fn named((estimate, suppliers): (Estimate, Vec<EconomyId>)) -> (Estimate, Names) {
    let mut suppliers = suppliers.into_iter();
    (estimate, std::array::from_fn(|_| suppliers.next()))
}

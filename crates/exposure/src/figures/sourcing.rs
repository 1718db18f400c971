//! Shares and concentration of a consumer's imports and of the world's output.

use orewatch_catalog::{Consumer, OTHER};
use orewatch_measures::{Amount, Measure, Sourcing, Status, Term, Weight};

use super::{
    Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach, unit_of,
};
use crate::accounts::{NO_OUTPUT, NO_TRADE, NOT_REPORTED, UnknownOrigin};
use crate::book::EconomyId;
use crate::scope::Scope;

const INSIDE: &str = "the supplier is part of the consumer: trade inside it is left out";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";
const NO_MEMBERS: &str = "the bloc has no members in this period: it was not founded yet, or is no more";
const NOT_THE_WORLD: &str = "output is measured for the world, WLD";

/// Measures of the imports of economies, of blocs and of the world. Shares exist for suppliers with a flow.
pub(super) struct ImportSources;

/// Measures of the output of the world. Shares exist for listed producers.
pub(super) struct WorldOutput;

const OF_IMPORTS: &[Measure] = &[
    Measure::ImportShare,
    Measure::ImportHhi,
    Measure::ImportSuppliers,
    Measure::ImportTop1,
    Measure::ImportTop3,
];

const OF_OUTPUT: &[Measure] = &[
    Measure::ProductionShare,
    Measure::ProductionHhi,
    Measure::ProductionSuppliers,
    Measure::ProductionTop1,
    Measure::ProductionTop3,
];

impl Family for ImportSources {
    fn measures(&self) -> &'static [Measure] {
        OF_IMPORTS
    }

    fn reach(&self) -> Reach {
        Reach { imports_only: true, ..Reach::FLOWS }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let weights = [Weight::Quantity, Weight::Value];
        let wanted: Vec<_> = weights.into_iter().filter(|by| figures.wants_any(OF_IMPORTS, *by)).collect();
        let accounts = scope.accounts();
        for consumer in figures.wanted_consumers(accounts.importers()) {
            for by in &wanted {
                if let Some(imports) = accounts
                    .imports(consumer, *by)
                    .filter(|_| !accounts.has_only_unreported_imports(consumer))
                {
                    collect(OF_IMPORTS, consumer, *by, &imports, figures);
                }
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        let accounts = scope.accounts();
        if accounts.view().flows.is_none() {
            return NamedEstimate::missing(Status::Unavailable, NO_TRADE);
        }
        let FigureRequest { consumer, key } = request;
        let inside = |supplier| consumer != Consumer::World && accounts.is_inside(consumer, supplier);
        match accounts.imports(consumer, key.by) {
            None if has_no_members(scope, consumer) => {
                NamedEstimate::missing(Status::NotApplicable, NO_MEMBERS)
            }
            None => NamedEstimate::missing(Status::NotApplicable, IMPORTS_NOTHING),
            Some(_) if key.supplier.is_some_and(inside) => {
                NamedEstimate::missing(Status::NotApplicable, INSIDE)
            }
            Some(_) if accounts.has_only_unreported_imports(consumer) => {
                NamedEstimate::missing(Status::Unavailable, NOT_REPORTED)
            }
            Some(imports) => sourcing_estimate(key.measure, key.supplier, &imports),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let accounts = scope.accounts();
        let imports = accounts.imports(request.consumer, request.key.by);
        let whole = imports.as_ref().map(Sourcing::total);
        let mut explanation = Explanation {
            rows: scope.imports_cited(request.consumer),
            ..explained(request, imports.as_ref(), whole)
        };
        explanation.contributions.retain(|contribution| contribution.supplier != OTHER);
        explanation.contributions.extend(of_unknown_origin(scope, request));
        explanation
    }
}

/// Contributions of imports of unknown origin, by the names that their sources give.
fn of_unknown_origin(scope: &Scope<'_>, request: FigureRequest) -> Vec<Contribution> {
    let (accounts, by) = (scope.accounts(), request.key.by);
    let contribution = |(origin, amount): (UnknownOrigin, Amount)| Contribution {
        supplier: origin.code(),
        amount: amount.estimate(),
        unit: unit_of(by),
        share: accounts.unknown_share(request.consumer, by, origin),
    };
    accounts.unknown_imports(request.consumer, by).into_iter().map(contribution).collect()
}

fn has_no_members(scope: &Scope<'_>, consumer: Consumer) -> bool {
    let period = scope.accounts().view().market.period;
    matches!(consumer, Consumer::Bloc(bloc) if bloc.members(period).is_empty())
}

impl Family for WorldOutput {
    fn measures(&self) -> &'static [Measure] {
        OF_OUTPUT
    }

    fn reach(&self) -> Reach {
        Reach::OUTPUT
    }

    fn is_projectable(&self) -> bool {
        true
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let wanted =
            figures.wants_any(OF_OUTPUT, Weight::Quantity) && figures.wants_consumer(Consumer::World.code());
        if let Some(output) = scope.accounts().output().filter(|_| wanted) {
            collect(OF_OUTPUT, Consumer::World, Weight::Quantity, &output, figures);
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        match scope.accounts().output() {
            _ if request.consumer != Consumer::World => {
                NamedEstimate::missing(Status::NotApplicable, NOT_THE_WORLD)
            }
            None => NamedEstimate::missing(Status::Unavailable, NO_OUTPUT),
            Some(output) => sourcing_estimate(request.key.measure, request.key.supplier, &output),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let output = scope.accounts().output();
        let listed = output.as_ref().map(listed);
        Explanation {
            rows: scope.output_cited(request.consumer),
            ..explained(request, output.as_ref(), listed)
        }
    }
}

/// Adds the wanted measures of one sourcing.
fn collect(
    measures: &[Measure],
    consumer: Consumer,
    by: Weight,
    sourcing: &Sourcing<EconomyId>,
    figures: &mut Collector<'_>,
) {
    let key = |measure, supplier| FigureKey { measure, by, consumer: consumer.code(), supplier };
    for measure in measures.iter().copied().filter(|measure| figures.wants(*measure, by)).collect::<Vec<_>>()
    {
        if measure.method().has_supplier {
            for (supplier, share) in sourcing.shares() {
                figures.push(key(measure, Some(supplier)), share);
            }
        } else {
            figures.push(key(measure, None), sourcing_estimate(measure, None, sourcing));
        }
    }
}

fn sourcing_estimate(
    measure: Measure,
    supplier: Option<EconomyId>,
    sourcing: &Sourcing<EconomyId>,
) -> NamedEstimate {
    match (measure, supplier) {
        (_, Some(supplier)) => sourcing.share(supplier).into(),
        (Measure::ImportTop1 | Measure::ProductionTop1, None) => named(sourcing.top::<1>()),
        (Measure::ImportTop3 | Measure::ProductionTop3, None) => named(sourcing.top::<3>()),
        (Measure::ImportSuppliers | Measure::ProductionSuppliers, None) => {
            sourcing.effective_suppliers().into()
        }
        _ => sourcing.hhi().into(),
    }
}

fn named((estimate, suppliers): (orewatch_measures::Estimate, Vec<EconomyId>)) -> NamedEstimate {
    let mut suppliers = suppliers.into_iter();
    NamedEstimate { estimate, names: std::array::from_fn(|_| suppliers.next()) }
}

/// Terms and contributions of a sourcing. `sum` is the sum of its formula: for imports it includes those of
/// unknown origin; for output the residual is a term of its own. The shares are contributions, not terms.
fn explained<'a>(
    request: FigureRequest,
    sourcing: Option<&Sourcing<EconomyId>>,
    sum: Option<Amount>,
) -> Explanation<'a> {
    let Some(sourcing) = sourcing else { return Explanation::default() };
    let unit = unit_of(request.key.by);
    let of_supplier = request.key.supplier.map(|supplier| amount_of(sourcing, supplier));
    let mut terms: Vec<_> =
        of_supplier.into_iter().map(|amount| Term::new("a_i", amount.estimate(), unit)).collect();
    terms.extend([
        Term::new("sum(a)", sum.unwrap_or(Amount::NOTHING).estimate(), unit),
        Term::new("R", sourcing.residual().estimate(), unit),
        Term::new("HHI", sourcing.hhi(), "hhi"),
    ]);
    Explanation {
        terms,
        contributions: Contribution::from_sourcing(sourcing, unit),
        ..Explanation::default()
    }
}

fn amount_of(sourcing: &Sourcing<EconomyId>, supplier: EconomyId) -> Amount {
    let found = sourcing.suppliers().iter().find(|(key, _)| *key == supplier).map(|(_, amount)| *amount);
    let residual = sourcing.residual().high();
    let unlisted = if residual > 0.0 { Amount::between(0.0, residual) } else { Amount::NOTHING };
    found.unwrap_or(unlisted)
}

fn listed(sourcing: &Sourcing<EconomyId>) -> Amount {
    let amounts = sourcing.suppliers().iter().map(|(_, amount)| *amount);
    amounts.reduce(|a, b| a + b).unwrap_or(Amount::NOTHING)
}

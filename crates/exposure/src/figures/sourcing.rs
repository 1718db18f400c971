//! Who supplies: shares and concentration of a consumer's imports and of the world's output.

use orewatch_catalog::{Consumer, OTHER};
use orewatch_measures::{Amount, Measure, Sourcing, Status, Term, Weight};

use super::{Answer, Collector, Contribution, Explanation, Family, Key, Question, Reach, unit_of};
use crate::accounts::{NO_OUTPUT, NO_TRADE, NOT_REPORTED, UnknownOrigin};
use crate::book::EconomyId;
use crate::scope::Scope;

const INSIDE: &str = "the supplier is part of the consumer: trade inside it is left out";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";
const NO_MEMBERS: &str = "the bloc has no members in this period: it was not founded yet, or is no more";
const NOT_THE_WORLD: &str = "output is measured for the world, WLD";

/// Imports of economies, of blocs and of the world, as far as they import. Shares exist for suppliers with a flow.
pub(super) struct Imports;

/// Output of the world. Shares exist for producers that are listed.
pub(super) struct World;

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

impl Family for Imports {
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
        for consumer in figures.of(accounts.importers()) {
            for by in &wanted {
                if let Some(imports) =
                    accounts.imports(consumer, *by).filter(|_| !accounts.is_silent(consumer))
                {
                    collect(OF_IMPORTS, consumer, *by, &imports, figures);
                }
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        let accounts = scope.accounts();
        if accounts.view().flows.is_none() {
            return Answer::missing(Status::Unavailable, NO_TRADE);
        }
        let Question { consumer, key } = asked;
        let inside = |supplier| consumer != Consumer::World && accounts.is_inside(consumer, supplier);
        match accounts.imports(consumer, key.by) {
            None if has_no_members(scope, consumer) => Answer::missing(Status::NotApplicable, NO_MEMBERS),
            None => Answer::missing(Status::NotApplicable, IMPORTS_NOTHING),
            Some(_) if key.supplier.is_some_and(inside) => Answer::missing(Status::NotApplicable, INSIDE),
            Some(_) if accounts.is_silent(consumer) => Answer::missing(Status::Unavailable, NOT_REPORTED),
            Some(imports) => of_sourcing(key.measure, key.supplier, &imports),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let accounts = scope.accounts();
        let imports = accounts.imports(asked.consumer, asked.key.by);
        let whole = imports.as_ref().map(Sourcing::total);
        let mut explanation = Explanation {
            rows: scope.imports_cited(asked.consumer),
            ..explained(asked, imports.as_ref(), whole)
        };
        explanation.contributions.retain(|contribution| contribution.supplier != OTHER);
        explanation.contributions.extend(of_unknown_origin(scope, asked));
        explanation
    }
}

/// What is of unknown origin, under the names that its sources give.
fn of_unknown_origin(scope: &Scope<'_>, asked: Question) -> Vec<Contribution> {
    let (accounts, by) = (scope.accounts(), asked.key.by);
    let contribution = |(origin, amount): (UnknownOrigin, Amount)| Contribution {
        supplier: origin.code(),
        amount: amount.estimate(),
        unit: unit_of(by),
        share: accounts.unknown_share(asked.consumer, by, origin),
    };
    accounts.unknown_imports(asked.consumer, by).into_iter().map(contribution).collect()
}

fn has_no_members(scope: &Scope<'_>, consumer: Consumer) -> bool {
    let period = scope.accounts().view().market.period;
    matches!(consumer, Consumer::Bloc(bloc) if bloc.members(period).is_empty())
}

impl Family for World {
    fn measures(&self) -> &'static [Measure] {
        OF_OUTPUT
    }

    fn reach(&self) -> Reach {
        Reach::OUTPUT
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let wanted =
            figures.wants_any(OF_OUTPUT, Weight::Quantity) && figures.wants_consumer(Consumer::World.code());
        if let Some(output) = scope.accounts().output().filter(|_| wanted) {
            collect(OF_OUTPUT, Consumer::World, Weight::Quantity, &output, figures);
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        match scope.accounts().output() {
            _ if asked.consumer != Consumer::World => Answer::missing(Status::NotApplicable, NOT_THE_WORLD),
            None => Answer::missing(Status::Unavailable, NO_OUTPUT),
            Some(output) => of_sourcing(asked.key.measure, asked.key.supplier, &output),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let output = scope.accounts().output();
        let listed = output.as_ref().map(listed);
        Explanation { rows: scope.output_cited(asked.consumer), ..explained(asked, output.as_ref(), listed) }
    }
}

/// The wanted measures of one sourcing.
fn collect(
    measures: &[Measure],
    consumer: Consumer,
    by: Weight,
    sourcing: &Sourcing<EconomyId>,
    figures: &mut Collector<'_>,
) {
    let key = |measure, supplier| Key { measure, by, consumer: consumer.code(), supplier };
    for measure in measures.iter().copied().filter(|measure| figures.wants(*measure, by)).collect::<Vec<_>>()
    {
        if measure.method().has_supplier {
            for (supplier, share) in sourcing.shares() {
                figures.push(key(measure, Some(supplier)), share);
            }
        } else {
            figures.push(key(measure, None), of_sourcing(measure, None, sourcing));
        }
    }
}

fn of_sourcing(measure: Measure, supplier: Option<EconomyId>, sourcing: &Sourcing<EconomyId>) -> Answer {
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

fn named((estimate, suppliers): (orewatch_measures::Estimate, Vec<EconomyId>)) -> Answer {
    let mut suppliers = suppliers.into_iter();
    Answer { estimate, names: std::array::from_fn(|_| suppliers.next()) }
}

/// Terms and contributions of a sourcing, given what its formula calls the sum: of imports that holds what is of unknown origin,
/// of output the residual stands beside it. The shares are no terms: each is among the contributions.
fn explained<'a>(
    asked: Question,
    sourcing: Option<&Sourcing<EconomyId>>,
    sum: Option<Amount>,
) -> Explanation<'a> {
    let Some(sourcing) = sourcing else { return Explanation::default() };
    let unit = unit_of(asked.key.by);
    let of_supplier = asked.key.supplier.map(|supplier| amount_of(sourcing, supplier));
    let mut terms: Vec<_> =
        of_supplier.into_iter().map(|amount| Term::new("a_i", amount.estimate(), unit)).collect();
    terms.extend([
        Term::new("sum(a)", sum.unwrap_or(Amount::NOTHING).estimate(), unit),
        Term::new("R", sourcing.residual().estimate(), unit),
        Term::new("HHI", sourcing.hhi(), "hhi"),
    ]);
    Explanation { terms, contributions: Contribution::of(sourcing, unit), ..Explanation::default() }
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

//! Releases of every table, drawn at random from a small world: few economies, two materials at three stages,
//! some years.

use orewatch_catalog::parameter::{ItemKind, PRINTED_FIGURE_ITEMS, Presence, SUPPLY_ITEMS};
use orewatch_catalog::{Parameter as Kind, parameters};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, GovernanceColumns, Parameter, ParameterColumns, Preference, Product,
    ProductionColumns, RestrictionColumns, Scope, Series, SourcePolicy, Table, TradeColumns,
};
use proptest::prelude::*;

/// Years that follow each other, for what looks back, and months.
const PERIODS: [&str; 5] = ["2021", "2022", "2023", "2023-05", "2023-06"];
pub(crate) const ECONOMIES: [&str; 6] = ["BEL", "CHN", "COD", "DEU", "FRA", "USA"];
/// Partners of trade that are no economies: they come after the economies in a dictionary.
const RESIDUALS: [&str; 2] = ["OTHER:bunkers", "OTHER:unspecified"];
/// Whom parameters are about, beside economies.
pub(crate) const OTHERS: [&str; 3] = ["EU27", "G7", "WLD"];
const MATERIALS: [&str; 2] = ["graphite", "rare-earths"];
const STAGES: [&str; 3] = ["mined", "refined", "manufactured"];
/// Product codes: material, stage.
pub(crate) const PRODUCTS: [(&str, usize, usize); 7] = [
    ("250410", 0, 0),
    ("380110", 0, 1),
    ("854511", 0, 2),
    ("253090", 1, 0),
    ("284690", 1, 1),
    ("280530", 1, 1),
    ("850511", 1, 2),
];
pub(crate) const INDICATORS: [&str; 6] = [
    "control-of-corruption",
    "government-effectiveness",
    "political-stability",
    "regulatory-quality",
    "rule-of-law",
    "voice-and-accountability",
];
const SECTORS: [&str; 2] = ["C24", "C26"];
const FORMS: [&str; 2] = ["all", "ore-and-concentrates"];
const DAYS: [&str; 5] = ["", "2022-03-01", "2022-12-31", "2023-06-15", "2024-02-01"];
const CONCERNED: [&str; 3] = ["", "USA", "DEU,EU27"];

/// What a parameter's item may be: none, a sector, a supply.
pub(crate) const ITEMS: [&str; 3] = ["", "C24", "GSonly"];

/// Period, exporter, importer, product, reporter, value, quantity.
type Flow = (u32, u32, u32, u32, i32, u8, Option<u8>);
/// Period, economy (the last is the residual), material, stage, quantity.
type Output = (u32, u32, usize, usize, Option<u8>);
/// Year, economy, indicator, value in tenths.
type GovernanceScore = (i32, u32, u32, i8);
/// Parameter, period, economy, partner, material, stage, item, size.
type Drawn = (prop::sample::Index, u32, usize, u32, usize, usize, usize, i8);
/// Economy, product (whether every product of its stage), first day, last day, those concerned, evaluation.
type Restricted = (u32, u32, bool, u32, u32, u32, i32);

/// What happens to the log.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A release of a table: the name of its dataset, its rows, and perhaps a scope that is stated for it.
    Release(&'static str, Box<Columns>, Option<Scope>),
    /// The source policy is revised.
    Policy(SourcePolicy),
    /// Rows are added to one of the releases so far: its own, of the same table or of another.
    Repair(prop::sample::Index, Box<Columns>),
    /// One of the releases so far is withdrawn.
    Withdraw(prop::sample::Index),
}

impl Step {
    /// What kind of step it is, with the dataset of a release.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Release(dataset, _, scope) => format!("release of {dataset}, scope {scope:?}"),
            Self::Policy(policy) => format!("policy {policy:?}"),
            Self::Repair(..) => "repair".to_owned(),
            Self::Withdraw(_) => "withdraw".to_owned(),
        }
    }
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let known = || prop::option::weighted(0.8, 0_u8..50);
    let flow = (0_u32..5, 0_u32..8, 0_u32..7, 0_u32..7, reporter(), 0_u8..50, known());
    let output = (0_u32..5, 0_u32..7, 0_usize..2, 0_usize..3, known());
    let governed = (2018_i32..2025, 0_u32..6, 0_u32..6, -25_i8..26);
    let drawn = (
        any::<prop::sample::Index>(),
        0_u32..5,
        0_usize..9,
        0_u32..6,
        0_usize..2,
        0_usize..3,
        0_usize..3,
        -2_i8..11,
    );
    let restricted = (0_u32..6, 0_u32..7, any::<bool>(), 0_u32..5, 0_u32..5, 0_u32..3, 0_i32..4);
    let rows = prop_oneof![
        3 => (trade_dataset(), prop::collection::vec(flow, 0..30))
            .prop_map(|(name, rows)| (name, trade(&rows))),
        2 => (output_dataset(), prop::collection::vec(output, 0..20))
            .prop_map(|(name, rows)| (name, production(&rows))),
        1 => prop::collection::vec(governed, 0..40).prop_map(|rows| ("wgi", governance(&rows))),
        2 => prop::collection::vec(drawn, 0..60).prop_map(|rows| ("methods", drawn_parameters(&rows))),
        1 => prop::collection::vec(restricted, 0..8).prop_map(|rows| ("oecd", restrictions(&rows))),
    ]
    .boxed();
    let release = |((dataset, columns), scope)| Step::Release(dataset, Box::new(columns), scope);
    let repair = |(index, (_, columns))| Step::Repair(index, Box::new(columns));
    prop_oneof![
        9 => (rows.clone(), prop::option::weighted(0.15, scope())).prop_map(release),
        1 => policy().prop_map(Step::Policy),
        3 => (any::<prop::sample::Index>(), rows).prop_map(repair),
        3 => any::<prop::sample::Index>().prop_map(Step::Withdraw),
    ]
}

/// A release of trade of one of these datasets. Declarations are of importers.
pub(crate) fn step_of(datasets: &'static [&'static str]) -> impl Strategy<Value = Step> + Clone {
    let flow =
        (0_u32..3, 0_u32..8, 0_u32..6, 0_u32..7, Just(0), 0_u8..50, prop::option::weighted(0.8, 0_u8..50));
    let rows = prop::collection::vec(flow, 1..20);
    (prop::sample::select(datasets), rows)
        .prop_map(|(dataset, rows)| Step::Release(dataset, Box::new(trade(&rows)), None))
}

/// A release of trade of declarations without rows of unknown origin, and the same with some.
pub(crate) fn with_unknown() -> impl Strategy<Value = (Step, Step)> {
    let flow =
        |exporters| (0_u32..3, exporters, 0_u32..6, 0_u32..7, Just(1), 1_u8..50, (1_u8..50).prop_map(Some));
    let known = prop::collection::vec(flow(0_u32..6), 1..20);
    let unknown = prop::collection::vec((any::<prop::sample::Index>(), 6_u32..8, 1_u8..50), 1..6);
    (known, unknown).prop_map(|(mut known, unknown)| {
        // A row of one economy alone is no row.
        for (_, exporter, importer, ..) in &mut known {
            *importer = if exporter == importer { (*importer + 1) % 6 } else { *importer };
        }
        // Who is not known to trade does not report by it: only the origin of some imports is not known.
        let more = unknown.into_iter().map(|(index, from, tonnes)| {
            let (period, _, importer, product, reporter, value, _) = *index.get(&known);
            (period, from, importer, product, reporter, value, Some(tonnes))
        });
        let both: Vec<_> = known.iter().copied().chain(more).collect();
        let step = |rows: &[Flow]| Step::Release("comtrade-h6", Box::new(trade(rows)), None);
        (step(&known), step(&both))
    })
}

/// Suppliers, and the members of the G7.
const G7: [&str; 9] = ["CHL", "CHN", "CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "USA"];

/// Declarations of all members of the G7 for 2021 and of all but one for 2022, and the late report, which
/// imports no more than that member did the year before.
pub(crate) fn declared_before_and_after() -> impl Strategy<Value = (Step, Step)> {
    let flow = |period: u32| {
        move |importer: u32| {
            (0_u32..2, 1_u8..40)
                .prop_map(move |(from, tonnes)| (period, from, importer, 0, 1, 5, Some(tonnes)))
        }
    };
    let others = |period| [2, 4, 5, 6, 7, 8].map(flow(period));
    let germany = (0_u32..2, 40_u8..80).prop_map(|(from, tonnes)| (0, from, 3, 0, 1, 5, Some(tonnes)));
    (others(0), others(1), germany, flow(1)(3)).prop_map(|(before, now, germany, late)| {
        let told: Vec<_> = before.into_iter().chain(now).chain([germany]).collect();
        let step = |rows: &[Flow]| Step::Release("comtrade-h6", Box::new(trade_among(&G7, rows)), None);
        (step(&told), step(&[late]))
    })
}

fn trade_dataset() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("baci-hs92"), 2 => Just("comtrade-h6"), 1 => Just("customs")]
}

fn output_dataset() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("usgs-mcs"), 1 => Just("survey"), 1 => Just("wmd")]
}

fn scope() -> impl Strategy<Value = Scope> {
    let some = |all: &'static [&'static str]| prop::sample::subsequence(all, 0..2);
    (some(&ECONOMIES), some(&["CHN", "OTHER:bunkers"]), some(&["250410", "284690"]), some(&PERIODS)).prop_map(
        |(reporters, partners, products, periods)| Scope {
            reporters: texts(&reporters),
            partners: texts(&partners),
            flows: Vec::new(),
            products: texts(&products),
            periods: texts(&periods),
        },
    )
}

/// Preferences for some of trade, and what is said of a survey.
fn policy() -> impl Strategy<Value = SourcePolicy> {
    let datasets = prop::sample::subsequence(&["comtrade-h6", "customs", "baci-hs92"], 0..3);
    let economies = prop::sample::subsequence(&["DEU", "G7"], 0..2);
    let supplements = prop::sample::select(&["", "usgs-mcs", "survey"]);
    (datasets, economies, supplements).prop_map(|(datasets, economies, supplements)| SourcePolicy {
        preferences: vec![Preference {
            table: Table::Trade.into(),
            economies: texts(&economies),
            datasets: texts(&datasets),
            ..Preference::default()
        }],
        datasets: (!supplements.is_empty())
            .then(|| DatasetDeclaration {
                dataset: "survey".to_owned(),
                kind: DatasetKind::Supplement.into(),
                supplements: supplements.to_owned(),
            })
            .into_iter()
            .collect(),
    })
}

/// Mostly one figure a flow; at times both sides report.
fn reporter() -> impl Strategy<Value = i32> {
    prop_oneof![4 => Just(0), 1 => 1..=2_i32]
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn number(known: Option<u8>) -> f64 {
    known.map_or(f64::NAN, f64::from)
}

fn status(known: bool, missing: Status) -> i32 {
    if known { Status::Known.into() } else { missing.into() }
}

fn products() -> Vec<Product> {
    let product = |(code, material, stage): &(&str, usize, usize)| Product {
        code: (*code).to_owned(),
        material: MATERIALS[*material].to_owned(),
        stage: STAGES[*stage].to_owned(),
        proxy: false,
        ..Product::default()
    };
    PRODUCTS.iter().map(product).collect()
}

fn trade(flows: &[Flow]) -> Columns {
    trade_among(&ECONOMIES, flows)
}

fn trade_among(economies: &[&str], flows: &[Flow]) -> Columns {
    let mut columns = TradeColumns {
        periods: texts(&PERIODS),
        economies: texts(economies).into_iter().chain(texts(&RESIDUALS)).collect(),
        products: products(),
        ..TradeColumns::default()
    };
    let is_residual = |place: u32| usize::try_from(place).unwrap() >= economies.len();
    for (line, (period, exporter, importer, product, reporter, value, quantity)) in (2..).zip(flows) {
        if exporter == importer || is_residual(*exporter) && is_residual(*importer) {
            continue;
        }
        columns.period.push(*period);
        columns.exporter.push(*exporter);
        columns.importer.push(*importer);
        columns.product.push(*product);
        columns.reporter.push(*reporter);
        columns.value.push(f64::from(*value));
        columns.quantity.push(number(*quantity));
        columns.quantity_status.push(status(quantity.is_some(), Status::Unavailable));
        columns.line.push(line);
    }
    Columns::Trade(columns)
}

fn production(output: &[Output]) -> Columns {
    let series = |(material, stage): (&str, &str)| Series {
        material: material.to_owned(),
        stage: stage.to_owned(),
        unit: "t".to_owned(),
        basis: "gross".to_owned(),
    };
    let pairs = MATERIALS.iter().flat_map(|material| STAGES.iter().map(|stage| (*material, *stage)));
    let mut columns = ProductionColumns {
        periods: texts(&PERIODS),
        economies: texts(&[&ECONOMIES[..], &["OTHER"]].concat()),
        series: pairs.map(series).collect(),
        ..ProductionColumns::default()
    };
    for (line, (period, economy, material, stage, quantity)) in (2..).zip(output) {
        columns.period.push(*period);
        columns.economy.push(*economy);
        columns.product.push(u32::try_from(material * STAGES.len() + stage).unwrap());
        columns.quantity.push(number(*quantity));
        columns.status.push(status(quantity.is_some(), Status::Withheld));
        columns.line.push(line);
    }
    Columns::Production(columns)
}

fn governance(rows: &[GovernanceScore]) -> Columns {
    let years = 2018..2025;
    let mut columns = GovernanceColumns {
        periods: years.clone().map(|year: i32| year.to_string()).collect(),
        economies: texts(&ECONOMIES),
        indicators: texts(&INDICATORS),
        ..GovernanceColumns::default()
    };
    for (line, (year, economy, indicator, tenths)) in (2..).zip(rows) {
        columns.period.push(u32::try_from(year - years.start).unwrap());
        columns.economy.push(*economy);
        columns.indicator.push(*indicator);
        columns.value.push(f64::from(*tenths) / 10.0);
        columns.line.push(line);
    }
    Columns::Governance(columns)
}

/// Parameters as the catalogue describes them: with the fields that each takes, in its range.
fn drawn_parameters(rows: &[Drawn]) -> Columns {
    let mut columns = ParameterColumns {
        periods: texts(&PERIODS),
        economies: texts(&[&[""][..], &ECONOMIES, &OTHERS].concat()),
        ..ParameterColumns::default()
    };
    for (line, (kind, period, economy, partner, material, stage, item, size)) in (2..).zip(rows) {
        let kind = kind.get(parameters());
        // At times an optional field is left out.
        let takes =
            |takes: Presence| takes == Presence::Required || takes == Presence::Optional && size % 2 == 0;
        let named = |there: bool, text: &str| if there { text.to_owned() } else { String::new() };
        columns.parameter.push(u32::try_from(columns.parameters.len()).unwrap());
        columns.parameters.push(Parameter {
            name: kind.id.to_owned(),
            material: named(takes(kind.material), MATERIALS[*material]),
            stage: named(takes(kind.stage), STAGES[*stage]),
            item: item_of(kind, *item).to_owned(),
        });
        let most = if kind.allows_blocs { 9 } else { 6 };
        let who = takes(kind.economy).then(|| u32::try_from(economy % most + 1).unwrap());
        columns.period.push(*period);
        columns.economy.push(who.unwrap_or(0));
        columns.partner.push(if takes(kind.partner) { partner + 1 } else { 0 });
        columns.value.push(size_of(kind, *size));
        columns.line.push(line);
    }
    Columns::Parameters(columns)
}

fn item_of(kind: &Kind, item: usize) -> &'static str {
    match kind.item {
        ItemKind::None => "",
        ItemKind::Sector => SECTORS[item % SECTORS.len()],
        ItemKind::Supply => SUPPLY_ITEMS[item],
        ItemKind::Product => PRODUCTS[item + 3].0,
        ItemKind::Form => FORMS[item % FORMS.len()],
        ItemKind::PrintedFigure => PRINTED_FIGURE_ITEMS[item % PRINTED_FIGURE_ITEMS.len()],
    }
}

/// A value in the parameter's range; one of twelve is not known.
fn size_of(kind: &Kind, size: i8) -> f64 {
    if size == 10 {
        return f64::NAN;
    }
    let scale = if kind.max.is_finite() { kind.max / 10.0 } else { 7.0 };
    (f64::from(size) * scale).clamp(kind.min, kind.max)
}

fn restrictions(rows: &[Restricted]) -> Columns {
    let every = products().into_iter().map(|product| Product { code: String::new(), ..product });
    let mut columns = RestrictionColumns {
        economies: texts(&ECONOMIES),
        products: products().into_iter().chain(every).collect(),
        kinds: texts(&["export-tax"]),
        days: texts(&DAYS),
        partners: texts(&CONCERNED),
        ..RestrictionColumns::default()
    };
    for (line, (economy, product, every, from, until, concerned, evaluation)) in (2..).zip(rows) {
        columns.economy.push(*economy);
        columns.product.push(product + if *every { 7 } else { 0 });
        columns.kind.push(0);
        columns.from.push(*from);
        columns.until.push(*until);
        columns.partner.push(*concerned);
        columns.evaluation.push(*evaluation);
        columns.line.push(line);
    }
    Columns::Restrictions(columns)
}

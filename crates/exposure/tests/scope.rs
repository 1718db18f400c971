//! What the measures of a market see of the tables beside trade and output.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_catalog::{Consumer, Stage};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    GovernanceColumns, ObservationsRecorded, Parameter, ParameterColumns, Product, Release,
    RestrictionColumns, TradeColumns,
};
use orewatch_exposure::book::{Book, EconomyId, Knowledge, Market, OpenRelease, RecordedAt};
use orewatch_exposure::scope::{FoundValue, ParameterQuery, Scope, ScopeCache};
use orewatch_measures::{Status, Table};
use prost::Message;

/// A row of parameters: period, economy, partner, name, material, stage, item, value.
type Row<'a> = (&'a str, &'a str, &'a str, [&'a str; 4], f64);

fn text(text: &str) -> String {
    text.to_owned()
}

fn index(dictionary: &mut Vec<String>, entry: &str) -> u32 {
    let found = dictionary.iter().position(|known| known == entry).unwrap_or_else(|| {
        dictionary.push(text(entry));
        dictionary.len() - 1
    });
    u32::try_from(found).unwrap()
}

fn parameters(rows: &[Row<'_>]) -> Columns {
    let mut columns = ParameterColumns::default();
    for (line, (period, economy, partner, about, value)) in (2..).zip(rows) {
        let [name, material, stage, item] = about.map(text);
        columns.parameter.push(u32::try_from(columns.parameters.len()).unwrap());
        columns.parameters.push(Parameter { name, material, stage, item });
        columns.period.push(index(&mut columns.periods, period));
        columns.economy.push(index(&mut columns.economies, economy));
        columns.partner.push(index(&mut columns.economies, partner));
        columns.value.push(*value);
        columns.line.push(line);
    }
    Columns::Parameters(columns)
}

/// Period, economy, estimate of political stability.
fn governance(rows: &[(&str, &str, f64)]) -> Columns {
    let mut columns =
        GovernanceColumns { indicators: vec![text("political-stability")], ..GovernanceColumns::default() };
    for (line, (period, economy, value)) in (2..).zip(rows) {
        columns.period.push(index(&mut columns.periods, period));
        columns.economy.push(index(&mut columns.economies, economy));
        columns.indicator.push(0);
        columns.value.push(*value);
        columns.line.push(line);
    }
    Columns::Governance(columns)
}

/// Restrictions of mined graphite: economy, code, first and last day, those concerned, evaluation.
fn restrictions(rows: &[(&str, &str, [&str; 2], &str, i32)]) -> Columns {
    let mut columns = RestrictionColumns { kinds: vec![text("export-tax")], ..RestrictionColumns::default() };
    for (line, (economy, code, [from, until], partners, evaluation)) in (2..).zip(rows) {
        columns.economy.push(index(&mut columns.economies, economy));
        columns.product.push(u32::try_from(columns.products.len()).unwrap());
        let (code, material, stage) = (text(code), text("graphite"), text("mined"));
        columns.products.push(Product { code, material, stage, proxy: false, ..Product::default() });
        columns.kind.push(0);
        columns.from.push(index(&mut columns.days, from));
        columns.until.push(index(&mut columns.days, until));
        columns.partner.push(index(&mut columns.partners, partners));
        columns.evaluation.push(*evaluation);
        columns.line.push(line);
    }
    Columns::Restrictions(columns)
}

fn trade(periods: &[&str]) -> Columns {
    let product = Product {
        code: text("250410"),
        material: text("graphite"),
        stage: text("mined"),
        proxy: false,
        ..Product::default()
    };
    let rows = periods.len();
    Columns::Trade(TradeColumns {
        periods: periods.iter().map(|period| text(period)).collect(),
        economies: vec![text("CHN"), text("DEU")],
        products: vec![product],
        period: (0..u32::try_from(rows).unwrap()).collect(),
        exporter: vec![0; rows],
        importer: vec![1; rows],
        product: vec![0; rows],
        value: vec![1.0; rows],
        quantity: vec![2.0; rows],
        ..TradeColumns::default()
    })
}

/// A book of releases, committed one after another.
fn book(releases: &[Columns]) -> Book {
    let mut book = Book::default();
    for (position, columns) in (1..).zip(releases) {
        let mut open = OpenRelease::new(Release { id: format!("set/{position}"), ..Release::default() });
        let recorded = ObservationsRecorded { chunk: 0, columns: Some(columns.clone()) };
        open.record(&recorded.encode_to_vec().into()).unwrap();
        let moment = RecordedAt { position, time: Timestamp::UNIX_EPOCH };
        book = book.with_release(Arc::new(open.close()), moment);
    }
    book
}

fn market(period: &str) -> Market {
    Market { material: "graphite", stage: Stage::Mined, period: period.parse().unwrap() }
}

fn scope<'a>(book: &'a Book, period: &str) -> Scope<'a> {
    ScopeCache::new(book, Knowledge::NOW).scope(market(period))
}

fn economy(code: &str) -> EconomyId {
    EconomyId::from_code(code).unwrap()
}

fn consumer(code: &str) -> Consumer {
    code.parse().unwrap()
}

#[test]
fn a_parameter_holds_from_its_period_until_the_next_one_about_the_same() {
    let of = |period, value| (period, "", "", ["eol-rir", "graphite", "", ""], value);
    let book = book(&[parameters(&[of("2020", 0.1), of("2022", 0.2), of("2023-06", 0.3)])]);
    let value = |period| scope(&book, period).parameters().value(ParameterQuery::named("eol-rir")).value();
    assert_eq!(value("2019"), None);
    assert_eq!((value("2020"), value("2021"), value("2021-12")), (Some(0.1), Some(0.1), Some(0.1)));
    assert_eq!((value("2022"), value("2023"), value("2023-05")), (Some(0.2), Some(0.2), Some(0.2)));
    assert_eq!((value("2023-06"), value("2024")), (Some(0.3), Some(0.3)));
    let now = |period| {
        scope(&book, period).parameters().value(ParameterQuery::named("eol-rir").in_own_period()).value()
    };
    assert_eq!((now("2021"), now("2022")), (None, Some(0.2)), "a statistic is not carried forward");
}

#[test]
fn the_more_specific_parameter_wins_and_a_consumer_without_one_has_that_of_nobody() {
    let name = "trade-parameter";
    let book = book(&[parameters(&[
        ("2024", "", "CHN", [name, "graphite", "", ""], 1.1),
        ("2020", "", "CHN", [name, "graphite", "mined", ""], 1.2),
        ("2020", "EU27", "CHN", [name, "graphite", "mined", ""], 1.3),
        ("2020", "EU27", "USA", [name, "graphite", "", ""], 1.4),
        ("2020", "", "USA", [name, "", "", ""], 1.5),
    ])]);
    let scope = scope(&book, "2024");
    let value = |who: &str, from: &str| {
        let wants = ParameterQuery::named(name).about(consumer(who)).towards(consumer(from));
        scope.parameters().value(wants).value()
    };
    assert_eq!((value("EU27", "CHN"), value("JPN", "CHN")), (Some(1.3), Some(1.2)));
    assert_eq!((value("EU27", "USA"), value("JPN", "USA")), (Some(1.4), Some(1.5)));
    let refined = scope.at_stage(Stage::Refined);
    let everywhere = refined.parameters().value(ParameterQuery::named(name).towards(consumer("CHN")));
    assert_eq!(everywhere.value(), Some(1.1));
    let nothing = scope.parameters().value(ParameterQuery::named(name).towards(consumer("RUS"))).estimate;
    assert_eq!((nothing.status, nothing.value), (Status::Unavailable, None));
    assert!(!nothing.reason.is_empty());
    let all = scope.parameters().values(name, Some(consumer("EU27")));
    let partner = |found: &FoundValue<'_>| found.cited.and_then(|cited| cited.partner()).unwrap().code();
    let all: Vec<_> = all.iter().map(|found| (partner(found), found.value())).collect();
    assert_eq!(all, [("CHN", Some(1.3)), ("USA", Some(1.4))]);
}

#[test]
fn a_release_restates_a_parameter_of_a_period_wholly_and_leaves_other_periods() {
    let of = |period, sector, value| (period, "DEU", "", ["sector-value-added", "", "", sector], value);
    let first = parameters(&[of("2020", "C24", 1.0), of("2020", "C26", 2.0), of("2021", "C24", 3.0)]);
    let book = book(&[first, parameters(&[of("2020", "C26", 20.0), of("2021", "C26", f64::NAN)])]);
    let value = |book: &Book, at: Knowledge, period, sector| {
        let wants = ParameterQuery::named("sector-value-added").about(consumer("DEU")).item(sector);
        ScopeCache::new(book, at).scope(market(period)).parameters().value(wants).estimate
    };
    let now = |period, sector| value(&book, Knowledge::NOW, period, sector);
    assert_eq!(now("2020", "C24").status, Status::Unavailable, "the newer release has none of 2020");
    assert_eq!(now("2020", "C26").value, Some(20.0));
    let missing = now("2021", "C26");
    assert_eq!((missing.value, missing.status), (None, Status::Unavailable), "not the older one's figure");
    let then = |period, sector| value(&book, Knowledge::up_to(1), period, sector).value;
    assert_eq!((then("2020", "C24"), then("2021", "C24")), (Some(1.0), Some(3.0)));
}

#[test]
fn governance_is_that_of_the_year_an_earlier_one_or_a_mean_that_says_what_is_missing() {
    let rows =
        [("2021", "CHN", -0.5), ("2022", "CHN", f64::NAN), ("2023", "CHN", -0.25), ("2024", "USA", 0.5)];
    let book = book(&[governance(&rows)]);
    let scope = scope(&book, "2024-03");
    let (china, stability) = (economy("CHN"), "political-stability");
    assert_eq!(scope.governance().latest(china, stability, 0).value(), None);
    assert_eq!(scope.governance().latest(china, stability, 2).value(), Some(-0.25));
    let mean = scope.governance().mean(china, stability, 3);
    assert_eq!(mean.value, Some(-0.375));
    assert_eq!(mean.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2022", "2024"]);
    assert_eq!(mean.cited.len(), 3, "the row that is not known is evidence too");
    assert_eq!(scope.governance().mean(economy("FRA"), stability, 3).value, None);
    let ids: Vec<_> = scope.consulted(Table::Trade).iter().map(|content| &*content.release.id).collect();
    assert_eq!(ids, ["set/1"]);
}

#[test]
fn a_restriction_counts_in_force_by_code_and_by_those_concerned_unless_it_is_green() {
    let (amber, green) = (2, 3);
    let book = book(&[restrictions(&[
        ("CHN", "250410", ["2023-12-01", ""], "", 0),
        ("BRA", "", ["", "2022-12-31"], "", amber),
        ("MOZ", "250410", ["2020-01-01", ""], "", green),
        ("MDG", "250410", ["2024-06-30", "2024-06-30"], "EU27,USA", 1),
    ])]);
    let restricts = |period: &str, exporter: &str, importer: &str, code: &str| {
        scope(&book, period).restrictions().restricts(economy(exporter), economy(importer), code)
    };
    assert!(restricts("2023", "CHN", "DEU", "250410") && !restricts("2022", "CHN", "DEU", "250410"));
    assert!(restricts("2023-12", "CHN", "DEU", "250410") && !restricts("2023-11", "CHN", "DEU", "250410"));
    assert!(!restricts("2023", "CHN", "DEU", "250490"), "another code");
    assert!(restricts("2022", "BRA", "DEU", "250490") && !restricts("2023", "BRA", "DEU", "250490"));
    assert!(!restricts("2024", "MOZ", "DEU", "250410"), "green does not count");
    assert!(restricts("2024", "MDG", "DEU", "250410") && restricts("2024", "MDG", "USA", "250410"));
    assert!(!restricts("2024", "MDG", "JPN", "250410"), "Japan is not concerned");
    assert!(scope(&book, "2024").restrictions().is_known());
    assert!(!scope(&book, "2024").at_stage(Stage::Refined).restrictions().is_known());
}

#[test]
fn a_release_restates_the_restrictions_of_an_economy_wholly_and_leaves_those_of_others() {
    let of = |economy, code| (economy, code, ["", ""], "", 1);
    let book = book(&[
        restrictions(&[of("CHN", "250410"), of("BRA", "250410")]),
        restrictions(&[of("CHN", "250490")]),
    ]);
    let restricts = |exporter: &str, code: &str| {
        scope(&book, "2024").restrictions().restricts(economy(exporter), economy("DEU"), code)
    };
    assert!(!restricts("CHN", "250410") && restricts("CHN", "250490") && restricts("BRA", "250410"));
}

#[test]
fn earlier_periods_have_the_same_length() {
    let book = book(&[trade(&["2022", "2024", "2023-12", "2024-01"])]);
    let earlier = |period, n| scope(&book, period).earlier(n).map(|scope| scope.market().period.to_string());
    assert_eq!(earlier("2024", 2).as_deref(), Some("2022"));
    assert_eq!(earlier("2024-01", 1).as_deref(), Some("2023-12"));
    assert_eq!(earlier("2024-01", 13).as_deref(), Some("2022-12"));
    assert_eq!(earlier("1900", 1), None, "there is no period before the first");
    assert_eq!(earlier("2024", u16::MAX), None);
    let has = |period, n| scope(&book, period).earlier(n).is_some_and(|scope| scope.has_figures());
    assert!(has("2024", 2) && !has("2024", 1) && has("2024-01", 1));
}

#[test]
fn what_is_costly_is_computed_once_and_notes_its_releases_each_time() {
    struct Solved(usize);
    let book = book(&[trade(&["2023", "2024"])]);
    let cache = ScopeCache::new(&book, Knowledge::NOW);
    let computed = Cell::new(0);
    let solve = |scope: &Scope<'_>| {
        scope.compute_once(|scope| {
            computed.set(computed.get() + 1);
            Solved(scope.accounts().pairs().len())
        })
    };
    let first = solve(&cache.scope(market("2023")));
    let (again, later) = (cache.scope(market("2023")), cache.scope(market("2024")));
    let second = solve(&again);
    let third = solve(&later.earlier(1).unwrap());
    assert!(Rc::ptr_eq(&first, &second) && Rc::ptr_eq(&first, &third));
    assert_eq!((computed.get(), first.0), (1, 1));
    assert_eq!((again.consulted(Table::Trade).len(), later.consulted(Table::Trade).len()), (1, 1));
    assert_eq!(again.consulted(Table::Production).len(), 0, "a measure of output does not rest on trade");
    solve(&later);
    assert_eq!(computed.get(), 2, "another market is another computation");
}

#[test]
fn columns_that_do_not_fit_together_are_refused() {
    let refused = |columns: Columns| {
        let mut open = OpenRelease::new(Release::default());
        let recorded = ObservationsRecorded { chunk: 0, columns: Some(columns) };
        open.record(&recorded.encode_to_vec().into()).unwrap_err().to_string()
    };
    let Columns::Parameters(good) = parameters(&[("2024", "DEU", "", ["eol-rir", "graphite", "", ""], 0.1)])
    else {
        panic!("parameters")
    };
    let broken = ParameterColumns { value: Vec::new(), ..good.clone() };
    assert!(refused(Columns::Parameters(broken)).contains("`value`"));
    let broken = ParameterColumns { parameter: vec![7], ..good.clone() };
    assert!(refused(Columns::Parameters(broken)).contains("`parameter`"));
    let unknown = ParameterColumns { economies: vec![text("XXX"), String::new()], ..good };
    assert!(refused(Columns::Parameters(unknown)).contains("XXX"));
    let partner = restrictions(&[("CHN", "250410", ["", ""], "EU27,YYY", 0)]);
    assert!(refused(partner).contains("YYY"));
    let day = restrictions(&[("CHN", "250410", ["2024-13-01", ""], "", 0)]);
    assert!(refused(day).contains("2024-13-01"));
    let Columns::Governance(columns) = governance(&[("2024", "CHN", 0.1)]) else { panic!("governance") };
    let broken = GovernanceColumns { indicator: vec![3], ..columns };
    assert!(refused(Columns::Governance(broken)).contains("`indicator`"));
}

#[test]
fn releases_about_other_economies_stand_beside_each_other() {
    let of = |economy, value| ("2024", economy, "", ["stock-decrease", "graphite", "mined", ""], value);
    let [first, other, again] =
        [of("USA", 1.0), of("JPN", 2.0), of("USA", 3.0)].map(|row| parameters(&[row]));
    let book = book(&[first, other, again]);
    let scope = scope(&book, "2024");
    let value = |code| {
        scope
            .parameters()
            .value(ParameterQuery::named("stock-decrease").about(consumer(code)).in_own_period())
            .value()
    };
    assert_eq!((value("USA"), value("JPN"), value("DEU")), (Some(3.0), Some(2.0), None));
}

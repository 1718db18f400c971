//! Rules that require firm published figures: their form, and what that does to alerts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Alert, Certainty, Rule};
use orewatch_contracts::common::v1::Market;
use orewatch_contracts::exposure::v1::{
    DatasetRevision, ExposureColumns, ExposuresChanged, Firmness, RevisionSize,
};
use orewatch_rules::alert::Evidence;
use orewatch_rules::figures::saved::Folded;
use orewatch_rules::figures::{Figures, KeptFigures};
use orewatch_rules::rules::rule_test::{Verdict, run};
use orewatch_rules::rules::{CheckedRule, check, parse};
use orewatch_rules::trajectory::Trajectory;

const RULE: &str = "id: r\ntitle: T\nmeasure: import-share\nwhen: {above: 0.5}\ntext: Look.\n";

fn read(more: &str) -> Result<Rule, Failure> {
    parse("r.yaml", format!("{RULE}{more}").as_bytes()).map(|mut rules| rules.remove(0))
}

fn rule(more: &str) -> CheckedRule {
    check(&read(more).unwrap()).unwrap()
}

fn size(median: f64, p90: f64) -> RevisionSize {
    RevisionSize { median, p90 }
}

/// A dataset that answers for trade, with its revisions by quantity.
fn of_trade(dataset: &str, by_quantity: Option<RevisionSize>) -> DatasetRevision {
    let editions = if by_quantity.is_some() { 2 } else { 1 };
    DatasetRevision { dataset: dataset.to_owned(), trade: true, editions, by_quantity, ..Default::default() }
}

/// China's share in Germany's imports in a year, with what is known of the datasets.
fn change(measure: &str, year: u16, revisions: Vec<DatasetRevision>) -> ExposuresChanged {
    let [material, stage] = ["cobalt", "refined"].map(str::to_owned);
    let columns = ExposureColumns {
        consumers: vec!["DEU".to_owned()],
        suppliers: vec![String::new(), "CHN".to_owned()],
        measures: vec![measure.to_owned()],
        consumer: vec![0],
        supplier: vec![u32::from(measure.starts_with("import-share"))],
        measure: vec![0],
        value: vec![0.8],
        ..ExposureColumns::default()
    };
    ExposuresChanged {
        market: Some(Market { material, stage, period: year.to_string() }),
        columns: Some(columns),
        revisions,
        ..ExposuresChanged::default()
    }
}

fn folded(rule: &CheckedRule, changes: &[ExposuresChanged]) -> Figures {
    let mut figures = Figures::new(KeptFigures::for_rules([rule]));
    (1..).zip(changes).for_each(|(position, change)| figures.apply(position, change).unwrap());
    figures
}

/// The alert with the newest figure.
fn alert(rule: &CheckedRule, figures: &Figures) -> Alert {
    let figures = figures.material("cobalt");
    let watched = figures.watched("cobalt", rule).pop().expect("a subject");
    assert!(
        Trajectory::fold(rule, &watched, None).last().unwrap().state.phase.is_open(),
        "it fires all the same"
    );
    let mut alert = Alert::default();
    Evidence::newest(rule, &watched, None).expect("a figure").apply_to(&mut alert);
    alert
}

fn shown(more: &str, revisions: &[DatasetRevision]) -> (Certainty, String) {
    let rule = rule(more);
    let mut change = change("import-share/1", 2024, revisions.to_vec());
    change.columns.iter_mut().for_each(|columns| columns.by = vec![rule.by.into()]);
    let figures = folded(&rule, &[change]);
    let alert = alert(&rule, &figures);
    (alert.certainty(), alert.finding)
}

const FIRM: &str = "confirm: {revision: firm}\n";
const SOFT: &str = "confirm: {revision: soft}\n";

#[test]
fn a_grade_is_read_stored_and_checked_again() {
    assert_eq!(read(FIRM).unwrap().confirm_revision(), Firmness::Firm);
    let stored = check(&read(SOFT).unwrap()).unwrap().rule;
    assert_eq!(stored.confirm_revision(), Firmness::Soft);
    assert_eq!(check(&stored).unwrap().condition.firmness, rule(SOFT).condition.firmness);
    assert_eq!(rule("").condition.firmness, None);
    let weak = Rule { confirm_revision: Firmness::Weak.into(), ..stored };
    for refused in [weak.clone(), Rule { confirm_revision: 9, ..weak }] {
        let failure = check(&refused).unwrap_err();
        assert_eq!((&*failure.code, &*failure.field), ("out-of-range", "confirm.revision"));
        assert!(failure.hint.contains("firm or soft"), "{failure:?}");
    }
}

#[test]
fn a_wrong_grade_is_refused_where_it_stands() {
    for (text, place, code) in [
        ("confirm: {revision: weak}\n", "r.yaml:6:21: ", "unknown-word"),
        ("confirm:\n  revision: sofd\n", "r.yaml:7:13: ", "unknown-word"),
        ("confirm: {}\n", "r.yaml:6:", "missing-field"),
        ("confirm: {revisions: soft}\n", "r.yaml:6:11: ", "unknown-field"),
    ] {
        let failure = read(text).unwrap_err();
        assert_eq!(&*failure.code, code, "{failure:?}");
        assert!(failure.message.starts_with(place), "{failure:?}");
    }
    assert!(read("confirm: {revision: sofd}\n").unwrap_err().hint.contains("firm or soft"));
    let age = "id: r\ntitle: T\nmeasure: import-share\nwhen: {age: {older_than: 400d}}\n\
               confirm: {revision: soft}\n";
    let failure = parse("r.yaml", age.as_bytes()).unwrap_err();
    assert_eq!((&*failure.code, &*failure.field), ("unexpected-field", "confirm.revision"));
    assert!(failure.message.starts_with("r.yaml:5:21: "), "{failure:?}");
}

#[test]
fn weaker_figures_than_the_rule_asks_for_do_not_confirm() {
    let [firm, soft, weak] = [size(0.019, 0.2), size(0.05, 0.073), size(0.051, 12.25)];
    let [firm, soft, weak] = [firm, soft, weak].map(|size| [of_trade("baci", Some(size))]);
    let confirmed = (Certainty::Confirmed, String::new());
    let not = |finding: &str| (Certainty::NotConfirmed, finding.to_owned());
    let words = |grade: &str, median: &str, p90: &str| {
        format!(
            "figures of baci are {grade}: half were revised by {median} or more, \
             one in ten by more than {p90}"
        )
    };
    assert_eq!(shown(SOFT, &firm), confirmed);
    assert_eq!(shown(SOFT, &soft), confirmed);
    assert_eq!(shown(SOFT, &weak), not(&words("weak", "5.1 %", "12.2 times")));
    assert_eq!(shown(FIRM, &firm), confirmed);
    assert_eq!(shown(FIRM, &soft), not(&words("soft", "5.0 %", "7.3 %")));
    assert_eq!(shown(FIRM, &weak).0, Certainty::NotConfirmed);
    assert_eq!(shown("", &weak), confirmed, "a rule that asks for nothing");
}

/// What is missing does not confirm.
#[test]
fn figures_without_a_known_revision_do_not_confirm() {
    let firm = || of_trade("baci", Some(size(0.001, 0.01)));
    let not = |finding: &str| (Certainty::NotConfirmed, finding.to_owned());
    assert_eq!(shown(SOFT, &[]), not("no revision is known yet"));
    let lone = [of_trade("comtrade", None), firm()];
    assert_eq!(shown(SOFT, &lone), not("no revision of figures of comtrade is known yet"));
    // Of output the rule's measure needs nothing.
    let output = DatasetRevision { trade: false, output: true, ..of_trade("usgs-mcs", None) };
    assert_eq!(shown(SOFT, &[firm(), output.clone()]).0, Certainty::Confirmed);
    assert_eq!(shown(SOFT, &[output]), not("no revision is known yet"));
    // By value if it is known, otherwise by quantity.
    let by_value = DatasetRevision { by_value: Some(size(0.5, 0.9)), ..firm() };
    let value = format!("by: value\n{SOFT}");
    assert_eq!(shown(SOFT, std::slice::from_ref(&by_value)).0, Certainty::Confirmed);
    assert_eq!(shown(&value, &[by_value]).0, Certainty::NotConfirmed);
    assert_eq!(shown(&value, &[firm()]).0, Certainty::Confirmed);
}

#[test]
fn the_text_of_the_alert_says_why_it_is_not_confirmed() {
    let rule = rule(SOFT);
    let weak = change("import-share/1", 2024, vec![of_trade("baci", Some(size(0.1, 0.2)))]);
    let text = alert(&rule, &folded(&rule, &[weak])).text;
    let expected = "Look.\n\nNot confirmed: figures of baci are weak: half were revised by 10.0 % or more, \
                    one in ten by more than 20.0 %.";
    assert_eq!(text, expected);
}

/// What is known of the datasets is that of the last event of the market, whatever measure it is about, and
/// survives a restart.
#[test]
fn the_last_event_of_a_market_decides_also_after_a_restart() {
    let rule = rule(SOFT);
    let [weak, firm] = [size(0.1, 0.2), size(0.01, 0.2)].map(|size| vec![of_trade("baci", Some(size))]);
    let share = |revisions: &Vec<DatasetRevision>| change("import-share/1", 2024, revisions.clone());
    let other = |year, revisions: &Vec<DatasetRevision>| change("import-hhi/1", year, revisions.clone());
    let certainty = |changes: &[ExposuresChanged]| {
        let figures = folded(&rule, changes);
        let saved = Folded { figures: figures.clone(), resume: 3 }.save();
        let loaded = Folded::load(&saved).expect("what was saved");
        assert_eq!(loaded.figures, figures);
        let [before, after] = [&figures, &loaded.figures].map(|figures| alert(&rule, figures));
        assert_eq!(before, after);
        after.certainty()
    };
    assert_eq!(certainty(&[share(&weak)]), Certainty::NotConfirmed);
    assert_eq!(certainty(&[share(&weak), other(2024, &firm)]), Certainty::Confirmed);
    assert_eq!(certainty(&[share(&firm), other(2023, &weak)]), Certainty::Confirmed, "another period");
    assert_eq!(
        certainty(&[other(2024, &firm), share(&Vec::new())]),
        Certainty::NotConfirmed,
        "no longer known"
    );
}

/// A test of a rule may say how much figures were revised.
#[test]
fn rule_tests_know_how_much_figures_were_revised() {
    let text = format!(
        "tests:\n  - name: firmness\n    rule:\n{}      confirm: {{revision: soft}}\n    \
         series: {{2020: 0.9, 2021: {{value: 0.9, revision: 0.07}}, \
         2022: {{value: 0.9, revision: 0.04}}}}\n    \
         expect:\n      \
         states: F F F\n      certainty: {{2020: not_confirmed}}\n",
        RULE.lines().map(|line| format!("      {line}\n")).collect::<String>()
    );
    let verdict = |text: &str| run("tests.yaml", text.as_bytes(), &mut |_| panic!("no other file is read"));
    let report = verdict(&text).unwrap();
    assert_eq!(report.tests[0].verdict, Verdict::Pass, "{report:#?}");
    let failure = verdict(&text.replace("0.07", "-0.07")).unwrap_err();
    assert_eq!(
        (&*failure.code, failure.message.starts_with("tests.yaml:")),
        ("out-of-range", true),
        "{failure:?}"
    );
}

//! One event in several reports: what is put together, what stays apart, and what conflicts, revisions and
//! withdrawals do.

use jiff::civil::{Date, date};
use orewatch_signals::{FieldName, Kind, Report, Signal, extract, merge};

fn report(document: &str, published: Date, text: &str) -> Report {
    Report {
        document: document.to_owned(),
        published: Some(published),
        candidates: extract(text, Some(published)).candidates,
        ..Report::default()
    }
}

fn documents(signal: &Signal) -> Vec<&str> {
    signal.reports.iter().map(|(document, _)| document.as_str()).collect()
}

const DAY: Date = date(2024, 12, 4);

#[test]
fn an_event_in_three_papers_is_one_signal_with_three_reports() {
    let reports = [
        report(
            "a",
            DAY,
            "China banned exports of gallium to the United States on 3 December, Reuters reported.",
        ),
        report("b", DAY, "China verbot am 3. Dezember die Ausfuhr von Gallium und Germanium in die USA."),
        report("c", date(2024, 12, 5), "中国12月3日宣布禁止镓、锗、锑对美国出口。"),
        report("d", DAY, "Indonesia banned exports of bauxite on 3 December."),
    ];
    let signals = merge(&reports);
    assert_eq!(signals.len(), 2, "{signals:#?}");
    assert_eq!(documents(&signals[0]), ["a", "b", "c"]);
    assert_eq!(signals[0].kind, Kind::Ban);
    assert_eq!(Vec::from_iter(signals[0].values(FieldName::Material)), ["antimony", "gallium", "germanium"]);
    assert!(signals[0].conflicts().is_empty());
    let mut other_order = reports.to_vec();
    other_order.reverse();
    assert_eq!(merge(&other_order), signals);
}

#[test]
fn what_reports_say_differently_is_kept_as_a_conflict() {
    let reports = [
        report("a", DAY, "The United States will impose a tariff of 25 percent on copper from Chile."),
        report("b", DAY, "The United States will impose a tariff of 50 percent on copper from Chile."),
    ];
    let signals = merge(&reports);
    assert_eq!(signals.len(), 1);
    let conflicts = signals[0].conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].name, FieldName::Amount);
    assert_eq!(Vec::from_iter(&conflicts[0].values), ["25 %", "50 %"]);
}

#[test]
fn events_far_apart_in_time_are_two() {
    let ban = "Indonesia banned exports of bauxite on";
    let reports = [
        report("a", DAY, &format!("{ban} 1 March 2020.")),
        report("b", DAY, &format!("{ban} 10 June 2023.")),
    ];
    assert_eq!(merge(&reports).len(), 2);
}

#[test]
fn an_edit_is_a_revision_and_a_correction_withdraws() {
    let first = report("a", DAY, "China banned exports of gallium on 3 December.");
    let mut edited = report("b", DAY, "China banned exports of gallium and indium on 3 December.");
    edited.revises = Some("a".to_owned());
    let signals = merge(&[first.clone(), edited]);
    assert_eq!(signals.len(), 1);
    assert_eq!(documents(&signals[0]), ["b"]);
    let mut correction = report("c", date(2024, 12, 6), "Reuters retracts its report.");
    correction.withdraws = Some("a".to_owned());
    let signals = merge(&[first, correction]);
    assert_eq!(documents(&signals[0]), ["a"]);
    assert!(signals[0].withdrawn);
}

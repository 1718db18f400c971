//! Logs that earlier versions recorded: they are read, and their answers are the same to the bit, unless a restatement of the
//! table in `tests/src/recorded/permitted.rs` says why not.
use std::time::Instant;

use orewatch_contracts::alerting::v1::{Alert, AlertResolved, AlertState, Reason};
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied, Subject};
use orewatch_eventlog::{Event, StreamName};
use orewatch_tests::recorded::answers::Answers;
use orewatch_tests::recorded::ask::Clients;
use orewatch_tests::recorded::compare::{ALERT_STATES, FIGURES_AS_AT, FIGURES_NOW, differences};
use orewatch_tests::recorded::later::Later;
use orewatch_tests::recorded::logs::Logs;
use orewatch_tests::recorded::permitted::{PERMITTED, Permitted};
use orewatch_tests::recorded::questions::{Heads, Questions};
use orewatch_tests::recorded::{MAX_RECORD_BYTES, Record};
use orewatch_tests::system::{Embedded, System};
use prost::Message;
use tempfile::TempDir;
use uuid::Uuid;

/// Differences that a failing test shows; there may be thousands.
const MAX_SHOWN: usize = 20;

/// What the binary of this version answers on a record, and what it leaves on the logs.
async fn replay(record: &Record, questions: &Questions) -> (Answers, Logs) {
    let folder = TempDir::new().expect("a temporary folder");
    record.unpack(folder.path());
    let mut system = Embedded::start_on(folder);
    let [address, ..] = system.addresses();
    let mut answers = Clients::at(address).ask(questions).await.expect("it answers");
    system.stop();
    let logs = Logs::read(system.data()).await;
    logs.add_digests(questions.heads, &mut answers);
    (answers, logs)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_log_gives_the_recorded_answers() {
    let records = Record::all();
    assert!(!records.is_empty(), "no record is there");
    for record in records {
        let started = Instant::now();
        let (name, questions, recorded) = (record.name(), record.questions(), record.answers());
        let (found, logs) = replay(&record, &questions).await;
        let later = Later::new(&logs, &questions);
        let differing = differences(&name, (&recorded, &found), &later, PERMITTED);
        let shown: Vec<_> = differing.iter().take(MAX_SHOWN).map(String::as_str).collect();
        assert!(
            differing.is_empty(),
            "{} answers on the log recorded at {} are not permitted to differ; the first are\n{}",
            differing.len(),
            questions.commit,
            shown.join("\n")
        );
        check_that_every_section_counts(&name, &recorded);
        let rows: usize = recorded.sections().values().map(std::collections::BTreeMap::len).sum();
        println!("{name}: {rows} rows, {} bytes, {:?}", record.size(), started.elapsed());
        assert!(record.size() <= MAX_RECORD_BYTES, "{name} takes {} bytes", record.size());
    }
}

/// Changes one row of each section: the comparison names each of them.
fn check_that_every_section_counts(name: &str, recorded: &Answers) {
    let mut changed = recorded.clone();
    let mut expected = 0;
    for (section, rows) in recorded.sections() {
        let Some((key, value)) = rows.first_key_value() else { continue };
        changed.set(section, key, &format!("{value} "));
        expected += 1;
    }
    let found = differences(name, (recorded, &changed), &Later::default(), &[]);
    assert_eq!(found.len(), expected, "{found:#?}");
}

/// What the figure of the examples is about, and its row of answers for a value.
const FIGURE: &str = "lithium refined 2022 import-share/1 1 DEU CHL";

fn row(value: f64) -> String {
    format!("{:016x} = = {:016x} 1 -; -; a/1-0", value.to_bits(), 1.0_f64.to_bits())
}

fn answers(section: &str, value: f64) -> Answers {
    let mut answers = Answers::default();
    answers.set(section, FIGURE, &row(value));
    answers
}

fn now(value: f64) -> Answers {
    answers(&format!("{FIGURES_NOW}everyone"), value)
}

fn event(position: u64, kind: &str, message: &impl Message) -> Event {
    Event {
        position,
        stream: StreamName::new("exposures.lithium").expect("a name"),
        id: Uuid::nil(),
        kind: format!("orewatch.exposure.v1.{kind}"),
        time: "2026-12-01T00:00:00Z".parse().expect("a time"),
        data: message.encode_to_vec().into(),
        traceparent: None,
    }
}

/// Logs on which a figure was restated after the head of one event, for who asks for shares of imports.
fn restated(value: f64, kind: CauseKind) -> Later {
    later(value, kind, "import-share/1")
}

/// The same, for who asks for a measure.
fn later(value: f64, kind: CauseKind, measure: &str) -> Later {
    let cause = Some(Cause { kind: kind.into(), ..Cause::default() });
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let columns = ExposureColumns {
        consumers: text(&["DEU"]),
        suppliers: text(&["", "CHL"]),
        measures: text(&["import-share/1"]),
        consumer: vec![0],
        supplier: vec![1],
        measure: vec![0],
        value: vec![value],
        ..ExposureColumns::default()
    };
    let market = Market { material: "lithium".into(), stage: "refined".into(), period: "2022".into() };
    let changed = ExposuresChanged {
        market: Some(market),
        cause: cause.clone(),
        columns: Some(columns),
        ..ExposuresChanged::default()
    };
    let applied = ReleaseApplied { material: "lithium".into(), cause, ..ReleaseApplied::default() };
    let exposures = vec![
        event(1, "ReleaseApplied", &ReleaseApplied::default()),
        event(2, "ExposuresChanged", &changed),
        event(3, "ReleaseApplied", &applied),
    ];
    let logs = Logs { observations: Vec::new(), exposures, alerts: Vec::new() };
    let heads = Heads { observations: 0, exposures: 1, alerts: 0 };
    Later::new(&logs, &Questions { heads, measures: text(&[measure]), ..Questions::default() })
}

const WITHDRAWN: Permitted = Permitted {
    record: "r",
    cause: CauseKind::ReleaseWithdrawn,
    materials: &["lithium"],
    unpublished: &[("lithium", "mined")],
    releases: &[],
    why: "an example",
};

#[test]
fn a_figure_that_differs_is_named_with_both_values() {
    let found = differences("r", (&now(0.75), &now(0.8)), &Later::default(), PERMITTED);
    let [named] = &found[..] else { panic!("{found:#?}") };
    for words in [FIGURE, "3fe8000000000000 (0.75)", "(0.8)"] {
        assert!(named.contains(words), "{words} is not in {named}");
    }
    // The last bit is enough.
    let next = f64::from_bits(0.75_f64.to_bits() + 1);
    assert_eq!(differences("r", (&now(0.75), &now(next)), &Later::default(), PERMITTED).len(), 1);
    // So is a figure that is gone, or that was not there.
    let none = Answers::default();
    assert_eq!(differences("r", (&now(0.75), &none), &Later::default(), PERMITTED).len(), 1);
    assert_eq!(differences("r", (&none, &now(0.75)), &Later::default(), PERMITTED).len(), 1);
}

#[test]
fn only_a_restatement_of_the_table_that_carries_the_figure_permits_it() {
    let count = |later: &Later, permitted: &[Permitted]| {
        differences("r", (&now(0.75), &now(0.8)), later, permitted).len()
    };
    let restated_so = restated(0.8, CauseKind::ReleaseWithdrawn);
    assert_eq!(count(&restated_so, &[WITHDRAWN]), 0);
    assert_eq!(count(&restated_so, &[]), 3, "two events and the figure");
    assert_eq!(count(&restated_so, &[Permitted { record: "other", ..WITHDRAWN }]), 3);
    assert_eq!(count(&restated_so, &[Permitted { materials: &["cobalt"], ..WITHDRAWN }]), 3);
    assert_eq!(count(&restated(0.8, CauseKind::ReleaseRestated), &[WITHDRAWN]), 3);
    assert_eq!(count(&restated(0.81, CauseKind::ReleaseWithdrawn), &[WITHDRAWN]), 1, "another figure");
}

#[test]
fn measures_that_came_later_are_no_difference() {
    let same = (&now(0.75), &now(0.75));
    let added = later(0.8, CauseKind::MeasuresAdded, "import-hhi/1");
    assert_eq!(differences("r", same, &added, PERMITTED), [""; 0]);
    // They publish nothing that is asked for.
    assert_eq!(differences("r", same, &restated(0.8, CauseKind::MeasuresAdded), PERMITTED).len(), 1);
    assert_eq!(differences("r", (&now(0.75), &now(0.8)), &added, PERMITTED).len(), 1);
}

#[test]
fn an_answer_as_at_an_earlier_time_never_differs() {
    let as_at = |value| answers(&format!("{FIGURES_AS_AT}first"), value);
    let later = restated(0.8, CauseKind::ReleaseWithdrawn);
    assert_eq!(differences("r", (&as_at(0.75), &as_at(0.8)), &later, &[WITHDRAWN]).len(), 1);
    // Unless the table names the market: nothing is published of it.
    let named = Permitted { unpublished: &[("lithium", "refined")], ..WITHDRAWN };
    assert_eq!(differences("r", (&as_at(0.75), &as_at(0.8)), &later, &[named]), [""; 0]);
}

/// An alert as a recorded answer and its transition after the recorded head.
fn resolved(reason: Reason, kind: CauseKind) -> (Answers, Later) {
    let subject = Subject { material: "lithium".to_owned(), ..Subject::default() };
    let alert = Alert {
        id: "rule/DEU/lithium/refined/CHL".to_owned(),
        rule: "rule".to_owned(),
        subject: Some(subject),
        state: AlertState::Resolved.into(),
        reason: reason.into(),
        cause: Some(Cause { kind: kind.into(), ..Cause::default() }),
        ..Alert::default()
    };
    let mut event = event(1, "", &AlertResolved { alert: Some(alert) });
    event.kind = "orewatch.alerting.v1.AlertResolved".to_owned();
    let logs = Logs { observations: Vec::new(), exposures: Vec::new(), alerts: vec![event] };
    (alert_state(3, Reason::Crossed), Later::new(&logs, &Questions::default()))
}

fn alert_state(state: i32, reason: Reason) -> Answers {
    let mut answers = Answers::default();
    let row = format!("- rule 0 {state}  - - - {} -", i32::from(reason));
    answers.set(ALERT_STATES, "rule/DEU/lithium/refined/CHL", &row);
    answers
}

#[test]
fn an_alert_differs_only_as_a_permitted_transition_left_it() {
    let (before, later) = resolved(Reason::Restated, CauseKind::ReleaseWithdrawn);
    let count =
        |found: &Answers, later: &Later| differences("r", (&before, found), later, &[WITHDRAWN]).len();
    let restated = alert_state(4, Reason::Restated);
    assert_eq!(count(&restated, &later), 0);
    assert_eq!(count(&alert_state(4, Reason::Cleared), &later), 1, "it was resolved for another reason");
    assert_eq!(count(&restated, &Later::default()), 1, "no transition");
    let (_, other) = resolved(Reason::Restated, CauseKind::ReleaseCommitted);
    assert_eq!(count(&restated, &other), 2, "the transition has another cause");
}

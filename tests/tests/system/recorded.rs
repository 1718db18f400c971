//! Tests with logs that earlier versions recorded. This version must read them and give the same answers to
//! the bit, except for the differences that `tests/src/recorded/permitted.rs` lists with their reasons.
use std::time::Instant;

use orewatch_contracts::alerting::v1::{Alert, AlertResolved, AlertState, Reason};
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied, Subject};
use orewatch_eventlog::{Event, StreamName};
use orewatch_tests::recorded::answers::Answers;
use orewatch_tests::recorded::ask::Clients;
use orewatch_tests::recorded::compare::{
    ALERT_STATES, FIGURES_AS_AT, FIGURES_NOW, REJECTIONS, RELEASES, differences,
};
use orewatch_tests::recorded::later::Later;
use orewatch_tests::recorded::logs::Logs;
use orewatch_tests::recorded::permitted::{PERMITTED, Permitted};
use orewatch_tests::recorded::questions::{Heads, Questions};
use orewatch_tests::recorded::{MAX_RECORD_BYTES, Record};
use orewatch_tests::system::{Embedded, System};
use prost::Message;
use tempfile::TempDir;
use uuid::Uuid;

/// Maximum number of differences that a failing test shows. There may be thousands.
const MAX_SHOWN: usize = 20;

/// Runs this version on a record. Returns its answers, and the logs that it leaves.
async fn replay(record: &Record, questions: &Questions) -> (Answers, Logs) {
    let folder = TempDir::new().expect("a temporary folder");
    record.unpack(folder.path());
    let mut system = Embedded::start_on(folder);
    let [address, ..] = system.addresses();
    let mut answers = Clients::at(address).ask(questions).await.expect("the services answer");
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
        check_that_every_section_is_compared(&name, &found);
        let rows: usize = recorded.sections().values().map(std::collections::BTreeMap::len).sum();
        println!("{name}: {rows} rows, {} bytes, {:?}", record.size(), started.elapsed());
        assert!(record.size() <= MAX_RECORD_BYTES, "{name} takes {} bytes", record.size());
    }
}

/// Checks that the comparison notices a changed row in each section.
fn check_that_every_section_is_compared(name: &str, answers: &Answers) {
    let mut changed = answers.clone();
    let mut expected = 0;
    for (section, rows) in answers.sections() {
        let Some((key, value)) = rows.first_key_value() else { continue };
        changed.set(section, key, &format!("{value} "));
        expected += 1;
    }
    let found = differences(name, (answers, &changed), &Later::default(), &[]);
    assert_eq!(found.len(), expected, "{found:#?}");
}

/// Key of the figure in the examples below. `row` gives its row of answers for a value.
const FIGURE: &str = "lithium refined 2022 import-share/1 1 DEU CHL";

fn row(value: f64) -> String {
    format!("{:016x} = = {:016x} 1 -; -; a/1-0", value.to_bits(), 1.0_f64.to_bits())
}

fn answers(section: &str, value: f64) -> Answers {
    let mut answers = Answers::default();
    answers.set(section, FIGURE, &row(value));
    answers
}

fn answers_now(value: f64) -> Answers {
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
fn a_different_figure_is_reported_with_both_values() {
    let found = differences("r", (&answers_now(0.75), &answers_now(0.8)), &Later::default(), PERMITTED);
    let [named] = &found[..] else { panic!("{found:#?}") };
    for words in [FIGURE, "3fe8000000000000 (0.75)", "(0.8)"] {
        assert!(named.contains(words), "{words} is not in {named}");
    }
    // A difference in the last bit counts.
    let next = f64::from_bits(0.75_f64.to_bits() + 1);
    assert_eq!(
        differences("r", (&answers_now(0.75), &answers_now(next)), &Later::default(), PERMITTED).len(),
        1
    );
    // A missing or an additional figure counts too.
    let none = Answers::default();
    assert_eq!(differences("r", (&answers_now(0.75), &none), &Later::default(), PERMITTED).len(), 1);
    assert_eq!(differences("r", (&none, &answers_now(0.75)), &Later::default(), PERMITTED).len(), 1);
}

#[test]
fn a_difference_is_permitted_only_by_a_listed_restatement_that_carries_the_figure() {
    let count = |later: &Later, permitted: &[Permitted]| {
        differences("r", (&answers_now(0.75), &answers_now(0.8)), later, permitted).len()
    };
    let withdrawn = restated(0.8, CauseKind::ReleaseWithdrawn);
    assert_eq!(count(&withdrawn, &[WITHDRAWN]), 0);
    assert_eq!(count(&withdrawn, &[]), 3, "two events and the figure");
    assert_eq!(count(&withdrawn, &[Permitted { record: "other", ..WITHDRAWN }]), 3);
    assert_eq!(count(&withdrawn, &[Permitted { materials: &["cobalt"], ..WITHDRAWN }]), 3);
    assert_eq!(count(&restated(0.8, CauseKind::ReleaseRestated), &[WITHDRAWN]), 3);
    assert_eq!(count(&restated(0.81, CauseKind::ReleaseWithdrawn), &[WITHDRAWN]), 1, "another figure");
}

#[test]
fn a_renamed_code_is_no_difference_but_any_other_code_is() {
    let count = |section: &str, recorded: &str, found: &str| {
        let (recorded, found) = (answers_row(section, recorded), answers_row(section, found));
        differences("r", (&recorded, &found), &Later::default(), PERMITTED).len()
    };
    assert_eq!(count(REJECTIONS, "a.csv 9 bad-number 5o", "a.csv 9 invalid-number 5o"), 0);
    assert_eq!(count(REJECTIONS, "a.csv 9 bad-number 5o", "a.csv 9 bad-number 5o"), 1, "an old code");
    assert_eq!(count(REJECTIONS, "a.csv 9 bad-number 5o", "a.csv 9 invalid-period 5o"), 1, "another reason");
    assert_eq!(count(REJECTIONS, "bad-number 9 bad-number 5o", "invalid-number 9 invalid-number 5o"), 1);
    let [old, new] =
        ["3 - 2 1 0 1 bad-number=1,duplicate-key=2", "3 - 2 1 0 1 duplicate-key=2,invalid-number=1"];
    assert_eq!(count(RELEASES, old, new), 0);
    assert_eq!(count(RELEASES, old, &new.replace("number=1", "number=2")), 1, "another count");
    assert_eq!(count("gates", "bad-number", "invalid-number"), 1, "no codes are there");
}

fn answers_row(section: &str, row: &str) -> Answers {
    let mut answers = Answers::default();
    answers.set(section, "key", row);
    answers
}

#[test]
fn measures_that_were_added_later_are_no_difference() {
    let same = (&answers_now(0.75), &answers_now(0.75));
    let added = later(0.8, CauseKind::MeasuresAdded, "import-hhi/1");
    assert_eq!(differences("r", same, &added, PERMITTED), [""; 0]);
    // But an added measure must not publish figures that the questions ask for.
    assert_eq!(differences("r", same, &restated(0.8, CauseKind::MeasuresAdded), PERMITTED).len(), 1);
    assert_eq!(differences("r", (&answers_now(0.75), &answers_now(0.8)), &added, PERMITTED).len(), 1);
}

#[test]
fn an_answer_as_at_an_earlier_time_must_not_differ() {
    let as_at = |value| answers(&format!("{FIGURES_AS_AT}first"), value);
    let later = restated(0.8, CauseKind::ReleaseWithdrawn);
    assert_eq!(differences("r", (&as_at(0.75), &as_at(0.8)), &later, &[WITHDRAWN]).len(), 1);
    // Except in a market that is listed as never published.
    let named = Permitted { unpublished: &[("lithium", "refined")], ..WITHDRAWN };
    assert_eq!(differences("r", (&as_at(0.75), &as_at(0.8)), &later, &[named]), [""; 0]);
}

/// The recorded answer of an alert, and a later transition that resolves it.
fn resolved_alert(reason: Reason, kind: CauseKind) -> (Answers, Later) {
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
fn an_alert_may_differ_only_as_a_permitted_transition_left_it() {
    let (before, later) = resolved_alert(Reason::Restated, CauseKind::ReleaseWithdrawn);
    let count =
        |found: &Answers, later: &Later| differences("r", (&before, found), later, &[WITHDRAWN]).len();
    let restated = alert_state(4, Reason::Restated);
    assert_eq!(count(&restated, &later), 0);
    assert_eq!(count(&alert_state(4, Reason::Cleared), &later), 1, "it was resolved for another reason");
    assert_eq!(count(&restated, &Later::default()), 1, "no transition");
    let (_, other) = resolved_alert(Reason::Restated, CauseKind::ReleaseCommitted);
    assert_eq!(count(&restated, &other), 2, "the transition has another cause");
}

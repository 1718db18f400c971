//! Tables on pages of 80 and of 120 characters: no line is longer than the page.
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertState, Delivery, DeliveryAttempt, DeliveryState, Notification, Rule, RuleInfo,
    Silence, SilenceInfo, SilenceState,
};
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::ingestion::v1::{Release, ReleaseInfo, ReleaseState, Report, Table};

use super::ListedAlert;
use crate::render::{Out, Row, table};

const TIME: Option<prost_types::Timestamp> =
    Some(prost_types::Timestamp { seconds: 1_796_029_262, nanos: 0 });

fn alert(material: &str, stage: &str, share: f64) -> Alert {
    Alert {
        id: format!("g7-china-{material}/EU27/{material}/{stage}/CHN"),
        rule: format!("g7-china-{material}"),
        subject: Some(Subject {
            consumer: "EU27".to_owned(),
            material: material.to_owned(),
            stage: stage.to_owned(),
            supplier: "CHN".to_owned(),
            measure: "import-share/1".to_owned(),
            ..Subject::default()
        }),
        state: AlertState::Firing.into(),
        severity: "critical".to_owned(),
        period: "2024".to_owned(),
        estimate: Some(Estimate {
            value: Some(share),
            low: Some(share),
            high: Some(share),
            status: Status::Known.into(),
            ..Estimate::default()
        }),
        line: 0.65,
        above: true,
        margin: Some(share - 0.65),
        pending_since: "2018".to_owned(),
        ..Alert::default()
    }
}

fn rule() -> RuleInfo {
    let rule = Rule {
        id: "g7-china-rare-earths".to_owned(),
        title: "More than four fifths of a G7 economy's rare earths from China".to_owned(),
        ..Rule::default()
    };
    RuleInfo {
        rule: Some(rule),
        revision: 12,
        subjects: 1_024,
        firing: 71,
        pending: 3,
        ..RuleInfo::default()
    }
}

fn delivery() -> Delivery {
    let message = Notification {
        id: "5a4f2c1e-7a7f-5a6e-9a51-000000000001".to_owned(),
        receiver: "desk-hook".to_owned(),
        planned_at: TIME,
        ..Notification::default()
    };
    let attempt = DeliveryAttempt {
        attempt: 3,
        began_at: TIME,
        message: "the receiver answered 503 Service Unavailable: try again later".to_owned(),
        ..DeliveryAttempt::default()
    };
    Delivery {
        notification: Some(message),
        state: DeliveryState::Waiting.into(),
        attempt_count: 3,
        next_at: TIME,
        attempts: vec![attempt],
        ..Delivery::default()
    }
}

fn silence() -> SilenceInfo {
    let silence = Silence {
        id: "0198c0de-0000-7000-8000-000000000000".to_owned(),
        filter: Some(AlertFilter {
            consumers: vec!["JPN".to_owned(), "EU27".to_owned()],
            materials: vec!["cobalt".to_owned()],
            ..AlertFilter::default()
        }),
        starts_at: TIME,
        ends_at: TIME,
        author: "ann".to_owned(),
        reason: "the mine reopens on Monday, and the customs office has been asked".to_owned(),
    };
    SilenceInfo { silence: Some(silence), state: SilenceState::Active.into(), alerts: 4, revision: 1 }
}

fn release() -> ReleaseInfo {
    let release = Release {
        id: "baci-hs17/202601-0123456789ab".to_owned(),
        table: Table::Trade.into(),
        ..Release::default()
    };
    let report = Report {
        rows_recorded: 123_456,
        rows_rejected: 12,
        first_period: "2018".to_owned(),
        last_period: "2024".to_owned(),
        ..Report::default()
    };
    ReleaseInfo {
        release: Some(release),
        state: ReleaseState::Committed.into(),
        closed_at: TIME,
        report: Some(report),
        ..ReleaseInfo::default()
    }
}

/// The table of some rows on a page, none of whose lines is longer than the page.
fn table_on_page<R: Row>(width: usize, rows: &[R]) -> String {
    let text = table(&Out::for_tests(width), rows);
    for line in text.lines() {
        assert!(line.chars().count() <= width, "longer than {width}: {line}\n{text}");
    }
    text
}

/// The columns for which a page of 80 characters has no room. A page of 120 has room for all.
fn missing_columns<R: Row>(rows: &[R]) -> String {
    let note = "no room on this page for: ";
    let wide = table_on_page(120, rows);
    assert!(!wide.contains(note), "{wide}");
    let narrow = table_on_page(80, rows);
    narrow.lines().find_map(|line| line.strip_prefix(note)).unwrap_or_default().to_owned()
}

#[test]
fn tables_fit_pages_of_80_and_of_120_characters() {
    let alerts = [alert("rare-earths", "refined", 0.677), alert("phosphate-rock", "mined", 1.0)];
    let alerts: Vec<_> = alerts.iter().map(|alert| ListedAlert { alert, hold: None }).collect();
    assert_eq!(missing_columns(&alerts), "margin");
    assert_eq!(missing_columns(&[rule()]), "revision");
    assert_eq!(missing_columns(&[delivery()]), "next attempt");
    assert_eq!(missing_columns(&[silence()]), "from");
    assert_eq!(missing_columns(&[release()]), "quarantined, covers");
}

#[test]
fn a_narrow_page_has_the_subject_of_an_alert_in_one_column() {
    let alert = alert("rare-earths", "refined", 0.677);
    let rows = [ListedAlert { alert: &alert, hold: None }];
    let (narrow, wide) = (table_on_page(80, &rows), table_on_page(120, &rows));
    assert!(narrow.contains("subject") && !narrow.contains("material"), "{narrow}");
    assert!(wide.contains("material") && !wide.contains("subject"), "{wide}");
    assert!(narrow.contains("67.7 %") && wide.contains("+2.7 pp"), "{narrow}{wide}");
}

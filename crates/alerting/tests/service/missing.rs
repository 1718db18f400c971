//! Missing is not over: whatever makes a figure go, its alert becomes stale or ends by its no-data policy, in
//! live operation, after a restart and in a backtest; and nothing is restated by a figure that is not there.
use std::path::Path;
use std::sync::Arc;

use orewatch_alerting::Config;
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::{CauseKind, Status};
use orewatch_runtime::Context;
use orewatch_store::snapshots::SnapshotPlace;

use crate::kit::{Cell, Desk, Service, Still, china_rule, gone, known_share, without};

const ID: &str = "r/DEU/cobalt/refined/CHN";

/// A way in which a figure goes missing: what makes it go, and the figures that change.
struct Way {
    name: &'static str,
    kind: CauseKind,
    periods: Vec<(&'static str, Vec<Cell>)>,
    reason: &'static str,
}

/// Germany's figure of 2024 goes in each of these ways. Japan's stays, except where a period or the market
/// vanishes.
fn ways() -> Vec<Way> {
    let one = |name, kind, cell| Way { name, kind, periods: vec![("2024", vec![cell])], reason: "NO_DATA" };
    let all = |year| (year, vec![gone("DEU"), gone("JPN")]);
    let restated = CauseKind::ReleaseRestated;
    let vanished =
        |name, periods| Way { name, kind: CauseKind::ReleaseWithdrawn, periods, reason: "NO_DATA" };
    vec![
        one("a withdrawal", CauseKind::ReleaseWithdrawn, gone("DEU")),
        one("a narrower release", restated, gone("DEU")),
        one("another source policy", CauseKind::SourceChanged, without("DEU", Status::Unavailable)),
        one(
            "a version that keeps sources apart",
            CauseKind::SourcesSeparated,
            without("DEU", Status::Unavailable),
        ),
        one("an amount that is unavailable", restated, without("DEU", Status::Unavailable)),
        one("an amount that is withheld", restated, without("DEU", Status::Withheld)),
        one("nothing imported any more", restated, without("DEU", Status::NotApplicable)),
        Way { reason: "STALE_DATA", ..one("an end of validity", restated, without("DEU", Status::Stale)) },
        vanished("a period that vanishes", vec![all("2024")]),
        vanished("a market that vanishes", vec![all("2023"), all("2024")]),
    ]
}

/// Germany's alert fires in 2024.
async fn fired(desk: &Desk, service: &mut Service) {
    let years = [
        ("2023", vec![known_share("DEU", 0.5), known_share("JPN", 0.1)]),
        ("2024", vec![known_share("DEU", 0.9), known_share("JPN", 0.1)]),
    ];
    let position = desk.publish_for(CauseKind::ReleaseCommitted, "cobalt", "a", &years).await;
    service.evaluated(position).await;
}

async fn lose(desk: &Desk, service: &mut Service, way: &Way) -> u64 {
    let position = desk.publish_for(way.kind, "cobalt", "b", &way.periods).await;
    service.evaluated(position).await;
    position
}

async fn publish(desk: &Desk, service: &mut Service, year: &str, value: f64) {
    let cells = vec![known_share("DEU", value), known_share("JPN", 0.1)];
    let position = desk.publish_for(CauseKind::ReleaseCommitted, "cobalt", "c", &[(year, cells)]).await;
    service.evaluated(position).await;
}

async fn start(desk: &Desk, dir: &Path) -> Service {
    let (health, _server) = tonic_health::server::health_reporter();
    let config = Config { snapshots: Some(SnapshotPlace::folder(dir)), ..Config::default() };
    Service::start_with(Context::new(Arc::new(Still), health), desk.logs(), config).await
}

/// What was told, without the identifier.
async fn transitions(desk: &Desk) -> Vec<String> {
    desk.transitions().await.iter().map(|line| line.replace(&format!("{ID} "), "")).collect()
}

#[tokio::test]
async fn an_alert_whose_figure_disappears_is_stale_and_continues_when_it_returns() {
    for way in ways() {
        let desk = Desk::new();
        let mut service = desk.start().await;
        service.put(china_rule("r", "")).await;
        fired(&desk, &mut service).await;
        lose(&desk, &mut service, &way).await;
        let stale = format!("Stale 2024 {}", way.reason);
        assert_eq!(transitions(&desk).await, ["Fired 2024 CROSSED", &stale], "{}", way.name);
        let alert = service.all().await.remove(0);
        assert_eq!((alert.state(), alert.stale), (AlertState::Firing, true), "{}", way.name);
        assert_eq!((alert.episode.as_str(), alert.fired_at.as_str()), (&*format!("{ID}@2024"), "2024"));
        assert_eq!(alert.cause.as_ref().unwrap().kind(), way.kind, "{}", way.name);
        assert_eq!(alert.estimate.as_ref().unwrap().value, None);

        publish(&desk, &mut service, "2025", 0.8).await;
        assert_eq!(transitions(&desk).await[2..], ["Stale 2025 DATA_BACK"], "{}", way.name);
        assert!(!service.all().await[0].stale);
        publish(&desk, &mut service, "2026", 0.3).await;
        assert_eq!(transitions(&desk).await[3..], ["Resolved 2026 CLEARED"], "{}", way.name);
        service.stop().await;
    }
}

#[tokio::test]
async fn stale_alerts_survive_a_restart_with_and_without_a_snapshot() {
    for way in ways() {
        let desk = Desk::new();
        let dir = tempfile::tempdir().unwrap();
        let mut service = start(&desk, dir.path()).await;
        service.put(china_rule("r", "")).await;
        fired(&desk, &mut service).await;
        let position = lose(&desk, &mut service, &way).await;
        let expected = service.all().await;
        service.stop().await;
        let before = transitions(&desk).await;
        for snapshot in [true, false] {
            if !snapshot {
                std::fs::remove_dir_all(dir.path().join("alerting")).unwrap();
            }
            let mut service = start(&desk, dir.path()).await;
            service.evaluated(position).await;
            assert_eq!(service.all().await, expected, "{}, snapshot: {snapshot}", way.name);
            assert_eq!(transitions(&desk).await, before);
            service.stop().await;
        }
        let mut service = start(&desk, dir.path()).await;
        publish(&desk, &mut service, "2025", 0.62).await;
        assert_eq!(
            transitions(&desk).await[2..],
            ["Stale 2025 DATA_BACK"],
            "{}: between the lines it goes on",
            way.name
        );
        service.stop().await;
    }
}

#[tokio::test]
async fn a_figure_that_returns_restates_or_continues() {
    for way in ways() {
        let desk = Desk::new();
        let mut service = desk.start().await;
        service.put(china_rule("r", "")).await;
        fired(&desk, &mut service).await;
        lose(&desk, &mut service, &way).await;
        publish(&desk, &mut service, "2024", 0.85).await;
        assert_eq!(transitions(&desk).await[2..], ["Stale 2024 DATA_BACK"], "{}", way.name);
        lose(&desk, &mut service, &way).await;
        publish(&desk, &mut service, "2024", 0.4).await;
        let more = ["Restated 2024 RESTATED", "Resolved 2024 RESTATED"];
        assert_eq!(transitions(&desk).await[4..], more, "{}: by a figure that is there", way.name);
        service.stop().await;
    }
}

#[tokio::test]
async fn the_no_data_policy_resolves_the_alert_with_its_reason() {
    for way in ways() {
        let desk = Desk::new();
        let mut service = desk.start().await;
        service.put(china_rule("r", "no_data: {resolve_after: 1}")).await;
        fired(&desk, &mut service).await;
        lose(&desk, &mut service, &way).await;
        let over = format!("Resolved 2024 {}", way.reason);
        assert_eq!(transitions(&desk).await, ["Fired 2024 CROSSED", &over], "{}", way.name);
        publish(&desk, &mut service, "2025", 0.8).await;
        assert_eq!(transitions(&desk).await[2..], ["Fired 2025 CROSSED"], "{}", way.name);
        assert_eq!(service.all().await[0].pending_since, "2025");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_backtest_says_the_same() {
    for way in ways() {
        let desk = Desk::new();
        let mut service = desk.start().await;
        fired(&desk, &mut service).await;
        lose(&desk, &mut service, &way).await;
        let rule = Some(RuleChoice { choice: Some(rule_choice::Choice::Rule(china_rule("r", ""))) });
        let request = BacktestRuleRequest { rule, ..BacktestRuleRequest::default() };
        let mut answers = service.client.backtest_rule(request).await.unwrap().into_inner();
        let mut subjects = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            if let Some(Message::Subject(subject)) = answer.message {
                subjects.push(subject);
            }
        }
        let [subject] = subjects.as_slice() else { panic!("{}: {subjects:?}", way.name) };
        let counts = BacktestCounts { fired: 1, stale: 1, ..BacktestCounts::default() };
        assert_eq!(subject.sent, Some(counts), "{}", way.name);
        assert_eq!((subject.state(), subject.episodes.len()), (AlertState::Firing, 1), "{}", way.name);
        assert_eq!(subject.episodes[0].known(), EpisodeKnowledge::Both, "{}", way.name);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_rule_never_fires_on_figures_that_were_missing_before_it_was_put() {
    for way in ways() {
        let desk = Desk::new();
        let mut service = desk.start().await;
        service.put(china_rule("early", "")).await;
        fired(&desk, &mut service).await;
        let position = lose(&desk, &mut service, &way).await;
        service.put(china_rule("r", "")).await;
        service.evaluated(position).await;
        let own = async |desk: &Desk| {
            let told = transitions(desk).await;
            told.into_iter().filter(|line| !line.contains("early/")).collect::<Vec<_>>()
        };
        assert!(own(&desk).await.is_empty(), "{}", way.name);
        publish(&desk, &mut service, "2025", 0.8).await;
        assert_eq!(own(&desk).await, ["Fired 2025 CROSSED"], "{}", way.name);
        let alert = service.all().await.into_iter().find(|alert| alert.rule == "r").unwrap();
        assert_eq!(alert.pending_since, "2025", "{}", way.name);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_revision_of_the_rule_resolves_a_stale_alert_only_by_its_threshold() {
    let way = ways().remove(0);
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    fired(&desk, &mut service).await;
    let position = lose(&desk, &mut service, &way).await;
    service.put(china_rule("r", "text: Another text.")).await;
    service.evaluated(position).await;
    assert_eq!(transitions(&desk).await.len(), 2, "nothing is over");
    let mut higher = china_rule("r", "");
    let when = higher.when.as_mut().unwrap();
    (when.line, when.clear) = (Some(condition::Line::Above(0.95)), None);
    service.put(higher).await;
    service.evaluated(position).await;
    assert_eq!(
        transitions(&desk).await[2..],
        ["Resolved 2024 RULE_REVISED"],
        "the last figure is not beyond it"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_missing_operand_of_a_condition_counts_like_a_missing_figure() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let text = "id: r\ntitle: R\nmeasure: import-share\nselect: {supplier: CHN, consumer: DEU}\n\
                when: {all: [{above: 0.5}, {supplier: VNM, below: 0.2}]}\n";
    service.put(orewatch_rules::rules::parse("r.yaml", text.as_bytes()).unwrap().remove(0)).await;
    let vnm = |cell: Cell| Cell { supplier: "VNM", ..cell };
    let both = vec![known_share("DEU", 0.9), vnm(known_share("DEU", 0.1))];
    let position = desk.publish_for(CauseKind::ReleaseCommitted, "cobalt", "a", &[("2024", both)]).await;
    service.evaluated(position).await;
    let lost = vec![vnm(without("DEU", Status::Withheld))];
    let position = desk.publish_for(CauseKind::ReleaseRestated, "cobalt", "b", &[("2024", lost)]).await;
    service.evaluated(position).await;
    assert_eq!(transitions(&desk).await, ["Fired 2024 CROSSED", "Stale 2024 NO_DATA"]);
    service.stop().await;
}

#[tokio::test]
async fn an_alert_on_an_unlisted_supplier_is_not_resolved_when_no_supplier_is_listed() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let text = "id: r\ntitle: R\nmeasure: import-share\nselect: {supplier: CHN, consumer: DEU}\n\
                when: {below: 0.2}\n";
    service.put(orewatch_rules::rules::parse("r.yaml", text.as_bytes()).unwrap().remove(0)).await;
    let vnm = |cell: Cell| Cell { supplier: "VNM", ..cell };
    let years = [("2023", vec![known_share("DEU", 0.9)]), ("2024", vec![vnm(known_share("DEU", 1.0))])];
    let position = desk.publish_for(CauseKind::ReleaseCommitted, "cobalt", "a", &years).await;
    service.evaluated(position).await;
    let lost = [("2024", vec![vnm(gone("DEU"))])];
    let position = desk.publish_for(CauseKind::ReleaseWithdrawn, "cobalt", "b", &lost).await;
    service.evaluated(position).await;
    assert_eq!(transitions(&desk).await, ["Fired 2024 CROSSED", "Stale 2024 NO_DATA"]);
    service.stop().await;
}

#[tokio::test]
async fn a_rule_on_the_age_of_data_does_not_resolve_when_the_data_disappear() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let text = "id: r\ntitle: R\nmeasure: import-share\nselect: {supplier: CHN, consumer: DEU}\n\
                when: {age: {older_than: 400d}}\n";
    service.put(orewatch_rules::rules::parse("r.yaml", text.as_bytes()).unwrap().remove(0)).await;
    let years = [("2020", vec![known_share("DEU", 0.9)])];
    let position = desk.publish_for(CauseKind::ReleaseCommitted, "cobalt", "a", &years).await;
    service.evaluated(position).await;
    let lost = [("2020", vec![gone("DEU")])];
    let position = desk.publish_for(CauseKind::ReleaseWithdrawn, "cobalt", "b", &lost).await;
    service.evaluated(position).await;
    assert_eq!(transitions(&desk).await, ["Fired 2020 CROSSED", "Stale 2020 NO_DATA"]);
    service.stop().await;
}

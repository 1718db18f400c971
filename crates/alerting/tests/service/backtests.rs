//! What rules would have said, and the preview of rules that are not stored yet.
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::{AsAt, as_at};
use orewatch_rules::alert::alert_id;
use tonic::Code;

use crate::kit::{Desk, Service, china_rule, shares, top1};

/// Everything that a backtest answers, in order.
async fn backtest(
    service: &mut Service,
    request: BacktestRuleRequest,
) -> (Vec<BacktestSubject>, BacktestSummary) {
    let mut answers = service.client.backtest_rule(request).await.unwrap().into_inner();
    let mut subjects = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        match answer.message.unwrap() {
            Message::Progress(progress) => assert!(progress.position <= progress.head),
            Message::Subject(subject) => subjects.push(subject),
            Message::Summary(summary) => {
                assert!(answers.message().await.unwrap().is_none(), "the summary comes last");
                return (subjects, summary);
            }
        }
    }
    panic!("there was no summary");
}

fn backtest_request(rule: Rule) -> BacktestRuleRequest {
    let rule = Some(RuleChoice { choice: Some(rule_choice::Choice::Rule(rule)) });
    BacktestRuleRequest { rule, ..BacktestRuleRequest::default() }
}

fn stored(id: &str, revision: u32) -> Option<RuleChoice> {
    let stored = StoredRule { id: id.to_owned(), revision };
    Some(RuleChoice { choice: Some(rule_choice::Choice::Stored(stored)) })
}

/// `SINCE FIRED RESOLVED PERIODS KNOWN` of each episode.
fn lines(subject: &BacktestSubject) -> Vec<String> {
    let line = |episode: &BacktestEpisode| {
        let known = episode.known().as_str_name().trim_start_matches("EPISODE_KNOWLEDGE_").to_owned();
        [&episode.since, &episode.fired, &episode.resolved, &episode.periods.to_string(), &known]
            .map(|text| if text.is_empty() { "-".to_owned() } else { text.clone() })
            .join(" ")
    };
    subject.episodes.iter().map(line).collect()
}

const COURSE: &[(u16, f64)] =
    &[(2018, 0.7), (2019, 0.5), (2020, 0.68), (2021, 0.9), (2022, 0.5), (2023, 0.62), (2024, 0.8)];

#[tokio::test]
async fn an_unstored_rule_is_backtested_on_a_measure_that_no_stored_rule_uses() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", COURSE)).await;
    let rule = china_rule("r", "severity: {warning: 0.65, critical: 0.85}");
    let (subjects, summary) = backtest(&mut service, backtest_request(rule)).await;

    assert_eq!(subjects.len(), 1);
    let subject = &subjects[0];
    assert_eq!(alert_id("r", subject.subject.as_ref().unwrap()), "r/DEU/cobalt/refined/CHN");
    assert_eq!(lines(subject), ["2018 2018 2019 1 BOTH", "2020 2020 2022 2 BOTH", "2024 2024 - 1 BOTH"]);
    assert_eq!(subject.episodes[1].peak, Some(0.9));
    assert_eq!((subject.severity.as_str(), subject.state()), ("critical", AlertState::Firing));
    assert_eq!((subject.periods, subject.flaps), (7, 2));
    let sent = subject.sent.unwrap();
    assert_eq!((sent.fired, sent.resolved, sent.severity_changed, sent.restated), (3, 2, 1, 0));
    let firing = subject.course.iter().filter(|period| period.state() == AlertState::Firing);
    assert_eq!(
        firing.map(|period| period.period.as_str()).collect::<Vec<_>>(),
        ["2018", "2020", "2021", "2024"]
    );

    assert_eq!((summary.subjects, summary.subjects_with_episodes, summary.episodes), (1, 1, 3));
    assert_eq!((summary.longest, summary.median, summary.flaps), (2, 1, 2));
    assert_eq!((summary.firing, summary.most_open, summary.limit), (1, 1, 10_000));
    assert_eq!(
        summary.severities.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        [("critical".to_owned(), 1), ("warning".to_owned(), 2)].into()
    );
    assert_eq!((summary.position, summary.releases), (position, 1));
    assert!(desk.transitions().await.is_empty() && desk.count("RulePut").await == 0, "nothing is recorded");
    service.stop().await;
}

#[tokio::test]
async fn alerts_on_figures_that_were_corrected_later_are_marked() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    desk.publish("antimony", "mcs/2025-a", vec![top1(2023, 0.48), top1(2024, 0.577)]).await;
    desk.publish("antimony", "mcs/2026-b", vec![top1(2023, 0.6), top1(2024, 0.336)]).await;
    let rule = crate::kit::pack_rule("crma-2030", "world-production-concentration");
    let (subjects, summary) = backtest(&mut service, backtest_request(rule.clone())).await;
    assert_eq!(lines(&subjects[0]), ["2023 2023 2024 1 NOW_ONLY", "2024 2024 2024 0 THEN_ONLY"]);
    assert_eq!((summary.now_only, summary.then_only, summary.episodes), (1, 1, 1));
    assert_eq!(summary.sent.unwrap().restated, 1);

    for at in [
        as_at::At::Release("mcs/2025-a".to_owned()),
        as_at::At::Release("2025".to_owned()),
        as_at::At::Position(1),
    ] {
        let request =
            BacktestRuleRequest { as_at: Some(AsAt { at: Some(at) }), ..backtest_request(rule.clone()) };
        let (subjects, summary) = backtest(&mut service, request).await;
        assert_eq!(lines(&subjects[0]), ["2024 2024 - 1 BOTH"], "as it was known then");
        assert_eq!((summary.now_only, summary.then_only, summary.releases), (0, 0, 1));
    }
    service.stop().await;
}

#[tokio::test]
async fn the_window_bounds_the_periods_that_are_evaluated_and_reported() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    desk.publish("cobalt", "a", shares("DEU", "refined", COURSE)).await;
    let request = BacktestRuleRequest {
        from: "2021".to_owned(),
        to: "2023".to_owned(),
        ..backtest_request(china_rule("r", "hold: {periods: 1}"))
    };
    let (subjects, summary) = backtest(&mut service, request).await;
    assert_eq!(lines(&subjects[0]), ["2020 2021 2022 2 BOTH"], "the hold began before the window");
    assert_eq!((subjects[0].periods, subjects[0].course.len()), (3, 3));
    assert_eq!((summary.episodes, summary.firing, summary.sent.unwrap().fired), (1, 0, 1));
    assert_eq!(summary.sent.unwrap().pending, 0, "what was sent before the window is not counted");
    service.stop().await;
}

#[tokio::test]
async fn two_revisions_differ_by_their_episodes() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    service.put(china_rule("r", "hold: {periods: 1}")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", COURSE)).await;
    service.evaluated(position).await;
    let request = BacktestRuleRequest { rule: stored("r", 0), against: stored("r", 1), ..Default::default() };
    let (subjects, summary) = backtest(&mut service, request).await;
    assert_eq!((summary.revision, summary.against_revision, summary.pending_only), (2, 1, 2));
    let difference = summary.difference.unwrap();
    assert_eq!((difference.only_here, difference.only_there, difference.same), (0, 2, 1));
    let there = &subjects[0].difference.as_ref().unwrap().there;
    assert_eq!(
        there.iter().map(|episode| episode.since.as_str()).collect::<Vec<_>>(),
        ["2018", "2020", "2024"]
    );

    let keep = china_rule("r", "keep_firing: {periods: 2}");
    let request = BacktestRuleRequest { against: stored("r", 1), ..backtest_request(keep) };
    let difference = backtest(&mut service, request).await.1.difference.unwrap();
    assert_eq!((difference.longer, difference.only_there, difference.same), (1, 2, 0));
    service.stop().await;
}

#[tokio::test]
async fn invalid_requests_are_refused() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let rule = || backtest_request(china_rule("x", ""));
    let wrong = [
        (BacktestRuleRequest::default(), Code::InvalidArgument),
        (BacktestRuleRequest { from: "soon".to_owned(), ..rule() }, Code::InvalidArgument),
        (
            BacktestRuleRequest { from: "2024".to_owned(), to: "2020".to_owned(), ..rule() },
            Code::InvalidArgument,
        ),
        (BacktestRuleRequest { most_subjects: 10_001, ..rule() }, Code::InvalidArgument),
        (BacktestRuleRequest { rule: stored("none", 0), ..Default::default() }, Code::NotFound),
        (BacktestRuleRequest { against: stored("r", 2), ..rule() }, Code::NotFound),
        (
            backtest_request(Rule { measure: "magic".to_owned(), ..china_rule("x", "") }),
            Code::InvalidArgument,
        ),
    ];
    for (request, code) in wrong {
        assert_eq!(
            service.client.backtest_rule(request.clone()).await.unwrap_err().code(),
            code,
            "{request:?}"
        );
    }
    let at = as_at::At::Release("none".to_owned());
    let request = BacktestRuleRequest { as_at: Some(AsAt { at: Some(at) }), ..rule() };
    let mut answers = service.client.backtest_rule(request).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::NotFound);
    service.stop().await;
}

#[tokio::test]
async fn a_backtest_ends_with_its_caller_and_at_its_deadline() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    for release in 0..40 {
        desk.publish("cobalt", &format!("a/{release}"), shares("DEU", "refined", COURSE)).await;
    }
    for _ in 0..8 {
        // Each of these leaves at once; if one kept its turn, the next would wait in vain.
        drop(service.client.backtest_rule(backtest_request(china_rule("r", ""))).await.unwrap());
    }
    let mut late = tonic::Request::new(backtest_request(china_rule("r", "")));
    late.set_timeout(std::time::Duration::from_nanos(1));
    let refused = match service.client.backtest_rule(late).await {
        Ok(answers) => answers.into_inner().message().await.map(|_| ()),
        Err(status) => Err(status),
    };
    assert!(refused.is_err());
    let (_, summary) = backtest(&mut service, backtest_request(china_rule("r", ""))).await;
    assert_eq!(summary.releases, 40);
    service.stop().await;
}

#[tokio::test]
async fn a_preview_works_with_figures_in_memory_and_from_the_log() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", COURSE)).await;
    let check = |rule: Rule| PutRuleRequest {
        rule: Some(rule),
        validate_only: true,
        preview_from: "2020".to_owned(),
        ..PutRuleRequest::default()
    };
    let unkept = service.client.put_rule(check(china_rule("r", ""))).await.unwrap().into_inner();
    service.put(china_rule("other", "")).await;
    service.evaluated(position).await;
    let kept = service.client.put_rule(check(china_rule("r", ""))).await.unwrap().into_inner();
    assert!(kept.would_change && !kept.changed);
    let (one, other) = (unkept.preview.unwrap(), kept.preview.unwrap());
    assert_eq!((one.firing, one.subjects, one.episodes, one.most_open), (1, 1, 2, 1));
    assert_eq!(
        BacktestSummary { releases: 0, position: 0, ..one },
        BacktestSummary { releases: 0, position: 0, ..other }
    );
    service.put(china_rule("r", "")).await;
    let again = service.client.put_rule(check(china_rule("r", ""))).await.unwrap().into_inner();
    assert!(!again.would_change);
    service.stop().await;
}

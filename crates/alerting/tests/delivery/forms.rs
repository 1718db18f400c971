//! What messages say, in every form in which they say it.
use std::time::Duration;

use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{MarketSize, ProductInfo};
use orewatch_receivers::message::{Link, RenderedMessage};
use orewatch_receivers::{alertmanager, chat, mail, nats, pagerduty, webhook};
use proptest::prelude::*;
use serde_json::Value;

use crate::bench::Bench;
use crate::receiver::Server;
use crate::samples::{alert_told, firing, message, resolved};

const BASE: Option<&str> = Some("https://orewatch.example.org");

fn forms(message: &Notification, public_url: Option<&str>) -> Vec<(&'static str, String)> {
    let rendered = RenderedMessage::new(message, public_url);
    vec![
        ("webhook", webhook::body(message, &rendered)),
        ("slack", chat::body(ChatFormat::Slack, &rendered)),
        ("teams", chat::body(ChatFormat::Teams, &rendered)),
        ("pagerduty", pagerduty::body(message, &rendered)),
        ("alertmanager", alertmanager::body(message, &rendered, None)),
        ("nats", nats::build_event(message, &rendered).1),
        ("text", mail::plain_text(&rendered)),
        ("html", mail::html_body(&rendered)),
    ]
}

#[test]
fn f15_a_resolution_shows_value_and_cause_of_the_end_and_of_the_beginning() {
    let end = Notification {
        alerts: vec![resolved("g7-china", "EU27")],
        firing: 0,
        resolved: 1,
        ..message("r", "g", 2)
    };
    for (form, body) in forms(&end, None) {
        for told in ["41.0 %", "87.6 % (71 to 92)", "baci-hs92/202701-9f9f", "baci-hs92/202601-0a1b"] {
            let told = if form == "teams" { told.replace('_', "\\\\_") } else { told.to_owned() };
            let is_data = matches!(form, "webhook" | "nats");
            let told = match (is_data, told.as_str()) {
                (true, "41.0 %") => "0.41".to_owned(),
                (true, text) if text.starts_with("87.6") => "0.876".to_owned(),
                _ => told,
            };
            assert!(body.contains(&told), "{form} does not tell {told}: {body}");
        }
    }
    let rendered = RenderedMessage::new(&end, None);
    assert_eq!(
        rendered.title,
        "Resolved: 41.0 % of refined bismuth imported by EU27 came from China in 2025 (threshold 65 %)"
    );
}

/// A rule on both bases has no single threshold. Its alert tells both figures in every form.
#[test]
fn an_alert_on_both_bases_tells_both_figures() {
    let alert = Alert {
        condition: "above 60 % by quantity or by value".to_owned(),
        finding: "67.7 % by quantity (above 60 %), 50.7 % by value (not above 60 %)".to_owned(),
        line: 0.0,
        above: false,
        margin: None,
        ..firing("g7-2030-rare-earths", "G7")
    };
    let both = Notification { alerts: vec![alert_told(alert)], ..message("r", "g", 1) };
    for (form, body) in forms(&both, None) {
        for figure in ["67.7 % by quantity", "50.7 % by value"] {
            assert!(body.contains(figure), "{form} does not tell {figure}: {body}");
        }
        assert!(!body.contains("< 0.0 %"), "{form} has a threshold that the rule has not: {body}");
    }
    let rendered = RenderedMessage::new(&both, None);
    assert_eq!(
        rendered.alerts[0].headline,
        "Critical: 87.6 % (71 to 92) of refined bismuth imported by G7 came from China in 2024 (if above \
         60 % by quantity or by value): 67.7 % by quantity (above 60 %), 50.7 % by value (not above 60 %)"
    );
}

#[test]
fn a_message_shows_all_fields() {
    let rendered = RenderedMessage::new(&message("r", "g", 1), BASE);
    assert_eq!(
        rendered.plain_text(),
        "Critical: 87.6 % (71 to 92) of refined bismuth imported by EU27 came from China in 2024 (threshold \
         65 %)\n\
         \n\
         Critical: 87.6 % (71 to 92) of refined bismuth imported by EU27 came from China in 2024 (threshold \
         65 %)\n  \
           China's share of imports is above 65 %\n  \
           value          87.6 % (71 to 92)\n  \
           not known      a flow has no quantity\n  \
           threshold      65 %\n  \
           over by        +22.6 pp\n  \
           certainty      confirmed\n  \
           measure        import-share/1\n  \
           since          2023\n  \
           cause          release baci-hs92/202601-0a1b\n  \
           owner          desk\n  \
           suppliers      CHN 87.6 %, LAO 10.0 %\n  \
           series         2021 ▅·▇█ 2024\n  \
           Ask the desk & <check> *stocks*.\n  \
           why            https://orewatch.example.org/alerts/g7-china/EU27/bismuth/refined/CHN\n"
    );
    let command = RenderedMessage::new(&message("r", "g", 1), None).alerts[0].link.clone();
    assert_eq!(command, Link::Command("orewatch alerts why g7-china/EU27/bismuth/refined/CHN".to_owned()));
}

/// What a figure is about stands in every form: the product, what is wrong with it, and how much it is.
#[test]
fn every_form_names_the_product_and_the_size_of_the_market() {
    let mut message = message("r", "g", 1);
    let alert = message.alerts[0].alert.as_mut().unwrap();
    alert.products = vec![ProductInfo {
        code: "811292".to_owned(),
        name: "rare metals".to_owned(),
        proxy: true,
        purity: Some(0.2),
    }];
    alert.size = Some(MarketSize { quantity_t: Some(641.0), value_kusd: Some(1_234.0) });
    for (form, body) in forms(&message, BASE) {
        if matches!(form, "webhook" | "nats") {
            let body: Value = serde_json::from_str(&body).unwrap();
            let data = if form == "webhook" { &body["data"] } else { &body };
            let alert = &data["alerts"][0];
            let product =
                serde_json::json!([{"code": "811292", "name": "rare metals", "proxy": true, "purity": 0.2}]);
            assert_eq!(alert["products"], product, "{form}");
            assert_eq!(alert["size"], serde_json::json!({"quantity_t": 641.0, "value_kusd": 1234.0}));
            assert!(alert["caveat"].as_str().unwrap().contains("other goods than bismuth"), "{alert}");
        } else if matches!(form, "text" | "html" | "slack" | "teams") {
            for told in ["rare metals", "811292", "641 t, $1.2m", "other goods than bismuth"] {
                assert!(body.replace('\\', "").contains(told), "{form} does not tell {told}: {body}");
            }
        }
    }
    let rendered = RenderedMessage::new(&message, None);
    assert_eq!(
        rendered.title,
        "Critical: 87.6 % (71 to 92) of rare metals imported by EU27 came from China in 2024 (threshold 65 %)"
    );
}

/// Logs of earlier versions hold titles that act on a terminal, forge lines, or are no XML.
#[test]
fn markup_in_alerts_is_inert_in_messages_to_people() {
    let mut message = message("r", "g", 1);
    for told in &mut message.alerts {
        let alert = told.alert.as_mut().unwrap();
        alert.title = "safe\u{1b}[2J\r\nBcc: x@example.org\0\u{202e}".to_owned();
        alert.text = "one\n\u{9b}31mtwo".to_owned();
        alert.owner = "ann\u{7}".to_owned();
    }
    let acts = ["\u{1b}", "\r", "\0", "\u{9b}", "\u{7}", "\u{202e}", "\\u001b", "\\r", "\\u0000", "\\u0007"];
    for (form, body) in forms(&message, BASE) {
        if matches!(form, "text" | "html" | "slack" | "teams") {
            let found: Vec<_> = acts.iter().filter(|act| body.contains(**act)).collect();
            assert!(found.is_empty(), "{form}: {found:?} in {body:?}");
            // Chats have signs of their own escaped.
            let plain = body.replace('\\', "");
            assert!(plain.contains("safe [2J  Bcc: x@example.org"), "{form}: {body}");
        }
    }
}

#[test]
fn every_form_of_a_drill_says_that_it_is_one() {
    let drill =
        Notification { drill: true, reason: NotificationReason::Drill.into(), ..message("r", "g", 1) };
    for (form, body) in forms(&drill, BASE) {
        let marked = body.contains("DRILL") || body.contains("\"drill\":true");
        assert!(marked, "{form}: {body}");
    }
    let events = pagerduty::events(&drill, &RenderedMessage::new(&drill, BASE));
    assert_eq!(
        events[0]["dedup_key"], "drill/g7-china/EU27/bismuth/refined/CHN",
        "it opens and closes nothing real"
    );
    let alerts = alertmanager::alerts(&drill, &RenderedMessage::new(&drill, BASE), None);
    assert_eq!(alerts[0]["labels"]["drill"], "true");
}

#[test]
fn chat_messages_stay_within_the_limits_of_the_service() {
    let long = Alert { title: "ä<b>*".repeat(2000), text: "x".repeat(50_000), ..firing("g7-china", "EU27") };
    let many = Notification {
        alerts: vec![alert_told(long); 50],
        firing: 50,
        omitted: 7,
        group: "g".repeat(9000),
        ..message("r", "g", 1)
    };
    let rendered = RenderedMessage::new(&many, BASE);
    let slack: Value = serde_json::from_str(&chat::body(ChatFormat::Slack, &rendered)).unwrap();
    let blocks = slack["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50, "{}", blocks.len());
    for block in blocks {
        let text = block["text"]["text"].as_str().unwrap_or_default();
        assert!(text.chars().count() <= if block["type"] == "header" { 150 } else { 3000 });
        for field in block["fields"].as_array().into_iter().flatten() {
            assert!(field["text"].as_str().unwrap().chars().count() <= 2000);
        }
        assert!(block["fields"].as_array().is_none_or(|fields| fields.len() <= 10));
    }
    assert!(slack.to_string().contains("more alerts are not shown"));
    assert!(!slack.to_string().contains("<b>"), "no markup of others");
    let teams = chat::body(ChatFormat::Teams, &rendered);
    assert!(teams.len() <= 28 << 10, "{}", teams.len());
    let teams: Value = serde_json::from_str(&teams).unwrap();
    let card = &teams["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(card["content"]["type"], "AdaptiveCard");
}

#[test]
fn pagerduty_gets_an_event_for_each_alert_under_its_identifier() {
    let acknowledgement = Some(Acknowledgement { owner: "ann".to_owned(), ..Acknowledgement::default() });
    let alerts = vec![
        alert_told(firing("a", "EU27")),
        AlertTold { acknowledgement, ..alert_told(firing("b", "EU27")) },
        resolved("c", "EU27"),
        alert_told(Alert { state: AlertState::Pending.into(), ..firing("d", "EU27") }),
    ];
    let message = Notification { alerts, ..message("r", "g", 1) };
    let events = pagerduty::events(&message, &RenderedMessage::new(&message, BASE));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["event_action"].as_str().unwrap(), event["dedup_key"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("trigger", "a/EU27/bismuth/refined/CHN"),
            ("acknowledge", "b/EU27/bismuth/refined/CHN"),
            ("resolve", "c/EU27/bismuth/refined/CHN"),
        ]
    );
    assert_eq!(events[0]["payload"]["severity"], "critical");
    assert_eq!(events[0]["payload"]["timestamp"], "2026-09-21T14:13:20Z");
    let heartbeat =
        Notification { alerts: Vec::new(), reason: NotificationReason::Heartbeat.into(), ..message };
    assert!(pagerduty::events(&heartbeat, &RenderedMessage::new(&heartbeat, BASE)).is_empty());
}

/// S07: what an Alertmanager is told stays valid for longer than retries go on; Q12: severity is no part of
/// what it is known by.
#[test]
fn s07_q12_an_alertmanager_identifies_an_alert_by_its_subject_and_keeps_it_beyond_lost_messages() {
    let planned_at = Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 });
    let one = Notification { planned_at, ..message("r", "g", 1) };
    let worse = Alert { severity: "warning".to_owned(), ..firing("g7-china", "EU27") };
    let other = Notification { alerts: vec![alert_told(worse)], ..one.clone() };
    let end = Notification { alerts: vec![resolved("g7-china", "EU27")], ..one.clone() };
    let alerts =
        |message: &Notification| alertmanager::alerts(message, &RenderedMessage::new(message, BASE), None);
    let [one, other, end] = [&one, &other, &end].map(|message| alerts(message).remove(0));
    assert_eq!((&one["labels"], &one["labels"]), (&other["labels"], &end["labels"]));
    assert_eq!(one["annotations"]["severity"], "critical");
    assert_eq!(one["labels"]["alertname"], "g7-china");
    assert_eq!(
        (&one["startsAt"], &one["endsAt"]),
        (&"2026-09-21T14:13:20Z".into(), &"2026-09-28T14:13:20Z".into())
    );
    assert_eq!(end["endsAt"], "2026-09-21T14:13:20Z");
    assert_eq!(one["generatorURL"], "https://orewatch.example.org/alerts/g7-china/EU27/bismuth/refined/CHN");
    let sign = Notification {
        alerts: Vec::new(),
        reason: NotificationReason::Heartbeat.into(),
        planned_at,
        ..Notification::default()
    };
    let sign =
        alertmanager::alerts(&sign, &RenderedMessage::new(&sign, BASE), Some(Duration::from_secs(600)))
            .remove(0);
    assert_eq!(
        (&sign["labels"]["alertname"], &sign["endsAt"]),
        (&"OrewatchHeartbeat".into(), &"2026-09-21T14:43:20Z".into())
    );
}

#[tokio::test]
async fn q12_rendering_an_alert_does_not_change_what_is_stored() {
    let bench = Bench::new();
    let server = Server::healthy().await;
    let mut service = bench.start().await;
    let kind = Kind::Alertmanager(AlertmanagerReceiver { url: server.url(""), token: None });
    service.put(Receiver { id: "am".to_owned(), kind: Some(kind), ..Receiver::default() }).await;
    let mut odd = firing("g7-china", "EU27");
    odd.labels.insert("9-odd.label".to_owned(), "x".to_owned());
    let wanted = Notification { alerts: vec![alert_told(odd.clone())], ..message("am", "g", 1) };
    let id = bench.plan(wanted.clone()).await;
    service.reaches(&id, DeliveryState::Delivered, 1).await;
    assert_eq!(server.arrived()[0].json()[0]["labels"]["_9_odd_label"], "x");
    assert_eq!(server.arrived()[0].path, "/api/v2/alerts");
    let kept = service.get(&id).await.delivery.unwrap().notification.unwrap();
    assert_eq!(kept.alerts, wanted.alerts);
    service.stop().await;
}

#[tokio::test]
async fn q09_an_inconsistent_message_is_sent_and_names_what_is_wrong() {
    let bench = Bench::new();
    let server = Server::healthy().await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let mut strange = firing("g7-china", "EU27");
    strange.subject.as_mut().unwrap().measure = "no-such-measure/9".to_owned();
    strange.estimate =
        Some(Estimate { value: Some(f64::NAN), low: Some(f64::NEG_INFINITY), ..Estimate::default() });
    strange.line = f64::INFINITY;
    strange.text = "{{ broken template \u{0} \u{1b}[31m".to_owned();
    let alerts = vec![AlertTold::default(), alert_told(strange), alert_told(Alert::default())];
    let id = bench.plan(Notification { alerts, ..message("hook", "g", 1) }).await;
    service.reaches(&id, DeliveryState::Delivered, 1).await;
    let data = &server.arrived()[0].json()["data"];
    assert!(data["alerts"][0]["headline"].as_str().unwrap().contains("cannot be shown"));
    assert_eq!(data["alerts"][1]["figure"]["value"], Value::Null);
    service.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever texts and numbers an alert holds, every form of it can be made, and reads as what it is.
    #[test]
    fn q09_every_message_can_be_rendered_in_every_form(
        texts in proptest::collection::vec(any::<String>(), 8),
        numbers in proptest::collection::vec(any::<f64>(), 6),
        drill: bool,
    ) {
        let mut alert = firing(&texts[0], &texts[1]);
        alert.title.clone_from(&texts[2]);
        alert.text.clone_from(&texts[3]);
        alert.severity.clone_from(&texts[4]);
        alert.owner.clone_from(&texts[5]);
        alert.line = numbers[0];
        alert.estimate = Some(Estimate {
            value: Some(numbers[1]),
            low: Some(numbers[2]),
            high: Some(numbers[3]),
            ..Estimate::default()
        });
        alert.series[0].value = Some(numbers[4]);
        alert.contributors[0].share = numbers[5];
        let (group, text) = (texts[6].clone(), texts[7].clone());
        let alerts = vec![alert_told(alert)];
        let sent = Notification { alerts, drill, group, text, ..message("r", "g", 1) };
        for (form, body) in forms(&sent, BASE) {
            if !matches!(form, "text" | "html") {
                prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{}", form);
            }
        }
        let to = vec!["b@example.org".to_owned()];
        let receiver = MailReceiver { from: "a@example.org".to_owned(), to, ..MailReceiver::default() };
        prop_assert!(mail::build_mail(&receiver, &sent, &RenderedMessage::new(&sent, BASE)).is_ok());
    }
}

//! What messages say about figures and their past.
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::CauseKind;

use super::{ALERT, Hand, ServiceClients, planned_alerts, put_receiver, subscription, until_planned};
use crate::kit::{Cell, Desk, china_rule, gone, shares};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_and_snapshots_have_the_newest_figure_and_that_of_the_transition() {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
    service.alerting.put(china_rule("china", "")).await;
    let years = [(2018, 0.951), (2019, 0.93), (2024, 0.8903)];
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &years)).await;
    service.alerting.evaluated(position).await;
    service.subscribe(subscription(0, &[])).await;
    let first = until_planned(&*desk.alerts, 1).await.remove(0);
    let listed = service.alerting.all().await.remove(0);
    let ask = SubscribeAlertsRequest { snapshot: true, ..SubscribeAlertsRequest::default() };
    let mut stream = service.alerting.client.subscribe_alerts(ask).await.unwrap().into_inner();
    let message = stream.message().await.unwrap().unwrap().message.unwrap();
    let subscribe_alerts_response::Message::Alert(snapshot) = message else { panic!("{message:?}") };
    for alert in [first.alerts[0].alert.clone().unwrap(), listed, snapshot] {
        let newest = alert.estimate.as_ref().unwrap().value;
        assert_eq!((alert.period.as_str(), newest), ("2024", Some(0.8903)), "{alert:?}");
        let then = alert.at_transition.unwrap();
        assert_eq!((then.period.as_str(), then.estimate.unwrap().value), ("2018", Some(0.951)));
    }
    let rendered = orewatch_receivers::message::RenderedMessage::new(&first, None);
    assert_eq!(
        rendered.title,
        "Warning: 89.0 % of refined cobalt imported by Germany came from China in 2024 (threshold 65 %); \
         crossed in 2018 at 95.1 %"
    );
    service.alerting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_reports_restatements_and_missing_figures() {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let clock = Hand::new();
    let mut service = ServiceClients::start(clock.clone(), desk.logs()).await;
    service.subscribe(subscription(0, &[])).await;
    service.alerting.put(china_rule("china", "")).await;
    let years = [(2022, 0.7), (2023, 0.5), (2024, 0.8)];
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &years)).await;
    service.alerting.evaluated(position).await;
    until_planned(&*desk.alerts, 1).await;
    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2022, 0.4)])).await;
    service.alerting.evaluated(position).await;
    clock.advance(300);
    let second = until_planned(&*desk.alerts, 2).await.remove(1);
    let past = second.alerts[0].restated.clone().unwrap();
    assert_eq!(
        (past.period.as_str(), past.was(), past.is()),
        ("2022", AlertState::Firing, AlertState::Inactive)
    );
    assert_eq!(
        planned_alerts(&second),
        [(ALERT.to_owned(), AlertState::Firing)],
        "the alert fires as before"
    );
    let text = orewatch_receivers::message::RenderedMessage::new(&second, None).plain_text();
    let line = "2022: was \"firing\" at 70.0 %; with revised data it would be \"inactive\" at 40.0 %";
    assert!(text.contains(line), "{text}");

    let lost = [("2024", vec![gone("DEU"), Cell { supplier: "VNM", ..gone("DEU") }])];
    let position = desk.publish_for(CauseKind::ReleaseWithdrawn, "cobalt", "c", &lost).await;
    service.alerting.evaluated(position).await;
    clock.advance(300);
    let third = until_planned(&*desk.alerts, 3).await.remove(2);
    assert!(third.alerts[0].restated.is_none());
    let rendered = orewatch_receivers::message::RenderedMessage::new(&third, None);
    let title =
        "Warning: DEU cobalt refined from CHN, no figure since 2024 (last: 50.0 % in 2023) (threshold 65 %)";
    assert_eq!(rendered.title, title);
    assert!(rendered.plain_text().contains("the last figure of 2024 was 80 %"), "{}", rendered.plain_text());
    assert!(rendered.plain_text().contains("release c was withdrawn"), "{}", rendered.plain_text());
    service.alerting.stop().await;
}

//! Two tenants on one server: what belongs to one of them does not exist for the other.
use std::collections::BTreeMap;
use std::fs;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_tests::api::eventually;
use orewatch_tests::system::file;

use super::RULES;
use super::server::{Caller, SecuredServer};
use crate::feeder::trade;

const RECEIVERS: &str = "receivers:\n  - id: feed\n    feed: {}\n";
const SUBSCRIPTIONS: &str =
    "subscriptions:\n  - id: desk\n    receiver: feed\n    cadence: {wait: 0s, interval: 0s}\n";
const INHIBITIONS: &str = "\
inhibitions:
  - id: quiet
    source: {severity: critical}
    target: {severity: warning}
    equal: [consumer]
";

/// Creates everything that a tenant can have, for the tenant acme: rules, a feed, a subscription, a silence,
/// an inhibition, an acknowledgement, and messages. Returns the identifiers of an alert and of a message.
async fn create_entries_of_acme(server: &SecuredServer) -> (String, String) {
    let path = |name: &str, text: &str| file(&server.folder, name, text);
    let [rules, receivers, subscriptions, inhibitions, statistics] = [
        path("rules.yaml", RULES),
        path("receivers.yaml", RECEIVERS),
        path("subscriptions.yaml", SUBSCRIPTIONS),
        path("inhibitions.yaml", INHIBITIONS),
        path("trade.csv", &trade(1)),
    ];
    server.run("keeper", &["ingest", &statistics]);
    let actor = ["--actor", "somebody-else"];
    let acme = |name: &str, args: &[&str]| server.run(name, &[args, &["--tenant", "acme"], &actor].concat());
    acme("acme-operator", &["receivers", "apply", &receivers]);
    acme("acme-analyst", &["subscriptions", "apply", &subscriptions]);
    acme("acme-analyst", &["inhibitions", "apply", &inhibitions]);
    acme("acme-analyst", &["rules", "apply", &rules, "--yes"]);
    server.run("keeper", &["rules", "apply", &rules, "--yes"]);
    let silence = ["silences", "add", "--tenant", "acme", "--consumer", "USA", "--lasts", "1h", "--yes"];
    let why = ["--author", "somebody-else", "--reason", "known"];
    server.run("acme-analyst", &[silence.as_slice(), &why].concat());

    let caller = server.caller("acme-analyst");
    let alert = eventually("an alert of acme fires", async || {
        let request = ListAlertsRequest::default();
        let alerts = caller.alerting.clone().list_alerts(request).await?.into_inner().alerts;
        let of_acme = |alert: &&Alert| alert.rule == "acme:lines" && !alert.id.contains("USA");
        Ok(alerts
            .iter()
            .filter(|alert| alert.state() == AlertState::Firing)
            .find(of_acme)
            .map(|alert| alert.id.clone()))
    })
    .await
    .expect("an alert of acme");
    server.run("acme-analyst", &["acknowledge", &alert, "--owner", "somebody-else"]);
    let message = eventually("a message to acme's feed is planned", async || {
        let request = ListDeliveriesRequest::default();
        let found = caller.deliveries.clone().list_deliveries(request).await?.into_inner().deliveries;
        Ok(found.into_iter().find_map(|delivery| delivery.notification).map(|message| message.id))
    })
    .await
    .expect("a message");
    (alert, message)
}

/// Calls each method that lists something, and reads the feed. Returns the responses as text, by method.
async fn list_everything(server: &SecuredServer, name: &str, alert: &str) -> BTreeMap<&'static str, String> {
    let Caller { mut alerting, mut notifications, mut deliveries } = server.caller(name);
    let mut found = BTreeMap::new();
    macro_rules! list {
        ($client:ident.$method:ident($request:expr)) => {
            let answer = $client.$method($request).await.expect("a list is answered").into_inner();
            found.insert(stringify!($method), format!("{answer:?}"));
        };
    }
    list!(alerting.list_rules(ListRulesRequest::default()));
    // Suggestions for words of a filter must not name entries of other tenants either.
    let filter = AlertFilter { rules: vec!["acme:line".to_owned()], ..AlertFilter::default() };
    let request = ListAlertsRequest { filter: Some(filter), ..ListAlertsRequest::default() };
    let hints = alerting.list_alerts(request).await.expect("an answer").into_inner().warnings;
    found.insert("warnings", hints.join("\n").replace("\"acme:line\"", ""));
    list!(alerting.list_alerts(ListAlertsRequest::default()));
    list!(notifications.list_subscriptions(ListSubscriptionsRequest::default()));
    list!(notifications.list_silences(ListSilencesRequest::default()));
    list!(notifications.list_inhibitions(ListInhibitionsRequest::default()));
    list!(notifications.list_holds(ListHoldsRequest { alerts: vec![alert.to_owned()] }));
    list!(deliveries.list_receivers(ListReceiversRequest::default()));
    list!(deliveries.list_deliveries(ListDeliveriesRequest::default()));
    // The explanation of an alert of everyone's lists the receivers that were notified.
    let everyones = alert.trim_start_matches("acme:").to_owned();
    list!(notifications.explain_alert(ExplainAlertRequest { alert: everyones }));
    let request = SubscribeAlertsRequest { snapshot: true, ..SubscribeAlertsRequest::default() };
    let mut stream = alerting.subscribe_alerts(request).await.expect("a stream").into_inner();
    let mut snapshot = String::new();
    while let Some(message) = stream.message().await.expect("no error") {
        if matches!(message.message, Some(Message::SnapshotEnd(_))) {
            break;
        }
        snapshot += &format!("{message:?}\n");
    }
    found.insert("subscribe_alerts", snapshot);
    let request = SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..Default::default() };
    let mut stream = alerting.subscribe_alerts(request).await.expect("a stream").into_inner();
    let mut history = String::new();
    while let Some(message) = stream.message().await.expect("no error") {
        if matches!(message.message, Some(Message::CaughtUp(_))) {
            break;
        }
        history += &format!("{message:?}\n");
    }
    found.insert("subscribe_alerts from the beginning", history);
    found.insert("feed", server.feed(name, "acme:feed").await);
    found.insert("escaped feed", server.feed(name, "acme%3Afeed").await);
    found
}

/// Requests of one caller that name entries of acme, and the error codes of the responses by method; `done`
/// if there was no error.
struct Attempts {
    caller: Caller,
    alert: String,
    message: String,
    codes: Vec<(&'static str, String)>,
}

macro_rules! attempt {
    ($attempts:ident.$client:ident.$method:ident($request:ident { $($fields:tt)* })) => {
        #[allow(clippy::needless_update, reason = "some requests have no other fields")]
        let request = $request { $($fields)*, ..$request::default() };
        let code = match $attempts.caller.$client.$method(request).await {
            Ok(_) => "done".to_owned(),
            Err(status) => Failure::from(status).code,
        };
        $attempts.codes.push((stringify!($method), code));
    };
}

impl Attempts {
    fn new(server: &SecuredServer, name: &str, alert: &str, message: &str) -> Self {
        let (alert, message) = (alert.to_owned(), message.to_owned());
        Self { caller: server.caller(name), alert, message, codes: Vec::new() }
    }

    fn rule() -> Rule {
        Rule {
            id: "acme:lines".to_owned(),
            title: "Mine".to_owned(),
            measure: "import-share".to_owned(),
            when: Some(Condition { line: Some(condition::Line::Above(0.1)), ..Condition::default() }),
            ..Rule::default()
        }
    }

    /// Sends requests that read an entry, or do something with an existing one.
    async fn reads(mut self) -> Vec<(&'static str, String)> {
        let rule = Self::rule().id;
        let stored = StoredRule { id: rule.clone(), revision: 0 };
        let stored = RuleChoice { choice: Some(rule_choice::Choice::Stored(stored)) };
        let (alert, message) = (self.alert.clone(), self.message.clone());
        attempt!(self.alerting.get_rule(GetRuleRequest { rule }));
        attempt!(self.alerting.backtest_rule(BacktestRuleRequest { rule: Some(stored) }));
        attempt!(self.alerting.get_alert(GetAlertRequest { alert: alert.clone() }));
        attempt!(self.notifications.explain_alert(ExplainAlertRequest { alert: alert.clone() }));
        attempt!(self.deliveries.get_delivery(GetDeliveryRequest { notification: message.clone() }));
        attempt!(self.deliveries.replay_deliveries(ReplayDeliveriesRequest { notifications: vec![message] }));
        attempt!(self.notifications.run_drill(RunDrillRequest { alert }));
        self.codes
    }

    /// Sends requests that create, change or remove an entry.
    async fn commands(mut self) -> Vec<(&'static str, String)> {
        let (rule, alert, feed) = (Self::rule(), self.alert.clone(), "acme:feed".to_owned());
        let kind = Some(receiver::Kind::Feed(FeedReceiver::default()));
        let receiver = Some(Receiver { id: feed.clone(), kind, ..Receiver::default() });
        let subscription = "acme:desk".to_owned();
        let desk =
            Subscription { id: subscription.clone(), receiver: feed.clone(), ..Subscription::default() };
        let filter = Some(AlertFilter { consumers: vec!["DEU".to_owned()], ..AlertFilter::default() });
        let silence = Some(Silence { filter, author: "x".to_owned(), ..Silence::default() });
        let inhibition = "acme:quiet".to_owned();
        let quiet = Some(Inhibition { id: inhibition.clone(), ..Inhibition::default() });
        let [tenant, other_rule, any_silence] = ["acme", "acme:nothing", "acme:any"].map(str::to_owned);

        attempt!(self.alerting.put_rule(PutRuleRequest { rule: Some(rule.clone()), validate_only: true }));
        attempt!(self.alerting.put_rule(PutRuleRequest { rule: Some(rule.clone()) }));
        attempt!(self.alerting.put_rules(PutRulesRequest { rules: vec![rule.clone()] }));
        attempt!(self.alerting.remove_rule(RemoveRuleRequest { rule: rule.id }));
        attempt!(self.alerting.remove_rule(RemoveRuleRequest { rule: other_rule }));
        attempt!(self.notifications.put_subscription(PutSubscriptionRequest { subscription: Some(desk) }));
        attempt!(self.notifications.remove_subscription(RemoveSubscriptionRequest { subscription }));
        attempt!(self.notifications.put_silence(PutSilenceRequest { silence, tenant }));
        attempt!(self.notifications.end_silence(EndSilenceRequest { silence: any_silence }));
        attempt!(self.notifications.put_inhibition(PutInhibitionRequest { inhibition: quiet }));
        attempt!(self.notifications.remove_inhibition(RemoveInhibitionRequest { inhibition }));
        attempt!(self.notifications.acknowledge_alert(AcknowledgeAlertRequest { alert: alert.clone() }));
        attempt!(self.notifications.unacknowledge_alert(UnacknowledgeAlertRequest { alert }));
        attempt!(self.notifications.run_drill(RunDrillRequest { receiver: feed.clone() }));
        attempt!(self.deliveries.put_receiver(PutReceiverRequest { receiver }));
        attempt!(self.deliveries.enable_receiver(EnableReceiverRequest { receiver: feed.clone() }));
        attempt!(self.deliveries.remove_receiver(RemoveReceiverRequest { receiver: feed }));
        self.codes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_tenant_exist_only_for_that_tenant_and_its_operators() {
    let server = SecuredServer::start();
    let (alert, message) = create_entries_of_acme(&server).await;
    for name in ["acme-reader", "acme-operator", "root"] {
        for (method, response) in list_everything(&server, name, &alert).await {
            if method != "explain_alert" {
                assert!(response.contains("acme:"), "{name} does not see acme in {method}: {response}");
            }
        }
    }
    for name in ["beta-operator", "keeper"] {
        for (method, response) in list_everything(&server, name, &alert).await {
            assert!(!response.contains("acme"), "{name} sees acme in {method}: {response}");
        }
        // Reads answer as if the entry did not exist.
        for (method, code) in Attempts::new(&server, name, &alert, &message).reads().await {
            assert!(code.starts_with("unknown-"), "{name} {method}: {code}");
        }
        for (method, code) in Attempts::new(&server, name, &alert, &message).commands().await {
            assert_eq!(code, "not-permitted", "{name} {method}");
        }
    }
    // The log has the names of tokens, never the names that requests claim.
    let marker = b"somebody-else";
    for log in ["alerts.db", "alerts.db-wal", "observations.db", "observations.db-wal"] {
        let bytes = fs::read(server.folder.path().join("data").join(log)).unwrap_or_default();
        let is_claimed_name = |window: &[u8]| window == marker;
        assert!(!bytes.windows(marker.len()).any(is_claimed_name), "{log} has a name that a request claimed");
    }
    let rules = server.caller("root").alerting.list_rules(ListRulesRequest::default()).await.expect("rules");
    let actors: Vec<_> = rules.into_inner().rules.into_iter().map(|info| info.actor).collect();
    assert_eq!(actors, ["acme-analyst", "keeper"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_a_tenant_can_use_only_secrets_of_that_tenant() {
    let server = SecuredServer::start();
    for folder in ["acme", "beta"] {
        fs::create_dir_all(server.folder.path().join(folder)).expect("a folder");
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        fs::write(server.folder.path().join(folder).join("key"), key).expect("a file");
    }
    fs::write(server.folder.path().join("key"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a file");
    let put_receiver = async |source: secret_reference::Source, fallback: &str| {
        let secret = Some(SecretReference { source: Some(source) });
        let keys = vec![SigningKey { secret, ..SigningKey::default() }];
        let webhook = WebhookReceiver { url: "https://192.0.2.1/".to_owned(), keys };
        let receiver = Receiver {
            id: "acme:hook".to_owned(),
            kind: Some(receiver::Kind::Webhook(webhook)),
            fallback: fallback.to_owned(),
            ..Receiver::default()
        };
        let request = PutReceiverRequest {
            receiver: Some(receiver),
            validate_only: true,
            ..PutReceiverRequest::default()
        };
        let answer = server.caller("acme-operator").deliveries.put_receiver(request).await;
        Failure::from(answer.expect_err("the address is refused")).code
    };
    let secret_file = |path: &str| {
        secret_reference::Source::File(server.folder.path().join(path).to_str().expect("UTF-8").to_owned())
    };
    // Only the address is refused, which is checked last: the secret is accepted.
    assert_eq!(put_receiver(secret_file("acme/key"), "").await, "address-refused");
    for other in [
        secret_file("beta/key"),
        secret_file("key"),
        secret_file("acme/../beta/key"),
        secret_file("tokens.toml"),
        secret_reference::Source::Environment("RECEIVER_KEY".to_owned()),
    ] {
        assert_eq!(put_receiver(other.clone(), "").await, "invalid-receiver", "{other:?}");
    }
    assert_eq!(put_receiver(secret_file("acme/key"), "feed").await, "another-tenant");
}

//! Who may call what, and who sees whose things: every kind of caller against every method, and two tenants beside each other.
mod house;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt as _;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_runtime::Failure;
use orewatch_testkit::NatsServer;
use orewatch_tests::api::eventually;
use orewatch_tests::process::Server;
use orewatch_tests::system::{Cluster, SERVICES, System as _, client, file, run};
use orewatch_tests::tools::{output, text};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::feeder::trade;
use house::{Caller, House, token};

/// What a method takes. Written here once more, beside the contracts: who changes one of them has to look at the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Reader,
    Analyst,
    Ingester,
    Operator,
}

use Takes::{Analyst, Ingester, Operator, Reader};

const INGESTION: &str = "orewatch.ingestion.v1.IngestionService";
const EXPOSURE: &str = "orewatch.exposure.v1.ExposureService";
const ALERTING: &str = "orewatch.alerting.v1.AlertingService";
const NOTIFICATION: &str = "orewatch.alerting.v1.NotificationService";
const DELIVERY: &str = "orewatch.alerting.v1.DeliveryService";

/// Every method of every service.
const METHODS: &[(&str, &str, Takes)] = &[
    (INGESTION, "OpenRelease", Ingester),
    (INGESTION, "RecordObservations", Ingester),
    (INGESTION, "CommitRelease", Ingester),
    (INGESTION, "WithdrawRelease", Ingester),
    (INGESTION, "ListReleases", Reader),
    (INGESTION, "GetRelease", Reader),
    (INGESTION, "ListRejections", Reader),
    (INGESTION, "RepairRows", Ingester),
    (INGESTION, "UploadFile", Ingester),
    (INGESTION, "DownloadFile", Reader),
    (INGESTION, "IngestFiles", Ingester),
    (INGESTION, "ListGates", Reader),
    (INGESTION, "GetSourcePolicy", Reader),
    (INGESTION, "PutSourcePolicy", Operator),
    (INGESTION, "Poll", Operator),
    (INGESTION, "ListConnectors", Reader),
    (INGESTION, "ListFetches", Reader),
    (EXPOSURE, "GetExposure", Reader),
    (EXPOSURE, "QueryExposures", Reader),
    (EXPOSURE, "StreamExposures", Reader),
    (EXPOSURE, "WatchExposures", Reader),
    (EXPOSURE, "ExplainExposure", Reader),
    (EXPOSURE, "CompareSources", Reader),
    (ALERTING, "PutRule", Analyst),
    (ALERTING, "PutRules", Analyst),
    (ALERTING, "GetRule", Reader),
    (ALERTING, "ListRules", Reader),
    (ALERTING, "RemoveRule", Analyst),
    (ALERTING, "BacktestRule", Analyst),
    (ALERTING, "GetAlert", Reader),
    (ALERTING, "ListAlerts", Reader),
    (ALERTING, "SubscribeAlerts", Reader),
    (NOTIFICATION, "PutSubscription", Analyst),
    (NOTIFICATION, "ListSubscriptions", Reader),
    (NOTIFICATION, "RemoveSubscription", Analyst),
    (NOTIFICATION, "PutSilence", Analyst),
    (NOTIFICATION, "ListSilences", Reader),
    (NOTIFICATION, "EndSilence", Analyst),
    (NOTIFICATION, "PutInhibition", Analyst),
    (NOTIFICATION, "ListInhibitions", Reader),
    (NOTIFICATION, "RemoveInhibition", Analyst),
    (NOTIFICATION, "AcknowledgeAlert", Analyst),
    (NOTIFICATION, "UnacknowledgeAlert", Analyst),
    (NOTIFICATION, "ListHolds", Reader),
    (NOTIFICATION, "RunDrill", Operator),
    (NOTIFICATION, "ExplainAlert", Reader),
    (DELIVERY, "PutReceiver", Operator),
    (DELIVERY, "ListReceivers", Reader),
    (DELIVERY, "RemoveReceiver", Operator),
    (DELIVERY, "EnableReceiver", Operator),
    (DELIVERY, "ListDeliveries", Reader),
    (DELIVERY, "GetDelivery", Reader),
    (DELIVERY, "ReplayDeliveries", Operator),
];

/// What becomes of a call before any service sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// A service answers.
    Passes,
    /// The caller has not the role.
    Denied,
    /// The caller shows no token that is known.
    Unknown,
}

/// Every kind of caller, with what becomes of its calls.
type Kind = (Option<&'static str>, fn(&str, Takes) -> Cell);

fn among(allowed: &[Takes], takes: Takes) -> Cell {
    if allowed.contains(&takes) { Cell::Passes } else { Cell::Denied }
}

const CALLERS: [Kind; 7] = [
    (None, |_, _| Cell::Unknown),
    (Some("stranger"), |_, _| Cell::Unknown),
    // A token without roles reads, and does what it could do before there were any.
    (
        Some("unnamed"),
        |service, takes| {
            if service == INGESTION { Cell::Passes } else { among(&[Reader], takes) }
        },
    ),
    (Some("acme-reader"), |_, takes| among(&[Reader], takes)),
    (Some("acme-analyst"), |_, takes| among(&[Reader, Analyst], takes)),
    (Some("acme-ingester"), |_, takes| among(&[Reader, Ingester], takes)),
    (Some("acme-operator"), |_, _| Cell::Passes),
];

/// Calls a method with an empty message.
async fn call(channel: &Channel, path: &str, caller: Option<&str>) -> Cell {
    let mut request = Request::new(());
    if let Some(name) = caller {
        let shown = format!("Bearer {}", token(name)).parse().expect("a token is ASCII");
        request.metadata_mut().insert("authorization", shown);
    }
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.expect("it listens");
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = path.parse().expect("a path");
    let status = match grpc.server_streaming(request, path, codec).await {
        Err(status) => Some(status),
        Ok(answers) => {
            let mut answers = answers.into_inner();
            // Some streams are silent until something happens.
            let first = tokio::time::timeout(Duration::from_millis(200), answers.message()).await;
            first.ok().and_then(Result::err)
        }
    };
    match status.map(|status| status.code()) {
        Some(Code::PermissionDenied) => Cell::Denied,
        Some(Code::Unauthenticated) => Cell::Unknown,
        _ => Cell::Passes,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_of_callers_and_methods_has_no_open_cell() {
    let path = |service: &str, method: &str| format!("/{service}/{method}");
    let rows: BTreeSet<String> = METHODS.iter().map(|(service, method, _)| path(service, method)).collect();
    let contracts: BTreeSet<String> = orewatch_contracts::roles().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(rows, contracts, "give every method of the contracts a row here");

    let house = House::start();
    let channel = house.channel();
    let mut wrong = BTreeMap::new();
    for (service, method, takes) in METHODS {
        for (caller, expected) in CALLERS {
            let cell = call(&channel, &path(service, method), caller).await;
            if cell != expected(service, *takes) {
                wrong.insert((*method, caller), cell);
            }
        }
    }
    assert_eq!(wrong, BTreeMap::new(), "{}", house.server.said());
    // What nobody decided about is refused, whoever asks.
    let unknown = call(&channel, "/orewatch.alerting.v1.AlertingService/DropAllRules", Some("root")).await;
    assert_eq!(unknown, Cell::Passes, "there is no such method, and no service to reach");
}

const RULES: &str = "rules:\n  - id: lines\n    title: A supplier has more than 65 %\n    measure: import-share\n    \
                     select: {supplier: CHN}\n    when: {above: 0.65}\n";
const RECEIVERS: &str = "receivers:\n  - id: feed\n    feed: {}\n";
const SUBSCRIPTIONS: &str =
    "subscriptions:\n  - id: desk\n    receiver: feed\n    cadence: {wait: 0s, interval: 0s}\n";
const INHIBITIONS: &str = "inhibitions:\n  - id: quiet\n    source: {severity: critical}\n    \
                           target: {severity: warning}\n    equal: [consumer]\n";

/// What acme has: rules, a feed, a subscription, a silence, an inhibition, an acknowledgement, and messages. Its alert, and one of
/// its messages.
async fn acme_moves_in(house: &House) -> (String, String) {
    let path = |name: &str, text: &str| file(&house.folder, name, text);
    let [rules, receivers, subscriptions, inhibitions, statistics] = [
        path("rules.yaml", RULES),
        path("receivers.yaml", RECEIVERS),
        path("subscriptions.yaml", SUBSCRIPTIONS),
        path("inhibitions.yaml", INHIBITIONS),
        path("trade.csv", &trade(1)),
    ];
    house.run("keeper", &["ingest", &statistics]);
    let actor = ["--actor", "somebody-else"];
    let acme = |name: &str, args: &[&str]| house.run(name, &[args, &["--tenant", "acme"], &actor].concat());
    acme("acme-operator", &["receivers", "apply", &receivers]);
    acme("acme-analyst", &["subscriptions", "apply", &subscriptions]);
    acme("acme-analyst", &["inhibitions", "apply", &inhibitions]);
    acme("acme-analyst", &["rules", "apply", &rules, "--yes"]);
    house.run("keeper", &["rules", "apply", &rules, "--yes"]);
    let silence = ["silences", "add", "--tenant", "acme", "--consumer", "USA", "--lasts", "1h", "--yes"];
    let why = ["--author", "somebody-else", "--reason", "known"];
    house.run("acme-analyst", &[silence.as_slice(), &why].concat());

    let caller = house.caller("acme-analyst");
    let alert = eventually("an alert of acme fires", async || {
        let request = ListAlertsRequest::default();
        let alerts = caller.alerting.clone().list_alerts(request).await?.into_inner().alerts;
        let own = |alert: &&Alert| alert.rule == "acme:lines" && !alert.id.contains("USA");
        Ok(alerts
            .iter()
            .filter(|alert| alert.state() == AlertState::Firing)
            .find(own)
            .map(|alert| alert.id.clone()))
    })
    .await
    .expect("an alert of acme");
    house.run("acme-analyst", &["acknowledge", &alert, "--owner", "somebody-else"]);
    let message = eventually("a message to acme's feed is planned", async || {
        let request = ListDeliveriesRequest::default();
        let found = caller.deliveries.clone().list_deliveries(request).await?.into_inner().deliveries;
        Ok(found.into_iter().find_map(|delivery| delivery.notification).map(|message| message.id))
    })
    .await
    .expect("a message");
    (alert, message)
}

/// What a caller is told by each method that lists, and by the feed.
async fn told(house: &House, name: &str, alert: &str) -> BTreeMap<&'static str, String> {
    let Caller { mut alerting, mut notifications, mut deliveries } = house.caller(name);
    let mut told = BTreeMap::new();
    macro_rules! ask {
        ($client:ident.$method:ident($request:expr)) => {
            let answer = $client.$method($request).await.expect("a list is answered").into_inner();
            told.insert(stringify!($method), format!("{answer:?}"));
        };
    }
    ask!(alerting.list_rules(ListRulesRequest::default()));
    // What there is is also what words of a filter are compared with.
    let filter = AlertFilter { rules: vec!["acme:line".to_owned()], ..AlertFilter::default() };
    let request = ListAlertsRequest { filter: Some(filter), ..ListAlertsRequest::default() };
    let hints = alerting.list_alerts(request).await.expect("an answer").into_inner().warnings;
    told.insert("warnings", hints.join("\n").replace("\"acme:line\"", ""));
    ask!(alerting.list_alerts(ListAlertsRequest::default()));
    ask!(notifications.list_subscriptions(ListSubscriptionsRequest::default()));
    ask!(notifications.list_silences(ListSilencesRequest::default()));
    ask!(notifications.list_inhibitions(ListInhibitionsRequest::default()));
    ask!(notifications.list_holds(ListHoldsRequest { alerts: vec![alert.to_owned()] }));
    ask!(deliveries.list_receivers(ListReceiversRequest::default()));
    ask!(deliveries.list_deliveries(ListDeliveriesRequest::default()));
    // Of everyone's alert: whom it was told.
    let everyones = alert.trim_start_matches("acme:").to_owned();
    ask!(notifications.explain_alert(ExplainAlertRequest { alert: everyones }));
    let request = SubscribeAlertsRequest { snapshot: true, ..SubscribeAlertsRequest::default() };
    let mut stream = alerting.subscribe_alerts(request).await.expect("a stream").into_inner();
    let mut snapshot = String::new();
    while let Some(message) = stream.message().await.expect("no error") {
        if matches!(message.message, Some(Message::SnapshotEnd(_))) {
            break;
        }
        snapshot += &format!("{message:?}\n");
    }
    told.insert("subscribe_alerts", snapshot);
    let request = SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..Default::default() };
    let mut stream = alerting.subscribe_alerts(request).await.expect("a stream").into_inner();
    let mut history = String::new();
    while let Some(message) = stream.message().await.expect("no error") {
        if matches!(message.message, Some(Message::CaughtUp(_))) {
            break;
        }
        history += &format!("{message:?}\n");
    }
    told.insert("subscribe_alerts from the beginning", history);
    told.insert("feed", house.feed(name, "acme:feed").await);
    told.insert("escaped feed", house.feed(name, "acme%3Afeed").await);
    told
}

/// What becomes of everything that names a thing of acme: codes of refusals.
async fn tried(house: &House, name: &str, alert: &str, message: &str) -> Vec<(&'static str, String)> {
    let Caller { mut alerting, mut notifications, mut deliveries } = house.caller(name);
    let rule = Rule {
        id: "acme:lines".to_owned(),
        title: "Mine".to_owned(),
        measure: "import-share".to_owned(),
        when: Some(Condition { line: Some(condition::Line::Above(0.1)), ..Condition::default() }),
        ..Rule::default()
    };
    let stored = StoredRule { id: rule.id.clone(), revision: 0 };
    let stored = RuleChoice { choice: Some(rule_choice::Choice::Stored(stored)) };
    let feed = Some(receiver::Kind::Feed(FeedReceiver::default()));
    let receiver = Receiver { id: "acme:feed".to_owned(), kind: feed, ..Receiver::default() };
    let subscription = Subscription {
        id: "acme:desk".to_owned(),
        receiver: "acme:feed".to_owned(),
        ..Subscription::default()
    };
    let filter = Some(AlertFilter { consumers: vec!["DEU".to_owned()], ..AlertFilter::default() });
    let (acme, alert, message) = ("acme".to_owned(), alert.to_owned(), message.to_owned());
    let silence = Silence { filter: filter.clone(), author: "x".to_owned(), ..Silence::default() };
    let inhibition = Inhibition { id: "acme:quiet".to_owned(), ..Inhibition::default() };
    let mut tried = Vec::new();
    macro_rules! attempt {
        ($client:ident.$method:ident($request:ident { $($fields:tt)* })) => {
            #[allow(clippy::needless_update, reason = "some requests have no other fields")]
            let request = $request { $($fields)*, ..$request::default() };
            let code = match $client.$method(request).await {
                Ok(_) => "done".to_owned(),
                Err(status) => Failure::from(status).code,
            };
            tried.push((stringify!($method), code));
        };
    }
    attempt!(alerting.get_rule(GetRuleRequest { rule: rule.id.clone() }));
    attempt!(alerting.backtest_rule(BacktestRuleRequest { rule: Some(stored) }));
    attempt!(alerting.get_alert(GetAlertRequest { alert: alert.clone() }));
    attempt!(notifications.explain_alert(ExplainAlertRequest { alert: alert.clone() }));
    attempt!(deliveries.get_delivery(GetDeliveryRequest { notification: message.clone() }));
    attempt!(deliveries.replay_deliveries(ReplayDeliveriesRequest { notifications: vec![message] }));
    attempt!(notifications.run_drill(RunDrillRequest { alert: alert.clone() }));
    attempt!(alerting.put_rule(PutRuleRequest { rule: Some(rule.clone()), validate_only: true }));
    attempt!(alerting.put_rule(PutRuleRequest { rule: Some(rule.clone()) }));
    attempt!(alerting.put_rules(PutRulesRequest { rules: vec![rule.clone()] }));
    attempt!(alerting.remove_rule(RemoveRuleRequest { rule: rule.id.clone() }));
    attempt!(alerting.remove_rule(RemoveRuleRequest { rule: "acme:nothing".to_owned() }));
    attempt!(notifications.put_subscription(PutSubscriptionRequest { subscription: Some(subscription) }));
    attempt!(
        notifications.remove_subscription(RemoveSubscriptionRequest { subscription: "acme:desk".to_owned() })
    );
    attempt!(notifications.put_silence(PutSilenceRequest { silence: Some(silence), tenant: acme }));
    attempt!(notifications.end_silence(EndSilenceRequest { silence: "acme:any".to_owned() }));
    attempt!(notifications.put_inhibition(PutInhibitionRequest { inhibition: Some(inhibition) }));
    attempt!(
        notifications.remove_inhibition(RemoveInhibitionRequest { inhibition: "acme:quiet".to_owned() })
    );
    attempt!(notifications.acknowledge_alert(AcknowledgeAlertRequest { alert: alert.clone() }));
    attempt!(notifications.unacknowledge_alert(UnacknowledgeAlertRequest { alert: alert.clone() }));
    attempt!(notifications.run_drill(RunDrillRequest { receiver: "acme:feed".to_owned() }));
    attempt!(deliveries.put_receiver(PutReceiverRequest { receiver: Some(receiver) }));
    attempt!(deliveries.enable_receiver(EnableReceiverRequest { receiver: "acme:feed".to_owned() }));
    attempt!(deliveries.remove_receiver(RemoveReceiverRequest { receiver: "acme:feed".to_owned() }));
    tried
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_tenant_is_there_for_that_tenant_and_its_operators_alone() {
    let house = House::start();
    let (alert, message) = acme_moves_in(&house).await;
    for name in ["acme-reader", "acme-operator", "root"] {
        for (what, said) in told(&house, name, &alert).await {
            if what != "explain_alert" {
                assert!(said.contains("acme:"), "{name} is told of acme by {what}: {said}");
            }
        }
    }
    for name in ["beta-operator", "keeper"] {
        for (what, said) in told(&house, name, &alert).await {
            assert!(!said.contains("acme"), "{name} is told of acme by {what}: {said}");
        }
        let tried = tried(&house, name, &alert, &message).await;
        let (reads, commands) = tried.split_at(7);
        for (what, code) in reads {
            assert!(code.starts_with("unknown-"), "{name} {what}: {code}");
        }
        for (what, code) in commands {
            assert_eq!(code, "not-permitted", "{name} {what}");
        }
    }
    // Nobody was believed who they are.
    let marker = b"somebody-else";
    for log in ["alerts.db", "alerts.db-wal", "observations.db", "observations.db-wal"] {
        let bytes = fs::read(house.folder.path().join("data").join(log)).unwrap_or_default();
        assert!(!bytes.windows(marker.len()).any(|window| window == marker), "{log} believes a request");
    }
    let rules = house.caller("root").alerting.list_rules(ListRulesRequest::default()).await.expect("rules");
    let actors: Vec<_> = rules.into_inner().rules.into_iter().map(|info| info.actor).collect();
    assert_eq!(actors, ["acme-analyst", "keeper"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_receiver_has_its_own_secrets_and_reaches_nobody_elses() {
    let house = House::start();
    for folder in ["acme", "beta"] {
        fs::create_dir_all(house.folder.path().join(folder)).expect("a folder");
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        fs::write(house.folder.path().join(folder).join("key"), key).expect("a file");
    }
    fs::write(house.folder.path().join("key"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a file");
    let put = async |source: secret_reference::Source, fallback: &str| {
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
        let answer = house.caller("acme-operator").deliveries.put_receiver(request).await;
        Failure::from(answer.expect_err("nobody may send to this address")).code
    };
    let at = |path: &str| {
        secret_reference::Source::File(house.folder.path().join(path).to_str().expect("UTF-8").to_owned())
    };
    // Only the address is wrong: that is looked at last.
    assert_eq!(put(at("acme/key"), "").await, "address-refused");
    for other in [
        at("beta/key"),
        at("key"),
        at("acme/../beta/key"),
        at("tokens.toml"),
        secret_reference::Source::Environment("RECEIVER_KEY".to_owned()),
    ] {
        assert_eq!(put(other.clone(), "").await, "invalid-receiver", "{other:?}");
    }
    assert_eq!(put(at("acme/key"), "feed").await, "another-tenant");
}

#[test]
fn a_command_without_the_role_says_which_is_missing_and_who_gives_it() {
    let house = House::start();
    let rules = file(&house.folder, "rules.yaml", RULES);
    let refused = output(&mut house.command("acme-reader", &["rules", "apply", &rules, "--tenant", "acme"]));
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    for part in ["the role analyst", "acme-reader has reader", "file of tokens", "roles = [\"analyst\"]"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // With the role, and for everyone: the tenant is what is missing.
    let refused = output(&mut house.command("acme-analyst", &["rules", "apply", &rules, "--yes"]));
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("belongs to everyone") && said.contains("--tenant"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_tenants_things_are_under_subjects_of_their_own() {
    let system = Cluster::start();
    let folder = TempDir::new().expect("a temporary folder");
    let rules = file(&folder, "rules.yaml", RULES);
    let statistics = file(&folder, "trade.csv", &trade(1));
    run(system.client(&["rules", "apply", &rules, "--yes", "--tenant", "acme"]));
    run(system.client(&["ingest", &statistics]));
    system.api().settled().await.expect("the pipeline follows");
    let nats = async_nats::connect(system.nats()).await.expect("NATS answers");
    let stream = jetstream::new(nats).get_stream("ALERTS").await.expect("the stream is there");
    let is_there = async |subject: &str| stream.get_last_raw_message_by_subject(subject).await.is_ok();
    assert!(is_there("orewatch.alerts.tenant.acme.rule.lines").await);
    assert!(is_there("orewatch.alerts.tenant.acme.alert.lines.>").await);
    assert!(!is_there("orewatch.alerts.rule.>").await, "everyone's subjects hold nothing of acme");
    assert!(!is_there("orewatch.alerts.alert.>").await, "everyone's subjects hold nothing of acme");
    // The service finds its way back to them.
    let alerts = system.api().alerts().await.expect("alerts");
    let alert = alerts.first().expect("an alert").id.clone();
    let shown = run(system.client(&["alerts", "why", &alert]));
    assert!(text(&shown.stdout).contains("acme:lines"), "{}", text(&shown.stdout));
}

/// A server that lets whoever says no name in to everything, as the services, and one user to what is acme's, as the README says it.
const USERS: &str = r#"
no_auth_user: orewatch
authorization { users: [
  { user: orewatch, password: secret }
  { user: acme, password: secret, permissions: {
    publish: ["$JS.API.CONSUMER.CREATE.ALERTS.*.orewatch.alerts.tenant.acme.>", "$JS.API.CONSUMER.MSG.NEXT.ALERTS.>", "$JS.ACK.ALERTS.>"]
    subscribe: ["_INBOX.>"]
  } }
] }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_of_nats_names_what_a_subscriber_may_read() {
    let nats = NatsServer::start_with(USERS);
    // Alerting is ready once it has read what the others have to say.
    let servers = SERVICES.map(|service| Server::start(&["serve", service, "--log", &nats.url()]));
    let address = format!("http://{}", servers[2].address());
    let folder = TempDir::new().expect("a temporary folder");
    let rules = file(&folder, "rules.yaml", RULES);
    for tenant in ["acme", "beta", ""] {
        let mut apply = client(&address, &["rules", "apply", &rules, "--yes", "--tenant", tenant]);
        apply.arg("--exposure").arg(format!("http://{}", servers[1].address()));
        run(apply);
    }
    let options = async_nats::ConnectOptions::with_user_and_password("acme".to_owned(), "secret".to_owned());
    let acme = options.connect(nats.url()).await.expect("NATS answers");
    let context = jetstream::context::ContextBuilder::new().timeout(Duration::from_secs(2)).build(acme);
    let read = async |subject: &str| {
        let config = jetstream::consumer::pull::Config {
            name: Some("reader".to_owned()),
            filter_subject: subject.to_owned(),
            ..Default::default()
        };
        let consumer = context.create_consumer_on_stream(config, "ALERTS").await.map_err(drop)?;
        let mut messages = consumer.fetch().max_messages(10).messages().await.map_err(drop)?;
        let first = messages.next().await.ok_or(())?.map_err(drop)?;
        Ok::<String, ()>(first.subject.to_string())
    };
    let own = read("orewatch.alerts.tenant.acme.>").await;
    assert_eq!(own.as_deref(), Ok("orewatch.alerts.tenant.acme.rule.lines"));
    for other in ["orewatch.alerts.tenant.beta.>", "orewatch.alerts.rule.>", "orewatch.alerts.>"] {
        assert!(read(other).await.is_err(), "{other}");
    }
}

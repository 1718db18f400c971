//! Tenants on NATS: which subjects their entries are on, and who may read them.
use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt as _;
use orewatch_testkit::NatsServer;
use orewatch_tests::process::Server;
use orewatch_tests::system::{Cluster, SERVICES, System as _, client, file, run};
use orewatch_tests::tools::text;
use tempfile::TempDir;

use super::RULES;
use crate::feeder::trade;

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_entries_of_a_tenant_have_subjects_of_their_own() {
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
    assert!(!is_there("orewatch.alerts.rule.>").await, "no entry of acme is on a subject of everyone");
    assert!(!is_there("orewatch.alerts.alert.>").await, "no entry of acme is on a subject of everyone");
    // The service reads its alerts back from these subjects.
    let alerts = system.api().alerts().await.expect("alerts");
    let alert = alerts.first().expect("an alert").id.clone();
    let shown = run(system.client(&["alerts", "why", &alert]));
    assert!(text(&shown.stdout).contains("acme:lines"), "{}", text(&shown.stdout));
}

/// Configuration of a NATS server. Clients without a user name, such as the services, have full access. The
/// user `acme` may read what belongs to the tenant, with the permissions that docs/access.md recommends.
const USERS: &str = r#"
no_auth_user: orewatch
authorization { users: [
  { user: orewatch, password: secret }
  { user: acme, password: secret, permissions: {
    publish: [
      "$JS.API.CONSUMER.CREATE.ALERTS.*.orewatch.alerts.tenant.acme.>"
      "$JS.API.CONSUMER.MSG.NEXT.ALERTS.>"
      "$JS.ACK.ALERTS.>"
    ]
    subscribe: ["_INBOX.>"]
  } }
] }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn permissions_of_nats_limit_a_subscriber_to_its_tenant() {
    let nats = NatsServer::start_with(USERS);
    // Alerting becomes ready only after the other services have started.
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
    let allowed = read("orewatch.alerts.tenant.acme.>").await;
    assert_eq!(allowed.as_deref(), Ok("orewatch.alerts.tenant.acme.rule.lines"));
    for other in ["orewatch.alerts.tenant.beta.>", "orewatch.alerts.rule.>", "orewatch.alerts.>"] {
        assert!(read(other).await.is_err(), "{other}");
    }
}

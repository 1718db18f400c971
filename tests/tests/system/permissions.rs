//! Least privilege: what `orewatch setup --print nats` grants, tried cell by cell on a real server, and the
//! services that run with it.
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerError};
use nkeys::KeyPair;
use orewatch_testkit::NatsServer;
use orewatch_tests::process::{STOP, Server};
use orewatch_tests::system::{SERVICES, file, run};
use orewatch_tests::tools::{orewatch, reference_tables, text};
use tempfile::TempDir;

const IDENTITIES: [&str; 6] = ["setup", "ingestion", "exposure", "alerting", "subscriber", "operator"];

const LOGS: [&str; 3] = ["observations", "exposures", "alerts"];

/// What is tried on each log, in the order of the columns of [`EXPECTED`]. Bodies are no valid requests, so
/// that nothing is deleted where the permission is there.
const TRIALS: [(&str, &str); 9] = [
    ("publish", "orewatch.LOG.any.stream"),
    ("look", "$JS.API.STREAM.INFO.STREAM"),
    ("get", "$JS.API.STREAM.MSG.GET.STREAM"),
    ("consume", "$JS.API.CONSUMER.CREATE.STREAM.OWN-0-0"),
    ("consume as another", "$JS.API.CONSUMER.CREATE.STREAM.another-0-0"),
    ("take from another", "$JS.API.CONSUMER.MSG.NEXT.STREAM.another-0-0"),
    ("delete a message", "$JS.API.STREAM.MSG.DELETE.STREAM"),
    ("purge", "$JS.API.STREAM.PURGE.STREAM"),
    ("change or delete the stream", "$JS.API.STREAM.UPDATE.STREAM"),
];

/// For each identity and log: `y` what it may, `-` what is refused.
const EXPECTED: &str = "
    setup       observations  -yyyyyyyy
    setup       exposures     -yyyyyyyy
    setup       alerts        -yyyyyyyy
    ingestion   observations  yyyy-----
    ingestion   exposures     ---------
    ingestion   alerts        ---------
    exposure    observations  -yyy-----
    exposure    exposures     yyyy-----
    exposure    alerts        ---------
    alerting    observations  ---------
    alerting    exposures     -yyy-----
    alerting    alerts        yyyy-----
    subscriber  observations  ---------
    subscriber  exposures     ---------
    subscriber  alerts        -yyy-----
    operator    observations  -yyy-----
    operator    exposures     -yyy-----
    operator    alerts        -yyy-----
";

/// A server with the printed permissions, and the keys of the identities.
struct Guarded {
    nats: NatsServer,
    keys: BTreeMap<&'static str, KeyPair>,
    folder: TempDir,
}

impl Guarded {
    fn start() -> Self {
        let keys: BTreeMap<_, _> = IDENTITIES.iter().map(|name| (*name, KeyPair::new_user())).collect();
        let mut print = Command::new(orewatch());
        print.args(["setup", "--print", "nats", "--instances", "1"]);
        for (name, key) in &keys {
            print.arg("--nkey").arg(format!("{name}={}", key.public_key()));
        }
        let accounts = text(&run(print).stdout);
        Self { nats: NatsServer::start_with(&accounts), keys, folder: TempDir::new().expect("a folder") }
    }

    fn seed(&self, name: &str) -> String {
        self.keys[name].seed().expect("a seed")
    }

    /// A file with the seed of an identity.
    fn seed_file(&self, name: &str) -> String {
        file(&self.folder, &format!("{name}.nk"), &self.seed(name))
    }

    /// Runs `orewatch setup` as its identity.
    fn set_up(&self) {
        let mut setup = Command::new(orewatch());
        setup.args(["setup", "--log", &self.nats.url(), "--nats-inbox", "_INBOX_setup", "--nats-nkey"]);
        setup.arg(self.seed_file("setup"));
        run(setup);
    }

    async fn connect(&self, name: &str) -> Visitor {
        let refused = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&refused);
        let options = ConnectOptions::with_nkey(self.seed(name))
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .event_callback(move |event| {
                let heard = Arc::clone(&heard);
                async move {
                    if let Event::ServerError(ServerError::Other(text)) = event {
                        heard.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                    }
                }
            });
        let client = options.connect(self.nats.url()).await.expect("the server knows the key");
        Visitor { client, refused, marks: 0 }
    }
}

/// A connection that tries what it may.
struct Visitor {
    client: Client,
    refused: Arc<Mutex<Vec<String>>>,
    marks: usize,
}

impl Visitor {
    /// Whether a message on a subject is let through.
    async fn may_publish(&mut self, subject: &str) -> bool {
        let inbox = self.client.new_inbox();
        let sent = self.client.publish_with_reply(subject.to_owned(), inbox, "no valid request".into()).await;
        sent.expect("the message is sent");
        !self.refusals().await.iter().any(|text| text.contains(&format!("\"{subject}\"")))
    }

    /// Whether a subscription is accepted.
    async fn may_subscribe(&mut self, subject: &str) -> bool {
        let _subscriber = self.client.subscribe(subject.to_owned()).await.expect("the request is sent");
        !self.refusals().await.iter().any(|text| text.contains(&format!("\"{subject}\"")))
    }

    /// What the server has refused so far. It answers in order, so that all is there once something that is
    /// certainly refused is.
    async fn refusals(&mut self) -> Vec<String> {
        self.marks += 1;
        let mark = format!("certainly.refused.{}", self.marks);
        self.client.publish(mark.clone(), "".into()).await.expect("the message is sent");
        self.client.flush().await.expect("the server takes it");
        loop {
            let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if refused.iter().any(|text| text.contains(&mark)) {
                return refused;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_identity_may_what_it_needs_and_nothing_else() {
    let guarded = Guarded::start();
    guarded.set_up();
    let (mut cells, mut wrong) = (0, Vec::new());
    let mut check = |what: String, expected: bool, is: bool| {
        cells += 1;
        if expected != is {
            wrong.push(format!("{what}: {}", if is { "permitted" } else { "refused" }));
        }
    };
    for name in IDENTITIES {
        let mut visitor = guarded.connect(name).await;
        for line in EXPECTED.lines().filter(|line| line.split_whitespace().next() == Some(name)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for ((what, subject), expected) in TRIALS.iter().zip(words[2].chars()) {
                let subject = named(&subject.replace("LOG", words[1]).replace("OWN", name), words[1]);
                let is = visitor.may_publish(&subject).await;
                check(format!("{name}: {what} ({subject})"), expected == 'y', is);
            }
        }
        for (subject, expected) in [
            (format!("_INBOX_{name}.mine"), true),
            ("_INBOX.any".to_owned(), false),
            ("_INBOX_another.any".to_owned(), false),
            ("orewatch.>".to_owned(), false),
            ("$SYS.>".to_owned(), false),
        ] {
            let is = visitor.may_subscribe(&subject).await;
            check(format!("{name}: subscribe to {subject}"), expected, is);
        }
        for (subject, expected) in [
            ("$SYS.REQ.SERVER.PING".to_owned(), false),
            ("orewatch.alerts.skips".to_owned(), matches!(name, "operator" | "alerting")),
            ("$JS.API.STREAM.CREATE.OTHER".to_owned(), name == "setup"),
            ("$KV.orewatch-leases.exposure.0".to_owned(), name == "exposure"),
            ("$KV.orewatch-leases.alerting.0".to_owned(), name == "alerting"),
            (
                "$JS.API.STREAM.MSG.GET.KV_orewatch-leases".to_owned(),
                matches!(name, "setup" | "exposure" | "alerting"),
            ),
        ] {
            let is = visitor.may_publish(&subject).await;
            check(format!("{name}: publish to {subject}"), expected, is);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cells, IDENTITIES.len() * (LOGS.len() * TRIALS.len() + 11));
}

/// A subject of the API with the name of the stream of a log.
fn named(subject: &str, log: &str) -> String {
    let tokens: Vec<&str> = subject.split('.').collect();
    let stream = log.to_uppercase();
    // The name of the stream is the last STREAM: the word also stands in the names of the questions.
    let at = tokens.iter().rposition(|token| *token == "STREAM");
    let last = tokens.iter().enumerate().map(|(index, token)| match Some(index) == at && index > 2 {
        true => stream.as_str(),
        false => token,
    });
    last.collect::<Vec<_>>().join(".")
}

#[test]
fn services_run_with_the_printed_permissions() {
    run_services(&[]);
}

#[test]
fn services_share_work_with_the_printed_permissions() {
    run_services(&["--share"]);
}

fn run_services(more: &[&str]) {
    let guarded = Guarded::start();
    guarded.set_up();
    let url = guarded.nats.url();
    let servers: Vec<Server> = SERVICES
        .iter()
        .map(|service| {
            let seed = guarded.seed_file(service);
            let mut args = vec!["serve", service, "--log", &url, "--nats-nkey", &seed];
            args.extend(["--ordinal", "0", "--make-logs", "false"]);
            args.extend(more);
            Server::start(&args)
        })
        .collect();
    let client = |args: &[&str]| {
        let mut command = Command::new(orewatch());
        command.args(args);
        for (service, server) in SERVICES.iter().zip(&servers) {
            command.arg(format!("--{service}")).arg(format!("http://{}", server.address()));
        }
        run(command)
    };
    let table = reference_tables().remove(0);
    client(&["ingest", &table]);
    client(&["rules", "apply", "--pack", "g7-china", "--actor", "test", "--reason", "test", "--yes"]);
    let listed = client(&["releases", "--format", "csv"]);
    assert!(text(&listed.stdout).lines().count() > 1, "a release is there");
    for server in servers {
        assert!(!server.process_output().contains("not permitted"), "{}", server.process_output());
    }
}

#[test]
fn the_credentials_of_another_service_are_refused_with_the_subject() {
    let guarded = Guarded::start();
    guarded.set_up();
    let seed = guarded.seed_file("subscriber");
    let url = guarded.nats.url();
    let refused = Server::try_start(&[
        "serve",
        "alerting",
        "--log",
        &url,
        "--nats-nkey",
        &seed,
        "--nats-inbox",
        "_INBOX_subscriber",
        "--ordinal",
        "0",
        "--make-logs",
        "false",
    ]);
    // It listens before its logs are open, and ends when it is told that it may not open them.
    let output = match refused {
        Ok(mut server) => {
            let status = server.wait(STOP);
            assert_eq!(status.code(), Some(7), "{}", server.process_output());
            server.process_output()
        }
        Err(output) => output,
    };
    assert!(output.contains("not permitted: publish to $JS.API.STREAM.INFO.EXPOSURES"), "{output}");
}

/// Its own answers would arrive where the identity may not listen.
#[test]
fn a_service_with_the_key_of_another_one_ends_and_says_what_it_may_not() {
    let guarded = Guarded::start();
    guarded.set_up();
    for (service, identity) in
        [("ingestion", "exposure"), ("exposure", "alerting"), ("alerting", "ingestion")]
    {
        let (seed, url) = (guarded.seed_file(identity), guarded.nats.url());
        let args = ["serve", service, "--log", &url, "--nats-nkey", &seed, "--ordinal", "0"];
        let output = match Server::try_start(&[&args[..], &["--make-logs", "false"]].concat()) {
            Ok(mut server) => {
                let status = server.wait(STOP);
                assert_eq!(status.code(), Some(7), "{}", server.process_output());
                server.process_output()
            }
            Err(output) => output,
        };
        assert!(output.contains(&format!("not permitted: subscribe to _INBOX_{service}")), "{output}");
    }
}

/// What a doctor says of NATS, the logs and their permissions: subject, verdict and finding.
fn doctor(guarded: &Guarded, args: &[&str]) -> Vec<(String, String, String)> {
    let mut doctor = Command::new(orewatch());
    doctor.args(["doctor", "--format", "json", "--log", &guarded.nats.url()]).args(args);
    doctor.current_dir(guarded.folder.path());
    // The disk of the machine may be slow, which is a failure of its own.
    let output = orewatch_tests::tools::output(&mut doctor);
    let checks: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    let of_logs = |check: &&serde_json::Value| check["area"] == "nats" || check["area"] == "log";
    let word = |check: &serde_json::Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let row =
        |check: &serde_json::Value| (word(check, "subject"), word(check, "verdict"), word(check, "found"));
    checks.iter().filter(of_logs).map(row).collect()
}

#[test]
fn a_doctor_finds_what_is_permitted_and_leaves_nothing_behind() {
    let guarded = Guarded::start();
    guarded.set_up();
    for (service, purposes) in [
        ("ingestion", ["read observations", "write observations"].as_slice()),
        ("exposure", ["read observations", "read exposures", "write exposures"].as_slice()),
        ("alerting", ["read exposures", "read alerts", "write alerts"].as_slice()),
    ] {
        let seed = guarded.seed_file(service);
        let found = doctor(&guarded, &["--service", service, "--ordinal", "0", "--nats-nkey", &seed]);
        let failed: Vec<_> = found.iter().filter(|(_, verdict, _)| verdict == "fail").collect();
        assert!(failed.is_empty(), "{failed:#?}");
        for purpose in purposes {
            let subject = format!("permission of {service}: {purpose}");
            assert!(found.iter().any(|(one, _, what)| *one == subject && what == "permitted"), "{found:#?}");
        }
    }
    let seed = guarded.seed_file("operator");
    let found = doctor(&guarded, &["--ordinal", "0", "--nats-nkey", &seed]);
    for log in LOGS {
        let end = found.iter().find(|(subject, ..)| subject == log).expect("the end of each log");
        assert_eq!(end.2, "positions: empty", "looking stored nothing on {log}");
    }
}

#[test]
fn a_doctor_names_the_subject_that_is_refused() {
    let guarded = Guarded::start();
    guarded.set_up();
    let seed = guarded.seed_file("subscriber");
    let own = ["--service", "alerting", "--ordinal", "0", "--nats-nkey", &seed, "--nats-inbox"];
    let found = doctor(&guarded, &[&own[..], &["_INBOX_subscriber"]].concat());
    let write = found.iter().find(|(subject, ..)| subject == "permission of alerting: write alerts");
    let (_, verdict, what) = write.expect("writing is checked");
    assert_eq!(verdict, "fail");
    assert!(what.contains("publish to orewatch.alerts.doctor.none"), "{what}");
    let read = found.iter().find(|(subject, ..)| subject == "permission of alerting: read exposures");
    let (_, _, what) = read.expect("reading is checked");
    assert!(what.contains("publish to $JS.API.STREAM.INFO.EXPOSURES"), "{what}");
}

//! Metrics, states and logs of running services: each service reports what it promises, a real Prometheus
//! scrapes it, and the states of a service are told apart.
use std::process::{Command, Stdio};
use std::{fs, thread};

use orewatch_runtime::metrics::catalogue;
use orewatch_testkit::NatsServer;
use orewatch_tests::admin::{self, get, samples, wait_until, wait_until_ready};
use orewatch_tests::process::Server;
use orewatch_tests::system::{SERVICES, client, file, run, spawn};
use orewatch_tests::tools::{orewatch, output, read, text, tool};
use serde_json::Value;
use tempfile::TempDir;

/// Trade of which one economy has a share above the threshold of [`RULE`].
pub(crate) const TRADE: &str = "# table: trade\n# dataset: our-trade\n# vintage: 2026-11\n# hs: HS92\n\
    period,exporter,importer,product,value_kusd,quantity_t\n\
    2024,CHN,JPN,250410,1900,1700\n2024,MOZ,JPN,250410,300,200\nnonsense,MOZ,JPN,250410,300,200\n";

/// A rule that fires on [`TRADE`].
pub(crate) const RULE: &str = "id: japan-graphite\ntitle: Graphite of Japan\n\
    measure: import-share\nby: quantity\n\
    select: {consumer: JPN, material: graphite}\nwhen: {above: 0.65, clear: 0.60}\n\
    severity: {warning: 0.65, critical: 0.80}\n";

/// Starts a process with an admin port. Returns it with the address of that port.
fn start(args: &[&str]) -> (Server, String) {
    let server = Server::start(&[args, &["--admin", "127.0.0.1:0"]].concat());
    let address = admin::address(&server);
    (server, address)
}

/// A process with all services on an embedded log.
struct Embedded {
    folder: TempDir,
    server: Server,
    admin: String,
}

impl Embedded {
    fn start(more: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let data = folder.path().join("data").display().to_string();
        let (server, admin) = start(&[&["up", "--data", &data], more].concat());
        wait_until_ready(&admin);
        Self { folder, server, admin }
    }

    fn client(&self, args: &[&str]) -> Command {
        client(&format!("http://{}", self.server.address()), args)
    }

    /// Applies the rule, then ingests trade on which it fires.
    fn fire(&self) {
        let rule = file(&self.folder, "rule.yaml", RULE);
        let trade = file(&self.folder, "trade.csv", TRADE);
        run(self.client(&["rules", "apply", &rule, "--actor", "ann"]));
        run(self.client(&["ingest", &trade, "--max-rejects", "1"]));
    }

    /// The value of a sample, by name and labels as they are written.
    fn sample(&self, name: &str) -> Option<f64> {
        samples(&get(&self.admin, "/metrics").1).get(name).copied()
    }

    fn wait_for(&self, name: &str, expected: f64) {
        wait_until(&format!("{name} is {expected}"), || self.sample(name) == Some(expected));
    }
}

#[test]
fn every_service_reports_every_metric_that_it_promises() {
    let nats = NatsServer::start();
    for service in SERVICES {
        let (_server, admin) = start(&["serve", service, "--log", &nats.url()]);
        wait_until_ready(&admin);
        let (status, page) = get(&admin, "/metrics");
        assert_eq!(status, 200);
        for metric in catalogue::ALL {
            let is_listed = page.contains(&format!("# TYPE {} {}\n", metric.name, metric.kind.type_name()));
            assert_eq!(is_listed, metric.services.contains(&service), "{service}: {}", metric.name);
        }
        let ready = format!("orewatch_service_ready{{service=\"{service}\"}}");
        assert_eq!(samples(&page).get(&ready), Some(&1.0), "{page}");
    }
}

#[test]
fn what_happens_shows_in_the_metrics() {
    let place = TempDir::new().expect("a temporary folder");
    let backups = place.path().display().to_string();
    let system = Embedded::start(&["--backups", &backups]);
    system.fire();
    system.wait_for("orewatch_alerts{state=\"firing\",severity=\"critical\"}", 1.0);
    for (name, expected) in [
        ("orewatch_release_rows_total{dataset=\"our-trade\",verdict=\"recorded\"}", 2.0),
        ("orewatch_release_rows_total{dataset=\"our-trade\",verdict=\"quarantined\"}", 1.0),
        ("orewatch_releases{state=\"committed\"}", 1.0),
        ("orewatch_ingest_seconds_count", 1.0),
        ("orewatch_data_cadence_seconds{dataset=\"our-trade\"}", 366.0 * 86_400.0),
        ("orewatch_log_lag_seconds{service=\"exposure\",log=\"observations\"}", 0.0),
        ("orewatch_log_state{service=\"alerting\",log=\"alerts\",state=\"ready\"}", 1.0),
        ("orewatch_log_rebuilds_total{service=\"ingestion\",log=\"observations\"}", 1.0),
    ] {
        system.wait_for(name, expected);
    }
    for name in [
        "orewatch_publish_seconds_count",
        "orewatch_evaluation_seconds_count",
        "orewatch_log_bytes{log=\"observations\"}",
        "orewatch_log_append_seconds_count{service=\"ingestion\",log=\"observations\"}",
        "orewatch_rpc_calls_total{method=\"orewatch.ingestion.v1.IngestionService/IngestFiles\",code=\"OK\"}",
        "orewatch_log_fold_position{service=\"alerting\",log=\"exposures\"}",
        "orewatch_data_age_seconds{dataset=\"our-trade\"}",
    ] {
        wait_until(name, || system.sample(name).is_some_and(|value| value > 0.0));
    }
    // Without a backup, its age is that of the first event.
    let age = "orewatch_backup_age_seconds{log=\"observations\"}";
    wait_until(age, || system.sample(age).is_some_and(|age| age >= 0.0));
}

#[test]
fn a_subscriber_that_is_connected_is_counted() {
    let system = Embedded::start(&[]);
    let name = "orewatch_subscribers{stream=\"alerts\"}";
    system.wait_for(name, 0.0);
    let mut watching = spawn(system.client(&["alerts", "--watch"]));
    system.wait_for(name, 1.0);
    watching.kill().expect("it runs");
    watching.wait().expect("it ends");
    system.wait_for(name, 0.0);
}

#[test]
fn the_public_port_serves_no_metrics() {
    let system = Embedded::start(&[]);
    for path in ["/metrics", "/status", "/dump"] {
        let (status, body) = get(system.server.address(), path);
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("--admin") && !body.contains("orewatch_"), "{body}");
    }
}

#[test]
fn the_states_of_a_service_follow_its_log() {
    let mut nats = NatsServer::start();
    let (server, address) = start(&["serve", "exposure", "--log", &nats.url()]);
    wait_until_ready(&address);
    let state = |address: &str| admin::status(address)["services"]["exposure"]["state"].clone();
    assert_eq!(state(&address), "ready");
    nats.kill();
    wait_until("the service is cut off", || state(&address) == "cut_off");
    let status = admin::status(&address);
    let observations = &status["logs"][0];
    assert_eq!((&observations["log"], &observations["state"]), (&"observations".into(), &"cut_off".into()));
    assert!(observations["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{status}");
    assert_eq!(get(&address, "/healthz").0, 200, "a restart would not help");
    let name = "orewatch_log_state{service=\"exposure\",log=\"observations\",state=\"cut_off\"}";
    assert_eq!(samples(&get(&address, "/metrics").1).get(name), Some(&1.0));
    let is_logged = |state: &str| {
        let output = server.process_output();
        let mut changes = output.lines().filter(|line| line.contains("the state of a log has changed"));
        changes.any(|line| line.contains(&format!("\"from\":\"{state}\"")))
    };
    // Changes are looked for at intervals: one that does not last may be missed.
    wait_until("the log tells that it is cut off", || is_logged("ready"));
    nats.restart();
    wait_until("the service is back", || state(&address) == "ready");
    wait_until("the log tells that it is back", || is_logged("cut_off"));
}

#[test]
fn a_service_without_its_log_is_cut_off_from_the_start() {
    let (server, address) = start(&["serve", "alerting", "--log", "nats://127.0.0.1:1"]);
    wait_until("it is cut off", || admin::status(&address)["state"] == "cut_off");
    assert_eq!((get(&address, "/readyz").0, get(&address, "/healthz").0), (503, 200));
    let shown = output(Command::new(orewatch()).args(["status", "--admin", &address]));
    assert_eq!(shown.status.code(), Some(4), "{}", text(&shown.stderr));
    assert!(text(&shown.stdout).contains("cut_off"), "{}", text(&shown.stdout));
    assert!(server.stop().success());
}

#[test]
fn sigquit_writes_workers_and_positions_to_the_log() {
    let system = Embedded::start(&[]);
    system.server.signal("QUIT");
    wait_until("the dump is complete", || {
        let lines = json_lines(&system.server.process_output());
        let dumped = lines.iter().filter(|line| line["message"] == "dump: a log");
        let logs: Vec<_> = dumped.filter_map(|line| line["log"].as_str()).collect();
        let process = lines.iter().find(|line| line["message"] == "dump: the process");
        let workers = process.and_then(|line| line["workers"].as_str()).unwrap_or_default();
        workers.contains("alerting")
            && ["observations", "exposures", "alerts"].iter().all(|log| logs.contains(log))
    });
    assert_eq!(get(&system.admin, "/healthz").0, 200, "the process goes on");
    let shown = run({
        let mut command = Command::new(orewatch());
        command.args(["status", "--admin", &system.admin, "--format", "json"]);
        command
    });
    let status: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!((&status["ready"], status["logs"].as_array().map(Vec::len)), (&true.into(), Some(5)));
}

/// The lines of the output of a process that are JSON: all but the address on standard output.
fn json_lines(output: &str) -> Vec<Value> {
    let lines = output.lines().filter(|line| !line.starts_with("listening on "));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

#[test]
fn where_json_is_chosen_every_line_is_json_and_tells_what_happened() {
    let system = Embedded::start(&[]);
    system.fire();
    let name = "orewatch_alerts{state=\"firing\",severity=\"critical\"}";
    system.wait_for(name, 1.0);
    let lines = json_lines(&system.server.process_output());
    let find = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no line says {message:?}:\n{lines:#?}"))
    };
    assert_eq!(find("starting")["version"], env!("CARGO_PKG_VERSION"));
    assert!(find("caught up")["seconds"].is_number());
    let (ingested, fired) = (find("ingested a release"), find("an alert has changed"));
    assert_eq!((&ingested["recorded"], &ingested["quarantined"]), (&2.into(), &1.into()));
    assert_eq!(find("a rule is put")["actor"], "ann");
    assert_eq!((&fired["what"], &fired["severity"]), (&"fired".into(), &"critical".into()));
    // The alert is in a trace of its own, and belongs to the call that brought the data.
    let trace = |line: &Value, key: &str| line[key].as_str().map(str::len);
    assert_eq!((trace(fired, "trace_id"), trace(fired, "span_id")), (Some(32), Some(16)));
    assert_ne!(fired["trace_id"], ingested["trace_id"]);
    assert_eq!(fired["correlation_id"], ingested["correlation_id"]);
    assert_eq!(find("applied a release")["correlation_id"], ingested["trace_id"]);
}

#[test]
fn the_error_that_ends_a_process_is_json_where_json_is_chosen() {
    let run = |args: &[&str]| {
        let ended = output(Command::new(orewatch()).args(args).stdin(Stdio::null()));
        assert_eq!(ended.status.code(), Some(2), "{}", text(&ended.stderr));
        text(&ended.stderr)
    };
    // A service whose standard error is no terminal, and any command that is told to.
    for args in [["serve", "exposure"].as_slice(), &["measures", "no-such", "--log-format", "json"]] {
        let lines = json_lines(&run(args));
        let last = lines.last().expect("a line");
        assert_eq!(last["level"], "ERROR", "{last}");
        assert!(last["code"].is_string() && last["message"].is_string(), "{last}");
    }
    assert!(run(&["measures", "no-such"]).starts_with("error: "));
    assert!(run(&["serve", "exposure", "--log-format", "human"]).starts_with("error: "));
}

#[test]
fn a_process_stops_in_order_under_load() {
    let mut system = Embedded::start(&[]);
    system.fire();
    let address = format!("http://{}", system.server.address());
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let address = address.clone();
            thread::spawn(move || {
                let ask = || output(&mut client(&address, &["alerts", "--timeout", "5s"]));
                // Until the server is gone, each call is answered whole or refused: no call crashes.
                while matches!(ask().status.code(), Some(0)) {}
                ask().status.code()
            })
        })
        .collect();
    let mut watching = spawn(system.client(&["alerts", "--watch"]));
    system.wait_for("orewatch_subscribers{stream=\"alerts\"}", 1.0);
    system.server.signal("TERM");
    let status = system.server.wait(orewatch_tests::process::STOP);
    assert!(status.success(), "{status}:\n{}", system.server.process_output());
    for caller in callers {
        assert_eq!(caller.join().expect("a caller"), Some(4));
    }
    // It would go on with another replica.
    watching.kill().expect("it runs or has ended");
    watching.wait().expect("it ends");
    wait_until("the log is read to its last line", || {
        let lines = json_lines(&system.server.process_output());
        lines.last().is_some_and(|line| line["message"] == "stopped")
    });
}

/// A running Prometheus.
struct Prometheus {
    process: std::process::Child,
    address: String,
    folder: TempDir,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes some ports every second, with the alert rules of the repository.
    fn start(targets: &[String]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let targets = serde_json::to_string(targets).expect("JSON");
        let rules = crate::monitoring::rules_file(folder.path());
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
             scrape_configs:\n  - job_name: orewatch\n    static_configs: [{{targets: {targets}}}]\n",
            rules.display()
        );
        let config = file(&folder, "prometheus.yaml", &config);
        let log = fs::File::create(folder.path().join("log")).expect("a file");
        let process = Command::new(tool("prometheus"))
            .arg(format!("--config.file={config}"))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Prometheus starts");
        let mut prometheus = Self { process, address: String::new(), folder };
        let find = |prometheus: &Self| {
            let log = fs::read_to_string(prometheus.folder.path().join("log")).unwrap_or_default();
            let line = log.lines().find(|line| line.contains("\"Listening on\""))?;
            let (_, port) = line.split_once("address=127.0.0.1:")?;
            Some(format!("127.0.0.1:{}", port.trim()))
        };
        wait_until("Prometheus listens", || find(&prometheus).is_some());
        prometheus.address = find(&prometheus).expect("it was found");
        prometheus
    }

    /// The answer to a request of its interface.
    fn ask(&self, path: &str) -> Value {
        let (status, body) = get(&self.address, &format!("/api/v1/{path}"));
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str::<Value>(&body).expect("JSON")["data"].clone()
    }

    /// The value of a query with one result.
    fn query(&self, query: &str) -> Option<f64> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let data = self.ask(&format!("query?query={encoded}"));
        data["result"][0]["value"][1].as_str().and_then(|value| value.parse().ok())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _sent = self.process.kill();
        let _status = self.process.wait();
    }
}

#[test]
fn a_prometheus_scrapes_all_services_and_evaluates_the_alert_rules() {
    let (nats, folder) = (NatsServer::start(), TempDir::new().expect("a temporary folder"));
    let servers: Vec<_> =
        SERVICES.iter().map(|service| start(&["serve", service, "--log", &nats.url()])).collect();
    servers.iter().for_each(|(_, admin)| wait_until_ready(admin));
    let targets: Vec<String> = servers.iter().map(|(_, admin)| admin.clone()).collect();
    let prometheus = Prometheus::start(&targets);
    let command = |args: &[&str]| {
        let mut command = Command::new(orewatch());
        command.args(args);
        for (service, (server, _)) in SERVICES.iter().zip(&servers) {
            command.arg(format!("--{service}")).arg(format!("http://{}", server.address()));
        }
        command
    };
    run(command(&["rules", "apply", &file(&folder, "rule.yaml", RULE)]));
    run(command(&["ingest", &file(&folder, "trade.csv", TRADE), "--max-rejects", "1"]));
    for (query, expected) in [
        ("count(up == 1)", 3.0),
        ("sum(orewatch_service_ready)", 3.0),
        ("count(orewatch_log_lag_events == 0)", 4.0),
        ("sum(orewatch_release_rows_total{verdict=\"recorded\"})", 2.0),
        ("max(orewatch_alerts{state=\"firing\",severity=\"critical\"})", 1.0),
        ("count(orewatch_build_info)", 3.0),
    ] {
        wait_until(query, || prometheus.query(query) == Some(expected));
    }
    let metadata = prometheus.ask("metadata");
    for metric in catalogue::ALL {
        let known = &metadata[metric.name][0];
        assert_eq!(known["type"], metric.kind.type_name(), "{}", metric.name);
        assert_eq!(known["help"], metric.help(), "{}", metric.name);
    }
    let groups = prometheus.ask("rules")["groups"].as_array().expect("groups").clone();
    let rules: Vec<&Value> = groups.iter().filter_map(|group| group["rules"].as_array()).flatten().collect();
    let expected = read("deploy/monitoring/rules.yaml").matches("- alert: ").count();
    assert_eq!(rules.len(), expected);
    wait_until("every rule is evaluated", || {
        let groups = prometheus.ask("rules")["groups"].clone();
        let rules = groups.as_array().into_iter().flatten().filter_map(|group| group["rules"].as_array());
        rules.flatten().all(|rule| rule["health"] == "ok" && rule["state"] != "firing")
    });
}

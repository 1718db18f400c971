//! What the manifests say to NATS: its configuration, who may do what, how large the logs may become. The
//! three servers of `production` are started as configured.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nkeys::KeyPair;
use orewatch_tests::system::run;
use orewatch_tests::tools::{orewatch, output, read, root, text, tool};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tempfile::TempDir;

use super::kit::{Manifests, Origin, bytes, environment, list, renderings, setting, word};

/// Maximum time until three servers are a cluster, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Variable that writes generated files anew.
const UPDATE: &str = "UPDATE_SNAPSHOT";

/// What `orewatch setup --print` prints.
pub(super) fn printed(args: &[&str]) -> String {
    let mut command = Command::new(orewatch());
    command.args(["setup", "--print"]).args(args);
    text(&run(command).stdout)
}

/// Compares a file with what is printed, or writes it anew.
#[track_caller]
fn assert_printed(path: &str, expected: &str) {
    if std::env::var_os(UPDATE).is_some() {
        fs::write(root().join(path), expected).expect("the file can be written");
    }
    assert!(read(path) == expected, "{path} is not what is printed: {UPDATE}=1 writes it anew");
}

/// The value of a key in a configuration of NATS.
#[track_caller]
fn nats_value<'a>(configuration: &'a str, key: &str) -> &'a str {
    let mut lines = configuration.lines().filter_map(|line| line.trim().split_once(": "));
    let found = lines.find(|(name, _)| *name == key).map(|(_, value)| value.trim_matches('"'));
    found.unwrap_or_else(|| panic!("{key} is not set"))
}

/// Number of processes of a service that the permissions list.
fn listed_instances(accounts: &str, service: &str) -> u64 {
    let mark = format!(".OBSERVATIONS.{service}-");
    let ordinals =
        accounts.split(&mark).skip(1).filter_map(|rest| rest.split('-').next()?.parse::<u64>().ok());
    ordinals.max().map_or(0, |most| most + 1)
}

#[test]
fn the_permissions_are_those_that_setup_prints() {
    assert_printed("deploy/overlays/production/accounts.conf", &printed(&["nats", "--instances", "4"]));
}

#[test]
fn the_resources_for_nack_are_those_that_setup_prints() {
    let args = ["nack", "--log-replicas", "3", "--max-log-size", "4GiB"];
    assert_printed("deploy/components/nack/streams.yaml", &printed(&args));
    let component = read("deploy/components/nack/kustomization.yaml");
    assert!(component.contains(&format!("orewatch setup --print {}", args.join(" "))), "{component}");
    // They are the streams that the Job makes otherwise.
    let manifests = Manifests::with("production", &["nack"]);
    let log = manifests.config("log");
    assert_eq!(log["OREWATCH_LOG_REPLICAS"], "3");
    assert_eq!(log["OREWATCH_MAX_LOG_SIZE"], "4GiB");
    let args = &manifests.workload("setup").container()["args"];
    assert_eq!(list(args)[1], "--check", "the Job only checks what NACK makes");
}

#[test]
fn permissions_list_as_many_processes_as_may_run() {
    let production = Manifests::with("production", &[]);
    let accounts = word(&production.config("nats")["accounts.conf"]).to_owned();
    let listed = listed_instances(&accounts, "exposure");
    for set in production.of_kind("StatefulSet").iter().filter(|set| set["metadata"]["name"] != "nats") {
        assert!(set["spec"]["replicas"].as_u64().expect("replicas") <= listed, "{}", set["metadata"]["name"]);
    }
    for (name, manifests) in renderings() {
        let most =
            manifests.of_kind("HorizontalPodAutoscaler").into_iter().map(|one| &one["spec"]["maxReplicas"]);
        let scaled = manifests.of_kind("ScaledObject").into_iter().map(|one| &one["spec"]["maxReplicaCount"]);
        for most in most.chain(scaled) {
            assert_eq!(most.as_u64(), Some(listed), "{name}");
        }
    }
}

#[test]
fn the_logs_fit_into_the_store_and_the_store_into_the_volume() {
    let production = Manifests::with("production", &["backup"]);
    let configuration = word(&production.config("nats")["nats.conf"]);
    let store = bytes(nats_value(configuration, "max_file_store"));
    let size = |claims: &Value| bytes(word(&claims["spec"]["resources"]["requests"]["storage"]));
    let volume = size(&list(&production.workload("nats").object["spec"]["volumeClaimTemplates"])[0]);
    // Some room is left for what is not a log.
    let logs = 4 * bytes(word(&production.config("log")["OREWATCH_MAX_LOG_SIZE"]));
    assert!(logs <= store && store < volume, "{logs} bytes of logs, {store} of store, {volume} of volume");
    // A drill restores all of it.
    let drill = production.workload("restore-drill");
    let restored = size(&list(&drill.pod()["volumes"])[0]["ephemeral"]["volumeClaimTemplate"]);
    assert!(restored > store, "{restored} bytes for a drill");
}

#[test]
fn an_acknowledged_event_is_on_disk_and_a_server_has_time_to_leave() {
    for (name, manifests) in renderings() {
        let configuration = word(&manifests.config("nats")["nats.conf"]);
        assert_eq!(nats_value(configuration, "sync_interval"), "always", "{name}");
        // IPv4 and IPv6.
        assert_eq!(nats_value(configuration, "host"), "::", "{name}");
        assert_eq!(nats_value(configuration, "http"), "[::]:8222", "{name}");
    }
    let production = Manifests::with("production", &[]);
    let configuration = word(&production.config("nats")["nats.conf"]);
    let seconds = |key: &str| -> u64 {
        nats_value(configuration, key).trim_end_matches('s').parse().expect("a number of seconds")
    };
    let nats = production.workload("nats");
    let grace = nats.pod()["terminationGracePeriodSeconds"].as_u64().expect("a grace period");
    let leaving = seconds("lame_duck_grace_period") + seconds("lame_duck_duration");
    assert!(grace > leaving + 10, "{grace} s do not hold {leaving} s and the stop");
    let hook = list(&nats.container()["lifecycle"]["preStop"]["exec"]["command"]);
    assert_eq!(hook.last().map(word), Some(&*format!("ldm={}", nats_value(configuration, "pid_file"))));
}

/// The Secrets that `orewatch setup --print keys` prints have all keys that production takes, and fit
/// together.
#[test]
fn printed_keys_are_those_that_production_takes() {
    let secrets = Manifests::parse(printed(&["keys"]));
    let data = |name: &str| secrets.object("Secret", name)["stringData"].clone();
    let known = data("nats-keys");
    let production = Manifests::with("production", &["backup"]);
    let mut taken = 0;
    for (_, origin) in environment(&production, production.workload("nats").container()) {
        if let Origin::Secret { name, key, .. } = origin {
            assert_eq!(name, "nats-keys");
            assert!(known[&key].is_string(), "{key} is not printed");
            taken += 1;
        }
    }
    assert_eq!(known.as_object().expect("keys").len(), taken, "a key is printed that nobody takes");
    for workload in production.workloads() {
        for volume in list(&workload.pod()["volumes"]) {
            let name = word(&volume["secret"]["secretName"]);
            let Some(identity) = name.strip_prefix("nkey-") else { continue };
            let key = KeyPair::from_seed(word(&data(name)["seed"])).expect("a seed");
            assert_eq!(known[identity], key.public_key(), "{identity}");
        }
    }
    let others = Manifests::parse(printed(&["keys"]));
    assert_ne!(others.object("Secret", "nats-keys")["stringData"], known, "keys are made once");
}

/// One of the servers of the cluster. Killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _sent = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Free ports of this machine. They may be taken before they are used, which fails the test at its start.
fn free_ports(count: usize) -> Vec<u16> {
    let bound: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port")).collect();
    bound.iter().map(|listener| listener.local_addr().expect("an address").port()).collect()
}

/// The ports of the servers: for clients, for routes, and for monitoring.
struct Ports {
    client: Vec<u16>,
    route: Vec<u16>,
    monitor: Vec<u16>,
}

/// Writes the files of the ConfigMap for a server that runs on this machine: with its own ports and folders.
fn write_configuration(files: &Value, ports: &Ports, server: usize, folder: &Path, tls: &Path) {
    for (name, text) in files.as_object().expect("files") {
        let local = word(text)
            .replace("port: 4222", &format!("port: {}", ports.client[server]))
            .replace("[::]:6222", &format!("127.0.0.1:{}", ports.route[server]))
            .replace("[::]:8222", &format!("127.0.0.1:{}", ports.monitor[server]))
            .replace("store_dir: /data", &format!("store_dir: {:?}", folder.join("data")))
            .replace("/run/nats/nats.pid", &format!("{:?}", folder.join("nats.pid")))
            .replace("/run/tls/", &format!("{}/", tls.display()));
        fs::write(folder.join(name), local).expect("the file can be written");
    }
}

/// The variables of a server's pod, with its zone, the printed keys and the addresses on this machine.
fn variables(
    manifests: &Manifests,
    secrets: &Manifests,
    ports: &Ports,
    server: usize,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, origin) in environment(manifests, manifests.workload("nats").container()) {
        let value = match origin {
            Origin::Text(text) => text,
            Origin::Secret { name, key, .. } => {
                word(&secrets.object("Secret", &name)["stringData"][&key]).to_owned()
            }
            Origin::Field(field) if field == "metadata.name" => format!("nats-{server}"),
            Origin::Field(_) => format!("zone-{server}"),
        };
        let value = values.iter().fold(value, |text, (name, value): (&String, &String)| {
            text.replace(&format!("$({name})"), value)
        });
        values.insert(name, value);
    }
    for (number, port) in ports.route.iter().enumerate() {
        if let Some(route) = values.get_mut(&format!("ROUTE_{number}")) {
            *route =
                route.replace(&format!("nats-{number}.nats-headless:6222"), &format!("127.0.0.1:{port}"));
        }
    }
    values
}

/// Runs `orewatch setup` with the settings of the Job until it succeeds: the servers may still be starting.
fn set_up(manifests: &Manifests, ports: &Ports, seed: &Path, authority: &Path) -> String {
    let settings = environment(manifests, manifests.workload("setup").container());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut setup = Command::new(orewatch());
        setup.args(["setup", "--format", "json", "--monitor"]);
        setup.arg(format!("http://127.0.0.1:{}", ports.monitor[0]));
        for (name, _) in &settings {
            let Some(value) = setting(&settings, name) else { continue };
            let value = match name.as_str() {
                "OREWATCH_LOG" => value.replace("nats:4222", &format!("localhost:{}", ports.client[1])),
                "OREWATCH_NATS_NKEY" => seed.display().to_string(),
                "OREWATCH_NATS_CA" => authority.display().to_string(),
                _ => value,
            };
            setup.env(name, value);
        }
        let done = output(&mut setup);
        if done.status.success() {
            return text(&done.stdout);
        }
        assert!(Instant::now() < deadline, "{}{}", text(&done.stdout), text(&done.stderr));
        thread::sleep(Duration::from_millis(200));
    }
}

/// Three servers with the rendered configuration, keys and certificates form a cluster, and the Job makes the
/// streams on all three.
#[test]
fn the_servers_of_production_are_a_cluster() {
    for components in [&["cert-manager"][..], &["without-tls"][..]] {
        let manifests = Manifests::with("production", components);
        let secrets = Manifests::parse(printed(&["keys"]));
        let folder = TempDir::new().expect("a temporary folder");
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
        for (name, content) in
            [("tls.crt", cert.pem()), ("ca.crt", cert.pem()), ("tls.key", signing_key.serialize_pem())]
        {
            fs::write(folder.path().join(name), content).expect("the file can be written");
        }
        let seed = folder.path().join("seed");
        let printed_seed = word(&secrets.object("Secret", "nkey-setup")["stringData"]["seed"]);
        fs::write(&seed, printed_seed).expect("the file can be written");
        let all = free_ports(9);
        let ports =
            Ports { client: all[..3].to_vec(), route: all[3..6].to_vec(), monitor: all[6..].to_vec() };
        let mut servers = Vec::new();
        for server in 0..3 {
            let own = folder.path().join(format!("server-{server}"));
            fs::create_dir(&own).expect("a folder");
            write_configuration(manifests.config("nats"), &ports, server, &own, folder.path());
            let log = fs::File::create(own.join("log")).expect("the file can be made");
            let mut command = Command::new(tool("nats-server"));
            command.arg("--config").arg(own.join("nats.conf")).stdin(Stdio::null()).stdout(Stdio::null());
            command.envs(variables(&manifests, &secrets, &ports, server)).stderr(log);
            servers.push(Running(command.spawn().expect("nats-server starts")));
        }
        let findings = set_up(&manifests, &ports, &seed, &folder.path().join("ca.crt"));
        let findings: Vec<Value> = serde_json::from_str(&findings).expect("findings are JSON");
        let verdicts: BTreeSet<&str> = findings.iter().map(|finding| word(&finding["verdict"])).collect();
        assert_eq!(verdicts, BTreeSet::from(["pass"]), "{findings:?}");
        // The logs, and the leases of replicas.
        let streams = findings.iter().filter(|one| word(&one["setting"]).starts_with("stream "));
        assert_eq!(streams.count(), 4, "{findings:?}");
    }
}

#[test]
fn nats_accepts_the_configuration_of_one_server() {
    let manifests = Manifests::with("development", &[]);
    let folder = TempDir::new().expect("a temporary folder");
    for (name, content) in manifests.config("nats").as_object().expect("files") {
        fs::write(folder.path().join(name), word(content)).expect("the file can be written");
    }
    let mut check = Command::new(tool("nats-server"));
    check.env("POD_NAME", "nats-0").arg("-t").arg("-c").arg(folder.path().join("nats.conf"));
    let check = output(&mut check);
    assert!(check.status.success(), "{}", text(&check.stderr));
}

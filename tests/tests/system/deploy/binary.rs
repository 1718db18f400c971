//! The binary accepts the arguments and variables of every pod, and gateways route to the services that there
//! are.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use nkeys::KeyPair;
use orewatch_tests::process::run_without_log;
use orewatch_tests::tools::{orewatch, output, read, root, text};
use tempfile::TempDir;

use super::kit::{Manifests, Origin, SERVICES, Workload, environment, list, word, words};

/// Address at which no log is.
const NOWHERE: &str = "127.0.0.1:1";

/// The command of a pod, with the variables of its environment, and with files in a folder of this machine in
/// the place of its volumes. The log is away.
fn command(manifests: &Manifests, workload: Workload<'_>, folder: &Path) -> Command {
    let values = local_values(manifests, workload, folder);
    let mut command = Command::new(orewatch());
    for argument in words(&workload.container()["args"]) {
        let argument =
            values.iter().fold(argument, |text, (name, value)| text.replace(&format!("$({name})"), value));
        let path = argument.strip_prefix("/restored").map(|rest| format!("{}{rest}", folder.display()));
        command.arg(path.unwrap_or(argument));
    }
    command.envs(values).current_dir(folder);
    command
}

/// Values of the variables of a pod, with paths and addresses of this machine.
fn local_values(manifests: &Manifests, workload: Workload<'_>, folder: &Path) -> BTreeMap<String, String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut values = BTreeMap::new();
    for (name, origin) in environment(manifests, workload.container()) {
        let value = match (name.as_str(), origin) {
            ("OREWATCH_LOG", _) => format!("nats://{NOWHERE}"),
            ("OREWATCH_LISTEN" | "OREWATCH_ADMIN", _) => "127.0.0.1:0".to_owned(),
            ("OREWATCH_CONFIG", _) => path(&format!("{}.toml", workload.name())),
            ("OREWATCH_TOKENS_FILE", _) => path("tokens.toml"),
            ("OREWATCH_NATS_NKEY", _) => path("seed"),
            (_, Origin::Text(text)) if text.starts_with('/') => path(text.trim_matches('/')),
            (_, Origin::Text(text)) => text,
            (_, Origin::Secret { key, .. }) if key == "place" => path("bucket"),
            (_, Origin::Secret { .. }) => "key-of-a-test".to_owned(),
            (_, Origin::Field(_)) => "0".to_owned(),
        };
        let earlier = values.iter().fold(value, |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("$({name})"), value)
        });
        values.insert(name, earlier);
    }
    values
}

/// A folder with the files that pods read: tokens, a key, and configurations of components.
fn files_of_pods(manifests: &Manifests) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("tokens.toml", "");
    write("seed", &KeyPair::new_user().seed().expect("a seed"));
    fs::create_dir_all(folder.path().join("run/orewatch/replica")).expect("a folder");
    write("run/orewatch/replica/token", "a-token-of-replicas");
    for (config, service) in [("polling", "ingestion"), ("receivers", "alerting")] {
        let there = manifests.workload(service).pod()["volumes"].to_string();
        if there.contains(&format!("\"{config}\"")) {
            write(&format!("{service}.toml"), word(&manifests.config(config)["orewatch.toml"]));
        }
    }
    folder
}

/// With an unreachable log, the binary must report the log, not an argument or a variable.
#[test]
fn services_start_with_what_their_pods_have() {
    let sets: [(&str, &[&str]); 3] = [
        ("development", &[]),
        ("development", &["s3"]),
        ("production", &["polling", "receivers", "share", "single-zone", "without-tls"]),
    ];
    for (overlay, components) in sets {
        let manifests = Manifests::with(overlay, components);
        let folder = files_of_pods(&manifests);
        // Each waits for the log for some time.
        std::thread::scope(|scope| {
            for (service, _) in SERVICES {
                let workload = manifests.workload(service);
                let place = folder.path();
                let manifests = &manifests;
                scope.spawn(move || {
                    let output = run_without_log(&mut command(manifests, workload, place));
                    assert!(output.contains(NOWHERE), "{overlay}: {service}: {output}");
                });
            }
        });
    }
}

#[test]
fn a_key_of_a_publisher_that_is_not_set_is_named() {
    let manifests = Manifests::with("production", &["polling", "without-tls"]);
    let folder = files_of_pods(&manifests);
    let run = output(
        command(&manifests, manifests.workload("ingestion"), folder.path()).env_remove("COMTRADE_KEY"),
    );
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("COMTRADE_KEY is not set"), "{}", text(&run.stderr));
}

#[test]
fn jobs_run_with_what_their_pods_have() {
    let manifests = Manifests::with("production", &["backup", "restore"]);
    let folder = files_of_pods(&manifests);
    // Each waits for the log for some time.
    std::thread::scope(|scope| {
        for (job, code, said) in [
            ("setup", 4, NOWHERE),
            ("log-backup", 4, NOWHERE),
            ("restore-drill", 2, "has no backup"),
            ("restore", 4, NOWHERE),
        ] {
            let (manifests, folder) = (&manifests, folder.path());
            scope.spawn(move || {
                let run = output(&mut command(manifests, manifests.workload(job), folder));
                assert_eq!(run.status.code(), Some(code), "{job}: {}", text(&run.stderr));
                assert!(text(&run.stderr).contains(said), "{job}: {}", text(&run.stderr));
            });
        }
    });
}

/// The services of the contracts, by their full names, with the process that has them.
fn declared_services() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (process, _) in SERVICES {
        let folder = format!("proto/orewatch/{process}/v1");
        for entry in fs::read_dir(root().join(&folder)).expect("a folder of contracts") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            let contract = read(&format!("{folder}/{name}"));
            let services = contract.lines().filter_map(|line| line.strip_prefix("service "));
            for service in services.filter_map(|rest| rest.split_whitespace().next()) {
                found.insert(format!("orewatch.{process}.v1.{service}"), process.to_owned());
            }
        }
    }
    found
}

#[test]
fn a_gateway_routes_every_service_to_its_process() {
    let manifests = Manifests::with("production", &["grpc-route"]);
    let mut routed = BTreeMap::new();
    for route in manifests.of_kind("GRPCRoute") {
        for rule in list(&route["spec"]["rules"]) {
            let [backend] = list(&rule["backendRefs"]) else { panic!("one backend: {rule}") };
            let service = manifests.object("Service", word(&backend["name"]));
            assert_eq!(service["spec"]["ports"][0]["port"], backend["port"]);
            for one in list(&rule["matches"]) {
                let name = word(&one["method"]["service"]).to_owned();
                assert_eq!(routed.insert(name, word(&backend["name"]).to_owned()), None, "{one}");
            }
        }
    }
    assert_eq!(routed, declared_services());
}

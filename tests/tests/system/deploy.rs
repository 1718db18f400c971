//! The manifests: they render, pass the schemas of Kubernetes, keep to the restricted profile and fit the binary.
use std::fs;
use std::process::Command;

use orewatch_tests::process::GIVES_BACK;
use orewatch_tests::tools::{orewatch, output, read, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

const SERVICES: [(&str, &str); 3] = [
    ("alerting", "orewatch.alerting.v1.AlertingService"),
    ("exposure", "orewatch.exposure.v1.ExposureService"),
    ("ingestion", "orewatch.ingestion.v1.IngestionService"),
];

fn rendered() -> String {
    render("deploy/base")
}

fn render(folder: &str) -> String {
    let render = output(Command::new(tool("kubectl")).arg("kustomize").arg(root().join(folder)));
    assert!(render.status.success(), "{}", text(&render.stderr));
    text(&render.stdout)
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).expect("the manifests are YAML")
}

/// Validates every document against the schemas of Kubernetes; the error names what does not pass.
fn validate(yaml: &str) -> Result<(), String> {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("manifests.yaml");
    fs::write(&file, yaml).expect("a temporary file");
    let run = output(Command::new(tool("kubernetes-validate")).arg("--strict").arg(&file));
    let said = text(&run.stdout) + &text(&run.stderr);
    // Of a kind that it does not know the validator only warns.
    let passed = said.lines().filter(|line| line.contains(" passed for resource ")).count();
    if run.status.success() && passed == documents(yaml).len() { Ok(()) } else { Err(said) }
}

#[test]
fn the_manifests_render_and_pass_strict_validation() {
    assert_eq!(validate(&rendered()), Ok(()));
}

#[test]
fn a_broken_manifest_does_not_pass() {
    let good = rendered();
    for (from, to) in [
        ("replicas: 1", "replcas: 1"),
        ("replicas: 1", "replicas: one"),
        ("kind: Deployment", "kind: Deploymint"),
        ("apiVersion: apps/v1", "apiVersion: apps/v9"),
        ("readOnlyRootFilesystem", "readOnlyRootFileSystem"),
    ] {
        let document = good.split("\n---\n").find(|document| document.contains(from));
        let document = document.unwrap_or_else(|| panic!("the manifests no longer say {from}"));
        assert!(validate(&document.replacen(from, to, 1)).is_err(), "{to:?} passed");
    }
}

/// The documents that run pods.
fn workloads(documents: &[Value]) -> Vec<&Value> {
    documents.iter().filter(|document| document.pointer("/spec/template/spec").is_some()).collect()
}

/// What the restricted profile, and a little more than it, asks of a pod and of each of its containers.
fn violations(workload: &Value) -> Vec<String> {
    let name = &workload["metadata"]["name"];
    let pod = &workload["spec"]["template"]["spec"];
    let mut asked = vec![
        ("/securityContext/runAsNonRoot", Value::from(true)),
        ("/securityContext/seccompProfile/type", Value::from("RuntimeDefault")),
        ("/automountServiceAccountToken", Value::from(false)),
    ];
    let mut found = differences(pod, &asked, &format!("{name} pod"));
    if pod["securityContext"]["runAsUser"].as_u64().unwrap_or_default() == 0 {
        found.push(format!("{name} pod: /securityContext/runAsUser is root or missing"));
    }
    asked = vec![
        ("/securityContext/allowPrivilegeEscalation", Value::from(false)),
        ("/securityContext/readOnlyRootFilesystem", Value::from(true)),
        ("/securityContext/capabilities/drop", Value::from(vec!["ALL"])),
    ];
    for container in pod["containers"].as_array().into_iter().flatten() {
        found.extend(differences(container, &asked, &format!("{name} container")));
        for pointer in ["/resources/requests/cpu", "/resources/requests/memory", "/resources/limits/memory"] {
            if container.pointer(pointer).is_none() {
                found.push(format!("{name} container: {pointer} is missing"));
            }
        }
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            if container.get(probe).is_none() {
                found.push(format!("{name} container: no {probe}"));
            }
        }
    }
    found
}

fn differences(of: &Value, asked: &[(&str, Value)], place: &str) -> Vec<String> {
    asked
        .iter()
        .filter(|(pointer, value)| of.pointer(pointer) != Some(value))
        .map(|(pointer, value)| format!("{place}: {pointer} is not {value}"))
        .collect()
}

#[test]
fn every_pod_is_confined() {
    let documents = documents(&rendered());
    let found: Vec<_> = workloads(&documents).into_iter().flat_map(violations).collect();
    assert_eq!(found, [""; 0]);
    assert_eq!(workloads(&documents).len(), SERVICES.len() + 1);

    let namespace = documents.iter().find(|document| document["kind"] == "Namespace").expect("a namespace");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn a_pod_that_is_not_confined_is_found() {
    let good = rendered();
    for (from, to) in [
        ("runAsNonRoot: true", "runAsNonRoot: false"),
        ("runAsUser: 10001", "runAsUser: 0"),
        ("type: RuntimeDefault", "type: Unconfined"),
        ("automountServiceAccountToken: false\n      c", "automountServiceAccountToken: true\n      c"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
        ("- ALL", "- KILL"),
        ("livenessProbe:", "otherProbe:"),
        ("cpu: 100m", "disk: 100m"),
    ] {
        assert!(good.contains(from), "the manifests no longer say {from}");
        let broken = documents(&good.replacen(from, to, 1));
        let found: Vec<_> = workloads(&broken).into_iter().flat_map(violations).collect();
        assert_eq!(found.len(), 1, "{to:?}: {found:?}");
    }
}

/// The Deployment of a service.
fn deployment<'a>(documents: &'a [Value], service: &str) -> &'a Value {
    let found =
        |document: &&Value| document["kind"] == "Deployment" && document["metadata"]["name"] == service;
    documents.iter().find(found).unwrap_or_else(|| panic!("no Deployment {service}"))
}

#[test]
fn probes_ask_the_grpc_health_of_the_port_that_is_served() {
    let documents = documents(&rendered());
    for (service, full_name) in SERVICES {
        let pod = &deployment(&documents, service)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let port = &container["ports"][0]["containerPort"];
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            assert_eq!(&container[probe]["grpc"]["port"], port, "{service} {probe}");
        }
        // Only readiness waits for the service's folds: a slow rebuild is no reason to restart.
        assert_eq!(container["readinessProbe"]["grpc"]["service"], full_name);
        assert_eq!(container["livenessProbe"]["grpc"].get("service"), None);
        let listen = argument(container, "--listen");
        assert!(listen.ends_with(&format!(":{port}")), "{service} listens on {listen}, probes ask {port}");

        let grace = pod["terminationGracePeriodSeconds"].as_u64().expect("a grace period");
        let before = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().expect("a preStop sleep");
        assert!(grace > before + 20, "{service}: {grace} s do not hold preStop and the 20 s of the shutdown");
    }
}

fn arguments(container: &Value) -> Vec<String> {
    container["args"]
        .as_array()
        .expect("arguments")
        .iter()
        .map(|arg| arg.as_str().expect("text").to_owned())
        .collect()
}

fn argument(container: &Value, flag: &str) -> String {
    let all = arguments(container);
    let at = all.iter().position(|arg| arg == flag).unwrap_or_else(|| panic!("no {flag} in {all:?}"));
    all.get(at + 1).cloned().unwrap_or_else(|| panic!("{flag} has no value"))
}

#[test]
fn the_binary_understands_the_arguments() {
    let documents = documents(&rendered());
    for (service, _) in SERVICES {
        let container = &deployment(&documents, service)["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(argument(container, "--log"), "nats://nats:4222");
        // The same arguments, where no server answers: the log is what is missing, not an argument.
        let folder = TempDir::new().expect("a temporary folder");
        let tokens = folder.path().join("tokens.toml");
        fs::write(&tokens, "").expect("a temporary file");
        let args = arguments(container).into_iter().map(|arg| match arg.as_str() {
            "nats://nats:4222" => "nats://127.0.0.1:1".to_owned(),
            "0.0.0.0:7070" => "0.0.0.0:0".to_owned(),
            "/run/orewatch/tokens.toml" => tokens.display().to_string(),
            _ => arg,
        });
        let run = output(Command::new(orewatch()).args(args));
        assert_eq!(run.status.code(), Some(4), "{service}: {}", text(&run.stderr));
        assert!(text(&run.stderr).contains("127.0.0.1:1"), "{service}: {}", text(&run.stderr));
    }
}

#[test]
fn every_service_asks_for_the_tokens_of_the_secret() {
    let documents = documents(&rendered());
    for (service, _) in SERVICES {
        let pod = &deployment(&documents, service)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let file = argument(container, "--tokens-file");
        let mounts = container["volumeMounts"].as_array().expect("mounts");
        let mount = mounts.iter().find(|mount| mount["name"] == "tokens").expect("the mount of the tokens");
        assert_eq!(mount["mountPath"].as_str().map(|path| format!("{path}/tokens.toml")), Some(file.clone()));
        // No receiver may name the file as a secret of its own.
        assert!(!file.starts_with("/run/secrets/"), "{file}");
        let volumes = pod["volumes"].as_array().expect("volumes");
        let volume = volumes.iter().find(|volume| volume["name"] == "tokens").expect("the volume");
        assert_eq!(volume["secret"]["secretName"], "tokens");
        // The process reads it as a member of its group, not as root.
        assert_eq!(volume["secret"]["defaultMode"], 0o440);
        assert_eq!(pod["securityContext"]["fsGroup"], pod["securityContext"]["runAsGroup"]);
    }
}

#[test]
fn the_service_that_polls_has_its_configuration_and_its_keys() {
    let yaml = render("deploy/polling");
    assert_eq!(validate(&yaml), Ok(()));
    let documents = documents(&yaml);
    let found: Vec<_> = workloads(&documents).into_iter().flat_map(violations).collect();
    assert_eq!(found, [""; 0]);
    let pod = &deployment(&documents, "ingestion")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let mount = |volume: &str| {
        let all = container["volumeMounts"].as_array().expect("mounts");
        all.iter().find(|mount| mount["name"] == volume).expect("the mount")["mountPath"]
            .as_str()
            .expect("a path")
    };
    assert_eq!(container["env"][0]["name"], "OREWATCH_CONFIG");
    assert_eq!(container["env"][0]["value"], format!("{}/orewatch.toml", mount("polling")));
    assert_eq!(container["envFrom"][0]["secretRef"]["name"], "publishers");
    let config = documents.iter().find(|document| document["data"].get("orewatch.toml").is_some());
    assert_eq!(
        config.expect("the configuration")["data"]["orewatch.toml"],
        read("deploy/polling/orewatch.toml")
    );

    // The binary takes the configuration where its keys are there, and names the one that is not.
    let serve = || {
        let mut command = Command::new(orewatch());
        command.args([
            "serve",
            "ingestion",
            "--log",
            "nats://127.0.0.1:1",
            "--listen",
            "127.0.0.1:0",
            "--config",
        ]);
        command
            .arg(root().join("deploy/polling/orewatch.toml"))
            .env("GTA_KEY", "key-of-a-test")
            .env_remove("COMTRADE_KEY");
        command
    };
    let run = output(serve().env("COMTRADE_KEY", "key-of-a-test"));
    assert_eq!(run.status.code(), Some(4), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("127.0.0.1:1"), "{}", text(&run.stderr));
    let run = output(&mut serve());
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("COMTRADE_KEY is not set"), "{}", text(&run.stderr));
}

#[test]
fn the_overlay_that_sends_to_receivers_mounts_what_it_names() {
    let yaml = render("deploy/receivers");
    assert_eq!(validate(&yaml), Ok(()));
    let documents = documents(&yaml);
    let found: Vec<_> = workloads(&documents).into_iter().flat_map(violations).collect();
    assert_eq!(found, [""; 0]);
    let container = &deployment(&documents, "alerting")["spec"]["template"]["spec"]["containers"][0];
    let mounts = container["volumeMounts"].as_array().expect("mounts");
    let mount = |name: &str| {
        let mount = mounts.iter().find(|mount| mount["name"] == name);
        mount.and_then(|mount| mount["mountPath"].as_str()).unwrap_or_default().to_owned()
    };
    assert_eq!(container["env"][0]["value"], format!("{}/orewatch.toml", mount("receivers")));
    let config: toml::Table = toml::from_str(&read("deploy/receivers/orewatch.toml")).expect("TOML");
    assert_eq!(config["secrets-dir"].as_str(), Some(mount("secrets").as_str()));

    // The binary takes the configuration.
    let mut serve = Command::new(orewatch());
    serve.args(["serve", "alerting", "--log", "nats://127.0.0.1:1", "--listen", "127.0.0.1:0", "--config"]);
    let run = output(serve.arg(root().join("deploy/receivers/orewatch.toml")));
    assert_eq!(run.status.code(), Some(4), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("127.0.0.1:1"), "{}", text(&run.stderr));
}

#[test]
fn nats_accepts_its_configuration_and_flushes_every_event() {
    let config = root().join("deploy/base/nats.conf");
    let check =
        output(Command::new(tool("nats-server")).env("HOSTNAME", "nats-0").arg("-t").arg("-c").arg(config));
    assert!(check.status.success(), "{}", text(&check.stderr));
    assert!(read("deploy/base/nats.conf").contains("sync_interval: always"));
    assert!(rendered().contains("sync_interval: always"), "the configuration is not mounted from this file");
}

#[test]
fn the_image_is_built_by_the_pinned_toolchain_and_runs_as_the_pods_do() {
    let image = read("deploy/Containerfile");
    let toolchain = read("rust-toolchain.toml");
    let line = |start: &str| {
        image.lines().filter_map(|line| line.strip_prefix(start)).next_back().map(str::to_owned)
    };
    let rust = line("ARG RUST=").expect("the image names its toolchain");
    assert!(
        toolchain.contains(&format!("channel = \"{rust}\"")),
        "the image builds with {rust}: {toolchain}"
    );
    assert_eq!(line("FROM ").as_deref(), Some("scratch"), "nothing but the binary is in the image: no shell");
    assert_eq!(line("ENTRYPOINT ").as_deref(), Some("[\"/orewatch\"]"));

    let documents = documents(&rendered());
    let pod = &deployment(&documents, "alerting")["spec"]["template"]["spec"];
    let user = &pod["securityContext"]["runAsUser"];
    assert_eq!(line("USER "), Some(format!("{user}:{user}")));
    // Whole-system tests run the binary so, and measure its memory.
    let (name, value) = GIVES_BACK;
    assert_eq!(line("ENV ").as_deref(), Some(&*format!("{name}={value}")));
    assert_eq!(line("EXPOSE "), Some(pod["containers"][0]["ports"][0]["containerPort"].to_string()));
    assert_eq!(pod["containers"][0].get("command"), None, "the image's entry point is what runs");
    assert_eq!(pod["containers"][0]["image"], format!("orewatch:{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_the_image_copies_is_all_that_the_build_reads() {
    let context = TempDir::new().expect("a temporary folder");
    let listed = read("deploy/Containerfile.dockerignore");
    let names = listed.lines().filter_map(|line| line.strip_prefix('!'));
    let copied = output(Command::new("cp").arg("-r").args(names).arg(context.path()).current_dir(root()));
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    // Resolves every manifest of the workspace with the targets that it names.
    let resolved = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--offline", "--format-version", "1"])
            .current_dir(context.path()),
    );
    assert!(resolved.status.success(), "{}", text(&resolved.stderr));
}

//! Tests of the manifests: they render, conform to the schemas of Kubernetes and to the restricted profile,
//! and match the binary.
use std::fs;
use std::process::Command;

use orewatch_tests::process::{RELEASE_MEMORY_AT_ONCE, run_without_log};
use orewatch_tests::tools::{orewatch, output, read, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

const SERVICES: [(&str, &str); 3] = [
    ("alerting", "orewatch.alerting.v1.AlertingService"),
    ("exposure", "orewatch.exposure.v1.ExposureService"),
    ("ingestion", "orewatch.ingestion.v1.IngestionService"),
];

fn render_base() -> String {
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

/// Validates every document against the schemas of Kubernetes. The error names what does not conform.
fn validate(yaml: &str) -> Result<(), String> {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("manifests.yaml");
    fs::write(&file, yaml).expect("a temporary file");
    let run = output(Command::new(tool("kubernetes-validate")).arg("--strict").arg(&file));
    let message = text(&run.stdout) + &text(&run.stderr);
    // The validator only warns about an unknown kind: therefore the documents that passed are counted.
    let passed = message.lines().filter(|line| line.contains(" passed for resource ")).count();
    if run.status.success() && passed == documents(yaml).len() { Ok(()) } else { Err(message) }
}

#[test]
fn the_manifests_render_and_pass_strict_validation() {
    assert_eq!(validate(&render_base()), Ok(()));
}

#[test]
fn validation_refuses_broken_manifests() {
    let good = render_base();
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

/// What a pod and its containers lack of the restricted profile, and of a few further requirements.
fn violations(workload: &Value) -> Vec<String> {
    let name = &workload["metadata"]["name"];
    let pod = &workload["spec"]["template"]["spec"];
    let mut required = vec![
        ("/securityContext/runAsNonRoot", Value::from(true)),
        ("/securityContext/seccompProfile/type", Value::from("RuntimeDefault")),
        ("/automountServiceAccountToken", Value::from(false)),
    ];
    let mut found = differences(pod, &required, &format!("{name} pod"));
    if pod["securityContext"]["runAsUser"].as_u64().unwrap_or_default() == 0 {
        found.push(format!("{name} pod: /securityContext/runAsUser is root or missing"));
    }
    required = vec![
        ("/securityContext/allowPrivilegeEscalation", Value::from(false)),
        ("/securityContext/readOnlyRootFilesystem", Value::from(true)),
        ("/securityContext/capabilities/drop", Value::from(vec!["ALL"])),
    ];
    for container in pod["containers"].as_array().into_iter().flatten() {
        found.extend(differences(container, &required, &format!("{name} container")));
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

fn differences(value: &Value, required: &[(&str, Value)], place: &str) -> Vec<String> {
    required
        .iter()
        .filter(|(pointer, expected)| value.pointer(pointer) != Some(expected))
        .map(|(pointer, expected)| format!("{place}: {pointer} is not {expected}"))
        .collect()
}

#[test]
fn every_pod_meets_the_restricted_profile() {
    let documents = documents(&render_base());
    let found: Vec<_> = workloads(&documents).into_iter().flat_map(violations).collect();
    assert_eq!(found, [""; 0]);
    assert_eq!(workloads(&documents).len(), SERVICES.len() + 1);

    let namespace = documents.iter().find(|document| document["kind"] == "Namespace").expect("a namespace");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn every_violation_of_the_restricted_profile_is_found() {
    let good = render_base();
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
fn probes_use_the_grpc_health_service_on_the_served_port() {
    let documents = documents(&render_base());
    for (service, full_name) in SERVICES {
        let pod = &deployment(&documents, service)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let port = &container["ports"][0]["containerPort"];
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            assert_eq!(&container[probe]["grpc"]["port"], port, "{service} {probe}");
        }
        // Only readiness waits until the service has read its logs: a slow start is no reason to restart.
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
fn the_binary_accepts_the_arguments_of_the_manifests() {
    let documents = documents(&render_base());
    let container = |service| &deployment(&documents, service)["spec"]["template"]["spec"]["containers"][0];
    // Each waits for the log for some time.
    std::thread::scope(|scope| {
        for (service, _) in SERVICES {
            scope.spawn(move || check_arguments(service, container(service)));
        }
    });
}

/// With the same arguments and an unreachable log, the binary must report the log, not an argument.
fn check_arguments(service: &str, container: &Value) {
    assert_eq!(argument(container, "--log"), "nats://nats:4222");
    let folder = TempDir::new().expect("a temporary folder");
    let tokens = folder.path().join("tokens.toml");
    fs::write(&tokens, "").expect("a temporary file");
    let args = arguments(container).into_iter().map(|arg| match arg.as_str() {
        "nats://nats:4222" => "nats://127.0.0.1:1".to_owned(),
        "0.0.0.0:7070" => "0.0.0.0:0".to_owned(),
        "/run/orewatch/tokens.toml" => tokens.display().to_string(),
        _ => arg,
    });
    let output = run_without_log(Command::new(orewatch()).args(args));
    assert!(output.contains("127.0.0.1:1"), "{service}: {output}");
}

#[test]
fn every_service_requires_the_tokens_of_the_secret() {
    let documents = documents(&render_base());
    for (service, _) in SERVICES {
        let pod = &deployment(&documents, service)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let file = argument(container, "--tokens-file");
        let mounts = container["volumeMounts"].as_array().expect("mounts");
        let mount = mounts.iter().find(|mount| mount["name"] == "tokens").expect("the mount of the tokens");
        assert_eq!(mount["mountPath"].as_str().map(|path| format!("{path}/tokens.toml")), Some(file.clone()));
        // The file is outside of the folder of secrets, so that no receiver can use it.
        assert!(!file.starts_with("/run/secrets/"), "{file}");
        let volumes = pod["volumes"].as_array().expect("volumes");
        let volume = volumes.iter().find(|volume| volume["name"] == "tokens").expect("the volume");
        assert_eq!(volume["secret"]["secretName"], "tokens");
        // The process can read the file as a member of its group, without being root.
        assert_eq!(volume["secret"]["defaultMode"], 0o440);
        assert_eq!(pod["securityContext"]["fsGroup"], pod["securityContext"]["runAsGroup"]);
    }
}

#[test]
fn the_overlay_that_polls_mounts_its_configuration_and_its_keys() {
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

    // The binary accepts the configuration if all keys are set, and names a key that is not.
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
    run_without_log(serve().env("COMTRADE_KEY", "key-of-a-test"));
    let run = output(&mut serve());
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("COMTRADE_KEY is not set"), "{}", text(&run.stderr));
}

#[test]
fn the_overlay_that_sends_to_receivers_mounts_its_configuration_and_its_secrets() {
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

    // The binary accepts the configuration.
    let mut serve = Command::new(orewatch());
    serve.args(["serve", "alerting", "--log", "nats://127.0.0.1:1", "--listen", "127.0.0.1:0", "--config"]);
    run_without_log(serve.arg(root().join("deploy/receivers/orewatch.toml")));
}

/// The job that a CronJob makes.
fn job<'a>(documents: &'a [Value], name: &str) -> &'a Value {
    let found = |document: &&Value| document["kind"] == "CronJob" && document["metadata"]["name"] == name;
    let document = documents.iter().find(found).unwrap_or_else(|| panic!("no CronJob {name}"));
    assert_eq!(document["spec"]["concurrencyPolicy"], "Forbid");
    &document["spec"]["jobTemplate"]
}

#[test]
fn the_overlay_that_backs_up_renders_restricted_jobs() {
    let yaml = render("deploy/backup");
    assert_eq!(validate(&yaml), Ok(()));
    let documents = documents(&yaml);
    let image = format!("orewatch:{}", env!("CARGO_PKG_VERSION"));
    for name in ["log-backup", "restore-drill"] {
        let job = job(&documents, name);
        // A job ends by itself: nobody probes it.
        let found: Vec<_> =
            violations(job).into_iter().filter(|violation| !violation.contains("Probe")).collect();
        assert_eq!(found, [""; 0]);
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], image, "{name}");
        assert_eq!(container["env"][0]["name"], "BACKUP_PLACE");
        assert_eq!(container["env"][0]["valueFrom"]["secretKeyRef"]["name"], "backup");
        assert_eq!(container["envFrom"][0]["secretRef"]["name"], "backup");
    }
    // The base is as it is without backups.
    assert_eq!(workloads(&documents).len(), SERVICES.len() + 1);
}

#[test]
fn the_binary_accepts_the_arguments_of_the_backup_jobs() {
    let documents = documents(&render("deploy/backup"));
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, code, words) in [("log-backup", 4, "127.0.0.1:1"), ("restore-drill", 2, "has no backup")] {
        let container = &job(&documents, name)["spec"]["template"]["spec"]["containers"][0];
        let args = arguments(container).into_iter().map(|arg| match arg.as_str() {
            "nats://nats:4222" => "nats://127.0.0.1:1".to_owned(),
            "$(BACKUP_PLACE)" => path("backups"),
            "/restored/data" => path("restored"),
            _ => arg,
        });
        let run = output(Command::new(orewatch()).args(args));
        assert_eq!(run.status.code(), Some(code), "{name}: {}", text(&run.stderr));
        assert!(text(&run.stderr).contains(words), "{name}: {}", text(&run.stderr));
    }
}

#[test]
fn nats_accepts_its_configuration_which_flushes_every_event() {
    let config = root().join("deploy/base/nats.conf");
    let check =
        output(Command::new(tool("nats-server")).env("HOSTNAME", "nats-0").arg("-t").arg("-c").arg(config));
    assert!(check.status.success(), "{}", text(&check.stderr));
    assert!(read("deploy/base/nats.conf").contains("sync_interval: always"));
    assert!(
        render_base().contains("sync_interval: always"),
        "the configuration is not mounted from this file"
    );
}

#[test]
fn the_image_uses_the_pinned_toolchain_and_matches_the_pods() {
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
    assert_eq!(line("FROM ").as_deref(), Some("scratch"), "the image has only the binary: no shell");
    assert_eq!(line("ENTRYPOINT ").as_deref(), Some("[\"/orewatch\"]"));

    let documents = documents(&render_base());
    let pod = &deployment(&documents, "alerting")["spec"]["template"]["spec"];
    let user = &pod["securityContext"]["runAsUser"];
    assert_eq!(line("USER "), Some(format!("{user}:{user}")));
    // The whole-system tests, which measure memory, run the binary with the same setting.
    let (name, value) = RELEASE_MEMORY_AT_ONCE;
    assert_eq!(line("ENV ").as_deref(), Some(&*format!("{name}={value}")));
    assert_eq!(line("EXPOSE "), Some(pod["containers"][0]["ports"][0]["containerPort"].to_string()));
    assert_eq!(pod["containers"][0].get("command"), None, "the image's entry point is what runs");
    assert_eq!(pod["containers"][0]["image"], format!("orewatch:{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_image_copies_everything_that_the_build_reads() {
    let context = TempDir::new().expect("a temporary folder");
    let listed = read("deploy/Containerfile.dockerignore");
    let names = listed.lines().filter_map(|line| line.strip_prefix('!'));
    let copied = output(Command::new("cp").arg("-r").args(names).arg(context.path()).current_dir(root()));
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    // Resolves every manifest of the workspace with its targets: a missing file is an error.
    let resolved = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--offline", "--format-version", "1"])
            .current_dir(context.path()),
    );
    assert!(resolved.status.success(), "{}", text(&resolved.stderr));
}

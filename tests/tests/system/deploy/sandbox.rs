//! Pods on this machine: each program runs as the pod's user and groups, on a root that cannot be written,
//! with the volumes that its pod has, and with their modes and owners. What a schema does not see shows here:
//! a secret that only root can read, or a file that has no place.
//!
//! That needs a mount namespace, and so root, or a user with subordinate users (`/etc/subuid`).
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use orewatch_testkit::NatsServer;
use orewatch_tests::process::Server;
use orewatch_tests::system::run;
use orewatch_tests::tools::{orewatch, output, text};
use serde_json::Value;
use tempfile::TempDir;

use super::files::{Use, secret_files, used_paths, volume};
use super::kit::{
    Manifests, Origin, SERVICES, Workload, environment, list, renderings, without_hash, word, words,
};
use super::nats::printed;

/// Contents of Secrets, by name and key.
type Secrets = BTreeMap<(String, String), String>;

/// Makes the part of a root that all pods have. `$root` is an empty folder.
const ROOT: &str = r#"set -eu
mount -t tmpfs tmpfs "$root"
for dir in /usr /bin /lib /lib64; do
  if [ -L "$dir" ]; then cp -P "$dir" "$root$dir"
  elif [ -d "$dir" ]; then mkdir -p "$root$dir"; mount --bind "$dir" "$root$dir"; fi
done
mkdir -p "$root/dev" "$root/etc" "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
"#;

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A pod, and a folder for what is needed to run it.
struct Pod<'a> {
    manifests: &'a Manifests,
    workload: Workload<'a>,
    stage: &'a Path,
}

impl Pod<'_> {
    /// A number of the security context.
    fn id(&self, name: &str) -> u64 {
        self.workload.pod()["securityContext"][name].as_u64().unwrap_or_default()
    }

    /// The command that runs a program of this machine in the pod. What is added to it becomes the program's
    /// name and arguments.
    fn wrapper(
        &self,
        program: &Path,
        secrets: &Secrets,
        variables: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let root = self.stage.join(format!("root-{}", self.workload.name()));
        fs::create_dir_all(&root).expect("a folder");
        let mut script = format!("root={}\n{ROOT}", quoted(&root.display().to_string()));
        script += &format!(
            "touch \"$root/program\"\nmount --bind {} \"$root/program\"\n",
            quoted(&program.display().to_string())
        );
        for mount in list(&self.workload.container()["volumeMounts"]) {
            script += &self.mount(mount, secrets);
        }
        script += "mount -o remount,ro \"$root\"\nchroot=$(command -v chroot)\nexec env -i";
        for (name, value) in variables {
            script += &format!(" {name}={}", quoted(value));
        }
        let [user, group, others] = ["runAsUser", "runAsGroup", "fsGroup"].map(|name| self.id(name));
        script +=
            &format!(" \"$chroot\" --userspec={user}:{group} --groups={others} \"$root\" /program \"$@\"\n");
        let mut wrapper = vec!["unshare", "--mount", "--propagation", "private"];
        if !rustix::process::geteuid().is_root() {
            wrapper.extend(["--user", "--map-root-user", "--map-auto"]);
        }
        wrapper.extend(["sh", "-c", script.as_str()]);
        wrapper.into_iter().map(str::to_owned).collect()
    }

    /// Lines that make a volume of the pod.
    fn mount(&self, mount: &Value, secrets: &Secrets) -> String {
        let path = word(&mount["mountPath"]);
        let name = word(&mount["name"]);
        let (kind, volume) = volume(self.workload, name).expect("the volume");
        let group = self.id("fsGroup");
        let mut lines = format!("mkdir -p \"$root{path}\"\n");
        if !["secret", "configMap"].contains(&kind) {
            let options = format!("mode=2770,uid=0,gid={group}");
            return lines + &format!("mount -t tmpfs -o {options} tmpfs \"$root{path}\"\n");
        }
        let mode = volume["defaultMode"].as_u64().unwrap_or(0o644);
        for (file, content) in self.contents(kind, volume, secrets) {
            let staged = self.stage.join(format!("{}-{name}-{file}", self.workload.name()));
            fs::write(&staged, content).expect("a file");
            let from = quoted(&staged.display().to_string());
            lines += &format!("install -m {mode:o} -o 0 -g {group} {from} \"$root{path}/{file}\"\n");
        }
        lines
    }

    /// Files on a volume, with their contents.
    fn contents(&self, kind: &str, volume: &Value, secrets: &Secrets) -> Vec<(String, String)> {
        if kind == "configMap" {
            let files = self.manifests.config(without_hash(word(&volume["name"]))).as_object().expect("data");
            return files.iter().map(|(file, text)| (file.clone(), word(text).to_owned())).collect();
        }
        let secret = word(&volume["secretName"]);
        let of_key = |key: &str| secrets.get(&(secret.to_owned(), key.to_owned())).cloned();
        let files = secret_files(volume).into_iter();
        files.filter_map(|(key, file)| Some((file, of_key(&key)?))).collect()
    }
}

/// Commands that try, as the pod's user, what the pod has to read and write, and say what fails.
fn checks(manifests: &Manifests, workload: Workload<'_>) -> String {
    let mut checks = String::from("exec 2>/dev/null\n");
    for (_, path, what) in used_paths(manifests, workload) {
        let path = quoted(&path);
        checks += &match what {
            Use::Reads => format!("test -r {path} || echo cannot read {path}\n"),
            Use::Writes => {
                format!("at={path}; test -d $at && at=$at/probe; touch $at || echo cannot write {path}\n")
            }
        };
    }
    let user = &workload.pod()["securityContext"]["runAsUser"];
    checks += &format!("test \"$(id -u)\" = {user} || echo the user is another one\n");
    checks + "touch /probe /etc/probe && echo the root can be written\ntrue\n"
}

/// What a pod cannot do that it has to.
fn failures(manifests: &Manifests, workload: Workload<'_>) -> String {
    let stage = TempDir::new().expect("a temporary folder");
    let mut secrets = Secrets::new();
    for volume in list(&workload.pod()["volumes"]) {
        let secret = word(&volume["secret"]["secretName"]);
        for (key, _) in secret_files(&volume["secret"]) {
            secrets.insert((secret.to_owned(), key), "of a test".to_owned());
        }
    }
    let pod = Pod { manifests, workload, stage: stage.path() };
    let wrapper = pod.wrapper(Path::new("/bin/sh"), &secrets, &BTreeMap::new());
    let mut command = Command::new(&wrapper[0]);
    command.args(&wrapper[1..]).args(["sh", "-c"]).arg(checks(manifests, workload));
    let done = output(&mut command);
    assert!(done.status.success(), "{}: {}", workload.name(), text(&done.stderr));
    text(&done.stdout)
}

#[test]
fn pods_read_and_write_their_files_as_their_own_users() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads() {
            assert_eq!(failures(manifests, workload), "", "{name}: {}", workload.name());
        }
    }
}

#[test]
fn what_a_pod_cannot_do_shows() {
    let (_, good) = &renderings()[3];
    for (from, to, said) in [
        ("        fsGroup: 10001\n", "        fsGroup: 4444\n", ""),
        ("defaultMode: 288", "defaultMode: 256", "cannot read /run/orewatch/"),
        ("mountPath: /var/lib/orewatch", "mountPath: /var/data", "cannot write /var/lib/orewatch"),
        ("mountPath: /tmp", "mountPath: /scratch", "cannot write /tmp/x"),
    ] {
        assert!(good.yaml.contains(from), "the manifests no longer say {from}");
        let broken = Manifests::parse(good.yaml.replacen(from, to, 1));
        // The first pod of the text is that of alerting.
        let found = failures(&broken, broken.workload("alerting"));
        assert_eq!(said.is_empty(), found.is_empty(), "{to}: {found}");
        assert!(found.contains(said), "{to}: {found}");
    }
}

/// What a pod's environment has, with the places of this test.
fn variables(manifests: &Manifests, workload: Workload<'_>, nats: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, origin) in environment(manifests, workload.container()) {
        let value = match (name.as_str(), origin) {
            ("OREWATCH_LOG", _) => nats.to_owned(),
            ("OREWATCH_LOG_REPLICAS", _) => "1".to_owned(),
            ("OREWATCH_MAX_LOG_SIZE", _) => "64MiB".to_owned(),
            // All pods share the network of this machine.
            ("OREWATCH_ADMIN", _) => "127.0.0.1:0".to_owned(),
            ("OREWATCH_ARCHIVE", _) => "/var/lib/orewatch/archive".to_owned(),
            ("OREWATCH_SNAPSHOTS", _) => "/var/lib/orewatch/snapshots".to_owned(),
            (_, Origin::Text(text)) => text,
            (_, Origin::Field(_)) => "0".to_owned(),
            (_, Origin::Secret { .. }) => continue,
        };
        values.insert(name, value);
    }
    values
}

/// The Secrets of a system: the printed keys, a token, and a secret of a receiver.
fn secrets_of(keys: &Manifests) -> Secrets {
    let mut secrets = Secrets::new();
    for object in &keys.objects {
        let name = word(&object["metadata"]["name"]);
        for (key, value) in object["stringData"].as_object().expect("keys") {
            secrets.insert((name.to_owned(), key.clone()), word(value).to_owned());
        }
    }
    let tokens = format!(
        "[[token]]\nname = \"desk\"\ntoken = \"{TOKEN}\"\nroles = [\"operator\"]\ntenants = [\"*\"]\n"
    );
    secrets.insert(("tokens".to_owned(), "tokens.toml".to_owned()), tokens);
    secrets
}

/// The token of a caller.
const TOKEN: &str = "a-token-of-a-desk-0001";

/// A table with something to compute.
const TABLE: &str = "# dataset: survey\n# vintage: 1\nperiod,economy,material,stage,quantity,unit,basis\n\
                     2024,CHN,cobalt,mined,10,t,content\n2024,AUS,cobalt,mined,12,t,content\n";

/// The setup Job makes the logs with its key, the services follow and write them with theirs, each as its
/// pod's user, and a release reaches all of them.
#[test]
fn the_pods_of_production_work_together() {
    let manifests = Manifests::with("production", &["receivers", "without-tls"]);
    let keys = Manifests::parse(printed(&["keys"]));
    let known = &keys.object("Secret", "nats-keys")["stringData"];
    let mut accounts = word(&manifests.config("nats")["accounts.conf"]).to_owned();
    for (identity, key) in known.as_object().expect("keys") {
        accounts = accounts.replace(&format!("$OREWATCH_NKEY_{}", identity.to_uppercase()), word(key));
    }
    let nats = NatsServer::start_with(&accounts);
    let (stage, secrets) = (TempDir::new().expect("a temporary folder"), secrets_of(&keys));
    let wrapper = |name: &str| {
        let pod = Pod { manifests: &manifests, workload: manifests.workload(name), stage: stage.path() };
        pod.wrapper(orewatch(), &secrets, &variables(&manifests, pod.workload, &nats.url()))
    };

    let setup = wrapper("setup");
    // Without the port for monitoring, which the server of a test does not have.
    let mut command = Command::new(&setup[0]);
    command.args(&setup[1..]).args(["orewatch", "setup"]);
    run(command);

    let servers: Vec<Server> = SERVICES
        .iter()
        .map(|(service, _)| {
            let wrapper = wrapper(service);
            let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
            let args = words(&manifests.workload(service).container()["args"]);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            Server::start_under(&wrapper, &args)
        })
        .collect();

    let table = stage.path().join("survey.csv");
    fs::write(&table, TABLE).expect("a file");
    let token = stage.path().join("token");
    fs::write(&token, TOKEN).expect("a file");
    let client = |args: &[&str]| {
        let mut command = Command::new(orewatch());
        command.args(args).arg("--token-file").arg(&token);
        for ((service, _), server) in SERVICES.iter().zip(&servers) {
            command.arg(format!("--{service}")).arg(format!("http://{}", server.address()));
        }
        text(&run(command).stdout)
    };
    // It waits until figures and alerts are there.
    client(&["ingest", table.to_str().expect("a UTF-8 path")]);
    let releases = client(&["releases", "--format", "json"]);
    assert!(releases.contains("survey"), "{releases}");

    for server in servers {
        let said = server.process_output();
        for trouble in ["Read-only file system", "Permission denied", "not permitted"] {
            assert!(!said.contains(trouble), "{said}");
        }
        assert!(server.stop().success(), "{said}");
    }
}

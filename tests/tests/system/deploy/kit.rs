//! Renders manifests, and reads what is rendered.
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use orewatch_tests::tools::{output, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

/// The services, with the gRPC service whose health says that they are ready.
pub(super) const SERVICES: [(&str, &str); 3] = [
    ("alerting", "orewatch.alerting.v1.AlertingService"),
    ("exposure", "orewatch.exposure.v1.ExposureService"),
    ("ingestion", "orewatch.ingestion.v1.IngestionService"),
];

/// Components in two lists, which together have all of them: of those that exclude each other, each list has
/// one. `restore` is the last of its list, as it must be.
const FIRST: [&str; 10] = [
    "backup",
    "cert-manager",
    "grpc-route",
    "hpa",
    "nack",
    "polling",
    "prometheus",
    "receivers",
    "share",
    "tenant-keys",
];
const SECOND: [&str; 5] = ["keda", "polling", "single-zone", "without-tls", "restore"];

/// Rendered objects.
#[derive(Debug)]
pub(super) struct Manifests {
    /// As kubectl prints them.
    pub(super) yaml: String,
    /// The objects, in the order of the text.
    pub(super) objects: Vec<Value>,
}

impl Manifests {
    /// Renders a folder of the repository.
    #[track_caller]
    pub(super) fn of_folder(folder: &str) -> Self {
        Self::render(&root().join(folder))
    }

    /// Renders an overlay with components, as a kustomization of an operator does.
    #[track_caller]
    pub(super) fn with(overlay: &str, components: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let deploy = relative(folder.path(), &root().join("deploy"));
        let mut lines = format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: orewatch\n\
             resources:\n  - {deploy}/overlays/{overlay}\n"
        );
        for (at, component) in components.iter().enumerate() {
            let head = if at == 0 { "components:\n" } else { "" };
            lines += &format!("{head}  - {deploy}/components/{component}\n");
        }
        fs::write(folder.path().join("kustomization.yaml"), lines).expect("a temporary file");
        Self::render(folder.path())
    }

    #[track_caller]
    fn render(folder: &Path) -> Self {
        let run = output(Command::new(tool("kubectl")).arg("kustomize").arg(folder));
        assert!(run.status.success(), "{}: {}", folder.display(), text(&run.stderr));
        Self::parse(text(&run.stdout))
    }

    /// Reads rendered objects.
    pub(super) fn parse(yaml: String) -> Self {
        let objects = serde_saphyr::from_multiple(&yaml).expect("the manifests are YAML");
        Self { yaml, objects }
    }

    /// The objects of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// An object.
    #[track_caller]
    pub(super) fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self.of_kind(kind).into_iter().find(|object| object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// Data of a ConfigMap, by its name without the hash of its content.
    #[track_caller]
    pub(super) fn config(&self, name: &str) -> &Value {
        let found = self.of_kind("ConfigMap").into_iter();
        let mut found = found.filter(|map| without_hash(word(&map["metadata"]["name"])) == name);
        &found.next().unwrap_or_else(|| panic!("no ConfigMap {name}"))["data"]
    }

    /// The objects that run pods.
    pub(super) fn workloads(&self) -> Vec<Workload<'_>> {
        self.objects.iter().filter_map(Workload::of).collect()
    }

    /// A workload by its name.
    #[track_caller]
    pub(super) fn workload(&self, name: &str) -> Workload<'_> {
        let found = self.workloads().into_iter().find(|workload| workload.name() == name);
        found.unwrap_or_else(|| panic!("nothing called {name} runs pods"))
    }
}

/// An object that runs pods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload<'a> {
    /// The object.
    pub(super) object: &'a Value,
    /// Template of its pods: `metadata` and `spec`.
    pub(super) template: &'a Value,
}

impl<'a> Workload<'a> {
    fn of(object: &'a Value) -> Option<Self> {
        let templates = ["/spec/template", "/spec/jobTemplate/spec/template"];
        let template = templates.iter().find_map(|pointer| object.pointer(pointer))?;
        Some(Self { object, template })
    }

    /// Its name.
    pub(super) fn name(self) -> &'a str {
        word(&self.object["metadata"]["name"])
    }

    /// The specification of its pods.
    pub(super) fn pod(self) -> &'a Value {
        &self.template["spec"]
    }

    /// Its containers.
    pub(super) fn containers(self) -> &'a [Value] {
        list(&self.pod()["containers"])
    }

    /// The container that does the work, without helpers beside it.
    pub(super) fn container(self) -> &'a Value {
        let main = if self.name() == "nats" { "nats" } else { "orewatch" };
        let found = self.containers().iter().find(|container| container["name"] == main);
        found.unwrap_or_else(|| panic!("{} has no container {main}", self.name()))
    }

    /// Number of its pods. `None`: another object decides, or it is a job.
    pub(super) fn replicas(self) -> Option<u64> {
        self.object["spec"]["replicas"].as_u64()
    }

    /// Whether its pods end by themselves.
    pub(super) fn ends(self) -> bool {
        self.object["kind"] != "StatefulSet"
    }

    /// Whether it is one of the services.
    pub(super) fn is_service(self) -> bool {
        SERVICES.iter().any(|(name, _)| *name == self.name())
    }
}

/// Where the value of a variable of the environment comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is written down.
    Text(String),
    /// A key of a Secret, and whether the key may be missing.
    Secret { name: String, key: String, may_miss: bool },
    /// A field of the pod.
    Field(String),
}

/// Variables of the environment of a container: those of ConfigMaps first, as Kubernetes sets them.
pub(super) fn environment(manifests: &Manifests, container: &Value) -> Vec<(String, Origin)> {
    let mut all = Vec::new();
    for source in list(&container["envFrom"]) {
        let name = word(&source["configMapRef"]["name"]);
        assert!(!name.is_empty(), "only ConfigMaps are taken as a whole: {source}");
        let data = manifests.object("ConfigMap", name)["data"].as_object().expect("data").iter();
        all.extend(data.map(|(key, value)| (key.clone(), Origin::Text(word(value).to_owned()))));
    }
    for variable in list(&container["env"]) {
        let name = word(&variable["name"]).to_owned();
        all.retain(|(other, _)| *other != name);
        all.push((name, origin(variable)));
    }
    all
}

fn origin(variable: &Value) -> Origin {
    let from = &variable["valueFrom"];
    let secret = &from["secretKeyRef"];
    match (variable["value"].as_str(), secret["name"].as_str()) {
        (Some(text), _) => Origin::Text(text.to_owned()),
        (None, Some(name)) => Origin::Secret {
            name: name.to_owned(),
            key: word(&secret["key"]).to_owned(),
            may_miss: secret["optional"] == true,
        },
        (None, None) => Origin::Field(word(&from["fieldRef"]["fieldPath"]).to_owned()),
    }
}

/// The value of a variable that is written down.
pub(super) fn setting(environment: &[(String, Origin)], name: &str) -> Option<String> {
    let found = environment.iter().find(|(other, _)| other == name)?;
    match &found.1 {
        Origin::Text(text) => Some(text.clone()),
        Origin::Secret { .. } | Origin::Field(_) => None,
    }
}

/// All overlays, alone and with all components, with a name for messages. Rendered once.
pub(super) fn renderings() -> &'static [(String, Manifests)] {
    static ALL: OnceLock<Vec<(String, Manifests)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let with_bucket: Vec<&str> = FIRST.into_iter().chain(["s3"]).collect();
        let sets: [(&str, &[&str]); 6] = [
            ("development", &[]),
            ("development", with_bucket.as_slice()),
            ("development", &["keda", "backup"]),
            ("production", &[]),
            ("production", &FIRST),
            ("production", &SECOND),
        ];
        let render = |(overlay, components): &(&str, &[&str])| {
            (format!("{overlay} with {components:?}"), Manifests::with(overlay, components))
        };
        sets.iter().map(render).collect()
    })
}

/// The path from one folder to another. Kustomize takes no absolute paths.
fn relative(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| fs::canonicalize(path).expect("the folder is there");
    let up = "../".repeat(whole(from).components().count() - 1);
    let to = whole(to);
    format!("{up}{}", to.to_str().expect("a UTF-8 path").trim_start_matches('/'))
}

/// Name of a generated ConfigMap without the hash of its content.
pub(super) fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((front, hash)) if hash.len() == 10 => front,
        _ => name,
    }
}

/// A text; empty if the value is none.
pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A list; empty if the value is none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a list.
pub(super) fn words(value: &Value) -> Vec<String> {
    list(value).iter().map(|value| word(value).to_owned()).collect()
}

/// Number of bytes of a quantity of Kubernetes (`20Gi`), Go (`900MiB`), NATS (`18GB`) or ours (`5GiB`).
#[track_caller]
pub(super) fn bytes(quantity: &str) -> u64 {
    let digits: String = quantity.chars().take_while(char::is_ascii_digit).collect();
    let unit = match &quantity[digits.len()..] {
        "" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "Ki" | "KiB" => 1 << 10,
        "Mi" | "MiB" => 1 << 20,
        "Gi" | "GiB" => 1 << 30,
        other => panic!("{quantity} has the unknown unit {other:?}"),
    };
    digits.parse::<u64>().expect("a number") * unit
}

//! Every object conforms to the schema of its kind: those of Kubernetes in the lowest and the latest version,
//! and small strict ones of our own for resources of others.
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use orewatch_tests::tools::{output, read, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

use super::kit::{Manifests, list, renderings, word};

/// The lowest version of Kubernetes, which `docs/cluster.md` names, and the latest.
const VERSIONS: [&str; 2] = ["1.33.0", "1.37.0"];

/// Schemas of kinds that Kubernetes does not bring. Each file is called after its kind, and allows only the
/// fields that the manifests use.
fn foreign_schemas() -> BTreeMap<String, Value> {
    let folder = fs::read_dir(root().join("tests/tests/system/deploy/schemas")).expect("a folder");
    let schemas = folder.map(|entry| {
        let path = entry.expect("the folder can be listed").path();
        let kind = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let schema = fs::read_to_string(&path).expect("a schema");
        (kind, serde_json::from_str(&schema).expect("a schema is JSON"))
    });
    schemas.collect()
}

/// Validates objects. The errors name what does not conform.
fn problems(objects: &[Value]) -> Vec<String> {
    let schemas = foreign_schemas();
    let kind = |object: &Value| word(&object["kind"]).to_owned();
    let (foreign, own): (Vec<&Value>, Vec<&Value>) =
        objects.iter().partition(|object| schemas.contains_key(&kind(object)));
    let mut found = Vec::new();
    for object in foreign {
        let schema = jsonschema::draft202012::new(&schemas[&kind(object)]).expect("a schema");
        let name = format!("{} {}", kind(object), object["metadata"]["name"]);
        found.extend(schema.iter_errors(object).map(|error| {
            let place = error.instance_path().to_string();
            format!("{name}{place}: {error}")
        }));
    }
    found.extend(VERSIONS.into_iter().filter_map(|version| validate(version, &own).err()));
    found
}

/// Validates objects against the schemas of a version of Kubernetes.
fn validate(version: &str, objects: &[&Value]) -> Result<(), String> {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("manifests.yaml");
    let documents: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    fs::write(&file, documents).expect("a temporary file");
    let mut command = Command::new(tool("kubernetes-validate"));
    let run = output(command.args(["--strict", "--kubernetes-version", version]).arg(&file));
    let message = text(&run.stdout) + &text(&run.stderr);
    // The validator only warns about an unknown kind: therefore the documents that passed are counted.
    let passed = message.lines().filter(|line| line.contains(" passed for resource ")).count();
    if run.status.success() && passed == objects.len() { Ok(()) } else { Err(message) }
}

#[test]
fn every_rendering_conforms_to_the_schemas() {
    let folders = ["deploy/namespace", "deploy/example"].map(|folder| (folder, Manifests::of_folder(folder)));
    let folders = folders.iter().map(|(name, manifests)| (*name, manifests));
    let renderings = renderings().iter().map(|(name, manifests)| (name.as_str(), manifests));
    for (name, manifests) in folders.chain(renderings) {
        assert_eq!(problems(&manifests.objects), [""; 0], "{name}");
    }
}

#[test]
fn what_does_not_conform_is_found() {
    let (_, all) = &renderings()[4];
    for (kind, from, to) in [
        ("StatefulSet", "replicas: 2", "replcas: 2"),
        ("StatefulSet", "replicas: 2", "replicas: two"),
        ("StatefulSet", "kind: StatefulSet", "kind: StatfulSet"),
        ("StatefulSet", "apiVersion: apps/v1", "apiVersion: apps/v9"),
        ("StatefulSet", "readOnlyRootFilesystem", "readOnlyRootFileSystem"),
        ("Job", "backoffLimit: 10", "backoffLimit: ten"),
        ("PodDisruptionBudget", "maxUnavailable", "maxUnavailabel"),
        ("Certificate", "secretName", "secret"),
        ("GRPCRoute", "service: orewatch", "svc: orewatch"),
        ("PodMonitor", "path: /metrics", "path: 1"),
        ("Stream", "replicas: 3", "replicas: three"),
    ] {
        let mark = format!("\nkind: {kind}\n");
        let document = all.yaml.split("\n---\n").find(|text| text.contains(&mark) && text.contains(from));
        let document = document.unwrap_or_else(|| panic!("no {kind} says {from} any more"));
        let broken = Manifests::parse(document.replacen(from, to, 1));
        assert_ne!(problems(&broken.objects), [""; 0], "{to:?} passed");
    }
}

#[test]
fn every_schema_of_our_own_is_strict_and_used() {
    let used: Vec<&str> = renderings()
        .iter()
        .flat_map(|(_, manifests)| manifests.objects.iter().map(|object| word(&object["kind"])))
        .collect();
    for (kind, schema) in foreign_schemas() {
        let mut lax = Vec::new();
        collect_lax(&schema, &kind, &mut lax);
        assert_eq!(lax, [""; 0], "{kind}");
        assert!(used.contains(&kind.as_str()), "no {kind} is rendered");
    }
}

/// Places of a schema with an object that may have any field.
fn collect_lax(schema: &Value, place: &str, found: &mut Vec<String>) {
    if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        found.push(place.to_owned());
    }
    for (name, part) in schema.as_object().into_iter().flatten() {
        collect_lax(part, &format!("{place}/{name}"), found);
    }
    for part in list(schema) {
        collect_lax(part, place, found);
    }
}

#[test]
fn every_file_of_the_manifests_is_used() {
    let mut unused = Vec::new();
    let mut folders = vec![root().join("deploy")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let (inner, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        folders.extend(inner);
        let Ok(kustomization) = fs::read_to_string(folder.join("kustomization.yaml")) else { continue };
        for file in files {
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let manifest = [".yaml", ".conf", ".toml"].iter().any(|end| name.ends_with(end));
            if manifest && name != "kustomization.yaml" && !kustomization.contains(&name) {
                unused.push(file.display().to_string());
            }
        }
    }
    assert_eq!(unused, [""; 0]);
}

#[test]
fn the_documentation_names_the_lowest_version() {
    let (lowest, _) = VERSIONS[0].rsplit_once('.').expect("a version");
    assert!(read("docs/cluster.md").contains(&format!("Kubernetes {lowest}")));
}

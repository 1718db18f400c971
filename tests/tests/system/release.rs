//! Packages of a release, with a script in place of the binary: the same input gives the same bytes, every
//! package can be installed without cargo, and the image is the one of the Containerfile.
//!
//! `just check-all` makes all of it with the real binary (`scripts/release --try`).
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use orewatch_tests::tools::{output, read, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

const VERSION: &str = "7.8.9";

/// Packs a script that says its version. Returns the checksums.
fn pack(folder: &TempDir, to: &str) -> String {
    let path = |name: &str| folder.path().join(name);
    let program = format!("#!/bin/sh\necho 'orewatch {VERSION} (abc)'\n");
    fs::write(path("orewatch"), program).expect("a script");
    fs::set_permissions(path("orewatch"), fs::Permissions::from_mode(0o755)).expect("it can be run");
    fs::write(path("authorities.crt"), "no certificates").expect("a file");
    let metadata = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--offline", "--format-version", "1"])
            .current_dir(root()),
    );
    fs::write(path("metadata.json"), metadata.stdout).expect("a file");
    let mut package = Command::new(tool("python"));
    package.arg(root().join("scripts/package"));
    for (option, value) in [
        ("binary", "orewatch"),
        ("authorities", "authorities.crt"),
        ("metadata", "metadata.json"),
        ("to", to),
    ] {
        package.arg(format!("--{option}")).arg(path(value));
    }
    package.args(["--version", VERSION, "--commit", "abc", "--epoch", "1796000000"]);
    let packed = output(&mut package);
    assert!(packed.status.success(), "{}", text(&packed.stderr));
    text(&packed.stdout)
}

/// The only file of a folder whose name ends like this.
fn only(folder: &Path, end: &str) -> Vec<u8> {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let found: Vec<_> = names.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    fs::read(&found[0]).expect("a file")
}

#[test]
fn packing_twice_gives_the_same_bytes_and_every_package_can_be_installed() {
    let folder = TempDir::new().expect("a folder");
    let first = pack(&folder, "first");
    assert_eq!(first, pack(&folder, "second"));
    assert_eq!(first.lines().count(), 5, "{first}");
    let mut check = Command::new(tool("python"));
    check.arg(root().join("scripts/check-packages")).arg(folder.path().join("first"));
    let checked = output(check.arg(format!("orewatch {VERSION} (abc)")));
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stdout).matches("installed and run").count(), 4, "{}", text(&checked.stdout));
    // Another version than the one that was asked for is noticed.
    let mut check = Command::new(tool("python"));
    check.arg(root().join("scripts/check-packages")).arg(folder.path().join("first"));
    assert!(!output(check.arg("orewatch 0.0.0")).status.success());
}

#[test]
fn the_bill_of_materials_has_what_ships_and_nothing_else() {
    let folder = TempDir::new().expect("a folder");
    pack(&folder, "packages");
    let bill: Value =
        serde_json::from_slice(&only(&folder.path().join("packages"), ".cdx.json")).expect("JSON");
    let components = bill["components"].as_array().expect("components");
    let has = |name: &str| components.iter().any(|one| one["name"] == name);
    for name in ["tokio", "ring", "libsqlite3-sys", "orewatch-eventlog"] {
        assert!(has(name), "{name} ships");
    }
    for name in ["proptest", "rcgen", "orewatch-testkit", "orewatch-tests", "tonic-prost-build"] {
        assert!(!has(name), "{name} does not ship");
    }
    for one in
        components.iter().filter(|one| !one["name"].as_str().unwrap_or_default().starts_with("orewatch"))
    {
        assert!(one["hashes"][0]["content"].is_string() && one["licenses"].is_array(), "{one}");
    }
}

#[test]
fn the_image_is_that_of_the_containerfile() {
    let folder = TempDir::new().expect("a folder");
    pack(&folder, "packages");
    let unpacked = folder.path().join("image");
    fs::create_dir(&unpacked).expect("a folder");
    fs::write(folder.path().join("image.tar"), only(&folder.path().join("packages"), "-image.tar"))
        .expect("a file");
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(folder.path().join("image.tar")).arg("-C").arg(&unpacked);
    assert!(output(&mut tar).status.success());
    let blob = |said: &Value| -> Value {
        let digest = said["digest"].as_str().expect("a digest").replace(':', "/");
        serde_json::from_slice(&fs::read(unpacked.join("blobs").join(digest)).expect("a blob")).expect("JSON")
    };
    let index: Value =
        serde_json::from_slice(&fs::read(unpacked.join("index.json")).expect("an index")).expect("JSON");
    let manifest = blob(&index["manifests"][0]);
    let config = &blob(&manifest["config"])["config"];
    let image = read("deploy/Containerfile");
    let line = |start: &str| {
        image.lines().filter_map(|line| line.strip_prefix(start)).next_back().unwrap_or_default()
    };
    assert_eq!(config["User"], line("USER "));
    assert_eq!(config["Entrypoint"].to_string(), line("ENTRYPOINT "));
    assert_eq!(config["Env"][1], line("ENV "));
    assert!(config["ExposedPorts"][format!("{}/tcp", line("EXPOSE "))].is_object());
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], VERSION);
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1), "no base");
}

#[test]
fn a_release_is_refused_before_anything_is_changed() {
    let try_release = |args: &[&str]| {
        let refused = output(Command::new(root().join("scripts/release")).args(args).current_dir(root()));
        assert!(!refused.status.success());
        text(&refused.stderr)
    };
    assert!(try_release(&[]).contains("name the version"));
    assert!(try_release(&["1.0.0-rc.1"]).contains("MAJOR.MINOR.PATCH"));
    assert!(try_release(&["99.0.0"]).contains("Cargo.toml has version"));
}

//! The image: it is built with the pinned toolchain from all that the build reads, and is what pods expect.
use std::process::Command;

use orewatch_tests::process::RELEASE_MEMORY_AT_ONCE;
use orewatch_tests::tools::{output, read, root, text};
use tempfile::TempDir;

use super::kit::{SERVICES, renderings};

/// The value of the last line of the Containerfile that begins with some words.
fn line(start: &str) -> Option<String> {
    let image = read("deploy/Containerfile");
    image.lines().filter_map(|line| line.strip_prefix(start)).next_back().map(str::to_owned)
}

#[test]
fn the_image_uses_the_pinned_toolchain() {
    let toolchain = read("rust-toolchain.toml");
    let rust = line("ARG RUST=").expect("the image names its toolchain");
    assert!(
        toolchain.contains(&format!("channel = \"{rust}\"")),
        "the image builds with {rust}: {toolchain}"
    );
    assert_eq!(line("FROM ").as_deref(), Some("scratch"), "the image has only the binary: no shell");
    assert_eq!(line("ENTRYPOINT ").as_deref(), Some("[\"/orewatch\"]"));
    // The whole-system tests, which measure memory, run the binary with the same setting.
    let (name, value) = RELEASE_MEMORY_AT_ONCE;
    assert_eq!(line("ENV ").as_deref(), Some(&*format!("{name}={value}")));
}

#[test]
fn the_image_matches_the_pods() {
    let version = env!("CARGO_PKG_VERSION");
    for (name, manifests) in renderings() {
        for workload in manifests.workloads().into_iter().filter(|workload| workload.name() != "nats") {
            let (pod, container) = (workload.pod(), workload.container());
            let [user, group] = ["runAsUser", "runAsGroup"].map(|id| &pod["securityContext"][id]);
            assert_eq!(line("USER "), Some(format!("{user}:{group}")), "{name}: {}", workload.name());
            assert_eq!(container.get("command"), None, "the image's entry point is what runs");
            assert_eq!(container["image"], format!("orewatch:{version}"), "{name}: {}", workload.name());
        }
        for (service, _) in SERVICES {
            let ports = &manifests.workload(service).container()["ports"];
            assert_eq!(line("EXPOSE "), Some(ports[0]["containerPort"].to_string()), "{name}: {service}");
        }
    }
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

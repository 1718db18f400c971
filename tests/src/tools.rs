//! Finds what the tests run: the binary under test, and the tools that `scripts/prepare` installs.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

use orewatch_catalog::reference::{self, TableSet};

/// Root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the repository")
}

/// Reads a file of the repository.
#[track_caller]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Finds a tool of `scripts/requirements.txt`.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let prepared = root().join(".tools/bin").join(name);
    let search = env::var_os("PATH").unwrap_or_default();
    [prepared]
        .into_iter()
        .chain(env::split_paths(&search).map(|folder| folder.join(name)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is neither in .tools/bin nor in PATH: run scripts/prepare"))
}

/// The binary under test, built once with the profile of the tests themselves.
pub fn orewatch() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // target/PROFILE/deps/system-HASH
        let own = env::current_exe().expect("the path of the test binary");
        let folder = own.parent().and_then(Path::parent).expect("tests are built into target/PROFILE/deps");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--workspace", "--bin", "orewatch"]);
        // The folder of the profile `dev` is called `debug`.
        let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile's name");
        if profile != "debug" {
            build.args(["--profile", profile]);
        }
        let target = folder.parent().expect("a profile is a folder of the target folder");
        let built = output(build.arg("--target-dir").arg(target).current_dir(root()));
        assert!(built.status.success(), "orewatch does not build:\n{}", text(&built.stderr));
        folder.join("orewatch")
    })
}

/// Paths of the reference tables of the demo, in the order in which they are ingested. All of them would
/// take minutes, and show nothing more.
#[must_use]
pub fn reference_tables() -> Vec<String> {
    let path = |name| root().join("crates/catalog/reference").join(name).to_str().map(str::to_owned);
    let tables = reference::tables().iter().filter(|table| table.set == TableSet::Demo);
    tables.map(|table| path(table.name).expect("a UTF-8 path")).collect()
}

/// Runs a command to its end.
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

/// Output of a process as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! Runs the binary under test.
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A command that inherits no configuration.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orewatch"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OREWATCH_") {
            command.env_remove(name);
        }
    }
    command.args(args).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env_remove("COLUMNS").stdin(Stdio::null());
    // Every `up` would want the same port for its console.
    command.env("OREWATCH_CONSOLE", "off");
    command
}

/// Runs a command and returns its output.
pub(crate) fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Runs a command that must succeed, and returns its standard output.
#[track_caller]
pub(crate) fn ok(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must print one JSON document, and returns it.
#[track_caller]
pub(crate) fn json(args: &[&str]) -> Value {
    let text = ok(&[args, &["--format", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}"))
}

/// The standard error of a command.
pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `orewatch up`, killed when dropped.
pub(crate) struct Up {
    child: Child,
    pub(crate) address: String,
}

impl Up {
    pub(crate) fn start(data: &str) -> Self {
        Self::start_with(data, &[])
    }

    /// With more arguments.
    pub(crate) fn start_with(data: &str, more: &[&str]) -> Self {
        let mut child = command(&[&["up", "--data", data, "--listen", "127.0.0.1:0"], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_default().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line:?}");
        Self { child, address }
    }

    /// Kills the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops the process in order. Returns its exit status and its standard error.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success());
        let deadline = Instant::now() + Duration::from_secs(25);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the process does not stop");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status, stderr)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Both fail only if the process has ended.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

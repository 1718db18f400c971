//! The binary under test as a process: starts it, collects its output, and stops or kills it.
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::{orewatch, output};

/// Maximum time until a process reports its address.
const MAX_START_TIME: Duration = Duration::from_secs(60);

/// Maximum time that a process may take to stop: its shutdown budget, and a margin for a busy machine.
pub const STOP: Duration = Duration::from_secs(25);

/// Maximum time to stop of a process that has nothing to finish: a second, and a margin for a busy machine.
const PROMPT_STOP: Duration = Duration::from_secs(3);

/// Environment variable and value that the image sets, so that free memory is returned to the system at once.
pub const RELEASE_MEMORY_AT_ONCE: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

/// Environment variable and value without which every `orewatch up` would want the same port for its console.
const WITHOUT_CONSOLE: (&str, &str) = ("OREWATCH_CONSOLE", "off");

/// A running `orewatch up`, `serve` or `console`. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    output: Arc<Mutex<String>>,
    /// Working directory, for files that have no other place.
    _dir: TempDir,
}

impl Server {
    /// Starts the binary on a free port, and waits until it reports its address.
    ///
    /// # Panics
    /// If it does not report an address in time. The message has its output.
    #[track_caller]
    #[must_use]
    pub fn start(args: &[&str]) -> Self {
        Self::start_under(&[], args)
    }

    /// Starts the binary as [`start`](Self::start) does, with the command `wrapper` in front of it.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[track_caller]
    #[must_use]
    pub fn start_under(wrapper: &[&str], args: &[&str]) -> Self {
        Self::try_start_under(wrapper, args)
            .unwrap_or_else(|output| panic!("orewatch {args:?} does not listen:\n{output}"))
    }

    /// Starts as [`start`](Self::start) does.
    ///
    /// # Errors
    /// The output of the process, if it ended or did not report an address in time.
    pub fn try_start(args: &[&str]) -> Result<Self, String> {
        Self::try_start_under(&[], args)
    }

    fn try_start_under(wrapper: &[&str], args: &[&str]) -> Result<Self, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = match wrapper.split_first() {
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(orewatch());
                command
            }
            None => Command::new(orewatch()),
        };
        command
            .args(args)
            .args(["--listen", "127.0.0.1:0"])
            .env(RELEASE_MEMORY_AT_ONCE.0, RELEASE_MEMORY_AT_ONCE.1)
            .env(WITHOUT_CONSOLE.0, WITHOUT_CONSOLE.1);
        let mut child = command
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let output = Arc::new(Mutex::new(String::new()));
        collect_lines(child.stdout.take(), &output);
        collect_lines(child.stderr.take(), &output);
        let mut server = Self { child, address: String::new(), output, _dir: dir };
        let deadline = Instant::now() + MAX_START_TIME;
        while Instant::now() < deadline {
            if let Some(address) = bound_address(&server.process_output()) {
                server.address = address;
                return Ok(server);
            }
            if server.child.try_wait().expect("the process can be asked").is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(server.process_output())
    }

    /// Its address, `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Address of the console that `orewatch up` runs with the flag `--console`, `HOST:PORT`.
    ///
    /// # Panics
    /// If it does not report one in time. The message has its output.
    #[track_caller]
    #[must_use]
    pub fn console(&self) -> String {
        let deadline = Instant::now() + MAX_START_TIME;
        while Instant::now() < deadline {
            if let Some(address) = address_in(&self.process_output(), "Console: ") {
                return address;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("there is no console:\n{}", self.process_output());
    }

    /// Its process ID.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its memory in KiB: current and maximum.
    ///
    /// # Panics
    /// If it has ended.
    #[track_caller]
    #[must_use]
    pub fn memory(&self) -> [u64; 2] {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process())).expect("it runs");
        ["VmRSS:", "VmHWM:"].map(|name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line is there");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        })
    }

    /// Its output so far, of both streams.
    #[must_use]
    pub fn process_output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends SIGTERM, and waits until it ends.
    ///
    /// # Panics
    /// If it takes longer than [`STOP`].
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait(STOP)
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let sent = output(Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()));
        assert!(sent.status.success(), "the process is gone:\n{}", self.process_output());
    }

    /// Kills it (SIGKILL).
    pub fn kill(mut self) {
        // The process may have ended already.
        let _sent = self.child.kill();
        self.child.wait().expect("a killed process ends");
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// If it takes longer than `limit`.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the process did not end within {limit:?}:\n{}", self.process_output());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _sent = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Runs a service whose log is not there until it says so, then sends SIGTERM, which it must hear at once.
/// Returns its output.
///
/// # Panics
/// If it ends before, or not within a second after the signal.
#[track_caller]
pub fn run_without_log(command: &mut Command) -> String {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the binary starts");
    let output = Arc::new(Mutex::new(String::new()));
    collect_lines(child.stdout.take(), &output);
    collect_lines(child.stderr.take(), &output);
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = Server { child, address: String::new(), output, _dir: dir };
    let deadline = Instant::now() + MAX_START_TIME;
    while !server.process_output().contains("the logs cannot be opened") {
        let ended = server.child.try_wait().expect("the process can be asked");
        assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}:\n{}", server.process_output());
        thread::sleep(Duration::from_millis(5));
    }
    server.signal("TERM");
    let status = server.wait(PROMPT_STOP);
    assert!(status.success(), "{status}:\n{}", server.process_output());
    server.process_output()
}

fn collect_lines(stream: Option<impl Read + Send + 'static>, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    let stream = stream.expect("the stream is piped");
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push_str(&line);
            output.push('\n');
        }
    });
}

/// Finds the address in the output of a process.
fn bound_address(output: &str) -> Option<String> {
    address_in(output, "listening on ")
}

/// Finds the address in the first line that has these words before it.
fn address_in(output: &str, words: &str) -> Option<String> {
    let line = output.lines().find(|line| line.contains(words))?;
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("127.0.0.1:{port}"))
}

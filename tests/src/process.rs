//! The binary under test as a process: started, listened to, stopped, killed.
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::{orewatch, output};

/// How long a process may take to say where it listens.
const START: Duration = Duration::from_secs(60);

/// The shutdown budget of a process, with some room for a busy machine.
pub const STOP: Duration = Duration::from_secs(25);

/// What the image sets, so that memory that is free goes back at once.
pub const GIVES_BACK: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

/// A running `orewatch up` or `orewatch serve`. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    said: Arc<Mutex<String>>,
    /// Where it works, and leaves what it is not told a place for.
    _dir: TempDir,
}

impl Server {
    /// Starts the binary on a port that the system chooses, and waits until it says which.
    ///
    /// # Panics
    /// If it does not say so in time; the message holds what it said instead.
    #[track_caller]
    #[must_use]
    pub fn start(args: &[&str]) -> Self {
        Self::start_under(&[], args)
    }

    /// Starts the binary as [`start`](Self::start) does, by a command that is given it and its arguments.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[track_caller]
    #[must_use]
    pub fn start_under(by: &[&str], args: &[&str]) -> Self {
        Self::try_start_under(by, args)
            .unwrap_or_else(|said| panic!("orewatch {args:?} does not listen:\n{said}"))
    }

    /// Starts as [`start`](Self::start) does; the error is what a process said that ended or did not listen.
    ///
    /// # Errors
    /// What the process said.
    pub fn try_start(args: &[&str]) -> Result<Self, String> {
        Self::try_start_under(&[], args)
    }

    fn try_start_under(by: &[&str], args: &[&str]) -> Result<Self, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = match by.split_first() {
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(orewatch());
                command
            }
            None => Command::new(orewatch()),
        };
        command.args(args).args(["--listen", "127.0.0.1:0"]).env(GIVES_BACK.0, GIVES_BACK.1);
        let mut child = command
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = Arc::new(Mutex::new(String::new()));
        listen_to(child.stdout.take(), &said);
        listen_to(child.stderr.take(), &said);
        let mut server = Self { child, address: String::new(), said, _dir: dir };
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(address) = bound_address(&server.said()) {
                server.address = address;
                return Ok(server);
            }
            if server.child.try_wait().expect("the process can be asked").is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(server.said())
    }

    /// Where it listens, `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its number.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Panics
    /// If it takes longer than [`STOP`].
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait(STOP)
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = output(Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()));
        assert!(sent.status.success(), "the process is gone:\n{}", self.said());
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(mut self) {
        // It may have ended already: then there is nothing to kill.
        let _sent = self.child.kill();
        self.child.wait().expect("a killed process ends");
    }

    /// Waits for its end.
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
        panic!("the process did not end within {limit:?}:\n{}", self.said());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a process that has been waited for.
        let _sent = self.child.kill();
        let _status = self.child.wait();
    }
}

fn listen_to(stream: Option<impl Read + Send + 'static>, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    let stream = stream.expect("the stream is piped");
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    });
}

/// The address in the line that says where the process listens.
fn bound_address(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.contains("listening"))?;
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("127.0.0.1:{port}"))
}

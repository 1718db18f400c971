//! A real NATS server.
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::SmallDisk;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// A NATS server with JetStream on 127.0.0.1, its data in a directory of its own that goes with it.
///
/// It flushes every message before it acknowledges it (`sync_interval: always`), as a deployment of Orewatch
/// does. The binary is `nats-server` on the path, or what the environment variable `NATS_SERVER` names.
#[derive(Debug)]
pub struct NatsServer {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
    /// What the configuration says besides.
    more: String,
    /// Where its data are.
    store: PathBuf,
    /// What goes in front of its command.
    wrapper: Vec<String>,
}

impl NatsServer {
    /// Starts a server on a free port and waits until it takes connections.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server whose configuration says more, such as users and what they may do.
    #[must_use]
    pub fn start_with(more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let store = dir.path().join("data");
        Self::start_in(dir, store, Vec::new(), more)
    }

    /// Starts a server whose data are on a disk that can be filled, and whose configuration says more.
    #[must_use]
    pub fn start_on(disk: &SmallDisk, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        Self::start_in(dir, disk.path().join("data"), disk.enter(), more)
    }

    fn start_in(dir: TempDir, store: PathBuf, wrapper: Vec<String>, more: &str) -> Self {
        let mut server = Self { dir, port: 0, child: None, more: more.to_owned(), store, wrapper };
        server.spawn();
        server.port = server.announced_port("nats");
        server
    }

    /// Port on which it takes clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Port on which it takes other servers, if its configuration names a cluster. It may change with a
    /// restart.
    pub fn cluster_port(&mut self) -> u16 {
        self.announced_port("cluster")
    }

    /// Where clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills the server (SIGKILL): it has no chance to finish anything.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server can be killed");
            child.wait().expect("the server has ended");
        }
    }

    /// Size of everything that the server has stored, in bytes.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        size(&self.store)
    }

    /// Stops the server in its tracks (SIGSTOP): it takes what clients send, and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets a paused server go on: it works off what was sent to it meanwhile.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Starts a killed server again, on the same port and the same data, and waits until it takes
    /// connections.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn();
        let port = self.port;
        self.eventually(|_, _| TcpStream::connect(("127.0.0.1", port)).ok());
    }

    /// Keeps a copy of everything that is stored now. The server is restarted for it.
    pub fn keep_copy(&mut self) {
        self.kill();
        copy(&self.store, &self.dir.path().join("copy"));
        self.restart();
    }

    /// Starts the server on the copy that was kept, as after an older backup was restored.
    pub fn restore_copy(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.store).expect("the data can be removed");
        copy(&self.dir.path().join("copy"), &self.store);
        self.restart();
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("the server runs");
        let sent = Command::new("kill").arg(name).arg(child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server takes {name}");
    }

    fn spawn(&mut self) {
        let dir = self.dir.path();
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let port = if self.port == 0 { -1 } else { i32::from(self.port) };
        let config = format!(
            "host: 127.0.0.1\nport: {port}\nports_file_dir: {}\n\
             jetstream {{ store_dir: {}, sync_interval: always }}\n{}\n",
            quoted(dir),
            quoted(&self.store),
            self.more,
        );
        fs::write(dir.join("nats.conf"), config).expect("the configuration can be written");
        let log =
            File::options().create(true).append(true).open(dir.join("log")).expect("the log can be opened");
        let binary = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let mut command = match self.wrapper.split_first() {
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(&binary);
                command
            }
            None => Command::new(&binary),
        };
        let spawned = command
            .arg("-c")
            .arg(dir.join("nats.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(spawned.unwrap_or_else(|error| {
            panic!(
                "{} does not start: {error}\nrun the tests by scripts/test, which prepares a NATS server, \
                 or name one in NATS_SERVER",
                binary.display()
            )
        }));
    }

    /// The port that the process announces for something. Files of earlier processes stay behind.
    fn announced_port(&mut self, what: &str) -> u16 {
        let url = self.eventually(|dir, process| {
            let own = format!("_{process}.ports");
            let name = fs::read_dir(dir)
                .ok()?
                .flatten()
                .find(|entry| entry.file_name().to_str().is_some_and(|name| name.ends_with(&own)))?;
            let ports: serde_json::Value = serde_json::from_slice(&fs::read(name.path()).ok()?).ok()?;
            Some(ports.get(what)?.get(0)?.as_str()?.to_owned())
        });
        url.rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("the server announces nats://HOST:PORT")
    }

    /// Waits until something can be had from its directory or its process, for as long as the server runs.
    fn eventually<T>(&mut self, mut attempt: impl FnMut(&Path, u32) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let process = self.child.as_ref().map_or(0, Child::id);
            if let Some(value) = attempt(self.dir.path(), process) {
                return value;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() && self.port != 0 && start.elapsed() < PATIENCE {
                // Its port was taken for a moment, perhaps by a client that tries to connect to it from it.
                self.spawn();
            } else if ended.is_some() || start.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                panic!("the NATS server is not ready ({ended:?}); its log:\n{log}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory can be made");
    for entry in fs::read_dir(from).expect("the directory can be read").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}

/// Size of the files under a directory; one that goes meanwhile counts nothing.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some(if metadata.is_dir() { size(&entry.path()) } else { metadata.len() })
    });
    sizes.sum()
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

//! A running system: all services in one process, or one process each on NATS.
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use orewatch_testkit::NatsServer;
use tempfile::TempDir;

use crate::api::Api;
use crate::process::Server;
use crate::tools::orewatch;

/// The services, in the order of the pipeline.
pub const SERVICES: [&str; 3] = ["ingestion", "exposure", "alerting"];

/// A running system whose processes can be killed.
pub trait System {
    /// Addresses of ingestion, exposure and alerting.
    fn addresses(&self) -> [&str; 3];

    /// Kills one of the processes, and starts it again on the same data. `choice` says which; any number is
    /// valid.
    fn kill_and_restart(&mut self, choice: usize);

    /// Output of the processes, for the message of a failed test.
    fn process_output(&self) -> String;

    /// Creates clients of the services.
    fn api(&self) -> Api {
        Api::at_each(self.addresses())
    }

    /// Creates a client command for this system.
    fn client(&self, args: &[&str]) -> Command {
        let mut command = Command::new(orewatch());
        command.args(args).stdin(Stdio::null());
        for (service, address) in SERVICES.iter().zip(self.addresses()) {
            command.arg(format!("--{service}")).arg(format!("http://{address}"));
        }
        command
    }
}

/// Creates a client command for a server with all services.
#[must_use]
pub fn client(server: &str, args: &[&str]) -> Command {
    let mut command = Command::new(orewatch());
    command.args(args).args(["--server", server]).stdin(Stdio::null());
    command
}

/// Starts a client command, and collects its output.
#[must_use]
pub fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

/// Runs a client command that must succeed.
///
/// # Panics
/// If it fails. The message has its output.
#[track_caller]
pub fn run(mut command: Command) -> Output {
    let output = crate::tools::output(&mut command);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        crate::tools::text(&output.stdout),
        crate::tools::text(&output.stderr)
    );
    output
}

/// `orewatch up`: all services in one process on the embedded log.
#[derive(Debug)]
pub struct Embedded {
    folder: TempDir,
    server: Option<Server>,
}

impl Embedded {
    /// Starts with an empty directory.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on(TempDir::new().expect("a temporary folder"))
    }

    /// Starts with a directory that contains logs.
    #[must_use]
    pub fn start_on(folder: TempDir) -> Self {
        let mut system = Self { folder, server: None };
        system.restart();
        system
    }

    /// The directory with the logs.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// ID of the process; 0 after [`stop`](Self::stop).
    #[must_use]
    pub fn process(&self) -> u32 {
        self.server.as_ref().map_or(0, Server::process)
    }

    /// Starts again after [`stop`](Self::stop).
    pub fn restart(&mut self) {
        let data = self.data().to_str().expect("a UTF-8 path").to_owned();
        self.server = Some(Server::start(&["up", "--data", &data]));
    }

    /// Stops the process cleanly.
    ///
    /// # Panics
    /// If it fails, or takes too long.
    #[track_caller]
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            let status = server.stop();
            assert!(status.success(), "{status}");
        }
    }
}

impl System for Embedded {
    fn addresses(&self) -> [&str; 3] {
        [self.server.as_ref().map_or("", Server::address); 3]
    }

    fn kill_and_restart(&mut self, _choice: usize) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
        self.restart();
    }

    fn process_output(&self) -> String {
        self.server.as_ref().map(Server::process_output).unwrap_or_default()
    }
}

/// Three `orewatch serve` processes on a real NATS server.
#[derive(Debug)]
pub struct Cluster {
    nats: NatsServer,
    servers: Vec<Server>,
}

impl Cluster {
    /// Starts with an empty NATS server.
    #[must_use]
    pub fn start() -> Self {
        let nats = NatsServer::start();
        let servers = SERVICES.iter().map(|service| serve(service, &nats)).collect();
        Self { nats, servers }
    }

    /// URL of the NATS server.
    #[must_use]
    pub fn nats(&self) -> String {
        self.nats.url()
    }

    /// Takes the NATS server and the processes of the services.
    #[must_use]
    pub fn into_servers(self) -> (NatsServer, Vec<Server>) {
        (self.nats, self.servers)
    }
}

fn serve(service: &str, nats: &NatsServer) -> Server {
    Server::start(&["serve", service, "--log", &nats.url()])
}

impl System for Cluster {
    fn addresses(&self) -> [&str; 3] {
        let mut addresses = self.servers.iter().map(Server::address);
        [(); 3].map(|()| addresses.next().unwrap_or_default())
    }

    /// Kills one of the services, or the NATS server: then the services must wait for it.
    fn kill_and_restart(&mut self, choice: usize) {
        let Some(service) = SERVICES.get(choice % (SERVICES.len() + 1)) else {
            self.nats.restart();
            return;
        };
        let at = choice % (SERVICES.len() + 1);
        self.servers.remove(at).kill();
        self.servers.insert(at, serve(service, &self.nats));
    }

    fn process_output(&self) -> String {
        self.servers.iter().map(Server::process_output).collect::<Vec<_>>().join("\n---\n")
    }
}

/// Writes a file into a folder and returns its path as text.
#[must_use]
pub fn file(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("a temporary file");
    path.to_str().expect("a UTF-8 path").to_owned()
}

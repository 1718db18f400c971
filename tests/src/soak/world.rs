//! The system under test: three NATS servers, two processes of each service, a receiver of messages, and a
//! proxy on every way between them.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, iter, thread};

use orewatch_testkit::{FaultProxy, NatsCluster, SERVERS, SmallDisk};
use tempfile::TempDir;

use super::receiver::Receiver;
use crate::api::Api;
use crate::process::Server;
use crate::system::SERVICES;
use crate::tools::{orewatch, output, text};

/// Processes of each service.
pub(super) const REPLICAS: usize = 2;

/// Size of the disk that can be filled, in KiB (3 GiB): more than a server stores in ten minutes. Memory is
/// used for what is stored alone.
const DISK_KIB: u64 = 3 << 20;

/// Time for the NATS servers to find each other and take the streams.
const SETUP_PATIENCE: Duration = Duration::from_secs(60);

/// Starts a process that lets a disk be full instead of ending at the first file that cannot grow. The
/// program is in a variable, because another version may be meant than the one that follows the script.
const SCRIPT: &str = "trap '' XFSZ && exec \"$PROGRAM\" \"$@\"";

/// A process of a service.
#[derive(Debug)]
pub(super) struct Replica {
    service: &'static str,
    /// Ways to the NATS servers.
    pub(super) links: Vec<FaultProxy>,
    /// Where clients find it. The address stays the same.
    front: FaultProxy,
    /// File with the offset of its clock.
    clock: PathBuf,
    arguments: Vec<String>,
    program: PathBuf,
    server: Option<Server>,
}

impl Replica {
    /// Starts the process, unless it runs.
    pub(super) fn start(&mut self) {
        if self.server.is_some() {
            return;
        }
        let offset = format!("OREWATCH_CLOCK_OFFSET_FILE={}", self.clock.display());
        let program = format!("PROGRAM={}", self.program.display());
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        let server = Server::start_under(&["env", &offset, &program, "sh", "-c", SCRIPT], &arguments);
        let port = server.address().rsplit(':').next().and_then(|port| port.parse().ok());
        self.front.forward_to(port.expect("an address ends with a port"));
        self.server = Some(server);
    }

    /// Kills the process (SIGKILL).
    pub(super) fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    /// Stops the process in order, and starts another program in its place.
    ///
    /// # Panics
    /// If it does not stop in order.
    pub(super) fn replace(&mut self, program: &Path) {
        if let Some(server) = self.server.take() {
            let output = server.process_output();
            let status = server.stop();
            assert!(status.success(), "{} ended with {status}:\n{output}", self.service);
        }
        program.clone_into(&mut self.program);
        self.start();
    }

    /// Sends a signal, by its name without `SIG`.
    pub(super) fn signal(&self, name: &str) {
        self.server().signal(name);
    }

    /// Keeps the files of the process from growing, or lets them grow again.
    pub(super) fn limit_files(&self, limit: &str) {
        let process = self.server().process().to_string();
        let fsize = format!("--fsize={limit}:");
        let limited = output(Command::new("prlimit").args(["--pid", &process, &fsize]));
        assert!(limited.status.success(), "prlimit: {}", text(&limited.stderr));
    }

    /// Sets the offset of its clock, in milliseconds.
    pub(super) fn shift_clock(&self, milliseconds: i64) {
        fs::write(&self.clock, milliseconds.to_string()).expect("the offset can be written");
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the process runs")
    }
}

/// The system.
#[derive(Debug)]
pub(super) struct World {
    /// Processes of the services, upstream first.
    pub(super) replicas: Vec<Replica>,
    pub(super) cluster: NatsCluster,
    pub(super) receiver: Receiver,
    /// Way from the processes of alerting to the receiver.
    pub(super) hook: FaultProxy,
    folder: TempDir,
}

impl World {
    /// Starts everything. The last NATS server is on the disk, if there is one.
    ///
    /// # Errors
    /// What the system says if it does not permit to make the disk.
    pub(super) fn start(program: &Path, with_disk: bool) -> Result<Self, String> {
        let disk = if with_disk { Some(SmallDisk::mount(DISK_KIB)?) } else { None };
        let folder = TempDir::new().expect("a temporary folder");
        let (receiver, hook) = (Receiver::start(), FaultProxy::start());
        hook.forward_to(receiver.port());
        let cluster = NatsCluster::start_on(disk);
        let mut world = Self { replicas: Vec::new(), cluster, receiver, hook, folder };
        world.set_up();
        for service in SERVICES {
            for number in 0..REPLICAS {
                let mut replica = world.replica(service, number, program);
                replica.start();
                world.replicas.push(replica);
            }
        }
        Ok(world)
    }

    /// Makes the streams. The servers refuse three copies until they have found each other.
    fn set_up(&self) {
        let deadline = Instant::now() + SETUP_PATIENCE;
        loop {
            let mut setup = Command::new(orewatch());
            setup.args(["setup", "--log", &self.cluster.urls(), "--log-replicas", "3"]);
            let done = output(&mut setup);
            if done.status.success() {
                return;
            }
            assert!(Instant::now() < deadline, "{}{}", text(&done.stdout), text(&done.stderr));
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn replica(&self, service: &'static str, number: usize, program: &Path) -> Replica {
        let links: Vec<_> = (0..SERVERS)
            .map(|server| {
                let link = FaultProxy::start();
                link.forward_to(self.cluster.port(server));
                link
            })
            .collect();
        let urls: Vec<_> = links.iter().map(|link| format!("nats://{}", link.address())).collect();
        let own = self.folder.path().join(format!("{service}-{number}"));
        let clock = self.folder.path().join(format!("{service}-{number}.offset"));
        fs::write(&clock, "0").expect("the offset can be written");
        let options = [
            ("--log", urls.join(",")),
            ("--log-replicas", SERVERS.to_string()),
            ("--make-logs", "false".to_owned()),
            ("--ordinal", number.to_string()),
            ("--data", own.display().to_string()),
            ("--archive", self.path("archive")),
            ("--secrets-dir", self.path("")),
            ("--allow-private", "127.0.0.0/8".to_owned()),
            ("--stale-after", "5s".to_owned()),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        let arguments = ["serve", service].map(str::to_owned).into_iter().chain(options).collect();
        let program = program.to_owned();
        Replica { service, links, front: FaultProxy::start(), clock, arguments, program, server: None }
    }

    /// Path of a file that all processes share.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The process with a number.
    pub(super) fn process(&mut self, number: usize) -> &mut Replica {
        self.replicas.get_mut(number).expect("there is such a process")
    }

    /// The ways between a NATS server and the processes of the services.
    pub(super) fn links_of(&self, server: usize) -> impl Iterator<Item = &FaultProxy> {
        self.replicas.iter().filter_map(move |replica| replica.links.get(server))
    }

    /// Addresses of the processes of a service.
    pub(super) fn addresses(&self, service: &str) -> Vec<String> {
        let own = self.replicas.iter().filter(|replica| replica.service == service);
        own.map(|replica| replica.front.address()).collect()
    }

    /// Clients of one process of each service.
    pub(super) fn api(&self, number: usize) -> Api {
        let [ingestion, exposure, alerting] = SERVICES.map(|service| self.addresses(service));
        let at = |addresses: &[String]| addresses.get(number).cloned().unwrap_or_default();
        let [ingestion, exposure, alerting] = [at(&ingestion), at(&exposure), at(&alerting)];
        Api::at_each([&ingestion, &exposure, &alerting])
    }

    /// The last lines that each process wrote, for the message of a failed run.
    pub(super) fn last_words(&self) -> String {
        let words = self.replicas.iter().enumerate().flat_map(|(number, replica)| {
            let output = replica.server.as_ref().map(Server::process_output).unwrap_or_default();
            let lines: Vec<String> = output.lines().rev().take(20).map(str::to_owned).collect();
            let head = format!("--- {} {}", replica.service, number % REPLICAS);
            iter::once(head).chain(lines.into_iter().rev())
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

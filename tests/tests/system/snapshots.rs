//! Replicas share snapshots: one that loses its local files starts from the newest, and answers the same.
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use orewatch_testkit::NatsServer;
use orewatch_tests::api::Api;
use orewatch_tests::process::Server;
use orewatch_tests::state::State;
use orewatch_tests::system::{SERVICES, file, run};
use orewatch_tests::tools::{orewatch, root};
use tempfile::TempDir;

/// What a service logs when it begins with a snapshot.
const STARTED: &str = "starting from a snapshot";

/// Three services on NATS with local directories and a shared archive.
struct Replicas {
    nats: NatsServer,
    folder: TempDir,
    servers: Vec<Server>,
}

impl Replicas {
    fn start() -> Self {
        let (nats, folder) = (NatsServer::start(), TempDir::new().expect("a folder"));
        let mut replicas = Self { nats, folder, servers: Vec::new() };
        replicas.start_all();
        replicas
    }

    fn start_all(&mut self) {
        self.servers =
            SERVICES.iter().map(|service| serve(service, &self.nats, self.folder.path())).collect();
    }

    fn stop_all(&mut self) {
        for server in self.servers.drain(..) {
            let status = server.stop();
            assert!(status.success(), "{status}");
        }
    }

    /// Kills a service, removes its local directory, and starts it anew.
    fn lose(&mut self, index: usize) {
        self.servers.remove(index).kill();
        // Not every service keeps something in its directory.
        match fs::remove_dir_all(self.folder.path().join(SERVICES[index])) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        self.servers.insert(index, serve(SERVICES[index], &self.nats, self.folder.path()));
    }

    fn client(&self, args: &[&str]) {
        let mut command = std::process::Command::new(orewatch());
        command.args(args);
        for (service, server) in SERVICES.iter().zip(&self.servers) {
            command.arg(format!("--{service}")).arg(format!("http://{}", server.address()));
        }
        run(command);
    }

    async fn state(&self) -> State {
        let addresses = [0, 1, 2].map(|index| self.servers[index].address());
        State::read(&Api::at_each(addresses)).await.expect("the services answer")
    }
}

fn serve(service: &str, nats: &NatsServer, folder: &Path) -> Server {
    let (data, archive) = (folder.join(service), folder.join("archive"));
    let [data, archive] = [&data, &archive].map(|path| path.to_str().expect("UTF-8"));
    Server::start(&["serve", service, "--log", &nats.url(), "--data", data, "--archive", archive])
}

/// Trade in graphite of many economies: more than what a service folds again rather than keep.
fn trade(vintage: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial-trade\n# vintage: {vintage}\n# publisher: Test\n\
         # licence: CC0-1.0\n# published: 2025\n# hs: HS92\n\
         period,exporter,importer,product,value_kusd,quantity_t\n"
    );
    let economies = || orewatch_catalog::economies().iter().map(|economy| economy.iso3).take(60);
    for year in 2022..=2024 {
        for (at, exporter) in (1_u32..).zip(economies()) {
            for (to, importer) in (1_u32..).zip(economies()).filter(|(to, _)| *to != at) {
                let tonnes = at * 977 + to * 131 + year * vintage;
                text += &format!("{year},{exporter},{importer},250410,{},{tonnes}\n", tonnes * 3 + at);
            }
        }
    }
    text
}

#[tokio::test]
async fn a_service_that_loses_its_directory_starts_from_the_shared_snapshot_and_answers_the_same() {
    let mut replicas = Replicas::start();
    let rules = root().join("crates/rules/packs/g7-china.yaml");
    replicas.client(&["rules", "apply", rules.to_str().expect("UTF-8")]);
    let first = file(&replicas.folder, "first.csv", &trade(1));
    replicas.client(&["ingest", &first, "--accept", "region-overlaps"]);
    let before = replicas.state().await;
    // An orderly stop leaves a snapshot of each service beside the archive.
    replicas.stop_all();
    for service in SERVICES {
        assert!(replicas.folder.path().join("archive/snapshots").join(service).join("newest").exists());
    }
    replicas.start_all();
    let second = file(&replicas.folder, "second.csv", &trade(2));
    replicas.client(&["ingest", &second, "--accept", "region-overlaps"]);
    let expected = replicas.state().await;
    assert_ne!(expected, before);
    for (index, service) in SERVICES.iter().enumerate() {
        replicas.lose(index);
        let state = replicas.state().await;
        let output = replicas.servers[index].process_output();
        assert!(output.contains(STARTED), "{service} begins with its logs:\n{output}");
        assert_eq!(state.difference(&expected), None, "{service}");
    }
}

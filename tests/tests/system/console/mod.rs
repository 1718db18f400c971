//! Tests of the console over HTTP: beside the services of `up`, and alone in front of others.
mod addresses;
mod away;
mod changes;
mod figures;
mod files;
mod flood;
mod pages;

use std::path::Path;

use orewatch_tests::api::Api;
use orewatch_tests::http::{Answer, get, get_with, post};
use orewatch_tests::process::Server;
use orewatch_tests::system::{client, run};
use orewatch_tests::tools::{output, reference_tables, text};
use tempfile::TempDir;

/// Output of many economies, with targets and claims about it.
const FIGURES: [&str; 3] = ["production-usgs-mcs-MCS2025", "targets-", "claims-"];

/// All services in one process, with a console.
struct Desk {
    server: Server,
    console: String,
    /// Has the logs. Removed with the desk.
    _folder: TempDir,
}

impl Desk {
    fn start(more: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let data = folder.path().join("data");
        let own = ["up", "--data", utf8(&data), "--console", "127.0.0.1:0"];
        let server = Server::start(&[own.as_slice(), more].concat());
        let console = server.console();
        Self { server, console, _folder: folder }
    }

    async fn with_figures() -> Self {
        let desk = Self::start(&[]);
        for table in FIGURES {
            desk.ingest(table).await;
        }
        desk
    }

    /// Ingests the reference table whose name contains these words, and waits until all services follow.
    async fn ingest(&self, words: &str) {
        let tables = reference_tables();
        let table = tables.iter().find(|path| path.contains(words)).expect("a reference table");
        run(client(&self.address(), &["ingest", table]));
        Api::at(self.server.address()).settled().await.expect("the pipeline follows");
    }

    fn address(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What a command prints on standard output.
    fn command(&self, args: &[&str]) -> String {
        let done = output(&mut client(&self.address(), args));
        assert!(done.status.success(), "{args:?}: {}", text(&done.stderr));
        text(&done.stdout)
    }

    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        get(&self.console, path)
    }

    #[track_caller]
    fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        get_with(&self.console, path, headers)
    }

    #[track_caller]
    fn post(&self, path: &str, media_type: &str, body: &str) -> Answer {
        post(&self.console, path, &[("Content-Type", media_type)], body)
    }
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

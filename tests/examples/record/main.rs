//! Creates a recorded log: runs a scenario with the binary of this commit, packs its data directory, and
//! records its answers.
//!
//! `cargo run -p orewatch-tests --example record -- tests/recorded/VERSION`; `tests/recorded/README.md` says
//! when.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool of the tests: a panic with the reason is how it fails"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use orewatch_tests::process::Server;
use orewatch_tests::recorded::answers::Answers;
use orewatch_tests::recorded::ask::Clients;
use orewatch_tests::recorded::compare::differences;
use orewatch_tests::recorded::later::Later;
use orewatch_tests::recorded::logs::Logs;
use orewatch_tests::recorded::questions::Questions;
use orewatch_tests::recorded::{MAX_RECORD_BYTES, Record};
use orewatch_tests::tools::{output, root, text};
use rusqlite::Connection;
use tempfile::TempDir;

mod desk;
mod receiver;
mod scenario;

use desk::Desk;

#[tokio::main]
async fn main() {
    let out = std::env::args().nth(1).expect("say where to: cargo run ... --example record -- FOLDER");
    let out = PathBuf::from(out);
    assert!(!out.exists(), "{} is there already: records are never made anew, name another", out.display());
    let commit = commit();

    let mut desk = Desk::start_empty();
    let questions = scenario::run(&mut desk).await;
    desk.stop();
    let logs = Logs::read(desk.data()).await;
    let recorded_at = logs.alerts.last().expect("there are alerts").time.to_string();
    let questions = Questions { commit, recorded_at, heads: logs.heads(), ..questions };

    for log in ["observations", "exposures", "alerts"] {
        compact(desk.data(), log);
    }
    let record = Record::in_folder(&out);
    record.pack_data(desk.data());
    let answers = answers(&record, &questions).await;
    let again = self::answers(&record, &questions).await;
    let changed = differences(&record.name(), (&answers, &again), &Later::default(), &[]);
    assert!(changed.is_empty(), "two runs on the record differ:\n{}", changed.join("\n"));
    record.add_answers(&questions, &answers);
    tell(&record, &answers);
}

/// The commit of the services. There must be no changes without a commit.
fn commit() -> String {
    let git = |args: &[&str]| {
        let made_of = ["--", "crates", "proto", "Cargo.toml"];
        let run = output(Command::new("git").args(args).args(made_of).current_dir(root()));
        assert!(run.status.success(), "{}", text(&run.stderr));
        text(&run.stdout).trim().to_owned()
    };
    let dirty = git(&["status", "--porcelain"]);
    assert!(dirty.is_empty(), "commit the services first, the record names their commit:\n{dirty}");
    git(&["log", "-1", "--format=%H"])
}

/// Moves the write-ahead log of SQLite into the file of a log, and releases free pages.
fn compact(data: &Path, log: &str) {
    let connection = Connection::open(data.join(format!("{log}.db"))).expect("the log is a database");
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM;").expect("the log is compacted");
    connection.close().expect("the log is closed");
}

/// The answers of the binary on the packed record, with the digests of its logs, which must not have grown.
async fn answers(record: &Record, questions: &Questions) -> Answers {
    let folder = TempDir::new().expect("a temporary folder");
    record.unpack(folder.path());
    let data = folder.path().to_str().expect("a UTF-8 path");
    let server = Server::start(&["up", "--data", data]);
    let mut answers = Clients::at(server.address()).ask(questions).await.expect("it answers");
    assert!(server.stop().success(), "the services stop in order");
    let logs = Logs::read(folder.path()).await;
    assert_eq!(logs.heads(), questions.heads, "a start on the record must append nothing");
    logs.add_digests(questions.heads, &mut answers);
    answers
}

fn tell(record: &Record, answers: &Answers) {
    for (name, section) in answers.sections() {
        println!("{:6} {name}", section.len());
    }
    println!("{:6} bytes in all", record.size());
    assert!(record.size() <= MAX_RECORD_BYTES, "the limit is {MAX_RECORD_BYTES} bytes");
}

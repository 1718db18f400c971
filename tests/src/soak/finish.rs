//! The end of a run: what is on the logs, and whether the state is that of a run without faults.
use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::{PutRuleRequest, ReplayDeliveriesRequest};
use tempfile::TempDir;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::Soak;
use super::calls::Replicas;
use super::clients::Clients;
use super::judge::Commit;
use super::releases::{Committed, rule};
use super::report::{Promised, Recovered, Report};
use super::run::Run;
use super::subscriber::Received;
use super::verify::{Contents, Tally};
use super::watch::{self, Answers, LOGS, Seen};
use super::world::{REPLICAS, World};
use crate::api::Api;
use crate::state::State;
use crate::system::{self, Embedded, System as _};
use crate::tools::orewatch;

/// Time for everything that follows from the load: an undisturbed system computes all of it anew.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Time for messages to arrive by themselves, and then once they are asked for.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(60);

/// Identifiers that one call sends again.
const MAX_REPLAYS: usize = 500;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Everything that came of a run.
#[derive(Debug)]
pub(super) struct Outcome {
    committed: Committed,
    received: Received,
    seen: Vec<Seen>,
    answers: Vec<(&'static str, Answers)>,
    contents: Contents,
    messages: Vec<String>,
    differences: Vec<String>,
}

/// Waits until everything has followed the load, and reads it.
///
/// # Panics
/// If it does not; the message has what the processes wrote last.
pub(super) async fn finish(world: &World, clients: Clients, run: &Run) -> Outcome {
    let committed = clients.load.finish().await;
    let states = states(world).await;
    let contents = read_logs(world).await;
    wait_for(MESSAGE_PATIENCE, || clients.subscriber.count() >= contents.transitions.len()).await;
    let messages = messages(world, &contents).await;
    run.end();
    let mut answers = Vec::new();
    for (service, asked) in clients.answers {
        answers.push((service, asked.await.expect("who asks does not panic")));
    }
    let received = clients.subscriber.finish();
    let seen = clients.watchers.into_iter().map(watch::Watcher::finish).collect();
    Outcome { committed, received, seen, answers, contents, messages, differences: states }
}

/// The first difference between the replicas, and between them and a system that had no faults.
async fn states(world: &World) -> Vec<String> {
    let first = read_state(&world.api(0), &world.last_words()).await;
    let mut differences = Vec::new();
    for number in 1..REPLICAS {
        let other = read_state(&world.api(number), &world.last_words()).await;
        differences.extend(first.difference(&other).map(|what| format!("replica {number}: {what}")));
    }
    let undisturbed = undisturbed_state(world).await;
    differences.extend(undisturbed.difference(&first).map(|what| format!("undisturbed: {what}")));
    differences
}

async fn read_state(api: &Api, words: &str) -> State {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match State::read(api).await {
            Ok(state) => return state,
            Err(status) if is_passing(&status) && Instant::now() < deadline => sleep(PAUSE).await,
            Err(status) => panic!("the system does not settle: {status}\n{words}"),
        }
    }
}

fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::DeadlineExceeded | Code::Unavailable | Code::Cancelled)
}

/// The state of a system that gets the same releases in the same order, and has no fault: the log of
/// observations is restored, and everything else follows from it.
async fn undisturbed_state(world: &World) -> State {
    let backup = TempDir::new().expect("a temporary folder");
    let place = backup.path().to_str().expect("a UTF-8 path");
    let log = |arguments: &[&str]| {
        let mut command = Command::new(orewatch());
        command.arg("log").args(arguments).args(["--log-name", "observations"]);
        command
    };
    let urls = world.cluster.urls();
    let cluster = ["--log-replicas", "3", "--make-logs", "false"];
    system::run(log(&[&["backup", "--to", place, "--log", &urls][..], &cluster].concat()));
    let mut system = Embedded::start();
    // The rule comes first, as it did there.
    let request = PutRuleRequest { rule: Some(rule()), ..PutRuleRequest::default() };
    system.api().alerting.put_rule(request).await.expect("the rule is put");
    system.stop();
    // They are of the log that is replaced now. There may be none.
    let _removed = fs::remove_dir_all(system.data().join("snapshots"));
    let data = system.data().to_str().expect("a UTF-8 path").to_owned();
    system::run(log(&["restore", "--from", place, "--data", &data]));
    system.restart();
    read_state(&system.api(), &system.process_output()).await
}

async fn read_logs(world: &World) -> Contents {
    let mut contents = Contents::default();
    for name in LOGS {
        let log = watch::open(&world.cluster.urls(), name).await.expect("the log opens");
        contents.add(&*log).await.expect("the log can be read");
    }
    contents
}

/// Waits until something is so, but not for ever: what is then missing is counted.
async fn wait_for(patience: Duration, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so() && Instant::now() < deadline {
        sleep(PAUSE).await;
    }
}

/// The messages that arrived, once those that were planned have. A message whose second attempt failed is
/// sent again after five minutes: then an operator asks for it.
async fn messages(world: &World, contents: &Contents) -> Vec<String> {
    let missing = || {
        let arrived: HashSet<String> = world.receiver.messages().into_iter().collect();
        let planned = contents.planned.iter().map(|planned| planned.id.clone());
        planned.filter(|id| !arrived.contains(id)).collect::<Vec<_>>()
    };
    wait_for(MESSAGE_PATIENCE, || missing().is_empty()).await;
    let clients = Replicas::new(&world.addresses("alerting"), DeliveryServiceClient::new);
    for notifications in missing().chunks(MAX_REPLAYS) {
        let ask = |mut client: DeliveryServiceClient<Channel>| {
            let notifications = notifications.to_vec();
            let request = ReplayDeliveriesRequest { notifications, ..ReplayDeliveriesRequest::default() };
            async move { client.replay_deliveries(request).await }
        };
        let asked = clients.call(MESSAGE_PATIENCE, ask).await;
        asked.unwrap_or_else(|status| panic!("{status}\n{}", world.last_words()));
    }
    wait_for(MESSAGE_PATIENCE, || missing().is_empty()).await;
    world.receiver.messages()
}

impl Outcome {
    /// The commits, in order, with the times at which their transitions arrived.
    pub(super) fn commits(&self) -> Vec<Commit> {
        let mut arrivals = HashMap::<&str, Vec<Duration>>::new();
        for arrival in &self.received.arrivals {
            arrivals.entry(&arrival.release).or_default().push(arrival.at);
        }
        let mut commits: Vec<Commit> = self
            .committed
            .acknowledged
            .iter()
            .map(|acknowledged| Commit {
                acknowledged: acknowledged.at,
                arrivals: arrivals.remove(acknowledged.release.as_str()).unwrap_or_default(),
            })
            .collect();
        commits.sort_by_key(|commit| commit.acknowledged);
        commits
    }

    /// What was counted.
    fn tallies(&self) -> Vec<(String, Tally)> {
        let received: Vec<String> =
            self.received.arrivals.iter().map(|arrival| arrival.event.clone()).collect();
        let mut tallies = vec![("rows".to_owned(), self.contents.rows(&self.committed.acknowledged))];
        for (log, seen) in LOGS.iter().zip(&self.seen) {
            tallies.push((format!("events on {log}"), self.contents.events(log, seen)));
        }
        tallies.push(("transitions".to_owned(), self.contents.received(&received)));
        tallies.push(("messages".to_owned(), self.contents.messages(&self.messages)));
        tallies
    }

    /// The report of a run.
    pub(super) fn into_report(
        self,
        soak: &Soak,
        promised: Promised,
        recovered: Vec<Recovered>,
        latencies: [Option<Duration>; 2],
    ) -> Report {
        let tallies = self.tallies();
        let during = |at: Duration| at < soak.duration;
        let distinct: HashSet<&String> = self.messages.iter().collect();
        let sent_again = u64::try_from(self.messages.len() - distinct.len()).unwrap_or(u64::MAX);
        let ended = self.seen.iter().filter_map(|seen| seen.ended.clone());
        let unanswered = self.answers.iter().flat_map(|(_, answers)| answers.failed.clone());
        let refused = self.received.refused.iter().cloned();
        let failed = self.committed.failed.iter().cloned().chain(ended).chain(unanswered).chain(refused);
        Report {
            seed: soak.seed,
            promised,
            duration: soak.duration,
            recovered,
            tallies,
            releases: self.committed.acknowledged.iter().filter(|release| during(release.at)).count(),
            transitions: self.received.arrivals.iter().filter(|arrival| during(arrival.at)).count(),
            gaps: self.answers.iter().map(|(service, answers)| (*service, answers.longest_gap)).collect(),
            latencies,
            streams: [self.received.streams, self.received.ended],
            sent_again,
            failed: failed.collect(),
            differences: self.differences,
        }
    }
}

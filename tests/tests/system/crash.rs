//! Processes are killed at random moments. Afterwards the system must have the same state as without the
//! kill: nothing is lost, and nothing is duplicated.
//!
//! The seed is printed. `CRASH_SEED=N` repeats the same moments, as far as the machine allows;
//! `CRASH_ROUNDS=N` sets the number of kills.
use std::env;
use std::time::{Duration, Instant};

use orewatch_tests::random::Random;
use orewatch_tests::state::State;
use orewatch_tests::system::{Cluster, Embedded, System, file, spawn};
use orewatch_tests::tools::{root, text};
use tempfile::TempDir;
use tokio::time::sleep;

/// Number of kills on each kind of log.
const ROUNDS: u64 = 25;

/// Maximum number of attempts of a command.
const MAX_ATTEMPTS: u32 = 5;

/// The client commands of the scenario: rules, then four releases: trade, output, and a restatement of each.
fn steps(folder: &TempDir) -> Vec<Vec<String>> {
    let ingest =
        |name, content: &str| vec!["ingest".to_owned(), "--no-wait".to_owned(), file(folder, name, content)];
    let rules = root().join("crates/rules/packs/g7-china.yaml");
    let apply = ["rules", "apply", rules.to_str().expect("UTF-8")];
    vec![
        apply.map(str::to_owned).to_vec(),
        ingest("trade-1.csv", &trade("1", 1)),
        ingest("output-1.csv", &production("1", 1)),
        ingest("trade-2.csv", &trade("2", 3)),
        ingest("output-2.csv", &production("2", 3)),
    ]
}

/// Trade in graphite and rare-earth compounds. Alerts fire on one vintage and resolve on the other.
fn trade(vintage: &str, weight: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial-trade\n# vintage: {vintage}\n# publisher: Test\n\
         # licence: CC0-1.0\n# published: 2025\n# hs: HS92\n\
         period,exporter,importer,product,value_kusd,quantity_t\n"
    );
    for year in 2020..=2024 {
        for (at, exporter) in (1_u32..).zip(["CHN", "BRA", "MOZ", "NOR", "AUS"]) {
            for (to, importer) in (1_u32..).zip(["DEU", "JPN", "USA", "KOR"]) {
                for product in ["250410", "284690"] {
                    let tonnes = if exporter == "CHN" { 400 / weight } else { at * 10 + to * (year - 2018) };
                    text += &format!("{year},{exporter},{importer},{product},{},{tonnes}\n", tonnes * 3);
                }
            }
        }
    }
    text
}

/// Output of graphite.
fn production(vintage: &str, weight: u32) -> String {
    let mut text = format!(
        "# table: production\n# dataset: trial-output\n# vintage: {vintage}\n# publisher: Test\n\
         # licence: CC0-1.0\n# published: 2025\nperiod,economy,material,stage,quantity,unit,basis\n"
    );
    for year in 2020..=2024 {
        for (at, economy) in (1_u32..).zip(["CHN", "BRA", "MOZ"]) {
            text += &format!("{year},{economy},graphite,mined,{},t,gross\n", 1000 / (at * weight) + year);
        }
    }
    text
}

/// Kills one process once, at a planned time after the start.
struct Killer {
    started: Instant,
    plan: Option<(Duration, usize)>,
}

impl Killer {
    fn new(plan: Option<(Duration, usize)>) -> Self {
        Self { started: Instant::now(), plan }
    }

    /// Kills the process if it is time. Returns whether it did.
    fn kill_if_due(&mut self, system: &mut dyn System) -> bool {
        let due = self.plan.take_if(|(moment, _)| self.started.elapsed() >= *moment);
        due.map(|(_, choice)| system.kill_and_restart(choice)).is_some()
    }
}

/// Runs the steps, possibly with a kill, and returns the final state of the system.
async fn run_scenario(system: &mut dyn System, steps: &[Vec<String>], mut killer: Killer) -> State {
    for step in steps {
        let mut attempts = 0;
        while !try_command(system, step, &mut killer).await {
            attempts += 1;
            assert!(attempts < MAX_ATTEMPTS, "{:?} does not succeed:\n{}", step, system.process_output());
        }
    }
    // The time may be after the last command: then the services are killed while they follow their logs.
    while killer.plan.is_some() {
        killer.kill_if_due(system);
        sleep(Duration::from_millis(1)).await;
    }
    State::read(&system.api()).await.unwrap_or_else(|status| panic!("{status}\n{}", system.process_output()))
}

/// Runs a command once. Returns false if the kill made it fail; any other failure fails the test.
async fn try_command(system: &mut dyn System, step: &[String], killer: &mut Killer) -> bool {
    let args: Vec<&str> = step.iter().map(String::as_str).collect();
    let mut child = spawn(system.client(&args));
    let mut killed = false;
    while child.try_wait().expect("the command can be asked").is_none() {
        killed |= killer.kill_if_due(system);
        sleep(Duration::from_millis(1)).await;
    }
    let output = child.wait_with_output().expect("the command has ended");
    let message = text(&output.stdout) + &text(&output.stderr);
    match output.status.code() {
        Some(0) => true,
        // The service was not reachable: the same command may succeed now.
        Some(4) if killed => false,
        code => panic!("{:?} ended with {code:?}:\n{message}\n{}", step, system.process_output()),
    }
}

/// Runs the scenario without a kill, then with one kill per round, and compares the final states.
async fn compare_states_after_kills<T: System>(start: impl Fn() -> T) {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, rounds) =
        (number("CRASH_SEED").unwrap_or_else(Random::random_seed), number("CRASH_ROUNDS").unwrap_or(ROUNDS));
    println!("CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let folder = TempDir::new().expect("a temporary folder");
    let steps = steps(&folder);

    let mut system = start();
    let began = Instant::now();
    let undisturbed = run_scenario(&mut system, &steps, Killer::new(None)).await;
    let length = began.elapsed();
    assert_eq!(undisturbed.releases.len(), 4);
    assert!(!undisturbed.exposures.is_empty() && !undisturbed.transitions.is_empty());
    drop(system);

    for round in 1..=rounds {
        let moment = length.mul_f64(random.unit());
        let choice = usize::try_from(random.number() % 64).unwrap_or_default();
        let mut system = start();
        let state = run_scenario(&mut system, &steps, Killer::new(Some((moment, choice)))).await;
        if let Some(difference) = undisturbed.difference(&state) {
            panic!(
                "round {round}, killed {choice} after {moment:?}, CRASH_SEED={seed}: {difference}\n{}",
                system.process_output()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_a_kill_does_not_change_the_final_state() {
    compare_states_after_kills(Embedded::start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_kill_does_not_change_the_final_state() {
    compare_states_after_kills(Cluster::start).await;
}

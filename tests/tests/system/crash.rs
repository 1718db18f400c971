//! Killed at random moments, the system ends where it would have ended undisturbed: nothing lost, nothing twice.
//!
//! The seed is printed; `CRASH_SEED=N` plays the same moments again, as far as the machine allows, and `CRASH_ROUNDS=N`
//! plays more or fewer of them.
use std::env;
use std::time::{Duration, Instant};

use orewatch_tests::random::Random;
use orewatch_tests::state::State;
use orewatch_tests::system::{Cluster, Embedded, System, file, spawn};
use orewatch_tests::tools::{root, text};
use tempfile::TempDir;
use tokio::time::sleep;

/// Kills on each log.
const ROUNDS: u64 = 25;

/// How often a command is repeated before the test gives up.
const ATTEMPTS: u32 = 5;

/// Client commands: rules, then four releases: trade, output, and both restated.
fn steps(folder: &TempDir) -> Vec<Vec<String>> {
    let ingest =
        |name, content: &str| vec!["ingest".to_owned(), "--no-wait".to_owned(), file(folder, name, content)];
    let rules = root().join("crates/alerting/packs/g7-china.yaml");
    let apply = ["rules", "apply", rules.to_str().expect("UTF-8")];
    vec![
        apply.map(str::to_owned).to_vec(),
        ingest("trade-1.csv", &trade("1", 1)),
        ingest("output-1.csv", &output("1", 1)),
        ingest("trade-2.csv", &trade("2", 3)),
        ingest("output-2.csv", &output("2", 3)),
    ]
}

/// Flows of graphite and rare-earth compounds; the vintages differ, so that alerts fire in one and resolve in the other.
fn trade(vintage: &str, weight: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial-trade\n# vintage: {vintage}\n# publisher: Test\n# licence: CC0-1.0\n\
         # published: 2025\n# hs: HS92\nperiod,exporter,importer,product,value_kusd,quantity_t\n"
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

fn output(vintage: &str, weight: u32) -> String {
    let mut text = format!(
        "# table: production\n# dataset: trial-output\n# vintage: {vintage}\n# publisher: Test\n# licence: CC0-1.0\n\
         # published: 2025\nperiod,economy,material,stage,quantity,unit,basis\n"
    );
    for year in 2020..=2024 {
        for (at, economy) in (1_u32..).zip(["CHN", "BRA", "MOZ"]) {
            text += &format!("{year},{economy},graphite,mined,{},t,gross\n", 1000 / (at * weight) + year);
        }
    }
    text
}

/// Strikes once: at a moment after the start, at the process of a number.
struct Saboteur {
    started: Instant,
    plan: Option<(Duration, usize)>,
}

impl Saboteur {
    fn new(plan: Option<(Duration, usize)>) -> Self {
        Self { started: Instant::now(), plan }
    }

    /// Strikes if the moment has come; true if it did so now.
    fn strike(&mut self, system: &mut dyn System) -> bool {
        let due = self.plan.take_if(|(moment, _)| self.started.elapsed() >= *moment);
        due.map(|(_, choice)| system.disturb(choice)).is_some()
    }
}

/// Plays the steps, disturbed or not, and reads back what the system knows in the end.
async fn play(system: &mut dyn System, steps: &[Vec<String>], mut saboteur: Saboteur) -> State {
    for step in steps {
        let mut attempts = 0;
        while !attempt(system, step, &mut saboteur).await {
            attempts += 1;
            assert!(attempts < ATTEMPTS, "{:?} does not succeed:\n{}", step, system.said());
        }
    }
    // A moment after the last command finds the services while they follow.
    while saboteur.plan.is_some() {
        saboteur.strike(system);
        sleep(Duration::from_millis(1)).await;
    }
    State::of(&system.api()).await.unwrap_or_else(|status| panic!("{status}\n{}", system.said()))
}

/// Runs a command once; false if a strike cut it off. Any other failure is one of the test.
async fn attempt(system: &mut dyn System, step: &[String], saboteur: &mut Saboteur) -> bool {
    let args: Vec<&str> = step.iter().map(String::as_str).collect();
    let mut child = spawn(system.client(&args));
    let mut struck = false;
    while child.try_wait().expect("the command can be asked").is_none() {
        struck |= saboteur.strike(system);
        sleep(Duration::from_millis(1)).await;
    }
    let output = child.wait_with_output().expect("the command has ended");
    let said = text(&output.stdout) + &text(&output.stderr);
    match output.status.code() {
        Some(0) => true,
        // What is outside failed: the same again may succeed.
        Some(4) if struck => false,
        code => panic!("{:?} ended with {code:?}:\n{said}\n{}", step, system.said()),
    }
}

async fn rounds<T: System>(start: impl Fn() -> T) {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, rounds) =
        (number("CRASH_SEED").unwrap_or_else(Random::seed), number("CRASH_ROUNDS").unwrap_or(ROUNDS));
    println!("CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let folder = TempDir::new().expect("a temporary folder");
    let steps = steps(&folder);

    let mut system = start();
    let began = Instant::now();
    let undisturbed = play(&mut system, &steps, Saboteur::new(None)).await;
    let length = began.elapsed();
    assert_eq!(undisturbed.releases.len(), 4);
    assert!(!undisturbed.exposures.is_empty() && !undisturbed.transitions.is_empty());
    drop(system);

    for round in 1..=rounds {
        let moment = length.mul_f64(random.unit());
        let choice = usize::try_from(random.number() % 64).unwrap_or_default();
        let mut system = start();
        let state = play(&mut system, &steps, Saboteur::new(Some((moment, choice)))).await;
        if let Some(difference) = undisturbed.difference(&state) {
            panic!(
                "round {round}, killed {choice} after {moment:?}, CRASH_SEED={seed}: {difference}\n{}",
                system.said()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_the_embedded_log_it_ends_where_it_would_have_ended() {
    rounds(Embedded::start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_over_nats_it_ends_where_it_would_have_ended() {
    rounds(Cluster::start).await;
}

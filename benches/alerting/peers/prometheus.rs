//! The rules of the evaluation benchmark in Prometheus, over as many series as there are exposures, with one
//! sample each.
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use orewatch_runtime::{Clock as _, SystemClock};

use super::{PATIENCE, PAUSE, Peer, version};
use crate::evaluation::{self, ABOVE, Cost, World, median_cost};
use crate::{Options, print_head, print_row};

/// Results of one configuration.
struct Evaluated {
    first: Cost,
    /// The third evaluation; later ones cost the same.
    next: Cost,
    firing: usize,
    peak: f64,
}

pub(super) async fn report(options: &Options) {
    let world = World::new(options);
    let ours: Vec<_> =
        (0..options.runs).map(|_| evaluation::run(&world, options.rules, options.moved)).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    create_block(&world, folder.path());
    let newest = World::period(world.periods - 1);
    let of_newest = evaluate(&world, options.rules, Some(&newest), folder.path()).await;
    let of_all = evaluate(&world, options.rules, None, folder.path()).await;
    assert_eq!(of_newest.firing, ours[0].open, "the same alerts fire on both sides");

    let what = format!("{} rules, {} exposures or series", options.rules, world.exposures());
    print_head(&what, &["CPU s", "wall s", "firing"]);
    let row = |what: &str, cost: Cost, firing: Option<usize>| {
        let firing = firing.map(|count| count.to_string()).unwrap_or_default();
        print_row(what, &[format!("{:.3}", cost.cpu), format!("{:.3}", cost.wall), firing]);
    };
    let (first, commit) = (median_cost(&ours, |run| run.first), median_cost(&ours, |run| run.commit));
    row("orewatch: first evaluation of everything", first, Some(ours[0].open));
    row(&format!("orewatch: a commit that moves {}", ours[0].moved), commit, None);
    let name = format!("Prometheus {}", version("prometheus"));
    row(&format!("{name}: first, newest period"), of_newest.first, Some(of_newest.firing));
    row(&format!("{name}: every further one"), of_newest.next, Some(of_newest.firing));
    row(&format!("{name}: first, all periods"), of_all.first, Some(of_all.firing));
    row(&format!("{name}: every further one"), of_all.next, Some(of_all.firing));
    let ratio = |theirs: Cost, ours: Cost| theirs.cpu / ours.cpu;
    println!(
        "  Prometheus takes {:.1} x the CPU of our first evaluation, and for an interval {:.1} x that of our \
         commit; peak {:.0} MiB.",
        ratio(of_newest.first, first),
        ratio(of_newest.next, commit),
        of_newest.peak,
    );
    println!(
        "  It evaluates every rule at every interval, ours what a commit touches; both evaluate rules one \
         after the other."
    );
}

/// Writes the exposures as current samples, and creates a block of storage from them.
fn create_block(world: &World, folder: &Path) {
    let path = folder.join("samples.om");
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    let now = SystemClock.now().as_second();
    writeln!(file, "# TYPE import_share gauge").expect("there is room");
    for material in &world.materials {
        for period in 0..world.periods {
            let name = World::period(period);
            for (c, consumer) in world.consumers.iter().enumerate() {
                for (s, supplier) in world.suppliers.iter().enumerate() {
                    let share = World::share(c, s, period);
                    writeln!(
                        file,
                        "import_share{{consumer=\"{consumer}\",material=\"{material}\",period=\"{name}\",\
                         supplier=\"{supplier}\"}} {share} {now}"
                    )
                    .expect("there is room");
                }
            }
        }
    }
    writeln!(file, "# EOF").expect("there is room");
    file.flush().expect("there is room");
    let mut promtool = Command::new("promtool");
    promtool.args(["tsdb", "create-blocks-from", "openmetrics", "samples.om", "data"]).current_dir(folder);
    let made = orewatch_tests::tools::output(&mut promtool);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::remove_file(path).expect("it was written");
}

/// Lets Prometheus evaluate the rules three times, on the series of one period or of all periods, without
/// results of earlier rules in its storage.
async fn evaluate(world: &World, rules: usize, period: Option<&str>, folder: &Path) -> Evaluated {
    let mut text = "groups:\n- name: shares\n  rules:\n".to_owned();
    for k in 0..rules {
        let (material, consumer) = world.watched(k);
        let of = period.map(|period| format!(",period=\"{period}\"")).unwrap_or_default();
        let select = format!("import_share{{material=\"{material}\",consumer=\"{consumer}\"{of}}}");
        writeln!(text, "  - {{alert: r{k}, expr: '{select} > {ABOVE}'}}").expect("a string takes it");
    }
    fs::write(folder.join("rules.yml"), text).expect("there is room");
    // The shortest interval, so that evaluations follow each other.
    let config = "global: {evaluation_interval: 5s}\nrule_files: [rules.yml]\n";
    fs::write(folder.join("prometheus.yml"), config).expect("there is room");
    drop(fs::remove_dir_all(folder.join("data/wal")));
    drop(fs::remove_dir_all(folder.join("data/chunks_head")));
    let args = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        // Samples stay valid longer than the benchmark runs.
        "--query.lookback-delta=24h",
        "--log.level=warn",
    ];
    let prometheus = Peer::start("prometheus", &args, folder).await;
    let begun = begun(&prometheus).await;
    let (first, cpu) = duration_after(&prometheus, 0.0).await;
    let first_cost = Cost { cpu: cpu - begun, wall: first };
    // In the second evaluation Prometheus looks for results from before a restart. It stores what fires only
    // from the third one on.
    let (second, cpu) = duration_after(&prometheus, first).await;
    let (next, next_cpu) = duration_after(&prometheus, second).await;
    let failures = prometheus.metric("prometheus_rule_evaluation_failures_total").await;
    assert!(failures == 0.0, "{failures} evaluations failed");
    let firing = firing(&prometheus).await;
    let next_cost = Cost { cpu: next_cpu - cpu, wall: next };
    Evaluated { first: first_cost, next: next_cost, firing, peak: prometheus.peak() }
}

/// CPU seconds until the first evaluation.
async fn begun(prometheus: &Peer) -> f64 {
    let began = Instant::now();
    let mut cpu = prometheus.cpu();
    while prometheus.metric("prometheus_rule_evaluations_total").await == 0.0 {
        assert!(began.elapsed() < PATIENCE, "an evaluation begins");
        cpu = prometheus.cpu();
        tokio::time::sleep(PAUSE).await;
    }
    cpu
}

/// Duration of the evaluation after one with the given duration, and CPU seconds until its end.
async fn duration_after(prometheus: &Peer, last: f64) -> (f64, f64) {
    let began = Instant::now();
    loop {
        let duration = prometheus.metric("prometheus_rule_group_last_duration_seconds").await;
        if duration.total_cmp(&last).is_ne() {
            return (duration, prometheus.cpu());
        }
        assert!(began.elapsed() < PATIENCE, "an evaluation ends");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Number of alerts that fire.
async fn firing(prometheus: &Peer) -> usize {
    // Without a firing alert the query would have no result.
    let query = "count(ALERTS%7Balertstate%3D%22firing%22%7D)%20or%20vector(0)";
    let answer = prometheus.get(&format!("/api/v1/query?query={query}")).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    let count = answer.pointer("/data/result/0/value/1").and_then(serde_json::Value::as_str);
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("a count: {answer}"))
}

//! Time of a restart with many open alerts: from opening the embedded logs until the service is SERVING. The
//! service itself opened the alerts; it has a feed and a subscription to everything, and was stopped cleanly,
//! so that it left a snapshot. Runs alternate with and without the snapshot, in separate processes.
use crate::service::{Restarted, fill_in_child, restart_in_child};
use crate::{Options, median, print_head, print_row};

pub(crate) fn report(options: &Options) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill_in_child(folder.path(), options.open);
    let (mut from_snapshot, mut from_logs) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        from_snapshot.push(restart_in_child(folder.path(), true));
        from_logs.push(restart_in_child(folder.path(), false));
    }
    print_head(&format!("{} open alerts, start to SERVING", options.open), &["CPU s", "wall s", "peak MiB"]);
    row("from a snapshot", options.open, &from_snapshot);
    row("from the logs alone", options.open, &from_logs);
}

fn row(what: &str, open: usize, runs: &[Restarted]) {
    let is_whole = |run: &Restarted| (run.open - open as f64).abs() < 0.5;
    assert!(runs.iter().all(is_whole), "{open} alerts are open before and after: {runs:?}");
    let middle = |of: fn(&Restarted) -> f64| median(runs.iter().map(of).collect());
    let [cpu, wall, peak] = [middle(|run| run.cpu), middle(|run| run.wall), middle(|run| run.peak)];
    print_row(what, &[format!("{cpu:.2}"), format!("{wall:.2}"), format!("{peak:.0}")]);
}

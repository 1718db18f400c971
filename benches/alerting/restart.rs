//! How long a restart takes with many open alerts: from before the embedded logs are opened until the service says SERVING. Its
//! alerts were opened by the service itself, which has a feed and a subscription to everything and was stopped in order, so that
//! it left a snapshot. With the snapshot and without, in turn, in processes of their own.
use crate::service::{Restarted, filled, restarted};
use crate::{Options, head, line, median};

pub(crate) fn tell(options: &Options) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    filled(folder.path(), options.open);
    let (mut from_snapshot, mut from_logs) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        from_snapshot.push(restarted(folder.path(), true));
        from_logs.push(restarted(folder.path(), false));
    }
    head(&format!("{} open alerts, start to SERVING", options.open), &["CPU s", "wall s", "peak MiB"]);
    row("from a snapshot", options.open, &from_snapshot);
    row("from the logs alone", options.open, &from_logs);
}

fn row(what: &str, open: usize, runs: &[Restarted]) {
    let is_whole = |run: &Restarted| (run.open - open as f64).abs() < 0.5;
    assert!(runs.iter().all(is_whole), "{open} alerts are open before and after: {runs:?}");
    let middle = |of: fn(&Restarted) -> f64| median(runs.iter().map(of).collect());
    let [cpu, wall, peak] = [middle(|run| run.cpu), middle(|run| run.wall), middle(|run| run.peak)];
    line(what, &[format!("{cpu:.2}"), format!("{wall:.2}"), format!("{peak:.0}")]);
}

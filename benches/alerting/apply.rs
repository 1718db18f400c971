//! Time to put many rules on a service that has figures, a thousand at a time as `orewatch rules apply` does:
//! until all are stored, and until all are evaluated. Runs in a separate process.
use crate::service::{Applied, apply_in_child};
use crate::{Options, median, print_head, print_row};

pub(crate) fn report(options: &Options) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folders = (0..options.runs).map(|run| folder.path().join(run.to_string()));
    let runs: Vec<Applied> = folders.map(|folder| apply_in_child(&folder, options.rules)).collect();
    print_head(&format!("{} rules put, {} exposures", options.rules, options.open), &["CPU s", "wall s"]);
    let row = |what: &str, of: fn(&Applied) -> [f64; 2]| {
        let [cpu, wall] = [0, 1].map(|k| median(runs.iter().map(|run| of(run)[k]).collect()));
        print_row(what, &[format!("{cpu:.2}"), format!("{wall:.2}")]);
    };
    row("until all are stored", |run| run.stored);
    row("until all are evaluated", |run| run.evaluated);
    row("the same rules once more", |run| run.again);
}

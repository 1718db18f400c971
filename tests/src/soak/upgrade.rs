//! Two versions of the program side by side on one log, and the way from one to the other and back, under
//! load.
use std::path::PathBuf;
use std::time::Duration;

use super::clients::Clients;
use super::world::{REPLICAS, World};
use super::{Report, Soak, finish, report};
use crate::tools::orewatch;

/// Processes in the order in which they are replaced: downstream first, so that a service never reads what
/// one of a later version wrote before it has been replaced itself.
const ORDER: [usize; 3] = [2, 1, 0];

/// An upgrade from another version to this one.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// Program of the other version.
    pub previous: PathBuf,
    /// How long the load lasts.
    pub duration: Duration,
    /// Rows a second.
    pub rows: u64,
}

/// Replaces all processes by this version, one after the other, and then half of them by the other version
/// again, so that both answer in the end. `said` is told what happens.
///
/// # Panics
/// If the system does not start, a process does not stop in order, or the system does not settle; the message
/// has what the processes wrote last.
pub fn run_upgrade(upgrade: &Upgrade, said: &mut dyn FnMut(&str)) -> Report {
    let mut world = World::start(&upgrade.previous, false).unwrap_or_else(|reason| panic!("{reason}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (run, clients) = runtime.block_on(Clients::start(&world, upgrade.duration, upgrade.rows));
    let steps = steps();
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    for (number, (process, is_new)) in (1..).zip(steps) {
        run.block_until(upgrade.duration * number / (count + 1));
        let program = if is_new { orewatch() } else { upgrade.previous.as_path() };
        world.process(process).replace(program);
        let version = if is_new { "this version" } else { "the other version" };
        said(&format!("{:>6.1} s: process {process} is of {version}", run.now().as_secs_f64()));
    }
    run.block_until(upgrade.duration);
    said("the load has ended; what follows from it is read and compared");
    let outcome = runtime.block_on(finish::finish(&world, clients, &run));
    let soak = Soak {
        seed: 0,
        duration: upgrade.duration,
        rows: upgrade.rows,
        without: Vec::new(),
        is_timed: false,
    };
    report(&soak, &[], outcome)
}

/// Which process is replaced, and whether by this version.
fn steps() -> Vec<(usize, bool)> {
    let replaced = |replica: usize, is_new| ORDER.map(|service| (service * REPLICAS + replica, is_new));
    [replaced(0, true), replaced(1, true), replaced(1, false)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_is_replaced_and_both_versions_answer_in_the_end() {
        let steps = steps();
        assert_eq!(steps.len(), 9);
        for process in 0..6 {
            let own: Vec<bool> = steps.iter().filter(|step| step.0 == process).map(|step| step.1).collect();
            let expected: &[bool] = if process % REPLICAS == 0 { &[true] } else { &[true, false] };
            assert_eq!(own, expected, "process {process}");
        }
    }
}

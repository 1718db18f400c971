//! A load with faults, which counts what was lost, repeated or late.
//!
//! Three NATS servers with three copies of each log, two processes of each service, a subscriber that resumes
//! with its tokens, and a receiver of webhooks run on one machine. Every connection between them goes through
//! a proxy of ours ([`FaultProxy`](orewatch_testkit::FaultProxy)). While small releases of many datasets are
//! committed, faults happen as a [`mod@plan`] says, which follows from a seed:
//!
//! ```text
//! releases -> ingestion x 2 -.
//! queries  -> exposure x 2  --- proxies --> NATS x 3 (with proxies between them)
//! subscriber, webhook <- alerting x 2
//! ```
//!
//! Kills keep what the system has in memory, such as files that are not flushed: a loss of power is not
//! simulated.
//!
//! - `plan` says which fault happens when, `judge` what latencies mean, `verify` compares: plain functions;
//! - `world` is the system, `faults` what happens to it;
//! - `releases`, `subscriber`, `receiver` and `watch` are its clients, by means of `calls`;
//! - `finish` gathers what is on the logs afterwards, and the states; `report` has the promises.
//!
//! [`upgrade`] uses the same system without faults, and replaces its processes by another version.
mod calls;
mod clients;
mod faults;
mod finish;
mod judge;
pub mod plan;
mod receiver;
mod releases;
mod report;
mod run;
mod subscriber;
pub mod upgrade;
mod verify;
mod watch;
mod world;

use std::time::Duration;

use judge::{Disturbance, quantile, recovery, undisturbed};
pub use report::Report;
use report::{MAX_LATENCY, Promised, Recovered};

use clients::Clients;
use faults::{Incident, carry_out};
use plan::{Kind, plan};
use world::World;

use crate::tools::orewatch;

/// A load with faults.
#[derive(Clone, Debug)]
pub struct Soak {
    /// Seed of the faults.
    pub seed: u64,
    /// How long the load lasts.
    pub duration: Duration,
    /// Rows a second. There are a tenth as many transitions.
    pub rows: u64,
    /// Kinds of faults that are left out.
    pub without: Vec<Kind>,
    /// Whether speed is promised, and not only that nothing is lost.
    pub is_timed: bool,
}

/// Runs a load with faults. `said` is told what happens.
///
/// # Panics
/// If the system does not start or does not settle; the message has what the processes wrote last.
pub fn run_soak(soak: &Soak, said: &mut dyn FnMut(&str)) -> Report {
    let faults = plan(soak.seed, soak.duration, &soak.without);
    let with_disk = faults.iter().any(|fault| fault.kind == Kind::FillDiskOfServer);
    let mut world = World::start(orewatch(), with_disk).unwrap_or_else(|reason| {
        panic!("{reason}; leave {} out where that is not permitted", Kind::FillDiskOfServer.name())
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (run, clients) = runtime.block_on(Clients::start(&world, soak.duration, soak.rows));
    said(&format!("the load has begun, with {} faults of seed {}", faults.len(), soak.seed));
    let incidents = carry_out(&mut world, &faults, &run, said);
    run.block_until(soak.duration);
    said("the load has ended; what follows from it is read and compared");
    let outcome = runtime.block_on(finish::finish(&world, clients, &run));
    report(soak, &incidents, outcome)
}

fn report(soak: &Soak, incidents: &[Incident], outcome: finish::Outcome) -> Report {
    let (commits, end) = (outcome.commits(), soak.duration);
    let ends = incidents.iter().skip(1).map(|next| next.begin).chain([end]);
    let recovered: Vec<Recovered> = incidents
        .iter()
        .zip(ends)
        .map(|(incident, until)| {
            let after = recovery(&commits, incident.end, until, MAX_LATENCY);
            Recovered { incident: *incident, after }
        })
        .collect();
    let disturbed = recovered.iter().map(|Recovered { incident, after }| Disturbance {
        begin: incident.begin,
        end: after.map_or(end, |after| incident.end + after),
    });
    let quiet = undisturbed(&commits, &disturbed.collect::<Vec<_>>());
    let latencies = [500, 990].map(|thousandth| quantile(quiet.clone(), thousandth));
    let rows = soak.rows as f64;
    let promised = Promised { rows, transitions: rows / 10.0, is_timed: soak.is_timed };
    outcome.into_report(soak, promised, recovered, latencies)
}

//! Who connects to NATS, and which logs each may read and write.
use orewatch_eventlog::jetstream::Identity;

use super::LOGS;

/// Stream of a log on which an operator marks events that must not count.
const SKIPS: &str = "skips";

/// All identities, with so many processes of each service.
pub(super) fn identities(instances: usize) -> Vec<Identity> {
    let service = |name: &str, reads: &[&str], writes: &str| Identity {
        name: name.to_owned(),
        reads: reads.iter().map(|log| (*log).to_owned()).collect(),
        writes: vec![writes.to_owned()],
        instances,
        administers: false,
    };
    let alone = |name: &str| Identity {
        name: name.to_owned(),
        reads: Vec::new(),
        writes: Vec::new(),
        instances: 1,
        administers: false,
    };
    vec![
        Identity { administers: true, ..alone("setup") },
        service("ingestion", &["observations"], "observations"),
        service("exposure", &["observations", "exposures"], "exposures"),
        service("alerting", &["exposures", "alerts"], "alerts"),
        Identity { reads: vec!["alerts".to_owned()], ..alone("subscriber") },
        Identity {
            reads: LOGS.iter().map(|log| (*log).to_owned()).collect(),
            writes: LOGS.iter().map(|log| format!("{log}.{SKIPS}")).collect(),
            ..alone("operator")
        },
    ]
}

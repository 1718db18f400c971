//! Who connects to NATS, and which logs each may read and write.
use orewatch_eventlog::jetstream::Identity;
use orewatch_eventlog::skips_stream;

use super::LOGS;

/// All identities, with so many processes of each service.
pub(crate) fn identities(instances: usize) -> Vec<Identity> {
    let service = |name: &str, reads: &[&str], writes: &str| Identity {
        name: name.to_owned(),
        reads: reads.iter().map(|log| (*log).to_owned()).collect(),
        writes: vec![writes.to_owned()],
        instances,
        administers: false,
        holds_leases: false,
    };
    let sharing = |name: &str, reads: &[&str], writes: &str| Identity {
        holds_leases: true,
        ..service(name, reads, writes)
    };
    let alone = |name: &str| Identity {
        name: name.to_owned(),
        reads: Vec::new(),
        writes: Vec::new(),
        instances: 1,
        administers: false,
        holds_leases: false,
    };
    vec![
        Identity { administers: true, ..alone("setup") },
        service("ingestion", &["observations"], "observations"),
        sharing("exposure", &["observations", "exposures"], "exposures"),
        sharing("alerting", &["exposures", "alerts"], "alerts"),
        Identity { reads: vec!["alerts".to_owned()], ..alone("subscriber") },
        Identity {
            reads: LOGS.iter().map(|log| (*log).to_owned()).collect(),
            // It marks events that must not count.
            writes: LOGS.iter().filter_map(|log| Some(skips_stream(log).ok()?.to_string())).collect(),
            ..alone("operator")
        },
    ]
}

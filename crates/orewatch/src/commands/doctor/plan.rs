//! Which checks are made. The plan follows from the settings alone; nothing is looked at yet.
use std::collections::BTreeSet;
use std::path::PathBuf;

use orewatch_runtime::LogTarget;
use orewatch_store::Location;

use super::endpoint::{Endpoint, Scheme};
use crate::services::Service;

/// The part of the settings that the checks depend on.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Where the logs are.
    pub(super) log: LogTarget,
    /// Folder of the embedded logs, or of caches beside logs on NATS.
    pub(super) data: PathBuf,
    /// Address of each service that is looked at, and whether a setting names it.
    pub(super) services: Vec<(Service, String, bool)>,
    /// Other servers: the collector of traces, the endpoint of the bucket.
    pub(super) others: Vec<String>,
    /// Monitoring ports of NATS servers.
    pub(super) monitors: Vec<String>,
    /// Folders and buckets, each with what it is for. Empty if the settings of the services are wrong.
    pub(super) places: Vec<(&'static str, Location)>,
    /// Files that settings name, each with its key.
    pub(super) files: Vec<(&'static str, PathBuf)>,
    /// Certificates are given for NATS, which speaks TLS then whatever its address says.
    pub(super) has_nats_certificates: bool,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read the file that a key names.
    File(&'static str, PathBuf),
    /// Look up the name of a host.
    Lookup(Endpoint),
    /// Look at the certificate of a server.
    Certificate(Endpoint),
    /// Look at the logs, and on NATS at server, streams and permissions.
    Logs(LogTarget),
    /// Ask the monitoring port of a NATS server. `None`: none is named.
    Monitor(Option<String>),
    /// Write, read and remove an object.
    Place(&'static str, Location),
    /// Measure free space in a folder.
    Space(PathBuf),
    /// Measure how fast a folder flushes.
    Sync(PathBuf),
    /// Ask a server for the health of services.
    Services {
        /// Address of the server.
        address: String,
        /// The services.
        services: Vec<Service>,
        /// A setting names the address: then something must be there.
        is_named: bool,
    },
}

/// The checks, from what everything else needs to what needs it.
pub(super) fn plan(facts: &Facts) -> Vec<Step> {
    let mut steps: Vec<Step> = facts.files.iter().map(|(key, path)| Step::File(key, path.clone())).collect();
    let endpoints = endpoints(facts);
    let named = endpoints.iter().filter(|endpoint| endpoint.has_name());
    // One look-up serves all ports of a host.
    let mut seen = BTreeSet::new();
    steps.extend(named.filter(|one| seen.insert(one.host.clone())).cloned().map(Step::Lookup));
    let speaks_tls = |endpoint: &&Endpoint| {
        endpoint.speaks_tls() || endpoint.scheme == Scheme::Nats && facts.has_nats_certificates
    };
    steps.extend(endpoints.iter().filter(speaks_tls).cloned().map(Step::Certificate));
    steps.push(Step::Logs(facts.log.clone()));
    if matches!(facts.log, LogTarget::Nats(_)) {
        match facts.monitors.is_empty() {
            true => steps.push(Step::Monitor(None)),
            false => steps.extend(facts.monitors.iter().cloned().map(Some).map(Step::Monitor)),
        }
    }
    steps.extend(facts.places.iter().map(|(what, place)| Step::Place(what, place.clone())));
    let folders = folders(facts);
    steps.extend(folders.iter().cloned().map(Step::Space));
    steps.extend(folders.into_iter().map(Step::Sync));
    steps.extend(servers(&facts.services));
    steps
}

/// All servers, each once.
fn endpoints(facts: &Facts) -> BTreeSet<Endpoint> {
    let logs: Vec<String> = match &facts.log {
        LogTarget::Nats(servers) => servers.split(',').map(str::to_owned).collect(),
        LogTarget::Embedded(_) => Vec::new(),
    };
    let services = facts.services.iter().map(|(_, address, _)| address);
    let all = logs.iter().chain(services).chain(&facts.others).chain(&facts.monitors);
    all.filter_map(|address| Endpoint::parse(address)).collect()
}

/// The folders that this process writes to, without those inside of another one.
fn folders(facts: &Facts) -> Vec<PathBuf> {
    let places = facts.places.iter().filter_map(|(_, place)| match place {
        Location::Folder(path) => Some(path.clone()),
        Location::Bucket { .. } => None,
    });
    let all: BTreeSet<PathBuf> = [facts.data.clone()].into_iter().chain(places).collect();
    let is_inside = |path: &PathBuf| all.iter().any(|other| other != path && path.starts_with(other));
    all.iter().filter(|path| !is_inside(path)).cloned().collect()
}

/// The servers that have services, each asked for all of its own.
fn servers(services: &[(Service, String, bool)]) -> Vec<Step> {
    let mut servers: Vec<(String, Vec<Service>, bool)> = Vec::new();
    for (service, address, is_named) in services {
        match servers.iter_mut().find(|(known, ..)| known == address) {
            Some((_, known, any)) => {
                known.push(*service);
                *any |= is_named;
            }
            None => servers.push((address.clone(), vec![*service], *is_named)),
        }
    }
    let step = |(address, services, is_named)| Step::Services { address, services, is_named };
    servers.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(log: &str) -> Facts {
        let address = "http://127.0.0.1:7070".to_owned();
        Facts {
            log: log.parse().unwrap(),
            data: PathBuf::from("/data"),
            services: Service::ALL.map(|service| (service, address.clone(), false)).to_vec(),
            others: Vec::new(),
            monitors: Vec::new(),
            places: vec![
                ("archive", Location::Folder(PathBuf::from("/data/archive"))),
                ("snapshots", Location::Folder(PathBuf::from("/snapshots"))),
            ],
            files: Vec::new(),
            has_nats_certificates: false,
        }
    }

    #[test]
    fn one_process_on_one_machine_needs_no_network() {
        let steps = plan(&facts("embedded:/data"));
        let folder = |path: &str| Location::Folder(PathBuf::from(path));
        assert_eq!(
            steps,
            [
                Step::Logs(LogTarget::Embedded(PathBuf::from("/data"))),
                Step::Place("archive", folder("/data/archive")),
                Step::Place("snapshots", folder("/snapshots")),
                // The archive is on the disk of the data.
                Step::Space(PathBuf::from("/data")),
                Step::Space(PathBuf::from("/snapshots")),
                Step::Sync(PathBuf::from("/data")),
                Step::Sync(PathBuf::from("/snapshots")),
                Step::Services {
                    address: "http://127.0.0.1:7070".to_owned(),
                    services: Service::ALL.to_vec(),
                    is_named: false,
                },
            ]
        );
    }

    #[test]
    fn each_host_is_looked_up_once_and_each_certificate_is_seen() {
        let mut cluster = facts("tls://user:pw@nats.example:4222,nats://nats.example:4333");
        cluster.others = vec!["https://collector.example:4317".to_owned()];
        cluster.monitors = vec!["http://nats.example:8222".to_owned()];
        let steps = plan(&cluster);
        let shown = |pick: fn(&Step) -> Option<&Endpoint>| -> Vec<String> {
            steps.iter().filter_map(pick).map(Endpoint::to_string).collect()
        };
        let lookups = shown(|step| match step {
            Step::Lookup(endpoint) => Some(endpoint),
            _ => None,
        });
        let hosts: Vec<&str> = lookups.iter().filter_map(|one| one.split(':').next()).collect();
        assert_eq!(hosts, ["nats.example", "collector.example"]);
        let certificates = |step: &Step| matches!(step, Step::Certificate(_));
        assert_eq!(steps.iter().filter(|step| certificates(step)).count(), 2);
        assert!(steps.contains(&Step::Monitor(Some("http://nats.example:8222".to_owned()))));

        cluster.has_nats_certificates = true;
        assert_eq!(plan(&cluster).iter().filter(|step| certificates(step)).count(), 3);
        cluster.monitors.clear();
        assert!(plan(&cluster).contains(&Step::Monitor(None)), "what is not seen is said");
    }

    #[test]
    fn services_of_one_server_are_asked_together() {
        let mut apart = facts("nats://n");
        apart.services = vec![
            (Service::Ingestion, "http://a".to_owned(), true),
            (Service::Exposure, "http://b".to_owned(), false),
            (Service::Alerting, "http://a".to_owned(), false),
        ];
        let servers: Vec<Step> =
            plan(&apart).into_iter().filter(|step| matches!(step, Step::Services { .. })).collect();
        let server = |address: &str, services: &[Service], is_named| Step::Services {
            address: address.to_owned(),
            services: services.to_vec(),
            is_named,
        };
        assert_eq!(
            servers,
            [
                server("http://a", &[Service::Ingestion, Service::Alerting], true),
                server("http://b", &[Service::Exposure], false),
            ]
        );
    }
}

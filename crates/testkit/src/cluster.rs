//! Three NATS servers that replicate, with proxies between them.
use std::collections::BTreeMap;

use crate::{Direction, FaultProxy, NatsServer, SmallDisk};

/// Number of servers.
pub const SERVERS: usize = 3;

/// Three NATS servers with JetStream as one cluster. Every connection between two of them goes through a
/// [`FaultProxy`], so that they can be separated.
///
/// A server knows the others by the ports of the proxies alone: what servers tell each other of their own
/// addresses leads nowhere, and they tell clients nothing. JetStream answers once the servers have elected a
/// leader, some seconds after the start.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<NatsServer>,
    /// By who connects and to whom.
    routes: BTreeMap<(usize, usize), FaultProxy>,
    disk: Option<SmallDisk>,
}

impl NatsCluster {
    /// Number of the server whose data are on the small disk, if there is one.
    pub const SMALL: usize = SERVERS - 1;

    /// Starts the servers.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on(None)
    }

    /// Starts the servers, the last of them on a small disk.
    #[must_use]
    pub fn start_on(disk: Option<SmallDisk>) -> Self {
        let pairs = (0..SERVERS).flat_map(|from| (0..SERVERS).map(move |to| (from, to)));
        let pairs = pairs.filter(|(from, to)| from != to);
        let routes = pairs.map(|pair| (pair, FaultProxy::start())).collect();
        let mut cluster = Self { servers: Vec::new(), routes, disk };
        for number in 0..SERVERS {
            let more = cluster.configuration(number);
            let disk = cluster.disk.as_ref().filter(|_| number == Self::SMALL);
            let server = match disk {
                Some(disk) => NatsServer::start_on(disk, &more),
                None => NatsServer::start_with(&more),
            };
            cluster.servers.push(server);
            cluster.announce(number);
        }
        cluster
    }

    /// Port on which a server takes clients. It stays the same.
    #[must_use]
    pub fn port(&self, number: usize) -> u16 {
        self.server(number).port()
    }

    /// Where clients connect to, around all proxies: `nats://HOST:PORT`, separated by commas.
    #[must_use]
    pub fn urls(&self) -> String {
        self.servers.iter().map(NatsServer::url).collect::<Vec<_>>().join(",")
    }

    /// Kills a server (SIGKILL).
    pub fn kill(&mut self, number: usize) {
        self.servers.get_mut(number).expect("there is such a server").kill();
    }

    /// Starts a server again on its data. It is killed if it runs.
    pub fn restart(&mut self, number: usize) {
        self.servers.get_mut(number).expect("there is such a server").restart();
        self.announce(number);
    }

    /// Stops a server in its tracks (SIGSTOP).
    pub fn pause(&self, number: usize) {
        self.server(number).pause();
    }

    /// Lets a paused server go on.
    pub fn resume(&self, number: usize) {
        self.server(number).resume();
    }

    /// The proxies between a server and the others, each with the direction in which bytes leave the server.
    pub fn routes_of(&self, number: usize) -> impl Iterator<Item = (&FaultProxy, Direction)> {
        self.routes.iter().filter_map(move |((from, to), proxy)| match (*from == number, *to == number) {
            (true, _) => Some((proxy, Direction::ToTarget)),
            (_, true) => Some((proxy, Direction::FromTarget)),
            (false, false) => None,
        })
    }

    /// The disk of the server [`SMALL`](Self::SMALL).
    #[must_use]
    pub fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    fn server(&self, number: usize) -> &NatsServer {
        self.servers.get(number).expect("there is such a server")
    }

    fn configuration(&self, number: usize) -> String {
        let own = self.routes.iter().filter(|((from, _), _)| *from == number);
        let routes: Vec<_> = own.map(|(_, proxy)| format!("\"nats-route://{}\"", proxy.address())).collect();
        format!(
            "server_name: test-{number}\n\
             cluster {{ name: test, listen: \"127.0.0.1:-1\", no_advertise: true, \
             cluster_advertise: \"127.0.0.1:1\", routes: [{}] }}",
            routes.join(", ")
        )
    }

    /// Tells the proxies where a server takes the others.
    fn announce(&mut self, number: usize) {
        let port = self.servers.get_mut(number).expect("there is such a server").cluster_port();
        for ((_, to), proxy) in &self.routes {
            if *to == number {
                proxy.forward_to(port);
            }
        }
    }
}

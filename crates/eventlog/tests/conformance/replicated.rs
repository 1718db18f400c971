//! A log with three copies loses nothing when one of the servers is away.
use std::sync::Arc;

use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{EventLog, Filter};
use orewatch_testkit::{Direction, NatsCluster, SERVERS};

use crate::harness::{PATIENCE, read_now, soon};
use crate::samples::{LOG, events, stream};

/// Opens the log once the servers have found each other: before, they refuse three copies.
async fn open(cluster: &NatsCluster) -> Arc<dyn EventLog> {
    let opened = async {
        loop {
            let options =
                JetStreamOptions { replicas: SERVERS, patience: PATIENCE, ..JetStreamOptions::default() };
            if let Ok(nats) = jetstream::connect(&cluster.urls(), options).await
                && let Ok(log) = nats.open(LOG).await
            {
                return log;
            }
        }
    };
    Box::pin(soon(opened)).await
}

/// Appends two events after those that are there.
async fn append(log: &Arc<dyn EventLog>, expected: u64) -> u64 {
    let seed = u128::from(expected) + 1;
    let appended = log.append(&stream("a"), expected, events(seed..seed + 2)).await;
    appended.unwrap().last().copied().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_survive_the_loss_of_any_server() {
    let mut cluster = NatsCluster::start();
    let log = open(&cluster).await;
    let mut head = append(&log, 0).await;
    for number in 0..SERVERS {
        cluster.kill(number);
        head = append(&log, head).await;
        cluster.restart(number);
        head = append(&log, head).await;
    }
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), 2 + 4 * SERVERS);
    assert_eq!(log.extent().await.unwrap().head, head, "stored exactly once");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_survive_a_server_that_the_others_do_not_hear() {
    let cluster = NatsCluster::start();
    let log = open(&cluster).await;
    let mut head = append(&log, 0).await;
    for number in 0..SERVERS {
        for (route, leaving) in cluster.routes_of(number) {
            match number {
                // Nothing goes between it and the others.
                0 => route.refuse(),
                // What it says does not arrive.
                1 => route.hold(leaving),
                // What the others say does not arrive.
                _ if leaving == Direction::ToTarget => route.hold(Direction::FromTarget),
                _ => route.hold(Direction::ToTarget),
            }
        }
        let appended = tokio::time::timeout(PATIENCE / 6, append(&log, head)).await;
        cluster.routes_of(number).for_each(|(route, _)| route.heal());
        // Where the client is connected to that server, nothing is stored before the network is back.
        head = match appended {
            Ok(head) => head,
            Err(_) => append(&log, head).await,
        };
        head = append(&log, head).await;
    }
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), 2 + 4 * SERVERS);
    assert_eq!(log.extent().await.unwrap().head, head, "stored exactly once");
}

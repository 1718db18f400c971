//! Replicas that share their work: who is there, and who should hold what.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use orewatch_eventlog::leases::{Leases, LocalLeases};
use orewatch_runtime::{ClientTls, Context, Member, Members, OpenLeases, Record, Sharing, SystemClock};
use tokio::time::{Instant, timeout};
use tonic_health::server::HealthReporter;

const PARTITIONS: [&str; 5] = ["claims", "cobalt", "copper", "graphite", "lithium"];

/// Time to live of an announcement.
const LEASE: Duration = Duration::from_secs(3);

/// Longest time until a change of who is there is seen, once it can be.
const SEEN: Duration = Duration::from_secs(1);

struct Replica {
    context: Context,
    sharing: Sharing,
}

fn replica(leases: &Arc<LocalLeases>, name: &str) -> Replica {
    let context = Context::new(Arc::new(SystemClock), HealthReporter::new());
    let leases = Arc::clone(leases) as Arc<dyn Leases>;
    let open: OpenLeases = Box::new(move || {
        let leases = Arc::clone(&leases);
        async move { Ok(leases) }.boxed()
    });
    let (address, tls) =
        (format!("http://replica-{name}:7072"), ClientTls::new(None, None, Arc::new(SystemClock)));
    let member = Member { name: name.to_owned(), address, tls };
    let sharing = Sharing::start(&context, open, member, BTreeSet::from(PARTITIONS));
    Replica { context, sharing }
}

async fn joined(leases: &Arc<LocalLeases>, names: &[&str]) -> Vec<Replica> {
    let replicas: Vec<_> = names.iter().map(|name| replica(leases, name)).collect();
    for replica in &replicas {
        replica.sharing.join();
    }
    for replica in &replicas {
        replica.sharing.settled().await;
    }
    replicas
}

fn names(members: &Members) -> Vec<&str> {
    members.records.keys().map(String::as_str).collect()
}

/// Waits until a replica sees these members, and no longer.
async fn sees(replica: &Replica, wanted: &[&str], within: Duration) {
    let mut members = replica.sharing.members();
    let seen = timeout(within, members.wait_for(|members| names(members) == wanted)).await;
    assert!(seen.is_ok(), "{:?} and not {wanted:?}", names(&replica.sharing.members().borrow()));
}

#[tokio::test(start_paused = true)]
async fn replicas_that_start_together_agree_who_does_what() {
    let leases = Arc::default();
    let replicas = joined(&leases, &["0", "1", "2"]).await;
    let assigned = replicas.iter().map(|replica| replica.sharing.members().borrow().assigned.clone());
    let assigned: Vec<_> = assigned.collect();
    assert!(assigned.iter().all(|one| *one == assigned[0] && one.len() == PARTITIONS.len()), "{assigned:?}");
    for key in PARTITIONS.into_iter().chain(["a receiver", "a subscription"]) {
        let responsible = replicas.iter().filter(|replica| replica.sharing.is_responsible(key));
        assert_eq!(responsible.count(), 1, "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_there_before_it_has_joined() {
    let leases = Arc::default();
    let first = joined(&leases, &["0"]).await.remove(0);
    let second = replica(&leases, "1");
    sees(&second, &["0"], SEEN).await;
    tokio::time::sleep(LEASE).await;
    assert_eq!(names(&first.sharing.members().borrow()), ["0"]);
    second.sharing.join();
    sees(&first, &["0", "1"], SEEN).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_says_reaches_the_others() {
    let leases = Arc::default();
    let replicas = joined(&leases, &["0", "1"]).await;
    replicas[1].sharing.update(|record| {
        record.held.insert("cobalt".to_owned());
        record.progress.insert("applied".to_owned(), 7);
    });
    let mut members = replicas[0].sharing.members();
    let says = |members: &Arc<Members>| {
        members
            .records
            .get("1")
            .is_some_and(|record| record.holds("cobalt") && record.progress("applied") == 7)
    };
    timeout(SEEN, members.wait_for(says)).await.unwrap().unwrap();
    assert!(replicas[1].sharing.record().holds("cobalt"));
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_in_order_is_gone_at_once() {
    let leases = Arc::default();
    let replicas = joined(&leases, &["0", "1"]).await;
    replicas[1].context.shutdown.cancel();
    sees(&replicas[0], &["0"], SEEN).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_killed_is_gone_when_its_lease_is_over() {
    let leases: Arc<LocalLeases> = Arc::default();
    let first = joined(&leases, &["0"]).await.remove(0);
    let said = serde_json::to_vec(&Record::default()).unwrap();
    leases.announce("1", said.into(), LEASE).await.unwrap();
    sees(&first, &["0", "1"], SEEN).await;
    let seen = Instant::now();
    sees(&first, &["0"], LEASE + SEEN).await;
    assert!(seen.elapsed() >= LEASE - SEEN, "not before: {:?}", seen.elapsed());
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_with_one_ordinal_the_later_ends() {
    let leases = Arc::default();
    let first = joined(&leases, &["0"]).await.remove(0);
    // The clock of the machine goes on although that of the test stands.
    std::thread::sleep(Duration::from_millis(2));
    let second = replica(&leases, "0");
    second.sharing.join();
    timeout(Duration::from_secs(30), second.context.shutdown.cancelled()).await.unwrap();
    let failure = second.context.failure().unwrap();
    assert_eq!((failure.code.as_str(), failure.field.as_str()), ("ordinal-taken", "ordinal"));
    assert_eq!(first.context.failure(), None);
    tokio::time::sleep(LEASE).await;
    sees(&first, &["0"], SEEN).await;
}

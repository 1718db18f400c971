//! Leases: one meaning for the members of a process and for those of a cluster.
use std::sync::Arc;
use std::time::{Duration, Instant};

use orewatch_eventlog::Error;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::leases::{Leases, LocalLeases};

use crate::harness::{Harness as _, JetStream};

/// Longest time that a lapsed announcement may still be read.
const LAPSING: Duration = Duration::from_secs(10);

const MINUTE: Duration = Duration::from_secs(60);

/// The leases of a service.
async fn leases(harness: &JetStream, service: &str) -> Arc<dyn Leases> {
    let nats = jetstream::connect(&harness.0.url(), JetStreamOptions::default()).await.unwrap();
    nats.leases(service).await.unwrap()
}

async fn announce(leases: &dyn Leases, member: &str, said: &'static str, ttl: Duration) -> u64 {
    leases.announce(member, said.as_bytes().into(), ttl).await.unwrap()
}

/// Member, revision and record of every announcement.
async fn announced(leases: &dyn Leases) -> Vec<(String, u64, String)> {
    let all = leases.announcements().await.unwrap().into_iter();
    let text = |record: &[u8]| String::from_utf8(record.to_vec()).unwrap();
    all.map(|one| (one.member, one.revision, text(&one.record))).collect()
}

fn said(member: &str, revision: u64, record: &str) -> (String, u64, String) {
    (member.to_owned(), revision, record.to_owned())
}

async fn the_last_announcement_of_a_member_counts_until_it_lapses(leases: &dyn Leases) {
    assert_eq!(announced(leases).await, []);
    let first = announce(leases, "0", "a", MINUTE).await;
    let second = announce(leases, "1", "b", MINUTE).await;
    assert!(first < second);
    assert_eq!(announced(leases).await, [said("0", first, "a"), said("1", second, "b")]);
    let third = announce(leases, "0", "c", MINUTE).await;
    let fourth = announce(leases, "2", "d", Duration::from_secs(1)).await;
    assert!(second < third && third < fourth);
    let staying = [said("1", second, "b"), said("0", third, "c")];
    let all = announced(leases).await;
    assert!(all.starts_with(&staying), "in the order of revisions: {all:?}");
    let began = Instant::now();
    while announced(leases).await != staying {
        assert!(began.elapsed() < LAPSING, "2 is still there: {:?}", announced(leases).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let fifth = announce(leases, "2", "e", MINUTE).await;
    assert!(fifth > fourth);
    assert_eq!(announced(leases).await.last(), Some(&said("2", fifth, "e")));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_process_the_last_announcement_of_a_member_counts_until_it_lapses() {
    the_last_announcement_of_a_member_counts_until_it_lapses(&LocalLeases::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_the_last_announcement_of_a_member_counts_until_it_lapses() {
    let harness = JetStream::start().await;
    the_last_announcement_of_a_member_counts_until_it_lapses(&*leases(&harness, "exposure").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_do_not_see_each_other() {
    let harness = JetStream::start().await;
    let (exposure, alerting) = (leases(&harness, "exposure").await, leases(&harness, "alerting").await);
    announce(&*exposure, "0", "a", MINUTE).await;
    let revision = announce(&*alerting, "0", "b", MINUTE).await;
    assert_eq!(announced(&*alerting).await, [said("0", revision, "b")]);
    assert_eq!(announced(&*exposure).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_noticed_within_a_lease_and_its_return_as_well() {
    let mut harness = JetStream::start().await;
    let leases = leases(&harness, "exposure").await;
    let revision = announce(&*leases, "0", "a", MINUTE).await;
    harness.0.kill();
    let began = Instant::now();
    let refused = leases.announce("0", "b".as_bytes().into(), MINUTE).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    let unread = leases.announcements().await;
    assert!(matches!(unread, Err(Error::Unavailable { .. })), "{unread:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "two calls took {:?}", began.elapsed());
    harness.0.restart();
    let began = Instant::now();
    let announced = loop {
        match leases.announce("0", "c".as_bytes().into(), MINUTE).await {
            Ok(revision) => break revision,
            Err(error) => assert!(began.elapsed() < MINUTE, "{error}"),
        }
    };
    assert!(announced > revision, "revisions go on after a restart");
}

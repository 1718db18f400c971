//! Appends per second: `cargo run --profile dist -p orewatch-eventlog --example append_rate --
//! DIR|nats://HOST:PORT [WRITERS [EVENTS [SIZE]]]`.
//!
//! Each writer appends events of SIZE bytes to a stream of its own, one at a time, each durable before the
//! next.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing better to do than to say so"
)]
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{EventLog, Filter, Item, NewEvent, StreamName, embedded};
use uuid::Uuid;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().expect("name a directory or a NATS server");
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (writers, events, size) = (number(64), number(64_000), number(200));
    let log = if target.starts_with("nats://") {
        let nats = jetstream::connect(&target, JetStreamOptions::default()).await.expect("a server");
        nats.open("observations").await.expect("the log opens")
    } else {
        embedded::open(Path::new(&target), "observations").expect("the log opens")
    };
    let before = log.extent().await.expect("the log answers").head;

    let start = Instant::now();
    let tasks =
        (0..writers).map(|writer| tokio::spawn(write(Arc::clone(&log), writer, events / writers, size)));
    join_all(tasks.collect::<Vec<_>>())
        .await
        .into_iter()
        .for_each(|task| task.expect("the writer ends well"));
    let written = log.extent().await.expect("the log answers").head - before;
    report("append", written, start);

    let start = Instant::now();
    let mut items = log.read(Filter::All, before);
    let mut read = 0;
    while let Some(Ok(Item::Event(_))) = items.next().await {
        read += 1;
    }
    report("read", read, start);
}

async fn write(log: Arc<dyn EventLog>, writer: u64, count: u64, size: u64) {
    let stream = StreamName::new(format!("observations.writer-{}", Uuid::now_v7())).expect("a name");
    let data = vec![u8::try_from(writer % 256).unwrap_or(0); usize::try_from(size).expect("a size")];
    let mut expected = 0;
    for _ in 0..count {
        let event = NewEvent {
            id: Uuid::now_v7(),
            kind: "measurement".to_owned(),
            time: "2026-01-15T08:30:00Z".parse().expect("a time"),
            data: data.clone().into(),
            traceparent: None,
        };
        let positions = log.append(&stream, expected, vec![event]).await.expect("it is stored");
        expected = positions.first().copied().expect("one position");
    }
}

fn report(what: &str, events: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let events = f64::from(u32::try_from(events).expect("fewer than four thousand million"));
    println!("{what}: {events} events in {seconds:.2} s, {:.0}/s", events / seconds);
}

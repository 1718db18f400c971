//! Benchmark of files over HTTP: figures from a stream to the bytes of a file.
//!
//! `just bench-console [--rows N] [--runs N]`: a console fetches N figures (1,000,000 by default) from a
//! stand-in for the exposure service, and a client reads them as a file of each format, with all columns and
//! with ten. Prints the shortest time, the size, and how much memory the console took. Fails if the CSV file
//! of ten columns takes longer than two seconds per million rows, or any takes 64 MiB.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

use std::env;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use orewatch_tests::flood::Flood;
use orewatch_tests::process::Server;

/// Columns that say what a figure is.
const COLUMNS: &str = "consumer,material,stage,supplier,measure,period,value,low,high,status";

/// Most seconds for a million rows.
const MAX_SECONDS: f64 = 2.0;

/// Most memory that a file takes, in MiB.
const MAX_MEMORY: f64 = 64.0;

/// The format and columns that have to be quick enough.
const HELD: (&str, &str) = ("csv", COLUMNS);

fn main() {
    let (mut rows, mut runs) = (1_000_000_u32, 3_u32);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|text| text.parse().ok()).expect("a number after the flag");
        match flag.as_str() {
            "--rows" => rows = number,
            "--runs" => runs = number,
            _ => panic!("{flag} is none of --rows, --runs"),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let flood = runtime.block_on(Flood::start(u64::from(rows), true));
    println!("{rows} rows, the shortest of {runs} runs");
    println!("{:<10}{:>10}{:>10}{:>10}{:>14}{:>12}", "format", "columns", "s", "MiB", "rows/s", "memory MiB");
    for columns in [COLUMNS, ""] {
        for format in ["csv", "json", "arrow", "parquet", "xlsx"] {
            measure(&flood, rows, runs, (format, columns));
        }
    }
}

fn measure(flood: &Flood, rows: u32, runs: u32, (format, columns): (&str, &str)) {
    let console = Server::start(&["console", "--server", flood.address()]);
    let [before, _] = console.memory();
    let path = match columns {
        "" => format!("/api/v1/exposures.{format}"),
        columns => format!("/api/v1/exposures.{format}?fields={columns}"),
    };
    let (mut least, mut size) = (f64::INFINITY, 0.0);
    for _ in 0..runs {
        let begun = Instant::now();
        size = mebibytes(read_all(console.address(), &path));
        least = least.min(begun.elapsed().as_secs_f64());
    }
    let [_, peak] = console.memory();
    let memory = mebibytes(peak.saturating_sub(before) << 10);
    let count = if columns.is_empty() { "all" } else { "10" };
    let speed = f64::from(rows) / least;
    println!("{format:<10}{count:>10}{least:>10.2}{size:>10.1}{speed:>14.0}{memory:>12.1}");
    assert!(memory < MAX_MEMORY, "a file takes {memory} MiB");
    let limit = MAX_SECONDS * (f64::from(rows) / 1e6).max(1.0);
    assert!((format, columns) != HELD || least < limit, "{least} s, limit {limit} s");
}

/// Reads an answer to its end, keeps nothing of it, and returns its length in bytes.
fn read_all(address: &str, path: &str) -> u64 {
    let mut tcp = TcpStream::connect(address).expect("the console listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).expect("it takes the request");
    let (mut buffer, mut end, mut length) = (vec![0; 256 << 10], Vec::new(), 0);
    loop {
        let count = tcp.read(&mut buffer).expect("it answers");
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        length += u64::try_from(count).expect("a length");
        end.extend(piece.iter().rev().take(5).rev());
        end.drain(..end.len().saturating_sub(5));
    }
    assert!(end == b"0\r\n\r\n", "the answer of {path} is not whole, or has no chunks");
    length
}

fn mebibytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).expect("less than a tebibyte")) / 1024.0
}

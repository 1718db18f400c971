//! What processes cost, as Linux counts it.
use std::fs;

/// Ticks of processor time in a second, on every Linux of today.
const TICKS: f64 = 100.0;

/// Seconds of processor time of all processes that were started here and have ended.
pub(crate) fn ended_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("the bench runs on Linux");
    // The name of the process, in parentheses, may hold anything; times of ended children are fields 16 and 17.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(13).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().expect("ticks are a number")).sum::<f64>() / TICKS
}

/// The most memory that a process has had, in MiB.
pub(crate) fn peak(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says VmHWM");
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok());
    kib.expect("a number of KiB") / 1024.0
}

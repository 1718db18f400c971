//! CPU time and memory of processes, as Linux reports them.
use std::fs;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::Duration;

/// Ticks of CPU time per second, on every current Linux.
const TICKS: f64 = 100.0;

/// CPU seconds of all child processes that have ended.
pub(crate) fn cpu_of_ended_children() -> f64 {
    // Times of ended children are fields 16 and 17.
    ticks("self", 13)
}

/// CPU seconds of a process so far.
pub(crate) fn cpu_of(process: u32) -> f64 {
    ticks(&process.to_string(), 11)
}

/// Sum of two consecutive fields in `/proc/PROCESS/stat`, counted after its name, in seconds.
fn ticks(process: &str, place: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the bench runs on Linux");
    // The name of the process, in parentheses, may contain any characters.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(place).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().expect("ticks are a number")).sum::<f64>() / TICKS
}

/// Peak memory of a process, in MiB.
pub(crate) fn peak_memory(process: u32) -> f64 {
    try_peak(process).expect("the process lives, and Linux says VmHWM")
}

/// Waits for a process. Returns its exit status, and the peak memory that was observed, in MiB.
pub(crate) fn wait_and_watch(mut process: Child) -> (ExitStatus, f64) {
    let mut peak = 0.0_f64;
    loop {
        peak = try_peak(process.id()).map_or(peak, |now| now.max(peak));
        if let Some(status) = process.try_wait().expect("the process can be asked") {
            return (status, peak);
        }
        sleep(Duration::from_millis(5));
    }
}

fn try_peak(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

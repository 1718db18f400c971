//! Progress of an ingestion: a bar on a terminal, elsewhere a line every ten seconds.
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orewatch_ingestion::client::{Phase, Progress};

use crate::commands::print_message;
use crate::words::grouped;

/// Interval between two lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows the progress on standard error.
#[derive(Clone, Debug)]
pub(crate) struct ProgressDisplay {
    bar: Option<ProgressBar>,
    phase: Option<Phase>,
    /// When the phase began.
    began: Instant,
    /// When the last line was printed.
    last_line: Instant,
}

impl ProgressDisplay {
    /// Creates the display, with a bar if standard error is a terminal.
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let template = "{prefix:12} {bar:30} {bytes}/{total_bytes} {msg}";
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ ")),
                Err(_) => bar,
            }
        });
        let now = Instant::now();
        Self { bar, phase: None, began: now, last_line: now }
    }

    /// Shows the current progress.
    pub(crate) fn update(&mut self, now: &Progress) {
        if self.phase != Some(now.phase) {
            self.phase = Some(now.phase);
            self.began = Instant::now();
        }
        let details = self.details(now);
        if let Some(bar) = &self.bar {
            bar.set_length(now.total_bytes);
            bar.set_position(now.bytes.min(now.total_bytes));
            bar.set_prefix(phase_word(now.phase));
            bar.set_message(details);
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            let share = percent_done(now).map(|share| format!(" {share:.0} %")).unwrap_or_default();
            print_message(&format!("{}{share} {details}", phase_word(now.phase)));
        }
    }

    /// Rows, rate, time left and release as text.
    fn details(&self, now: &Progress) -> String {
        let elapsed = self.began.elapsed().as_secs_f64();
        let mut details = Vec::new();
        if now.rows > 0 {
            details.push(format!("{} rows", grouped(now.rows)));
            if elapsed > 0.5 && now.phase == Phase::Recording {
                details.push(format!("{}/s", grouped(rate(now.rows, elapsed))));
            }
        }
        if let Some(left) = percent_done(now).filter(|share| *share > 1.0 && elapsed > 1.0) {
            let left = Duration::from_secs_f64((elapsed * (100.0 - left) / left).clamp(0.0, 1e6));
            details.push(format!("{} s left", left.as_secs()));
        }
        if !now.release.is_empty() {
            details.push(now.release.clone());
        }
        details.join(", ")
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Sending => "sending",
        Phase::Fetching => "fetching",
        Phase::Identifying => "identifying",
        Phase::Recording => "recording",
        Phase::Gating => "gating",
    }
}

/// Percentage of the bytes that are done, if the total is known.
#[allow(clippy::cast_precision_loss, reason = "a share for people needs no 53 bits")]
fn percent_done(now: &Progress) -> Option<f64> {
    (now.total_bytes > 0).then(|| 100.0 * now.bytes as f64 / now.total_bytes as f64)
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people; casts saturate"
)]
fn rate(rows: u64, seconds: f64) -> u64 {
    (rows as f64 / seconds) as u64
}

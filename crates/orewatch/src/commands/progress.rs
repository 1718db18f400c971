//! How far an ingestion is: a bar on a terminal, a line now and then elsewhere.
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orewatch_ingestion::client::{Phase, Progress};

use super::releases::whole;
use super::say;

/// How often a line is said where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Where it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
    phase: Option<Phase>,
    /// When the phase began, and when a line was said last.
    began: Instant,
    said: Instant,
}

impl Shown {
    /// A bar if standard error is a terminal.
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
        Self { bar, phase: None, began: now, said: now }
    }

    /// Shows how far it is.
    pub(crate) fn tell(&mut self, now: &Progress) {
        if self.phase != Some(now.phase) {
            self.phase = Some(now.phase);
            self.began = Instant::now();
        }
        let words = self.words(now);
        if let Some(bar) = &self.bar {
            bar.set_length(now.total_bytes);
            bar.set_position(now.bytes.min(now.total_bytes));
            bar.set_prefix(word(now.phase));
            bar.set_message(words);
        } else if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            let share = share(now).map(|share| format!(" {share:.0} %")).unwrap_or_default();
            say(&format!("{}{share} {words}", word(now.phase)));
        }
    }

    /// Rows, their rate, how long it may still take, and of which release.
    fn words(&self, now: &Progress) -> String {
        let elapsed = self.began.elapsed().as_secs_f64();
        let mut words = Vec::new();
        if now.rows > 0 {
            words.push(format!("{} rows", whole(now.rows)));
            if elapsed > 0.5 && now.phase == Phase::Recording {
                words.push(format!("{}/s", whole(rate(now.rows, elapsed))));
            }
        }
        if let Some(left) = share(now).filter(|share| *share > 1.0 && elapsed > 1.0) {
            let left = Duration::from_secs_f64((elapsed * (100.0 - left) / left).clamp(0.0, 1e6));
            words.push(format!("{} s left", left.as_secs()));
        }
        if !now.release.is_empty() {
            words.push(now.release.clone());
        }
        words.join(", ")
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Sending => "sending",
        Phase::Fetching => "fetching",
        Phase::Identifying => "identifying",
        Phase::Recording => "recording",
        Phase::Gating => "gating",
    }
}

/// Per cent of the bytes, where it is known how many there are.
#[allow(clippy::cast_precision_loss, reason = "a share for people needs no 53 bits")]
fn share(now: &Progress) -> Option<f64> {
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

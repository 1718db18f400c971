//! Progress of work on a log: a bar on a terminal, elsewhere a line every ten seconds.
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orewatch_backup::Progress;

use crate::commands::print_message;
use crate::words::grouped;

/// Interval between two lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Events between two updates.
const STEP: u64 = 64;

/// Shows the progress on standard error.
#[derive(Debug)]
pub(super) struct ProgressDisplay {
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl ProgressDisplay {
    /// Creates the display, with a bar if standard error is a terminal.
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            match ProgressStyle::with_template("{prefix:12} {bar:30} {pos}/{len} events") {
                Ok(style) => bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ ")),
                Err(_) => bar,
            }
        });
        Self { bar, last_line: Instant::now() }
    }

    /// Shows the current progress.
    pub(super) fn update(&mut self, now: Progress<'_>) {
        if !now.position.is_multiple_of(STEP) && now.position < now.end {
            return;
        }
        let Progress { log, position, end } = now;
        if let Some(bar) = &self.bar {
            bar.set_length(end.max(position));
            bar.set_position(position);
            bar.set_prefix(log.to_owned());
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            print_message(&format!("{log}: {} of {} events", grouped(position), grouped(end)));
        }
    }
}

impl Drop for ProgressDisplay {
    /// Removes the bar.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! Signals of the system.
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// Exit codes of a process that a signal ended, as shells know them.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// Listens for the signals that end a process: SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen: from now on the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// [`crate::Class::Internal`] if the system refuses.
    pub fn listen() -> Result<Self, Failure> {
        let refused = |error| Failure::internal(format!("cannot listen for signals: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(refused)?,
            interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
        })
    }

    /// Waits for the next signal; its name and the exit code that tells of it.
    pub async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", TERMINATED),
            _ = self.interrupt.recv() => ("SIGINT", INTERRUPTED),
        }
    }

    /// From now on the next signal ends the process at once.
    pub fn exit_on_next(mut self) {
        tokio::spawn(async move {
            let (name, code) = self.next().await;
            tracing::error!(signal = name, "second signal: the process ends at once");
            std::process::exit(code);
        });
    }
}

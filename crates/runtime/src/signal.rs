//! Signals that end the process.
use tokio::signal::unix::{Signal, SignalKind, signal};

use orewatch_contracts::Failure;

/// Exit codes after SIGINT and SIGTERM, as shells use them.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// Listens for the signals that end a process: SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen. From now on the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// [`orewatch_contracts::Class::Internal`] if the system refuses.
    pub fn listen() -> Result<Self, Failure> {
        let refused = |error| Failure::internal(format!("cannot listen for signals: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(refused)?,
            interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
        })
    }

    /// Waits for the next signal. Returns its name and the exit code that stands for it.
    pub async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", TERMINATED),
            _ = self.interrupt.recv() => ("SIGINT", INTERRUPTED),
        }
    }

    /// Makes the next signal end the process at once.
    pub fn exit_on_next(mut self) {
        tokio::spawn(async move {
            let (name, code) = self.next().await;
            tracing::error!(signal = name, "second signal: the process ends at once");
            std::process::exit(code);
        });
    }
}

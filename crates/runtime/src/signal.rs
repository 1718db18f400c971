//! Signals that end the process, and one that asks it how it is.
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
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
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

/// Calls `answer` at each SIGQUIT, for as long as the process runs: the signal no longer ends it.
///
/// # Errors
/// [`orewatch_contracts::Class::Internal`] if the system refuses.
pub(crate) fn answer_quit(answer: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let mut quit = listen(SignalKind::quit())?;
    tokio::spawn(async move {
        while quit.recv().await.is_some() {
            answer();
        }
    });
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
}

//! Opening logs while the services on them run already.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_eventlog::{EventLog, Opener, OpeningLog};

use crate::{Context, LogTarget};

/// Time without a log after which that is logged, however long the attempt takes.
const QUIET: Duration = Duration::from_secs(2);

/// Shortest and longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

impl LogTarget {
    /// Opens logs for the services of a process. Files are opened now. Logs on a NATS server are opened in
    /// the background, with some options and for as long as it takes: until then they are like logs that are
    /// away.
    ///
    /// # Errors
    /// Those of a file. A server that is not set up as it must be, or does not permit what is needed, stops
    /// the process later.
    pub async fn open(
        &self,
        context: &Context,
        options: &JetStreamOptions,
        names: &[&str],
    ) -> Result<Vec<Arc<dyn EventLog>>, Failure> {
        if matches!(self, Self::Embedded(_)) {
            return open_all(self, options, names).await;
        }
        let (logs, openers): (Vec<_>, Vec<_>) = names.iter().map(|name| OpeningLog::new(name)).unzip();
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let (target, options, stopped) = (self.clone(), options.clone(), context.shutdown.clone());
        context.spawn("opening of logs", async move {
            tokio::select! {
                () = stopped.cancelled() => Ok(()),
                opened = open_in_background(target, options, names, openers) => opened,
            }
        });
        Ok(logs.into_iter().map(|log| log as Arc<dyn EventLog>).collect())
    }
}

async fn open_all(
    target: &LogTarget,
    options: &JetStreamOptions,
    names: &[&str],
) -> Result<Vec<Arc<dyn EventLog>>, Failure> {
    let store = target.connect(options).await?;
    let mut logs = Vec::new();
    for name in names {
        logs.push(store.open(name).await?);
    }
    Ok(logs)
}

/// Tries until all logs are open.
///
/// # Errors
/// [`Class::Misconfigured`] if trying again does not help.
async fn open_in_background(
    target: LogTarget,
    options: JetStreamOptions,
    names: Vec<String>,
    openers: Vec<Opener>,
) -> Result<(), Failure> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut pause = PAUSES.0;
    loop {
        match loudly(Box::pin(open_all(&target, &options, &names))).await {
            Ok(logs) => {
                openers.iter().zip(logs).for_each(|(opener, log)| opener.open(log));
                tracing::info!(logs = ?names, "the logs are open");
                return Ok(());
            }
            Err(failure) if failure.class == Class::Misconfigured => return Err(failure),
            Err(failure) => {
                tracing::warn!(%failure, "the logs cannot be opened; trying again");
                openers.iter().for_each(|opener| opener.set_reason(failure.message.clone()));
            }
        }
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(PAUSES.1);
    }
}

/// Logs that an attempt takes long.
async fn loudly<T>(attempt: impl Future<Output = T>) -> T {
    let mut attempt = std::pin::pin!(attempt);
    tokio::select! {
        biased;
        done = &mut attempt => done,
        () = tokio::time::sleep(QUIET) => {
            tracing::warn!("waiting for the logs");
            attempt.await
        }
    }
}

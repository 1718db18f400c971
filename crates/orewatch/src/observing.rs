//! What a process of services reports on itself: its admin port, the age of backups, and the expiry of
//! certificates.
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_backup::BackupPlace;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Filter, history};
use orewatch_runtime::metrics::catalogue;
use orewatch_runtime::{Context, Settings, admin};
use orewatch_store::Location;
use tokio::time::{sleep, timeout};

/// Interval between two looks at backups.
const BACKUP_INTERVAL: Duration = Duration::from_secs(60);

/// Time for the backup of a log to be compared with the log.
const BACKUP_PATIENCE: Duration = Duration::from_secs(20);

/// Files with certificates: the name under which their expiry is reported is that of their setting.
const CERTIFICATES: [&str; 6] = ["tls-cert", "tls-client-ca", "tls-ca", "nats-ca", "nats-cert", "ca-file"];

/// What a process reports on itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observing {
    /// Address of the admin port. `None`: there is none.
    admin: Option<SocketAddr>,
    /// Where the backups of the logs are. `None`: their age is not reported.
    backups: Option<Location>,
    certificates: Vec<(&'static str, PathBuf)>,
}

impl Observing {
    /// Reads the settings.
    ///
    /// # Errors
    /// An address or a place that is none.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Failure> {
        let admin: Option<String> = settings.get("admin")?;
        let admin = admin.map(|text| text.parse().map_err(|_| invalid_admin(&text))).transpose()?;
        let mut certificates = Vec::new();
        for name in CERTIFICATES {
            certificates.extend(settings.get(name)?.map(|file| (name, file)));
        }
        Ok(Self { admin, backups: settings.get("backups")?, certificates })
    }

    /// Begins to report. `written` are the logs that the services of the process write.
    ///
    /// # Errors
    /// The admin port cannot be opened, or the place of the backups not be used.
    pub(crate) async fn start(
        &self,
        context: &Context,
        written: Vec<Arc<dyn EventLog>>,
    ) -> Result<(), Failure> {
        for (name, file) in &self.certificates {
            context.watch_certificate(name, file.clone());
        }
        if let Some(location) = &self.backups {
            let place = BackupPlace::open(location.clone())?;
            let (watched, shutdown) = (context.clone(), context.shutdown.clone());
            context.spawn("backup ages", async move {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = watch_backups(&watched, &place, &written) => {}
                }
                Ok(())
            });
        }
        match self.admin {
            Some(address) => admin::listen(context, address).await.map(drop),
            None => Ok(()),
        }
    }
}

fn invalid_admin(text: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-setting", "admin is not an address")
        .at("admin", text)
        .with_hint("write IP:PORT, such as 127.0.0.1:9464, or 0.0.0.0:9464 for a Prometheus elsewhere")
}

/// Reports the age of the backups for ever. What is wrong with one is logged once.
async fn watch_backups(context: &Context, place: &BackupPlace, logs: &[Arc<dyn EventLog>]) {
    let mut problems = vec![None; logs.len()];
    loop {
        for (log, problem) in logs.iter().zip(&mut problems) {
            let complete = timeout(BACKUP_PATIENCE, complete_until(place, &**log, context.clock.now())).await;
            let late = || Err(format!("it took more than {} s", BACKUP_PATIENCE.as_secs()));
            let complete = complete.map_or_else(|_| late(), |done| done.map_err(|failure| failure.message));
            match complete {
                Ok(time) => {
                    context.metrics.set_time(&catalogue::BACKUP_AGE, [log.name()], time);
                    *problem = None;
                }
                Err(why) if problem.as_ref() != Some(&why) => {
                    tracing::warn!(log = log.name(), why, "the age of the backup is not known");
                    *problem = Some(why);
                }
                Err(_) => {}
            }
        }
        sleep(BACKUP_INTERVAL).await;
    }
}

/// The time up to which a backup has everything: the present, or the time of the first event that it lacks.
async fn complete_until(
    place: &BackupPlace,
    log: &dyn EventLog,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let last = place.last_position(log.name()).await?.unwrap_or(0);
    if log.extent().await?.head <= last {
        return Ok(now);
    }
    let missing = history(log, Filter::All, last).next().await.transpose()?;
    Ok(missing.map_or(now, |event| event.time.min(now)))
}

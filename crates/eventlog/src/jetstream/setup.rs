//! Administration of the streams: making those that are missing, and checking all settings that the logs
//! depend on. Nothing that is there is changed: a stream that differs is reported, because repairing it in
//! silence could lose what it holds.
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{ErrorCode, stream};
use tokio::time::Instant;

use super::{
    DURABLE_SERVER_VERSION, JetStream, MIN_MAX_PAYLOAD, MIN_SERVER_VERSION, Trouble, config, misconfigured,
    patiently,
};
use crate::Error;

/// A setting, as it should be and as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is set, such as `server version` or `stream ALERTS: num_replicas`.
    pub setting: String,
    /// What it should be.
    pub wanted: String,
    /// What it is. Empty if it could not be seen.
    pub found: String,
    /// Whether that is good enough.
    pub verdict: Verdict,
    /// What to do unless it passes, and why. Empty if it passes.
    pub remedy: String,
}

/// Whether a setting is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Pass,
    /// It is not.
    Fail,
    /// It could not be seen.
    Unknown,
}

/// What [`JetStream::make`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// There was no stream; now there is one.
    Now,
    /// It was there, as it must be.
    Before,
}

impl Finding {
    /// A setting that was compared.
    #[must_use]
    pub fn compared(setting: &str, wanted: String, found: String, is_good: bool, remedy: &str) -> Self {
        let (verdict, remedy) = match is_good {
            true => (Verdict::Pass, String::new()),
            false => (Verdict::Fail, remedy.to_owned()),
        };
        Self { setting: setting.to_owned(), wanted, found, verdict, remedy }
    }

    /// A setting that could not be seen.
    #[must_use]
    pub fn unknown(setting: &str, wanted: String, remedy: &str) -> Self {
        let (setting, remedy) = (setting.to_owned(), remedy.to_owned());
        Self { setting, wanted, found: String::new(), verdict: Verdict::Unknown, remedy }
    }
}

impl JetStream {
    /// Makes the stream of a log, or the bucket of leases, unless it is there.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] if services would refuse the server, or a stream is there that is not as it
    /// must be, with each difference; [`Error::NotPermitted`]; [`Error::Unavailable`].
    pub async fn make(&self, log: &str) -> Result<Made, Error> {
        self.check_server().map_err(|reason| misconfigured(log, reason))?;
        let deadline = Instant::now() + self.options.patience;
        let asked = self.asked(log, &["STREAM.INFO", "STREAM.CREATE"]);
        let found = patiently(log, deadline, |wait| self.ask(wait, &asked, self.info(log))).await?;
        patiently(log, deadline, |wait| self.ask(wait, &asked, self.stream(log))).await?;
        Ok(if found.is_some() { Made::Before } else { Made::Now })
    }

    /// Compares the server and the streams of logs with what they must be. Without the right to make streams,
    /// size, place and further copies are the administrator's business.
    ///
    /// # Errors
    /// [`Error::NotPermitted`]; [`Error::Unavailable`].
    pub async fn check(&self, logs: &[&str]) -> Result<Vec<Finding>, Error> {
        let mut findings = self.server_findings();
        for log in logs {
            findings.extend(self.check_stream(log).await?);
        }
        Ok(findings)
    }

    /// Compares the stream of a log, or the bucket of leases, with what it must be.
    ///
    /// # Errors
    /// [`Error::NotPermitted`]; [`Error::Unavailable`].
    pub async fn check_stream(&self, log: &str) -> Result<Vec<Finding>, Error> {
        let deadline = Instant::now() + self.options.patience;
        let asked = self.asked(log, &["STREAM.INFO"]);
        let found = patiently(log, deadline, |wait| self.ask(wait, &asked, self.info(log))).await?;
        let wanted = config::wanted(log, &self.options);
        let wanted = match &found {
            Some(found) if !self.options.makes_streams => config::tolerated(wanted, found),
            _ => wanted,
        };
        Ok(stream_findings(&wanted, found.as_ref()))
    }

    /// The configuration of the stream of a log, if there is one.
    async fn info(&self, log: &str) -> Result<Option<stream::Config>, Trouble> {
        match self.context.get_stream(config::stream_name(log)).await {
            Ok(stream) => Ok(Some(stream.cached_info().config.clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    Ok(None)
                }
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED =>
                {
                    Err(Trouble::Setup("the NATS server runs without JetStream: enable it".to_owned()))
                }
                _ => Err(Trouble::Passing(error.to_string())),
            },
        }
    }

    fn server_findings(&self) -> Vec<Finding> {
        let info = self.client.server_info();
        let at_least = |(major, minor, patch)| self.client.is_server_compatible(major, minor, patch);
        let shown = |(major, minor, patch)| format!("{major}.{minor}.{patch} or later");
        let remedy = match at_least(MIN_SERVER_VERSION) {
            true => "update the server: it may lose acknowledged events if the power fails",
            false => "update the server: services refuse it, because it has no atomic batches",
        };
        vec![
            Finding::compared(
                "server version",
                shown(DURABLE_SERVER_VERSION),
                info.version,
                at_least(DURABLE_SERVER_VERSION),
                remedy,
            ),
            Finding::compared(
                "max_payload",
                format!("{MIN_MAX_PAYLOAD} or more"),
                info.max_payload.to_string(),
                info.max_payload >= MIN_MAX_PAYLOAD,
                "set max_payload in the configuration of the server: the largest event does not fit",
            ),
        ]
    }
}

/// What is to be said of a stream.
fn stream_findings(wanted: &stream::Config, found: Option<&stream::Config>) -> Vec<Finding> {
    let setting = format!("stream {}", wanted.name);
    let Some(found) = found else {
        let remedy = "make it: run orewatch setup without --check";
        return vec![Finding::compared(&setting, "there".to_owned(), "missing".to_owned(), false, remedy)];
    };
    let drift = config::drift(wanted, found);
    if drift.is_empty() {
        let copies = format!("{} copies, as it must be", found.num_replicas);
        return vec![Finding::compared(&setting, copies.clone(), copies, true, "")];
    }
    drift.iter().map(|difference| differing(&setting, difference)).collect()
}

/// One difference, `name is ACTUAL, not WANTED`.
fn differing(setting: &str, difference: &str) -> Finding {
    let (name, values) = difference.split_once(" is ").unwrap_or((difference, ""));
    let (found, wanted) = values.split_once(", not ").unwrap_or((values, ""));
    let remedy = match name {
        "num_replicas" => {
            "change it with `nats stream edit --replicas`, on a cluster with as many servers, or name the \
             copies that there are with --log-replicas"
        }
        "max_bytes" | "placement" | "duplicate_window" => {
            "change it with `nats stream edit`, or give `orewatch setup` the value that it has"
        }
        _ => "change it back with `nats stream edit`: the log depends on it",
    };
    Finding::compared(&format!("{setting}: {name}"), wanted.to_owned(), found.to_owned(), false, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::JetStreamOptions;

    #[test]
    fn every_difference_is_a_finding_with_a_remedy() {
        let wanted = config::wanted("alerts", &JetStreamOptions::default());
        let settings = |found: Option<&stream::Config>| {
            let findings = stream_findings(&wanted, found);
            assert!(findings.iter().all(|one| (one.verdict == Verdict::Pass) == one.remedy.is_empty()));
            findings.iter().map(|one| (one.setting.clone(), one.verdict)).collect::<Vec<_>>()
        };
        assert_eq!(settings(None), [("stream ALERTS".to_owned(), Verdict::Fail)]);
        assert_eq!(settings(Some(&wanted)), [("stream ALERTS".to_owned(), Verdict::Pass)]);
        let edited = stream::Config { deny_purge: false, num_replicas: 3, ..wanted.clone() };
        assert_eq!(
            settings(Some(&edited)),
            [
                ("stream ALERTS: num_replicas".to_owned(), Verdict::Fail),
                ("stream ALERTS: deny_purge".to_owned(), Verdict::Fail),
            ]
        );
    }
}

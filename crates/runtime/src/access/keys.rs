//! The keys of an issuer, kept fresh: read at the start, then at intervals, and once more when a token names
//! a key that is not among them.
//!
//! A place that is away leaves the last keys in use for a day. After that, no token of the issuer is
//! accepted: a key that its issuer has withdrawn must not stay good for ever.
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::fetch::Remote;
use super::jwks::KeySet;
use crate::tls::read_in_background;

/// Interval at which keys are read again.
const FILE_INTERVAL: Duration = Duration::from_secs(10);
const REMOTE_INTERVAL: Duration = Duration::from_secs(300);

/// The same after an attempt that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Age up to which keys are used that could not be read again.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Time between two readings because of keys that are not known: tokens with invented keys must not make this
/// service read the issuer's keys again and again.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);

/// Upper bound on calls that wait for such a reading, and on their wait.
const MAX_WAITING: usize = 256;
const MAX_WAIT: Duration = Duration::from_secs(6);

/// Where an issuer publishes its keys.
#[derive(Clone, Debug)]
pub(super) enum KeyPlace {
    /// A file.
    File(PathBuf),
    /// An address.
    Remote(Remote),
}

impl KeyPlace {
    async fn read(&self) -> Result<KeySet, String> {
        match self {
            Self::File(path) => {
                let contents = read_in_background(vec![path.clone()]).await;
                KeySet::parse(contents.map_err(|failure| failure.to_string())?.file(0))
            }
            Self::Remote(remote) => KeySet::parse(&remote.read().await?),
        }
    }

    fn interval(&self) -> Duration {
        match self {
            Self::File(_) => FILE_INTERVAL,
            Self::Remote(_) => REMOTE_INTERVAL,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Remote(remote) => remote.address().to_string(),
        }
    }
}

/// The keys of an issuer.
#[derive(Debug)]
pub(super) struct Keys {
    place: KeyPlace,
    state: Mutex<State>,
    /// Held while keys are read because of one that is not known.
    reading: AsyncMutex<()>,
    waiting: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    /// The keys that were read last, and when. `None`: never yet.
    keys: Option<(Arc<KeySet>, Instant)>,
    /// When they were last read because of one that is not known.
    unknown_key_at: Option<Instant>,
    /// The last attempt failed, and the log says so.
    is_away: bool,
}

impl Keys {
    /// Keys that are published in a place. Nothing is read yet.
    pub(super) fn new(place: KeyPlace) -> Self {
        let (state, reading) = (Mutex::default(), AsyncMutex::new(()));
        Self { place, state, reading, waiting: Semaphore::new(MAX_WAITING) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys to check signatures with.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if they could not be read for a day.
    pub(super) fn current(&self) -> Result<Arc<KeySet>, Failure> {
        let state = self.state();
        let fresh = state.keys.as_ref().filter(|(_, read_at)| read_at.elapsed() < MAX_AGE);
        fresh.map(|(keys, _)| Arc::clone(keys)).ok_or_else(|| {
            away("the keys of this token's issuer cannot be read, and the last ones are too old")
                .with_hint("try again later; the log of the service says why")
                .retry_after(RETRY_INTERVAL)
        })
    }

    /// Reads the keys for the first time.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if they cannot be read: a service that accepts nobody must not start.
    pub(super) async fn start(&self) -> Result<(), Failure> {
        self.read().await.map_err(|reason| {
            away(format!("the keys of an issuer cannot be read: {reason}"))
                .at("keys", self.place.shown())
                .with_hint("check the address or file, the authority (ca-file) and the network")
        })
    }

    /// Takes over what was read before from the same place.
    pub(super) fn take_from(&self, last: &Self) {
        if self.place.shown() == last.place.shown() {
            let keys = last.state().keys.clone();
            self.state().keys = keys;
        }
    }

    /// Reads the keys again at intervals, until `stop`; at once if they were not read yet.
    pub(super) async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        let is_read = self.state().keys.is_some();
        let mut interval = if is_read { self.place.interval() } else { Duration::ZERO };
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(interval) => {}
            }
            let read = self.read().await;
            interval = if read.is_ok() { self.place.interval() } else { RETRY_INTERVAL };
        }
    }

    /// Reads the keys again because a token names one that is not among them, at most once a minute. Calls
    /// that ask while this happens wait for it.
    pub(super) async fn refresh_for_unknown_key(&self) {
        let Ok(_waiting) = self.waiting.try_acquire() else { return };
        let Ok(_reading) = timeout(MAX_WAIT, self.reading.lock()).await else { return };
        let now = Instant::now();
        let last = self.state().unknown_key_at.replace(now);
        if last.is_some_and(|last| now.duration_since(last) < UNKNOWN_KEY_INTERVAL) {
            // Not this time: the minute counts from the last reading.
            self.state().unknown_key_at = last;
            return;
        }
        let _logged = self.read().await;
    }

    async fn read(&self) -> Result<(), String> {
        let read = self.place.read().await;
        let mut state = self.state();
        match read {
            Ok(keys) => {
                if state.keys.as_ref().is_some_and(|(known, _)| **known != keys) {
                    tracing::info!(keys = self.place.shown(), "the issuer has changed its keys");
                }
                state.keys = Some((Arc::new(keys), Instant::now()));
                state.is_away = false;
                Ok(())
            }
            Err(reason) => {
                if !state.is_away {
                    state.is_away = true;
                    let keys = self.place.shown();
                    tracing::error!(keys, reason, "the keys of an issuer cannot be read");
                }
                Err(reason)
            }
        }
    }
}

fn away(message: impl Into<String>) -> Failure {
    Failure::new(Class::Unavailable, "keys-unavailable", message)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FIRST: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const SECOND: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"21qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn keys(path: &std::path::Path) -> Arc<Keys> {
        Arc::new(Keys::new(KeyPlace::File(path.to_owned())))
    }

    fn set(text: &str) -> Arc<KeySet> {
        Arc::new(KeySet::parse(text.as_bytes()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_are_away_stay_good_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        let keys = keys(&path);
        assert_eq!(keys.start().await.unwrap_err().code, "keys-unavailable");
        fs::write(&path, FIRST).unwrap();
        keys.start().await.unwrap();
        fs::write(&path, "damaged").unwrap();
        let stop = CancellationToken::new();
        let fresh = tokio::spawn(Arc::clone(&keys).keep_fresh(stop.clone()));
        sleep(MAX_AGE / 2).await;
        assert_eq!(keys.current().unwrap(), set(FIRST));
        sleep(MAX_AGE).await;
        let failure = keys.current().unwrap_err();
        assert_eq!((failure.code.as_str(), failure.retry_after), ("keys-unavailable", Some(RETRY_INTERVAL)));
        fs::write(&path, SECOND).unwrap();
        sleep(RETRY_INTERVAL * 2).await;
        assert_eq!(keys.current().unwrap(), set(SECOND));
        stop.cancel();
        fresh.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_keys_cause_one_reading_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        fs::write(&path, FIRST).unwrap();
        let keys = keys(&path);
        keys.start().await.unwrap();
        fs::write(&path, SECOND).unwrap();
        tokio::join!(keys.refresh_for_unknown_key(), keys.refresh_for_unknown_key());
        assert_eq!(keys.current().unwrap(), set(SECOND), "a rotation is seen at once");
        fs::write(&path, FIRST).unwrap();
        sleep(UNKNOWN_KEY_INTERVAL / 2).await;
        keys.refresh_for_unknown_key().await;
        assert_eq!(keys.current().unwrap(), set(SECOND));
        sleep(UNKNOWN_KEY_INTERVAL / 2).await;
        keys.refresh_for_unknown_key().await;
        assert_eq!(keys.current().unwrap(), set(FIRST));
    }
}

//! The callers that the two files name. A file that changes is read again while the process runs, so that a
//! caller is added or removed without a restart.
//!
//! A new file that is wrong is refused with an error in the log, and the last one stays in use. What a caller
//! has begun before it was removed, such as a stream, goes on.
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use orewatch_contracts::Failure;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::document::{self, AccessFile};
use super::identity::Identity;
use super::tokens::{self, Token};
use crate::tls::{Contents, FileWatch, watch_files};
use crate::{Clock, Context};

/// The callers that are known at one time.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Digests of tokens with the identities of their holders. `None`: no file of tokens.
    pub(super) tokens: Option<Arc<[Token]>>,
    /// Issuers and certificates. `None`: no access file.
    pub(super) file: Option<Arc<AccessFile>>,
}

impl Known {
    /// Whether callers have to show who they are.
    pub(super) fn is_controlled(&self) -> bool {
        self.tokens.is_some() || self.file.is_some()
    }

    /// The holder of a token of the file of tokens. Takes equally long for every token.
    pub(super) fn holder(&self, shown: &str) -> Option<Identity> {
        let digest: [u8; 32] = Sha256::digest(shown).into();
        let mut found = None;
        for (known, identity) in self.tokens.iter().flat_map(|tokens| tokens.iter()) {
            let differ = known.iter().zip(&digest).fold(0, |differ, (one, other)| differ | (one ^ other));
            if differ == 0 {
                found = Some(identity);
            }
        }
        found.map(|identity| Identity::clone(identity))
    }
}

/// The callers. Clones see the same.
#[derive(Clone, Default)]
pub(super) struct Callers {
    current: Arc<RwLock<Known>>,
    tokens_file: Option<CallersFile>,
    access_file: Option<(CallersFile, Arc<dyn Clock>)>,
}

/// A file that names callers.
#[derive(Clone, Debug)]
struct CallersFile {
    path: PathBuf,
    /// Digest of the content that was read at the start.
    digest: [u8; 32],
}

impl CallersFile {
    fn new(path: &Path, text: String) -> Self {
        Self { path: path.to_owned(), digest: Contents::of(text.into_bytes()).digest() }
    }
}

impl Callers {
    /// The callers of tokens that are in no file.
    ///
    /// # Errors
    /// What is wrong with the text. No error repeats a token.
    pub(super) fn of_tokens(text: &str) -> Result<Self, Failure> {
        let known = Known { tokens: Some(tokens::parse(text)?.into()), ..Known::default() };
        Ok(Self { current: Arc::new(RwLock::new(known)), ..Self::default() })
    }

    /// The same callers, whose tokens a file has with this text.
    pub(super) fn from_tokens_file(self, path: &Path, text: String) -> Self {
        Self { tokens_file: Some(CallersFile::new(path, text)), ..self }
    }

    /// The same callers, and those of an access file with this text.
    ///
    /// # Errors
    /// The entry that is wrong.
    pub(super) fn with_access_file(
        self,
        path: &Path,
        text: String,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let file = parse_access_file(path, &text, clock)?;
        // Clones of before stay as they are.
        let known = Known { file: Some(Arc::new(file)), ..self.known() };
        let access_file = Some((CallersFile::new(path, text), Arc::clone(clock)));
        Ok(Self { current: Arc::new(RwLock::new(known)), access_file, ..self })
    }

    /// The callers that are known now.
    pub(super) fn known(&self) -> Known {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.current.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads the keys of the issuers, and keeps keys and files fresh while the process runs.
    ///
    /// # Errors
    /// [`orewatch_contracts::Class::Unavailable`] if the keys of an issuer cannot be read.
    pub(super) async fn start(&self, context: &Context) -> Result<(), Failure> {
        let Known { file, .. } = self.known();
        if let Some(file) = &file {
            for issuer in &file.issuers {
                issuer.keys.start().await?;
            }
        }
        let stop_keys = context.shutdown.child_token();
        if let Some(file) = &file {
            keep_keys_fresh(file, context, &stop_keys);
        }
        if let Some(file) = self.tokens_file.clone() {
            let (callers, stop) = (self.clone(), context.shutdown.clone());
            context.spawn("tokens-file", async move {
                let replace = |contents: &Contents| callers.replace_tokens(&file.path, contents);
                watch_files(vec![file.path.clone()], file.digest, &stop, replace).await;
                Ok(())
            });
        }
        if let Some((file, clock)) = self.access_file.clone() {
            let (callers, context_of_keys) = (self.clone(), context.clone());
            context.spawn("access-file", async move {
                callers.follow_access_file(file, &clock, &context_of_keys, stop_keys).await;
                Ok(())
            });
        }
        Ok(())
    }

    fn replace_tokens(&self, path: &Path, contents: &Contents) {
        match text_of(contents).and_then(tokens::parse) {
            Ok(tokens) => {
                let count = tokens.len();
                self.change(|known| known.tokens = Some(tokens.into()));
                tracing::info!(file = %path.display(), tokens = count, "the file of tokens has changed");
            }
            Err(failure) => refuse(path, &failure),
        }
    }

    /// Reads the access file whenever it changes, until the process stops. `stop_keys` stops what keeps the
    /// keys fresh that the issuers of before publish.
    async fn follow_access_file(
        &self,
        file: CallersFile,
        clock: &Arc<dyn Clock>,
        context: &Context,
        mut stop_keys: CancellationToken,
    ) {
        let mut watch = FileWatch::new(vec![file.path.clone()], file.digest);
        loop {
            let contents = tokio::select! {
                () = context.shutdown.cancelled() => return,
                contents = watch.changed() => contents,
            };
            let read = text_of(&contents).and_then(|text| parse_access_file(&file.path, text, clock));
            let new = match read {
                Ok(new) => Arc::new(new),
                Err(failure) => {
                    refuse(&file.path, &failure);
                    continue;
                }
            };
            // Whom the file names no more is refused from now on, also if the keys of an issuer are away.
            if let Some(last) = self.known().file {
                new.take_keys_from(&last);
            }
            self.change(|known| known.file = Some(Arc::clone(&new)));
            tracing::info!(file = %file.path.display(), "the access file has changed");
            stop_keys.cancel();
            stop_keys = context.shutdown.child_token();
            keep_keys_fresh(&new, context, &stop_keys);
        }
    }
}

/// Keeps the keys of the issuers fresh, until `stop`. Those that were not read yet are read at once.
fn keep_keys_fresh(file: &AccessFile, context: &Context, stop: &CancellationToken) {
    for issuer in &file.issuers {
        let (keys, stop) = (Arc::clone(&issuer.keys), stop.clone());
        context.spawn("issuer-keys", async move {
            keys.keep_fresh(stop).await;
            Ok(())
        });
    }
}

/// Reads the text of an access file. Paths in it begin at its folder.
fn parse_access_file(path: &Path, text: &str, clock: &Arc<dyn Clock>) -> Result<AccessFile, Failure> {
    document::parse(text, path.parent().unwrap_or(Path::new("")), clock)
}

fn text_of(contents: &Contents) -> Result<&str, Failure> {
    std::str::from_utf8(contents.file(0)).map_err(|_| document::invalid("the file is not UTF-8 text"))
}

fn refuse(path: &Path, failure: &Failure) {
    tracing::error!(
        file = %path.display(),
        %failure,
        code = failure.code,
        "the new file is refused; the callers of the last one stay in use"
    );
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use orewatch_testkit::{TokenSigner, published_keys};
    use tokio::time::sleep;
    use tonic_health::server::HealthReporter;

    use super::*;
    use crate::SystemClock;

    const ANN: &str = "[[token]]\nname = \"ann\"\ntoken = \"0123456789abcdef\"\nroles = [\"reader\"]\n";
    const BOB: &str = "[[token]]\nname = \"bob\"\ntoken = \"fedcba9876543210\"\nroles = [\"reader\"]\n";

    /// Time after which a changed file is in use.
    const NOTICED: Duration = Duration::from_secs(5);

    fn names(callers: &Callers) -> Vec<String> {
        let tokens = callers.known().tokens.unwrap_or_default();
        tokens.iter().map(|(_, identity)| identity.name.clone()).collect()
    }

    fn issuer(name: &str) -> String {
        format!(
            "[[issuer]]\nname = \"{name}\"\nissuer = \"https://{name}.example\"\naudiences = [\"orewatch\"]\n\
             keys = \"{name}.json\"\n"
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_of_tokens_is_used_and_a_wrong_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.toml");
        fs::write(&path, ANN).unwrap();
        let context = Context::new(Arc::new(SystemClock), HealthReporter::new());
        let callers = Callers::of_tokens(ANN).unwrap().from_tokens_file(&path, ANN.to_owned());
        let shared = callers.clone();
        callers.start(&context).await.unwrap();
        assert_eq!(names(&shared), ["ann"]);
        for (text, expected) in [("[[token]]\nname = \"short\"\ntoken = \"x\"\n", "ann"), (BOB, "bob")] {
            fs::write(&path, text).unwrap();
            sleep(NOTICED).await;
            assert_eq!(names(&shared), [expected], "{text}");
        }
        fs::remove_file(&path).unwrap();
        sleep(NOTICED).await;
        assert_eq!(names(&shared), ["bob"]);
        context.shutdown.cancel();
    }

    #[tokio::test(start_paused = true)]
    async fn issuers_come_and_go_with_the_access_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.toml");
        let signer = TokenSigner::es256("key-1");
        fs::write(dir.path().join("one.json"), published_keys(&[&signer])).unwrap();
        fs::write(&path, issuer("one")).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let context = Context::new(Arc::clone(&clock), HealthReporter::new());
        let callers = Callers::default().with_access_file(&path, issuer("one"), &clock).unwrap();
        callers.start(&context).await.unwrap();

        // The keys of the new issuer are not there yet: the others are known all the same.
        let both = [issuer("one"), issuer("two")].concat();
        fs::write(&path, both).unwrap();
        sleep(NOTICED).await;
        let file = callers.known().file.unwrap();
        let has_keys: Vec<bool> = file.issuers.iter().map(|issuer| issuer.keys.current().is_ok()).collect();
        assert_eq!(has_keys, [true, false]);
        fs::write(dir.path().join("two.json"), published_keys(&[&signer])).unwrap();
        sleep(Duration::from_secs(60)).await;
        assert!(file.issuers.iter().all(|issuer| issuer.keys.current().is_ok()));

        fs::write(&path, "[[issuer]]\n").unwrap();
        sleep(NOTICED).await;
        assert_eq!(callers.known().file.unwrap().issuers.len(), 2, "a wrong file changes nothing");
        fs::write(&path, issuer("two")).unwrap();
        sleep(NOTICED).await;
        let file = callers.known().file.unwrap();
        assert_eq!(file.issuers.iter().map(|issuer| &*issuer.name).collect::<Vec<_>>(), ["two"]);
        context.shutdown.cancel();
    }
}

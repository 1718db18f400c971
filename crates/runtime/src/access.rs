//! Who calls, and whose data they may see and change.
//!
//! Data belongs to everyone, or to a tenant. Without configured tokens everything is open, as on a laptop. With them every call
//! but those for health and reflection has to show one, and everyone who has one sees what is everyone's.
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tonic::{Code, Status};

use crate::{Class, Failure};

/// What stands for every tenant, and everyone's data with them.
const ALL: &str = "*";

/// What stands for everyone's data among those that may be changed.
const EVERYONE: &str = "everyone";

/// Paths that everybody may ask.
const OPEN_PATHS: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Where feeds are.
const FEEDS: &str = "/feeds/";

/// Largest file of tokens in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, for people and logs. Empty: nobody in particular, who may do everything.
    pub name: String,
    reads: Rights,
    writes: Rights,
    /// Datasets that may be changed. None: any.
    datasets: Option<BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rights {
    All,
    Of(BTreeSet<String>),
}

impl Rights {
    fn new(names: Vec<String>) -> Self {
        if names.iter().any(|name| name == ALL) { Self::All } else { Self::Of(names.into_iter().collect()) }
    }

    fn hold(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.contains(name),
        }
    }
}

impl Identity {
    /// Nobody in particular, who may do everything.
    #[must_use]
    pub fn open() -> Self {
        Self { name: String::new(), reads: Rights::All, writes: Rights::All, datasets: None }
    }

    /// Who makes a call: what the server noted with it.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Arc<Self> {
        let noted = request.extensions().get::<Arc<Self>>().map(Arc::clone);
        noted.unwrap_or_else(|| Arc::new(Self::open()))
    }

    /// Whether a tenant's data may be seen; everyone's (empty) may.
    #[must_use]
    pub fn may_read(&self, tenant: &str) -> bool {
        tenant.is_empty() || self.reads.hold(tenant) || self.writes.hold(tenant)
    }

    /// Checks that a tenant's data may be seen; everyone's (empty) may.
    ///
    /// # Errors
    /// [`Class::Refused`] if it may not.
    pub fn check_read(&self, tenant: &str) -> Result<(), Failure> {
        if self.may_read(tenant) {
            return Ok(());
        }
        let message = format!("{} may not read data of {tenant}", self.name);
        Err(Failure::new(Class::Refused, "not-permitted", message)
            .with_hint("whoever keeps the service's tokens can permit it"))
    }

    /// Whether everything may be seen.
    #[must_use]
    pub fn may_read_all(&self) -> bool {
        self.reads == Rights::All || self.writes == Rights::All
    }

    /// Whether a tenant's data, or everyone's (empty), may be changed.
    #[must_use]
    pub fn may_write(&self, tenant: &str) -> bool {
        self.writes.hold(if tenant.is_empty() { EVERYONE } else { tenant })
    }

    /// Whether anything may be changed.
    #[must_use]
    pub fn may_write_any(&self) -> bool {
        match &self.writes {
            Rights::All => true,
            Rights::Of(names) => !names.is_empty(),
        }
    }

    /// Checks that a dataset of a tenant, or of everyone (empty), may be changed.
    ///
    /// # Errors
    /// [`Class::Refused`] if it may not.
    pub fn check_write(&self, tenant: &str, dataset: &str) -> Result<(), Failure> {
        let named = self.datasets.as_ref().is_none_or(|datasets| datasets.contains(dataset));
        if self.may_write(tenant) && named {
            return Ok(());
        }
        let whose =
            if tenant.is_empty() { "everyone's data".to_owned() } else { format!("data of {tenant}") };
        let what = if named { whose } else { format!("dataset {dataset}") };
        Err(Failure::new(Class::Refused, "not-permitted", format!("{} may not change {what}", self.name))
            .with_hint(
                "whoever keeps the service's tokens can permit it, or name another tenant with --tenant",
            ))
    }
}

/// A token as it is configured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// SHA-256 of the token, hexadecimal.
    sha256: Option<String>,
    token: Option<String>,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
    datasets: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    token: Vec<Entry>,
}

/// Who may call.
#[derive(Clone, Default)]
pub struct Access {
    /// Digests of tokens, and who shows them. None: everything is open.
    tokens: Option<Arc<[Token]>>,
}

/// SHA-256 of a token, and who shows it.
type Token = ([u8; 32], Arc<Identity>);

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tokens.iter().flat_map(|tokens| tokens.iter().map(|(_, identity)| &identity.name));
        f.debug_list().entries(names).finish()
    }
}

impl Access {
    /// Everything is open.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Reads a file of tokens.
    ///
    /// # Errors
    /// As [`Access::parse`], and [`Class::Invalid`] for a file that cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |message: String| {
            Failure::new(Class::Invalid, "bad-tokens", message).at("tokens-file", path.display().to_string())
        };
        let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if size > LARGEST_FILE {
            return Err(wrong("the file of tokens is larger than a MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| wrong(format!("the file of tokens cannot be read: {error}")))?;
        Self::parse(&text).map_err(|failure| failure.at("tokens-file", path.display().to_string()))
    }

    /// Reads tokens: TOML with a table `[[token]]` for each.
    ///
    /// # Errors
    /// [`Class::Invalid`] for what is no such document. No error repeats a token.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let document: Document = toml::from_str(text).map_err(|error| {
            // Its full text would show the line, and with it the token.
            let message = format!("this is no list of tokens: {}", error.message());
            Failure::new(Class::Invalid, "bad-tokens", message)
                .with_hint("write for each [[token]] name, sha256 (of the token), read and write")
        })?;
        let tokens = document.token.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { tokens: Some(tokens.into()) })
    }

    /// Who shows a token. Takes equally long whichever it is.
    fn identify(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Failure> {
        let Some(tokens) = &self.tokens else { return Ok(Arc::new(Identity::open())) };
        let shown = shown(headers);
        let digest: [u8; 32] = Sha256::digest(&shown).into();
        let mut found = None;
        for (known, identity) in tokens.iter() {
            let differ = known.iter().zip(&digest).fold(0, |differ, (one, other)| differ | (one ^ other));
            if differ == 0 {
                found = Some(Arc::clone(identity));
            }
        }
        found.filter(|_| !shown.is_empty()).ok_or_else(|| {
            let message =
                if shown.is_empty() { "this service asks for a token" } else { "this token is not known" };
            Failure::new(Class::Refused, "unauthenticated", message)
                .with_hint("name the file that holds your token with --token-file or OREWATCH_TOKEN_FILE")
        })
    }
}

/// The token that a call shows: as a bearer, or as the password of whichever user, which is what readers of feeds can do.
fn shown(headers: &HeaderMap) -> String {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some(token) = text.strip_prefix("Bearer ") {
        return token.to_owned();
    }
    let decoded = text.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok());
    let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    pair.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned())).unwrap_or_default()
}

fn entry(entry: Entry) -> Result<Token, Failure> {
    let wrong = |message: &str| Failure::new(Class::Invalid, "bad-tokens", message).at("name", &entry.name);
    let digest = match (&entry.sha256, &entry.token) {
        (Some(text), None) => digest(text).ok_or_else(|| wrong("sha256 is 64 hexadecimal digits"))?,
        (None, Some(token)) if token.len() >= 16 => Sha256::digest(token).into(),
        (None, Some(_)) => return Err(wrong("a token has at least 16 characters")),
        _ => return Err(wrong("a token has either sha256 or token")),
    };
    if entry.name.is_empty() {
        return Err(wrong("a token has a name"));
    }
    let identity = Identity {
        reads: Rights::new(entry.read),
        writes: Rights::new(entry.write),
        datasets: entry.datasets,
        name: entry.name,
    };
    Ok((digest, Arc::new(identity)))
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (number, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(number * 2..number * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// Lets calls pass to the services behind it, with a note of who makes them.
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    access: Access,
    inner: S,
}

impl<S> Guarded<S> {
    pub(crate) fn new(access: Access, inner: S) -> Self {
        Self { access, inner }
    }
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !OPEN_PATHS.iter().any(|path| request.uri().path().starts_with(path)) {
            match self.access.identify(request.headers()) {
                Ok(identity) => drop(request.extensions_mut().insert(identity)),
                // Who reads a feed knows nothing of gRPC.
                Err(_) if request.uri().path().starts_with(FEEDS) => {
                    let mut response = Response::new(R::default());
                    *response.status_mut() = StatusCode::UNAUTHORIZED;
                    let asked = HeaderValue::from_static("Basic realm=\"orewatch\"");
                    response.headers_mut().insert("www-authenticate", asked);
                    return async move { Ok(response) }.boxed();
                }
                Err(failure) => {
                    let status = Status::from(failure);
                    let status = Status::with_details(
                        Code::Unauthenticated,
                        status.message(),
                        status.details().to_vec().into(),
                    );
                    return async move { Ok(status.into_http()) }.boxed();
                }
            }
        }
        self.inner.call(request).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        headers
    }

    #[test]
    fn a_token_says_who_calls_and_what_they_may() {
        let access = Access::parse(
            "[[token]]\nname = \"acme\"\ntoken = \"0123456789abcdef\"\nwrite = [\"acme\"]\nread = [\"shared\"]\n\
             [[token]]\nname = \"keeper\"\nsha256 = \"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f\"\n\
             write = [\"everyone\"]\ndatasets = [\"baci-hs92\"]\n",
        )
        .unwrap();
        let acme = access.identify(&shown("0123456789abcdef")).unwrap();
        assert_eq!(
            ["", "acme", "shared", "other"].map(|tenant| acme.may_read(tenant)),
            [true, true, true, false]
        );
        assert_eq!(["", "acme", "shared"].map(|tenant| acme.may_write(tenant)), [false, true, false]);
        assert!(!acme.may_read_all());
        for headers in [HeaderMap::new(), shown(""), shown("0123456789abcdeg")] {
            let failure = access.identify(&headers).unwrap_err();
            assert_eq!((failure.class, &*failure.code), (Class::Refused, "unauthenticated"));
        }
        assert!(!format!("{access:?}").contains("0123"), "no token is shown");
        let mut basic = HeaderMap::new();
        let pair = STANDARD.encode("anybody:0123456789abcdef");
        basic.insert("authorization", format!("Basic {pair}").parse().unwrap());
        assert_eq!(access.identify(&basic).unwrap().name, "acme", "as readers of feeds show it");
        let anybody = Access::open().identify(&HeaderMap::new()).unwrap();
        assert!(anybody.may_read_all() && anybody.check_write("acme", "d").is_ok());
    }

    #[test]
    fn a_wrong_list_shows_no_token() {
        for text in [
            "[[token]]\nname = \"a\"\ntoken = \"short-secret\"\n",
            "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nsha256 = \"00\"\n",
            "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\nwrite = []\n",
            "[[token]]\nname = \"a\"\ntoken = \"0123456789-secret\"\nrights = \"all\"\n",
            "[[token]]\ntoken = \"0123456789-secret\"\n",
        ] {
            let failure = Access::parse(text).unwrap_err();
            assert_eq!(failure.code, "bad-tokens");
            assert!(!failure.to_string().contains("secret"), "{failure}");
        }
    }
}

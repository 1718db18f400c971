//! Names of hosts, and files on this one.
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::super::check::Check;
use super::super::endpoint::Endpoint;
use super::super::judge;

/// Time for a look-up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks up the name of a host.
pub(super) async fn lookup(endpoint: &Endpoint) -> Check {
    let began = Instant::now();
    let asked = timeout(PATIENCE, lookup_host((endpoint.host.as_str(), endpoint.port))).await;
    let found = match asked {
        Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip()).collect::<Vec<IpAddr>>()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    };
    judge::lookup(endpoint, found, began.elapsed())
}

/// Reads the beginning of a file that a key names. What it holds is not looked at.
pub(super) async fn file(key: &str, path: &Path) -> Check {
    let subject = format!("{key} ({})", path.display());
    match first_byte(path).await {
        Ok(true) => Check::pass("settings", subject, "can be read"),
        Ok(false) => {
            Check::fail("settings", subject, "is empty", "write what the key asks for into the file")
        }
        Err(error) => Check::fail(
            "settings",
            subject,
            error.to_string(),
            "correct the path, or let the user of this process read the file: check owner, group and mode",
        ),
    }
}

/// Whether there is a byte.
async fn first_byte(path: &Path) -> std::io::Result<bool> {
    if tokio::fs::metadata(path).await?.is_dir() {
        return tokio::fs::read_dir(path).await.map(|_| true);
    }
    let mut byte = [0];
    Ok(tokio::fs::File::open(path).await?.read(&mut byte).await? > 0)
}

#[cfg(test)]
mod tests {
    use super::super::super::check::Verdict;
    use super::*;

    #[tokio::test]
    async fn files_must_be_there_and_hold_something() {
        let folder = tempfile::tempdir().unwrap();
        let verdict = async |name: &str| file("nats-nkey", &folder.path().join(name)).await.verdict;
        std::fs::write(folder.path().join("full"), "x").unwrap();
        std::fs::write(folder.path().join("empty"), "").unwrap();
        assert_eq!(verdict("full").await, Verdict::Pass);
        assert_eq!(verdict("empty").await, Verdict::Fail);
        assert_eq!(verdict("missing").await, Verdict::Fail);
        assert_eq!(file("secrets-dir", folder.path()).await.verdict, Verdict::Pass);
    }

    #[tokio::test]
    async fn a_name_that_never_exists_is_not_found() {
        // RFC 6761 keeps `invalid` free of names for ever.
        let endpoint = Endpoint::parse("https://orewatch.invalid").unwrap();
        assert_eq!(lookup(&endpoint).await.verdict, Verdict::Fail);
        let endpoint = Endpoint::parse("https://localhost").unwrap();
        assert_ne!(lookup(&endpoint).await.verdict, Verdict::Fail);
    }
}

//! The archive and backups in a bucket, against a small server that speaks enough of S3.
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// Objects, parts of uploads that are not complete, and what was asked.
#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<(String, u32), Vec<u8>>,
    asked: Vec<String>,
    /// Conditions of requests that were met, with the key.
    conditions: Vec<String>,
    /// Requests that are answered with an error before the server begins to work.
    broken: usize,
}

/// A server that lives as long as the test.
struct Bucket {
    address: String,
    kept: Arc<Mutex<Kept>>,
}

impl Bucket {
    fn start(broken: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::new(Mutex::new(Kept { broken, ..Kept::default() }));
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(connection, &shared));
            }
        });
        Self { address, kept }
    }

    fn orewatch(&self, args: &[&str]) -> std::process::Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orewatch"));
        command
            .args(args)
            .env("OREWATCH_ARCHIVE", "s3://originals/some/prefix")
            .env("AWS_ENDPOINT_URL", &self.address)
            .env("AWS_REGION", "eu-test-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test-secret");
        command
    }
}

fn serve(connection: TcpStream, kept: &Mutex<Kept>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, more, answer) = kept.lock().unwrap().answer(&method, &target, &headers, body);
        // The answer to HEAD says how long the body would be.
        let length = more
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or_else(|| answer.len().to_string(), |(_, value)| value.clone());
        let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n");
        for (name, value) in more.iter().filter(|(name, _)| name != "content-length") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        writer.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        writer.write_all(&answer).unwrap();
    }
}

type Answer = (&'static str, Vec<(String, String)>, Vec<u8>);

impl Kept {
    fn answer(
        &mut self,
        method: &str,
        target: &str,
        headers: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> Answer {
        self.asked.push(format!("{method} {target}"));
        if self.broken > 0 {
            self.broken -= 1;
            return ("503 Slow Down", Vec::new(), Vec::new());
        }
        assert!(headers["authorization"].starts_with("AWS4-HMAC-SHA256"), "requests are signed");
        let (key, query) = target.split_once('?').unwrap_or((target, ""));
        let key = key.to_owned();
        let parameter =
            |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let tag = |content: &[u8]| vec![("etag".to_owned(), etag(content))];
        match (method, parameter("partNumber"), parameter("uploadId")) {
            ("POST", None, None) => {
                let xml =
                    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
                ("200 OK", Vec::new(), xml.into())
            }
            ("PUT", Some(part), Some(_)) => {
                let etag = tag(&body);
                self.parts.insert((key, part.parse().unwrap()), body);
                ("200 OK", etag, Vec::new())
            }
            ("POST", None, Some(_)) => {
                let parts = self.parts.iter().filter(|((of, _), _)| *of == key);
                let whole: Vec<u8> = parts.flat_map(|(_, part)| part.clone()).collect();
                self.objects.insert(key, whole);
                let xml =
                    "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>";
                ("200 OK", Vec::new(), xml.into())
            }
            ("PUT", None, None) => {
                let (known, etag) = (self.objects.get(&key).map(|object| etag(object)), tag(&body));
                let is_new = headers.get("if-none-match").is_none_or(|_| known.is_none());
                if !is_new || headers.get("if-match").is_some_and(|wanted| Some(wanted) != known.as_ref()) {
                    return ("412 Precondition Failed", Vec::new(), Vec::new());
                }
                let condition =
                    ["if-match", "if-none-match"].into_iter().find(|name| headers.contains_key(*name));
                self.conditions.extend(condition.map(|condition| format!("{condition} {key}")));
                self.objects.insert(key, body);
                ("200 OK", etag, Vec::new())
            }
            ("GET", ..) if parameter("list-type").is_some() => {
                let xml = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
                ("200 OK", Vec::new(), xml.into())
            }
            ("GET" | "HEAD", ..) => match self.objects.get(&key) {
                None => ("404 Not Found", Vec::new(), Vec::new()),
                Some(object) => {
                    let mut more = tag(object);
                    more.push(("last-modified".to_owned(), "Tue, 03 Nov 2026 10:00:00 GMT".to_owned()));
                    more.push(("content-length".to_owned(), object.len().to_string()));
                    ("200 OK", more, if method == "GET" { object.clone() } else { Vec::new() })
                }
            },
            _ => ("400 Bad Request", Vec::new(), Vec::new()),
        }
    }
}

fn etag(content: &[u8]) -> String {
    let sum = content.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    format!("\"{}-{sum:x}\"", content.len())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file of so many rows of output, none of them twice.
fn survey(rows: usize) -> String {
    let mut text =
        "# dataset: survey\n# vintage: 1\nperiod,economy,material,stage,quantity,unit,basis\n".to_owned();
    for row in 0..rows {
        text.push_str(&format!("{}-{:02},CHN,cobalt,mined,{row},t,content\n", 1995 + row / 12, row % 12 + 1));
    }
    text
}

#[test]
fn originals_are_kept_in_a_bucket() {
    let bucket = Bucket::start(2);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data").display().to_string();
    let small = survey(24);
    // More than one part: comments take no rows.
    let large =
        format!("{}{}", "# title: x\n", survey(12).replace("survey", "survey-2")) + &"\n".repeat(9 << 20);
    for (name, content) in [("small.csv", &small), ("large.csv", &large)] {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        let run = bucket.orewatch(&["ingest", path.to_str().unwrap(), "--data", &data, "--format", "json"]);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let done: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let original = done[0]["release"]["originals"][0].as_str().unwrap().to_owned();
        let key = format!("/originals/some/prefix/sha256/{}/{}", &original[..2], &original[2..]);
        assert!(bucket.kept.lock().unwrap().objects[&key] == content.as_bytes(), "{name} is there as it was");
        let run = bucket.orewatch(&["download", &original, "--data", &data]);
        assert!(run.stdout == content.as_bytes(), "{name} comes back: {}", text(&run.stderr));
    }
    let kept = bucket.kept.lock().unwrap();
    assert!(kept.parts.len() > 1, "the large file came in parts");
    assert!(kept.asked.iter().filter(|asked| asked.starts_with("PUT")).count() >= 3);
    drop(kept);
    let spool = directory.path().join("data/spool");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0, "nothing is left of files on their way");
}

#[test]
fn a_missing_bucket_is_a_clear_error() {
    let bucket = Bucket { address: "http://127.0.0.1:1".to_owned(), kept: Arc::default() };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("small.csv");
    std::fs::write(&path, survey(3)).unwrap();
    let data = directory.path().join("data").display().to_string();
    let run = bucket.orewatch(&["ingest", path.to_str().unwrap(), "--data", &data]);
    assert_eq!(run.status.code(), Some(4), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("the archive's bucket cannot be used"), "{}", text(&run.stderr));
    assert!(!text(&run.stderr).contains("test-secret"));
}

/// Trade in graphite among many economies.
fn trade(vintage: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial\n# vintage: {vintage}\n# hs: HS92\n\
         period,exporter,importer,product,value_kusd,quantity_t\n"
    );
    let economies = || orewatch_catalog::economies().iter().take(90).map(|economy| economy.iso3);
    for (at, exporter) in (1_u32..).zip(economies()) {
        for (to, importer) in (1_u32..).zip(economies()).filter(|(to, _)| *to != at) {
            let tonnes = at * 977 + to * 131 + vintage;
            text.push_str(&format!("2024,{exporter},{importer},250410,{},{tonnes}\n", tonnes * 3 + at));
        }
    }
    text
}

#[test]
fn snapshots_are_listed_in_a_bucket_by_compare_and_set() {
    let bucket = Bucket::start(0);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let orewatch = |args: &[&str]| {
        let args = [args, &["--data", data.to_str().unwrap(), "--log-level", "info"]].concat();
        let run =
            bucket.command(&args).env("OREWATCH_SNAPSHOTS", "s3://originals/snapshots").output().unwrap();
        assert!(run.status.success(), "{}", text(&run.stderr));
        text(&run.stderr)
    };
    for vintage in [1, 2] {
        let path = directory.path().join(format!("{vintage}.csv"));
        std::fs::write(&path, trade(vintage)).unwrap();
        orewatch(&["ingest", path.to_str().unwrap(), "--accept", "region-overlaps"]);
    }
    let conditions = bucket.kept.lock().unwrap().conditions.clone();
    for service in ["ingestion", "exposure"] {
        let key = format!("/originals/snapshots/{service}/newest");
        let expected = [format!("if-none-match {key}"), format!("if-match {key}")];
        let found: Vec<_> =
            conditions.iter().filter(|condition| condition.ends_with(&key)).cloned().collect();
        assert_eq!(found, expected);
    }
    std::fs::remove_dir_all(data.join("snapshots")).unwrap();
    // An answer about exposures comes after ingestion and exposure have started.
    let log = orewatch(&["exposure", "--material", "graphite"]);
    for service in ["ingestion", "exposure"] {
        let started = format!("starting from a snapshot service=\"{service}\"");
        assert!(log.contains(&started), "{service}: {log}");
    }
}

#[test]
fn logs_are_backed_up_to_a_bucket_and_restored_from_it() {
    let bucket = Bucket::start(1);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let run = |args: &[&str]| {
        let run = bucket.orewatch(args);
        assert!(run.status.success(), "{args:?}: {}", text(&run.stderr));
        run.stdout
    };
    std::fs::write(path("survey.csv"), survey(24)).unwrap();
    run(&["ingest", &path("survey.csv"), "--data", &path("data")]);
    let place = "s3://originals/backups";
    run(&["log", "backup", "--to", place, "--data", &path("data")]);
    let second = run(&["log", "backup", "--to", place, "--data", &path("data"), "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&second).unwrap();
    assert_eq!(rows[0]["written"], 0, "everything was there: {rows}");
    assert!(
        bucket.kept.lock().unwrap().objects.contains_key("/originals/backups/observations/manifest.json")
    );
    run(&["log", "verify", place]);
    run(&["log", "restore", "--from", place, "--data", &path("restored")]);
    let [before, after] = ["data", "restored"].map(|data| {
        run(&[
            "log",
            "tail",
            "--from",
            "1",
            "--log-name",
            "observations",
            "--data",
            &path(data),
            "--format",
            "json",
        ])
    });
    assert_eq!((before.len(), &before), (after.len(), &after));

    let missing = bucket.orewatch(&["log", "verify", "s3://originals/elsewhere"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
    let away = Bucket { address: "http://127.0.0.1:1".to_owned(), kept: Arc::default() };
    let refused = away.orewatch(&["log", "verify", place]);
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains(place), "{}", text(&refused.stderr));
}

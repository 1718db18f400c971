//! Services that are away: the console says which and since when, answers what it can, and goes on by itself
//! when they are back.
use std::net::TcpListener;
use std::time::{Duration, Instant};

use orewatch_tests::http::get;
use orewatch_tests::process::Server;
use serde_json::Value;
use tempfile::TempDir;

use super::utf8;

/// Maximum time until a console notices that a service is back.
const MAX_RETURN: Duration = Duration::from_secs(60);

/// A port on which nobody listens.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_service_that_is_away_is_named_and_asked_again() {
    let port = free_port();
    let address = format!("http://127.0.0.1:{port}");
    let console = Server::start(&["console", "--server", &address]);
    let away = get(console.address(), "/api/v1/exposures");
    let problem: Value = away.json();
    assert_eq!((away.status, &problem["code"]), (503, &"service-unavailable".into()), "{problem}");
    let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains("exposure service cannot be reached since 20"), "{detail}");
    assert!(!away.header("retry-after").is_empty());
    let again: Value = get(console.address(), "/api/v1/exposures.csv").json();
    let since =
        |text: &str| text.split("since ").nth(1).map(|rest| rest.chars().take(20).collect::<String>());
    assert_eq!(again["detail"].as_str().and_then(since), since(&detail), "it is away since the first time");
    for path in ["/api/v1", "/api/v1/measures", "/api/v1/economies.csv"] {
        assert_eq!(get(console.address(), path).status, 200, "{path} needs no service");
    }

    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data");
    let listen = format!("127.0.0.1:{port}");
    let up = std::process::Command::new(orewatch_tests::tools::orewatch())
        .args(["up", "--console", "off", "--data", utf8(&data), "--listen", &listen])
        .spawn();
    let mut up = up.expect("the binary starts");
    let deadline = Instant::now() + MAX_RETURN;
    let mut status = 0;
    while status != 200 && Instant::now() < deadline {
        status = get(console.address(), "/api/v1/releases").status;
        std::thread::sleep(Duration::from_millis(100));
    }
    up.kill().expect("it runs");
    up.wait().expect("it ends");
    assert_eq!(status, 200, "{}", console.process_output());
}

#[test]
fn a_console_stops_with_its_services() {
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data");
    let server = Server::start(&["up", "--data", utf8(&data), "--console", "127.0.0.1:0"]);
    let console = server.console();
    assert_eq!(get(&console, "/api/v1").status, 200);
    let status = server.stop();
    assert!(status.success(), "{status}");
    assert!(std::net::TcpStream::connect(&console).is_err(), "nobody listens any more");
}

#[test]
fn a_console_that_was_not_asked_for_leaves_its_port_to_others() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (address, taken)).expect("an address");
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data");
    let address = taken.0.to_string();
    let refused = Server::try_start(&["up", "--data", utf8(&data), "--console", &address]);
    let output = refused.err().expect("somebody asked for this address");
    assert!(output.contains("cannot listen") && output.contains("console"), "{output}");
}

//! The server process: its logs, its stop, and the lock on its directory.
use serde_json::Value;

use crate::run::{Up, err, run};

#[test]
fn without_a_terminal_a_server_logs_json_and_stops_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path().to_str().unwrap());
    let (status, stderr) = up.stop();
    assert_eq!(status.code(), Some(0), "{stderr}");
    let lines: Vec<Value> = stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let messages: Vec<&str> = lines.iter().filter_map(|line| line["message"].as_str()).collect();
    for message in ["listening", "stopping", "stopped"] {
        assert!(messages.contains(&message), "{message} is not in {stderr}");
    }
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{stderr}");
}

#[test]
fn a_data_directory_has_one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let _up = Up::start(data);
    let second = run(&["releases", "--data", data]);
    assert_eq!(second.status.code(), Some(4), "{}", err(&second));
    assert!(err(&second).contains("leave --data out"), "{}", err(&second));
}

//! Tests of the proxy: what goes through it, and what does not while it has a fault.
#![allow(clippy::unwrap_used, reason = "a panic in a test says where it failed")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use orewatch_testkit::{Direction, FaultProxy};

/// Time after which a silent connection counts as held.
const SILENCE: Duration = Duration::from_millis(200);

/// Time that nothing here takes unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a server that answers each byte with another one. Returns its port.
fn start_server(difference: u8) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() {
                    if stream.write_all(&[byte[0] + difference]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

fn start_proxy(difference: u8) -> FaultProxy {
    let proxy = FaultProxy::start();
    proxy.forward_to(start_server(difference));
    proxy
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a byte, and returns the answer. `None`: the connection was closed.
fn ask(stream: &mut TcpStream, byte: u8) -> Option<u8> {
    stream.write_all(&[byte]).ok()?;
    answer(stream)
}

fn answer(stream: &mut TcpStream) -> Option<u8> {
    let mut byte = [0];
    match stream.read_exact(&mut byte) {
        Ok(()) => Some(byte[0]),
        Err(error) => {
            let is_silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            assert!(!is_silent, "the connection is neither closed nor answered");
            None
        }
    }
}

/// Whether nothing comes for a while.
fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn bytes_go_to_the_target_that_was_named_last() {
    let proxy = FaultProxy::start();
    assert_eq!(ask(&mut connect(&proxy), 1), None, "there is no target yet");
    proxy.forward_to(start_server(1));
    let mut first = connect(&proxy);
    assert_eq!((ask(&mut first, 1), ask(&mut first, 7)), (Some(2), Some(8)));
    proxy.forward_to(start_server(2));
    assert_eq!(ask(&mut connect(&proxy), 1), Some(3));
    assert_eq!(ask(&mut first, 1), Some(2), "an open connection keeps its target");
}

#[test]
fn a_cut_closes_what_is_open_and_a_refusal_also_what_comes() {
    let proxy = start_proxy(1);
    let mut stream = connect(&proxy);
    assert_eq!(ask(&mut stream, 1), Some(2));
    proxy.cut();
    assert_eq!(answer(&mut stream), None);
    let mut stream = connect(&proxy);
    assert_eq!(ask(&mut stream, 1), Some(2), "who connects again gets through");
    proxy.refuse();
    assert_eq!(answer(&mut stream), None);
    assert_eq!(ask(&mut connect(&proxy), 1), None);
    proxy.heal();
    assert_eq!(ask(&mut connect(&proxy), 1), Some(2));
}

#[test]
fn one_direction_is_held_and_arrives_later() {
    for direction in [Direction::ToTarget, Direction::FromTarget] {
        let proxy = start_proxy(1);
        let mut stream = connect(&proxy);
        assert_eq!(ask(&mut stream, 1), Some(2));
        proxy.hold(direction);
        stream.write_all(&[4]).unwrap();
        assert!(is_silent(&mut stream), "{direction:?}");
        proxy.heal();
        assert_eq!(answer(&mut stream), Some(5), "{direction:?}");
        proxy.hold(direction);
        stream.write_all(&[6]).unwrap();
        assert!(is_silent(&mut stream), "{direction:?}");
        proxy.cut();
        assert_eq!(answer(&mut stream), None, "a cut does not wait for what is held");
    }
}

#[test]
fn a_delay_applies_to_both_directions() {
    let proxy = start_proxy(1);
    let mut stream = connect(&proxy);
    proxy.delay(SILENCE);
    let began = Instant::now();
    assert_eq!(ask(&mut stream, 1), Some(2));
    assert!(began.elapsed() >= 2 * SILENCE, "{:?}", began.elapsed());
}

#[test]
fn a_proxy_that_is_dropped_closes_its_connections_and_its_port() {
    let proxy = start_proxy(1);
    let (address, mut stream) = (proxy.address(), connect(&proxy));
    assert_eq!(ask(&mut stream, 1), Some(2));
    drop(proxy);
    assert_eq!(answer(&mut stream), None);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < deadline, "the port is still open");
        thread::sleep(Duration::from_millis(5));
    }
}

//! A TCP proxy between two parties of a test. It cuts, holds, delays or refuses what goes through it.
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::mem;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Upper bound on the bytes that are passed on together.
const PIECE_BYTES: usize = 64 * 1024;

/// Time to connect to the target.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From who connects to the target.
    ToTarget,
    /// From the target to who connects.
    FromTarget,
}

/// A TCP proxy on 127.0.0.1. Its port stays the same while its target changes.
///
/// Faults apply to connections that are open and to later ones, until [`heal`](Self::heal):
///
/// - [`cut`](Self::cut) closes what is open; who connects again gets through.
/// - [`refuse`](Self::refuse) closes what is open, and later connections at once.
/// - [`hold`](Self::hold) keeps the bytes of one direction back, as a network does that loses all packets of
///   this direction: nothing is closed, and what was held arrives when the network is back.
/// - [`delay`](Self::delay) lets each piece of up to 64 KiB wait, one after the other, so that it limits the
///   throughput as well.
///
/// ```no_run
/// use orewatch_testkit::{Direction, FaultProxy};
///
/// let proxy = FaultProxy::start();
/// proxy.forward_to(4222);
/// println!("connect to {}", proxy.address());
/// proxy.hold(Direction::FromTarget);
/// proxy.heal();
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

/// What the threads of a proxy share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when the state changes.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Port of the target. `None`: connections are refused.
    target: Option<u16>,
    refuses: bool,
    holds_to_target: bool,
    holds_from_target: bool,
    delay: Duration,
    /// Both ends of each open connection.
    connections: BTreeMap<u64, [TcpStream; 2]>,
    /// Number of connections so far.
    count: u64,
    /// The proxy was dropped.
    is_over: bool,
}

impl State {
    fn holds(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToTarget => self.holds_to_target,
            Direction::FromTarget => self.holds_from_target,
        }
    }

    fn close_connections(&mut self) {
        for stream in mem::take(&mut self.connections).into_values().flatten() {
            // It may be closed already.
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }
}

impl FaultProxy {
    /// Starts a proxy on a free port, without a target.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Self { port, shared }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Passes connections on to this port of 127.0.0.1 from now on.
    pub fn forward_to(&self, port: u16) {
        self.shared.lock().target = Some(port);
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.change(State::close_connections);
    }

    /// Closes all connections, and later ones at once.
    pub fn refuse(&self) {
        self.change(|state| {
            state.refuses = true;
            state.close_connections();
        });
    }

    /// Keeps bytes of one direction back.
    pub fn hold(&self, direction: Direction) {
        self.change(|state| match direction {
            Direction::ToTarget => state.holds_to_target = true,
            Direction::FromTarget => state.holds_from_target = true,
        });
    }

    /// Lets each piece wait in both directions.
    pub fn delay(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    /// Ends all faults. What was held is passed on.
    pub fn heal(&self) {
        self.change(|state| {
            (state.refuses, state.holds_to_target, state.holds_from_target) = (false, false, false);
            state.delay = Duration::ZERO;
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.change(|state| {
            state.is_over = true;
            state.close_connections();
        });
        // Wakes the thread that waits for the next connection.
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Accepts connections until the proxy is dropped.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.lock().is_over {
            return;
        }
        if let Ok(client) = client {
            let shared = Arc::clone(shared);
            // `None`: it was refused.
            thread::spawn(move || shared.serve(client));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes the bytes of a connection on until it ends. `None`: it is not passed on.
    fn serve(self: Arc<Self>, client: TcpStream) -> Option<()> {
        let target = {
            let state = self.lock();
            state.target.filter(|_| !state.refuses)?
        };
        let target = SocketAddr::from(([127, 0, 0, 1], target));
        let server = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT).ok()?;
        client.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let (from, to) = (client.try_clone().ok()?, server.try_clone().ok()?);
        let id = self.register(&client, &server)?;
        let other = Arc::clone(&self);
        let sending = thread::spawn(move || other.pass_on(from, to, Direction::ToTarget, id));
        self.pass_on(server, client, Direction::FromTarget, id);
        sending.join().expect("the other direction ends without a panic");
        self.lock().connections.remove(&id);
        Some(())
    }

    /// Adds a connection. `None`: connections are refused by now.
    fn register(&self, client: &TcpStream, server: &TcpStream) -> Option<u64> {
        let ends = [client.try_clone().ok()?, server.try_clone().ok()?];
        let mut state = self.lock();
        if state.refuses || state.is_over {
            return None;
        }
        state.count += 1;
        let id = state.count;
        state.connections.insert(id, ends);
        Some(id)
    }

    /// Passes the bytes of one direction on until either end closes, then closes both.
    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream, direction: Direction, id: u64) {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            // An error ends the connection as its end does, and neither goes through what is held.
            let count = from.read(&mut piece).unwrap_or(0);
            let bytes = piece.get(..count).unwrap_or_default();
            if !self.wait_until_free(direction, id) || bytes.is_empty() || to.write_all(bytes).is_err() {
                break;
            }
        }
        for end in [from, to] {
            let _closed = end.shutdown(Shutdown::Both);
        }
    }

    /// Waits while a direction is held, and then for the delay. Returns false if the connection was cut.
    fn wait_until_free(&self, direction: Direction, id: u64) -> bool {
        let mut state = self.lock();
        while state.holds(direction) && state.connections.contains_key(&id) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (delay, is_open) = (state.delay, state.connections.contains_key(&id));
        drop(state);
        if is_open && !delay.is_zero() {
            thread::sleep(delay);
        }
        is_open
    }
}

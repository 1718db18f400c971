//! A client that knows all replicas of a service, and goes to another one when a call fails.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Time within which a replica has to answer before another one is asked.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Pause before a call is repeated.
const PAUSE: Duration = Duration::from_millis(20);

/// Creates a channel to an address, which connects when it is first used, and again when it was cut.
pub(super) fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes an endpoint");
    endpoint.connect_timeout(Duration::from_secs(1)).connect_lazy()
}

/// Clients of the replicas of a service. Clones share which of them is asked.
#[derive(Clone, Debug)]
pub(super) struct Replicas<C> {
    clients: Vec<C>,
    current: Arc<AtomicUsize>,
}

impl<C: Clone> Replicas<C> {
    /// Clients of these addresses.
    pub(super) fn new(addresses: &[String], client: impl Fn(Channel) -> C) -> Self {
        let clients = addresses.iter().map(|address| client(channel(address))).collect();
        Self { clients, current: Arc::default() }
    }

    /// The client to ask, with its number.
    pub(super) fn current(&self) -> (usize, C) {
        let number = self.current.load(Ordering::Relaxed) % self.clients.len();
        (number, self.clients.get(number).expect("there is a replica").clone())
    }

    /// Leaves a replica that does not answer. Who noticed it earlier may have done so already.
    pub(super) fn leave(&self, number: usize) {
        let next = (number + 1) % self.clients.len();
        let _left = self.current.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Calls a replica, and others if it does not answer or says that it cannot at the moment.
    ///
    /// # Errors
    /// A status that a client does not retry, or the last one after `patience`.
    pub(super) async fn call<T, F>(&self, patience: Duration, ask: impl Fn(C) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let deadline = Instant::now() + patience;
        loop {
            let (number, client) = self.current();
            let answer = timeout(CALL_TIMEOUT, ask(client)).await;
            match answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time"))) {
                Err(status) if is_retried(&status) && Instant::now() < deadline => {
                    self.leave(number);
                    sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }
}

/// Whether a client tries again. A status without details is not of a service, but of a connection.
fn is_retried(status: &Status) -> bool {
    let is_passing = matches!(
        status.code(),
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled
    );
    is_passing || status.details().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_repeated_unless_a_service_refuses_it() {
        for code in [Code::Unavailable, Code::ResourceExhausted] {
            assert!(is_retried(&Status::with_details(code, "away", vec![1_u8].into())), "{code:?}");
        }
        assert!(is_retried(&Status::unknown("the connection broke")));
        for code in [Code::InvalidArgument, Code::FailedPrecondition, Code::Internal, Code::DataLoss] {
            assert!(!is_retried(&Status::with_details(code, "no", vec![1_u8].into())), "{code:?}");
        }
    }

    #[tokio::test]
    async fn the_next_call_goes_to_a_replica_that_answers() {
        let addresses = ["127.0.0.1:1", "127.0.0.1:2"].map(str::to_owned);
        let numbers = std::sync::Mutex::new(0_usize..);
        let replicas = Replicas::new(&addresses, |_| numbers.lock().expect("numbers").next().expect("one"));
        let ask = |number: usize| async move {
            if number == 1 { Ok(number) } else { Err(Status::unavailable("it is down")) }
        };
        assert_eq!(replicas.call(PAUSE * 100, ask).await.expect("an answer"), 1);
        assert_eq!(replicas.current().0, 1);
        let refused = replicas.call(PAUSE, |_| async { Err::<(), _>(Status::unavailable("down")) }).await;
        assert_eq!(refused.expect_err("nobody answers").message(), "down");
    }
}

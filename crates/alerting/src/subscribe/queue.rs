//! What waits for one subscriber: a bounded queue between the log and the connection.
//!
//! A connection that is not read does not ask for messages, so that nothing can be told to it. Whoever fills the queue therefore
//! watches how long none is taken; after [`PATIENCE`] what waits is dropped, and one message says where to go on.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use orewatch_contracts::alerting::v1::SubscribeAlertsResponse;
use prost::Message as _;
use tokio::sync::Notify;
use tonic::Status;

/// How long a full queue may stay as it is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Most that waits, in messages and in bytes. One message always fits.
const MOST_MESSAGES: usize = 256;
const MOST_BYTES: usize = 128 * 1024;

/// Why nothing can be sent any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The subscriber has gone.
    Left,
    /// The subscriber takes nothing; the token of the last message that it took.
    Stalled(String),
}

/// A queue whose subscriber has so far processed what `token` says; full, it may stay as it is for so long.
pub(crate) fn queue(
    token: String,
    patience: Duration,
) -> (Sender, impl Stream<Item = Result<SubscribeAlertsResponse, Status>> + Send + 'static) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { token, ..State::default() }),
        filled: Notify::new(),
        taken: Notify::new(),
    });
    let receiver = Receiver(Arc::clone(&shared));
    let messages = stream::unfold(receiver, |receiver| async move {
        receiver.next().await.map(|message| (message, receiver))
    });
    (Sender { shared, patience }, messages)
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    filled: Notify,
    taken: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// As bytes, which take a tenth of what messages do, with the tokens of each.
    messages: VecDeque<Waiting>,
    bytes: usize,
    /// Token of the last message that was taken.
    token: String,
    /// The sender has ended, with this error if there is one.
    end: Option<Option<Status>>,
    left: bool,
}

/// A message that waits.
#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    token: String,
}

impl From<&SubscribeAlertsResponse> for Waiting {
    fn from(message: &SubscribeAlertsResponse) -> Self {
        Self { bytes: message.encode_to_vec(), token: message.resume_token.clone() }
    }
}

impl State {
    fn has_room_for(&self, bytes: usize) -> bool {
        self.messages.is_empty() || (self.messages.len() < MOST_MESSAGES && self.bytes + bytes <= MOST_BYTES)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that fills the queue. Dropped, it ends the stream.
#[derive(Debug)]
pub(crate) struct Sender {
    shared: Arc<Shared>,
    patience: Duration,
}

impl Sender {
    /// Waits until the message fits, and adds it.
    ///
    /// # Errors
    /// [`Closed`] if it never will.
    pub(crate) async fn send(&self, message: SubscribeAlertsResponse) -> Result<(), Closed> {
        let message = Waiting::from(&message);
        let bytes = message.bytes.len();
        loop {
            {
                let mut state = self.shared.state();
                if state.left {
                    return Err(Closed::Left);
                }
                if state.has_room_for(bytes) {
                    state.bytes += bytes;
                    state.messages.push_back(message);
                    self.shared.filled.notify_one();
                    return Ok(());
                }
            }
            if tokio::time::timeout(self.patience, self.shared.taken.notified()).await.is_err() {
                return Err(Closed::Stalled(self.shared.state().token.clone()));
            }
        }
    }

    /// Waits until the subscriber has gone.
    pub(crate) async fn left(&self) {
        while !self.shared.state().left {
            self.shared.taken.notified().await;
        }
    }

    /// Ends the stream with an error, after what waits.
    pub(crate) fn fail(self, status: Status) {
        self.shared.state().end = Some(Some(status));
    }

    /// Ends the stream with one message, in place of what waits.
    pub(crate) fn cut(self, last: SubscribeAlertsResponse) {
        let mut state = self.shared.state();
        state.messages.clear();
        state.messages.shrink_to_fit();
        state.messages.push_back(Waiting::from(&last));
        state.end = Some(None);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.state().end.get_or_insert(None);
        self.shared.filled.notify_one();
    }
}

/// The end that the connection takes messages from.
#[derive(Debug)]
struct Receiver(Arc<Shared>);

impl Receiver {
    async fn next(&self) -> Option<Result<SubscribeAlertsResponse, Status>> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(message) = state.messages.pop_front() {
                    state.bytes = state.bytes.saturating_sub(message.bytes.len());
                    state.token = message.token;
                    self.0.taken.notify_one();
                    let message = SubscribeAlertsResponse::decode(message.bytes.as_slice());
                    return Some(message.map_err(|error| Status::internal(error.to_string())));
                }
                if let Some(end) = &mut state.end {
                    return end.take().map(Err);
                }
            }
            self.0.filled.notified().await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.left = true;
        state.messages.clear();
        self.0.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use futures_util::{FutureExt as _, StreamExt as _};

    fn message(token: &str) -> SubscribeAlertsResponse {
        SubscribeAlertsResponse { resume_token: token.to_owned(), ..SubscribeAlertsResponse::default() }
    }

    async fn fill(sender: &Sender) -> usize {
        let mut count = 0;
        while sender.send(message(&count.to_string())).now_or_never().is_some() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn a_subscriber_that_does_not_read_is_ended_where_it_stopped_reading() {
        let (sender, messages) = queue("start".to_owned(), Duration::from_millis(20));
        let mut messages = pin!(messages);
        assert_eq!(fill(&sender).await, MOST_MESSAGES);
        assert_eq!(sender.send(message("more")).await, Err(Closed::Stalled("start".to_owned())));

        // It reads a little: that is all it takes.
        for _ in 0..3 {
            messages.next().await.unwrap().unwrap();
        }
        assert_eq!(sender.send(message("more")).await, Ok(()));
        fill(&sender).await;
        assert_eq!(sender.send(message("more")).await, Err(Closed::Stalled("2".to_owned())));
        sender.cut(message("2"));
        assert_eq!(messages.next().await.unwrap().unwrap(), message("2"));
        assert!(messages.next().await.is_none());
    }

    #[tokio::test]
    async fn one_that_reads_is_waited_for() {
        let (sender, messages) = queue(String::new(), PATIENCE);
        let mut messages = pin!(messages);
        fill(&sender).await;
        let reading = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
                messages.next().await.unwrap().unwrap();
            }
        };
        let sending = async {
            for _ in 0..10 {
                assert_eq!(sender.send(message("slow")).await, Ok(()));
            }
        };
        tokio::join!(reading, sending);
    }

    #[tokio::test]
    async fn bytes_count_and_one_message_always_fits() {
        let (sender, messages) = queue(String::new(), PATIENCE);
        let large = message(&"x".repeat(MOST_BYTES * 2));
        assert_eq!(sender.send(large.clone()).now_or_never(), Some(Ok(())));
        assert_eq!(sender.send(large).now_or_never(), None);
        drop(messages);
        assert_eq!(sender.send(message("")).now_or_never(), Some(Err(Closed::Left)));
        sender.left().await;
    }

    #[tokio::test]
    async fn an_error_comes_after_what_waits() {
        let (sender, messages) = queue(String::new(), PATIENCE);
        sender.send(message("a")).await.unwrap();
        sender.fail(Status::unavailable("stopping"));
        let all: Vec<_> = messages.collect().await;
        assert_eq!(all.first().unwrap().as_ref().unwrap(), &message("a"));
        assert_eq!(all.get(1).unwrap().as_ref().unwrap_err().message(), "stopping");
        assert_eq!(all.len(), 2);
    }
}

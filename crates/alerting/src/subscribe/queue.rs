//! The messages that wait for one subscriber: a bounded queue between the log and the connection.
//!
//! A connection that is not read does not ask for messages, so that it cannot be sent an error either. The
//! task that fills the queue therefore watches how long no message is taken; after [`STALL_TIMEOUT`] the
//! messages are dropped, and one takes their place that says where to resume.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use orewatch_contracts::alerting::v1::SubscribeAlertsResponse;
use prost::Message as _;
use tokio::sync::Notify;
use tonic::Status;

/// Time after which a full queue from which nothing is taken counts as stalled.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Messages that may wait.
const MAX_MESSAGES: usize = 256;
/// Bytes that may wait (128 KiB). One message always fits.
const MAX_BYTES: usize = 128 * 1024;

/// Why no more messages can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The subscriber has disconnected.
    Disconnected,
    /// The subscriber does not read. The token of the last message that it took.
    Stalled(String),
}

/// A queue for a subscriber that has taken everything up to `token`. It counts as stalled if it is full and
/// nothing is taken for `stall_timeout`.
pub(crate) fn queue(
    token: String,
    stall_timeout: Duration,
) -> (Sender, impl Stream<Item = Result<SubscribeAlertsResponse, Status>> + Send + 'static) {
    let shared = Arc::new(Shared {
        state: Mutex::new(QueueState { token, ..QueueState::default() }),
        filled: Notify::new(),
        taken: Notify::new(),
    });
    let receiver = Receiver(Arc::clone(&shared));
    let messages = stream::unfold(receiver, |receiver| async move {
        receiver.next().await.map(|message| (message, receiver))
    });
    (Sender { shared, stall_timeout }, messages)
}

#[derive(Debug)]
struct Shared {
    state: Mutex<QueueState>,
    filled: Notify,
    taken: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    /// Encoded messages, which take a tenth of the memory of decoded ones.
    messages: VecDeque<EncodedMessage>,
    bytes: usize,
    /// Token of the last message that was taken.
    token: String,
    /// The sender has ended, with this error if there is one.
    end: Option<Option<Status>>,
    is_disconnected: bool,
}

/// An encoded message and its token.
#[derive(Debug)]
struct EncodedMessage {
    bytes: Vec<u8>,
    token: String,
}

impl From<&SubscribeAlertsResponse> for EncodedMessage {
    fn from(message: &SubscribeAlertsResponse) -> Self {
        Self { bytes: message.encode_to_vec(), token: message.resume_token.clone() }
    }
}

impl QueueState {
    fn has_room_for(&self, bytes: usize) -> bool {
        self.messages.is_empty() || (self.messages.len() < MAX_MESSAGES && self.bytes + bytes <= MAX_BYTES)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that fills the queue. Dropping it ends the stream.
#[derive(Debug)]
pub(crate) struct Sender {
    shared: Arc<Shared>,
    stall_timeout: Duration,
}

impl Sender {
    /// Waits until a message fits, and adds it.
    ///
    /// # Errors
    /// [`Closed`] if that will never be.
    pub(crate) async fn send(&self, message: SubscribeAlertsResponse) -> Result<(), Closed> {
        let message = EncodedMessage::from(&message);
        let bytes = message.bytes.len();
        loop {
            {
                let mut state = self.shared.state();
                if state.is_disconnected {
                    return Err(Closed::Disconnected);
                }
                if state.has_room_for(bytes) {
                    state.bytes += bytes;
                    state.messages.push_back(message);
                    self.shared.filled.notify_one();
                    return Ok(());
                }
            }
            if tokio::time::timeout(self.stall_timeout, self.shared.taken.notified()).await.is_err() {
                return Err(Closed::Stalled(self.shared.state().token.clone()));
            }
        }
    }

    /// Waits until the subscriber has disconnected.
    pub(crate) async fn disconnected(&self) {
        while !self.shared.state().is_disconnected {
            self.shared.taken.notified().await;
        }
    }

    /// Ends the stream with an error, after the messages that wait.
    pub(crate) fn fail(self, status: Status) {
        self.shared.state().end = Some(Some(status));
    }

    /// Ends the stream with one message, which replaces those that wait.
    pub(crate) fn end_with(self, last: SubscribeAlertsResponse) {
        let mut state = self.shared.state();
        state.messages.clear();
        state.messages.shrink_to_fit();
        state.messages.push_back(EncodedMessage::from(&last));
        state.end = Some(None);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.state().end.get_or_insert(None);
        self.shared.filled.notify_one();
    }
}

/// The end from which the connection takes messages.
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
        state.is_disconnected = true;
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
    async fn a_stalled_subscriber_gets_the_token_where_it_stopped_reading() {
        let (sender, messages) = queue("start".to_owned(), Duration::from_millis(20));
        let mut messages = pin!(messages);
        assert_eq!(fill(&sender).await, MAX_MESSAGES);
        assert_eq!(sender.send(message("more")).await, Err(Closed::Stalled("start".to_owned())));

        // A little reading is enough to go on.
        for _ in 0..3 {
            messages.next().await.unwrap().unwrap();
        }
        assert_eq!(sender.send(message("more")).await, Ok(()));
        fill(&sender).await;
        assert_eq!(sender.send(message("more")).await, Err(Closed::Stalled("2".to_owned())));
        sender.end_with(message("2"));
        assert_eq!(messages.next().await.unwrap().unwrap(), message("2"));
        assert!(messages.next().await.is_none());
    }

    #[tokio::test]
    async fn a_slow_subscriber_is_not_stalled() {
        let (sender, messages) = queue(String::new(), STALL_TIMEOUT);
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
    async fn bytes_are_bounded_and_one_message_always_fits() {
        let (sender, messages) = queue(String::new(), STALL_TIMEOUT);
        let large = message(&"x".repeat(MAX_BYTES * 2));
        assert_eq!(sender.send(large.clone()).now_or_never(), Some(Ok(())));
        assert_eq!(sender.send(large).now_or_never(), None);
        drop(messages);
        assert_eq!(sender.send(message("")).now_or_never(), Some(Err(Closed::Disconnected)));
        sender.disconnected().await;
    }

    #[tokio::test]
    async fn an_error_comes_after_the_messages_that_wait() {
        let (sender, messages) = queue(String::new(), STALL_TIMEOUT);
        sender.send(message("a")).await.unwrap();
        sender.fail(Status::unavailable("stopping"));
        let all: Vec<_> = messages.collect().await;
        assert_eq!(all.first().unwrap().as_ref().unwrap(), &message("a"));
        assert_eq!(all.get(1).unwrap().as_ref().unwrap_err().message(), "stopping");
        assert_eq!(all.len(), 2);
    }
}

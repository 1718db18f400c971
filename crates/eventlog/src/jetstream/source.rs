//! What every reader of a log needs.
use std::sync::Arc;

use async_nats::jetstream::stream;

use super::JetStream;
use super::names::Names;
use crate::passed::PassedCounter;

/// A log on the server, with what its readers share.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) log: Arc<str>,
    pub(super) nats: JetStream,
    pub(super) stream: stream::Stream<()>,
    /// Names for the consumers. `None`: they have random names.
    pub(super) names: Option<Arc<Names>>,
    /// Counts messages of other programs that readers have passed over.
    pub(super) passed: PassedCounter,
}

//! Opening a log that must be there already.
use std::sync::Arc;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use tokio::time::Instant;

use super::{JetStream, Trouble, config, patiently};
use crate::{Error, EventLog};

impl JetStream {
    /// Opens a log to read it. `None`: there is none, and none is made.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_to_read(&self, log: &str) -> Result<Option<Arc<dyn EventLog>>, Error> {
        let deadline = Instant::now() + self.options.opening_patience;
        let asked = self.asked(log, &["STREAM.INFO"]);
        let question = |wait| self.ask(wait, &asked, self.has_stream(log));
        let is_there = patiently(log, deadline, question).await?;
        if is_there { self.open(log).await.map(Some) } else { Ok(None) }
    }

    async fn has_stream(&self, log: &str) -> Result<bool, Trouble> {
        match self.context.get_stream(config::stream_name(log)).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    Ok(false)
                }
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED =>
                {
                    Err(Trouble::Setup("the NATS server runs without JetStream: enable it".to_owned()))
                }
                _ => Err(Trouble::Passing(error.to_string())),
            },
        }
    }
}

//! Polls publishers' interfaces, archives their responses, and has them ingested as releases.
//!
//! A poll is a pure state machine ([`PollMachine`]): responses go in, calls come out. Around it the edge
//! makes each call, archives its body and then records it as an event on the connector's stream. An
//! interrupted poll resumes by replaying its recorded responses, so nothing that was received is requested
//! twice. Of several processes, the one whose `PollStarted` is on the log may poll.

mod adapters;
mod call;
mod comtrade;
mod config;
mod gta;
mod http;
mod hub;
mod interface;
mod json;
mod poll_machine;
mod poller;
mod ports;
mod query;
mod run;
mod schedule;
mod secret;
mod slice;
mod state;
mod status;
mod world_bank;

pub use adapters::Polling;
pub use call::{Call, Headers, PreviousResponse, PublisherResponse};
pub use config::{CallLimits, Connector, PollSection, parse_connectors};
pub use hub::{Connectors, ConnectorsSetup};
pub use poll_machine::{FetchNote, KeptResponse, NextStep, PollMachine};
pub use ports::{BodyStore, FileIngest, OnProgress};
pub(crate) use run::to_the_second;
pub use run::{EndedPoll, PollResult};
pub use secret::KeyLocation;
pub use slice::Slice;

/// SHA-256.
type Digest = [u8; 32];

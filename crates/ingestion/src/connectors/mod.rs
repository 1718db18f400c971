//! Publishers' interfaces: asks them, keeps what they answer, and has it read into releases.
//!
//! A poll is a pure machine (`Course`): answers go in, requests come out. Around it the edge makes the requests, keeps every
//! body in the archive and then records the request as an event on the connector's stream. Whatever stops a poll, it goes on by
//! going through its recorded answers again; nothing that came is asked for twice. Of several processes the one whose
//! `PollStarted` is on the log may ask.

mod call;
mod comtrade;
mod config;
mod course;
mod gta;
mod house;
mod http;
mod hub;
mod interface;
mod json;
mod judge;
mod run;
mod schedule;
mod seam;
mod secret;
mod slice;
mod state;
mod world_bank;

use jiff::Timestamp;

pub use call::{Answer, Before, Call, Headers};
pub use config::{Connector, Limits, Section, connectors};
pub use course::{Course, Kept, Next, Note};
pub use house::Polling;
pub use hub::{Connectors, Setup};
pub(crate) use run::to_the_second;
pub use run::{Ended, Run};
pub use seam::{Keep, Take, Tell};
pub use secret::KeyPlace;
pub use slice::Slice;

/// SHA-256.
type Digest = [u8; 32];

/// An instant as the contracts write it.
fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// An instant, for the contracts.
fn written(time: Timestamp) -> prost_types::Timestamp {
    // Times of polls are after 1970: fractions are positive in both notations.
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

//! Values of a log: events, streams and errors. Pure code needs them to read and to make events; the log
//! itself, with its adapters, is the crate `orewatch-eventlog`.
pub mod attribute;
mod decode;
mod error;
mod event;
mod event_enum;

pub use error::Error;
pub use event::{Event, InvalidName, NewEvent, Position, StreamName};
pub(crate) use event_enum::event_enum;

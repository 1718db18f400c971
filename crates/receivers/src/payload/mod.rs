//! The JSON form of a message for programs.
mod convert;
mod schema;

pub use convert::{cloud_event, event_subject, message_data, rfc3339};
pub use schema::{
    AcknowledgementData, AlertData, Contributor, Data, EVENT_SOURCE, EVENT_TYPE, Figure, Payload, Point,
    ProductData, RestatedData, SizeData, SourcesData, TransitionData, schema,
};

//! Rows that are statements: targets that somebody announced, and claims that somebody made. Unlike the rows
//! of other tables they hold texts, and figures are only a part of what they say.
//!
//! Each statement is checked as a whole: it names an economy or bloc, materials, a stage and a measure that
//! exist, and its figures are in the range of the measure. It is kept in the wire form of its message, which
//! is what the chunk holds.
pub(super) mod claims;
mod fields;
pub(super) mod targets;

pub(super) use fields::{identifier, one_of};

use bytes::Bytes;
use prost::Message;

use super::figure::Figure;
use super::names::{Names, Topic};
use super::{Observation, Qualifier, Reject};

/// Longest text of a statement, in bytes.
const MAX_TEXT_BYTES: usize = 2_000;

/// A row that holds a statement. Its identifier is its key.
fn statement_row(id: &str, statement: &impl Message, names: &mut Names) -> Result<Observation, Reject> {
    let nobody = names.no_economy("id")?;
    let topic = names.topic("id", id, Topic::Statement(id.to_owned()))?;
    let stated = names.statement("id", id, Bytes::from(statement.encode_to_vec()))?;
    Ok(Observation {
        period: 0,
        economy: nobody,
        partner: nobody,
        topic,
        figures: [Figure::known(0.0); 2],
        qualifier: Qualifier::Stated(stated),
    })
}

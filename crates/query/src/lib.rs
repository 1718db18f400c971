//! What people write in a query, and the rows of its answer as files: what the command line and the console
//! share. Pure: bytes and values in, bytes and values out.
//!
//! [`names`] and [`as_at`] turn what people write into what services are sent. A row consists of [`Cell`]s;
//! [`Dialect`] says how they are written as CSV, and [`files`] writes them as files of several formats, batch
//! by batch.

pub mod as_at;
mod cell;
mod dialect;
pub mod files;
mod instants;
pub mod licence;
pub mod names;

pub use cell::{Cell, Record};
pub use dialect::{CsvRows, Dialect, one_line, write_records};
pub use instants::{instant, minute_text, time_text};

//! Content of tenants, sealed with their keys: of events and of files.
//!
//! A [`SealedLog`] seals what is appended to the streams of a tenant's releases, and opens it for whoever
//! reads. Below it, on the log itself, in snapshots and in backups, content is sealed. Above it, what cannot
//! be opened because its key was destroyed comes as it is: [`plain_part`] is what everyone may read of it.
//!
//! Files are sealed in pieces ([`FileSealer`], [`FileOpener`]), so that none has to be in memory as a whole.
mod event;
mod file;
mod log;

pub use event::{plain_part, sealed_with};
pub use file::{FileOpener, FileSealer, plain_size, sealed_size};
pub use log::SealedLog;

pub(crate) use event::open_known;

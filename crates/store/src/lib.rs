//! Files that several processes share.
//!
//! A [`Store`] is a folder or a bucket: objects that are written once, and objects that are replaced only if
//! nobody else replaced them first. [`snapshots`] keeps folded state in it, so that a new replica need not
//! fold its logs from the beginning.
//!
//! Nothing here is a source of truth. What is in a store can be written again from the logs.

mod bucket;
mod folder;
mod location;
mod objects;
pub mod snapshots;

pub use bucket::{connect, send_file};
pub use location::{InvalidLocation, Location};
pub use objects::{Store, StoreError, StoredObject, Version};

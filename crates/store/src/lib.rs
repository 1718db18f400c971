//! Files that several processes share.
//!
//! A [`Store`] is a folder or a bucket: objects that are written once, and objects that are replaced only if
//! nobody else replaced them first. [`snapshots`] keeps folded state in it, so that a new replica need not
//! fold its logs from the beginning.
//!
//! [`keys`] are those of tenants, and [`sealed`] is what they seal, on logs and in archives.
//!
//! A snapshot is no source of truth: it can be written again from the logs. A store keeps backups as well,
//! which are all that is left once the logs are lost: whoever removes objects has to know what they are.

mod bucket;
mod folder;
pub mod keys;
mod location;
mod objects;
pub mod sealed;
pub mod snapshots;

pub use bucket::{connect, send_file};
pub use location::{InvalidLocation, Location};
pub use objects::{Store, StoreError, StoredObject, Version};

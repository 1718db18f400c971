//! Files that several processes share.
//!
//! A [`Store`] is a folder or a bucket: objects that are written once, and objects that are replaced only if
//! nobody else replaced them first.

mod bucket;
mod folder;
mod location;
mod objects;

pub use bucket::{connect, send_file};
pub use location::{InvalidLocation, Location};
pub use objects::{Store, StoreError, StoredObject, Version};

//! The contracts of Orewatch as Rust types: the events of each service's log and the interface of each
//! service.
//!
//! All types are generated from `proto/`, which documents every field. The services meet only in these types.
//! For each log there is an enum of its events, such as [`alerting::v1::AlertEvent`]. With the types come the
//! values that go with every contract: failures ([`Failure`]) and their codes, events and streams ([`log`]),
//! identifiers, pages, times, and figures as text.
//!
//! The feature `grpc` adds clients and servers of the services, and failures as gRPC statuses. Pure code does
//! not need it.

#[cfg(feature = "grpc")]
mod codec;
pub mod codes;
pub mod failure;
pub mod figure;
pub mod ids;
#[cfg(feature = "grpc")]
mod limits;
pub mod log;
pub mod market;
pub mod packed;
pub mod page;
pub mod stale;
pub mod text;
pub mod time;
mod transition;

pub use failure::{Class, Failure};

/// Declares the module of a contract: the generated types of one package, and the enum of its events if it
/// has any.
macro_rules! contract {
    ($(#[doc = $about:literal])+ $name:ident, $package:literal $(, $with_events:ident)?) => {
        $(#[doc = $about])+
        pub mod $name {
            /// Version 1.
            #[allow(
                unused_qualifications,
                clippy::all,
                clippy::allow_attributes_without_reason,
                clippy::or_fun_call,
                clippy::str_to_string,
                reason = "the code is generated"
            )]
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
                $(contract!(@$with_events $package);)?

                /// Name of the protobuf package, the prefix of its messages' full names.
                pub const PACKAGE: &str = $package;
            }
        }
    };
    (@with_events $package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".events.rs"));
    };
}

contract! {
    /// Types that all contracts share.
    common, "orewatch.common.v1"
}

contract! {
    /// Service 1: takes in releases of statistics.
    ingestion, "orewatch.ingestion.v1", with_events
}

contract! {
    /// Service 2: computes how far economies depend on suppliers.
    exposure, "orewatch.exposure.v1", with_events
}

contract! {
    /// Service 3: rules, alerts, subscriptions.
    alerting, "orewatch.alerting.v1", with_events
}

/// Descriptors of all contracts as an encoded `google.protobuf.FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/orewatch.binpb"));

/// Paths of all methods, sorted, with the numbers of the roles that they need. Made from the contracts at
/// build time.
const ROLES: &[(&str, i32)] = &include!(concat!(env!("OUT_DIR"), "/roles.rs"));

/// Every method as the path of its HTTP request, with the role that a caller needs.
pub fn roles() -> impl Iterator<Item = (&'static str, common::v1::Role)> {
    ROLES.iter().filter_map(|(path, role)| Some((*path, common::v1::Role::try_from(*role).ok()?)))
}

/// The role that a method needs. `None`: no service has this method.
#[must_use]
pub fn role_of(path: &str) -> Option<common::v1::Role> {
    let index = ROLES.binary_search_by_key(&path, |(path, _)| path).ok()?;
    ROLES.get(index).and_then(|(_, role)| common::v1::Role::try_from(*role).ok())
}

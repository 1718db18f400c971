//! The contracts of Orewatch as Rust types: the events of each service's log and the interface of each service.
//!
//! All types are generated from `proto/`, which documents every field. The services meet only in these types.

mod codec;
mod limits;
pub mod packed;
pub mod text;
pub mod time;

/// Names the one package a module holds.
macro_rules! package {
    ($package:literal) => {
        tonic::include_proto!($package);

        /// Name of the protobuf package, the prefix of its messages' full names.
        pub const PACKAGE: &str = $package;
    };
}

/// Words that every contract shares.
pub mod common {
    /// Version 1.
    pub mod v1 {
        package!("orewatch.common.v1");
    }
}

/// Service 1: releases of statistics go in.
pub mod ingestion {
    /// Version 1.
    pub mod v1 {
        package!("orewatch.ingestion.v1");
    }
}

/// Service 2: dependence comes out.
pub mod exposure {
    /// Version 1.
    pub mod v1 {
        package!("orewatch.exposure.v1");
    }
}

/// Service 3: rules, alerts, subscriptions.
pub mod alerting {
    /// Version 1.
    pub mod v1 {
        package!("orewatch.alerting.v1");
    }
}

/// Descriptors of all contracts as an encoded `google.protobuf.FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/orewatch.binpb"));

/// Paths of all methods in order, with the numbers of the roles that they need. Made from the contracts at build time.
const ROLES: &[(&str, i32)] = &include!(concat!(env!("OUT_DIR"), "/roles.rs"));

/// Every method of every service, as the path of its HTTP request, with the role that a caller needs.
pub fn roles() -> impl Iterator<Item = (&'static str, common::v1::Role)> {
    ROLES.iter().filter_map(|(path, role)| Some((*path, common::v1::Role::try_from(*role).ok()?)))
}

/// The role that a caller of a method needs. `None`: no service of ours has this method.
#[must_use]
pub fn role_of(path: &str) -> Option<common::v1::Role> {
    let at = ROLES.binary_search_by_key(&path, |(path, _)| path).ok()?;
    ROLES.get(at).and_then(|(_, role)| common::v1::Role::try_from(*role).ok())
}

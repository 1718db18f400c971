//! The contracts of Orewatch as Rust types: the events of each service's log and the interface of each service.
//!
//! All types are generated from `proto/`, which documents every field. The services meet only in these types.

mod codec;
mod limits;
pub mod packed;

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

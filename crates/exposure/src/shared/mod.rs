//! Replicas that share the work by material.
//!
//! A replica folds, computes and publishes the materials that it holds. Which these are follows from who is
//! there ([`orewatch_runtime::Sharing`]); [`worker`] folds what comes beside what is there, and lets go of
//! what another replica has taken over. What a replica does not hold it asks others for ([`peers`],
//! [`call`]), or reads from the log of exposures while nobody holds it ([`published`]).
//!
//! Nothing here protects the log: two replicas that publish the same material for a moment append the same
//! events with the same expectation, and the log takes one of them.

pub(crate) mod call;
mod lists;
mod pages;
pub(crate) mod peers;
mod published;
mod question;
mod service;
mod vintages;
mod worker;

pub(crate) use service::SharedExposureService;
pub(crate) use worker::SharedWorker;

use std::collections::BTreeSet;

use crate::decide::CLAIMS;

/// The partitions: the materials, and the claims about all of them.
#[must_use]
pub fn partitions() -> BTreeSet<&'static str> {
    orewatch_catalog::materials().iter().map(|material| material.id).chain([CLAIMS]).collect()
}

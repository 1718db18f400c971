//! Ingestion as its users meet it: files are given to the client, the client sends them to a service on an
//! embedded log.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod archive;
mod comext;
mod comtrade;
mod concordances;
mod connectors;
mod containers;
mod erase;
mod foreign;
mod foreign_statements;
mod gate_modes;
mod gate_states;
mod gates;
mod harness;
mod hostile;
mod iea;
mod intake;
mod interrupted;
mod layouts;
mod life;
mod parquet;
mod policy;
mod policy_gates;
mod projections;
mod reading;
mod reference;

mod repair;
mod residuals;
mod restrictions;
mod retention;
mod revisions;
mod sent;
mod source_policy;
mod statements;
mod tables;
mod taking;
mod tenants;
mod unit_model;
mod units;
mod usgs;
mod wgi;
mod wmd;

//! Tests of the manifests in `deploy/`: they render, conform to the schemas of Kubernetes and of resources of
//! others, keep to policies of our own, combine in any order, and match the binary and the servers that they
//! start.
mod binary;
mod components;
mod disruption;
mod files;
mod image;
mod kit;
mod nats;
mod network;
mod pods;
mod sandbox;
mod selectors;
mod validation;

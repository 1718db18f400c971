//! The services as black boxes: the binary, the manifests and the logs as an operator meets them.
//!
//! `scripts/test` prepares what these tests need; without it they fail, they never skip.
mod deploy;
mod tools;

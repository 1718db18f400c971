//! What every service needs and none should write again: configuration, telemetry, errors with a blame, the clock, the
//! context a service runs in, the server around it and the way to one.

mod access;
mod admission;
pub mod client;
mod clock;
mod connections;
mod context;
mod failure;
pub mod figure;
mod flow;
mod server;
mod settings;
mod signal;
mod target;
mod telemetry;
pub mod trace;
mod work;

pub use access::{Access, Identity};
pub use admission::{Admission, Place};
pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use failure::{Class, Failure};
pub use flow::{Budget, Share};
pub use server::{Running, Server, serve};
pub use settings::{Key, Settings, Source};
pub use signal::Signals;
pub use target::{InvalidTarget, LogStore, LogTarget};
pub use telemetry::{LogFormat, Telemetry, TelemetryOptions};
pub use work::{Seat, Stop, Work, WorkLimits};

//! What every process needs, whichever services it runs: configuration ([`Settings`]), logs and traces
//! ([`Telemetry`]), the clock, the [`Context`] that a service runs in, the [`Server`] around it with access
//! control and limits on what calls take, the client's connection to a server, and how replicas of a service
//! share their work ([`Sharing`]).

mod access;
mod admission;
pub mod client;
mod clock;
mod connections;
mod context;
mod flow;
mod health;
mod logs;
mod opening;
mod readiness;
mod server;
mod settings;
mod sharing;
mod signal;
mod target;
mod telemetry;
mod threads;
pub mod trace;
mod work;

pub use access::{Access, Identity};
pub use admission::{Admission, Permit};
pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use flow::{Budget, Share};
pub use health::{ANSWERS_STALE, LOG_STATE};
pub use logs::{FollowedLog, FollowedLogs};
pub use readiness::Readiness;
pub use server::{Running, Server, serve};
pub use settings::{Key, Settings, Source};
pub use sharing::{Member, Members, OpenLeases, Record, Sharing};
pub use signal::Signals;
pub use target::{InvalidTarget, LogStore, LogTarget};
pub use telemetry::{LogFormat, Telemetry, TelemetryOptions};
pub use threads::build_runtime;
pub use work::{Seat, Stop, Work, WorkLimits};

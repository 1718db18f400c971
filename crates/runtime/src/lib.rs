//! What every process needs, whichever services it runs: configuration ([`Settings`]), logs and traces
//! ([`Telemetry`]), the clock, the [`Context`] that a service runs in, the [`Server`] around it with access
//! control, TLS and limits on what calls take, and the client's connection to a server.

mod access;
mod actor_names;
mod admission;
pub mod client;
mod clock;
mod connections;
mod context;
mod flow;
mod health;
mod inside;
mod logs;
mod opening;
mod rate;
mod readiness;
mod seldom;
mod server;
mod settings;
mod shifted_clock;
mod signal;
mod target;
mod telemetry;
mod threads;
mod tls;
pub mod trace;
mod web;
mod work;

pub use access::{Access, Identity, shown_token};
pub use actor_names::{ACTOR_KEY_BYTES, ActorNames, ActorStore, ActorTable};
pub use admission::{Admission, Permit};
pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use flow::{Budget, Share};
pub use health::{ANSWERS_STALE, LOG_STATE};
pub use inside::Inside;
pub use logs::{FollowedLog, FollowedLogs};
pub use readiness::Readiness;
pub use server::{Running, Server, serve};
pub use settings::{Key, Settings, Source};
pub use shifted_clock::ShiftedClock;
pub use signal::Signals;
pub use target::{InvalidTarget, LogStore, LogTarget};
pub use telemetry::{LogFormat, Telemetry, TelemetryOptions};
pub use threads::build_runtime;
pub use tls::{ClientTls, ServerTls, ServerTlsFiles};
pub use web::{problem, problems};
pub use work::{Seat, Stop, Work, WorkLimits};

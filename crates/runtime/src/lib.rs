//! What every process needs, whichever services it runs: configuration ([`Settings`]), logs and traces
//! ([`Telemetry`]), [`metrics`], the clock, the [`Context`] that a service runs in, the [`Server`] around it
//! with access control, TLS and limits on what calls take, the [`admin`] port beside it, the client's
//! connection to a server, and how replicas of a service share their work ([`Sharing`]).

mod access;
mod actor_names;
pub mod admin;
mod admission;
mod certificate;
pub mod client;
mod clock;
mod connections;
mod context;
mod flow;
mod health;
mod json_lines;
mod logs;
pub mod metrics;
mod observer;
mod opening;
mod phase;
mod rate;
mod readiness;
mod seldom;
mod server;
mod settings;
mod sharing;
mod shifted_clock;
mod signal;
pub mod stderr;
mod target;
mod telemetry;
mod threads;
mod tls;
pub mod trace;
mod work;

pub use access::{Access, Identity};
pub use actor_names::{ACTOR_KEY_BYTES, ActorNames, ActorStore, ActorTable};
pub use admission::{Admission, Permit};
pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use flow::{Budget, Share};
pub use health::{ANSWERS_STALE, FOLD_PROGRESS, LOG_STATE, SERVICE_STATE};
pub use logs::{FollowedLog, FollowedLogs};
pub use phase::Phase;
pub use readiness::Readiness;
pub use server::{Running, Server, serve};
pub use settings::{Key, Settings, Source};
pub use sharing::{Member, Members, OpenLeases, Record, Sharing};
pub use shifted_clock::ShiftedClock;
pub use signal::Signals;
pub use target::{InvalidTarget, LogStore, LogTarget};
pub use telemetry::{Telemetry, TelemetryOptions};
pub use threads::build_runtime;
pub use tls::{ClientTls, ServerTls, ServerTlsFiles};
pub use work::{Seat, Stop, Work, WorkLimits};

//! Service 4: data by URL and pages for browsers. It has no log and no state: it only asks the other
//! services, over gRPC, and passes the tokens of its callers on to them.
//!
//! [`contract`] is the table of what can be asked for. A request is read by it (`question`), pinned to a
//! point of knowledge and answered as JSON (`listing`), as a file (`export`) or as a citation (`citation`);
//! changes (`change`) are requests of the services; `pages` are for browsers. What a column is called and how
//! an entry becomes rows is declared once for the command line and the console ([`Tables`]).
//!
//! The console runs on the server of its process ([`orewatch_runtime`]), which identifies callers, limits
//! their number and rate, and breaks answers off that nobody reads.
mod answer;
mod change;
mod citation;
pub mod contract;
mod entries;
mod episodes;
mod export;
pub mod fixed;
mod fixed_query;
mod index;
mod listing;
mod message;
mod pages;
mod question;
mod raw;
mod refused;
mod router;
mod safety;
mod services;
mod tables;
mod validator;

use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_runtime::{Admission, Context};
use tonic::service::RoutesBuilder;

use message::Contracts;
use services::Services;
pub use services::{Channels, Method, Service};
pub use tables::{Fixed, Table, Tables};

/// Upper bounds on files at a time, in all and for each caller: each may be read for minutes.
const MAX_EXPORTS: usize = 64;
const MAX_EXPORTS_PER_CALLER: usize = 8;

/// Configuration of the console.
#[derive(Debug)]
pub struct Config {
    /// The services that it asks.
    pub channels: Channels,
    /// How entries become rows.
    pub tables: Tables,
    /// Version of the program, for validators and citations.
    pub version: String,
    /// Time for an answer of a service.
    pub deadline: Duration,
    /// Requests have to name this machine as their host: nobody has to show a token, and pages of others must
    /// not reach the console through a browser.
    pub is_for_this_machine: bool,
}

/// What answers requests. It is shared by all of them.
#[derive(Debug)]
pub(crate) struct Console {
    services: Services,
    contracts: Contracts,
    tables: Tables,
    version: String,
    exports: Admission,
    is_for_this_machine: bool,
}

/// Starts the console on the routes of a server. Calls of gRPC go on to what is on the routes already.
///
/// # Errors
/// None but a defect.
pub fn start(context: &Context, config: Config, routes: &mut RoutesBuilder) -> Result<(), Failure> {
    let Config { channels, tables, version, deadline, is_for_this_machine } = config;
    let console = Console {
        services: Services::new(channels, Arc::clone(&context.clock), deadline),
        contracts: Contracts::read()?,
        tables,
        version,
        exports: Admission::new("files", MAX_EXPORTS, MAX_EXPORTS_PER_CALLER),
        is_for_this_machine,
    };
    router::add(Arc::new(console), routes);
    Ok(())
}

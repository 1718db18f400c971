//! `actors`: the names of those whose commands are recorded by pseudonyms.
use std::path::PathBuf;

use orewatch_contracts::{Class, Failure};
use orewatch_store::Location;

use super::print_message;
use super::serve::DEFAULT_DATA;
use super::shared::print_list;
use crate::actors::StoredActors;
use crate::options::{Flags, Keyed, OutputOptions, given};
use crate::render::Align::Left;
use crate::render::{Cell, Column, Row, column};
use crate::session::Session;

const NONE: &str = "No names are in the table.";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Events record who gave a command by a pseudonym such as id:0123456789abcdef. The names are in one
table beside the data. After a name is erased, answers show the pseudonym, and nobody can tell whose
it is. Remove the person's token before: with the next command the name would be noted again.

Examples:
  orewatch actors list --data ./orewatch-data
  orewatch actors erase id:0123456789abcdef --actors s3://orewatch/actors")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the names with their pseudonyms
    List(ListArgs),
    /// Erase a name from the table
    Erase(EraseArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    place: PlaceOptions,
}

#[derive(Debug, clap::Args)]
struct EraseArgs {
    /// Name or pseudonym to erase
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    place: PlaceOptions,
}

/// Where the table is, and how the command prints.
#[derive(Clone, Debug, Default, clap::Args)]
struct PlaceOptions {
    /// Data directory of the server, with the table in `actors` [default: ./orewatch-data]
    #[arg(long, value_name = "DIR", conflicts_with = "actors")]
    data: Option<String>,
    /// Place of the table: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    actors: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

impl Keyed for PlaceOptions {
    fn flags(&self) -> Flags {
        let place = given([("data", &self.data), ("actors", &self.actors)]);
        self.output.flags().into_iter().chain(place).collect()
    }
}

/// A name in the table.
struct NamedActor {
    pseudonym: String,
    name: String,
}

impl Row for NamedActor {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("actor", |row: &Self| Cell::text(&row.pseudonym)).shown("recorded as", Left),
            column("name", |row: &Self| Cell::text(&row.name)).shown("name", Left),
        ]
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    match args.command {
        Command::List(args) => list(&args, &session).await,
        Command::Erase(args) => erase(&args, &session).await,
    }
}

fn table(options: &PlaceOptions, session: &Session) -> Result<StoredActors, Failure> {
    let settings = session.settings(&[options])?;
    let place: Option<Location> = if options.data.is_some() { None } else { settings.get("actors")? };
    let data = settings.get_or("data", PathBuf::from(DEFAULT_DATA))?;
    StoredActors::new(&place.unwrap_or_else(|| Location::Folder(data.join("actors"))))
}

async fn list(args: &ListArgs, session: &Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args.place])?;
    let out = args.place.output.output(session.out(&settings)?)?;
    let names = table(&args.place, session)?.names().await?.unwrap_or_default();
    let rows: Vec<_> = names.into_iter().map(|(pseudonym, name)| NamedActor { pseudonym, name }).collect();
    print_list(&out, &rows, NONE)
}

async fn erase(args: &EraseArgs, session: &Session) -> Result<(), Failure> {
    let table = table(&args.place, session)?;
    let names = table.names().await?.unwrap_or_default();
    let pseudonym = names.iter().find(|(pseudonym, name)| *pseudonym == &args.name || *name == &args.name);
    let not_there = || {
        Failure::new(Class::NotFound, "unknown-actor", "the table has no such name")
            .at("name", &args.name)
            .with_hint("`orewatch actors list` lists the names")
    };
    let (pseudonym, _) = pseudonym.ok_or_else(not_there)?;
    table.erase(pseudonym).await?.ok_or_else(not_there)?;
    print_message(&format!("Erased. Answers show {pseudonym} within half a minute."));
    Ok(())
}

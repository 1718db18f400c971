//! `tenant`: erases what a tenant has.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{EraseTenantRequest, EraseTenantResponse};

use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::render::{Cell, Column, Row, column, labels};
use crate::session::{Client, Session};

/// Width of the labels, in characters.
const LABEL_WIDTH: usize = 14;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Services that have a key file (--keys-file) seal the rows and the original files of each tenant with
a key of its own. Once the keys of a tenant are destroyed, nobody can read them any more: not in the
logs, not in the archive, not in a backup. What stays is that there were releases, and when.

Example:
  orewatch tenant erase acme --reason \"contract 17 ended\"")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Erase the rows and the original files of a tenant, for good, in backups too
    Erase(EraseArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It takes some seconds, so that no service has a key in use any more when the command ends. Repeating
it is safe. Releases that were recorded before the services had a key file are no longer shown, but
their rows stay readable in the logs and in backups; the command lists them.")]
struct EraseArgs {
    /// Tenant, as `orewatch releases --format csv` names it
    tenant: String,
    /// Reason recorded with the change
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Name recorded as the author of the change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    actor: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let Command::Erase(args) = args.command;
    with_client(session, &args.client, async |client| erase(&args, client).await).await
}

async fn erase(args: &EraseArgs, client: &Client) -> Result<(), Failure> {
    let request = EraseTenantRequest {
        tenant: args.tenant.clone(),
        reason: args.reason.clone(),
        actor: args.actor.clone(),
    };
    let response = client.ingestion().await?.erase_tenant(client.request(request)).await?.into_inner();
    match client.out.format {
        Format::Json | Format::Csv => client.out.row(&response)?,
        Format::Table => {
            let fields = [
                ("releases", format!("{} erased", response.releases)),
                ("keys", format!("{} destroyed", response.keys)),
                ("files", format!("{} removed", response.files)),
                ("still readable", response.readable.join(", ")),
            ];
            client.out.text(&labels(&fields, LABEL_WIDTH, client.out.width))?;
        }
    }
    print_message(&outcome(&args.tenant, &response));
    Ok(())
}

/// What became of the tenant, in words.
fn outcome(tenant: &str, response: &EraseTenantResponse) -> String {
    if response.unchanged {
        return format!("Nothing of {tenant} was left to erase.");
    }
    if response.readable.is_empty() {
        return format!("{tenant} is erased.");
    }
    format!(
        "{tenant} is erased, but {} recorded, at least in part, before the services had a key file: whoever \
         has the logs, or a backup of them, can read those rows.",
        match response.readable.len() {
            1 => "1 release was".to_owned(),
            releases => format!("{releases} releases were"),
        }
    )
}

impl Row for EraseTenantResponse {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("releases", |erased: &Self| Cell::count(erased.releases)),
            column("readable", |erased: &Self| Cell::List(erased.readable.clone())),
            column("keys", |erased: &Self| Cell::count(erased.keys)),
            column("files", |erased: &Self| Cell::count(erased.files)),
            column("unchanged", |erased: &Self| Cell::Flag(erased.unchanged)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_says_what_stays_readable() {
        let none = EraseTenantResponse { unchanged: true, ..EraseTenantResponse::default() };
        assert_eq!(outcome("acme", &none), "Nothing of acme was left to erase.");
        let all = EraseTenantResponse { releases: 2, keys: 1, files: 3, ..EraseTenantResponse::default() };
        assert_eq!(outcome("acme", &all), "acme is erased.");
        let part = EraseTenantResponse { readable: vec!["ours/1".to_owned()], ..all };
        let text = outcome("acme", &part);
        assert!(text.contains("1 release was recorded,") && text.contains("a backup of them"), "{text}");
    }
}

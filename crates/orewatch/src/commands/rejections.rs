//! `rejections`: lists the quarantined rows of a release, shows one in its file, or exports them for
//! correction.
use std::path::{Path, PathBuf};

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{
    DownloadFileRequest, GetReleaseRequest, ListRejectionsRequest, Rejection, Release,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::{Input, REJECTION_COLUMN, read_lines_around, repair_columns};

use super::shared::{all_pages, print_list};
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::render::object;
use crate::session::{Client, Session};
use crate::view::QuarantinedRow;
use crate::words::count_text;

/// Page size of requests: the most that the server returns at once.
const PAGE_SIZE: u32 = 1_000;

/// Maximum size of an original file that is downloaded to show the lines around a row, in bytes.
const MAX_ORIGINAL_BYTES: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch rejections 202601 --format csv > rejected.csv
  orewatch rejections 202601 --show 0
  orewatch rejections 202601 --export wrong.csv")]
pub(crate) struct Args {
    /// Release: its identifier, or its vintage if only one release has it
    release: String,
    /// Show the row with this number: its line, the invalid value marked, and the lines around it
    #[arg(long, value_name = "N")]
    show: Option<usize>,
    /// Write the rows to a CSV file for correction with `orewatch repair`
    #[arg(long, value_name = "FILE", conflicts_with = "show")]
    export: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| list(&args, client).await).await
}

async fn list(args: &Args, client: &Client) -> Result<(), Failure> {
    let mut service = client.ingestion().await?;
    let rejections = all_pages(async |page_token| {
        let request =
            ListRejectionsRequest { release: args.release.clone(), page_size: PAGE_SIZE, page_token };
        let page = service.list_rejections(client.request(request)).await?.into_inner();
        Ok((page.rejections, page.next_page_token))
    })
    .await?;
    if let Some(number) = args.show {
        return show(&args.release, &rejections, number, client).await;
    }
    if let Some(to) = &args.export {
        return export(&args.release, &rejections, to, client).await;
    }
    print_list(&client.out, &QuarantinedRow::numbered(&rejections), "No quarantined rows.")
}

/// Looks up a release by identifier or vintage.
async fn get_release(name: &str, client: &Client) -> Result<Release, Failure> {
    let request = GetReleaseRequest { release: name.to_owned() };
    let response = client.ingestion().await?.get_release(client.request(request)).await?.into_inner();
    Ok(response.release.unwrap_or_default().release.unwrap_or_default())
}

/// Writes the quarantined rows to a CSV file for correction.
async fn export(name: &str, rejections: &[Rejection], to: &Path, client: &Client) -> Result<(), Failure> {
    let release = get_release(name, client).await?;
    let (columns, as_written) = repair_columns(&release);
    let header: Vec<_> = columns.iter().map(|name| csv_field(name)).collect();
    let mut text = format!("{REJECTION_COLUMN},{}\n", header.join(","));
    let (mut blank, mut textless) = (0_usize, 0_usize);
    for (number, rejection) in rejections.iter().enumerate() {
        // A corrected row is one line, so a row that spans lines has to be filled in.
        let is_line = !rejection.text.is_empty() && !rejection.text.contains('\n');
        if as_written && is_line {
            text.push_str(&format!("{number},{}\n", rejection.text));
        } else {
            blank += 1;
            textless += usize::from(rejection.text.is_empty());
            text.push_str(&format!("{number}{}\n", ",".repeat(columns.len())));
        }
    }
    std::fs::write(to, text).map_err(|error| {
        Failure::new(Class::Unavailable, "file-not-writable", format!("the file cannot be written: {error}"))
            .at("export", to.display().to_string())
    })?;
    print_message(&format!(
        "{} written to {}. Correct them, then: orewatch repair {name} {}",
        count_text(rejections.len(), "row"),
        to.display(),
        to.display()
    ));
    if blank > 0 {
        print_message(&fill_in_note(blank, textless, as_written, &release.parser, name));
    }
    Ok(())
}

/// Says why rows of the export are blank, and where to find their values.
fn fill_in_note(blank: usize, textless: usize, as_written: bool, parser: &str, name: &str) -> String {
    let why = match (blank == textless, as_written) {
        (true, _) => "have no text of their own, such as cells of a wide table or of JSON".to_owned(),
        (false, true) => "have no line of their own".to_owned(),
        (false, false) => format!("are rows of {parser}, which cannot be corrected as text"),
    };
    format!(
        "{blank} of them {why}. Fill in their columns from `orewatch rejections {name} --show NUMBER`, \
         or delete them."
    )
}

/// A name as a CSV field.
fn csv_field(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Shows one quarantined row with the lines around it.
async fn show(name: &str, rejections: &[Rejection], number: usize, client: &Client) -> Result<(), Failure> {
    let unknown = || {
        Failure::new(
            Class::NotFound,
            "unknown-rejection",
            "the release has no quarantined row with this number",
        )
        .at("show", number.to_string())
        .with_hint(format!(
            "the release has {}, numbered from 0",
            count_text(rejections.len(), "quarantined row")
        ))
    };
    let rejection = rejections.get(number).ok_or_else(unknown)?;
    if client.out.format == Format::Json {
        let row = QuarantinedRow::numbered(rejections).into_iter().nth(number);
        return client.out.json(&row.as_ref().map(object));
    }
    let release = get_release(name, client).await?;
    let file = release.files.iter().find(|file| file.name == rejection.file);
    let mut lines = vec![
        format!("{}:{}  {}", rejection.file, rejection.line, rejection.code),
        format!("  {} {:?}: {}", rejection.column, rejection.value, rejection.reason),
    ];
    if !rejection.hint.is_empty() {
        lines.push(format!("  {}", rejection.hint));
    }
    let columns = file.map(|file| file.columns.join(",")).unwrap_or_default();
    lines.push(format!("\n{:>8}  {columns}", "header"));
    let context = match file {
        Some(file) if !file.stored_sha256.is_empty() && !file.records && file.bytes <= MAX_ORIGINAL_BYTES => {
            lines_around(client, &file.name, &file.stored_sha256, rejection.line).await
        }
        _ => Vec::new(),
    };
    let own = (rejection.line, rejection.text.clone());
    for (line, text) in if context.is_empty() { vec![own] } else { context } {
        lines.push(format!("{line:>8}  {text}"));
        if line == rejection.line {
            lines.extend(mark_value(&text, &rejection.value).map(|mark| format!("{:>8}  {mark}", "")));
        }
    }
    client.out.text(&format!("{}\n", lines.join("\n")))
}

/// Marks a value in the line below it: `   ^^^`. `None` if the line does not contain it.
fn mark_value(text: &str, value: &str) -> Option<String> {
    let value = value.trim();
    let start = text.find(value).filter(|_| !value.is_empty())?;
    let before = text.get(..start)?.chars().count();
    Some(format!("{}{}", " ".repeat(before), "^".repeat(value.chars().count())))
}

/// Reads the lines around a row from the original file. Empty if the archive does not have it.
async fn lines_around(client: &Client, name: &str, sha256: &str, line: u64) -> Vec<(u64, String)> {
    let fetch = async {
        let request = DownloadFileRequest { sha256: sha256.to_owned(), own_use: true };
        let mut pieces = client.ingestion().await?.download_file(client.request(request)).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.message().await? {
            bytes.extend_from_slice(&piece.data);
        }
        let input = Input::Memory { name: name.to_owned(), bytes: Bytes::from(bytes) };
        Ok::<_, Failure>(read_lines_around(&input, line)?)
    };
    fetch.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_marked_where_it_stands() {
        assert_eq!(mark_value("2020,CHN,ZZZ,1", "ZZZ").as_deref(), Some("         ^^^"));
        assert_eq!(mark_value("2020,CHN", ""), None);
        assert_eq!(mark_value("2020,CHN", "XXX"), None);
    }
}

//! Tests of the documentation: every link has a target, and the commands of every page run as written.
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::{env, fs, iter, thread};

use orewatch_tests::admin;
use orewatch_tests::process::Server;
use orewatch_tests::system::{client, file, run};
use orewatch_tests::tools::{orewatch, output, read, root, text};
use tempfile::TempDir;

use crate::metrics;

/// Pages outside of `docs/` whose links are checked.
const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// Maximum time for the commands of a page, in seconds.
const MAX_PAGE_SECONDS: &str = "900";

/// First line of the script of a page: sends all output to one stream, and prints the line and the command of
/// an error.
const SCRIPT_HEAD: &str = r#"exec 2>&1; trap 'echo "line $LINENO: $BASH_COMMAND"' ERR"#;

/// Lists the pages of a folder, as paths from the root of the repository.
fn pages_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let names = entries.map(|entry| entry.expect("the folder can be listed").file_name());
    let names = names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".md"));
    let mut pages: Vec<_> = names.map(|name| format!("{folder}/{name}")).collect();
    pages.sort();
    assert!(pages.len() > 10, "the pages of {folder} were not found: {pages:?}");
    pages
}

fn doc_pages() -> Vec<String> {
    pages_in("docs")
}

fn runbooks() -> Vec<String> {
    pages_in("docs/runbooks")
}

/// Splits a page into lines, each with the language of the fenced code block that it is in. Fences count as
/// part of the block.
fn lines_with_language(page: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let mut block = None;
    page.lines().map(move |line| match (line.strip_prefix("```"), block) {
        (Some(language), None) => {
            block = Some(language);
            (Some("fence"), line)
        }
        (Some(_), Some(_)) => {
            block = None;
            (Some("fence"), line)
        }
        (None, within) => (within, line),
    })
}

/// Finds the targets of the links of a page, outside of code blocks and code spans.
fn link_targets(page: &str) -> Vec<String> {
    let outside = lines_with_language(page).filter(|(block, _)| block.is_none());
    let prose: String =
        outside.map(|(_, line)| line.split('`').step_by(2).collect::<String>() + "\n").collect();
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    links.map(|(target, _)| target.to_owned()).collect()
}

/// The anchors of the headings of a page, as GitHub creates them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = lines_with_language(page).filter(|(block, line)| block.is_none() && line.starts_with('#'));
    let slugs = headings.map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>()
    });
    let numbered = slugs.map(|slug| {
        let earlier = seen.entry(slug.clone()).or_default();
        *earlier += 1;
        if *earlier == 1 { slug } else { format!("{slug}-{}", *earlier - 1) }
    });
    numbered.collect()
}

/// Says what is wrong with a link. `None` if its target exists, or is outside of the repository.
fn broken_link(page: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let page_file = root().join(page);
    let folder = page_file.parent().expect("a page is in a folder");
    let file = if path.is_empty() { page_file.clone() } else { folder.join(path) };
    if !file.exists() {
        return Some(format!("{page}: {target}: there is no such file"));
    }
    let is_there =
        anchor.is_empty() || fs::read_to_string(&file).is_ok_and(|linked| anchors(&linked).contains(anchor));
    (!is_there).then(|| format!("{page}: {target}: no heading has this anchor"))
}

#[test]
fn every_link_has_a_target() {
    let mut links = Vec::new();
    for page in PAGES.map(str::to_owned).into_iter().chain(doc_pages()).chain(runbooks()) {
        links.extend(link_targets(&read(&page)).into_iter().map(|target| (page.clone(), target)));
    }
    assert!(links.len() > 50, "the links were not found: {links:?}");
    let wrong: Vec<_> = links.iter().filter_map(|(page, target)| broken_link(page, target)).collect();
    assert_eq!(wrong, [""; 0]);
}

/// A page is written before its figures are measured, and does not stay so.
#[test]
fn every_figure_was_measured() {
    let counts = doc_pages().into_iter().map(|page| (read(&page).matches("TODO-MEASURE").count(), page));
    let left: Vec<_> = counts.filter(|(count, _)| *count > 0).collect();
    assert!(left.is_empty(), "figures that are still to be measured, by page: {left:?}");
}

/// The commands of a page as a script, each on the same line as on the page. `None` if the page has no
/// commands.
fn script(page: &str) -> Option<String> {
    let commands = lines_with_language(page).map(|(block, line)| if block == Some("sh") { line } else { "" });
    let mut script: Vec<_> = commands.collect();
    if script.iter().all(|line| line.is_empty()) {
        return None;
    }
    assert!(script[0].is_empty(), "a page begins with its title");
    script[0] = SCRIPT_HEAD;
    Some(script.join("\n"))
}

/// Variables that the commands of a page find in their environment.
type Environment<'a> = &'a [(&'a str, String)];

/// Runs the commands of a page in an empty folder. The error has the name of the page and the output of the
/// commands.
fn run_page(page: &str, script: &str, environment: Environment<'_>) -> Result<(), String> {
    let folder = TempDir::new().expect("a temporary folder");
    let own = orewatch().parent().expect("the binary is in a folder").to_owned();
    let search = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(iter::once(own).chain(env::split_paths(&search))).expect("a search path");
    let mut bash = Command::new("timeout");
    bash.args(["--kill-after=10", MAX_PAGE_SECONDS, "bash", "-euo", "pipefail", "-c", script]);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OREWATCH_")) {
        bash.env_remove(name);
    }
    // All pages run beside other tests, with a build that is hardly optimised.
    let done = output(
        bash.env("PATH", path)
            .env("OREWATCH_TIMEOUT", "900s")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder.path())
            .stdin(Stdio::null()),
    );
    if done.status.success() {
        return Ok(());
    }
    let ended = match done.status.code() {
        Some(124 | 137) => format!("takes more than {MAX_PAGE_SECONDS} s"),
        _ => done.status.to_string(),
    };
    Err(format!("{page}: {ended}\n{}{}", text(&done.stdout), text(&done.stderr)))
}

#[test]
fn the_commands_of_every_page_succeed() {
    let pages = doc_pages();
    let scripts: Vec<_> = pages.iter().filter_map(|page| Some((page, script(&read(page))?))).collect();
    assert!(scripts.len() > 5, "the commands were not found");
    let failed: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> =
            scripts.iter().map(|(page, script)| scope.spawn(move || run_page(page, script, &[]))).collect();
        runs.into_iter().filter_map(|run| run.join().expect("a page is run").err()).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// The pages are run one after the other against one system: they look at it and back it up, as somebody does
/// who is called at night.
#[test]
fn the_commands_of_every_runbook_succeed() {
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data").display().to_string();
    let server = Server::start(&["up", "--data", &data, "--admin", "127.0.0.1:0"]);
    let admin = admin::address(&server);
    admin::wait_until_ready(&admin);
    let address = format!("http://{}", server.address());
    let trade = file(&folder, "trade.csv", metrics::TRADE);
    run(client(&address, &["ingest", &trade, "--max-rejects", "1"]));
    let environment = [
        ("OREWATCH_SERVER", address),
        ("OREWATCH_ADMIN", format!("http://{admin}")),
        ("OREWATCH_LOG", format!("embedded:{data}")),
        ("BACKUPS", folder.path().join("backups").display().to_string()),
    ];
    let backups = ["log", "backup", "--to", &environment[3].1, "--data", &data];
    run({
        let mut backup = Command::new(orewatch());
        backup.args(backups);
        backup
    });
    let pages = runbooks();
    let scripts: Vec<_> = pages.iter().filter_map(|page| Some((page, script(&read(page))?))).collect();
    assert_eq!(scripts.len() + 1, pages.len(), "every page but the index has commands");
    let failed: Vec<String> =
        scripts.iter().filter_map(|(page, script)| run_page(page, script, &environment).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

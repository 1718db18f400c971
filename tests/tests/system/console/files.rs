//! Files as five readers read them: the same values, to the bit.
use std::process::Command;

use orewatch_tests::tools::{output, read, root, text, tool};
use tempfile::TempDir;

use super::Desk;

/// The address of a console in the documentation.
const ADDRESS: &str = "127.0.0.1:7080";

#[tokio::test(flavor = "multi_thread")]
async fn five_readers_read_the_same_values() {
    let desk = Desk::with_figures().await;
    for query in [
        "exposures?consumer=WLD&measure=production-share,production-top1&as-of=2023,2024&trend&firmness",
        "releases?",
        "measures?",
        "economies?",
        "materials?",
        "targets?",
        "exposures?consumer=WLD&as-of=1901",
    ] {
        let mut reader = Command::new(tool("python"));
        reader
            .arg(root().join("tests/readers/compare.py"))
            .arg(format!("http://{}/api/v1/{query}", desk.console));
        let done = output(&mut reader);
        assert!(done.status.success(), "{query}:\n{}{}", text(&done.stdout), text(&done.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_in_python_run_as_written() {
    let desk = Desk::with_figures().await;
    let page = read("docs/rest.md");
    let blocks: Vec<&str> =
        page.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let script = blocks.join("\n");
    assert!(blocks.len() > 1 && script.contains(ADDRESS), "the examples were not found: {script}");
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("acme-desk.token"), "a token of the page\n").expect("a file");
    let mut python = Command::new(tool("python"));
    python.arg("-c").arg(script.replace(ADDRESS, &desk.console)).current_dir(folder.path());
    let done = output(&mut python);
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    assert!(text(&done.stdout).contains("CHN"), "{}", text(&done.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_a_name_by_which_it_is_told_from_others() {
    let desk = Desk::with_figures().await;
    let name = |path: &str| desk.get(path).header("content-disposition").to_owned();
    let (one, other) =
        (name("/api/v1/exposures.csv?consumer=WLD"), name("/api/v1/exposures.csv?consumer=WLD&by=quantity"));
    assert!(
        one.starts_with("attachment; filename=\"orewatch-exposures-at-") && one.ends_with(".csv\""),
        "{one}"
    );
    assert_ne!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_can_be_chosen_and_written_for_excel() {
    let desk = Desk::with_figures().await;
    let path = "/api/v1/exposures.csv?consumer=WLD&material=antimony&measure=production-top1&as-of=2023\
                &fields=period,consumer,value";
    let plain = desk.get(path).text();
    assert!(plain.starts_with("period,consumer,value\n2023,WLD,0."), "{plain}");
    let excel = desk.get(&format!("{path}&excel=true")).text();
    assert!(excel.starts_with("\u{feff}period;consumer;value;consumer_name\n2023;WLD;0,"), "{excel}");
}

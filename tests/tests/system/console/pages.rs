//! Pages: each state has an address, nothing needs a script, and every link leads somewhere.
use std::collections::BTreeSet;

use orewatch_tests::http::{Answer, get};
use orewatch_tests::process::Server;

use super::Desk;

/// The addresses of the console that a page links to.
fn own_links(html: &str) -> BTreeSet<String> {
    let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let links = links.map(|(address, _)| address.replace("&amp;", "&"));
    links.filter(|address| address.starts_with('/')).collect()
}

#[track_caller]
fn check_page(page: &Answer) {
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{}", page.text());
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text();
    for acting in ["<script", " style=", " onclick=", "javascript:"] {
        assert!(!html.contains(acting), "{acting} is in {html}");
    }
    assert!(html.contains("<h1>") && html.contains("<main id=\"main\">"), "{html}");
    assert!(page.body.len() < 100 << 10, "{} bytes", page.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_the_first_page_leads_somewhere() {
    let desk = Desk::with_figures().await;
    let query = "/?measure=production-share&stage=mined&consumer=WLD";
    let page = desk.get(query);
    check_page(&page);
    let html = page.text();
    for part in ["<table class=\"heat\">", "Antimony", "usgs-mcs", "of the Union", "No alert is open."] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    let links = own_links(&html);
    assert!(
        links.iter().any(|link| link.starts_with("/x/production-share/WLD/antimony/mined/CHN")),
        "{links:?}"
    );
    for link in &links {
        let answer = desk.get(link);
        assert_eq!(answer.status, 200, "{link}: {}", answer.text());
    }
    let again = links.iter().find(|link| link.starts_with("/?") && link.contains("as-at=%40"));
    let again = desk.get(again.expect("an address that gives the page again")).text();
    let table = |html: &str| html.split("<tbody>").nth(1).map(str::to_owned);
    assert_eq!(table(&again), table(&html));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_leads_to_its_formula_and_rows_and_is_a_file_too() {
    let desk = Desk::with_figures().await;
    let path = "/x/production-share/WLD/antimony/mined/CHN";
    let page = desk.get(&format!("{path}?as-of=2023"));
    check_page(&page);
    let html = page.text();
    for part in ["World: Antimony, mined, from China", " in 2023", "<code>", ", line ", "2024"] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    for link in own_links(&html) {
        let answer = desk.get(&link);
        assert_eq!(answer.status, 200, "{link}: {}", answer.text());
    }
    let file = desk.get(&format!("{path}.csv?fields=period,supplier"));
    assert_eq!(file.text(), "period,supplier\n2023,CHN\n2024,CHN\n");
    let by_name = desk.get("/x/production-share/World/antimony/mined/china");
    assert_eq!(by_name.status, 200, "names do as well as codes: {}", by_name.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_a_page_that_says_what_was_meant() {
    let desk = Desk::start(&[]);
    for (path, status, part) in [
        ("/nothing", 404, "there is no page at this address"),
        ("/assets/console.css", 404, "there is no page at this address"),
        ("/?stage=smelted", 404, "stage"),
        ("/?colour=red", 400, "colour"),
        ("/x/import-shar/Germny/cobalt/refined/CHN", 404, "did you mean DEU"),
        ("/x/import-share/DEU/cobalt/refined/CHN.doc", 404, "use csv"),
    ] {
        let page = desk.get(path);
        check_page(&page);
        assert_eq!(page.status, status, "{path}: {}", page.text());
        assert!(page.text().contains(part), "{path}: {part} is not in {}", page.text());
    }
    let style = own_links(&desk.get("/").text()).into_iter().find(|link| link.starts_with("/assets/"));
    let style = desk.get(&style.expect("a style"));
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
}

#[test]
fn the_first_page_names_services_that_are_away() {
    let console = Server::start(&["console", "--server", "http://127.0.0.1:1"]);
    let page = get(console.address(), "/");
    check_page(&page);
    let html = page.text();
    assert_eq!(page.status, 200);
    for service in ["ingestion", "exposure", "alerting"] {
        assert!(
            html.contains(&format!("the {service} service cannot be reached since ")),
            "{service}: {html}"
        );
    }
}

//! What all pages have: head, navigation, the main part, and a foot with the address that gives the same
//! again.
use std::sync::OnceLock;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::LogState;
use orewatch_query::time_text;

use super::html::{Html, element, link};
use crate::answer::API;
use crate::validator::digest;

/// Where the files of pages are. They need no token.
pub(super) const ASSETS: &str = "/assets/";

/// The style of all pages.
const STYLE: &str = include_str!("../../assets/console.css");

/// Pages that the navigation names.
const NAVIGATION: [(&str, &str); 2] = [("/", "Today"), ("/api/v1", "Data")];

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its title, and its first heading.
    pub(super) title: String,
    /// Path of the entry of the navigation that it belongs to.
    pub(super) place: &'static str,
    /// The main part, below the heading.
    pub(super) content: Html,
    /// Point of knowledge that its figures rest on. Empty: it has none.
    pub(super) as_at: String,
    /// Address that gives the same again. Empty: there is none.
    pub(super) permalink: String,
}

/// The address of the style. It changes with the content, so that browsers may keep the file for ever.
fn style_address() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| format!("{ASSETS}console-{}.css", digest(&[STYLE.as_bytes()])))
}

/// A file of pages. `None`: there is none of this address.
pub(super) fn asset(path: &str) -> Option<Response> {
    if path != style_address() {
        return None;
    }
    let mut response = Response::new(Body::from(STYLE));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Some(response)
}

impl Page {
    /// The page as an answer.
    pub(super) fn response(self, version: &str) -> Response {
        let mut response = Response::new(Body::from(self.document(version)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response
    }

    /// The page as a document.
    pub(super) fn document(self, version: &str) -> String {
        let head = element("head")
            .with(element("meta").set("charset", "utf-8"))
            .with(
                element("meta").set("name", "viewport").set("content", "width=device-width, initial-scale=1"),
            )
            .with(element("title").with(format!("{} · Orewatch", self.title)))
            .with(element("link").set("rel", "icon").set("href", "data:,"))
            .with(element("link").set("rel", "stylesheet").set("href", style_address()));
        let main = element("main")
            .set("id", "main")
            .with(element("h1").with(self.title.as_str()))
            .with(self.content);
        let body = element("body")
            .with(element("a").class("skip").set("href", "#main").with("Skip to the content"))
            .with(element("header").with(navigation(self.place)))
            .with(main)
            .with(foot(&self.as_at, &self.permalink, version));
        let root = element("html").set("lang", "en").with(head).with(body);
        Html::from(root).document()
    }
}

fn navigation(place: &str) -> Html {
    let entries = NAVIGATION.into_iter().map(|(address, name)| {
        let entry = element("a").set("href", address);
        let entry = if address == place { entry.set("aria-current", "page") } else { entry };
        element("li").with(entry.with(name))
    });
    let list = element("ul").with(entries.collect::<Html>());
    element("nav").set("aria-label", "Pages").with(list).into()
}

fn foot(as_at: &str, permalink: &str, version: &str) -> Html {
    let mut foot = element("footer");
    if !as_at.is_empty() {
        foot = foot.with(element("p").with(format!("Known as at {as_at}. ")).with(match permalink {
            "" => Html::default(),
            address => link(address, "The address that gives this page again"),
        }));
    }
    foot.with(element("p").with(format!("Orewatch {version}"))).into()
}

/// A part of a page, with its heading. If it failed, it says why, and the other parts are there.
pub(super) fn part(id: &'static str, title: &str, content: Result<Html, Failure>) -> Html {
    let content = content.unwrap_or_else(|failure| failed(&failure));
    let heading = element("h2").set("id", id).with(title);
    element("section").set("aria-labelledby", id).with(heading).with(content).into()
}

/// A failure in words.
pub(super) fn failed(failure: &Failure) -> Html {
    let place = match failure.field.as_str() {
        "" => String::new(),
        field => format!(" ({field}: {:?})", failure.value),
    };
    let note = element("div").class("failed").set("role", "alert");
    let note = note.with(element("p").with(format!("{}{place}", failure.message)));
    match failure.hint.as_str() {
        "" => note.into(),
        hint => note.with(element("p").with(hint)).into(),
    }
}

/// Links to what a part shows as data.
pub(super) fn data_links(listing: &str, query: &str) -> Html {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let links = ["csv", "xlsx", "parquet", "arrow", "json", "md"]
        .into_iter()
        .map(|ending| element("li").with(link(&format!("{API}/{listing}.{ending}{query}"), ending)));
    let first = element("li").class("quiet").with("Data:");
    let all: Html = std::iter::once(first).chain(links).collect();
    element("ul").class("links").with(all).into()
}

/// Says of figures that they are old. Nothing if they are not.
pub(super) fn stale(state: Option<&LogState>) -> Html {
    let Some(LogState { log, behind_since, reason, .. }) = state else { return Html::default() };
    let since = time_text(*behind_since);
    let text = format!("Old figures: the {log} log cannot be read on since {since}: {reason}");
    element("p").class("stale").set("role", "status").with(text).into()
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::Class;

    use super::*;

    #[test]
    fn a_page_is_whole_and_names_what_it_rests_on() {
        let page = Page {
            title: "Today <b>".to_owned(),
            place: "/",
            content: element("p").with("a & b").into(),
            as_at: "@7".to_owned(),
            permalink: "/?as-at=%407".to_owned(),
        };
        let html = page.document("0.1.0");
        for part in [
            "<html lang=\"en\">",
            "<title>Today &lt;b&gt; · Orewatch</title>",
            "<h1>Today &lt;b&gt;</h1>",
            "<a href=\"/\" aria-current=\"page\">Today</a>",
            "<p>a &amp; b</p>",
            "Known as at @7.",
            "<a href=\"/?as-at=%407\">",
            style_address(),
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("<script") && !html.contains(" style="), "{html}");
    }

    #[test]
    fn the_style_is_there_under_its_address_only() {
        assert!(asset(style_address()).is_some());
        assert!(asset("/assets/console.css").is_none());
        assert!(!STYLE.contains("url("), "nothing is loaded by the style");
    }

    #[test]
    fn a_part_that_failed_says_why() {
        let failure =
            Failure::new(Class::Unavailable, "service-unavailable", "the <alerting> service is away")
                .at("service", "alerting")
                .with_hint("others are there");
        let html = part("alerts", "Alerts", Err(failure)).document();
        assert!(
            html.contains("the &lt;alerting&gt; service is away (service: &quot;alerting&quot;)"),
            "{html}"
        );
        assert!(html.contains("<p>others are there</p>"), "{html}");
    }
}

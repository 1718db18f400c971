//! HTML that stays well-formed whatever its texts say.
//!
//! A page is built of elements. Texts, attributes and addresses each have one way in, which escapes them, so
//! that no name, title or reason in the data can become markup. No function takes a text for HTML.
use orewatch_contracts::text::without_hidden;

/// Elements without content.
const VOID: [&str; 4] = ["input", "link", "meta", "br"];

/// A piece of HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Adds another piece.
    pub(crate) fn add(&mut self, more: impl Into<Self>) {
        self.0.push_str(&more.into().0);
    }

    /// The document with this as its root.
    pub(crate) fn document(self) -> String {
        format!("<!doctype html>\n{}\n", self.0)
    }
}

impl From<&str> for Html {
    fn from(text: &str) -> Self {
        let mut html = String::with_capacity(text.len());
        escape(&mut html, text);
        Self(html)
    }
}

impl From<String> for Html {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: Into<Html>> FromIterator<T> for Html {
    fn from_iter<I: IntoIterator<Item = T>>(pieces: I) -> Self {
        let mut all = Self::default();
        for piece in pieces {
            all.add(piece);
        }
        all
    }
}

/// Writes a text so that it is one wherever it stands, without characters that act instead of showing.
fn escape(html: &mut String, text: &str) {
    for letter in without_hidden(text, true).chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// An element that is being built. Names of elements and attributes are those of the program.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    name: &'static str,
    attributes: String,
    content: Html,
}

/// An element.
pub(crate) fn element(name: &'static str) -> Element {
    Element { name, attributes: String::new(), content: Html::default() }
}

impl Element {
    /// Sets an attribute.
    pub(crate) fn set(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push(' ');
        self.attributes.push_str(name);
        self.attributes.push_str("=\"");
        escape(&mut self.attributes, value);
        self.attributes.push('"');
        self
    }

    /// Sets the classes.
    pub(crate) fn class(self, names: &str) -> Self {
        if names.is_empty() { self } else { self.set("class", names) }
    }

    /// Adds content.
    pub(crate) fn with(mut self, content: impl Into<Html>) -> Self {
        self.content.add(content);
        self
    }
}

impl From<Element> for Html {
    fn from(element: Element) -> Self {
        let Element { name, attributes, content } = element;
        if VOID.contains(&name) {
            return Self(format!("<{name}{attributes}>"));
        }
        Self(format!("<{name}{attributes}>{}</{name}>", content.0))
    }
}

/// A link. An address that is neither of the console nor of the web stays a text: `javascript:` would act.
pub(crate) fn link(address: &str, text: impl Into<Html>) -> Html {
    let is_own = (address.starts_with('/') && !address.starts_with("//")) || address.starts_with('#');
    let is_outside = ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme));
    match (is_own, is_outside) {
        (true, _) => element("a").set("href", address).with(text).into(),
        (_, true) => element("a").set("href", address).set("rel", "external noreferrer").with(text).into(),
        _ => text.into(),
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    class: &'static str,
}

/// A column of texts.
pub(crate) const fn texts(name: &'static str) -> Column {
    Column { name, class: "" }
}

/// A column of numbers, which stand below each other.
pub(crate) const fn numbers(name: &'static str) -> Column {
    Column { name, class: "n" }
}

/// A table with a caption. The first cell of a row names it. A wide table scrolls, also by keyboard.
pub(crate) fn table(caption: &str, columns: &[Column], rows: impl IntoIterator<Item = Vec<Html>>) -> Html {
    let heads = columns
        .iter()
        .map(|column| element("th").set("scope", "col").class(column.class).with(column.name))
        .collect::<Html>();
    let rows = rows.into_iter().map(|cells| {
        let cells = columns.iter().zip(cells).enumerate().map(|(place, (column, cell))| match place {
            0 => element("th").set("scope", "row").class(column.class).with(cell),
            _ => element("td").class(column.class).with(cell),
        });
        element("tr").with(cells.collect::<Html>())
    });
    let body = element("tbody").with(rows.collect::<Html>());
    let head = element("thead").with(element("tr").with(heads));
    scrolled(caption, element("table").with(element("caption").with(caption)).with(head).with(body))
}

/// Something wide that scrolls within the page.
pub(crate) fn scrolled(name: &str, content: impl Into<Html>) -> Html {
    let region = element("div").class("wide").set("role", "region").set("aria-label", name);
    region.set("tabindex", "0").with(content).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let hostile = "</td><script>alert('x')</script>\" onload=\"x\u{202e}\u{0}";
        let html = element("td").set("title", hostile).with(hostile);
        let html = Html::from(html).document();
        assert_eq!(html.matches('<').count(), 3, "the doctype, the element and its end: {html}");
        assert_eq!(html.matches('"').count(), 2, "the value of the attribute: {html}");
        assert!(!html.contains(['\u{202e}', '\u{0}', '\'']), "{html}");
    }

    #[test]
    fn an_address_that_acts_is_no_link() {
        for address in
            ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "//evil.example", " /x", ""]
        {
            assert_eq!(link(address, "here"), Html::from("here"), "{address}");
        }
        assert_eq!(
            link("/x?a=b&c=\"", "here").document(),
            "<!doctype html>\n<a href=\"/x?a=b&amp;c=&quot;\">here</a>\n"
        );
        assert!(link("https://example.org/", "here").document().contains("noreferrer"));
    }

    #[test]
    fn a_table_names_its_rows_and_columns() {
        let rows = [vec![Html::from("Germany"), Html::from("1")]];
        let html = table("Figures", &[texts("consumer"), numbers("value")], rows).document();
        for part in [
            "<caption>Figures</caption>",
            "<th scope=\"col\" class=\"n\">value</th>",
            "<th scope=\"row\">Germany</th><td class=\"n\">1</td>",
            "tabindex=\"0\"",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
    }

    #[test]
    fn elements_without_content_have_no_end() {
        let meta = element("meta").set("charset", "utf-8");
        assert_eq!(Html::from(meta), Html("<meta charset=\"utf-8\">".to_owned()));
    }
}

//! The heat map of the first page: how far consumers depend on one supplier, material by material.
//!
//! It is a table: every cell has its figure as text and is a link to its page. Its shade repeats the figure.
//! A figure that does not decide on a threshold for certain is hatched, a missing one is hollow and never
//! zero, and a figure with an open alert has a mark.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::material;
use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::common::v1::{By, Estimate};
use orewatch_contracts::exposure::v1::{
    Exposure, ExposureFilter, QueryExposuresRequest, QueryExposuresResponse, Standing, Subject,
};
use orewatch_contracts::figure::{estimate, number, status_word};
use orewatch_measures::Measure;
use orewatch_query::names::economy_name;
use url::form_urlencoded;

use super::address::figure_address;
use super::html::{Html, element, link, scrolled};

/// What is shown if the address does not say.
const MEASURE: &str = "import-share";
const SUPPLIER: &str = "CHN";
const STAGE: &str = "refined";
const CONSUMERS: [&str; 11] = ["G7", "EU27", "USA", "JPN", "DEU", "FRA", "GBR", "ITA", "CAN", "KOR", "IND"];

/// Upper bound on the cells.
pub(super) const MAX_CELLS: u32 = 10_000;

/// Classes of the shades, from none to all.
const SHADES: [&str; 10] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"];

/// What the map shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Heat {
    measure: String,
    stage: String,
    supplier: String,
    consumers: Vec<String>,
    /// By material, then by consumer.
    cells: BTreeMap<String, BTreeMap<String, Exposure>>,
    pub(super) has_more: bool,
}

/// Fills what an address leaves open into a request: one measure, stage and supplier, and some consumers.
/// Returns the parameters that were added.
pub(super) fn complete(request: &mut QueryExposuresRequest) -> Vec<(&'static str, String)> {
    let filter = request.filter.get_or_insert_default();
    let mut added = Vec::new();
    let mut only = |name: &'static str, values: &mut Vec<String>, usual: &str| {
        values.truncate(1);
        if values.is_empty() {
            values.push(usual.to_owned());
            added.push((name, usual.to_owned()));
        }
    };
    only("measure", &mut filter.measures, MEASURE);
    only("stage", &mut filter.stages, STAGE);
    if has_supplier(filter) {
        only("supplier", &mut filter.suppliers, SUPPLIER);
    }
    if filter.consumers.is_empty() {
        filter.consumers = CONSUMERS.map(str::to_owned).to_vec();
        added.push(("consumer", CONSUMERS.join(",")));
    }
    if filter.by == i32::from(By::Unspecified) {
        filter.by = By::Quantity.into();
        added.push(("by", "quantity".to_owned()));
    }
    request.page_size = MAX_CELLS;
    added
}

fn has_supplier(filter: &ExposureFilter) -> bool {
    let measure = filter.measures.first().and_then(|name| name.parse::<Measure>().ok());
    measure.is_some_and(|measure| measure.method().has_supplier)
}

impl Heat {
    /// The map of an answer.
    pub(super) fn of(filter: &ExposureFilter, answer: QueryExposuresResponse) -> Self {
        let first = |values: &[String]| values.first().cloned().unwrap_or_default();
        let mut heat = Self {
            measure: first(&filter.measures),
            stage: first(&filter.stages),
            supplier: first(&filter.suppliers),
            consumers: filter.consumers.clone(),
            cells: BTreeMap::new(),
            has_more: !answer.next_page_token.is_empty(),
        };
        for exposure in answer.exposures {
            let subject = exposure.subject.clone().unwrap_or_default();
            let row = heat.cells.entry(subject.material).or_default();
            // The newest of several periods, which come one after another.
            row.insert(subject.consumer, exposure);
        }
        heat
    }

    /// What the map is about, in words.
    pub(super) fn title(&self) -> String {
        let measure = self.measure.parse::<Measure>().map(|measure| measure.method().title);
        let measure = measure.unwrap_or(self.measure.as_str()).trim_end_matches('.');
        match self.supplier.as_str() {
            "" => format!("{measure} ({})", self.stage),
            supplier => format!("{measure} ({}, {})", economy_name(supplier), self.stage),
        }
    }

    /// A form that asks for another map, and keeps what else the query says. It works without a script.
    pub(super) fn form(&self, query: &str) -> Html {
        let own = ["measure", "stage", "supplier", "consumer"];
        let others = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !own.contains(&&**name));
        let kept = others.map(|(name, value)| {
            element("input").set("type", "hidden").set("name", &name).set("value", &value)
        });
        let field = |name: &'static str, title: &'static str, value: &str| {
            let input = element("input").set("id", name).set("name", name).set("value", value);
            element("div").with(element("label").set("for", name).with(title)).with(input)
        };
        let form = element("form").set("action", "/").set("method", "get");
        let form = form
            .with(field("measure", "Measure", &self.measure))
            .with(field("stage", "Stage", &self.stage))
            .with(field("supplier", "Supplier", &self.supplier))
            .with(field("consumer", "Consumers", &self.consumers.join(",")));
        form.with(kept.collect::<Html>()).with(element("button").with("Show")).into()
    }

    /// The map as a table.
    pub(super) fn table(&self, alerts: &[Alert], as_at: &str, reading: &str) -> Html {
        let marked: BTreeSet<Key> =
            alerts.iter().filter_map(|alert| alert.subject.as_ref()).map(key).collect();
        let heads = self.consumers.iter().map(|code| {
            let name = element("abbr").set("title", economy_name(code)).with(code.as_str());
            element("th").set("scope", "col").with(name)
        });
        let head = element("tr").with(element("th").set("scope", "col").with("material"));
        let rows = self.cells.iter().map(|(id, row)| {
            let name = material(id).map_or(id.as_str(), |material| material.name);
            let cells = self.consumers.iter().map(|consumer| match row.get(consumer) {
                Some(exposure) => {
                    let subject = exposure.subject.clone().unwrap_or_default();
                    let address = figure_address(&subject, &exposure.period, as_at, reading);
                    cell(exposure, marked.contains(&key(&subject)), &address)
                }
                None => element("td").with(element("span").class("v").with("no figure")).into(),
            });
            let head = element("th").set("scope", "row").with(name);
            element("tr").with(head).with(cells.collect::<Html>())
        });
        let title = self.title();
        let table = element("table")
            .class("heat")
            .with(element("caption").with(format!("{title}, newest period of each material")))
            .with(element("thead").with(head.with(heads.collect::<Html>())))
            .with(element("tbody").with(rows.collect::<Html>()));
        scrolled(&title, table)
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

/// What makes two subjects the same but for the version of the measure.
type Key = [String; 5];

fn key(subject: &Subject) -> Key {
    let measure = subject.measure.split('/').next().unwrap_or_default().to_owned();
    let Subject { consumer, material, stage, supplier, .. } = subject.clone();
    [consumer, material, stage, supplier, measure]
}

fn cell(exposure: &Exposure, has_alert: bool, address: &str) -> Html {
    let figure = exposure.estimate.as_ref();
    let value = figure.and_then(|figure| figure.value);
    let is_open = exposure
        .lines
        .iter()
        .any(|line| matches!(line.standing(), Standing::CrossedNotConfirmed | Standing::ClearNotConfirmed));
    let shade = value.map_or("m", |value| shade(&exposure.unit, value));
    let classes = [Some(shade), is_open.then_some("u"), has_alert.then_some("a")];
    let classes = classes.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let shown = value.map_or_else(|| "–".to_owned(), |value| short(&exposure.unit, value));
    let words = [
        Some(said(exposure, figure)),
        is_open.then(|| "not confirmed".to_owned()),
        has_alert.then(|| "open alert".to_owned()),
    ];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let text: Html =
        [element("span").set("aria-hidden", "true").with(shown), element("span").class("v").with(words)]
            .into_iter()
            .collect();
    element("td").class(&classes).with(link(address, text)).into()
}

/// A figure as it is said where there is room.
fn said(exposure: &Exposure, figure: Option<&Estimate>) -> String {
    let status = figure.map(Estimate::status).unwrap_or_default();
    match figure.and_then(|figure| figure.value) {
        Some(_) => format!("{} in {}", estimate(&exposure.unit, figure), exposure.period),
        None => format!("{} in {}", status_word(status), exposure.period),
    }
}

/// A figure as it is shown where there is little room: a share in percent, without the sign.
fn short(unit: &str, value: f64) -> String {
    match unit {
        "share" => number(value * 100.0, 0),
        "hhi" => number(value, 0),
        _ => number(value, 1),
    }
}

/// The class of a shade. Units without an upper end have the lightest.
fn shade(unit: &str, value: f64) -> &'static str {
    let share = match unit {
        "share" => value,
        "hhi" => value / 10_000.0,
        _ => 0.0,
    };
    let reached = (1..SHADES.len()).filter(|step| share >= steps(*step)).count();
    SHADES.get(reached).copied().unwrap_or("s9")
}

/// The share at which a shade begins.
fn steps(step: usize) -> f64 {
    u32::try_from(step).map_or(1.0, f64::from) / 10.0
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::Status;
    use orewatch_contracts::exposure::v1::LineVerdict;

    use super::*;

    fn exposure(consumer: &str, value: Option<f64>, standing: Standing) -> Exposure {
        let status = if value.is_some() { Status::Known } else { Status::Withheld };
        Exposure {
            subject: Some(Subject {
                consumer: consumer.to_owned(),
                material: "cobalt".to_owned(),
                stage: "refined".to_owned(),
                supplier: "CHN".to_owned(),
                measure: "import-share/1".to_owned(),
                by: By::Quantity.into(),
            }),
            period: "2023".to_owned(),
            estimate: Some(Estimate { value, status: status.into(), ..Estimate::default() }),
            unit: "share".to_owned(),
            lines: vec![LineVerdict { standing: standing.into(), ..LineVerdict::default() }],
            ..Exposure::default()
        }
    }

    fn heat() -> (Heat, Vec<(&'static str, String)>) {
        let mut request = QueryExposuresRequest::default();
        let added = complete(&mut request);
        let exposures = vec![
            exposure("DEU", Some(0.677), Standing::CrossedNotConfirmed),
            exposure("JPN", None, Standing::Unknown),
            exposure("USA", Some(0.0), Standing::Clear),
        ];
        let answer = QueryExposuresResponse { exposures, ..QueryExposuresResponse::default() };
        (Heat::of(&request.filter.unwrap_or_default(), answer), added)
    }

    #[test]
    fn an_address_without_parameters_has_a_usual_map() {
        let (heat, added) = heat();
        let names: Vec<&str> = added.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["measure", "stage", "supplier", "consumer", "by"]);
        assert!(heat.title().contains("China") && heat.title().contains("refined"), "{}", heat.title());
        assert!(!heat.is_empty() && !heat.has_more);
    }

    #[test]
    fn the_form_keeps_what_it_does_not_ask_for() {
        let html = heat().0.form("stage=mined&as-at=%407&dataset=baci").document();
        assert!(html.contains("type=\"hidden\" name=\"as-at\" value=\"@7\""), "{html}");
        assert!(html.contains("type=\"hidden\" name=\"dataset\""), "{html}");
        assert_eq!(html.matches("name=\"stage\"").count(), 1, "{html}");
    }

    #[test]
    fn a_measure_without_supplier_gets_none() {
        let filter = ExposureFilter { measures: vec!["import-hhi".to_owned()], ..ExposureFilter::default() };
        let mut request = QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() };
        complete(&mut request);
        assert!(request.filter.unwrap().suppliers.is_empty());
    }

    #[test]
    fn a_missing_figure_is_no_zero_and_an_open_one_is_hatched() {
        let alert = Alert { subject: exposure("DEU", None, Standing::Clear).subject, ..Alert::default() };
        let html = heat().0.table(&[alert], "@7", "mirror=larger").document();
        let cell = |consumer: &str| {
            let at = html.find(&format!("/import-share/{consumer}/")).unwrap();
            let (before, after) = html.split_at(at);
            format!("{}{}", &before[before.rfind("<td").unwrap()..], &after[..after.find("</td>").unwrap()])
        };
        for (consumer, parts) in [
            ("DEU", ["class=\"s6 u a\"", ">68<", "67.7 % in 2023, not confirmed, open alert"]),
            ("JPN", ["class=\"m\"", ">–<", "withheld in 2023"]),
            ("USA", ["class=\"s0\"", ">0<", "0.0 % in 2023"]),
        ] {
            for part in parts {
                assert!(cell(consumer).contains(part), "{part} is not in {}", cell(consumer));
            }
        }
        assert!(cell("DEU").contains("as-at=%407&amp;mirror=larger"), "the figure is that of the map");
    }

    #[test]
    fn shades_rise_with_the_figure() {
        let classes: Vec<&str> =
            [0.0, 0.09, 0.1, 0.55, 0.95, 1.0].map(|share| shade("share", share)).to_vec();
        assert_eq!(classes, ["s0", "s0", "s1", "s5", "s9", "s9"]);
        assert_eq!((shade("hhi", 2_500.0), shade("years", 40.0)), ("s2", "s0"));
    }
}

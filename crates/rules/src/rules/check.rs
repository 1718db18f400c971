//! Checks rules before they are stored, and prepares them for evaluation.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_catalog::Consumer;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Rule, Selector, SeverityBand, span};
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::{alerting::v1 as proto, exposure::v1::Subject};
use orewatch_measures::{Measure, Method, methods};

use super::codes::{check_codes, known_codes, known_measure, weighed_by};
use super::compile::{compile, is_ascending};
use super::confirm::read_firmness;
use super::failure::{MAX_LINE_CHARS, MAX_TEXT_CHARS, check_count, check_length, invalid};
use super::floor::read_floor;
use super::shares::Shares;
use crate::condition::Condition;
use crate::episode::{Band, DEFAULT_SEVERITY, Severities, Span, Terms};
use crate::figures::Measured;
use crate::tenant::{IDENTIFIER_HINT, is_identifier, is_name};

/// Upper bound on the name of a severity, in characters.
const MAX_SEVERITY_CHARS: usize = 64;
/// Hint for a text that cannot name a pack.
const PACK_HINT: &str = "use 1 to 64 lower-case letters, digits and hyphens";
/// Default limit on the open alerts of a rule.
pub(crate) const MAX_OPEN_ALERTS: u32 = 10_000;
/// Upper bound on labels, and on severity bands.
const MAX_ATTRIBUTES: usize = 32;
/// Upper bound on the datasets that a rule may require.
const MAX_SOURCES: u32 = 16;

/// A checked rule, ready to be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedRule {
    /// The rule as it is stored: the measure with its version, `by` set.
    pub rule: Rule,
    /// Terms for the state machine.
    pub terms: Terms,
    /// The condition.
    pub condition: Condition,
    /// The measure.
    pub measure: Measure,
    /// Weight of the flows.
    pub by: By,
    /// Frequency of the figures that it watches: annual or monthly.
    pub frequency: Frequency,
    /// The shares whose suppliers alerts show. `None`: those of the measure itself.
    pub shares: Option<Shares>,
    is_timed: bool,
    reads_claims: bool,
    select: Selector,
    /// The consumers that it watches, sorted and without duplicates; none: all.
    watched_consumers: Vec<String>,
    except: BTreeSet<&'static str>,
}

impl CheckedRule {
    /// Whether the rule watches any subject of a market.
    #[must_use]
    pub fn watches_market(&self, material: &str, stage: &str, measured: &Measured) -> bool {
        self.frequency == measured.frequency
            && self.is_of(&measured.measure, measured.by)
            && self.watches_stage(material, stage)
    }

    fn is_of(&self, measure: &str, by: By) -> bool {
        (measure, by) == (self.rule.measure.as_str(), self.by)
    }

    fn watches_stage(&self, material: &str, stage: &str) -> bool {
        is_selected(&self.select.materials, material) && is_selected(&self.select.stages, stage)
    }

    /// Whether the rule watches any subject of a consumer.
    #[must_use]
    pub fn watches_consumer(&self, consumer: &str) -> bool {
        is_selected(&self.select.consumers, consumer)
    }

    /// The consumers that the rule watches, sorted and without duplicates; none: all.
    #[must_use]
    pub fn watched_consumers(&self) -> &[String] {
        &self.watched_consumers
    }

    /// Whether the rule watches any subject of a supplier. It is empty for measures without one.
    #[must_use]
    pub fn watches_supplier(&self, supplier: &str) -> bool {
        is_selected(&self.select.suppliers, supplier) && !self.except.contains(supplier)
    }

    /// Whether the rule watches a subject, in periods of its own frequency.
    #[must_use]
    pub fn watches(&self, subject: &Subject) -> bool {
        self.is_of(&subject.measure, subject.by())
            && self.watches_stage(&subject.material, &subject.stage)
            && self.watches_consumer(&subject.consumer)
            && self.watches_supplier(&subject.supplier)
    }

    /// Whether the result of the rule depends on the time.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// Whether the result of the rule depends on verdicts on claims.
    #[must_use]
    pub fn reads_claims(&self) -> bool {
        self.reads_claims
    }

    /// Whether the result of the rule depends on what is known now beside the figures: the age of data, or
    /// verdicts on claims. What it was in earlier periods is then not known.
    #[must_use]
    pub fn is_about_now(&self) -> bool {
        self.is_timed || self.reads_claims
    }

    /// The figures that it needs. `None` stands for the consumers that it watches.
    pub fn measures(&self) -> impl Iterator<Item = (Measured, Option<&Arc<str>>)> {
        let frequency = self.frequency;
        let measured = move |measure: &Arc<str>, by| Measured { measure: Arc::clone(measure), by, frequency };
        let own = (measured(&Arc::from(self.rule.measure.as_str()), self.by), None);
        let others = self.condition.other_series.iter();
        let others = others.map(move |other| (measured(&other.measure, other.by), other.consumer.as_ref()));
        let shares = self.shares.iter();
        let shares =
            shares.map(move |shares| (measured(&shares.measure, shares.by), shares.consumer.as_ref()));
        std::iter::once(own).chain(others).chain(shares)
    }

    /// Whether the result for a subject depends only on the figures of the subject and its consumer.
    #[must_use]
    pub fn reads_only_own(&self) -> bool {
        self.condition.other_series.is_empty() && self.shares.is_none() && !self.is_timed()
    }

    /// Limit on the open alerts of the rule.
    #[must_use]
    pub fn limit(&self) -> u32 {
        max_open_alerts(&self.rule)
    }

    /// The materials that the rule watches; empty: all.
    #[must_use]
    pub fn materials(&self) -> &[String] {
        &self.select.materials
    }

    /// The suppliers that the rule watches; empty: all except those that it excludes.
    #[must_use]
    pub fn suppliers(&self) -> &[String] {
        &self.select.suppliers
    }

    /// The consumers that the rule watches; empty: all.
    #[must_use]
    pub fn consumers(&self) -> &[String] {
        &self.select.consumers
    }
}

/// Limit on the open alerts of a rule.
#[must_use]
pub fn max_open_alerts(rule: &Rule) -> u32 {
    if rule.limit == 0 { MAX_OPEN_ALERTS } else { rule.limit }
}

fn is_selected(list: &[String], code: &str) -> bool {
    list.is_empty() || list.iter().any(|selected| selected == code)
}

/// Checks a rule.
///
/// # Errors
/// The first thing that is wrong, with field, value and hint. Fields are named as in [`Rule`].
pub fn check(rule: &Rule) -> Result<CheckedRule, Failure> {
    check_texts(rule)?;
    let measure = known_measure(&rule.measure, "measure")?;
    let method = measure.method();
    let by = weighed_by(rule.by, method, "by")?;
    let select = rule.select.clone().unwrap_or_default();
    let except = check_selector(&select, method)?;
    let frequency = read_frequency(rule.frequency)?;
    let condition = compile(rule.when.as_ref(), method, by, frequency)?;
    let confirmed_by = check_confirmed_by(rule.confirmed_by, &condition)?;
    let firmness = read_firmness(rule, method, by, &condition)?;
    let condition = Condition { confirmed_by, firmness, floor: read_floor(rule, method)?, ..condition };
    check_spans_of_claims(rule, &condition)?;
    let above = is_ascending(rule.when.as_ref());
    let terms = Terms {
        hold: read_span("hold", rule.hold.as_ref())?,
        keep_firing: read_span("keep_firing", rule.keep_firing.as_ref())?,
        resolve_after: rule.no_data.map_or(0, |policy| policy.resolve_after),
        severities: Severities::new(read_bands(&rule.severity, above)?, above),
    };
    let measure_id = measure.to_string();
    // Rules were annual before there was a choice. Annual is therefore stored as unspecified, so that a rule
    // of that time is equal to the same rule put today.
    let stored = if frequency == Frequency::Monthly { frequency } else { Frequency::Unspecified };
    let rule = Rule { measure: measure_id, by: by.into(), frequency: stored.into(), ..rule.clone() };
    let (is_timed, reads_claims) = (condition.is_timed(), condition.reads_claims());
    let shares = Shares::behind(method, by);
    let mut watched_consumers = select.consumers.clone();
    watched_consumers.sort_unstable();
    watched_consumers.dedup();
    Ok(CheckedRule {
        rule,
        terms,
        condition,
        measure,
        by,
        frequency,
        shares,
        is_timed,
        reads_claims,
        select,
        watched_consumers,
        except,
    })
}

/// Refuses a hold, and a time to keep firing, of a condition on a verdict: in earlier periods it was not
/// crossed.
fn check_spans_of_claims(rule: &Rule, condition: &Condition) -> Result<(), Failure> {
    let spans = [("hold", rule.hold.is_some()), ("keep_firing", rule.keep_firing.is_some())];
    match spans.into_iter().find(|(_, is_set)| *is_set && condition.reads_claims()) {
        Some((field, _)) => {
            let message =
                format!("a verdict on a claim counts from the release that changes it, without {field}");
            Err(invalid("unexpected-field", message, field, "").with_hint(format!("leave `{field}` out")))
        }
        None => Ok(()),
    }
}

/// Reads the frequency of a rule.
fn read_frequency(frequency: i32) -> Result<Frequency, Failure> {
    match Frequency::try_from(frequency) {
        Ok(Frequency::Unspecified | Frequency::Annual) => Ok(Frequency::Annual),
        Ok(Frequency::Monthly) => Ok(Frequency::Monthly),
        Err(_) => {
            let message = format!("{frequency} is not a frequency");
            let wrong = invalid("unknown-frequency", message, "frequency", frequency.to_string());
            Err(wrong.with_hint("use annual or monthly"))
        }
    }
}

/// Checks the number of datasets that must be beyond the line. It is only possible for the figure itself: for
/// other values it is not known what each dataset says.
fn check_confirmed_by(sources: u32, condition: &Condition) -> Result<u32, Failure> {
    let wrong = |code: &str, message: String, hint: &str| {
        Err(invalid(code, message, "confirmed_by", sources.to_string()).with_hint(hint))
    };
    match sources {
        0 => Ok(0),
        1 => {
            let message = "one source cannot confirm: it is the one that provides the figure".to_owned();
            wrong("out-of-range", message, "use 2 or more, or leave it out")
        }
        _ if sources > MAX_SOURCES => {
            let message = format!("{sources} sources are more than provide one figure");
            wrong("out-of-range", message, &format!("use 2 to {MAX_SOURCES}"))
        }
        _ if !condition.is_own_level() => {
            let message = "sources can only confirm a line over the rule's own figure".to_owned();
            wrong("unexpected-field", message, "use `above` or `below`, or leave `confirmed_by` out")
        }
        _ => Ok(sources),
    }
}

fn check_texts(rule: &Rule) -> Result<(), Failure> {
    if !is_identifier(&rule.id) {
        return Err(invalid_name("id", &rule.id).with_hint(IDENTIFIER_HINT));
    }
    if !rule.pack.is_empty() && !is_name(&rule.pack) {
        return Err(invalid_name("pack", &rule.pack).with_hint(PACK_HINT));
    }
    if rule.title.trim().is_empty() {
        let missing = invalid("missing-field", "the rule has no title", "title", "");
        return Err(missing.with_hint("describe in one line what it means if the rule fires"));
    }
    check_length("title", &rule.title, MAX_LINE_CHARS)?;
    check_length("owner", &rule.owner, MAX_LINE_CHARS)?;
    check_length("text", &rule.text, MAX_TEXT_CHARS)?;
    check_count("labels", rule.labels.len(), MAX_ATTRIBUTES)?;
    for (key, value) in &rule.labels {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if key.is_empty() || !key.bytes().all(fits) {
            let wrong = invalid("invalid-label", format!("{key:?} cannot be a label"), "labels", key);
            return Err(wrong.with_hint("use letters, digits, `.`, `_` and `-`"));
        }
        check_length("labels", key, MAX_LINE_CHARS)?;
        check_length(&format!("labels.{key}"), value, MAX_LINE_CHARS)?;
    }
    Ok(())
}

fn invalid_name(field: &str, value: &str) -> Failure {
    invalid("invalid-id", format!("{value:?} cannot be the {field} of a rule"), field, value)
}

/// Checks the selector of a rule. Returns the economies of the excluded suppliers.
fn check_selector(select: &Selector, method: &Method) -> Result<BTreeSet<&'static str>, Failure> {
    known_codes("select", &select.consumers, &select.materials, &select.stages, &select.suppliers)?;
    check_codes("select.except_suppliers", &select.except_suppliers, |code| {
        code.parse().map(|consumer: Consumer| consumer.code())
    })?;

    let lists = [("suppliers", &select.suppliers), ("except_suppliers", &select.except_suppliers)];
    if let Some((list, codes)) =
        lists.into_iter().find(|(_, codes)| !method.has_supplier && !codes.is_empty())
    {
        let message = format!("{} has no supplier", method.name);
        let with_supplier = methods().filter(|method| method.has_supplier).map(|method| method.name);
        let with_supplier: Vec<_> = with_supplier.collect();
        let hint = format!("leave the suppliers out, or watch one of {}", with_supplier.join(", "));
        let field = format!("select.{list}");
        return Err(invalid("unexpected-supplier", message, field, codes.join(", ")).with_hint(hint));
    }
    Ok(select.except_suppliers.iter().flat_map(|code| members(code)).collect())
}

/// The economies of an entry of `except_suppliers`: the present members of a bloc, or the economy itself.
fn members(code: &str) -> Vec<&'static str> {
    match code.parse() {
        Ok(Consumer::Bloc(bloc)) => {
            let present = bloc.memberships.iter().filter(|member| member.until.is_none());
            present.map(|member| member.iso3).collect()
        }
        Ok(Consumer::Economy(economy)) => vec![economy.iso3],
        Ok(Consumer::World) | Err(_) => Vec::new(),
    }
}

fn read_span(field: &str, span: Option<&proto::Span>) -> Result<Span, Failure> {
    match span.map(|span| span.length) {
        None => Ok(Span::default()),
        Some(Some(span::Length::Periods(periods))) => Ok(Span::Periods(periods)),
        Some(Some(span::Length::Seconds(seconds))) => Ok(Span::Seconds(seconds)),
        Some(None) => Err(invalid("missing-field", format!("{field} has no length"), field, "")
            .with_hint("give periods or seconds, or leave it out")),
    }
}

fn read_bands(severity: &[SeverityBand], above: bool) -> Result<Vec<Band>, Failure> {
    check_count("severity", severity.len(), MAX_ATTRIBUTES)?;
    let mut bands: Vec<Band> = Vec::new();
    for (k, band) in severity.iter().enumerate() {
        let field = format!("severity[{k}]");
        if band.severity.trim().is_empty() || band.severity.chars().count() > MAX_SEVERITY_CHARS {
            let wrong = invalid("invalid-severity", "a severity needs a short name", field, &band.severity);
            return Err(wrong.with_hint(format!("such as `{DEFAULT_SEVERITY}` or `critical`")));
        }
        let next = if above { band.from } else { -band.from };
        let before = bands.last().map(|band| if above { band.from } else { -band.from });
        if !band.from.is_finite() || before.is_some_and(|before| next <= before) {
            let message = format!("the band {} does not lie beyond the band before it", band.severity);
            let order = if above { "ascending" } else { "descending" };
            return Err(invalid("invalid-severity-order", message, field, band.from.to_string())
                .with_hint(format!("list the bands in {order} order of finite numbers, the mildest first")));
        }
        bands.push(Band { severity: Arc::from(band.severity.as_str()), from: band.from });
    }
    Ok(bands)
}

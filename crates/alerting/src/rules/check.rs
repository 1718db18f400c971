//! What a rule must be to be put.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_catalog::{Consumer, Scheme, Stage, UnknownCode, material, resolve_economy};
use orewatch_contracts::alerting::v1::{Rule, Selector, SeverityBand, span};
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::{alerting::v1 as proto, exposure::v1::Subject};
use orewatch_measures::{Measure, Method, Weight, methods};
use orewatch_runtime::{Class, Failure};

use super::condition::{compile, is_ascending};
use super::shares::Shares;
use crate::condition::Condition;
use crate::episode::{Band, DEFAULT_SEVERITY, Severities, Span, Terms};
use crate::figures::Measured;
use crate::tenant::{IDENTIFIERS, is_identifier, is_name};

/// Longest name of a severity, in characters.
const LONGEST_SEVERITY: usize = 64;
/// What to do about a text that cannot name a pack.
const PACKS: &str = "use 1 to 64 lower-case letters, digits and hyphens";
/// Longest title, owner and label, in characters.
pub(crate) const LONGEST_LINE: usize = 200;
/// Longest text, in characters.
pub(crate) const LONGEST_TEXT: usize = 4000;
/// Most entries of a selector's list.
const MOST_SELECTED: usize = 500;
/// Most alerts of a rule that may be open at once, where the rule does not say.
pub(crate) const MAX_OPEN: u32 = 10_000;
/// Most labels, and most severity bands.
const MOST_ATTRIBUTES: usize = 32;
/// Most datasets that a rule may ask to confirm its line.
const MOST_SOURCES: u32 = 16;

/// A rule that makes sense, ready to be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The rule as it is stored: the measure with its version, `by` spelled out.
    pub rule: Rule,
    /// What the state machine needs.
    pub terms: Terms,
    /// What is judged, and how.
    pub condition: Condition,
    /// The measure.
    pub measure: Measure,
    /// What flows are weighed by.
    pub by: By,
    /// Frequency of the figures that it watches: annual or monthly.
    pub frequency: Frequency,
    /// The shares behind the measure, of whose suppliers alerts tell. None: the measure's own.
    pub shares: Option<Shares>,
    is_timed: bool,
    select: Selector,
    /// The consumers that it watches, in order, each once; none: all.
    watched_consumers: Vec<String>,
    except: BTreeSet<&'static str>,
}

impl Checked {
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

    /// The consumers that the rule watches, in order, each once; none: all.
    #[must_use]
    pub fn watched_consumers(&self) -> &[String] {
        &self.watched_consumers
    }

    /// Whether the rule watches any subject of a supplier, who is empty for measures without one.
    #[must_use]
    pub fn watches_supplier(&self, supplier: &str) -> bool {
        is_selected(&self.select.suppliers, supplier) && !self.except.contains(supplier)
    }

    /// Whether the rule watches the subject, in periods of its own frequency.
    #[must_use]
    pub fn watches(&self, subject: &Subject) -> bool {
        self.is_of(&subject.measure, subject.by())
            && self.watches_stage(&subject.material, &subject.stage)
            && self.watches_consumer(&subject.consumer)
            && self.watches_supplier(&subject.supplier)
    }

    /// Whether the rule says another thing as time passes.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// The figures that it needs; where no consumer is named, those of the consumers that it watches.
    pub fn measures(&self) -> impl Iterator<Item = (Measured, Option<&Arc<str>>)> {
        let frequency = self.frequency;
        let measured = move |measure: &Arc<str>, by| Measured { measure: Arc::clone(measure), by, frequency };
        let own = (measured(&Arc::from(self.rule.measure.as_str()), self.by), None);
        let looks = self.condition.looks.iter();
        let looks = looks.map(move |look| (measured(&look.measure, look.by), look.consumer.as_ref()));
        let shares = self.shares.iter();
        let shares = shares.map(move |one| (measured(&one.measure, one.by), one.consumer.as_ref()));
        std::iter::once(own).chain(looks).chain(shares)
    }

    /// Whether what the rule says of a subject follows from the subject's own figures and those of its consumer alone.
    #[must_use]
    pub fn looks_at_own(&self) -> bool {
        self.condition.looks.is_empty() && self.shares.is_none() && !self.is_timed()
    }

    /// Most alerts of the rule that may be open at once.
    #[must_use]
    pub fn limit(&self) -> u32 {
        limit(&self.rule)
    }

    /// The materials that the rule watches; empty: all.
    #[must_use]
    pub fn materials(&self) -> &[String] {
        &self.select.materials
    }

    /// The suppliers that the rule watches; empty: all, but for those that it leaves out.
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

/// Most alerts of a rule that may be open at once.
#[must_use]
pub fn limit(rule: &Rule) -> u32 {
    if rule.limit == 0 { MAX_OPEN } else { rule.limit }
}

fn is_selected(list: &[String], code: &str) -> bool {
    list.is_empty() || list.iter().any(|selected| selected == code)
}

/// Checks a rule.
///
/// # Errors
/// The first thing that is wrong, with the field, the value and what to do; fields are named as in [`Rule`].
pub fn check(rule: &Rule) -> Result<Checked, Failure> {
    texts(rule)?;
    let measure = known_measure(&rule.measure, "measure")?;
    let method = measure.method();
    let by = weighed_by(rule.by, method, "by")?;
    let select = rule.select.clone().unwrap_or_default();
    let except = selected(&select, method)?;
    let frequency = frequency(rule.frequency)?;
    let condition = compile(rule.when.as_ref(), method, by, frequency)?;
    let condition = Condition { confirmed_by: confirmed_by(rule.confirmed_by, &condition)?, ..condition };
    let above = is_ascending(rule.when.as_ref());
    let terms = Terms {
        hold: span("hold", rule.hold.as_ref())?,
        keep_firing: span("keep_firing", rule.keep_firing.as_ref())?,
        resolve_after: rule.no_data.map_or(0, |policy| policy.resolve_after),
        severities: Severities::new(bands(&rule.severity, above)?, above),
    };
    let measure_id = measure.to_string();
    // Annual is what rules always were: it is stored as it was before there was a choice, so that an equal rule stays equal.
    let stored = if frequency == Frequency::Monthly { frequency } else { Frequency::Unspecified };
    let rule = Rule { measure: measure_id, by: by.into(), frequency: stored.into(), ..rule.clone() };
    let (is_timed, shares) = (condition.is_timed(), Shares::behind(method, by));
    let mut watched_consumers = select.consumers.clone();
    watched_consumers.sort_unstable();
    watched_consumers.dedup();
    Ok(Checked {
        rule,
        terms,
        condition,
        measure,
        by,
        frequency,
        shares,
        is_timed,
        select,
        watched_consumers,
        except,
    })
}

/// Frequency of the figures that a rule watches, as it says.
fn frequency(frequency: i32) -> Result<Frequency, Failure> {
    match Frequency::try_from(frequency) {
        Ok(Frequency::Unspecified | Frequency::Annual) => Ok(Frequency::Annual),
        Ok(Frequency::Monthly) => Ok(Frequency::Monthly),
        Err(_) => {
            let message = format!("{frequency} is no frequency");
            let wrong = invalid("unknown-frequency", message, "frequency", frequency.to_string());
            Err(wrong.with_hint("use annual or monthly"))
        }
    }
}

/// How many datasets must be beyond the line: only of a figure itself is it known what each of them says at least and at most.
fn confirmed_by(sources: u32, condition: &Condition) -> Result<u32, Failure> {
    let wrong = |code: &str, message: String, hint: &str| {
        Err(invalid(code, message, "confirmed_by", sources.to_string()).with_hint(hint))
    };
    match sources {
        0 => Ok(0),
        1 => {
            let message = "one source confirms nothing: it is the one that answers".to_owned();
            wrong("out-of-range", message, "use 2 or more, or leave it out")
        }
        _ if sources > MOST_SOURCES => {
            let message = format!("{sources} sources never give the same figure");
            wrong("out-of-range", message, &format!("use 2 to {MOST_SOURCES}"))
        }
        _ if !condition.is_own_level() => {
            let message = "sources can confirm a line over the rule's own figure alone".to_owned();
            wrong("misplaced-field", message, "say `above` or `below`, or leave `confirmed_by` out")
        }
        _ => Ok(sources),
    }
}

pub(super) fn invalid(
    code: &str,
    message: impl Into<String>,
    field: impl Into<String>,
    value: impl AsRef<str>,
) -> Failure {
    Failure::new(Class::Invalid, code, message).at(field, value)
}

fn texts(rule: &Rule) -> Result<(), Failure> {
    if !is_identifier(&rule.id) {
        return Err(unnamed("id", &rule.id).with_hint(IDENTIFIERS));
    }
    if !rule.pack.is_empty() && !is_name(&rule.pack) {
        return Err(unnamed("pack", &rule.pack).with_hint(PACKS));
    }
    if rule.title.trim().is_empty() {
        let missing = invalid("missing-title", "the rule has no title", "title", "");
        return Err(missing.with_hint("say in one line what it means that the rule fires"));
    }
    at_most("title", &rule.title, LONGEST_LINE)?;
    at_most("owner", &rule.owner, LONGEST_LINE)?;
    at_most("text", &rule.text, LONGEST_TEXT)?;
    few("labels", rule.labels.len(), MOST_ATTRIBUTES)?;
    for (key, value) in &rule.labels {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if key.is_empty() || !key.bytes().all(fits) {
            let wrong = invalid("invalid-label", format!("{key:?} cannot be a label"), "labels", key);
            return Err(wrong.with_hint("use letters, digits, `.`, `_` and `-`"));
        }
        at_most("labels", key, LONGEST_LINE)?;
        at_most(&format!("labels.{key}"), value, LONGEST_LINE)?;
    }
    Ok(())
}

fn unnamed(field: &str, value: &str) -> Failure {
    invalid("invalid-id", format!("{value:?} cannot be the {field} of a rule"), field, value)
}

pub(crate) fn at_most(field: &str, text: &str, most: usize) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= most {
        return Ok(());
    }
    Err(invalid("too-long", format!("{field} has {length} characters, the limit is {most}"), field, text))
}

fn few(field: &str, count: usize, most: usize) -> Result<(), Failure> {
    if count <= most {
        return Ok(());
    }
    let message = format!("{field} has {count} entries, the limit is {most}");
    Err(invalid("too-many", message, field, count.to_string()))
}

pub(super) fn known_measure(text: &str, field: &str) -> Result<Measure, Failure> {
    text.parse().map_err(|error: orewatch_measures::UnknownMeasure| {
        let hint = error.suggestion.as_ref().map_or_else(
            || format!("there are {}", methods().map(|method| method.name).collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        invalid("unknown-measure", format!("unknown measure {text:?}"), field, text).with_hint(hint)
    })
}

/// What flows are weighed by: what the rule says or, where it says nothing, what the measure is weighed by first of all.
pub(super) fn weighed_by(by: i32, method: &Method, field: &str) -> Result<By, Failure> {
    let only = || method.weights.first().copied().unwrap_or(Weight::Quantity);
    let weight = match By::try_from(by) {
        Ok(By::Unspecified) => only(),
        Ok(By::Quantity) => Weight::Quantity,
        Ok(By::Value) => Weight::Value,
        Err(_) => {
            let wrong =
                invalid("unknown-by", format!("{by} is no way to weigh flows"), field, by.to_string());
            return Err(wrong.with_hint("use quantity or value"));
        }
    };
    if method.weights.contains(&weight) {
        return Ok(weight_by(weight).0);
    }
    let (_, other) = weight_by(weight);
    let (_, word) = weight_by(only());
    let message = format!("{} is weighed by {word} only", method.name);
    Err(invalid("unknown-by", message, field, other).with_hint("leave `by` out"))
}

pub(super) fn weight_by(weight: Weight) -> (By, &'static str) {
    match weight {
        Weight::Quantity => (By::Quantity, "quantity"),
        Weight::Value => (By::Value, "value"),
    }
}

/// Checks what the rule selects; gives the suppliers that are left out, one by one.
fn selected(select: &Selector, method: &Method) -> Result<BTreeSet<&'static str>, Failure> {
    known_codes("select", &select.consumers, &select.materials, &select.stages, &select.suppliers)?;
    each("select.except_suppliers", &select.except_suppliers, |code| {
        code.parse().map(|consumer: Consumer| consumer.code())
    })?;

    let lists = [("suppliers", &select.suppliers), ("except_suppliers", &select.except_suppliers)];
    if let Some((list, codes)) =
        lists.into_iter().find(|(_, codes)| !method.has_supplier && !codes.is_empty())
    {
        let message = format!("{} has no supplier to select", method.name);
        let about_one = methods().filter(|method| method.has_supplier).map(|method| method.name);
        let about_one: Vec<_> = about_one.collect();
        let hint = format!("leave the suppliers out, or watch one of {}", about_one.join(", "));
        let field = format!("select.{list}");
        return Err(invalid("no-supplier", message, field, codes.join(", ")).with_hint(hint));
    }
    Ok(select.except_suppliers.iter().flat_map(|code| members(code)).collect())
}

/// Checks lists of codes, called after `parent` in errors.
///
/// # Errors
/// [`Class::Invalid`] for a code that the catalogue does not have, with what may have been meant.
pub(crate) fn known_codes(
    parent: &str,
    consumers: &[String],
    materials: &[String],
    stages: &[String],
    suppliers: &[String],
) -> Result<(), Failure> {
    let consumer = |code: &str| code.parse().map(|consumer: Consumer| consumer.code());
    let economy = |code: &str| resolve_economy(Scheme::Iso3, code).map(|economy| economy.iso3);
    each(&format!("{parent}.consumers"), consumers, consumer)?;
    each(&format!("{parent}.materials"), materials, |id| material(id).map(|material| material.id))?;
    each(&format!("{parent}.stages"), stages, |stage| stage.parse().map(Stage::as_str))?;
    each(&format!("{parent}.suppliers"), suppliers, economy)
}

/// Checks each code of a list, which must be written exactly as the catalogue writes it.
fn each(
    field: &str,
    codes: &[String],
    lookup: impl Fn(&str) -> Result<&'static str, UnknownCode>,
) -> Result<(), Failure> {
    few(field, codes.len(), MOST_SELECTED)?;
    for (k, code) in codes.iter().enumerate() {
        let at = format!("{field}[{k}]");
        match lookup(code) {
            Ok(known) if known == code => {}
            Ok(known) => {
                let wrong =
                    invalid("unknown-code", format!("{code:?} is not how {known} is written"), at, code);
                return Err(wrong.with_hint(format!("did you mean {known}?")));
            }
            Err(error) => return Err(unknown(&error, at)),
        }
    }
    Ok(())
}

pub(super) fn unknown(error: &UnknownCode, field: String) -> Failure {
    invalid(&error.code(), error.reason(), field, &error.value).with_hint(error.hint())
}

/// The economies that an entry of `except_suppliers` stands for: a bloc's present members, or the economy itself.
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

fn span(field: &str, span: Option<&proto::Span>) -> Result<Span, Failure> {
    match span.map(|span| span.length) {
        None => Ok(Span::default()),
        Some(Some(span::Length::Periods(periods))) => Ok(Span::Periods(periods)),
        Some(Some(span::Length::Seconds(seconds))) => Ok(Span::Seconds(seconds)),
        Some(None) => Err(invalid("missing-length", format!("{field} has no length"), field, "")
            .with_hint("give periods or seconds, or leave it out")),
    }
}

fn bands(severity: &[SeverityBand], above: bool) -> Result<Vec<Band>, Failure> {
    few("severity", severity.len(), MOST_ATTRIBUTES)?;
    let mut bands: Vec<Band> = Vec::new();
    for (k, band) in severity.iter().enumerate() {
        let field = format!("severity[{k}]");
        if band.severity.trim().is_empty() || band.severity.chars().count() > LONGEST_SEVERITY {
            let wrong = invalid("invalid-severity", "a severity needs a short name", field, &band.severity);
            return Err(wrong.with_hint(format!("such as `{DEFAULT_SEVERITY}` or `critical`")));
        }
        let next = if above { band.from } else { -band.from };
        let before = bands.last().map(|band| if above { band.from } else { -band.from });
        if !band.from.is_finite() || before.is_some_and(|before| next <= before) {
            let message = format!("the band {} does not lie beyond the band before it", band.severity);
            let order = if above { "ascending" } else { "descending" };
            return Err(invalid("severity-order", message, field, band.from.to_string())
                .with_hint(format!("list the bands in {order} order of finite numbers, the mildest first")));
        }
        bands.push(Band { severity: Arc::from(band.severity.as_str()), from: band.from });
    }
    Ok(bands)
}

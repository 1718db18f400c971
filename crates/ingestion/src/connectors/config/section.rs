//! A `poll` section as written, and what can be wrong with it.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{Span, SpanRelativeTo};
use orewatch_catalog::{HsRevision, comtrade_number, hs_codes, material};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::ids;
use serde::Deserialize;

use super::super::comtrade;
use super::super::query::{GovernanceQuery, RestrictionsQuery, TradeQuery};
use super::super::secret::KeyLocation;
use super::{CallLimits, Connector, PeriodSelection, Query};

/// Default indicators of governance.
const DEFAULT_INDICATORS: [&str; 6] = [
    "GOV_WGI_CC.EST",
    "GOV_WGI_GE.EST",
    "GOV_WGI_PV.EST",
    "GOV_WGI_RL.EST",
    "GOV_WGI_RQ.EST",
    "GOV_WGI_VA.EST",
];

/// Default version of Global Trade Alert's interface. Version 1 is deprecated.
const DEFAULT_GTA_VERSION: u16 = 2;

/// Default upper bound on a body, in bytes.
const DEFAULT_MAX_BODY_BYTES: usize = 128 * 1024 * 1024;

/// A `poll` section as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PollSection {
    pub(super) name: String,
    kind: String,
    every: Option<String>,
    #[serde(alias = "base_url")]
    base_url: Option<String>,
    #[serde(alias = "key_env")]
    key_env: Option<String>,
    #[serde(alias = "key_file")]
    key_file: Option<PathBuf>,
    quota: Option<u32>,
    interval: Option<String>,
    cap: Option<usize>,
    frequency: Option<String>,
    reporters: Option<Vec<String>>,
    periods: Option<Vec<String>>,
    last: Option<u16>,
    products: Option<Vec<String>>,
    flows: Option<Vec<String>>,
    indicators: Option<Vec<String>>,
    source: Option<u32>,
    announced: Option<[String; 2]>,
    #[serde(alias = "api_version")]
    api_version: Option<u16>,
    dataset: Option<String>,
    #[serde(alias = "max_rejects")]
    max_rejects: Option<u64>,
    #[serde(default)]
    accept: Vec<String>,
    #[serde(alias = "connect_timeout")]
    connect_timeout: Option<String>,
    #[serde(alias = "stall_timeout")]
    stall_timeout: Option<String>,
    timeout: Option<String>,
    #[serde(alias = "largest_body")]
    largest_body: Option<usize>,
}

pub(super) fn invalid_setting(poll: &str, key: &str, value: &str, write: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-setting", format!("poll {poll}: {key} is wrong"))
        .at(key, value)
        .with_hint(format!("write {write}"))
}

/// Defaults of one kind of interface.
struct KindDefaults {
    kind: &'static str,
    /// Address of the publisher's interface.
    address: &'static str,
    /// Calls that the publisher allows in a day of UTC. `None`: any number.
    quota: Option<u32>,
    /// Time between two calls.
    interval: Duration,
}

impl PollSection {
    /// The connector that the section describes.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the key and what to write.
    pub(super) fn check(self, environment: &BTreeMap<String, String>) -> Result<Connector, Failure> {
        let defaults = self.kind_defaults()?;
        let kind = defaults.kind;
        let key = self.key(environment)?;
        if kind == "gta" && key.is_none() {
            return Err(self.invalid_setting(
                "key-env",
                "",
                "the variable (key-env) or file (key-file) that holds the key; there is no other way in",
            ));
        }
        self.check_kind(kind)?;
        let base = self.base(defaults.address, key.is_some())?;
        let query = match kind {
            "comtrade" => self.trade(key.is_some())?,
            "world-bank" => self.governance()?,
            _ => self.restrictions()?,
        };
        let (limits, every) = (self.call_limits()?, self.every()?);
        if self.quota == Some(0) {
            return Err(self.invalid_setting("quota", "0", "at least one call a day, or leave it out"));
        }
        let dataset = self.dataset.clone().unwrap_or_default();
        if !dataset.is_empty() && !ids::is_dataset(&dataset) {
            return Err(self.invalid_setting("dataset", &dataset, "lower-case letters, digits and hyphens"));
        }
        let interval = self.duration_or("interval", &self.interval, defaults.interval)?;
        let quota = self.quota.or(defaults.quota);
        let (name, max_rejects, accept) = (self.name, self.max_rejects.unwrap_or(0), self.accept);
        Ok(Connector {
            name,
            kind,
            every,
            base,
            key,
            quota,
            interval,
            limits,
            dataset,
            max_rejects,
            accept,
            query,
        })
    }

    fn kind_defaults(&self) -> Result<KindDefaults, Failure> {
        let (kind, address, quota, interval) = match self.kind.as_str() {
            "comtrade" => ("comtrade", "https://comtradeapi.un.org", Some(500), 1_000),
            "world-bank" => ("world-bank", "https://api.worldbank.org", None, 200),
            "gta" => ("gta", "https://api.globaltradealert.org", None, 1_000),
            other => return Err(self.invalid_setting("kind", other, "comtrade, world-bank or gta")),
        };
        Ok(KindDefaults { kind, address, quota, interval: Duration::from_millis(interval) })
    }

    fn call_limits(&self) -> Result<CallLimits, Failure> {
        Ok(CallLimits {
            connect: self.duration_or("connect-timeout", &self.connect_timeout, Duration::from_secs(10))?,
            stall: self.duration_or("stall-timeout", &self.stall_timeout, Duration::from_secs(30))?,
            whole: self.duration_or("timeout", &self.timeout, Duration::from_secs(180))?,
            body: self.bounded("largest-body", self.largest_body, DEFAULT_MAX_BODY_BYTES, 1_024..=1 << 30)?,
        })
    }

    /// Time between two polls: a minute or more.
    fn every(&self) -> Result<Option<Duration>, Failure> {
        let Some(text) = &self.every else { return Ok(None) };
        let every = self.duration("every", text)?;
        if every < Duration::from_secs(60) {
            return Err(self.invalid_setting("every", text, "at least 1m"));
        }
        Ok(Some(every))
    }

    fn duration_or(&self, key: &str, text: &Option<String>, default: Duration) -> Result<Duration, Failure> {
        text.as_ref().map_or(Ok(default), |text| self.duration(key, text))
    }

    fn invalid_setting(&self, key: &str, value: &str, write: &str) -> Failure {
        invalid_setting(&self.name, key, value, write)
    }

    /// Refuses keys that belong to another kind of interface.
    fn check_kind(&self, kind: &str) -> Result<(), Failure> {
        let given = [
            ("reporters", self.reporters.is_some(), "comtrade"),
            ("flows", self.flows.is_some(), "comtrade"),
            ("frequency", self.frequency.is_some(), "comtrade"),
            ("indicators", self.indicators.is_some(), "world-bank"),
            ("source", self.source.is_some(), "world-bank"),
            ("announced", self.announced.is_some(), "gta"),
            ("api-version", self.api_version.is_some(), "gta"),
            ("products", self.products.is_some(), "comtrade gta"),
            ("periods", self.periods.is_some(), "comtrade world-bank"),
            ("last", self.last.is_some(), "comtrade world-bank"),
        ];
        match given
            .into_iter()
            .find(|(_, is_given, kinds)| *is_given && !kinds.split(' ').any(|one| one == kind))
        {
            Some((key, _, kinds)) => {
                let write = format!("it only where kind is {}", kinds.replace(' ', " or "));
                Err(self.invalid_setting(key, kind, &write))
            }
            None => Ok(()),
        }
    }

    fn key(&self, environment: &BTreeMap<String, String>) -> Result<Option<KeyLocation>, Failure> {
        match (&self.key_env, &self.key_file) {
            (Some(name), Some(_)) => {
                Err(self.invalid_setting("key-file", name, "one of key-env and key-file"))
            }
            (Some(name), None) => Ok(Some(KeyLocation::variable(name.clone(), environment))),
            (None, Some(path)) => Ok(Some(KeyLocation::File(path.clone()))),
            (None, None) => Ok(None),
        }
    }

    /// Address of the interface. A key is sent over TLS only, or to this machine.
    fn base(&self, default: &str, keyed: bool) -> Result<String, Failure> {
        let text = self.base_url.as_deref().unwrap_or(default).trim_end_matches('/');
        let invalid_setting = |write: &str| self.invalid_setting("base-url", text, write);
        let address: hyper::Uri =
            text.parse().map_err(|_| invalid_setting("an address such as https://HOST"))?;
        let host = address.host().unwrap_or_default();
        let plain = address.scheme_str() == Some("http");
        if host.is_empty() || !(plain || address.scheme_str() == Some("https")) {
            return Err(invalid_setting("an address such as https://HOST"));
        }
        if address.authority().is_some_and(|authority| authority.as_str().contains('@'))
            || address.query().is_some()
        {
            return Err(invalid_setting(
                "an address without name, password and query; keys stand in key-env or key-file",
            ));
        }
        if keyed && plain && !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            return Err(invalid_setting("an https address: a key is not sent in the clear"));
        }
        Ok(text.to_owned())
    }

    fn duration(&self, key: &str, text: &str) -> Result<Duration, Failure> {
        let parsed = text.parse::<Span>().ok();
        let parsed = parsed.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let parsed = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
        let fits = parsed.filter(|parsed| !parsed.is_zero() && *parsed <= Duration::from_secs(366 * 86_400));
        fits.ok_or_else(|| {
            self.invalid_setting(key, text, "a number with its unit, such as 24h, 7d, 20s or 500ms")
        })
    }

    fn bounded(
        &self,
        key: &str,
        value: Option<usize>,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, Failure> {
        let value = value.unwrap_or(default);
        let write = || format!("{} to {}", range.start(), range.end());
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(self.invalid_setting(key, &value.to_string(), &write()))
        }
    }

    /// A list of valid entries, each once, in the order written.
    fn list(
        &self,
        key: &str,
        given: &Option<Vec<String>>,
        default: impl FnOnce() -> Vec<String>,
        fits: impl Fn(&str) -> bool,
        write: &str,
    ) -> Result<Vec<String>, Failure> {
        let Some(given) = given else { return Ok(default()) };
        if let Some(bad) = given.iter().find(|one| !fits(one)) {
            return Err(self.invalid_setting(key, bad, write));
        }
        let mut seen = BTreeSet::new();
        let list: Vec<_> = given.iter().filter(|one| seen.insert(one.as_str())).cloned().collect();
        if list.is_empty() {
            Err(self.invalid_setting(key, "[]", "at least one, or leave it out"))
        } else {
            Ok(list)
        }
    }

    fn trade(&self, keyed: bool) -> Result<Query, Failure> {
        let frequency = match self.frequency.as_deref() {
            None | Some("annual") => "A",
            Some("monthly") => "M",
            Some(other) => return Err(self.invalid_setting("frequency", other, "annual or monthly")),
        };
        let (length, form) =
            if frequency == "A" { (4, "years such as 2024") } else { (6, "months such as 202403") };
        let span = self.span(if frequency == "A" { 3 } else { 6 }, length, form)?;
        let known = |text: &str| digits(text, 1..=3) || comtrade_number(text).is_some();
        let write = "Comtrade's numbers or alpha-3 codes, such as 842 or USA";
        let named = self.list("reporters", &self.reporters, comtrade::reporters, known, write)?;
        let mut seen = BTreeSet::new();
        let reporters = named
            .into_iter()
            .map(|one| comtrade_number(&one).map_or(one, |number| number.to_string()))
            .filter(|number| seen.insert(number.clone()))
            .collect();
        let products = self.products()?;
        let known = |text: &str| ["M", "X", "RX", "RM", "DX"].contains(&text);
        let both = || ["M", "X"].map(str::to_owned).to_vec();
        let flows = self.list("flows", &self.flows, both, known, "M, X, RX, RM or DX")?;
        let cap = self.bounded("cap", self.cap, if keyed { 100_000 } else { 500 }, 2..=250_000)?;
        let periods = Vec::new();
        Ok(Query::Trade(TradeQuery { frequency, reporters, periods, products, flows, cap }, span))
    }

    fn governance(&self) -> Result<Query, Failure> {
        let default = || DEFAULT_INDICATORS.map(str::to_owned).to_vec();
        let fits = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
        };
        let write = "the World Bank's identifiers, such as GOV_WGI_PV.EST";
        let indicators = self.list("indicators", &self.indicators, default, fits, write)?;
        let span = if self.periods.is_none() && self.last.is_none() {
            PeriodSelection::All
        } else {
            self.span(1, 4, "years such as 2024")?
        };
        let page = self.bounded("cap", self.cap, 1_000, 1..=32_500)?;
        let (source, date) = (self.source.unwrap_or(3), String::new());
        Ok(Query::Governance(GovernanceQuery { indicators, source, date, page }, span))
    }

    fn restrictions(&self) -> Result<Query, Failure> {
        let day = |text: &String| text.parse::<Date>().is_ok();
        if let Some(days) = self.announced.as_ref().filter(|days| !days.iter().all(day)) {
            return Err(self.invalid_setting(
                "announced",
                &days.join(", "),
                "the first and the last day, as 2020-01-01",
            ));
        }
        let (products, announced) = (self.products()?, self.announced.clone());
        let limit = self.bounded("cap", self.cap, 1_000, 1..=1_000)?;
        let version = self.api_version.unwrap_or(DEFAULT_GTA_VERSION);
        if !matches!(version, 1 | 2) {
            return Err(self.invalid_setting("api-version", &version.to_string(), "1 or 2"));
        }
        Ok(Query::Restrictions(RestrictionsQuery { version, products, announced, limit }))
    }

    fn products(&self) -> Result<Vec<String>, Failure> {
        let fits = |text: &str| digits(text, 6..=6);
        self.list("products", &self.products, critical_products, fits, "six digits of the Harmonized System")
    }

    fn span(&self, default: u16, length: usize, form: &str) -> Result<PeriodSelection, Failure> {
        match (&self.periods, self.last) {
            (Some(_), Some(last)) => {
                Err(self.invalid_setting("last", &last.to_string(), "one of periods and last"))
            }
            (None, Some(last)) if !(1..=600).contains(&last) => {
                Err(self.invalid_setting("last", &last.to_string(), "1 to 600"))
            }
            (None, last) => Ok(PeriodSelection::Last(last.unwrap_or(default))),
            (Some(_), None) => {
                let fits = |text: &str| digits(text, length..=length);
                let periods = self.list("periods", &self.periods, Vec::new, fits, form)?;
                Ok(PeriodSelection::Named(periods))
            }
        }
    }
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// All product codes of critical materials in HS revisions that customs still use.
fn critical_products() -> Vec<String> {
    let current = hs_codes().iter().filter(|code| code.last >= HsRevision::Hs12);
    let wanted = current.filter(|code| material(code.material).is_ok_and(|material| material.is_critical()));
    let codes: BTreeSet<_> = wanted.map(|code| code.code.to_owned()).collect();
    codes.into_iter().collect()
}

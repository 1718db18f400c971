//! A `poll` section as it is written, and what is wrong with one.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use orewatch_catalog::{HsRevision, comtrade_number, hs_codes, material};
use orewatch_runtime::{Class, Failure};
use serde::Deserialize;

use super::super::comtrade;
use super::super::secret::KeyPlace;
use super::{Asks, Connector, Governance, Limits, Policy, Span, Trade};
use crate::ids;

/// Indicators of governance that are asked for if none is named.
const INDICATORS: [&str; 6] = [
    "GOV_WGI_CC.EST",
    "GOV_WGI_GE.EST",
    "GOV_WGI_PV.EST",
    "GOV_WGI_RL.EST",
    "GOV_WGI_RQ.EST",
    "GOV_WGI_VA.EST",
];

/// Version of Global Trade Alert's interface if nothing else is said. Version 1 is called deprecated.
const GTA_VERSION: u16 = 2;

/// Largest body if nothing else is said, in bytes.
const LARGEST_BODY: usize = 128 * 1024 * 1024;

/// One `poll` section as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Section {
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

pub(super) fn wrong(poll: &str, key: &str, value: &str, write: &str) -> Failure {
    Failure::new(Class::Invalid, "config-value", format!("poll {poll}: {key} is wrong"))
        .at(key, value)
        .with_hint(format!("write {write}"))
}

impl Section {
    pub(super) fn check(self, environment: &BTreeMap<String, String>) -> Result<Connector, Failure> {
        let (kind, address, quota, interval) = match self.kind.as_str() {
            "comtrade" => ("comtrade", "https://comtradeapi.un.org", Some(500), 1_000),
            "world-bank" => ("world-bank", "https://api.worldbank.org", None, 200),
            "gta" => ("gta", "https://api.globaltradealert.org", None, 1_000),
            other => return Err(self.wrong("kind", other, "comtrade, world-bank or gta")),
        };
        let key = self.key(environment)?;
        if kind == "gta" && key.is_none() {
            return Err(self.wrong(
                "key-env",
                "",
                "the variable (key-env) or file (key-file) that holds the key; there is no other way in",
            ));
        }
        self.fitting(kind)?;
        let base = self.base(address, key.is_some())?;
        let asks = match kind {
            "comtrade" => self.trade(key.is_some())?,
            "world-bank" => self.governance()?,
            _ => self.policy()?,
        };
        let duration = |name: &str, text: &Option<String>, default: Duration| {
            text.as_ref().map_or(Ok(default), |text| self.duration(name, text))
        };
        let limits = Limits {
            connect: duration("connect-timeout", &self.connect_timeout, Duration::from_secs(10))?,
            stall: duration("stall-timeout", &self.stall_timeout, Duration::from_secs(30))?,
            whole: duration("timeout", &self.timeout, Duration::from_secs(180))?,
            body: self.bounded("largest-body", self.largest_body, LARGEST_BODY, 1_024..=1 << 30)?,
        };
        let every = self.every.as_ref().map(|text| self.duration("every", text)).transpose()?;
        if let (Some(every), Some(text)) = (every, &self.every)
            && every < Duration::from_secs(60)
        {
            return Err(self.wrong("every", text, "at least 1m"));
        }
        if self.quota == Some(0) {
            return Err(self.wrong("quota", "0", "at least one call a day, or leave it out"));
        }
        let dataset = self.dataset.clone().unwrap_or_default();
        if !dataset.is_empty() && !ids::is_dataset(&dataset) {
            return Err(self.wrong("dataset", &dataset, "lower-case letters, digits and hyphens"));
        }
        let interval = duration("interval", &self.interval, Duration::from_millis(interval))?;
        let quota = self.quota.or(quota);
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
            asks,
        })
    }

    fn wrong(&self, key: &str, value: &str, write: &str) -> Failure {
        wrong(&self.name, key, value, write)
    }

    /// Keys that another kind has are a misunderstanding.
    fn fitting(&self, kind: &str) -> Result<(), Failure> {
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
                Err(self.wrong(key, kind, &write))
            }
            None => Ok(()),
        }
    }

    fn key(&self, environment: &BTreeMap<String, String>) -> Result<Option<KeyPlace>, Failure> {
        match (&self.key_env, &self.key_file) {
            (Some(name), Some(_)) => Err(self.wrong("key-file", name, "one of key-env and key-file")),
            (Some(name), None) => Ok(Some(KeyPlace::variable(name.clone(), environment))),
            (None, Some(path)) => Ok(Some(KeyPlace::File(path.clone()))),
            (None, None) => Ok(None),
        }
    }

    /// Where the interface is. A key goes over TLS only, or to this machine.
    fn base(&self, default: &str, keyed: bool) -> Result<String, Failure> {
        let text = self.base_url.as_deref().unwrap_or(default).trim_end_matches('/');
        let wrong = |write: &str| self.wrong("base-url", text, write);
        let address: hyper::Uri = text.parse().map_err(|_| wrong("an address such as https://HOST"))?;
        let host = address.host().unwrap_or_default();
        let plain = address.scheme_str() == Some("http");
        if host.is_empty() || !(plain || address.scheme_str() == Some("https")) {
            return Err(wrong("an address such as https://HOST"));
        }
        if address.authority().is_some_and(|authority| authority.as_str().contains('@'))
            || address.query().is_some()
        {
            return Err(wrong(
                "an address without name, password and query; keys stand in key-env or key-file",
            ));
        }
        if keyed && plain && !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            return Err(wrong("an https address: a key is not sent in the clear"));
        }
        Ok(text.to_owned())
    }

    fn duration(&self, key: &str, text: &str) -> Result<Duration, Failure> {
        let parsed = text.parse::<SignedDuration>().ok().and_then(|parsed| Duration::try_from(parsed).ok());
        let fits = parsed.filter(|parsed| !parsed.is_zero() && *parsed <= Duration::from_secs(366 * 86_400));
        fits.ok_or_else(|| self.wrong(key, text, "a number with its unit, such as 24h, 20s or 500ms"))
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
        if range.contains(&value) { Ok(value) } else { Err(self.wrong(key, &value.to_string(), &write())) }
    }

    /// A list whose entries fit, each once, in the order they are written.
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
            return Err(self.wrong(key, bad, write));
        }
        let mut seen = BTreeSet::new();
        let list: Vec<_> = given.iter().filter(|one| seen.insert(one.as_str())).cloned().collect();
        if list.is_empty() { Err(self.wrong(key, "[]", "at least one, or leave it out")) } else { Ok(list) }
    }

    fn trade(&self, keyed: bool) -> Result<Asks, Failure> {
        let frequency = match self.frequency.as_deref() {
            None | Some("annual") => "A",
            Some("monthly") => "M",
            Some(other) => return Err(self.wrong("frequency", other, "annual or monthly")),
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
        Ok(Asks::Trade(Trade { frequency, reporters, periods, products, flows, cap }, span))
    }

    fn governance(&self) -> Result<Asks, Failure> {
        let default = || INDICATORS.map(str::to_owned).to_vec();
        let fits = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
        };
        let write = "the World Bank's identifiers, such as GOV_WGI_PV.EST";
        let indicators = self.list("indicators", &self.indicators, default, fits, write)?;
        let span = if self.periods.is_none() && self.last.is_none() {
            Span::All
        } else {
            self.span(1, 4, "years such as 2024")?
        };
        let page = self.bounded("cap", self.cap, 1_000, 1..=32_500)?;
        let (source, date) = (self.source.unwrap_or(3), String::new());
        Ok(Asks::Governance(Governance { indicators, source, date, page }, span))
    }

    fn policy(&self) -> Result<Asks, Failure> {
        let day = |text: &String| text.parse::<Date>().is_ok();
        if let Some(days) = self.announced.as_ref().filter(|days| !days.iter().all(day)) {
            return Err(self.wrong(
                "announced",
                &days.join(", "),
                "the first and the last day, as 2020-01-01",
            ));
        }
        let (products, announced) = (self.products()?, self.announced.clone());
        let limit = self.bounded("cap", self.cap, 1_000, 1..=1_000)?;
        let version = self.api_version.unwrap_or(GTA_VERSION);
        if !matches!(version, 1 | 2) {
            return Err(self.wrong("api-version", &version.to_string(), "1 or 2"));
        }
        Ok(Asks::Policy(Policy { version, products, announced, limit }))
    }

    fn products(&self) -> Result<Vec<String>, Failure> {
        let fits = |text: &str| digits(text, 6..=6);
        self.list("products", &self.products, critical, fits, "six digits of the Harmonized System")
    }

    fn span(&self, default: u16, length: usize, form: &str) -> Result<Span, Failure> {
        match (&self.periods, self.last) {
            (Some(_), Some(last)) => Err(self.wrong("last", &last.to_string(), "one of periods and last")),
            (None, Some(last)) if !(1..=600).contains(&last) => {
                Err(self.wrong("last", &last.to_string(), "1 to 600"))
            }
            (None, last) => Ok(Span::Last(last.unwrap_or(default))),
            (Some(_), None) => {
                let fits = |text: &str| digits(text, length..=length);
                let periods = self.list("periods", &self.periods, Vec::new, fits, form)?;
                Ok(Span::Named(periods))
            }
        }
    }
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Every code that means a critical material in a revision that customs still report in.
fn critical() -> Vec<String> {
    let current = hs_codes().iter().filter(|code| code.last >= HsRevision::Hs12);
    let wanted = current.filter(|code| material(code.material).is_ok_and(|material| material.is_critical()));
    let codes: BTreeSet<_> = wanted.map(|code| code.code.to_owned()).collect();
    codes.into_iter().collect()
}

//! What gates may do: as they propose themselves, as the service is configured, as a request asks.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use orewatch_contracts::ingestion::v1::GateMode;
use orewatch_runtime::{Class, Failure};

use super::{Gate, all, gate};
use crate::ids;

/// What gates may do, as a service is configured. As text: `GATE=MODE` or `DATASET/GATE=MODE`, separated by commas, where
/// MODE is `off`, `warn` or `block`.
///
/// What is said more closely holds: a request before a dataset's own configuration, that before the configuration for all
/// datasets, and that before what the gate proposes, whether it is stricter or looser. A gate that is final blocks, whoever
/// says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateModes {
    /// Modes by dataset, empty for all datasets, and gate.
    said: BTreeMap<(String, String), GateMode>,
}

/// What a request asks of gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    accept: BTreeSet<String>,
    modes: BTreeMap<String, GateMode>,
}

impl GateModes {
    /// What a gate may do in a dataset.
    pub(super) fn mode(&self, gate: &Gate, dataset: &str) -> GateMode {
        let of = |dataset: &str| self.said.get(&(dataset.to_owned(), gate.name.to_owned())).copied();
        of(dataset).or_else(|| of("")).unwrap_or(gate.default)
    }
}

impl FromStr for GateModes {
    type Err = WrongModes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut said = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let wrong = |message: &str| WrongModes(format!("`{entry}`: {message}"));
            let (key, mode) = entry.split_once('=').ok_or_else(|| wrong("write GATE=MODE"))?;
            let (dataset, name) = key.trim().rsplit_once('/').unwrap_or_else(|| ("", key.trim()));
            if !dataset.is_empty() && !ids::is_dataset(dataset) {
                return Err(wrong("this cannot name a dataset"));
            }
            let mode = mode_of(mode.trim()).ok_or_else(|| wrong("a mode is off, warn or block"))?;
            let gate = gate(name).ok_or_else(|| WrongModes(format!("`{entry}`: {}", no_gate())))?;
            weakens(gate, mode).map_err(|message| wrong(&message))?;
            if said.insert((dataset.to_owned(), name.to_owned()), mode).is_some() {
                return Err(wrong("it is said twice"));
            }
        }
        Ok(Self { said })
    }
}

/// Why a text does not say what gates may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongModes(String);

impl fmt::Display for WrongModes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongModes {}

impl Asked {
    /// Checks that the gates exist and may be weakened as far as is asked.
    ///
    /// # Errors
    /// A gate that does not exist, or is final; a number that is no mode.
    pub(crate) fn new<'a>(
        accept: &[String],
        modes: impl IntoIterator<Item = (&'a String, &'a i32)>,
    ) -> Result<Self, Failure> {
        let mut asked = Self::default();
        for name in accept {
            let known = known("accept", name)?;
            weakens(known, GateMode::Warn).map_err(|message| bad("accept", name, &message))?;
            asked.accept.insert(name.clone());
        }
        for (name, number) in modes {
            let known = known("gates", name)?;
            let mode = GateMode::try_from(*number)
                .map_err(|_| bad("gates", &number.to_string(), "this is no mode of a gate"))?;
            if mode != GateMode::Unspecified {
                weakens(known, mode).map_err(|message| bad("gates", name, &message))?;
                asked.modes.insert(name.clone(), mode);
            }
        }
        Ok(asked)
    }

    /// What a gate may do, given what is configured.
    pub(super) fn mode(&self, gate: &Gate, configured: GateMode) -> GateMode {
        self.modes.get(gate.name).copied().unwrap_or(configured)
    }

    /// Whether a block of the gate is accepted.
    pub(super) fn accepts(&self, gate: &str) -> bool {
        self.accept.contains(gate)
    }
}

fn known(field: &str, name: &str) -> Result<&'static Gate, Failure> {
    gate(name).ok_or_else(|| bad(field, name, "there is no such gate").with_hint(no_gate()))
}

fn bad(field: &str, value: &str, message: &str) -> Failure {
    Failure::new(Class::Invalid, "bad-gate", message).at(field, value)
}

fn no_gate() -> String {
    let names: Vec<_> = all().filter(|gate| !gate.is_final).map(|gate| gate.name).collect();
    format!("gates are {}", names.join(", "))
}

fn weakens(gate: &Gate, mode: GateMode) -> Result<(), String> {
    match gate.is_final && mode != GateMode::Block {
        true => Err(format!("what {} finds is damage: it always blocks", gate.name)),
        false => Ok(()),
    }
}

fn mode_of(text: &str) -> Option<GateMode> {
    match text {
        "off" => Some(GateMode::Off),
        "warn" => Some(GateMode::Warn),
        "block" => Some(GateMode::Block),
        _ => None,
    }
}

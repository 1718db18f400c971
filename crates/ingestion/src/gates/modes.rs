//! Modes of gates: their defaults, the service's configuration, and what a request asks for.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use orewatch_contracts::ingestion::v1::GateMode;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::ids;

use super::{Gate, all_gates, gate_by_name};

/// Configured modes of gates. As text: `GATE=MODE` or `DATASET/GATE=MODE`, separated by commas, where MODE is
/// `off`, `warn` or `block`.
///
/// The most specific mode applies, whether it is stricter or looser: a request's, then the configuration of
/// the dataset, then that of all datasets, then the gate's default. A final gate always blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateModes {
    /// Modes by dataset (empty for all datasets) and gate.
    modes: BTreeMap<(String, String), GateMode>,
}

/// Gates that a request accepts or weakens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GateRequest {
    accept: BTreeSet<String>,
    modes: BTreeMap<String, GateMode>,
}

impl GateModes {
    /// The mode of a gate in a dataset.
    pub(super) fn mode(&self, gate: &Gate, dataset: &str) -> GateMode {
        let configured = |dataset: &str| self.modes.get(&(dataset.to_owned(), gate.name.to_owned())).copied();
        configured(dataset).or_else(|| configured("")).unwrap_or(gate.default)
    }
}

impl FromStr for GateModes {
    type Err = InvalidGateModes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut modes = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let wrong = |message: &str| InvalidGateModes(format!("`{entry}`: {message}"));
            let (key, mode) = entry.split_once('=').ok_or_else(|| wrong("write GATE=MODE"))?;
            let (dataset, name) = key.trim().rsplit_once('/').unwrap_or_else(|| ("", key.trim()));
            if !dataset.is_empty() && !ids::is_dataset(dataset) {
                return Err(wrong("this is no valid name of a dataset"));
            }
            let mode = parse_mode(mode.trim()).ok_or_else(|| wrong("a mode is off, warn or block"))?;
            let gate = gate_by_name(name)
                .ok_or_else(|| InvalidGateModes(format!("`{entry}`: {}", gate_names_hint())))?;
            check_weakening(gate, mode).map_err(|message| wrong(&message))?;
            if modes.insert((dataset.to_owned(), name.to_owned()), mode).is_some() {
                return Err(wrong("the gate is listed twice"));
            }
        }
        Ok(Self { modes })
    }
}

/// A text that is no list of gate modes, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGateModes(String);

impl fmt::Display for InvalidGateModes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidGateModes {}

impl GateRequest {
    /// Checks that the gates exist and may be weakened as requested.
    ///
    /// # Errors
    /// A gate that does not exist or is final; a number that is no mode.
    pub(crate) fn new<'a>(
        accept: &[String],
        modes: impl IntoIterator<Item = (&'a String, &'a i32)>,
    ) -> Result<Self, Failure> {
        let mut asked = Self::default();
        for name in accept {
            let known = find_gate("accept", name)?;
            check_weakening(known, GateMode::Warn)
                .map_err(|message| invalid_gate("accept", name, &message))?;
            asked.accept.insert(name.clone());
        }
        for (name, number) in modes {
            let known = find_gate("gates", name)?;
            let mode = GateMode::try_from(*number)
                .map_err(|_| invalid_gate("gates", &number.to_string(), "this is no mode of a gate"))?;
            if mode != GateMode::Unspecified {
                check_weakening(known, mode).map_err(|message| invalid_gate("gates", name, &message))?;
                asked.modes.insert(name.clone(), mode);
            }
        }
        Ok(asked)
    }

    /// The mode of a gate, given its configured mode.
    pub(super) fn mode(&self, gate: &Gate, configured: GateMode) -> GateMode {
        self.modes.get(gate.name).copied().unwrap_or(configured)
    }

    /// Whether the request accepts a block of this gate.
    pub(super) fn accepts(&self, gate: &str) -> bool {
        self.accept.contains(gate)
    }
}

fn find_gate(field: &str, name: &str) -> Result<&'static Gate, Failure> {
    gate_by_name(name)
        .ok_or_else(|| invalid_gate(field, name, "there is no such gate").with_hint(gate_names_hint()))
}

fn invalid_gate(field: &str, value: &str, message: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-gate", message).at(field, value)
}

fn gate_names_hint() -> String {
    let names: Vec<_> = all_gates().filter(|gate| !gate.is_final).map(|gate| gate.name).collect();
    format!("gates are {}", names.join(", "))
}

fn check_weakening(gate: &Gate, mode: GateMode) -> Result<(), String> {
    match gate.is_final && mode != GateMode::Block {
        true => Err(format!("what {} finds is damage: it always blocks", gate.name)),
        false => Ok(()),
    }
}

fn parse_mode(text: &str) -> Option<GateMode> {
    match text {
        "off" => Some(GateMode::Off),
        "warn" => Some(GateMode::Warn),
        "block" => Some(GateMode::Block),
        _ => None,
    }
}

//! Economies and residuals: sides of flows, producers, and economies that figures describe.
use std::collections::HashMap;

use orewatch_catalog::{
    OTHER, ResidualKind, Scheme, UnknownCode, look_up_economy, residual_kind, residual_kinds,
    resolve_economy, resolve_residual,
};

use super::super::{Reject, nearest};
use super::{Cache, Dictionary, MAX_CACHED_TEXTS, Names, Symbol, too_many_names};

/// Upper bound on the searches for what unknown texts of a release may have meant. Each search compares with
/// all names; a file with thousands of unknown texts has a problem other than misspelt names.
const MAX_SEARCHES: usize = 1_000;

/// The economies of a release. Texts that mean nothing are remembered as well: finding what they were meant
/// to be takes a search through all names.
#[derive(Debug)]
pub(in super::super) struct Economies {
    pub(super) dictionary: Dictionary<&'static str>,
    unknown: HashMap<Box<str>, UnknownCode>,
    /// Residuals among the sides of flows. There are few.
    residuals: Vec<Symbol>,
    /// Texts that mean a residual. They are kept apart from those that mean economies, because most columns
    /// may name economies only.
    residual_texts: HashMap<Box<str>, Symbol>,
}

impl Economies {
    pub(super) fn new() -> Self {
        Self {
            dictionary: Dictionary::new(),
            unknown: HashMap::new(),
            residuals: Vec::new(),
            residual_texts: HashMap::new(),
        }
    }

    /// The alpha-3 code or residual of a number.
    pub(in super::super) fn name(&self, symbol: Symbol) -> Option<&'static str> {
        self.dictionary.name(symbol).copied()
    }

    /// Whether a side of a flow is a residual instead of an economy.
    pub(in super::super) fn is_residual(&self, symbol: Symbol) -> bool {
        self.residuals.contains(&symbol)
    }

    fn residual(&mut self, kind: &ResidualKind) -> Option<Symbol> {
        let symbol = self.dictionary.intern(kind.code)?;
        if !self.residuals.contains(&symbol) {
            self.residuals.push(symbol);
        }
        Some(symbol)
    }

    /// An economy; if the text means none, a residual.
    fn resolve_side(
        &mut self,
        texts: &mut Cache<Symbol>,
        scheme: Scheme,
        column: &str,
        text: &str,
    ) -> Result<Symbol, Reject> {
        if let Some(symbol) = texts.get(text).or_else(|| self.residual_texts.get(text).copied()) {
            return Ok(symbol);
        }
        let unknown = match self.resolve(texts, scheme, column, text) {
            Ok(symbol) => return Ok(symbol),
            Err(reject) => reject,
        };
        let Some(kind) = resolve_residual(scheme, text) else {
            return Err(unknown_residual_kind(column, text).unwrap_or(unknown));
        };
        let symbol = self.residual(kind).ok_or_else(|| too_many_names(column, text))?;
        if self.residual_texts.len() < MAX_CACHED_TEXTS {
            self.residual_texts.insert(text.into(), symbol);
        }
        Ok(symbol)
    }

    /// An economy.
    pub(super) fn resolve(
        &mut self,
        texts: &mut Cache<Symbol>,
        scheme: Scheme,
        column: &str,
        text: &str,
    ) -> Result<Symbol, Reject> {
        if let Some(symbol) = texts.get(text) {
            return Ok(symbol);
        }
        if let Some(error) = self.unknown.get(text) {
            return Err(Reject::unknown(column, error));
        }
        let is_searched = self.unknown.len() < MAX_SEARCHES;
        match if is_searched { resolve_economy(scheme, text) } else { look_up_economy(scheme, text) } {
            Ok(economy) => {
                let symbol =
                    self.dictionary.intern(economy.iso3).ok_or_else(|| too_many_names(column, text))?;
                texts.put(text, symbol);
                Ok(symbol)
            }
            Err(error) => {
                let reject = Reject::unknown(column, &error);
                if self.unknown.len() < MAX_CACHED_TEXTS {
                    self.unknown.insert(text.into(), error);
                }
                Err(reject)
            }
        }
    }
}

impl Names {
    /// The exporter of a flow: an economy, or a residual if the source does not name one.
    pub(in super::super) fn exporter(
        &mut self,
        scheme: Scheme,
        column: &str,
        text: &str,
    ) -> Result<Symbol, Reject> {
        self.economies.resolve_side(&mut self.economy_texts, scheme, column, text)
    }

    /// The importer of a flow, like [`Names::exporter`].
    pub(in super::super) fn importer(
        &mut self,
        scheme: Scheme,
        column: &str,
        text: &str,
    ) -> Result<Symbol, Reject> {
        self.economies.resolve_side(&mut self.partner_texts, scheme, column, text)
    }

    /// A residual of a kind, as a side of a flow.
    pub(in super::super) fn residual_side(
        &mut self,
        kind: &ResidualKind,
        column: &str,
    ) -> Result<Symbol, Reject> {
        self.economies.residual(kind).ok_or_else(|| too_many_names(column, kind.code))
    }

    /// The residual for what a declared total holds above the sum of its parts.
    pub(in super::super) fn undistributed(&mut self) -> Result<Symbol, Reject> {
        let kind = residual_kind("OTHER:undistributed").ok_or_else(|| too_many_names("", ""))?;
        self.residual_side(kind, "")
    }

    /// Rejects a flow between two residuals: no figure could be about it.
    pub(in super::super) fn check_one_side_is_an_economy(
        &self,
        exporter: Symbol,
        importer: Symbol,
        column: &str,
        text: &str,
    ) -> Result<(), Reject> {
        if !self.economies.is_residual(exporter) || !self.economies.is_residual(importer) {
            return Ok(());
        }
        let name = |symbol| self.economies.name(symbol).unwrap_or_default();
        let reason =
            format!("neither side of the flow is an economy: {} to {}", name(exporter), name(importer));
        Err(Reject::new("no-economy", column, text, reason)
            .with_hint("leave the row out: no economy depends on it"))
    }
}

/// Why a text such as `OTHER:x` names no kind of residual. None: it does not begin with `OTHER:`.
fn unknown_residual_kind(column: &str, text: &str) -> Option<Reject> {
    let id = text.strip_prefix(OTHER)?.strip_prefix(':')?;
    let known = || residual_kinds().iter().map(|kind| kind.id);
    let hint = match nearest(id, known()) {
        Some(meant) => format!("did you mean {OTHER}:{meant}?"),
        None => format!("write {OTHER}: and one of {}", known().collect::<Vec<_>>().join(", ")),
    };
    let reason = "this is no kind of residual";
    Some(Reject::new("unknown-economy", column, text, reason).with_hint(hint))
}

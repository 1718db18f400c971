//! Codes as small numbers: each text is looked up in the catalogue once, and remembered.
mod economies;
mod written;

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use orewatch_catalog::{
    Basis, Consumer, Kind, Material, Nomenclature, OTHER, Period, PeriodError, Scheme, Stage, Unit,
    UnknownCode, material,
};

use super::Reject;
use crate::codes::Codes;
use economies::Economies;

/// Most texts that are remembered; beyond it they are looked up each time.
const MOST_TEXTS: usize = 20_000;

/// A name by its number in the dictionaries of a release.
pub(super) type Symbol = u16;

/// What a row is about: the product of a flow, a series of output, an indicator, a parameter, a kind of restriction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// A product code, with what the concordances make of it.
    Product(Product),
    /// Output of a material at a stage, on a basis.
    Series(&'static str, Stage, Basis),
    /// A governance indicator.
    Indicator(String),
    /// A parameter of a method; empty where it has no material, stage or item.
    Parameter {
        /// Its name.
        name: &'static str,
        /// Identifier of the material.
        material: &'static str,
        /// Identifier of the stage.
        stage: &'static str,
        /// What else tells rows apart.
        item: String,
    },
    /// A kind of restriction of the exports of a market.
    Restriction {
        /// Its kind.
        kind: &'static str,
        /// Identifier of the material.
        material: &'static str,
        /// Stage.
        stage: Stage,
        /// Product code; empty for every product.
        code: &'static str,
        /// The code is a proxy.
        proxy: bool,
    },
    /// A code of a concordance.
    Code {
        /// Its nomenclature.
        nomenclature: String,
        /// The code.
        code: String,
    },
}

/// A product code that stands for a material.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Product {
    /// As in the source.
    pub(super) code: String,
    /// Identifier of the material.
    pub(super) material: &'static str,
    /// Stage.
    pub(super) stage: Stage,
    /// The code is a proxy.
    pub(super) proxy: bool,
    /// Bits of the fraction that is the material. None: not known.
    purity: Option<u64>,
}

impl Product {
    /// The fraction of the goods that is the material. None: not known.
    pub(super) fn purity(&self) -> Option<f64> {
        self.purity.map(f64::from_bits)
    }
}

/// What a code of a concordance stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Assignment {
    /// Identifier of the material; empty for goods of none.
    pub(super) material: String,
    /// Identifier of the stage; empty as the material.
    pub(super) stage: String,
    /// The code is a proxy.
    pub(super) proxy: bool,
    /// What the code holds.
    pub(super) note: String,
}

/// Numbers for names, in the order in which they are met.
#[derive(Debug)]
pub(super) struct Dictionary<T> {
    names: Vec<T>,
    symbols: BTreeMap<T, Symbol>,
}

impl<T: Clone + Ord> Dictionary<T> {
    fn new() -> Self {
        Self { names: Vec::new(), symbols: BTreeMap::new() }
    }

    /// The number of a name. None: there are 65,536 others.
    fn intern(&mut self, name: T) -> Option<Symbol> {
        if let Some(symbol) = self.symbols.get(&name) {
            return Some(*symbol);
        }
        let symbol = Symbol::try_from(self.names.len()).ok()?;
        self.names.push(name.clone());
        self.symbols.insert(name, symbol);
        Some(symbol)
    }

    /// The name of a number.
    pub(super) fn name(&self, symbol: Symbol) -> Option<&T> {
        self.names.get(usize::from(symbol))
    }
}

/// What texts mean, by text. Files are sorted more often than not, so that the last text comes again.
#[derive(Debug)]
struct Cache<T> {
    known: HashMap<Box<str>, T>,
    last: String,
    meaning: Option<T>,
}

impl<T: Copy> Cache<T> {
    fn new() -> Self {
        Self { known: HashMap::new(), last: String::new(), meaning: None }
    }

    fn get(&mut self, text: &str) -> Option<T> {
        if self.meaning.is_some() && self.last == text {
            return self.meaning;
        }
        let meaning = self.known.get(text).copied()?;
        self.remember(text, meaning);
        Some(meaning)
    }

    fn put(&mut self, text: &str, meaning: T) {
        self.remember(text, meaning);
        if self.known.len() < MOST_TEXTS {
            self.known.insert(text.into(), meaning);
        }
    }

    fn remember(&mut self, text: &str, meaning: T) {
        self.last.clear();
        self.last.push_str(text);
        self.meaning = Some(meaning);
    }
}

/// The dictionaries of a release, and the texts that are known to mean their entries.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) periods: Dictionary<Period>,
    pub(super) economies: Economies,
    pub(super) topics: Dictionary<Topic>,
    /// Days; none: not limited.
    pub(super) days: Dictionary<Option<Date>>,
    /// Whom restrictions concern: codes in their order, separated by commas; empty: everyone.
    pub(super) concerned: Dictionary<String>,
    /// What codes of concordances stand for.
    pub(super) assignments: Dictionary<Assignment>,
    codes: Codes,
    period_texts: Cache<Symbol>,
    economy_texts: Cache<Symbol>,
    partner_texts: Cache<Symbol>,
    product_texts: Cache<Option<Symbol>>,
}

impl Names {
    /// Names of a release whose product codes stand for what these concordances say.
    pub(super) fn new(codes: Codes) -> Self {
        Self {
            periods: Dictionary::new(),
            economies: Economies::new(),
            topics: Dictionary::new(),
            days: Dictionary::new(),
            concerned: Dictionary::new(),
            assignments: Dictionary::new(),
            codes,
            period_texts: Cache::new(),
            economy_texts: Cache::new(),
            partner_texts: Cache::new(),
            product_texts: Cache::new(),
        }
    }

    /// A period, yearly or monthly.
    pub(super) fn period(&mut self, column: &str, text: &str) -> Result<Symbol, Reject> {
        if let Some(symbol) = self.period_texts.get(text) {
            return Ok(symbol);
        }
        let period: Period =
            text.parse().map_err(|error: PeriodError| written::bad_period(column, text, &error))?;
        let symbol = self.periods.intern(period).ok_or_else(|| crowded(column, text))?;
        self.period_texts.put(text, symbol);
        Ok(symbol)
    }

    /// Who ships or produces.
    pub(super) fn economy(&mut self, scheme: Scheme, column: &str, text: &str) -> Result<Symbol, Reject> {
        self.economies.resolve(&mut self.economy_texts, scheme, column, text)
    }

    /// Who receives. It has a memory of its own because a file is sorted by either side, not by both.
    pub(super) fn partner(&mut self, scheme: Scheme, column: &str, text: &str) -> Result<Symbol, Reject> {
        self.economies.resolve(&mut self.partner_texts, scheme, column, text)
    }

    /// An economy, a bloc or the world.
    pub(super) fn whom(&mut self, column: &str, text: &str) -> Result<(Symbol, Consumer), Reject> {
        let whom = consumer(column, text)?;
        let symbol = self.economies.dictionary.intern(whom.code());
        Ok((symbol.ok_or_else(|| crowded(column, text))?, whom))
    }

    /// Nobody in particular.
    pub(super) fn nobody(&mut self, column: &str) -> Result<Symbol, Reject> {
        self.economies.dictionary.intern("").ok_or_else(|| crowded(column, ""))
    }

    /// A day, with its number; the empty text is none.
    pub(super) fn day(&mut self, column: &str, text: &str) -> Result<(Symbol, Option<Date>), Reject> {
        let bad = || written::bad_day(column, text);
        let day = if text.is_empty() { None } else { Some(day(text).ok_or_else(bad)?) };
        let symbol = self.days.intern(day).ok_or_else(|| crowded(column, text))?;
        Ok((symbol, day))
    }

    /// Those whom a restriction by `economy` concerns: economies and blocs, separated by blanks.
    pub(super) fn concerned(&mut self, column: &str, text: &str, economy: &str) -> Result<Symbol, Reject> {
        let mut codes = Vec::new();
        for word in text.split_whitespace() {
            let reject = |code, reason: &str| Reject::new(code, column, word, reason);
            match consumer(column, word)? {
                Consumer::World => {
                    return Err(reject("aggregate-economy", "the world is no partner")
                        .with_hint("leave the field empty: then the restriction concerns everyone"));
                }
                one if one.code() == economy => {
                    return Err(reject("self-partner", "nobody restricts exports to itself"));
                }
                one => codes.push(one.code()),
            }
        }
        codes.sort_unstable();
        codes.dedup();
        self.concerned.intern(codes.join(",")).ok_or_else(|| crowded(column, text))
    }

    /// What a row is about.
    pub(super) fn topic(&mut self, column: &str, text: &str, topic: Topic) -> Result<Symbol, Reject> {
        self.topics.intern(topic).ok_or_else(|| crowded(column, text))
    }

    /// The residual of economies that a source of output does not list.
    pub(super) fn residual(&mut self, column: &str) -> Result<Symbol, Reject> {
        self.economies.dictionary.intern(OTHER).ok_or_else(|| crowded(column, OTHER))
    }

    /// A product code. None: a valid one, of goods that no material of the catalogue covers.
    pub(super) fn product(
        &mut self,
        nomenclature: &Nomenclature,
        column: &str,
        text: &str,
    ) -> Result<Option<Symbol>, Reject> {
        if let Some(known) = self.product_texts.get(text) {
            return Ok(known);
        }
        nomenclature.check(text).map_err(|suggestion| malformed(column, text, nomenclature, suggestion))?;
        let assigned = self.codes.meaning(nomenclature, text);
        let product = assigned.meaning.map(|meaning| Product {
            code: text.to_owned(),
            material: meaning.material,
            stage: meaning.stage,
            proxy: meaning.proxy,
            purity: assigned.purity.map(f64::to_bits),
        });
        let intern =
            |product| self.topics.intern(Topic::Product(product)).ok_or_else(|| crowded(column, text));
        let known = product.map(intern).transpose()?;
        self.product_texts.put(text, known);
        Ok(known)
    }

    /// What a code of a concordance stands for.
    pub(super) fn assignment(&mut self, column: &str, assignment: Assignment) -> Result<Symbol, Reject> {
        let text = assignment.note.clone();
        self.assignments.intern(assignment).ok_or_else(|| crowded(column, &text))
    }

    /// A series of output with the factor that takes its figures to tonnes of the basis on which the catalogue has it.
    pub(super) fn series(&mut self, series: [(&str, &str); 4]) -> Result<(Symbol, f64), Reject> {
        let [(in_material, material_text), (in_stage, stage), (in_unit, unit), (in_basis, basis)] = series;
        let of: &'static Material =
            material(material_text).map_err(|error| Reject::unknown(in_material, &error))?;
        let stage: Stage = stage.parse().map_err(|error| Reject::unknown(in_stage, &error))?;
        let unit: Unit = unit.parse().map_err(|error| Reject::unknown(in_unit, &error))?;
        let given: Basis = basis.parse().map_err(|error| Reject::unknown(in_basis, &error))?;
        let wanted = of.basis(stage);
        let factor = given.convert(of.id, unit.to_tonnes(1.0), wanted).map_err(|error| {
            Reject::new("basis-mismatch", in_basis, basis, error.to_string())
                .with_hint(format!("output of {} {stage} is recorded as {wanted}", of.id))
        })?;
        let symbol = self.topics.intern(Topic::Series(of.id, stage, wanted));
        Ok((symbol.ok_or_else(|| crowded(in_material, material_text))?, factor))
    }

    /// A governance indicator.
    pub(super) fn indicator(&mut self, column: &str, text: &str) -> Result<Symbol, Reject> {
        let well_formed = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !well_formed {
            return Err(Reject::new("bad-indicator", column, text, "this cannot name an indicator")
                .with_hint("use lower-case letters, digits and hyphens, such as political-stability"));
        }
        self.topics.intern(Topic::Indicator(text.to_owned())).ok_or_else(|| crowded(column, text))
    }
}

/// An economy, a bloc or the world, as rows name them.
fn consumer(column: &str, text: &str) -> Result<Consumer, Reject> {
    text.parse().map_err(|error| Reject::unknown(column, &UnknownCode { kind: Kind::Economy, ..error }))
}

/// A day of the years that periods may lie in, in the one form that sorts.
pub(crate) fn day(text: &str) -> Option<Date> {
    let month = text.get(..7)?;
    let day: Date = text.parse().ok()?;
    let written = day.to_string() == text;
    (written && month.parse::<Period>().is_ok()).then_some(day)
}

/// Why a text is no product code.
pub(super) fn malformed(
    column: &str,
    text: &str,
    nomenclature: &Nomenclature,
    suggestion: Option<String>,
) -> Reject {
    let hint = suggestion.map_or_else(
        || format!("its codes are {}", nomenclature.form()),
        |meant| format!("did you mean {meant}? Spreadsheets cut leading zeros off: read the column as text"),
    );
    let reason = match nomenclature {
        Nomenclature::Hs(_) => "this is not a code of the Harmonized System".to_owned(),
        Nomenclature::Cn(_) => "this is not a code of the Combined Nomenclature".to_owned(),
        Nomenclature::Own(name) => format!("this cannot be a code of {name}"),
    };
    Reject::new("bad-product", column, text, reason).with_hint(hint)
}

fn crowded(column: &str, text: &str) -> Reject {
    Reject::new("too-many-names", column, text, "the release names more than 65536 different things here")
}

//! The dictionaries of a release: codes as small numbers. Each text is looked up in the catalogue once, and
//! then remembered.
mod economies;
mod written;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use jiff::civil::Date;
use orewatch_catalog::{
    Basis, CodeKind, Consumer, Material, Nomenclature, OTHER, Period, PeriodError, Scheme, Stage, Unit,
    UnknownCode, material,
};

use super::Reject;
use crate::codes::Codes;
use economies::Economies;

/// Upper bound on the texts that are remembered; further ones are looked up each time.
const MAX_CACHED_TEXTS: usize = 20_000;

/// Upper bound on the targets or claims of a release: each takes up to some thousand bytes of memory.
const MAX_STATEMENTS: usize = 10_000;

/// Number of a name in a dictionary of a release.
pub(super) type Symbol = u16;

/// What a row is about: a product, a series of output, an indicator, a parameter, a restriction, a projected
/// series, a target or claim, or a code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// A product code with the material that it stands for.
    Product(Product),
    /// Output of a material at a stage, on a basis.
    Series(&'static str, Stage, Basis),
    /// A governance indicator.
    Indicator(String),
    /// A parameter of a method; material, stage or item are empty if it has none.
    Parameter {
        /// Its name.
        name: &'static str,
        /// Identifier of the material.
        material: &'static str,
        /// Identifier of the stage.
        stage: &'static str,
        /// What else distinguishes rows of the parameter.
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
    /// Projected supply or demand of a material at a stage, on a basis.
    Projected {
        /// Identifier of the material.
        material: &'static str,
        /// Stage; of demand, the stage whose product is used.
        stage: Stage,
        /// Basis after conversion.
        basis: Basis,
        /// Demand, not supply.
        is_demand: bool,
        /// Scenario as the publisher names it.
        scenario: String,
    },
    /// Identifier of a target or claim.
    Statement(String),
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
    /// Bits of the fraction that is the material. None: unknown.
    purity: Option<u64>,
}

impl Product {
    /// The fraction of the goods that is the material. None: unknown.
    pub(super) fn purity(&self) -> Option<f64> {
        self.purity.map(f64::from_bits)
    }
}

/// What a code of a concordance stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Assignment {
    /// Identifier of the material; empty for goods of none.
    pub(super) material: String,
    /// Identifier of the stage; empty if the material is.
    pub(super) stage: String,
    /// The code is a proxy.
    pub(super) proxy: bool,
    /// Remark on the goods of the code.
    pub(super) note: String,
}

/// Numbers names in the order in which they are met.
#[derive(Debug)]
pub(super) struct Dictionary<T> {
    names: Vec<T>,
    symbols: BTreeMap<T, Symbol>,
}

impl<T: Clone + Ord> Dictionary<T> {
    fn new() -> Self {
        Self { names: Vec::new(), symbols: BTreeMap::new() }
    }

    /// The number of a name. None: the dictionary is full.
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

/// Remembers what texts mean. Most files are sorted, so that the last text is checked first.
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
        if self.known.len() < MAX_CACHED_TEXTS {
            self.known.insert(text.into(), meaning);
        }
    }

    fn remember(&mut self, text: &str, meaning: T) {
        self.last.clear();
        self.last.push_str(text);
        self.meaning = Some(meaning);
    }
}

/// The dictionaries of a release, and the texts that are known to mean their entries. Where a text is read,
/// the name of its column comes first: it goes into the [`Reject`] of a text that means nothing.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) periods: Dictionary<Period>,
    pub(super) economies: Economies,
    pub(super) topics: Dictionary<Topic>,
    /// Days. None: not limited.
    pub(super) days: Dictionary<Option<Date>>,
    /// Partners that restrictions concern: sorted codes separated by commas; empty: everyone.
    pub(super) concerned_partners: Dictionary<String>,
    /// What codes of concordances stand for.
    pub(super) assignments: Dictionary<Assignment>,
    /// Targets and claims as they are recorded, in the wire form of their message.
    pub(super) statements: Dictionary<Bytes>,
    codes: Codes,
    period_texts: Cache<Symbol>,
    economy_texts: Cache<Symbol>,
    partner_texts: Cache<Symbol>,
    product_texts: Cache<Option<Symbol>>,
}

impl Names {
    /// Empty dictionaries of a release whose product codes these concordances explain.
    pub(super) fn new(codes: Codes) -> Self {
        Self {
            periods: Dictionary::new(),
            economies: Economies::new(),
            topics: Dictionary::new(),
            days: Dictionary::new(),
            concerned_partners: Dictionary::new(),
            assignments: Dictionary::new(),
            statements: Dictionary::new(),
            codes,
            period_texts: Cache::new(),
            economy_texts: Cache::new(),
            partner_texts: Cache::new(),
            product_texts: Cache::new(),
        }
    }

    /// A year or month.
    pub(super) fn period(&mut self, column: &str, text: &str) -> Result<Symbol, Reject> {
        if let Some(symbol) = self.period_texts.get(text) {
            return Ok(symbol);
        }
        let period: Period =
            text.parse().map_err(|error: PeriodError| written::invalid_period(column, text, &error))?;
        let symbol = self.periods.intern(period).ok_or_else(|| too_many_names(column, text))?;
        self.period_texts.put(text, symbol);
        Ok(symbol)
    }

    /// An exporter or producer.
    pub(super) fn economy(&mut self, scheme: Scheme, column: &str, text: &str) -> Result<Symbol, Reject> {
        self.economies.resolve(&mut self.economy_texts, scheme, column, text)
    }

    /// An importer. Its texts are remembered apart from those of exporters: a file is sorted by one side
    /// only, and each memory checks its last text first.
    pub(super) fn partner(&mut self, scheme: Scheme, column: &str, text: &str) -> Result<Symbol, Reject> {
        self.economies.resolve(&mut self.partner_texts, scheme, column, text)
    }

    /// An economy, a bloc or the world.
    pub(super) fn consumer(&mut self, column: &str, text: &str) -> Result<(Symbol, Consumer), Reject> {
        let consumer = parse_consumer(column, text)?;
        let symbol = self.economies.dictionary.intern(consumer.code());
        Ok((symbol.ok_or_else(|| too_many_names(column, text))?, consumer))
    }

    /// The name of rows that are about no economy.
    pub(super) fn no_economy(&mut self, column: &str) -> Result<Symbol, Reject> {
        self.economies.dictionary.intern("").ok_or_else(|| too_many_names(column, ""))
    }

    /// A day with its number. None: the text is empty.
    pub(super) fn day(&mut self, column: &str, text: &str) -> Result<(Symbol, Option<Date>), Reject> {
        let invalid = || written::invalid_day(column, text);
        let day = if text.is_empty() { None } else { Some(parse_day(text).ok_or_else(invalid)?) };
        let symbol = self.days.intern(day).ok_or_else(|| too_many_names(column, text))?;
        Ok((symbol, day))
    }

    /// The partners that a restriction by `economy` concerns: economies and blocs, separated by blanks.
    pub(super) fn concerned_partners(
        &mut self,
        column: &str,
        text: &str,
        economy: &str,
    ) -> Result<Symbol, Reject> {
        let mut codes = Vec::new();
        for word in text.split_whitespace() {
            let reject = |code, reason: &str| Reject::new(code, column, word, reason);
            match parse_consumer(column, word)? {
                Consumer::World => {
                    return Err(reject("aggregate-economy", "the world is no partner")
                        .with_hint("leave the field empty: then the restriction concerns everyone"));
                }
                partner if partner.code() == economy => {
                    return Err(reject("self-partner", "an economy does not restrict exports to itself"));
                }
                partner => codes.push(partner.code()),
            }
        }
        codes.sort_unstable();
        codes.dedup();
        let symbol = self.concerned_partners.intern(codes.join(","));
        symbol.ok_or_else(|| too_many_names(column, text))
    }

    /// What a row is about.
    pub(super) fn topic(&mut self, column: &str, text: &str, topic: Topic) -> Result<Symbol, Reject> {
        self.topics.intern(topic).ok_or_else(|| too_many_names(column, text))
    }

    /// The residual of producers that a source does not list.
    pub(super) fn unlisted_producers(&mut self, column: &str) -> Result<Symbol, Reject> {
        self.economies.dictionary.intern(OTHER).ok_or_else(|| too_many_names(column, OTHER))
    }

    /// A product code. None: it is valid, and of goods that no material of the catalogue covers.
    pub(super) fn product(
        &mut self,
        nomenclature: &Nomenclature,
        column: &str,
        text: &str,
    ) -> Result<Option<Symbol>, Reject> {
        if let Some(known) = self.product_texts.get(text) {
            return Ok(known);
        }
        nomenclature
            .check_code(text)
            .map_err(|suggestion| malformed_product(column, text, nomenclature, suggestion))?;
        let assigned = self.codes.meaning(nomenclature, text);
        let product = assigned.meaning.map(|meaning| Product {
            code: text.to_owned(),
            material: meaning.material,
            stage: meaning.stage,
            proxy: meaning.proxy,
            purity: assigned.purity.map(f64::to_bits),
        });
        let intern =
            |product| self.topics.intern(Topic::Product(product)).ok_or_else(|| too_many_names(column, text));
        let known = product.map(intern).transpose()?;
        self.product_texts.put(text, known);
        Ok(known)
    }

    /// The material and stage that a code of a concordance stands for.
    pub(super) fn assignment(&mut self, column: &str, assignment: Assignment) -> Result<Symbol, Reject> {
        let text = assignment.note.clone();
        self.assignments.intern(assignment).ok_or_else(|| too_many_names(column, &text))
    }

    /// What a target or claim says, in the wire form of its message.
    pub(super) fn statement(&mut self, column: &str, id: &str, statement: Bytes) -> Result<Symbol, Reject> {
        let fits = self.statements.names.len() < MAX_STATEMENTS;
        let symbol = if fits || self.statements.symbols.contains_key(&statement) {
            self.statements.intern(statement)
        } else {
            None
        };
        symbol.ok_or_else(|| {
            let reason = format!("a release has at most {MAX_STATEMENTS} targets or claims");
            Reject::new("too-many-names", column, id, reason)
                .with_hint("split the file into several datasets")
        })
    }

    /// A series of output, from column and text of material, stage, unit and basis, with the factor that
    /// converts its figures to tonnes on the catalogue's basis.
    pub(super) fn series(&mut self, series: [(&str, &str); 4]) -> Result<(Symbol, f64), Reject> {
        let (known, stage, basis, factor) = read_series(series)?;
        let symbol = self.topics.intern(Topic::Series(known.id, stage, basis));
        let [(column, text), ..] = series;
        Ok((symbol.ok_or_else(|| too_many_names(column, text))?, factor))
    }

    /// A projected series, in the form of [`Names::series`].
    pub(super) fn projected_series(
        &mut self,
        series: [(&str, &str); 4],
        is_demand: bool,
        scenario: &str,
    ) -> Result<(Symbol, f64), Reject> {
        let (known, stage, basis, factor) = read_series(series)?;
        let scenario = scenario.to_owned();
        let topic = Topic::Projected { material: known.id, stage, basis, is_demand, scenario };
        let [(column, text), ..] = series;
        Ok((self.topic(column, text, topic)?, factor))
    }

    /// A governance indicator.
    pub(super) fn indicator(&mut self, column: &str, text: &str) -> Result<Symbol, Reject> {
        let well_formed = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !well_formed {
            return Err(Reject::new("unknown-indicator", column, text, "this cannot name an indicator")
                .with_hint("use lower-case letters, digits and hyphens, such as political-stability"));
        }
        self.topics.intern(Topic::Indicator(text.to_owned())).ok_or_else(|| too_many_names(column, text))
    }
}

/// Material, stage and basis of a series of output, from column and text of material, stage, unit and basis,
/// with the factor that converts its figures to tonnes on that basis.
fn read_series(series: [(&str, &str); 4]) -> Result<(&'static Material, Stage, Basis, f64), Reject> {
    let [(in_material, material_text), (in_stage, stage), (in_unit, unit), (in_basis, basis)] = series;
    let known: &'static Material =
        material(material_text).map_err(|error| Reject::unknown(in_material, &error))?;
    let stage: Stage = stage.parse().map_err(|error| Reject::unknown(in_stage, &error))?;
    let unit: Unit = unit.parse().map_err(|error| Reject::unknown(in_unit, &error))?;
    let given: Basis = basis.parse().map_err(|error| Reject::unknown(in_basis, &error))?;
    let wanted = if known.records(stage, given) { given } else { known.basis(stage) };
    let factor = given.convert(known.id, unit.to_tonnes(1.0), wanted).map_err(|error| {
        Reject::new("basis-mismatch", in_basis, basis, error.to_string())
            .with_hint(format!("output of {} {stage} is recorded as {wanted}", known.id))
    })?;
    Ok((known, stage, wanted, factor))
}

/// Reads an economy, a bloc or the world.
pub(super) fn parse_consumer(column: &str, text: &str) -> Result<Consumer, Reject> {
    text.parse().map_err(|error| Reject::unknown(column, &UnknownCode { kind: CodeKind::Economy, ..error }))
}

/// Reads a day such as `2010-07-01`, in a year that periods may have. Other forms of a day are none.
pub fn parse_day(text: &str) -> Option<Date> {
    let month = text.get(..7)?;
    let day: Date = text.parse().ok()?;
    let written = day.to_string() == text;
    (written && month.parse::<Period>().is_ok()).then_some(day)
}

/// Why a text is no product code.
pub(super) fn malformed_product(
    column: &str,
    text: &str,
    nomenclature: &Nomenclature,
    suggestion: Option<String>,
) -> Reject {
    let hint = suggestion.map_or_else(
        || format!("its codes are {}", nomenclature.code_form()),
        |meant| format!("did you mean {meant}? Spreadsheets drop leading zeros: read the column as text"),
    );
    let reason = match nomenclature {
        Nomenclature::Hs(_) => "this is not a code of the Harmonized System".to_owned(),
        Nomenclature::Cn(_) => "this is not a code of the Combined Nomenclature".to_owned(),
        Nomenclature::Own(name) => format!("this cannot be a code of {name}"),
    };
    Reject::new("invalid-product", column, text, reason).with_hint(hint)
}

/// The reason why a text gets no number: the dictionary is full.
fn too_many_names(column: &str, text: &str) -> Reject {
    Reject::new("too-many-names", column, text, "the column has more than 65,536 distinct names")
}

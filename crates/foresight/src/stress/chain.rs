//! A scenario along the chain of a material: from the mine to what is made of it.
//!
//! At each stage, from the first on: output falls where input is short, and by what is cut; the loss is
//! passed on along trade ([`cascade()`]); what is short is met from spare capacity, then by another
//! material as far as there is one; and the rest is short, which is input of the next stage.
//!
//! Everything that is lost is accounted for: at each stage, what comes from stocks, from spare capacity and
//! by substitution and what is short add up to what was cut there and to what was not made for want of input.

use orewatch_catalog::Stage;

use super::cascade::{CascadeStart, TradeLink, cascade};
use super::scenario::{BadStressScenario, Cut, StressScenario};

/// Months of a year.
const MONTHS: f64 = 12.0;

/// One stage of a chain. Amounts are of one basis, in tonnes a year, and stocks in tonnes. Lists have a place
/// for each economy of the chain; what is not known is left at 0, and the caller says so.
#[derive(Clone, Debug, PartialEq)]
pub struct StageMarket {
    /// The stage.
    pub stage: Stage,
    /// Output by economy.
    pub output: Vec<f64>,
    /// Stocks by economy.
    pub stocks: Vec<f64>,
    /// Capacity beyond output that could run at once, by economy.
    pub spare: Vec<f64>,
    /// Flows: exporter, importer, and tonnes a year.
    pub flows: Vec<(usize, usize, f64)>,
    /// The part of use that another material could replace, 0 to 1.
    pub substitutable: f64,
}

/// The chain of a material.
#[derive(Clone, Debug, PartialEq)]
pub struct StressChain {
    /// Identifier of the material.
    pub material: String,
    /// Alpha-3 codes of the economies.
    pub economies: Vec<String>,
    /// Stages, starting at the mine.
    pub stages: Vec<StageMarket>,
}

/// How economies answer a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StressResponse {
    /// The part of a loss, after stocks, that cuts use at once before trade changes, 0 to 1.
    pub absorbed: f64,
    /// Whether stocks are drawn on.
    pub stocks: bool,
    /// Whether spare capacity runs.
    pub spare: bool,
}

/// What a scenario does to one economy at one stage, in tonnes over the scenario's months.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EconomyOutcome {
    /// What it would have used.
    pub used: f64,
    /// What it draws from its stocks.
    pub from_stocks: f64,
    /// What it gets from spare capacity, its own or of others.
    pub from_spare: f64,
    /// What it replaces by another material.
    pub substituted: f64,
    /// What it lacks.
    pub short: f64,
}

impl EconomyOutcome {
    /// What it loses, before it does anything about it.
    #[must_use]
    pub fn lost(&self) -> f64 {
        self.from_stocks + self.from_spare + self.substituted + self.short
    }

    /// The part of its use that it lacks, 0 to 1. `None`: it would have used nothing.
    #[must_use]
    pub fn short_share(&self) -> Option<f64> {
        (self.used > 0.0).then(|| (self.short / self.used).clamp(0.0, 1.0))
    }
}

/// What a scenario does at one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageOutcome {
    /// The stage.
    pub stage: Stage,
    /// Tonnes that are cut here, or not made for want of input.
    pub lost: f64,
    /// Tonnes that stay with suppliers that may not export them.
    pub idle: f64,
    /// By economy of the chain.
    pub economies: Vec<EconomyOutcome>,
}

impl StressChain {
    /// Applies a scenario.
    ///
    /// # Errors
    /// [`BadStressScenario`] if its numbers are out of range, or it cuts what the chain does not have.
    pub fn apply(
        &self,
        scenario: &StressScenario,
        response: &StressResponse,
    ) -> Result<Vec<StageOutcome>, BadStressScenario> {
        scenario.check()?;
        let cuts = scenario.cuts.iter().map(|cut| self.place_cut(scenario, cut));
        let cuts = cuts.collect::<Result<Vec<_>, _>>()?;
        let mut without_input = vec![0.0; self.economies.len()];
        let mut outcomes = Vec::new();
        for market in &self.stages {
            let here = cuts.iter().filter(|cut| cut.stage == market.stage);
            let mut shock = Shock::new(market, scenario.months / MONTHS, &without_input);
            here.for_each(|cut| shock.cut(cut, scenario.share));
            let outcome = shock.absorb(market, response);
            let shares = outcome.economies.iter().map(|economy| economy.short_share().unwrap_or(0.0));
            without_input = shares.collect();
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn place_cut(&self, scenario: &StressScenario, cut: &Cut) -> Result<PlacedCut, BadStressScenario> {
        let unknown = |wanted: &str| BadStressScenario::Unknown {
            scenario: scenario.id.clone(),
            wanted: wanted.to_owned(),
        };
        let place = |code: &String| {
            self.economies.iter().position(|economy| economy == code).ok_or_else(|| unknown(code))
        };
        let stage = cut.stage();
        if !self.stages.iter().any(|market| market.stage == stage) {
            return Err(unknown(stage.as_str()));
        }
        let kind = match cut {
            Cut::Output { economy, .. } => CutKind::Output(place(economy)?),
            Cut::Exports { economy, .. } => CutKind::Flows { from: Some(place(economy)?), to: None },
            Cut::Route { from, to, .. } => CutKind::Flows { from: Some(place(from)?), to: Some(place(to)?) },
            Cut::Trade { .. } => CutKind::Flows { from: None, to: None },
        };
        Ok(PlacedCut { stage, kind })
    }
}

/// A cut with the places of its economies.
#[derive(Clone, Copy)]
struct PlacedCut {
    stage: Stage,
    kind: CutKind,
}

#[derive(Clone, Copy)]
enum CutKind {
    Output(usize),
    /// Flows from and to an economy, or any.
    Flows {
        from: Option<usize>,
        to: Option<usize>,
    },
}

/// A stage with what it loses, over the span of the scenario.
struct Shock {
    span: f64,
    output: Vec<f64>,
    used: Vec<f64>,
    /// Loss of output by economy.
    unmade: Vec<f64>,
    /// Imports that do not come, by economy.
    withheld: Vec<f64>,
    links: Vec<TradeLink>,
    /// Economies that may not export more.
    closed: Vec<bool>,
    /// Part of output that lacks input or is cut, by economy: spare capacity lacks it too.
    hampered: Vec<f64>,
}

impl Shock {
    /// The stage before anything is cut; output lacks what its input lacks.
    fn new(market: &StageMarket, span: f64, without_input: &[f64]) -> Self {
        let output: Vec<f64> = market.output.iter().map(|output| output * span).collect();
        let link = |&(from, to, tonnes): &(usize, usize, f64)| TradeLink {
            from,
            to,
            tonnes: tonnes * span,
            frozen: false,
        };
        let links: Vec<TradeLink> =
            market.flows.iter().map(link).filter(|link| link.from != link.to).collect();
        let mut used = output.clone();
        for link in &links {
            add(&mut used, link.to, link.tonnes);
            add(&mut used, link.from, -link.tonnes);
        }
        used.iter_mut().for_each(|used| *used = used.max(0.0));
        let unmade = output.iter().zip(without_input).map(|(output, part)| output * part).collect();
        Self {
            span,
            used,
            unmade,
            withheld: vec![0.0; output.len()],
            closed: vec![false; output.len()],
            hampered: without_input.to_vec(),
            links,
            output,
        }
    }

    fn cut(&mut self, cut: &PlacedCut, share: f64) {
        match cut.kind {
            CutKind::Output(place) => {
                let left = at(&self.output, place) - at(&self.unmade, place);
                add(&mut self.unmade, place, share * left.max(0.0));
                let hampered = at(&self.hampered, place);
                add(&mut self.hampered, place, share * (1.0 - hampered));
            }
            CutKind::Flows { from, to } => {
                let is_cut = |link: &&mut TradeLink| {
                    from.is_none_or(|from| link.from == from) && to.is_none_or(|to| link.to == to)
                };
                for link in self.links.iter_mut().filter(is_cut) {
                    let tonnes = share * link.tonnes;
                    link.tonnes -= tonnes;
                    link.frozen = true;
                    add(&mut self.withheld, link.to, tonnes);
                }
                let closes = |place: usize| to.is_none() && from.is_none_or(|from| from == place);
                for (place, closed) in self.closed.iter_mut().enumerate() {
                    *closed |= closes(place);
                }
            }
        }
    }

    fn absorb(&self, market: &StageMarket, response: &StressResponse) -> StageOutcome {
        let losses: Vec<f64> = self.unmade.iter().zip(&self.withheld).map(|(a, b)| a + b).collect();
        let none = vec![0.0; losses.len()];
        let start = CascadeStart {
            output: &self.output,
            stocks: if response.stocks { &market.stocks } else { &none },
            links: &self.links,
            losses: &losses,
            absorbed: response.absorbed.clamp(0.0, 1.0),
            closed: &self.closed,
        };
        let passed = cascade(&start);
        let spare = if response.spare { self.spare(market, &passed.short) } else { none };
        let economy = |(place, short): (usize, &f64)| {
            let used = at(&self.used, place);
            let from_spare = at(&spare, place).min(*short);
            let substituted = (market.substitutable.clamp(0.0, 1.0) * used).min(short - from_spare);
            let short = short - from_spare - substituted;
            EconomyOutcome {
                used,
                from_stocks: at(&passed.from_stocks, place),
                from_spare,
                substituted,
                short,
            }
        };
        StageOutcome {
            stage: market.stage,
            lost: losses.iter().sum(),
            idle: self.withheld.iter().sum(),
            economies: passed.short.iter().enumerate().map(economy).collect(),
        }
    }

    /// What each economy gets from spare capacity: first from its own, then its part of what all others who
    /// may export have left.
    fn spare(&self, market: &StageMarket, short: &[f64]) -> Vec<f64> {
        let available = |place: usize| {
            let running = 1.0 - at(&self.hampered, place).clamp(0.0, 1.0);
            at(&market.spare, place).max(0.0) * self.span * running
        };
        let own: Vec<f64> =
            short.iter().enumerate().map(|(place, short)| short.min(available(place))).collect();
        let is_closed = |place: usize| self.closed.get(place).copied().unwrap_or(false);
        let left = own.iter().enumerate().filter(|(place, _)| !is_closed(*place));
        let pool: f64 = left.map(|(place, own)| available(place) - own).sum();
        let wanted: f64 = short.iter().zip(&own).map(|(short, own)| short - own).sum();
        let part = if wanted > pool { pool / wanted } else { 1.0 };
        short.iter().zip(&own).map(|(short, own)| own + (short - own) * part).collect()
    }
}

/// For how many months stocks last without any supply: `stocks / (use a year / 12)`. `None`: nothing is used.
///
/// ```
/// use orewatch_foresight::months_of_cover;
///
/// assert_eq!(months_of_cover(150.0, 600.0), Some(3.0));
/// assert_eq!(months_of_cover(150.0, 0.0), None);
/// ```
#[must_use]
pub fn months_of_cover(stocks: f64, used_a_year: f64) -> Option<f64> {
    (used_a_year > 0.0).then(|| stocks.max(0.0) / (used_a_year / MONTHS))
}

fn at(values: &[f64], place: usize) -> f64 {
    values.get(place).copied().unwrap_or_default()
}

fn add(values: &mut [f64], place: usize, amount: f64) {
    if let Some(value) = values.get_mut(place) {
        *value += amount;
    }
}

//! How a loss of supply is passed on along trade (Marchand and others 2016, Environmental Research Letters
//! 11, 095009).
//!
//! An economy that loses supply draws on its stocks; then it cuts its own use by a given part of what is
//! left; then it exports less and imports more, in proportion to its flows. Its partners lose what it takes
//! from them, and do the same in the next step. One that is short does not export more to anybody. What trade
//! cannot carry is cut from use. It ends when nobody loses anything more.

/// Most steps: losses shrink geometrically, and the authors use the same limit.
const MAX_STEPS: usize = 50;

/// A loss below this part of an economy's supply is not passed on.
const NEGLIGIBLE: f64 = 1e-5;

/// Losses below this many tonnes end the cascade.
const NOTHING: f64 = 1.5e-8;

/// A flow of trade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TradeLink {
    /// Place of the exporter.
    pub from: usize,
    /// Place of the importer.
    pub to: usize,
    /// Tonnes.
    pub tonnes: f64,
    /// Whether it cannot grow, because the route is closed or cut.
    pub frozen: bool,
}

/// A network before a loss. All amounts are tonnes of one basis over one span of time.
#[derive(Clone, Copy, Debug)]
pub struct CascadeStart<'a> {
    /// Output by economy.
    pub output: &'a [f64],
    /// Stocks by economy.
    pub stocks: &'a [f64],
    /// Trade. Flows within an economy are left out.
    pub links: &'a [TradeLink],
    /// What each economy loses, at least 0.
    pub losses: &'a [f64],
    /// The part of a loss, after stocks, that cuts use at once: 0 to 1.
    pub absorbed: f64,
    /// Economies that cannot export more even if they lose nothing.
    pub closed: &'a [bool],
}

/// A network after a loss.
#[derive(Clone, Debug, PartialEq)]
pub struct CascadeOutcome {
    /// Tonnes drawn from stocks, by economy, at least 0.
    pub from_stocks: Vec<f64>,
    /// Tonnes by which use falls, by economy, at least 0.
    pub short: Vec<f64>,
    /// Tonnes by which each link changes, in their order.
    pub changes: Vec<f64>,
    /// Steps that were taken.
    pub steps: usize,
    /// Losses that the last step left, in tonnes; 0 if the cascade ended.
    pub left: f64,
}

/// State of a cascade.
struct Cascade<'a> {
    start: &'a CascadeStart<'a>,
    stocks: Vec<f64>,
    supply: Vec<f64>,
    flows: Vec<f64>,
    is_short: Vec<bool>,
    outcome: CascadeOutcome,
}

/// Passes losses on until nobody loses anything more.
///
/// What stocks and use lose adds up to the losses at the start, and for each economy what it loses is its own
/// loss and the change of its trade. Places outside of the lists count as nothing.
#[must_use]
pub fn cascade(start: &CascadeStart<'_>) -> CascadeOutcome {
    let count = start.output.len();
    let mut state = Cascade::new(start);
    let mut losses: Vec<f64> = (0..count).map(|place| at(start.losses, place).max(0.0)).collect();
    while state.outcome.steps + 1 < MAX_STEPS {
        losses = state.step(&losses);
        state.outcome.steps += 1;
        if losses.iter().all(|loss| *loss <= NOTHING) {
            return state.outcome;
        }
    }
    // What is still on its way is cut from use where it has arrived, so that nothing is lost.
    for (short, loss) in state.outcome.short.iter_mut().zip(&losses) {
        *short += loss;
    }
    state.outcome.left = losses.iter().sum();
    state.outcome
}

impl<'a> Cascade<'a> {
    fn new(start: &'a CascadeStart<'a>) -> Self {
        let count = start.output.len();
        let mut supply = start.output.to_vec();
        for link in start.links {
            add(&mut supply, link.to, link.tonnes);
            add(&mut supply, link.from, -link.tonnes);
        }
        Self {
            start,
            stocks: (0..count).map(|place| at(start.stocks, place).max(0.0)).collect(),
            supply,
            flows: start.links.iter().map(|link| link.tonnes).collect(),
            is_short: (0..count).map(|place| start.closed.get(place).copied().unwrap_or(false)).collect(),
            outcome: CascadeOutcome {
                from_stocks: vec![0.0; count],
                short: vec![0.0; count],
                changes: vec![0.0; start.links.len()],
                steps: 0,
                left: 0.0,
            },
        }
    }

    /// Absorbs losses. Returns those of the next step.
    fn step(&mut self, losses: &[f64]) -> Vec<f64> {
        let after_stocks = self.draw_stocks(losses);
        let room = self.room();
        let parts = self.pass_on(&after_stocks, &room);
        // What an economy takes from its trade on purpose is no new loss of its own: it is added here, and
        // taken off again with the changes of its links.
        let mut next: Vec<f64> = parts.iter().zip(&room).map(|(part, room)| part * room).collect();
        for (place, link) in self.start.links.iter().enumerate() {
            let growth = if self.can_grow(link) { at(&parts, link.to) } else { 0.0 };
            let change = (growth - at(&parts, link.from)) * at(&self.flows, place);
            add(&mut next, link.from, change);
            add(&mut next, link.to, -change);
            add(&mut self.flows, place, change);
            add(&mut self.outcome.changes, place, change);
        }
        next.iter_mut().for_each(|loss| *loss = loss.max(0.0));
        next
    }

    fn draw_stocks(&mut self, losses: &[f64]) -> Vec<f64> {
        let mut left = Vec::with_capacity(losses.len());
        for (place, loss) in losses.iter().enumerate() {
            let drawn = loss.min(at(&self.stocks, place));
            add(&mut self.stocks, place, -drawn);
            add(&mut self.supply, place, -drawn);
            add(&mut self.outcome.from_stocks, place, drawn);
            if let (true, Some(is_short)) = (loss - drawn > 0.0, self.is_short.get_mut(place)) {
                *is_short = true;
            }
            left.push(loss - drawn);
        }
        left
    }

    /// Trade by which each economy can pass a loss on: its exports, and its imports from who can export more.
    fn room(&self) -> Vec<f64> {
        let mut room = vec![0.0; self.supply.len()];
        for (link, flow) in self.start.links.iter().zip(&self.flows) {
            add(&mut room, link.from, *flow);
            if self.can_grow(link) {
                add(&mut room, link.to, *flow);
            }
        }
        room
    }

    /// Cuts use, and returns the part of its trade by which each economy passes the rest on.
    fn pass_on(&mut self, losses: &[f64], room: &[f64]) -> Vec<f64> {
        let absorbed = self.start.absorbed;
        let mut parts = Vec::with_capacity(losses.len());
        for (place, (loss, room)) in losses.iter().zip(room).enumerate() {
            let rest = (1.0 - absorbed) * loss;
            let is_negligible = rest < NEGLIGIBLE * at(&self.supply, place);
            let passed = if is_negligible { 0.0 } else { rest.min(*room) };
            let cut = absorbed * loss + (rest - passed);
            add(&mut self.outcome.short, place, cut);
            add(&mut self.supply, place, -cut);
            parts.push(if *room > 0.0 { passed / room } else { 0.0 });
        }
        parts
    }

    fn can_grow(&self, link: &TradeLink) -> bool {
        !link.frozen && !self.is_short.get(link.from).copied().unwrap_or(true)
    }
}

fn at(values: &[f64], place: usize) -> f64 {
    values.get(place).copied().unwrap_or_default()
}

fn add(values: &mut [f64], place: usize, amount: f64) {
    if let Some(value) = values.get_mut(place) {
        *value += amount;
    }
}

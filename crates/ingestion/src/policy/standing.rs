//! Where a release stands among the datasets of its table: what it supplements, and who answers before it.
use std::cmp::Reverse;
use std::collections::BTreeMap;

use orewatch_catalog::{Consumer, DatasetKind, Period, closest, economy};
use orewatch_contracts::ingestion::v1::{Preference, Release, Table};
use orewatch_eventlog::Position;

use super::datasets::{Dataset, datasets};
use crate::evolve::Book;
use crate::tally::{Bases, EconomySet, Market, Markets, Tally, code};

/// Where a release stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// How its dataset comes about. None: nothing is known of it.
    pub(crate) kind: Option<DatasetKind>,
    /// How the dataset's newest visible release says it comes about.
    pub(crate) kind_before: Option<DatasetKind>,
    /// Of a supplement: what it supplements.
    pub(crate) base: Option<Base>,
    /// Who answers in its markets.
    pub(crate) answering: Answering,
}

/// A dataset that is supplemented.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    pub(crate) name: String,
    /// It has a visible release of the supplement's table.
    pub(crate) is_there: bool,
    /// It has visible releases of other tables.
    pub(crate) is_elsewhere: bool,
    /// The dataset that was probably meant, if it is nowhere.
    pub(crate) meant: String,
    /// What it supplements itself.
    pub(crate) supplements: String,
    /// Unit or basis in which the two differ.
    pub(crate) difference: Option<String>,
}

/// Who answers in the markets of a release: importers of trade, or markets of other tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answering {
    /// Where the release's own dataset answers.
    pub(crate) own: usize,
    /// Where others do, by dataset.
    pub(crate) others: BTreeMap<String, usize>,
}

impl Standing {
    /// Where a release with these rows stands.
    pub(crate) fn new(book: &Book, release: &Release, tally: &Tally) -> Self {
        let kind = book.kind(release);
        let known = datasets(book, &release.tenant);
        let own = known.iter().find(|known| is_own(known, release));
        let base = (kind == DatasetKind::Supplement).then(|| base(book, release, tally));
        let answering = match kind {
            DatasetKind::Supplement => Answering::default(),
            _ => Contest::new(book, &known, release, kind, own).answering(tally),
        };
        let newest = own.and_then(|own| own.releases.first()).map(|held| &*held.head.release);
        Self { kind: Some(kind), kind_before: newest.map(|newest| book.kind(newest)), base, answering }
    }
}

fn is_own(known: &Dataset<'_>, release: &Release) -> bool {
    known.name == release.dataset && known.table == release.table()
}

/// What a supplement supplements: a dataset of its tenant, or of everyone.
fn base(book: &Book, release: &Release, tally: &Tally) -> Base {
    let name = book.supplements(release);
    let mut known = datasets(book, &release.tenant);
    if !release.tenant.is_empty() {
        known.extend(datasets(book, ""));
    }
    let found = known.iter().find(|known| known.name == name && known.table == release.table());
    let meant = closest(name, known.iter().map(|known| known.name)).unwrap_or_default();
    let bases = |found: &Dataset<'_>| -> Bases {
        found.releases.iter().rev().flat_map(|held| held.kept.bases.clone()).collect()
    };
    Base {
        name: name.to_owned(),
        is_there: found.is_some(),
        is_elsewhere: known.iter().any(|known| known.name == name),
        meant: meant.to_owned(),
        supplements: found.map(|found| found.supplements.to_owned()).unwrap_or_default(),
        difference: found.and_then(|found| differing(&release.dataset, &tally.bases, name, &bases(found))),
    }
}

/// Where the units or bases of two datasets differ first.
pub(super) fn differing(one: &str, its: &Bases, other: &str, others: &Bases) -> Option<String> {
    let differs = |(topic, own): (&(String, String), &(String, String))| {
        let known = others.get(topic).filter(|known| *known != own)?;
        let (material, stage) = topic;
        let [own, known] = [own, known].map(|(unit, basis)| format!("{unit} of {basis}"));
        Some(format!("{material} {stage} is in {own} in {one}, and in {known} in {other}"))
    };
    its.iter().find_map(differs)
}

/// The datasets that could answer where a release has rows.
struct Contest<'a> {
    table: Table,
    kind: DatasetKind,
    name: &'a str,
    since: Position,
    /// Visible releases of the dataset itself.
    own: Option<&'a Dataset<'a>>,
    others: Vec<&'a Dataset<'a>>,
    preferences: Vec<&'a Preference>,
}

/// Datasets of a market in an order, by their places among the others; None is the release's own.
type Order = Vec<Option<usize>>;

impl<'a> Contest<'a> {
    fn new(
        book: &'a Book,
        known: &'a [Dataset<'a>],
        release: &'a Release,
        kind: DatasetKind,
        own: Option<&'a Dataset<'a>>,
    ) -> Self {
        let of_table = known.iter().filter(|known| known.table == release.table());
        let all = book.policy.policy.preferences.iter().filter(|_| release.tenant.is_empty());
        Self {
            table: release.table(),
            kind,
            name: &release.dataset,
            since: own.map_or(Position::MAX, |own| own.since),
            own,
            others: of_table
                .filter(|known| !is_own(known, release) && known.kind != DatasetKind::Supplement)
                .collect(),
            preferences: all.filter(|preference| preference.table() == release.table()).collect(),
        }
    }

    /// Who answers, market by market.
    fn answering(&self, tally: &Tally) -> Answering {
        let mut answering = Answering::default();
        for market in tally.markets.keys() {
            let preferences: Vec<_> =
                self.preferences.iter().copied().filter(|preference| matches(preference, market)).collect();
            let default = self.default_order(market, &tally.markets);
            match self.table {
                Table::Trade => {
                    let mut left = importers(market, &tally.markets);
                    for preference in preferences {
                        let consumers: EconomySet =
                            left.iter().filter(|who| concerns(preference, code(*who), market)).collect();
                        left = left.without(&consumers);
                        self.divide(market, consumers, &self.preferred(preference, &default), &mut answering);
                    }
                    self.divide(market, left, &default, &mut answering);
                }
                _ => {
                    let whom = market.economy().unwrap_or(&market.about);
                    let preference =
                        preferences.into_iter().find(|preference| concerns(preference, whom, market));
                    let order = preference.map(|preference| self.preferred(preference, &default));
                    self.decide(market, order.as_ref().unwrap_or(&default), &mut answering);
                }
            }
        }
        answering
    }

    /// Gives each consumer to the first dataset that covers it.
    fn divide(&self, market: &Market, consumers: EconomySet, order: &Order, answering: &mut Answering) {
        let mut left = consumers;
        for place in order {
            if left.is_empty() {
                return;
            }
            let Some(other) = place.and_then(|place| self.others.get(place)) else {
                answering.own += left.len();
                return;
            };
            let covered = other.releases.iter().fold(EconomySet::default(), |covered, held| {
                covered.or(&reported_imports(market, &held.kept.markets))
            });
            let taken = left.and(&covered);
            if !taken.is_empty() {
                *answering.others.entry(other.name.to_owned()).or_default() += taken.len();
            }
            left = left.without(&taken);
        }
    }

    /// Gives a market to the first dataset that has it.
    fn decide(&self, market: &Market, order: &Order, answering: &mut Answering) {
        let has =
            |other: &Dataset<'_>| other.releases.iter().any(|held| held.kept.markets.contains_key(market));
        let others = order.iter().map_while(|place| place.and_then(|place| self.others.get(place)));
        match others.into_iter().find(|other| has(other)) {
            Some(other) => *answering.others.entry(other.name.to_owned()).or_default() += 1,
            None => answering.own += 1,
        }
    }

    /// By kind; of two reconciled sets first the one that holds more of the market's codes; then the older.
    fn default_order(&self, market: &Market, own: &Markets) -> Order {
        let markets = |dataset: &Dataset<'a>| -> Vec<&'a Markets> {
            dataset.releases.iter().map(|held| &held.kept.markets).collect()
        };
        let rank = |kind: DatasetKind, rows: &dyn Fn() -> usize, since| {
            let codes = if kind == DatasetKind::Reconciled { rows() } else { 0 };
            (kind, Reverse(codes), since)
        };
        let before = self.own.map(markets).unwrap_or_default();
        let held = || held_codes(market, before.iter().copied().chain([own]));
        let mut order = vec![(rank(self.kind, &held, self.since), None)];
        order.extend(self.others.iter().enumerate().map(|(place, other)| {
            let held = || held_codes(market, markets(other).into_iter());
            (rank(other.kind, &held, other.since), Some(place))
        }));
        order.sort_unstable();
        order.into_iter().map(|(_, place)| place).collect()
    }

    /// The datasets that a preference names, and behind them the others.
    fn preferred(&self, preference: &Preference, default: &Order) -> Order {
        let name = |place: Option<usize>| match place {
            Some(place) => self.others.get(place).map_or("", |other| other.name),
            None => self.name,
        };
        let named = |wanted: &String| default.iter().copied().find(|place| name(*place) == wanted);
        let mut order: Order = preference.datasets.iter().filter_map(named).collect();
        order.extend(
            default
                .iter()
                .copied()
                .filter(|place| !preference.datasets.iter().any(|wanted| wanted == name(*place))),
        );
        order
    }
}

/// Product codes of a market that some rows have.
fn held_codes<'m>(market: &Market, all: impl Iterator<Item = &'m Markets>) -> usize {
    let sides = all.filter_map(|markets| markets.get(market)).flat_map(|gathered| &gathered.flows.sides);
    sides.map(crate::tally::Side::product).collect::<std::collections::BTreeSet<_>>().len()
}

/// Everyone who receives something in a market.
fn importers(market: &Market, markets: &Markets) -> EconomySet {
    let sides = markets.get(market).into_iter().flat_map(|gathered| &gathered.flows.sides);
    sides.fold(EconomySet::default(), |all, side| all.or(&side.receivers()))
}

/// Everyone whose imports are reported, by themselves or by one figure for both sides.
fn reported_imports(market: &Market, markets: &Markets) -> EconomySet {
    let sides = markets.get(market).into_iter().flat_map(|gathered| &gathered.flows.sides);
    let reported = sides.filter(|side| !side.is_by_exporter());
    reported.fold(EconomySet::default(), |all, side| all.or(&side.receivers()))
}

/// Whether a preference is about a market; restrictions have no period, and are about all of them.
fn matches(preference: &Preference, market: &Market) -> bool {
    let lists = |list: &[String], item: &str| list.is_empty() || list.iter().any(|known| known == item);
    let parse = |text: &str| text.parse::<Period>().ok();
    let within = parse(&market.period).is_none_or(|period| {
        parse(&preference.from).is_none_or(|from| from.start() <= period.start())
            && parse(&preference.until).is_none_or(|until| period.end() <= until.end())
    });
    within && lists(&preference.materials, &market.material) && lists(&preference.stages, &market.stage)
}

/// Whether a preference is about an economy in the period of a market.
fn concerns(preference: &Preference, whom: &str, market: &Market) -> bool {
    let holds = |listed: &Consumer| match (economy(whom), market.period.parse::<Period>()) {
        (Some(member), Ok(period)) => listed.contains(member, period),
        _ => listed.code() == whom,
    };
    preference.economies.is_empty()
        || preference.economies.iter().filter_map(|code| code.parse().ok()).any(|listed| holds(&listed))
}

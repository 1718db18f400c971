//! The market of a coalition: who supplies, who buys, and on what terms.

use crate::number::float;

/// Most suppliers, and most buyers.
const MAX_SIDES: usize = 64;

/// Relative room for rounding in sums of what is contracted.
const ROUNDING: f64 = 1e-9;

/// A supplier.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketSupplier {
    /// Its name, such as `AUS`.
    pub name: String,
    /// What it supplies in the year, in tonnes of one basis.
    pub supply: f64,
}

/// A buyer.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketBuyer {
    /// Its name, such as `JPN`.
    pub name: String,
    /// What it uses in the year, in tonnes of the same basis.
    pub demand: f64,
    /// Whether it is a member of the coalition.
    pub member: bool,
}

/// The terms between a supplier and a buyer. Where there are none, nothing is bought today and anything may
/// be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteTerms {
    /// Place of the supplier.
    pub supplier: usize,
    /// Place of the buyer.
    pub buyer: usize,
    /// What is bought today, in tonnes.
    pub today: f64,
    /// What is contracted for the year: it is bought whatever happens.
    pub contracted: f64,
    /// The most that can be bought; 0 for a route that is closed, infinite where nothing limits it.
    pub most: f64,
}

/// A market with a dominant supplier, checked.
///
/// ```
/// use orewatch_foresight::{MarketBuyer, CoalitionMarket, MarketSupplier};
///
/// let supplier = |name: &str, supply| MarketSupplier { name: name.to_owned(), supply };
/// let buyer = |name: &str, demand| MarketBuyer { name: name.to_owned(), demand, member: true };
/// let suppliers = vec![supplier("CHN", 80.0), supplier("AUS", 20.0)];
/// let buyers = vec![buyer("JPN", 30.0), buyer("DEU", 20.0)];
/// let market = CoalitionMarket::new(suppliers, 0, buyers, &[]).unwrap();
/// // All 20 t from elsewhere for a demand of 50 t: 60 % are left to the dominant supplier.
/// assert!((market.reach(&[0, 1]).unwrap() - 0.6).abs() < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CoalitionMarket {
    pub(super) suppliers: Vec<MarketSupplier>,
    pub(super) dominant: usize,
    pub(super) buyers: Vec<MarketBuyer>,
    /// Terms by supplier and then buyer.
    terms: Vec<Terms>,
}

/// What is bought today, contracted and possible on one route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    pub(super) today: f64,
    pub(super) contracted: f64,
    pub(super) most: f64,
}

/// A route without terms.
const OPEN: Terms = Terms { today: 0.0, contracted: 0.0, most: f64::INFINITY };

impl CoalitionMarket {
    /// A market whose dominant supplier is the one at a place.
    ///
    /// # Errors
    /// [`NoAllocation`] names the first amount that is invalid, or the constraint that nothing can satisfy.
    pub fn new(
        suppliers: Vec<MarketSupplier>,
        dominant: usize,
        buyers: Vec<MarketBuyer>,
        routes: &[RouteTerms],
    ) -> Result<Self, NoAllocation> {
        let sides = suppliers.len().max(buyers.len());
        if sides > MAX_SIDES || dominant >= suppliers.len() || !buyers.iter().any(|buyer| buyer.member) {
            return Err(NoAllocation::Sides { suppliers: suppliers.len(), buyers: buyers.len() });
        }
        let amounts = suppliers.iter().map(|supplier| (&supplier.name, supplier.supply));
        let amounts = amounts.chain(buyers.iter().map(|buyer| (&buyer.name, buyer.demand)));
        if let Some((name, amount)) = amounts.into_iter().find(|(_, amount)| !is_amount(*amount)) {
            return Err(NoAllocation::Amount { name: name.clone(), value: amount });
        }
        let terms = vec![OPEN; suppliers.len() * buyers.len()];
        let mut market = Self { suppliers, dominant, buyers, terms };
        routes.iter().try_for_each(|route| market.set(route))?;
        market.check_contracts()?;
        Ok(market)
    }

    /// The buyers.
    #[must_use]
    pub fn buyers(&self) -> &[MarketBuyer] {
        &self.buyers
    }

    /// Places of the members among the buyers.
    #[must_use]
    pub fn members(&self) -> Vec<usize> {
        let places = self.buyers.iter().enumerate();
        places.filter(|(_, buyer)| buyer.member).map(|(place, _)| place).collect()
    }

    /// The terms of a route.
    pub(super) fn terms(&self, supplier: usize, buyer: usize) -> Terms {
        self.terms.get(supplier * self.buyers.len() + buyer).copied().unwrap_or(OPEN)
    }

    /// Places of the suppliers other than the dominant one.
    pub(super) fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let dominant = self.dominant;
        (0..self.suppliers.len()).filter(move |place| *place != dominant)
    }

    /// What a buyer keeps of a supplier if it does not act: what it buys today, at least what is contracted,
    /// and no more than it needs. If the supplier has less than all would keep, contracts come first.
    pub(super) fn kept(&self, supplier: usize, buyer: usize) -> f64 {
        let wanted = |place: usize| {
            let terms = self.terms(supplier, place);
            let demand = self.buyers.get(place).map_or(0.0, |buyer| buyer.demand);
            terms.today.min(terms.most).min(demand).max(terms.contracted)
        };
        let all = || 0..self.buyers.len();
        let contracted: f64 = all().map(|place| self.terms(supplier, place).contracted).sum();
        let free: f64 = all().map(wanted).sum::<f64>() - contracted;
        let supply = self.suppliers.get(supplier).map_or(0.0, |supplier| supplier.supply);
        let left = (supply - contracted).max(0.0);
        let part = if free > left { left / free } else { 1.0 };
        let own = self.terms(supplier, buyer).contracted;
        own + (wanted(buyer) - own) * part
    }

    /// The same market with more supply from one supplier. A decrease is none.
    pub(super) fn with_more(&self, supplier: usize, tonnes: f64) -> Self {
        let mut market = self.clone();
        if let Some(supplier) = market.suppliers.get_mut(supplier) {
            supplier.supply += tonnes.max(0.0);
        }
        market
    }

    fn set(&mut self, route: &RouteTerms) -> Result<(), NoAllocation> {
        let name = |place: usize, names: &[String]| names.get(place).cloned().unwrap_or_default();
        let suppliers: Vec<String> = self.suppliers.iter().map(|supplier| supplier.name.clone()).collect();
        let buyers: Vec<String> = self.buyers.iter().map(|buyer| buyer.name.clone()).collect();
        let [supplier, buyer] = [name(route.supplier, &suppliers), name(route.buyer, &buyers)];
        let place = route.supplier.saturating_mul(self.buyers.len()).saturating_add(route.buyer);
        let terms = Terms { today: route.today, contracted: route.contracted, most: route.most };
        let amounts = [route.today, route.contracted];
        if !amounts.iter().all(|amount| is_amount(*amount)) || route.most.is_nan() {
            return Err(NoAllocation::Route { supplier, buyer });
        }
        if route.contracted > route.most {
            let RouteTerms { contracted, most, .. } = *route;
            return Err(NoAllocation::Limit { supplier, buyer, contracted, most });
        }
        match self.terms.get_mut(place).filter(|_| route.buyer < buyers.len()) {
            Some(slot) => *slot = terms,
            None => return Err(NoAllocation::Route { supplier, buyer }),
        }
        Ok(())
    }

    /// No supplier may have promised more than it has, and no buyer more than it needs.
    fn check_contracts(&self) -> Result<(), NoAllocation> {
        for (place, supplier) in self.suppliers.iter().enumerate() {
            let contracted: f64 =
                (0..self.buyers.len()).map(|buyer| self.terms(place, buyer).contracted).sum();
            if contracted > supplier.supply * (1.0 + ROUNDING) {
                let (name, supply) = (supplier.name.clone(), supplier.supply);
                return Err(NoAllocation::Promised { name, contracted, supply });
            }
        }
        for (place, buyer) in self.buyers.iter().enumerate() {
            let contracted: f64 =
                (0..self.suppliers.len()).map(|supplier| self.terms(supplier, place).contracted).sum();
            if contracted > buyer.demand * (1.0 + ROUNDING) {
                let (name, demand) = (buyer.name.clone(), buyer.demand);
                return Err(NoAllocation::Bought { name, contracted, demand });
            }
        }
        Ok(())
    }

    /// The unit in which programs compute, so that their numbers are of the order of 1.
    pub(super) fn scale(&self) -> f64 {
        let demand: f64 = self.buyers.iter().map(|buyer| buyer.demand).sum();
        if demand > 0.0 { demand / float(self.buyers.len()) } else { 1.0 }
    }
}

/// Whether a number is an amount of tonnes: the Earth weighs less than 1e22.
fn is_amount(amount: f64) -> bool {
    (0.0..=1e22).contains(&amount)
}

/// Why there is no allocation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoAllocation {
    /// Too many sides, no member, or no such dominant supplier.
    #[error(
        "{suppliers} suppliers and {buyers} buyers: at most {MAX_SIDES} of each are possible, the dominant \
         supplier must be one of them, and at least one buyer a member"
    )]
    Sides {
        /// Number of suppliers.
        suppliers: usize,
        /// Number of buyers.
        buyers: usize,
    },
    /// An amount that is none.
    #[error("the amount of {name} is {value}: give tonnes, at least 0")]
    Amount {
        /// Name of the supplier or buyer.
        name: String,
        /// The amount.
        value: f64,
    },
    /// Terms that are none, or of nobody.
    #[error("the terms from `{supplier}` to `{buyer}` are invalid: name both, and give tonnes, at least 0")]
    Route {
        /// The supplier.
        supplier: String,
        /// The buyer.
        buyer: String,
    },
    /// More is contracted on a route than it can carry.
    #[error("{buyer} has contracted {contracted} t from {supplier}, and at most {most} t are possible")]
    Limit {
        /// The supplier.
        supplier: String,
        /// The buyer.
        buyer: String,
        /// What is contracted.
        contracted: f64,
        /// The most that is possible.
        most: f64,
    },
    /// A supplier has promised more than it has.
    #[error("{name} has contracted {contracted} t of its supply of {supply} t: lower the contracts")]
    Promised {
        /// The supplier.
        name: String,
        /// What is contracted.
        contracted: f64,
        /// Its supply.
        supply: f64,
    },
    /// A buyer has contracted more than it needs.
    #[error("{name} has contracted {contracted} t for a demand of {demand} t: lower the contracts")]
    Bought {
        /// The buyer.
        name: String,
        /// What is contracted.
        contracted: f64,
        /// Its demand.
        demand: f64,
    },
    /// There are more members than their values can be computed for.
    #[error("{members} members are more than {most}: put some of them together")]
    Members {
        /// Number of members.
        members: usize,
        /// The most that is possible.
        most: usize,
    },
    /// The solver found no solution, though every constraint was checked: a defect.
    #[error("the linear program of {what} was not solved: {reason}")]
    Unsolved {
        /// What was to be computed.
        what: &'static str,
        /// What the solver says.
        reason: String,
    },
}

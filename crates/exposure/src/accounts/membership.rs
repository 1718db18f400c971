//! Which economies belong to a consumer in a market's period.

use orewatch_catalog::{Bloc, Consumer, Period, economies};

use crate::book::EconomyId;

/// A bloc with its members in a period.
#[derive(Clone, Debug)]
pub(super) struct BlocMembers {
    bloc: &'static Bloc,
    /// By index of the economy.
    is_member: Vec<bool>,
}

impl BlocMembers {
    pub(super) fn new(bloc: &'static Bloc, period: Period) -> Self {
        let mut is_member = vec![false; economies().len()];
        for member in bloc.members(period) {
            let economy = EconomyId::from_code(member.iso3);
            if let Some(flag) = economy.and_then(|economy| is_member.get_mut(economy.index())) {
                *flag = true;
            }
        }
        Self { bloc, is_member }
    }

    /// Whether these are the members of a bloc.
    pub(super) fn is_of(&self, bloc: &Bloc) -> bool {
        self.bloc.code == bloc.code
    }

    pub(super) fn contain(&self, economy: EconomyId) -> bool {
        self.is_member.get(economy.index()).copied().unwrap_or(false)
    }

    pub(super) fn consumer(&self) -> Consumer {
        Consumer::Bloc(self.bloc)
    }
}

/// The economies of a consumer.
#[derive(Clone, Copy)]
pub(super) enum Membership<'a> {
    World,
    /// The consumer is not in the catalogue.
    Nobody,
    Economy(EconomyId),
    Bloc(&'a BlocMembers),
}

impl Membership<'_> {
    pub(super) fn contains(&self, economy: EconomyId) -> bool {
        match self {
            Self::World => true,
            Self::Nobody => false,
            Self::Economy(own) => economy == *own,
            Self::Bloc(members) => members.contain(economy),
        }
    }

    /// Whether a flow enters the consumer from outside. The world has no outside: every flow counts.
    pub(super) fn is_entered_by(&self, into: EconomyId, from: EconomyId) -> bool {
        matches!(self, Self::World) || self.contains(into) && !self.contains(from)
    }
}

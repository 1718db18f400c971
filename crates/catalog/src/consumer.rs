//! Consumers: the world, blocs and economies whose dependence figures describe.

use std::fmt;
use std::str::FromStr;

use crate::bloc::{Bloc, blocs};
use crate::code::{CodeKind, UnknownCode};
use crate::economy::{Economy, Scheme, WORLD, resolve_economy};
use crate::period::Period;

/// The world, a bloc or a single economy.
///
/// Parsed from and displayed as its code: `WLD`, the code of a bloc (`G7`), or an alpha-3 code (`JPN`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consumer {
    /// Every economy.
    World,
    /// The members of a bloc as a whole.
    Bloc(&'static Bloc),
    /// One economy.
    Economy(&'static Economy),
}

impl Consumer {
    /// The code: letters, digits and hyphens only.
    pub fn code(&self) -> &'static str {
        match self {
            Consumer::World => WORLD,
            Consumer::Bloc(bloc) => bloc.code,
            Consumer::Economy(economy) => economy.iso3,
        }
    }

    /// The English name.
    pub fn name(&self) -> &'static str {
        match self {
            Consumer::World => "World",
            Consumer::Bloc(bloc) => bloc.name,
            Consumer::Economy(economy) => economy.name,
        }
    }

    /// Whether `economy` is part of the consumer in `period`. The members of a bloc are those on the last day
    /// of the period.
    pub fn contains(&self, economy: &Economy, period: Period) -> bool {
        match self {
            Consumer::World => true,
            Consumer::Bloc(bloc) => bloc.contains(economy, period),
            Consumer::Economy(one) => one.iso3 == economy.iso3,
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Consumer {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let code = text.trim();
        if code == WORLD {
            return Ok(Consumer::World);
        }
        if let Some(bloc) = blocs().iter().find(|bloc| bloc.code == code) {
            return Ok(Consumer::Bloc(bloc));
        }
        resolve_economy(Scheme::Iso3, code)
            .map(Consumer::Economy)
            .map_err(|error| unknown_consumer(code, error))
    }
}

/// Creates the error for `code`. Suggests a bloc that differs only in case, the world if it has another name,
/// or what the table of economies suggests.
fn unknown_consumer(code: &str, error: UnknownCode) -> UnknownCode {
    let bloc = blocs().iter().find(|bloc| bloc.code.eq_ignore_ascii_case(code)).map(|bloc| bloc.label());
    let world = error.aggregate.then(|| format!("{WORLD} (World) or a bloc such as EU27"));
    UnknownCode::new(CodeKind::Consumer, code, bloc.or(world).or(error.suggestion))
}

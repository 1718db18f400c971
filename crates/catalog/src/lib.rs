//! The catalogue: static tables of economies and blocs, materials and stages, units and bases, product codes,
//! parameters of methods and kinds of export restriction; periods; and the reference figures that ship with
//! the program.
//!
//! Everything here is pure and static. A lookup either finds the entry of a table or returns an
//! [`UnknownCode`] with a suggestion. It never guesses.
//!
//! ```
//! use orewatch_catalog::{Consumer, Period, Scheme, resolve_economy};
//!
//! assert_eq!(resolve_economy(Scheme::Numeric, "842").unwrap().iso3, "USA");
//! let error = resolve_economy(Scheme::Iso3, "ZAR").unwrap_err();
//! assert_eq!(error.to_string(), "unknown economy `ZAR`: did you mean COD (Congo, Democratic Republic)?");
//!
//! let consumer: Consumer = "G7".parse().unwrap();
//! let year: Period = "2024".parse().unwrap();
//! assert!(consumer.contains(resolve_economy(Scheme::Iso3, "JPN").unwrap(), year));
//! ```

mod bloc;
mod code;
mod consumer;
mod dataset;
mod economy;
mod hs;
mod licence;
mod list;
mod material;
mod names;
mod nomenclature;
pub mod parameter;
mod period;
pub mod reference;
mod residual;
pub mod restriction;
mod stage;
mod unit;

pub use bloc::{Bloc, Membership, bloc, blocs};
pub use code::{CodeKind, MAX_MISSPELT, UnknownCode, closest, closest_above};
pub use consumer::Consumer;
pub use dataset::{DatasetKind, is_base_of_outlook};
pub use economy::{
    Economy, OTHER, Scheme, WORLD, comtrade_number, economies, economy, look_up_economy, resolve_economy,
};
pub use hs::{HsCode, HsMatch, HsRevision, concordance, hs_codes, hs_product};
pub use licence::{Licence, PassingOn, licence, licences, passing_on};
pub use list::{Confirmation, CriticalList, ListedMaterial, critical_list, critical_lists, listed_materials};
pub use material::{Listing, Material, material, materials};
pub use names::{resolve_consumer, resolve_material, resolve_stage, resolve_supplier};
pub use nomenclature::{CnCode, Nomenclature, ProductMeaning, cn_codes, product_name};
pub use parameter::{Parameter, parameter, parameters};
pub use period::{Period, PeriodError};
pub use residual::{ResidualKind, residual_by_number, residual_kind, residual_kinds, resolve_residual};
pub use restriction::{Restriction, Severity, restriction, restrictions};
pub use stage::Stage;
pub use unit::{Basis, BasisMismatch, Unit};

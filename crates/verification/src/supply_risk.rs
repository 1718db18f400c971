//! Supply risk of the EU's criticality assessment of 2023, by stage.

use orewatch_catalog::OTHER;
use orewatch_measures::{
    Amount, Estimate, GovernedSupply, Measure, Risk, Sourcing, Status, SupplyRisk, SupplyUsed,
    trade_parameter,
};

use crate::case::Claim;
use crate::governance;
use crate::table::{BadTable, Row, Table};
use crate::{Case, Published};

/// The source prints one decimal, computed from shares that it prints in whole percent.
const TOLERANCE: f64 = 0.15;

/// The years of the assessment.
const YEARS: [&str; 5] = ["2016", "2017", "2018", "2019", "2020"];

const NO_SOURCING: &str = "the shares of the EU's sourcing are not held here";
const NO_RELIANCE: &str = "the import reliance of the EU is not held here";
const NO_PARAMETER: &str = "the study's parameters do not have it";

/// Every case of the table.
pub(crate) fn cases() -> Result<Vec<Case>, BadTable> {
    let table = Table::read("eu-supply-risk.csv", include_str!("../data/eu-supply-risk.csv"))?;
    let inputs = Inputs {
        shares: Table::read("eu-supply-shares.csv", include_str!("../data/eu-supply-shares.csv"))?,
        parameters: Table::reference("parameters-eu-crm-2023.csv.gz")?,
        indicators: governance::indicators()?,
    };
    table.rows().map(|row| inputs.case(&table, &row)).collect()
}

/// The tables of inputs.
struct Inputs {
    shares: Table,
    parameters: Table,
    indicators: Table,
}

impl Inputs {
    fn case(&self, table: &Table, row: &Row<'_>) -> Result<Case, BadTable> {
        let (material, stage, published) =
            (row.text("material"), row.text("stage"), row.number("published")?);
        let claim = Claim {
            measure: Measure::EuSupplyRisk,
            term: "",
            case: format!("{material}, {stage}, EU27, 2016 to 2020"),
            unit: "index",
            tolerance: TOLERANCE,
            source: table.source(),
        };
        let ours = self.risk(row)?.estimate();
        Ok(claim.compare(Published::number(row.text("published"), published), ours, row.text("reason")))
    }

    fn risk(&self, row: &Row<'_>) -> Result<SupplyRisk, BadTable> {
        let (material, stage) = (row.text("material"), row.text("stage"));
        let parameters = parent(material);
        Ok(SupplyRisk {
            global: self.global(material, stage)?,
            sourcing: Estimate::missing(Status::Unavailable, NO_SOURCING),
            reliance: Estimate::missing(Status::Unavailable, NO_RELIANCE),
            recycling: self.parameter("eol-rir", parameters)?,
            substitution: self.substitution(row)?,
            used: self.used(material, stage)?,
        })
    }

    /// Governance-weighted concentration of the world's supply. UNAVAILABLE without published shares.
    fn global(&self, material: &str, stage: &str) -> Result<Estimate, BadTable> {
        let rows =
            self.shares.rows().filter(|row| row.text("material") == material && row.text("stage") == stage);
        let (mut named, mut residual) = (Vec::new(), Amount::NOTHING);
        for row in rows {
            match row.text("economy") {
                OTHER => residual = row.amount("amount")?,
                economy => named.push((economy, row.amount("amount")?)),
            }
        }
        if named.is_empty() {
            return Ok(Estimate::missing(Status::Unavailable, NO_SOURCING));
        }
        let risk = |economy| Risk {
            governance: governance::governance_of(&self.indicators, economy, &YEARS),
            trade: trade_parameter(self.trade(material, stage, economy), false),
        };
        Ok(GovernedSupply::new(Sourcing::new(named, residual), risk).hhi())
    }

    /// Trade parameter towards the world.
    fn trade(&self, material: &str, stage: &str, supplier: &str) -> Option<f64> {
        let is_wanted = |row: &Row<'_>| {
            let has = |column, text| row.text(column) == text;
            has("parameter", "trade-parameter")
                && has("material", material)
                && has("stage", stage)
                && has("partner", supplier)
                && has("economy", "")
        };
        self.parameters.rows().find(is_wanted).and_then(|row| row.number("value").ok())
    }

    fn parameter(&self, name: &str, material: &str) -> Result<Estimate, BadTable> {
        let found = self
            .parameters
            .rows()
            .find(|row| row.text("parameter") == name && row.text("material") == material);
        let missing = Estimate::missing(Status::Unavailable, NO_PARAMETER);
        found.map_or(Ok(missing), |row| row.number("value").map(Estimate::known))
    }

    /// The substitution index of the study, or the bounds that the row of the case gives instead.
    fn substitution(&self, row: &Row<'_>) -> Result<Estimate, BadTable> {
        if row.text("substitution_low").is_empty() {
            return self.parameter("substitution-supply-risk", row.text("material"));
        }
        let (low, high) = (row.number("substitution_low")?, row.number("substitution_high")?);
        Ok(Estimate { low: Some(low), high: Some(high), ..Estimate::missing(Status::Partial, NO_PARAMETER) })
    }

    /// Which supply the study uses. Dysprosium is not in the table: at this stage the study uses only the
    /// world's supply.
    fn used(&self, material: &str, stage: &str) -> Result<SupplyUsed, BadTable> {
        let is_wanted = |row: &Row<'_>| {
            row.text("parameter") == "supply-used"
                && row.text("material") == material
                && row.text("stage") == stage
        };
        let Some(row) = self.parameters.rows().find(is_wanted) else { return Ok(SupplyUsed::Global) };
        row.text("item").parse().map_err(|what: String| row.bad(&what))
    }
}

/// The material whose parameters apply: those of rare earths as a group for a single rare earth.
fn parent(material: &str) -> &str {
    if material == "dysprosium" { "rare-earths" } else { material }
}

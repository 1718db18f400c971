//! Targets and claims by identifier: a release restates those whose identifiers it has.
use orewatch_contracts::ingestion::v1::{ClaimRows, TargetRows};

use super::{Entry, Market, Tally, hash};

impl Tally {
    pub(super) fn add_targets(&mut self, targets: &TargetRows) {
        for row in &targets.rows {
            self.add_statement(&row.id, &row.announced);
        }
    }

    pub(super) fn add_claims(&mut self, claims: &ClaimRows) {
        for row in &claims.rows {
            self.add_statement(&row.id, &row.date);
        }
    }

    fn add_statement(&mut self, id: &str, day: &str) {
        let [period, material, stage] = [const { String::new() }; 3];
        let market = Market { period, about: id.to_owned(), material, stage };
        self.markets.entry(market).or_default().entries.push(Entry { key: hash([id]), amount: 0.0 });
        self.extend_span(day.get(..4).unwrap_or(day));
        self.rows += 1;
    }
}

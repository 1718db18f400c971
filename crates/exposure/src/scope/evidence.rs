//! The rows behind a consumer's trade and output.

use std::collections::BTreeSet;

use orewatch_catalog::Consumer;

use super::{Cited, CitedRow, PURITY, ParameterQuery, Scope};
use crate::book::{Flow, Output, ProjectedSide, ReleaseContent, ResidualFlow};

impl<'a> Scope<'a> {
    /// The rows of a consumer's imports, in the release's order, then the purities of their product codes.
    #[must_use]
    pub fn imports_cited(&self, consumer: Consumer) -> Vec<Cited<'a>> {
        let mut cited = self.flows_cited(self.accounts().import_rows(consumer).collect());
        cited.extend(self.residuals_cited(self.accounts().unknown_rows(consumer, true)));
        cited
    }

    /// The rows of a consumer's exports, in the release's order, then the purities of their product codes.
    #[must_use]
    pub fn exports_cited(&self, consumer: Consumer) -> Vec<Cited<'a>> {
        let mut cited = self.flows_cited(self.accounts().export_rows(consumer).collect());
        cited.extend(self.residuals_cited(self.accounts().unknown_rows(consumer, false)));
        cited
    }

    /// The rows of trade between the members of a bloc, in the release's order, then the purities of their
    /// product codes. The world has none: all its trade counts as imports.
    #[must_use]
    pub fn inner_cited(&self, consumer: Consumer) -> Vec<Cited<'a>> {
        let inside = self.accounts().inside(consumer);
        let rows = self.accounts().flows();
        let inner = |row: &&Flow| consumer != Consumer::World && inside(row.importer) && inside(row.exporter);
        self.flows_cited(rows.iter().filter(inner).collect())
    }

    /// The rows of a consumer's output, in the release's order, and the residual, a part of which may be its
    /// own. If the residual follows from a printed total, the row of the total is the last.
    #[must_use]
    pub fn output_cited(&self, consumer: Consumer) -> Vec<Cited<'a>> {
        let (accounts, period) = (self.accounts(), self.market().period);
        let Some(produced) = &accounts.view().output else { return Vec::new() };
        if self.book().scenario().is_some() {
            let releases = produced.rows.iter().filter_map(|row| produced.content(row));
            return self.projections_cited(ProjectedSide::Supply, releases);
        }
        let insiders = accounts.inside(consumer);
        let inside = |output: &&Output| output.economy.is_none_or(&insiders);
        let cited = |row: &Output| {
            let content = produced.content(row)?;
            Some(Cited { content, row: CitedRow::Output(period, *row) })
        };
        let total = produced.deciding_total().and_then(|row| {
            let content = produced.content(row)?;
            Some(Cited { content, row: CitedRow::WorldTotal(period, *row) })
        });
        produced.rows.iter().filter(inside).filter_map(cited).chain(total).collect()
    }

    /// The rows of projected demand, as they were published. Empty in a book of observations.
    #[must_use]
    pub fn projected_demand_cited(&self) -> Vec<Cited<'a>> {
        let found = self.book().projected_demand(self.market(), self.knowledge());
        let content = found.and_then(|(release, _)| self.cache.content(release));
        self.projections_cited(ProjectedSide::Demand, content.into_iter())
    }

    /// The rows of a side of the market under the scenario, as they were published: a printed total and a
    /// printed residual are evidence, too.
    fn projections_cited(
        &self,
        side: ProjectedSide,
        releases: impl Iterator<Item = &'a ReleaseContent>,
    ) -> Vec<Cited<'a>> {
        let Some(name) = self.book().scenario() else { return Vec::new() };
        let scenario = if side == ProjectedSide::Supply { &name.supply } else { &name.demand };
        let (mut cited, mut seen) = (Vec::new(), BTreeSet::new());
        for content in releases.filter(|content| seen.insert(content.release.id.as_str())) {
            let rows = content.published_projections(scenario, side, self.market());
            let period = self.market().period;
            cited.extend(rows.map(|row| Cited { content, row: CitedRow::Projection(period, row) }));
        }
        cited
    }

    /// The rows of flows as evidence, then the purities of their product codes.
    pub(crate) fn flows_cited(&self, rows: Vec<&Flow>) -> Vec<Cited<'a>> {
        let Some(market) = self.accounts().rows() else { return Vec::new() };
        let period = self.market().period;
        let products: BTreeSet<_> = rows.iter().map(|flow| flow.product).collect();
        let purity =
            |product| self.parameters().value(ParameterQuery::named(PURITY).item(market.code(product))).cited;
        let cited = |row: &Flow| {
            let (content, row) = market.cite(row)?;
            Some(Cited { content, row: CitedRow::Flow(period, row) })
        };
        rows.into_iter().filter_map(cited).chain(products.into_iter().filter_map(purity)).collect()
    }

    fn residuals_cited(&self, rows: Vec<&ResidualFlow>) -> Vec<Cited<'a>> {
        let Some(market) = self.accounts().rows() else { return Vec::new() };
        let period = self.market().period;
        let cited = |row: &ResidualFlow| {
            let (content, row) = market.cite_residual(row)?;
            Some(Cited { content, row: CitedRow::Residual(period, row) })
        };
        rows.into_iter().filter_map(cited).collect()
    }
}

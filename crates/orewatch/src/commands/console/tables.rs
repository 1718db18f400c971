//! The rows of the console: those of the command line.
use orewatch_console::{Fixed, Table, Tables};
use orewatch_contracts::exposure::v1::{TargetProgress, TargetStanding};
use orewatch_contracts::ingestion::v1::Release;
use orewatch_measures::{Method, methods};
use orewatch_query::Cell;
use orewatch_query::files::{ColumnKind, Heading};

use crate::render::{Row, fields, records};
use crate::view::{Citation, TargetBasis};

/// How everything that the console lists becomes rows.
pub(super) fn tables() -> Tables {
    Tables {
        exposures: table(),
        source_rows: table(),
        targets: Table { headings: target_headings, make_rows: target_rows },
        claims: table(),
        alerts: table(),
        rules: table(),
        silences: table(),
        deliveries: table(),
        releases: table(),
        sources: table(),
        measures: Fixed { headings: measure_headings, make_rows: measure_rows },
        cite,
    }
}

fn table<R: Row + Default>() -> Table<R> {
    Table { headings: headings::<R>, make_rows: rows::<R> }
}

fn headings<R: Row + Default>() -> Vec<Heading> {
    headings_of(&R::default())
}

/// The columns that programs see, with the kinds of their values. A column has values of one kind, whether a
/// row has one or not.
fn headings_of<R: Row>(sample: &R) -> Vec<Heading> {
    let fields = fields(sample).into_iter();
    fields.map(|(name, cell)| Heading { name, kind: ColumnKind::of(&cell) }).collect()
}

fn rows<R: Row>(entries: &[R], places: &[usize]) -> Vec<Vec<Cell>> {
    records(entries, places)
}

fn target_headings() -> Vec<Heading> {
    let (standing, progress) = (TargetStanding::default(), TargetProgress::default());
    headings_of(&TargetBasis { standing: &standing, progress: &progress })
}

fn target_rows(standings: &[TargetStanding], places: &[usize]) -> Vec<Vec<Cell>> {
    let bases: Vec<TargetBasis<'_>> = standings
        .iter()
        .flat_map(|standing| standing.progress.iter().map(move |progress| TargetBasis { standing, progress }))
        .collect();
    records(&bases, places)
}

fn measure_headings() -> Vec<Heading> {
    methods().next().map(headings_of).unwrap_or_default()
}

fn measure_rows(places: &[usize]) -> Vec<Vec<Cell>> {
    let all: Vec<&'static Method> = methods().collect();
    records(all, places)
}

fn cite(release: &Release) -> String {
    Citation::of_release(release.clone()).sentence()
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::alerting::v1::{
        Alert, Condition, Delivery, Notification, Rule, RuleCost, RuleInfo, RuleSuspension, Selector,
        Silence, SilenceInfo,
    };
    use orewatch_contracts::common::v1::Estimate;
    use orewatch_contracts::exposure::v1::{
        CheckedClaim, Exposure, MarketSize, SourceRow, SourceSpread, Subject, Trend,
    };
    use orewatch_contracts::ingestion::v1::{ClaimRow, Provenance, RankedDataset, ReleaseInfo, Report};

    use super::*;

    const TIME: Option<prost_types::Timestamp> = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });

    fn estimate() -> Option<Estimate> {
        Some(Estimate {
            value: Some(0.5),
            low: Some(0.4),
            high: Some(0.6),
            coverage: Some(1.0),
            ..Estimate::default()
        })
    }

    /// The kinds of the columns are those of rows with values.
    fn check<R: Row + Default>(filled: &R) {
        let (empty, full) = (headings::<R>(), headings_of(filled));
        assert_eq!(empty, full);
        assert!(empty.len() > 3, "{empty:?}");
    }

    #[test]
    fn a_column_has_values_of_one_kind() {
        let subject = Some(Subject { consumer: "DEU".to_owned(), ..Subject::default() });
        let size = Some(MarketSize { quantity_t: Some(1.0), value_kusd: Some(1.0) });
        check(&Exposure {
            subject: subject.clone(),
            estimate: estimate(),
            trend: Some(Trend { change: estimate(), mean3: estimate(), mean5: estimate() }),
            spread: Some(SourceSpread {
                sources: 2,
                lowest: Some(0.1),
                highest: Some(0.9),
                ..SourceSpread::default()
            }),
            revision: Some(0.1),
            revision_p90: Some(0.2),
            size,
            ..Exposure::default()
        });
        check(&Alert {
            subject,
            estimate: estimate(),
            margin: Some(0.1),
            clear: Some(0.2),
            size,
            ..Alert::default()
        });
        let rule = Rule {
            select: Some(Selector::default()),
            when: Some(Condition { clear: Some(0.1), ..Condition::default() }),
            min_quantity: Some(1.0),
            min_value: Some(1.0),
            ..Rule::default()
        };
        check(&RuleInfo {
            rule: Some(rule),
            put_at: TIME,
            cost: Some(RuleCost::default()),
            suspension: Some(RuleSuspension { time: TIME, ..RuleSuspension::default() }),
            ..RuleInfo::default()
        });
        let release = Release { provenance: Some(Provenance::default()), ..Release::default() };
        check(&ReleaseInfo {
            release: Some(release),
            report: Some(Report::default()),
            opened_at: TIME,
            closed_at: TIME,
            committed_position: Some(7),
            ..ReleaseInfo::default()
        });
        let message = Notification { planned_at: TIME, ..Notification::default() };
        check(&Delivery { notification: Some(message), next_at: TIME, ..Delivery::default() });
        check(&SilenceInfo { silence: Some(Silence::default()), ..SilenceInfo::default() });
        check(&CheckedClaim { claim: Some(ClaimRow::default()), ..CheckedClaim::default() });
        check(&SourceRow {
            quantity: Some(1.0),
            value: Some(1.0),
            figure: Some(1.0),
            ..SourceRow::default()
        });
        check(&RankedDataset { rank: 1, ..RankedDataset::default() });
    }

    #[test]
    fn rows_have_the_columns_that_were_asked_for() {
        let exposure = Exposure { period: "2024".to_owned(), ..Exposure::default() };
        let headings = headings::<Exposure>();
        let place = |name: &str| headings.iter().position(|heading| heading.name == name).unwrap();
        let rows = rows(&[exposure], &[place("unit"), place("period")]);
        assert_eq!(rows, [[Cell::text(""), Cell::text("2024")]]);
        let standing = TargetStanding {
            progress: vec![TargetProgress::default(), TargetProgress::default()],
            ..TargetStanding::default()
        };
        assert_eq!(target_rows(&[standing], &[0]).len(), 2, "a row for each basis");
        assert_eq!(measure_rows(&[0]).len(), methods().len());
        assert_eq!(measure_headings().len(), headings_of(methods().next().unwrap()).len());
    }
}

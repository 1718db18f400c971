//! Finds the figures of a list that come from other datasets than those of the period before. The world may
//! not have changed there.
use std::collections::BTreeMap;

use orewatch_contracts::exposure::v1::Exposure;

/// Marks a figure from other datasets than that of the period before.
pub(crate) const MARK: &str = "†";

/// A figure without its period, and whether it is of a month: years and months are different series.
type SeriesKey = (String, bool);

/// Where the datasets of series change: the datasets before and after, by figure.
#[derive(Debug, Default)]
pub(crate) struct SourceChanges(BTreeMap<(SeriesKey, String), (String, String)>);

impl SourceChanges {
    /// Compares each figure of a list with that of the period before in the same list.
    pub(crate) fn find(exposures: &[Exposure]) -> Self {
        let mut series = BTreeMap::<SeriesKey, BTreeMap<&str, String>>::new();
        for exposure in exposures.iter().filter(|exposure| !exposure.datasets.is_empty()) {
            let periods = series.entry(series_key(exposure)).or_default();
            periods.insert(&exposure.period, exposure.datasets.join(", "));
        }
        let mut changes = BTreeMap::new();
        for (key, periods) in series {
            let pairs = periods.values().zip(periods.iter().skip(1));
            for (before, (period, after)) in pairs.filter(|(before, (_, after))| before != after) {
                changes.insert((key.clone(), (*period).to_owned()), (before.clone(), after.clone()));
            }
        }
        Self(changes)
    }

    /// The mark of a figure: empty if it comes from the same datasets as that of the period before.
    pub(crate) fn mark(&self, exposure: &Exposure) -> &'static str {
        let key = (series_key(exposure), exposure.period.clone());
        if self.0.contains_key(&key) { MARK } else { "" }
    }

    /// What the marks mean, with the datasets of each marked period. Empty without marks.
    pub(crate) fn note(&self) -> String {
        let mut periods: Vec<String> = Vec::new();
        for ((_, period), (before, after)) in &self.0 {
            let change = format!("{period}: {after}, before {before}");
            if !periods.contains(&change) {
                periods.push(change);
            }
        }
        if periods.is_empty() {
            return String::new();
        }
        format!("{MARK} from another dataset than the period before ({})\n", periods.join("; "))
    }
}

fn series_key(exposure: &Exposure) -> SeriesKey {
    let subject = exposure.subject.clone().unwrap_or_default();
    let by = subject.by.to_string();
    let parts = [subject.consumer, subject.material, subject.stage, subject.supplier, subject.measure, by];
    (parts.join("/"), exposure.period.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orewatch_contracts::exposure::v1::Subject;

    fn figure(consumer: &str, period: &str, datasets: &[&str]) -> Exposure {
        Exposure {
            subject: Some(Subject { consumer: consumer.to_owned(), ..Subject::default() }),
            period: period.to_owned(),
            datasets: datasets.iter().map(|dataset| (*dataset).to_owned()).collect(),
            ..Exposure::default()
        }
    }

    #[test]
    fn only_the_first_figure_of_another_source_is_marked() {
        let rows = [
            figure("WLD", "2023", &["usgs-mcs"]),
            figure("WLD", "2024", &["iea-cm"]),
            figure("WLD", "2025", &["usgs-mcs"]),
            figure("WLD", "2026", &["usgs-mcs"]),
            figure("WLD", "2024-01", &["hmrc"]),
            figure("JPN", "2024", &["baci"]),
        ];
        let found = SourceChanges::find(&rows);
        assert_eq!(rows.each_ref().map(|row| found.mark(row)), ["", MARK, MARK, "", "", ""]);
        assert_eq!(
            found.note(),
            "† from another dataset than the period before (2024: iea-cm, before usgs-mcs; 2025: usgs-mcs, \
             before iea-cm)\n"
        );
        assert_eq!(SourceChanges::find(&rows[2..]).note(), "");
    }
}

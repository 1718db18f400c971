//! The text format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
use std::fmt::Write as _;

use super::definition::{Kind, Label};
use super::family::{Distribution, Series};
use super::{Gathered, float};

/// Media type of the format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics as one page.
pub(super) fn page(gathered: &[Gathered]) -> String {
    let mut page = String::new();
    for Gathered { metric, series } in gathered {
        line(&mut page, format_args!("# HELP {} {}", metric.name, escape(metric.help(), false)));
        line(&mut page, format_args!("# TYPE {} {}", metric.name, metric.kind.type_name()));
        for (values, series) in series {
            let labels = pairs(metric.labels, values);
            match series {
                Series::Total(total) => sample(&mut page, metric.name, &labels, &total.to_string()),
                Series::Value(value) => sample(&mut page, metric.name, &labels, &number(*value)),
                Series::Distribution(distribution) => {
                    if let Kind::Histogram(bounds) = metric.kind {
                        histogram(&mut page, metric.name, &labels, bounds, distribution);
                    }
                }
            }
        }
    }
    page
}

/// The samples of a histogram: buckets that contain those below them, the sum and the count.
fn histogram(page: &mut String, name: &str, labels: &str, bounds: &[f64], observed: &Distribution) {
    let bucket = format!("{name}_bucket");
    let within = |bound: &str| {
        let comma = if labels.is_empty() { "" } else { "," };
        format!("{labels}{comma}le=\"{bound}\"")
    };
    let mut sum = 0_u64;
    for (bound, count) in bounds.iter().zip(&observed.counts) {
        sum = sum.saturating_add(*count);
        sample(page, &bucket, &within(&number(*bound)), &sum.to_string());
    }
    let count = observed.count();
    sample(page, &bucket, &within("+Inf"), &count.to_string());
    sample(page, &format!("{name}_sum"), labels, &number(observed.sum));
    sample(page, &format!("{name}_count"), labels, &number(float(count)));
}

fn sample(page: &mut String, name: &str, labels: &str, value: &str) {
    if labels.is_empty() {
        line(page, format_args!("{name} {value}"));
    } else {
        line(page, format_args!("{name}{{{labels}}} {value}"));
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _written = writeln!(page, "{text}");
}

/// Labels with their values, without braces.
fn pairs(labels: &[Label], values: &[String]) -> String {
    let pair = |(label, value): (&Label, &String)| format!("{}=\"{}\"", label.name, escape(value, true));
    labels.iter().zip(values).map(pair).collect::<Vec<_>>().join(",")
}

fn escape(text: &str, quotes: bool) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { escaped.replace('"', "\\\"") } else { escaped }
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_labels_are_escaped() {
        assert_eq!(escape("a\\b\n\"c\"", true), "a\\\\b\\n\\\"c\\\"");
        assert_eq!(escape("a\\b\n\"c\"", false), "a\\\\b\\n\"c\"");
        assert_eq!([0.5, 3.0, f64::INFINITY, f64::NAN].map(number), ["0.5", "3", "+Inf", "NaN"]);
    }

    #[test]
    fn buckets_contain_those_below_them() {
        let mut page = String::new();
        let observed = Distribution { counts: vec![1, 0, 2, 4], sum: 9.5 };
        histogram(&mut page, "x", "a=\"b\"", &[0.1, 1.0, 5.0], &observed);
        let expected = "x_bucket{a=\"b\",le=\"0.1\"} 1\nx_bucket{a=\"b\",le=\"1\"} 1\n\
            x_bucket{a=\"b\",le=\"5\"} 3\nx_bucket{a=\"b\",le=\"+Inf\"} 7\nx_sum{a=\"b\"} 9.5\n\
            x_count{a=\"b\"} 7\n";
        assert_eq!(page, expected);
    }
}

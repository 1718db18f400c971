//! Finds dates in a text and works out the days that they mean, from the day of publication.
//!
//! A date without a year is the last such day up to the publication, unless it is a deadline, which lies
//! ahead, or a day from which something is in force, which may lie on either side: then the nearest counts,
//! or the next one where the sentence speaks of the future.
//! Relative dates without a day of publication mean no day.

use jiff::civil::Date;
use regex::Captures;

use crate::rules::Rules;
use crate::span::{Span, Taken, text_after, text_before};
use crate::value::Days;

/// What the words beside a date say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// First day in force.
    From,
    /// First day in force, in the past.
    Since,
    /// Last day.
    Until,
    /// By then: a deadline of what is promised, the beginning of what is forbidden.
    By,
}

/// A date in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDate {
    pub(crate) span: Span,
    /// The days that it means.
    pub(crate) days: Days,
    pub(crate) when: Option<When>,
    /// Whether it may say what period a figure is of: a year, month or day that is named.
    pub(crate) may_be_period: bool,
    pub(crate) rule: &'static str,
}

/// The parts of a date as it is written.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    /// 1 for Monday.
    weekday: Option<i8>,
}

/// What a pattern found.
struct Hit {
    /// Everything that the pattern matched.
    whole: Span,
    /// The date alone.
    span: Span,
    form: &'static str,
    rule: &'static str,
    parts: Parts,
}

/// What the meaning of a date depends on beside its own words.
#[derive(Clone, Copy)]
struct Frame {
    published: Option<Date>,
    /// The date in front of it.
    previous: Option<Days>,
    when: Option<When>,
    /// Whether the sentence speaks of what will be.
    is_ahead: bool,
}

/// Finds all dates that mean a day, in the order of the text.
pub(crate) fn find_dates(text: &str, rules: &Rules, published: Option<Date>) -> Vec<FoundDate> {
    let mut found = Vec::new();
    let mut previous = None;
    for hit in find_hits(text, rules) {
        let when = when(text, &hit, rules);
        let is_ahead = when == Some(When::From) && speaks_of_future(text, &hit, rules);
        let frame = Frame { published, previous, when, is_ahead };
        let Some(days) = meaning(hit.form, hit.parts, frame) else { continue };
        previous = Some(days);
        let may_be_period = matches!(hit.form, "year" | "last-year" | "day" | "month");
        found.push(FoundDate { span: hit.span, days, when, may_be_period, rule: hit.rule });
    }
    found
}

/// The longest matches that do not overlap, in the order of the text.
fn find_hits(text: &str, rules: &Rules) -> Vec<Hit> {
    let mut hits = Vec::new();
    for pattern in rules.patterns("date") {
        for captures in pattern.regex.captures_iter(text) {
            let Some(whole) = captures.get(0).map(|part| Span::new(part.start(), part.end())) else {
                continue;
            };
            let parts = parts(&captures, rules);
            let span = bare_span(&captures, pattern.value).unwrap_or(whole);
            hits.push(Hit { whole, span, form: pattern.value, rule: pattern.id, parts });
        }
    }
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.whole.len()), hit.whole.start));
    let mut taken = Taken::default();
    hits.retain(|hit| taken.take(hit.whole));
    hits.sort_by_key(|hit| hit.whole.start);
    hits
}

fn parts(captures: &Captures<'_>, rules: &Rules) -> Parts {
    let text = |name: &str| captures.name(name).map(|part| part.as_str());
    let number = |name: &str| text(name).and_then(|digits| digits.parse::<i8>().ok());
    let month_by_name = || text("mn").and_then(|name| rules.number("month", name));
    Parts {
        day: number("d"),
        month: number("m").or_else(month_by_name),
        year: text("y").and_then(|digits| digits.parse().ok()),
        weekday: text("wd").and_then(|name| rules.number("weekday", name)),
    }
}

/// A month or a year without the preposition that its pattern needs.
fn bare_span(captures: &Captures<'_>, form: &str) -> Option<Span> {
    if !matches!(form, "month" | "year") {
        return None;
    }
    let named = ["d", "m", "mn", "y"].iter().filter_map(|name| captures.name(name));
    named.fold(None, |span: Option<Span>, part| {
        let span = span.unwrap_or(Span::new(part.start(), part.end()));
        Some(Span::new(span.start.min(part.start()), span.end.max(part.end())))
    })
}

/// What the words around a date say of it.
fn when(text: &str, hit: &Hit, rules: &Rules) -> Option<When> {
    let before = text_before(text, 0, hit.span.start, 30);
    let after = text_after(text, hit.whole.end, text.len(), 12);
    let found = rules
        .first_match("date-before", before)
        .or_else(|| rules.first_match("date-after", after))
        .or_else(|| rules.first_match("date-is", hit.whole.of(text)))?;
    match found.value {
        "from" => Some(When::From),
        "since" => Some(When::Since),
        "until" => Some(When::Until),
        "by" => Some(When::By),
        _ => None,
    }
}

/// Whether the sentence in front of a date speaks of what will be.
fn speaks_of_future(text: &str, hit: &Hit, rules: &Rules) -> bool {
    let before = text_before(text, 0, hit.whole.start, 120);
    let sentence = before.rsplit(['.', '。', '\n']).next().unwrap_or_default();
    rules.matches("future", sentence)
}

/// The days that a form means.
fn meaning(form: &str, parts: Parts, frame: Frame) -> Option<Days> {
    match form {
        "day" => named_day(parts, frame),
        "month" => named_month(parts, frame),
        "year" => year(parts.year?),
        "day-after" => {
            let previous = frame.previous.filter(|days| days.is_day())?;
            Some(Days::day(shifted(previous.first, 1)?))
        }
        "day-of-month" => day_of_month(parts.day?, frame.published?),
        _ => relative(form, parts, frame.published?),
    }
}

fn shifted(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// A whole year.
fn year(year: i16) -> Option<Days> {
    Some(Days { first: Date::new(year, 1, 1).ok()?, last: Date::new(year, 12, 31).ok()? })
}

/// The month in which a day lies.
fn month_of(day: Date) -> Days {
    Days { first: day.first_of_month(), last: day.last_of_month() }
}

fn named_day(parts: Parts, frame: Frame) -> Option<Days> {
    let (day, month) = (parts.day?, parts.month?);
    if let Some(year) = parts.year {
        return Date::new(year, month, day).ok().map(Days::day);
    }
    let published = frame.published?;
    let years = [published.year() - 1, published.year(), published.year() + 1];
    let mut candidates = years.iter().filter_map(|year| Date::new(*year, month, day).ok());
    let chosen = match frame.when {
        Some(When::From) if frame.is_ahead => candidates.find(|date| *date >= published),
        Some(When::From) => candidates.min_by_key(|date| (days_apart(*date, published), *date)),
        Some(When::Until | When::By) => candidates.find(|date| *date >= published),
        Some(When::Since) | None => candidates.rfind(|date| *date <= published),
    };
    chosen.map(Days::day)
}

fn days_apart(one: Date, other: Date) -> i64 {
    (one.duration_since(other).as_hours() / 24).abs()
}

fn named_month(parts: Parts, frame: Frame) -> Option<Days> {
    let month = parts.month?;
    if let Some(year) = parts.year {
        return Date::new(year, month, 1).ok().map(month_of);
    }
    let published = frame.published?;
    let years = [published.year() - 1, published.year(), published.year() + 1];
    let mut months = years.iter().filter_map(|year| Date::new(*year, month, 1).ok()).map(month_of);
    match frame.when {
        Some(When::Until | When::By) => months.find(|days| days.last >= published),
        Some(When::From) if frame.is_ahead => months.find(|days| days.last >= published),
        _ => months.rfind(|days| days.first <= published),
    }
}

/// The last such day of a month up to the publication.
fn day_of_month(day: i8, published: Date) -> Option<Days> {
    let this = Date::new(published.year(), published.month(), day).ok().filter(|date| *date <= published);
    let earlier = || {
        let before = shifted(published.first_of_month(), -1)?;
        Date::new(before.year(), before.month(), day).ok()
    };
    this.or_else(earlier).map(Days::day)
}

/// Days that are counted from the publication.
fn relative(form: &str, parts: Parts, published: Date) -> Option<Days> {
    let monday = shifted(published, -i64::from(published.weekday().to_monday_zero_offset()))?;
    let week = |first: i64| Some(Days { first: shifted(monday, first)?, last: shifted(monday, first + 6)? });
    let day = |offset: i64| shifted(published, offset).map(Days::day);
    match form {
        "days-ago-0" => day(0),
        "days-ago-1" => day(-1),
        "days-ahead-1" => day(1),
        "last-week" => week(-7),
        "this-week" => week(0),
        "next-week" => week(7),
        "last-month" => shifted(published.first_of_month(), -1).map(month_of),
        "this-month" => Some(month_of(published)),
        "next-month" => shifted(published.last_of_month(), 1).map(month_of),
        "last-year" => year(published.year() - 1),
        _ => weekday(form, parts.weekday?, published, monday),
    }
}

/// A day of the week: the last one up to the publication, or as the form says.
fn weekday(form: &str, weekday: i8, published: Date, monday: Date) -> Option<Days> {
    let ago = i64::from(published.weekday().to_monday_one_offset() - weekday).rem_euclid(7);
    let day = match form {
        "weekday" => shifted(published, -ago),
        "weekday-before" => shifted(published, -if ago == 0 { 7 } else { ago }),
        "weekday-after" => shifted(published, 7 - ago),
        "weekday-last-week" => shifted(monday, i64::from(weekday) - 8),
        _ => None,
    };
    day.map(Days::day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::language::Language;

    fn dates(language: Language, text: &str) -> Vec<String> {
        let published = Some(date(2026, 1, 12));
        let found = find_dates(text, Rules::of(language), published);
        found.iter().map(|date| date.days.to_string()).collect()
    }

    #[test]
    fn dates_are_read_from_the_day_of_publication() {
        for (language, text, expected) in [
            (Language::English, "on Monday", "2026-01-12"),
            (Language::English, "last Monday", "2026-01-05"),
            (Language::English, "next Monday", "2026-01-19"),
            (Language::English, "on 1 November", "2025-11-01"),
            (Language::English, "until 27 November", "2026-11-27"),
            (Language::English, "from 1 February", "2026-02-01"),
            (Language::English, "in June", "2025-06"),
            (Language::English, "last week", "2026-01-05/2026-01-11"),
            (Language::English, "last year", "2025"),
            (Language::German, "am 4. April", "2025-04-04"),
            (Language::German, "vergangene Woche", "2026-01-05/2026-01-11"),
            (Language::French, "le 1er novembre", "2025-11-01"),
            (Language::French, "lundi dernier", "2026-01-05"),
            (Language::Chinese, "11月1日", "2025-11-01"),
            (Language::Chinese, "上周五", "2026-01-09"),
            (Language::Japanese, "10日", "2026-01-10"),
            (Language::Japanese, "13日", "2025-12-13"),
            (Language::Japanese, "月曜日", "2026-01-12"),
        ] {
            assert_eq!(dates(language, text), [expected], "{text}");
        }
    }

    #[test]
    fn the_next_day_follows_the_date_before_it() {
        assert_eq!(dates(Language::English, "on 31 December; the next day"), ["2025-12-31", "2026-01-01"]);
        assert_eq!(dates(Language::English, "the next day"), [""; 0]);
    }

    #[test]
    fn days_that_no_calendar_has_are_left_out() {
        assert_eq!(dates(Language::English, "on 31 February 2025"), [""; 0]);
        assert_eq!(dates(Language::Chinese, "2025年13月1日"), [""; 0]);
    }

    #[test]
    fn without_a_day_of_publication_only_full_dates_are_read() {
        let found = find_dates("on Monday, 4 April and 4 April 2025", Rules::of(Language::English), None);
        let days: Vec<_> = found.iter().map(|date| date.days.to_string()).collect();
        assert_eq!(days, ["2025-04-04"]);
    }
}

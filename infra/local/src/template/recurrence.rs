//! When a schedule fires: `rate(…)` and `cron(…)` as EventBridge writes them, in UTC.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

/// A schedule expression, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recurrence {
    /// `rate(5 minutes)`: this long after the last time.
    Rate(Duration),
    /// `cron(0 12 * * ? *)`.
    Cron(Cron),
}

/// Minutes, hours, days of month, months, days of week (1 is Sunday) and years that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    fields: [BTreeSet<i16>; 6],
}

/// Names and bounds of cron's fields, in order.
const FIELDS: [(&str, RangeInclusive<i16>); 6] = [
    ("minutes", 0..=59),
    ("hours", 0..=23),
    ("day of month", 1..=31),
    ("month", 1..=12),
    ("day of week", 1..=7),
    ("year", 1970..=2199),
];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// No cron expression that fires at all waits longer: 29 February on one day of the week comes back within 40 years.
const HORIZON_DAYS: usize = 40 * 366;

impl Recurrence {
    /// Fails with what is wrong, to follow the expression in a sentence.
    pub fn parse(expression: &str) -> Result<Self, String> {
        let inside = |prefix| expression.strip_prefix(prefix)?.strip_suffix(')');
        match (inside("rate("), inside("cron(")) {
            (Some(rate), _) => rate_of(rate).map(Self::Rate),
            (_, Some(cron)) => Cron::parse(cron).map(Self::Cron),
            _ => Err("is neither rate(…) nor cron(…)".to_owned()),
        }
    }

    /// The first time after `last`; `None` when there is none.
    pub fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => last.checked_add(SignedDuration::try_from(*every).ok()?).ok(),
            Self::Cron(cron) => cron.next(last),
        }
    }
}

/// AWS insists on `1 minute` and on `2 minutes`.
fn rate_of(text: &str) -> Result<Duration, String> {
    let problem = || "is not rate(value unit) with minute(s), hour(s) or day(s)".to_owned();
    let (value, unit) = text.split_once(' ').ok_or_else(problem)?;
    let value: u64 = value.parse().ok().filter(|n| *n > 0).ok_or_else(problem)?;
    let singular = if value == 1 { Some(unit) } else { unit.strip_suffix('s') };
    let seconds = match singular {
        Some("minute") => 60,
        Some("hour") => 3_600,
        Some("day") => 86_400,
        _ => return Err(problem()),
    };
    value.checked_mul(seconds).map(Duration::from_secs).ok_or_else(problem)
}

impl Cron {
    fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split_whitespace().collect();
        let [_, _, day, _, weekday, _] = parts[..] else {
            return Err("must have six fields".to_owned());
        };
        if (day == "?") == (weekday == "?") {
            return Err("must have ? in exactly one of day of month and day of week".to_owned());
        }
        let mut fields: [BTreeSet<i16>; 6] = Default::default();
        for ((part, (name, bounds)), field) in parts.iter().zip(FIELDS).zip(&mut fields) {
            *field = values(part, &bounds).ok_or_else(|| format!("has a {name} that is not understood: {part}"))?;
        }
        Ok(Self { fields })
    }

    fn next(&self, last: Timestamp) -> Option<Timestamp> {
        let after = last.to_zoned(TimeZone::UTC).datetime();
        let mut date = after.date();
        for _ in 0..HORIZON_DAYS {
            if self.on(date)
                && let Some(found) = self.first_on(date, after)
            {
                return found.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn on(&self, date: Date) -> bool {
        let [_, _, days, months, weekdays, years] = &self.fields;
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        days.contains(&i16::from(date.day()))
            && months.contains(&i16::from(date.month()))
            && weekdays.contains(&weekday)
            && years.contains(&date.year())
    }

    fn first_on(&self, date: Date, after: DateTime) -> Option<DateTime> {
        let [minutes, hours, ..] = &self.fields;
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)));
        let moments =
            times.filter_map(|(hour, minute)| Some(date.at(hour.try_into().ok()?, minute.try_into().ok()?, 0, 0)));
        moments.into_iter().find(|moment| *moment > after)
    }
}

/// `*`, `?`, `5`, `1-5`, `MON-FRI`, `0/15`, `1,2,3`. `L`, `W` and `#` are not understood.
fn values(part: &str, bounds: &RangeInclusive<i16>) -> Option<BTreeSet<i16>> {
    let mut all = BTreeSet::new();
    for item in part.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (value(first, bounds)?, value(last, bounds)?),
            None if matches!(range, "*" | "?") => (*bounds.start(), *bounds.end()),
            None if item.contains('/') => (value(range, bounds)?, *bounds.end()),
            None => (value(range, bounds)?, value(range, bounds)?),
        };
        all.extend((first..=last).step_by(step));
    }
    (!all.is_empty()).then_some(all)
}

fn value(text: &str, bounds: &RangeInclusive<i16>) -> Option<i16> {
    let named = |names: &[&str]| {
        names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|i| i16::try_from(i + 1).ok())
    };
    let by_name = match *bounds.end() {
        12 => named(&MONTHS),
        7 => named(&DAYS),
        _ => None,
    };
    by_name.or_else(|| text.parse().ok()).filter(|n| bounds.contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, last: &str) -> String {
        let next = Recurrence::parse(expression).unwrap().next(last.parse().unwrap());
        next.map_or_else(|| "never".to_owned(), |at| at.to_string())
    }

    #[test]
    fn rates_count_from_the_last_time() {
        assert_eq!(next("rate(1 minute)", "2026-01-01T00:00:30Z"), "2026-01-01T00:01:30Z");
        assert_eq!(next("rate(30 days)", "2026-01-01T00:00:00Z"), "2026-01-31T00:00:00Z");
    }

    #[test]
    fn cron_finds_the_next_moment() {
        assert_eq!(next("cron(0/15 * * * ? *)", "2026-01-01T00:00:00Z"), "2026-01-01T00:15:00Z");
        assert_eq!(next("cron(0 3 ? * MON-FRI *)", "2026-01-02T03:00:00Z"), "2026-01-05T03:00:00Z");
        assert_eq!(next("cron(30 12 29 2 ? *)", "2026-01-01T00:00:00Z"), "2028-02-29T12:30:00Z");
        assert_eq!(next("cron(0 0 1 JAN ? 2026)", "2026-01-01T00:00:00Z"), "never");
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        for wrong in [
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 days)",
            "cron(* * * * * *)",
            "cron(0 3 * * ?)",
            "cron(61 * * * ? *)",
            "at(2026-01-01T00:00:00)",
        ] {
            assert!(Recurrence::parse(wrong).is_err(), "{wrong}");
        }
    }
}

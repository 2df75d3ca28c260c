//! The last words of a demo of many.

use std::time::Duration;

/// Answer and READY times of every tenant: minimum, median, p99, maximum.
pub(super) fn summary(times: &[(Duration, Duration)], failed: usize, whole: Duration) -> String {
    let row = |name: &str, of: &dyn Fn(&(Duration, Duration)) -> Duration| {
        let mut sorted: Vec<Duration> = times.iter().map(of).collect();
        sorted.sort_unstable();
        let at =
            |part: f64| sorted.get(((sorted.len().max(1) - 1) as f64 * part) as usize).map_or(0, Duration::as_millis);
        format!("{name:<10}{:>9}{:>9}{:>9}{:>9}", at(0.0), at(0.5), at(0.99), at(1.0))
    };
    let rate = times.len() as f64 / whole.as_secs_f64().max(f64::EPSILON);
    [
        format!("{:<10}{:>9}{:>9}{:>9}{:>9}", "ms", "min", "median", "p99", "max"),
        row("accepted", &|time| time.0),
        row("READY", &|time| time.1),
        String::new(),
        format!("{} READY, {failed} failed, in {:.1} s: {rate:.0} tenants a second.", times.len(), whole.as_secs_f64()),
    ]
    .join("\n")
}

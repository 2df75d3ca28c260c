//! What the kernel knows about a process: CPU time and memory. And the one processor that measurements run on.

use std::{
    fs,
    os::unix::process::CommandExt,
    process::Command,
    time::{Duration, Instant},
};

/// The processor that everything of a pinned bench shares, so that nothing migrates between two caches.
const PROCESSOR: &str = "1";

/// CPU time of all threads that live now, in nanoseconds as the scheduler counted them. Read it while the process waits.
pub(crate) fn cpu(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// CPU time of this thread.
pub(crate) fn cpu_of_thread() -> Duration {
    // The scheduler adds up when it switches.
    std::thread::yield_now();
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// CPU time of the whole process with its dead threads, in the kernel's ticks of 10 ms: for seconds, not for microseconds.
pub(crate) fn cpu_of_all(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the name, in parentheses, and may hold anything.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<u64> = after.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    let ticks = fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0);
    Duration::from_millis(ticks * 10)
}

/// Resident memory in MiB.
pub(crate) fn memory(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

/// Starts this program again on one processor, where there are several and `taskset` is there.
pub(crate) fn pin() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(str::trim);
    if allowed.is_none_or(|cpus| !cpus.contains(['-', ','])) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = Command::new("taskset");
    again.args(["-c", PROCESSOR]).arg(program).args(std::env::args().skip(1));
    let error = again.exec();
    crate::report::say(&format!("not pinned to one processor: taskset: {error}"));
}

/// The moment, for what is measured by the clock on the wall.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

//! What the kernel accounts to a process: CPU time and memory.
//!
//! CPU time is the sum over the threads of the first field of `schedstat`, in nanoseconds. For a
//! running thread it may lag by one tick.

use std::fs;
use std::io;

/// User and system time of all live threads in nanoseconds.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            // A kernel without this file, or a thread that has just ended.
            return stat_cpu_ns(pid);
        };
        let field = text.split(' ').next().unwrap_or_default();
        total += field.parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(total)
}

/// The same from `/proc/PID/stat`, in ticks of 10 ms, as a cross-check.
pub fn stat_cpu_ns(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold spaces. After it, utime and stime are fields 12 and 13.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|f| f.parse::<u64>().ok())
        .sum();
    Ok(ticks * 10_000_000)
}

/// Resident memory in bytes.
pub fn resident(pid: u32) -> io::Result<u64> {
    match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        Ok(text) => Ok(number(&text, "Rss:") * 1024),
        Err(_) => {
            let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
            Ok(number(&text, "VmRSS:") * 1024)
        }
    }
}

/// The number after a word at the start of a line; 0 if there is none.
pub fn number(text: &str, key: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(key));
    let first = rest.and_then(|rest| rest.split_whitespace().next());
    first.and_then(|text| text.parse().ok()).unwrap_or(0)
}

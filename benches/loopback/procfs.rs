//! What the kernel has accounted to a process: CPU time, context switches, memory.
//!
//! CPU time is the sum over the threads of the first field of `schedstat`, in nanoseconds. Read
//! it while the process sleeps: for a running thread it may lag by one tick.

use std::fs;
use std::io;

/// User and system time of all live threads in nanoseconds.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            // A kernel without this account, or a thread that has just ended.
            return stat_cpu_ns(pid);
        };
        let field = text.split(' ').next().unwrap_or_default();
        total += field.parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(total)
}

/// The same from `/proc/PID/stat`, in steps of one tick of 10 ms: the cross-check.
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

/// Context switches of all threads: voluntary, and forced by another process.
#[derive(Clone, Copy, Default)]
pub struct Switches {
    pub voluntary: u64,
    pub forced: u64,
}

impl Switches {
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut total = Self::default();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let text = fs::read_to_string(task?.path().join("status"))?;
            total.voluntary += number(&text, "voluntary_ctxt_switches:");
            total.forced += number(&text, "nonvoluntary_ctxt_switches:");
        }
        Ok(total)
    }
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

/// The kernel's own memory of all processes in bytes; sockets are in it.
pub fn kernel_slab() -> u64 {
    fs::read_to_string("/proc/meminfo").map_or(0, |text| number(&text, "Slab:") * 1024)
}

/// Ticks of 10 ms of one processor since the machine started.
#[derive(Clone, Copy, Default)]
pub struct Ticks {
    pub all: u64,
    /// Given to any process or interrupt.
    pub busy: u64,
    /// Given to other machines by the hypervisor.
    pub stolen: u64,
}

impl Ticks {
    /// The account of one processor, or of all.
    pub fn of(cpu: Option<usize>) -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let name = cpu.map_or("cpu".to_owned(), |cpu| format!("cpu{cpu}"));
        let line = text
            .lines()
            .find(|line| line.split(' ').next() == Some(&name));
        // user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user.
        let ticks: Vec<u64> = line
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .take(8)
            .flat_map(str::parse)
            .collect();
        let [_, _, _, idle, waiting, _, _, stolen] = ticks[..] else {
            return Self::default();
        };
        let all = ticks.iter().sum();
        Self {
            all,
            busy: all - idle - waiting - stolen,
            stolen,
        }
    }
}

/// One line on the machine, for the reader of the figures.
pub fn machine() -> String {
    let read = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let kernel = read("/proc/sys/kernel/osrelease");
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |text| {
        text.trim_start_matches(['\t', ' ', ':'])
    });
    let count = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let governor = if governor.is_empty() {
        "unknown"
    } else {
        &governor
    };
    let mitigations = mitigations();
    format!(
        "Linux {kernel}, {count} x {model}, governor {governor}, {mitigations} mitigations, \
         load {load}"
    )
}

/// The processors that this process may use.
pub fn allowed_cpus() -> Vec<usize> {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = text
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let mut cpus = Vec::new();
    for range in list.unwrap_or_default().trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            cpus.extend(first..=last);
        }
    }
    cpus
}

/// How many processor vulnerabilities the kernel mitigates: each makes system calls dearer.
fn mitigations() -> usize {
    let Ok(entries) = fs::read_dir("/sys/devices/system/cpu/vulnerabilities") else {
        return 0;
    };
    let texts = entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.filter(|text| text.starts_with("Mitigation")).count()
}

fn number(text: &str, key: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(key));
    let first = rest.and_then(|rest| rest.split_whitespace().next());
    first.and_then(|text| text.parse().ok()).unwrap_or(0)
}

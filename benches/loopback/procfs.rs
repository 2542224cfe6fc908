//! What the kernel has accounted to a process and to the machine. CPU time and memory are read by
//! what `wirebell bench` has for it; read CPU time while the process sleeps.

#[path = "../../src/cli/tools/bench/process.rs"]
pub mod process;

use process::number;
use std::fs;
use std::io;

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

/// Memory in bytes that a process shares with no other.
pub fn private(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = number(&text, "Private_Clean:") + number(&text, "Private_Dirty:");
    Ok(kib * 1024)
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

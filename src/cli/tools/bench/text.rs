//! A report for people.
//!
//! Input: a [`Report`]. Output: lines of text. The figures themselves are left to `report`.

use crate::cli::common::terminal::visible;
use crate::cli::tools::bench::report::{CpuReport, LatencyReport, Report};
use std::fmt::Write as _;

pub fn write(report: &Report) -> String {
    let mut text = String::new();
    heading(&mut text, report);
    if report.mode != "idle" || report.sent > 0 {
        messages(&mut text, report);
    }
    if report.passed_over > 0 {
        let _ = writeln!(
            text,
            "ignored      {} messages that the server sent before the load",
            report.passed_over
        );
    }
    if let Some(latency) = &report.latency {
        let _ = writeln!(text, "latency      from {}", latency.from);
        percentiles(&mut text, latency);
    }
    if let Some(to_last) = &report.latency_to_last {
        let _ = writeln!(text, "to the last  subscriber, from the same moment");
        percentiles(&mut text, to_last);
    }
    if let Some(late) = &report.late {
        let [first, .., last] = &late.percentiles[..] else {
            return text;
        };
        let _ = writeln!(
            text,
            "late         {} ms median, {} ms at most: message delay after it was due",
            number(first.ms),
            number(last.ms)
        );
    }
    if let Some(cpu) = &report.cpu {
        cpu_time(&mut text, cpu, report.unit);
    }
    if let Some(memory) = &report.memory {
        let _ = writeln!(
            text,
            "memory       {:.0} bytes resident per connection: {} KiB before, {} KiB with all",
            memory.resident_per_connection,
            memory.resident_before / 1024,
            memory.resident_open / 1024
        );
        if let Some(each) = memory.proportional_per_connection {
            let _ = writeln!(text, "             {each:.0} bytes proportional (PSS)");
        }
    }
    text
}

fn heading(text: &mut String, report: &Report) {
    let load = &report.load;
    let rate = match load.rate {
        _ if report.mode == "idle" => "silent".into(),
        Some(rate) => format!("{rate} per second"),
        None => "closed loop".into(),
    };
    let _ = write!(text, "{}: {}, {rate}", visible(&report.url), report.mode);
    let plural = if load.threads == 1 { "" } else { "s" };
    match report.mode {
        "echo" => {
            let _ = write!(
                text,
                ", {} B {}, {} in flight each, deflate {}",
                load.size, load.kind, load.depth, load.deflate
            );
        }
        "fan-out" => {
            let _ = write!(text, ", {} B, deflate {}", load.size, load.deflate);
        }
        _ => {}
    }
    let _ = writeln!(text, ", {} thread{plural}", load.threads);
    let all = &report.connections;
    let _ = write!(text, "connections  ");
    let _ = match report.mode {
        "handshake" => write!(text, "{} opened", all.opened),
        _ => write!(
            text,
            "{} of {} opened in {:.3} s",
            all.opened, all.asked, all.opened_in_s
        ),
    };
    let _ = write!(text, ", {} refused, {} lost", all.refused, all.lost);
    let _ = match all.unopened {
        0 => writeln!(text),
        count => writeln!(text, ", {count} not opened in time"),
    };
    let early = match report.interrupted {
        true => ", ended early by a signal",
        false => "",
    };
    let _ = writeln!(
        text,
        "measured     {:.1} s, after {:.1} s of warm-up{early}",
        report.measured_s, report.warm_up_s
    );
}

fn messages(text: &mut String, report: &Report) {
    let Report {
        unit,
        sent,
        answered,
        lost,
        wrong,
        ..
    } = report;
    if let Some(count) = report.publications {
        let _ = writeln!(text, "published    {count}");
    }
    let _ = write!(
        text,
        "{unit:<12} {answered} of {sent}, {lost} lost, {wrong} wrong"
    );
    let _ = match report.mode {
        "idle" => writeln!(text),
        _ => writeln!(text, "; {:.0} per second", report.per_second),
    };
}

fn percentiles(text: &mut String, latency: &LatencyReport) {
    let _ = writeln!(
        text,
        "             mean {} ms, least {} ms, deviation {} ms",
        number(latency.mean_ms),
        number(latency.min_ms),
        number(latency.deviation_ms)
    );
    for percentile in &latency.percentiles {
        let name = format!("{} %", percentile.percentile);
        let _ = writeln!(text, "  {name:>9}  {:>10} ms", number(percentile.ms));
    }
}

/// Three significant digits.
pub fn number(ms: f64) -> String {
    match ms {
        100.0.. => format!("{ms:.0}"),
        10.0.. => format!("{ms:.1}"),
        1.0.. => format!("{ms:.2}"),
        _ => format!("{ms:.3}"),
    }
}

fn cpu_time(text: &mut String, cpu: &CpuReport, unit: &str) {
    let one = unit.strip_suffix("ies").map_or_else(
        || unit.trim_end_matches('s').to_owned(),
        |stem| format!("{stem}y"),
    );
    let _ = write!(text, "CPU          ");
    if let (Some(ns), Some(cores)) = (cpu.server_ns, cpu.server_cores) {
        let _ = write!(text, "server {ns:.0} ns per {one} ({cores:.2} cores); ");
    }
    let _ = writeln!(
        text,
        "generator {:.0} ns per {one} ({:.2} cores)",
        cpu.generator_ns, cpu.generator_cores
    );
}

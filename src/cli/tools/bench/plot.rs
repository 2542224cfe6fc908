//! Latency by percentile as a self-contained SVG.
//!
//! Input: distributions. Output: one picture. The horizontal axis is 0 %, 90 %, 99 %, 99.9 % and so
//! on at equal distances, so that rare slow messages get as much room as the others; it ends at a
//! single message. Vertical: milliseconds from zero.

use crate::cli::tools::bench::figures::Figures;
use crate::cli::tools::bench::report::Report;
use crate::cli::tools::bench::tally::Latencies;
use crate::cli::tools::bench::text::number;
use crate::cli::tools::common::markup::Escaped;
use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 500.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 48.0;
const TOP: f64 = 108.0;
const BOTTOM: f64 = 64.0;

/// Points of a curve per factor of ten.
const POINTS: u32 = 40;

/// Readable on white, and distinguishable without colour vision.
const COLOURS: [&str; 2] = ["#0b62a4", "#b5480a"];

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#333}.t{font-size:17px;\
                     font-weight:600;fill:#111}.g{stroke:#e3e3e3}.a{stroke:#888}\
                     .c{fill:none;stroke-width:2.2;stroke-linejoin:round}.m{text-anchor:middle}\
                     .e{text-anchor:end}";

/// Maps values to coordinates.
struct Axes {
    /// Factors of ten on the horizontal axis.
    decades: f64,
    most_ms: f64,
    step_ms: f64,
}

pub fn draw(report: &Report, figures: &Figures) -> String {
    let mut curves: Vec<(&str, &Latencies)> = Vec::new();
    let name = match report.mode {
        "fan-out" => "to each subscriber",
        "handshake" => "handshake",
        _ => "to the echo",
    };
    curves.push((name, &figures.tally.latency));
    if let Some((_, to_last)) = &figures.published {
        curves.push(("to the last subscriber", to_last));
    }
    curves.retain(|(_, latencies)| !latencies.is_empty());
    let axes = Axes::new(&curves);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    title(&mut svg, report);
    axes.draw(&mut svg);
    for (number, (name, latencies)) in curves.iter().enumerate() {
        axes.curve(&mut svg, latencies, COLOURS[number]);
        legend(&mut svg, number, name, latencies);
    }
    svg + "</svg>\n"
}

fn title(svg: &mut String, report: &Report) {
    let load = &report.load;
    let rate = match load.rate {
        Some(rate) => format!("{rate} per second due"),
        None if report.mode == "echo" => format!("closed loop, {} in flight", load.depth),
        None => "closed loop".into(),
    };
    let size = match report.mode {
        "handshake" => String::new(),
        _ => format!(", {} B {}", load.size, load.kind),
    };
    let connections = match report.mode {
        "handshake" => "one connection after another".into(),
        _ => format!("{} connections", report.connections.asked),
    };
    let _ = writeln!(
        svg,
        "<text class=\"t\" x=\"{LEFT}\" y=\"30\">Latency by percentile: {}, {}</text>",
        report.mode,
        Escaped(&report.url)
    );
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"50\">{connections}{size}, {rate}; {} {} in {:.1} s, \
         {:.0} per second; {}</text>",
        report.answered, report.unit, report.measured_s, report.per_second, report.generator
    );
}

/// One line per curve, above the plot.
fn legend(svg: &mut String, number_of: usize, name: &str, latencies: &Latencies) {
    let y = 69.0 + number_of as f64 * 19.0;
    let at = |percentile| number(latencies.value_at_percentile(percentile) as f64 / 1e6);
    let colour = COLOURS[number_of];
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {y}h22\" stroke=\"{colour}\" stroke-width=\"3\"/>\
         <text x=\"{}\" y=\"{}\">{name}: 50 % {} ms, 99 % {} ms, max {} ms</text>",
        LEFT + 30.0,
        y + 4.0,
        at(50.0),
        at(99.0),
        number(latencies.max() as f64 / 1e6)
    );
}

impl Axes {
    fn new(curves: &[(&str, &Latencies)]) -> Self {
        let most = |of: fn(&Latencies) -> u64| curves.iter().map(|(_, all)| of(all)).max();
        let count = most(|all| all.len()).unwrap_or(1).max(10) as f64;
        let most_ms = most(Latencies::max).unwrap_or(1).max(1) as f64 / 1e6;
        // Steps of 1, 2 or 5 times a power of ten, five to ten of them.
        let power = 10f64.powf((most_ms / 5.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let fits = |step: &&f64| most_ms / **step <= 8.0;
        let step_ms = *steps.iter().find(fits).unwrap_or(&steps[3]);
        Self {
            decades: count.log10().ceil(),
            most_ms: (most_ms / step_ms).ceil() * step_ms,
            step_ms,
        }
    }

    /// `decade` 0 is 0 %, 1 is 90 %, 2 is 99 %.
    fn x(&self, decade: f64) -> f64 {
        LEFT + decade / self.decades * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, ms: f64) -> f64 {
        HEIGHT - BOTTOM - ms / self.most_ms * (HEIGHT - TOP - BOTTOM)
    }

    fn draw(&self, svg: &mut String) {
        let (bottom, right) = (self.y(0.0), self.x(self.decades));
        let count = (self.most_ms / self.step_ms).round() as u32;
        for step in 0..=count {
            let ms = f64::from(step) * self.step_ms;
            let y = self.y(ms);
            let class = if step == 0 { "a" } else { "g" };
            let digits = (-self.step_ms.log10().floor()).max(0.0) as usize;
            let _ = writeln!(
                svg,
                "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{right:.1}\"/>\
                 <text class=\"e\" x=\"{}\" y=\"{:.1}\">{ms:.digits$}</text>",
                LEFT - 8.0,
                y + 4.5
            );
        }
        for decade in 0..=self.decades as u32 {
            let x = self.x(decade.into());
            let label = match decade {
                0 => "0".into(),
                1 => "90".into(),
                2 => "99".into(),
                more => format!("99.{}", "9".repeat(more as usize - 2)),
            };
            let class = if decade == 0 { "a" } else { "g" };
            let _ = writeln!(
                svg,
                "<path class=\"{class}\" d=\"M{x:.1} {TOP}V{bottom:.1}\"/>\
                 <text class=\"m\" x=\"{x:.1}\" y=\"{:.1}\">{label} %</text>",
                bottom + 20.0
            );
        }
        let (middle, label) = (f64::midpoint(LEFT, right), bottom + 46.0);
        let y = f64::midpoint(TOP, bottom);
        let _ = writeln!(
            svg,
            "<text class=\"m\" x=\"{middle:.1}\" y=\"{label:.1}\">percentile</text>\
             <text class=\"m\" transform=\"translate(20 {y:.1}) rotate(-90)\">latency, ms</text>"
        );
    }

    /// Up to the decade at which a single message is left.
    fn curve(&self, svg: &mut String, latencies: &Latencies, colour: &str) {
        let end = (latencies.len() as f64).log10();
        let mut points = String::new();
        for point in 0..=self.decades as u32 * POINTS {
            let decade = (f64::from(point) / f64::from(POINTS)).min(end);
            let quantile = 1.0 - 10f64.powf(-decade);
            let ms = latencies.value_at_quantile(quantile) as f64 / 1e6;
            let _ = write!(points, "{:.1},{:.1} ", self.x(decade), self.y(ms));
            if decade >= end {
                break;
            }
        }
        let most = latencies.max() as f64 / 1e6;
        let _ = writeln!(
            svg,
            "<polyline class=\"c\" stroke=\"{colour}\" points=\"{points}{:.1},{:.1}\"/>\
             <circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{colour}\"/>",
            self.x(end),
            self.y(most),
            self.x(end),
            self.y(most)
        );
    }
}

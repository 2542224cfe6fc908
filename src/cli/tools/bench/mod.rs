//! `wirebell bench`: loads a server and measures it.
//!
//! Input: a URL, a mode, a load. Output: rates, latencies by percentile, CPU time and memory, as
//! text, JSON and a plot. Invariant: the report says how it was measured: closed loop or fixed
//! rate, how late the generator was, what CPU time it used.
//!
//! Reading order: `args`, `process`, `open_files`, `clock`, `stamp`, `plan`, `tally`, `load_loop`,
//! `interrupt`, `opening`, `figures`, `echo`, `handshake`, `idle`, `fanout`, `topic`, `publish`,
//! `run`, `report`, `text`, `plot`.

mod args;
mod clock;
mod echo;
mod fanout;
mod figures;
mod handshake;
mod idle;
mod interrupt;
mod load_loop;
mod open_files;
mod opening;
mod plan;
mod plot;
mod process;
mod publish;
mod report;
mod run;
mod stamp;
mod tally;
mod text;
mod topic;

pub use args::BenchArgs;

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::tools::common::failure::within;
use args::Format;
use plan::Plan;
use report::Report;
use std::path::Path;
use std::sync::Arc;
use wirebell::push::mask_token;

pub fn run(args: Box<BenchArgs>) -> Result<(), Failure> {
    let plan = Arc::new(Plan::new(args)?);
    let mut figures = run::run(&plan)?;
    let failure = figures.tally.failure.take();
    if figures.opened == 0 {
        let why = failure.unwrap_or_else(|| Failure::failed("interrupted".into()));
        return Err(within(&mask_token(&plan.args.uri), why));
    }
    let report = Report::new(&plan, &figures);
    let text = match plan.args.format {
        Format::Text => text::write(&report),
        Format::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
    };
    match &plan.args.output {
        None => print(text)?,
        Some(path) => save(path, &text)?,
    }
    if let Some(path) = &plan.args.plot {
        save(path, &plot::draw(&report, &figures))?;
    }
    match (report.problem(), failure) {
        (None, None) => Ok(()),
        (None, Some(why)) => Err(why),
        (Some(problem), why) => {
            let why = why.map(|why| format!("; first: {why}"));
            Err(Failure::failed(problem + &why.unwrap_or_default()))
        }
    }
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::write(path, text);
    written.map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}

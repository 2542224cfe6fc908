//! `--trace` of `serve` and `echo`: all traffic of the connections, in a file.
//!
//! Input: the settings of the trace. Output: a tap for the event loops. Writing the file is left to
//! `common::trace`.

use crate::cli::common::Failure;
use crate::cli::common::trace::{self, Recorder};
use crate::cli::common::units::Size;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use wirebell::Tap;

/// Settings of the trace, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct TraceSettings {
    /// Write all traffic of the connections, secrets included, to this file, as a capture that
    /// `wirebell inspect` and Wireshark can read [default: none]
    #[arg(long, value_name = "FILE", env = "WIREBELL_TRACE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<PathBuf>,

    /// Stop writing the trace at this size; 0 means no limit [default: 1GiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_TRACE_LIMIT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_limit: Option<Size>,
}

impl TraceSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            trace: self.trace.or(file.trace),
            trace_limit: self.trace_limit.or(file.trace_limit),
        }
    }

    /// All settings that have a default.
    pub fn effective(self) -> Self {
        self.or(Self {
            trace: None,
            trace_limit: Some(trace::LIMIT),
        })
    }

    /// Creates the file, if one is wanted.
    pub fn start(&self) -> Result<Trace, Failure> {
        let (path, limit) = (self.trace.as_deref(), self.trace_limit);
        let warn = |text: &str| log::warn!("{text}; the server goes on");
        let create = |path| Recorder::create(path, limit.unwrap_or(trace::LIMIT), warn);
        path.map(create).transpose().map(Trace)
    }
}

/// The trace of a running server, if there is one.
pub struct Trace(Option<Arc<Recorder>>);

impl Trace {
    /// The tap that gets everything from the event loops.
    pub fn tap(&self) -> Option<Arc<dyn Tap>> {
        self.0.clone().map(|recorder| recorder as _)
    }

    /// Fails if the file could not be written up to its limit.
    pub fn finish(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), |recorder| recorder.finish())
    }
}

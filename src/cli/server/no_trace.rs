//! Stands in for `trace`, in a build without tools to read one: no settings, and no tap.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::Tap;

/// No settings.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct TraceSettings {}

impl TraceSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// No setting has a default.
    pub fn effective(self) -> Self {
        self
    }

    /// Creates no file.
    pub fn start(&self) -> Result<Trace, Failure> {
        Ok(Trace)
    }
}

/// No trace.
pub struct Trace;

impl Trace {
    /// The event loops have no tap.
    pub fn tap(&self) -> Option<Arc<dyn Tap>> {
        None
    }

    /// Never fails.
    pub fn finish(self) -> Result<(), Failure> {
        Ok(())
    }
}

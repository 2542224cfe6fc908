//! In place of `trace`, in a build without tools that could read one: no setting, and no tap.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::Tap;

/// There is none.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct TraceSettings {}

impl TraceSettings {
    /// Nothing is taken from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// Nothing has a default.
    pub fn effective(self) -> Self {
        self
    }

    /// Makes no file.
    pub fn start(&self) -> Result<Trace, Failure> {
        Ok(Trace)
    }
}

/// No trace.
pub struct Trace;

impl Trace {
    /// The event loops show nothing to anybody.
    pub fn tap(&self) -> Option<Arc<dyn Tap>> {
        None
    }

    /// Nothing could fail.
    pub fn finish(self) -> Result<(), Failure> {
        Ok(())
    }
}

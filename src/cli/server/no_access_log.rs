//! Stands in for `access_log`, in a build without tools: no setting, and no log.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::net::AccessLog;

/// No setting.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct AccessSettings {}

impl AccessSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// No setting has a default.
    pub fn effective(self) -> Self {
        self
    }

    /// Opens no file.
    pub fn start(&self) -> Result<AccessWriter, Failure> {
        Ok(AccessWriter)
    }
}

/// No log.
pub struct AccessWriter;

impl AccessWriter {
    /// There is none.
    pub fn log(&self) -> Option<Arc<dyn AccessLog>> {
        None
    }

    /// Opens no file.
    pub fn reopen(&self) {}

    /// Waits for nothing.
    pub fn finish(self) {}
}

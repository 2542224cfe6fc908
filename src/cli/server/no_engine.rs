//! Stands in for `engine`, in a build without it: no setting, and no shared log.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use wirebell::push::Settings;

/// No settings.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct EngineSettings {}

impl EngineSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// There are no settings to show.
    pub fn effective(self) -> Self {
        self
    }

    /// There is nothing to check.
    pub fn check(&self, _has_gotify: bool) -> Result<(), Failure> {
        Ok(())
    }

    /// There is none.
    pub fn open(&self, _push: &mut Settings) -> Result<(), Failure> {
        Ok(())
    }
}

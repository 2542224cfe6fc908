//! Stands in for `data`, in a build without it: no setting, and no file.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::push::{Settings, Store};

/// No settings.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct DataSettings {}

impl DataSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// There are no defaults.
    pub fn effective(self) -> Self {
        self
    }

    /// There is none.
    pub fn is_set(&self) -> bool {
        false
    }

    /// There is none.
    pub fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// There is none.
    pub fn open(&self, _push: &mut Settings) -> Result<Option<Arc<dyn Store>>, Failure> {
        Ok(None)
    }
}

//! Stands in for `gotify`, in a build without it: no setting, and no dialect.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::push::{Gotify, Store};

/// No setting.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct GotifySettings {}

impl GotifySettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// There is no default.
    pub fn effective(self, _has_data: bool) -> Self {
        self
    }

    /// Always off.
    pub fn is_on(&self, _has_data: bool) -> bool {
        false
    }

    /// Opens no dialect.
    pub fn open(&self, _store: Arc<dyn Store>, _has_data: bool) -> Result<Opened, Failure> {
        Ok((None, None))
    }
}

/// Neither a dialect nor a password.
pub type Opened = (Option<Gotify>, Option<String>);

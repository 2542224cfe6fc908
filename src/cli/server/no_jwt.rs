//! Stands in for `jwt`, in a build without it: no setting, and no key.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use wirebell::push::Auth;

/// No setting.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct JwtSettings {}

impl JwtSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// There is no key.
    pub fn is_set(&self) -> bool {
        false
    }

    /// Adds nothing.
    pub fn add_to(&self, auth: Option<Auth>) -> Result<Option<Auth>, Failure> {
        Ok(auth)
    }
}

//! `--jwt-key-file` of `serve`: tokens that another program signs.
//!
//! Input: the setting. Output: the key, for whatever checks tokens.

use crate::cli::common::Failure;
use crate::cli::server::listening::cannot_read;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wirebell::push::{Auth, JwtKey};

/// The setting of the key, as a settings file may hold it.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct JwtSettings {
    /// File with the key of JWTs (HS256, at least 32 bytes), which are accepted besides the
    /// tokens of --tokens; reloaded when it changes [default: none are accepted]
    #[arg(long, value_name = "FILE", env = "WIREBELL_JWT_KEY_FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_key_file: Option<PathBuf>,
}

impl JwtSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            jwt_key_file: self.jwt_key_file.or(file.jwt_key_file),
        }
    }

    /// Whether there is a key.
    pub fn is_set(&self) -> bool {
        self.jwt_key_file.is_some()
    }

    /// Adds the key to those of `auth`, if there is one.
    pub fn add_to(&self, auth: Option<Auth>) -> Result<Option<Auth>, Failure> {
        let Some(path) = &self.jwt_key_file else {
            return Ok(auth);
        };
        let key = JwtKey::watch(path);
        let key = key.map_err(|error| cannot_read("--jwt-key-file", path, &error))?;
        Ok(Some(auth.unwrap_or_default().jwt_key(key)))
    }
}

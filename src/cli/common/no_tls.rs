//! Stands in for `tls`, in a build without it: no settings, and no TLS.
//!
//! Input: nothing. Output: nothing, or a failure for a variable that asks for TLS.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use wirebell::net::Listen;

/// No settings.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct TlsSettings {}

impl TlsSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// No setting has a default.
    pub fn effective(self) -> Self {
        self
    }

    /// TLS is not spoken. Fails if the environment wants it, as an unencrypted server is not what
    /// its author expects.
    pub fn load(&self, _hosts: &[String]) -> Result<Option<Tls>, Failure> {
        let wants = |(name, value): &(std::ffi::OsString, std::ffi::OsString)| {
            name.to_string_lossy().starts_with("WIREBELL_TLS_") && !value.is_empty()
        };
        match std::env::vars_os().find(wants) {
            None => Ok(None),
            Some((name, _)) => Err(Failure::usage(format!(
                "{}: this build has no TLS (feature `ring`)",
                name.to_string_lossy()
            ))),
        }
    }
}

/// Cannot exist.
pub enum Tls {}

impl Tls {
    /// Never called.
    pub fn secure(&self, _: Listen) -> Listen {
        match *self {}
    }

    /// Never called.
    pub fn check(&self) -> Result<(), Failure> {
        match *self {}
    }

    /// Never called.
    pub fn warn(&self) {
        match *self {}
    }

    /// Never called.
    pub fn reload(&self) {
        match *self {}
    }

    /// Never called.
    pub fn fingerprint(&self) -> Option<&str> {
        match *self {}
    }
}

//! `--gotify` of `serve`: the dialect of gotify, with its users.
//!
//! Input: the setting, a store. Output: the dialect, and the password of the first user.

use crate::cli::common::Failure;
use clap::Args;
use clap::builder::BoolishValueParser;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::push::{Gotify, Passwords, Store};

/// The setting of the dialect, as a settings file may hold it.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct GotifySettings {
    /// Serve clients of gotify 2.x. The password of the first user is printed once. Without --data,
    /// users, applications and messages are in memory [default: only with --data]
    #[arg(
        long,
        value_name = "BOOL",
        env = "WIREBELL_GOTIFY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gotify: Option<bool>,
}

impl GotifySettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            gotify: self.gotify.or(file.gotify),
        }
    }

    /// The setting with its default, which is whether there is a file of data.
    pub fn effective(self, has_data: bool) -> Self {
        self.or(Self {
            gotify: Some(has_data),
        })
    }

    /// Whether it is to be served.
    pub fn is_on(&self, has_data: bool) -> bool {
        self.gotify.unwrap_or(has_data)
    }

    /// The dialect, if it is to be served, with what `store` has.
    pub fn open(&self, store: Arc<dyn Store>, has_data: bool) -> Result<Opened, Failure> {
        if !self.is_on(has_data) {
            return Ok((None, None));
        }
        let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("--gotify: {error}"));
        let passwords = Passwords::on_thread().map_err(|error| failed(&error))?;
        let opened = Gotify::open(store, passwords);
        let (gotify, password) = opened.map_err(|error| failed(&error))?;
        Ok((Some(gotify), password))
    }
}

/// The dialect, and the password of its first user if that is new.
pub type Opened = (Option<Gotify>, Option<String>);

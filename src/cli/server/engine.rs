//! `--engine` of `serve`: a log that several servers share.
//!
//! Input: the settings. Output: the log of the server. Invariant: the password of the URL is shown
//! nowhere.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wirebell::push::redis::{RedisAddress, RedisLog, RedisProblem};
use wirebell::push::{Auth, Settings};

/// The settings of the shared log, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct EngineSettings {
    /// Share messages with other servers through Redis 7 or Valkey, such as
    /// redis://:PASSWORD@HOST:6379/0?prefix=w (rediss:// for TLS). Others can see the arguments of
    /// a command: a password is better in the variable or in the settings file [default: none are
    /// shared]
    #[arg(
        long,
        value_name = "URL",
        env = "WIREBELL_ENGINE",
        hide_env_values = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}

impl EngineSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            engine: self.engine.or(file.engine),
        }
    }

    /// The settings as they may be shown.
    pub fn effective(self) -> Self {
        let shown = self.address().map(|it| it.map(|it| it.to_string()));
        Self {
            engine: shown.unwrap_or_default(),
        }
    }

    /// Checks the settings, without connecting.
    // req: push-nodes-07
    pub fn check(&self, has_gotify: bool) -> Result<(), Failure> {
        if self.address()?.is_some() && has_gotify {
            return Err(Failure::usage(
                "--engine: the users of gotify belong to one server, and --data is another log: \
                 leave out --data and --gotify, or run those on a server of their own"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Connects to the log, if there is to be one.
    // req: push-nodes-07
    pub fn open(&self, push: &mut Settings) -> Result<(), Failure> {
        let Some(address) = self.address()? else {
            return Ok(());
        };
        let shown = address.to_string();
        let revocations = push.auth.as_ref().and_then(Auth::revocations);
        let opened = RedisLog::open(address, push.limits.keys, revocations);
        let log = opened.map_err(|problem| Failure::failed(told(&shown, &problem)))?;
        log::info!("messages are shared through {shown}");
        push.log = Some(Arc::new(log));
        Ok(())
    }

    fn address(&self) -> Result<Option<RedisAddress>, Failure> {
        let address = self.engine.as_ref().map(|text| text.parse());
        let bad = |problem: RedisProblem| Failure::usage(format!("--engine: {problem}"));
        address.transpose().map_err(bad)
    }
}

fn told(address: &str, problem: &RedisProblem) -> String {
    format!("--engine {address}: {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-nodes-07
    fn what_is_shown_has_no_password() {
        let settings = EngineSettings {
            engine: Some("redis://u:secret@h/0?prefix=w".into()),
        };
        assert!(settings.check(false).is_ok());
        assert!(settings.check(true).is_err());
        let shown = settings.effective().engine.unwrap();
        assert_eq!(shown, "redis://u:***@h/0?prefix=w");
        let bad = EngineSettings {
            engine: Some("http://u:secret@h".into()),
        };
        let failure = format!("{:?}", bad.check(false));
        assert!(failure.contains("status: 2"), "wrong usage: {failure}");
        assert!(!failure.contains("secret"), "{failure}");
        assert_eq!(bad.effective().engine, None);
    }
}

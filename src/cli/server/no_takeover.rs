//! Stands in for `takeover`, in a build without it: no setting, and no upgrade.
//!
//! Input: nothing. Output: nothing.

use crate::cli::common::Failure;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use wirebell::net::{Listen, Options};
use wirebell::push::{PushHandle, Settings, Store};

/// No settings.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct UpgradeSettings {}

/// No argument.
#[derive(Debug, Default, Args)]
pub struct TakeOverArgs {}

/// There is no other process.
pub struct Taken(Infallible);

/// It has no listeners.
#[derive(Default)]
pub struct Handed(());

/// None.
pub enum HandedListener {}

impl Handed {
    pub fn is_empty(&self) -> bool {
        true
    }

    pub fn names(&self) -> Vec<String> {
        Vec::new()
    }

    pub fn take(
        &mut self,
        _wants: impl Fn(&str, Option<SocketAddr>) -> bool,
    ) -> Option<HandedListener> {
        None
    }
}

impl HandedListener {
    pub fn address(&self) -> &Option<SocketAddr> {
        match *self {}
    }

    pub fn open(self) -> (Listen, Option<String>) {
        match self {}
    }
}

/// There was none.
pub enum TakenOver {}

impl TakenOver {
    pub fn end(self) {
        match self {}
    }
}

/// Nothing listens.
pub enum Waiting {}

impl Waiting {
    pub fn finish(self) {
        match self {}
    }
}

impl UpgradeSettings {
    /// Takes nothing from `file`.
    pub fn or(self, _file: Self) -> Self {
        self
    }

    /// Nothing listens.
    pub fn listen(
        &self,
        _args: &TakeOverArgs,
        _server: &PushHandle,
        _store: Option<Arc<dyn Store>>,
        _left: impl FnOnce() + Send + 'static,
    ) -> Result<Option<Waiting>, Failure> {
        Ok(None)
    }

    /// There is no way.
    pub fn starter(&self, _args: &TakeOverArgs) -> Option<Box<dyn Fn()>> {
        None
    }
}

impl TakeOverArgs {
    /// There is no other process.
    pub fn take(&self) -> Result<Option<Taken>, Failure> {
        Ok(None)
    }
}

impl Taken {
    pub fn listeners(&mut self) -> Handed {
        match self.0 {}
    }

    pub fn rest(&self, _options: &mut Options) {
        match self.0 {}
    }

    pub fn store(&mut self) -> Option<Arc<dyn Store>> {
        match self.0 {}
    }

    pub fn set_log(&mut self, _push: &mut Settings) -> Result<(), Failure> {
        match self.0 {}
    }

    pub fn finish(self, _server: &PushHandle) -> Result<TakenOver, Failure> {
        match self.0 {}
    }
}

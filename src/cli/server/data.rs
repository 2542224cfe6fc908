//! `--data` of `serve`: the file that keeps what was published.
//!
//! Input: the settings. Output: the log of the server, which is also the store of its state.

use crate::cli::common::units::Size;
use crate::cli::common::{Failure, quietly};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirebell::push::data::{DataFile, DataLimits, DataProblem, verify};
use wirebell::push::{Epoch, Settings, Store};

/// The settings of the file, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct DataSettings {
    /// Keep messages and state in this file: a publication is answered and delivered once it is on
    /// the disk. It is created if it does not exist [default: everything is in memory]
    #[arg(long, value_name = "FILE", env = "WIREBELL_DATA")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,

    /// Bytes of messages that the file keeps; beyond it the oldest go [default: 4GiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_DATA_SIZE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_size: Option<Size>,
}

impl DataSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            data: self.data.or(file.data),
            data_size: self.data_size.or(file.data_size),
        }
    }

    /// The settings with their defaults.
    pub fn effective(self) -> Self {
        let bytes = DataLimits::DEFAULT.bytes as u64;
        match self.data {
            Some(_) => self.or(Self {
                data: None,
                data_size: Some(Size(bytes)),
            }),
            None => self,
        }
    }

    /// Whether there is a file.
    pub fn is_set(&self) -> bool {
        self.data.is_some()
    }

    /// Reads the file, if there is one, without changing it. That of a server that runs is in
    /// order.
    pub fn check(&self) -> Result<(), Failure> {
        let Some(path) = &self.data else {
            return Ok(());
        };
        match quietly(|| verify(path)) {
            Err(DataProblem::InUse) => Ok(()),
            Err(DataProblem::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
            read => read.map_err(|problem| failed(path, &problem)),
        }
    }

    /// Opens the file, if there is to be one, as the log of the server, and as the store of its
    /// state.
    pub fn open(&self, push: &mut Settings) -> Result<Option<Arc<dyn Store>>, Failure> {
        let Some(path) = &self.data else {
            return Ok(None);
        };
        let mut limits = DataLimits::DEFAULT.keys(push.limits.keys);
        if let Some(Size(bytes)) = self.data_size {
            limits.bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        limits.topics = push.limits.hub.topics;
        let clock = push.clock.clone();
        let rules = push.history.clone();
        let open = || DataFile::open(path, Epoch::random(), rules, limits, move || clock.now());
        let opened = quietly(open);
        let file = opened.map_err(|problem| failed(path, &problem))?;
        push.log = Some(Arc::new(file.clone()));
        Ok(Some(Arc::new(file)))
    }
}

fn failed(path: &Path, problem: &DataProblem) -> Failure {
    Failure::failed(format!("--data {}: {problem}", path.display()))
}

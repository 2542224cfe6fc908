//! `--upgrade-socket` and `--take-over` of `serve`, and how SIGUSR2 starts a new process.
//!
//! Input: the settings. Output: a thread that gives, or what was taken.

use crate::cli::common::Failure;
use crate::cli::server::takeover::give::{Giver, Waiting, bind};
use crate::cli::server::takeover::take::Taken;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{io, thread};
use wirebell::push::{PushHandle, Store};

/// The settings of upgrades, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct UpgradeSettings {
    /// Unix socket at which another process of the same user may take over, with `--take-over`;
    /// SIGUSR2 then starts one, with the same arguments [default: none, or that of --take-over]
    #[arg(long, value_name = "PATH", env = "WIREBELL_UPGRADE_SOCKET")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_socket: Option<PathBuf>,
}

/// What a settings file cannot hold.
#[derive(Debug, Default, Args)]
pub struct TakeOverArgs {
    /// Take over listeners, topics and connections from the server with this --upgrade-socket; its
    /// clients do not notice. If that fails, it goes on, and this one ends
    #[arg(long, value_name = "PATH")]
    pub take_over: Option<PathBuf>,
}

impl TakeOverArgs {
    /// What the other process gives, if there is one.
    pub fn take(&self) -> Result<Option<Taken>, Failure> {
        self.take_over.as_deref().map(Taken::from).transpose()
    }
}

impl UpgradeSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            upgrade_socket: self.upgrade_socket.or(file.upgrade_socket),
        }
    }

    fn path<'s>(&'s self, args: &'s TakeOverArgs) -> Option<&'s Path> {
        self.upgrade_socket
            .as_ref()
            .or(args.take_over.as_ref())
            .map(PathBuf::as_path)
    }

    /// Lets another process take over from this server; `left` is called once one has. `store` is
    /// what gotify keeps in memory.
    pub fn listen(
        &self,
        args: &TakeOverArgs,
        server: &PushHandle,
        store: Option<Arc<dyn Store>>,
        left: impl FnOnce() + Send + 'static,
    ) -> Result<Option<Waiting>, Failure> {
        let Some(path) = self.path(args) else {
            return Ok(None);
        };
        let giver = Giver {
            server: server.clone(),
            store,
        };
        let started = bind(path).and_then(|it| giver.start(it, path.to_owned(), left));
        match started {
            Ok(waiting) => Ok(Some(waiting)),
            Err(error) => {
                let text = format!("--upgrade-socket {}: {error}", path.display());
                // This process has the clients of another one by now.
                if args.take_over.is_some() {
                    log::error!("{text}");
                    return Ok(None);
                }
                Err(Failure::failed(text))
            }
        }
    }

    /// Starts a process that takes over, if this one listens for it.
    pub fn starter(&self, args: &TakeOverArgs) -> Option<Box<dyn Fn()>> {
        let path = self.path(args)?.to_owned();
        Some(Box::new(move || {
            if let Err(error) = start(&path) {
                log::error!("a new process cannot be started: {error}");
            }
        }))
    }
}

/// Starts the program again, as it is on the disk now.
fn start(path: &Path) -> io::Result<()> {
    let mut args = std::env::args_os();
    let program = program(args.next().unwrap_or_default())?;
    let mut child = Command::new(program)
        .args(without_take_over(args))
        .arg("--take-over")
        .arg(path)
        // It names this process; the new one is another.
        .env_remove("WATCHDOG_PID")
        .spawn()?;
    let wait = move || match child.wait() {
        Ok(status) if !status.success() => log::error!("the new process has ended: {status}"),
        Ok(_) => {}
        Err(error) => log::error!("the new process: {error}"),
    };
    let thread = thread::Builder::new().name("wirebell-child".into());
    thread.spawn(wait).map(drop)
}

/// Where the program is. A new one may have replaced its file.
fn program(called: OsString) -> io::Result<PathBuf> {
    if called.as_bytes().contains(&b'/') {
        return Ok(called.into());
    }
    let mut path = std::env::current_exe()?.into_os_string().into_vec();
    if let Some(before) = path.strip_suffix(b" (deleted)") {
        path.truncate(before.len());
    }
    Ok(OsString::from_vec(path).into())
}

/// The arguments without the one that says from whom this process has taken over.
fn without_take_over(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let (mut kept, mut is_value) = (Vec::new(), false);
    for arg in args {
        let is_flag = arg == OsStr::new("--take-over");
        if !is_flag && !is_value && !arg.as_bytes().starts_with(b"--take-over=") {
            kept.push(arg);
        }
        is_value = is_flag;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_process_takes_over_from_this_one_only() {
        let args = [
            "serve",
            "--take-over",
            "/a",
            "--take-over=/b",
            "--drain",
            "1s",
        ];
        let args = args.map(OsString::from);
        let kept = without_take_over(args.into_iter());
        assert_eq!(kept, ["serve", "--drain", "1s"]);
    }
}

//! The servers that are measured: with their log in a file, or in memory.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::args::Cpus;
use crate::server::{Server, free_address, wirebell_line};

/// Where a server may run.
#[derive(Clone, Copy)]
pub enum Allowed {
    /// On the processor of servers.
    One(Option<Cpus>),
    /// On that of the client too.
    Both(Option<Cpus>),
}

/// A server that keeps its log in this file, or in memory.
pub fn serve(data: Option<&Path>, cpus: Allowed) -> io::Result<Server> {
    let address = free_address()?;
    let mut line: Vec<OsString> = Vec::new();
    if let Allowed::Both(Some(Cpus { server, client })) = cpus {
        // The client is pinned, which its children would inherit.
        line.extend(["taskset".into(), "-c".into()]);
        line.push(format!("{server},{client}").into());
    }
    line.extend(wirebell_line("serve", address));
    line.push("--gotify=false".into());
    if let Some(path) = data {
        line.extend(["--data".into(), path.into()]);
    }
    let pinned = match cpus {
        Allowed::One(cpus) => cpus,
        Allowed::Both(_) => None,
    };
    Server::launch(address, line, pinned)
}

//! A server under measurement: a child process, pinned, that dies with this process.
//!
//! Both servers are started in the same way, by this program in its `internal launch` form: it
//! asks the kernel for SIGKILL at the death of its parent, then becomes the server. Dropping a
//! `Server` kills it by its process id, on a panic too.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::args::Cpus;

/// How long a server may take until it accepts connections.
const START: Duration = Duration::from_secs(5);

/// Which server to start.
pub enum Kind {
    BareEcho {
        level: bool,
    },
    BareFanout {
        length: usize,
        /// Several publications at once are as many writes to each subscriber.
        each: bool,
    },
    /// So many bytes for each so many.
    BareAnswers {
        request: usize,
        answer: usize,
    },
    Wirebell {
        command: &'static str,
    },
    /// Wirebell told what to do for clients that offer permessage-deflate.
    WirebellDeflate {
        command: &'static str,
        mode: &'static str,
    },
}

pub struct Server {
    child: Child,
    pub address: SocketAddrV4,
    /// A folder of its own, which is removed with it.
    pub scratch: Option<PathBuf>,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1 and waits until it accepts.
    pub fn start(kind: &Kind, cpus: Option<Cpus>) -> io::Result<Self> {
        let address = free_address()?;
        let line = command_line(kind, address, env::current_exe()?);
        Self::launch(address, line, cpus)
    }

    /// Starts a server with this command line and waits until it accepts on the address.
    pub fn launch(
        address: SocketAddrV4,
        line: Vec<OsString>,
        cpus: Option<Cpus>,
    ) -> io::Result<Self> {
        let mut server = Self::spawn(address, line, cpus)?;
        let deadline = Instant::now() + START;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!(
                    "a server ended at its start: {status}"
                )));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("nothing listens on {address}")));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Starts a server that is to listen on this address, and does not wait for it.
    pub fn spawn(
        address: SocketAddrV4,
        line: Vec<OsString>,
        cpus: Option<Cpus>,
    ) -> io::Result<Self> {
        let mut launch = Command::new(env::current_exe()?);
        launch.args(["internal", "launch"]);
        if let Some(cpus) = cpus {
            launch.args(["taskset", "-c", &cpus.server.to_string()]);
        }
        launch.args(line);
        // Only errors: a log line per connection would be on the server's account.
        launch
            .env("WIREBELL_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(Self {
            child: launch.spawn()?,
            address,
            scratch: None,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about either failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(scratch) = &self.scratch {
            let _ = fs::remove_dir_all(scratch);
        }
    }
}

/// The child's part: tie this process to its parent, then become `program`.
pub fn launch(program: &[String]) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let (name, rest) = program
        .split_first()
        .ok_or_else(|| io::Error::other("no program"))?;
    Err(Command::new(name).args(rest).exec())
}

/// The Wirebell binary: `WIREBELL_BIN`, or the one that Cargo built with this benchmark.
pub fn wirebell() -> PathBuf {
    let built = || Path::new(env!("CARGO_BIN_EXE_wirebell")).to_owned();
    env::var_os("WIREBELL_BIN").map_or_else(built, PathBuf::from)
}

/// Keeps this process off the server's processor.
pub fn pin_self(cpu: usize) -> bool {
    let arguments = [
        "-cp".to_owned(),
        cpu.to_string(),
        std::process::id().to_string(),
    ];
    let mut taskset = Command::new("taskset");
    taskset
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    taskset.status().is_ok_and(|status| status.success())
}

fn command_line(kind: &Kind, address: SocketAddrV4, this: PathBuf) -> Vec<OsString> {
    let port = address.port().to_string();
    let internal = |rest: &[&str]| {
        let mut line = vec![this.into_os_string(), "internal".into(), "bare".into()];
        line.extend(rest.iter().map(OsString::from));
        line
    };
    match kind {
        Kind::BareEcho { level: false } => internal(&["echo", &port]),
        Kind::BareEcho { level: true } => internal(&["echo", &port, "--level"]),
        Kind::BareFanout { length, each } => {
            let each = if *each { "--each" } else { "--together" };
            internal(&["fanout", &port, &length.to_string(), each])
        }
        Kind::BareAnswers { request, answer } => {
            let [request, answer] = [request, answer].map(usize::to_string);
            internal(&["answer", &port, &request, &answer])
        }
        Kind::Wirebell { command } => wirebell_line(command, address),
        Kind::WirebellDeflate { command, mode } => {
            let mut line = wirebell_line(command, address);
            line.extend(["--deflate".into(), mode.into()]);
            line
        }
    }
}

/// The command line of a server with one worker.
pub fn wirebell_line(command: &str, address: SocketAddrV4) -> Vec<OsString> {
    let mut line = vec![wirebell().into_os_string(), command.into()];
    line.extend(["--listen".into(), address.to_string().into()]);
    line.extend(["--workers".into(), "1".into()]);
    // Subscribers send nothing, and count the bytes that come: no ping may be among them.
    line.extend(["--ping-interval".into(), "1h".into()]);
    line
}

/// An address that is free now. Another process could take it before the server does; then the
/// server ends with an error, which `start` reports.
pub fn free_address() -> io::Result<SocketAddrV4> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(SocketAddrV4::new(
        Ipv4Addr::LOCALHOST,
        listener.local_addr()?.port(),
    ))
}

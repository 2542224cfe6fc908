//! Runs the built command, with nothing of our own environment that could change what it does.

use crate::net_support::{Client, PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

/// How a command ended and what it printed.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The command with these arguments, and without settings from our environment.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirebell"));
    command.args(args);
    bare(command)
}

/// The same under a bound on open files.
pub fn command_with_files(files: u32, args: &[&str]) -> Command {
    under(&format!("ulimit -n {files}"), args)
}

/// The same under one that the command itself may raise.
pub fn command_with_soft_limit(files: u32, args: &[&str]) -> Command {
    under(&format!("ulimit -Sn {files}"), args)
}

fn under(limit: &str, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_wirebell")]);
    command.args(args);
    bare(command)
}

fn bare(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("WIREBELL_") || ours.starts_with("RUST_") || ours.ends_with("_proxy") {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
#[track_caller]
pub fn run(args: &[&str]) -> Outcome {
    run_command(command(args))
}

#[track_caller]
pub fn run_command(command: Command) -> Outcome {
    let mut program = Program::spawn(command);
    let status = program.wait();
    Outcome {
        status: status.code(),
        stdout: program.stdout(),
        stderr: program.stderr(),
    }
}

/// A running command. Killed when it is dropped.
pub struct Program {
    child: Child,
    first_lines: Receiver<String>,
    first_errors: Receiver<String>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Program {
    pub fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command can be run");
        let (sender, first_lines) = channel();
        let stdout = child.stdout.take().expect("a pipe");
        let stdout = std::thread::spawn(move || {
            let mut all = String::new();
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                all = all + &line + "\n";
                let _ = sender.send(line);
            }
            all
        });
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, first_errors) = channel();
        let stderr = std::thread::spawn(move || {
            let mut all = Vec::new();
            let mut stderr = BufReader::new(stderr);
            while stderr.read_until(b'\n', &mut all).is_ok_and(|n| n > 0) {
                let _ = sender.send(String::from_utf8_lossy(&all).trim_end().to_owned());
            }
            String::from_utf8_lossy(&all).into_owned()
        });
        Self {
            child,
            first_lines,
            first_errors,
            stdout: Some(stdout),
            stderr: Some(stderr),
        }
    }

    /// The first line that is printed to stderr.
    #[track_caller]
    pub fn first_error(&self) -> String {
        let line = self.first_errors.recv_timeout(PATIENCE);
        line.expect("a line on stderr")
    }

    /// Starts a server and waits until it prints its address.
    #[track_caller]
    pub fn serve(args: &[&str]) -> (Self, SocketAddr) {
        Self::serve_command(command(args))
    }

    #[track_caller]
    pub fn serve_command(command: Command) -> (Self, SocketAddr) {
        let mut program = Self::spawn(command);
        let Ok(line) = program.first_lines.recv_timeout(PATIENCE) else {
            let _ = program.child.kill();
            panic!("it does not serve: {}", program.stderr());
        };
        let (_, url) = line.split_once("://").expect("a URL in the first line");
        // Others may follow.
        let address = url.split('/').next().unwrap_or_default();
        let address = address.parse().expect("an address");
        (program, address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for the end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait_until("the process ends", || !self.is_running());
        self.child.wait().expect("it has ended")
    }

    /// Everything that was printed, once the process has ended.
    pub fn stdout(&mut self) -> String {
        self.stdout.take().expect("once").join().expect("read")
    }

    pub fn stderr(&mut self) -> String {
        self.stderr.take().expect("once").join().expect("read")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A WebSocket connection on `/echo`.
#[track_caller]
pub fn open_echo(address: SocketAddr) -> Client {
    Client::open_at(address, "/echo")
}

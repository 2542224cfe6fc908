//! The server: the program of this build.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long it may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts one; with so many workers, one that takes over from the one at the socket.
    pub fn start(socket: &Path, data: Option<&Path>, workers: Option<usize>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirebell"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WIREBELL_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--deflate", "takeover"])
            .args(["--drain", "100ms", "--close-timeout", "1s", "--log", "warn"])
            .arg("--upgrade-socket")
            .arg(socket);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        if let Some(workers) = workers {
            command.args(["--workers", &workers.to_string()]);
            command.arg("--take-over").arg(socket);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the command can be run");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout);
        lines.read_line(&mut line).expect("a line");
        thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let port = line
            .trim_end()
            .trim_end_matches('/')
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("it does not serve: {line:?}"));
        Self { child, port }
    }

    pub fn expect_running(&mut self) {
        let ended = self.child.try_wait().expect("a child");
        assert_eq!(ended, None, "it has ended");
    }

    /// It ends by itself.
    pub fn expect_end(&mut self) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child") {
                assert!(status.success(), "{status}");
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("it does not end");
    }

    pub fn stop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        self.expect_end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

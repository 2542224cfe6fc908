//! The programs: two Redis servers, of which one replicates the other, and servers of ours.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to start.
const START: Duration = Duration::from_secs(30);

/// What all scripts begin with, and the one that appends.
pub const APPEND: &str = concat!(
    include_str!("../../src/push/redis/begin.lua"),
    include_str!("../../src/push/redis/append.lua")
);

/// A free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

pub fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("a process id");
    kill_process(Pid::from_raw(pid).expect("a process id"), signal).expect("our process");
}

/// Kills it with SIGKILL.
fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// One Redis.
pub struct Redis {
    pub port: u16,
    directory: PathBuf,
    pub child: Option<Child>,
}

impl Redis {
    pub fn new() -> Self {
        let port = free_port();
        let name = format!("wirebell-nodes-{}-{port}", std::process::id());
        Self {
            port,
            directory: std::env::temp_dir().join(name),
            child: None,
        }
    }

    /// Starts it with what it has on the disk, as a replica of another one or as a primary.
    pub fn start(&mut self, of: Option<u16>) {
        std::fs::create_dir_all(&self.directory).expect("a directory");
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".into());
        let mut command = Command::new(&program);
        let port = self.port.to_string();
        command
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "everysec"])
            .args([
                "--repl-diskless-sync-delay",
                "0",
                "--repl-ping-replica-period",
                "1",
            ])
            .args(["--logfile", "log"])
            .arg("--dir")
            .arg(&self.directory)
            .stdout(Stdio::null());
        if let Some(of) = of {
            command.args(["--replicaof", "127.0.0.1", &of.to_string()]);
        }
        let child = command.spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{program}: {error}")));
        wait_for("Redis", || self.ask(&["PING"]).contains("PONG"));
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill(&mut child);
        }
    }

    /// Loses everything that it has on the disk.
    pub fn wipe(&self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    pub fn signal(&self, which: Signal) {
        signal(self.child.as_ref().expect("it runs"), which);
    }

    /// The answer to a command; empty if there is none.
    pub fn ask(&self, words: &[&str]) -> String {
        ask(self.port, words).unwrap_or_default()
    }

    /// Empties the one at this port.
    pub fn flush(port: u16) {
        ask(port, &["FLUSHALL"]).expect("Redis");
    }

    /// Waits until it has all that its primary has.
    pub fn wait_for_sync(&self) {
        wait_for("the replica", || {
            self.ask(&["INFO", "replication"])
                .contains("master_link_status:up")
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        self.wipe();
    }
}

fn ask(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    request += "*1\r\n$4\r\nQUIT\r\n";
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

pub fn wait_for(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < START, "{what} does not get ready");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A primary and its replica.
pub struct Cluster {
    pub all: [Redis; 2],
    /// Which one is the primary.
    pub primary: usize,
}

impl Cluster {
    pub fn start() -> Self {
        let mut all = [Redis::new(), Redis::new()];
        all[0].start(None);
        let port = all[0].port;
        all[1].start(Some(port));
        all[1].wait_for_sync();
        Self { all, primary: 0 }
    }

    pub fn url(&self) -> String {
        let [one, two] = &self.all;
        let (one, two) = (one.port, two.port);
        format!("redis://127.0.0.1:{one},127.0.0.1:{two}/0?prefix=test&keep=1000000")
    }

    pub fn primary(&mut self) -> &mut Redis {
        &mut self.all[self.primary]
    }

    pub fn replica(&mut self) -> &mut Redis {
        &mut self.all[1 - self.primary]
    }
}

/// One of ours.
pub struct Server {
    pub port: u16,
    url: String,
    pub child: Option<Child>,
}

impl Server {
    pub fn start(url: &str) -> Self {
        let mut server = Self {
            port: free_port(),
            url: url.to_owned(),
            child: None,
        };
        server.run();
        server
    }

    /// Starts it at the same port.
    pub fn run(&mut self) {
        let config = std::env::temp_dir().join(format!("wirebell-nodes-{}.toml", self.port));
        let topics = "[[topics]]\npattern = \"**\"\nhistory = 1000000\nbytes = \"64MiB\"\n";
        std::fs::write(&config, topics).expect("a settings file");
        let log = std::env::var("NODES_LOG").unwrap_or_else(|_| "error".into());
        let child = Command::new(env!("CARGO_BIN_EXE_wirebell"))
            .args(["serve", "--workers", "2", "--log", &log])
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--config")
            .arg(&config)
            .env("WIREBELL_ENGINE", &self.url)
            .stdout(Stdio::null())
            .stderr(match log.as_str() {
                "error" => Stdio::null(),
                _ => Stdio::inherit(),
            })
            .spawn();
        self.child = Some(child.expect("the command can be run"));
        let port = self.port;
        wait_for("a server", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        let _ = std::fs::remove_file(config);
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill(&mut child);
        }
    }

    pub fn signal(&self, which: Signal) {
        signal(self.child.as_ref().expect("it runs"), which);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

//! System calls per unit of work, counted by `strace -c` when the machine has it.
//!
//! Counting slows the server many times over, so nothing is timed meanwhile. A slow server finds
//! more work per wake-up: `waits` are lower here than in the timed rounds.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Calls per unit of work.
#[derive(Clone, Copy, Default)]
pub struct Calls {
    pub reads: f64,
    pub writes: f64,
    pub waits: f64,
    /// `epoll_ctl` and whatever else.
    pub others: f64,
}

/// Attaches to all threads of a process, runs `work`, and detaches.
pub fn count(pid: u32, work: impl FnOnce() -> io::Result<u64>) -> io::Result<Calls> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-p", &pid.to_string()]);
    strace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut tracer = Tracer(strace.spawn()?);
    let stderr = tracer
        .0
        .stderr
        .take()
        .ok_or_else(|| io::Error::other("no pipe"))?;
    let mut stderr = BufReader::new(stderr);
    let mut text = String::new();
    stderr.read_line(&mut text)?;
    if !text.contains("attached") {
        return Err(io::Error::other(text.trim().to_owned()));
    }
    let units = work()?.max(1) as f64;
    // An interrupt makes it detach and print its table.
    let tracer_pid = Pid::from_child(&tracer.0);
    kill_process(tracer_pid, Signal::INT)?;
    text.clear();
    stderr.read_to_string(&mut text)?;
    tracer.0.wait()?;
    Ok(parse(&text).per(units))
}

/// Kills strace, which then lets go of the server, if anything fails.
struct Tracer(Child);

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines of the table: % time, seconds, usecs/call, calls, perhaps errors, name.
fn parse(table: &str) -> Calls {
    let mut calls = Calls::default();
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(count), Some(name)) = (fields.get(3), fields.last()) else {
            continue;
        };
        let Ok(count) = count.parse::<f64>() else {
            continue;
        };
        match *name {
            "read" | "recvfrom" | "readv" | "recvmsg" => calls.reads += count,
            "write" | "sendto" | "writev" | "sendmsg" => calls.writes += count,
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => calls.waits += count,
            "total" => {}
            _ => calls.others += count,
        }
    }
    calls
}

impl Calls {
    fn per(self, units: f64) -> Self {
        Self {
            reads: self.reads / units,
            writes: self.writes / units,
            waits: self.waits / units,
            others: self.others / units,
        }
    }
}

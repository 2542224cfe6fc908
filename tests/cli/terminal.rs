//! `wirebell connect` at a pseudo-terminal: marks, colours, Ctrl-D, and nothing that a terminal
//! would obey.

use super::connecting::{echo, serve};
use super::program::command;
use crate::net_support::PATIENCE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};

struct Terminal {
    master: File,
    child: Child,
    seen: String,
}

impl Terminal {
    fn run(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || {
            let path = name.to_str().unwrap();
            File::options().read(true).write(true).open(path).unwrap()
        };
        let mut command = command(args);
        command
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied());
        command
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()));
        Self {
            child: command.spawn().unwrap(),
            master: File::from(master),
            seen: String::new(),
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until `part` was shown.
    #[track_caller]
    fn expect(&mut self, part: &str) {
        let time = Timespec {
            tv_sec: PATIENCE.as_secs() as i64,
            tv_nsec: 0,
        };
        while !self.seen.contains(part) {
            let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
            let news = poll(&mut ready, Some(&time)).unwrap();
            assert!(news > 0, "{part:?} does not come: {:?}", self.seen);
            let mut bytes = [0; 1024];
            let n = self.master.read(&mut bytes).unwrap_or(0);
            assert!(n > 0, "{part:?} does not come any more: {:?}", self.seen);
            self.seen += &String::from_utf8_lossy(&bytes[..n]);
        }
    }
}

#[test]
fn a_person_sees_marks_and_colours_and_closes_with_ctrl_d() {
    let (_server, address) = serve();
    let mut terminal = Terminal::run(&["connect", &echo(address)], &[]);
    terminal.expect("Connected to ws://");
    terminal.type_in("hello\n");
    terminal.expect("\u{1b}[36m< hello\u{1b}[0m");
    terminal.type_in("\u{16}\u{1b}[2J\n");
    terminal.expect("< \\u{1b}[2J");
    terminal.type_in("\u{4}");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
}

#[test]
fn no_color_is_obeyed() {
    let (_server, address) = serve();
    let uri = echo(address);
    let args = ["connect", "--show-frames", &uri];
    let mut terminal = Terminal::run(&args, &[("NO_COLOR", "1")]);
    terminal.expect("Connected to ws://");
    terminal.type_in("hello\n");
    terminal.expect("< hello");
    terminal.expect("< text 5 B");
    assert!(!terminal.seen.contains("\u{1b}[3"), "{:?}", terminal.seen);
    terminal.type_in("\u{4}");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
}

//! What a server survives: a stderr without a reader, a terminal that hangs up, SIGHUP, and odd
//! files in place of its own.

use super::file;
use super::program::{Program, command, open_echo, run};
use crate::net_support::push::{publication, registration};
use crate::net_support::{Client, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

fn free_address() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("bound")
}

/// Kills what is left of a test that fails.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_stderr_and_a_stdout_without_a_reader_block_nothing() {
    for server in ["serve", "echo"] {
        let address = free_address();
        let (_reader, mut writer) = std::io::pipe().expect("a pipe");
        // More than a pipe holds.
        writer.write_all(&[b'x'; 65536]).expect("room");
        let mut command = command(&[server, "--listen", &address.to_string(), "--log", "trace"]);
        command
            .stdout(writer.try_clone().expect("a copy"))
            .stderr(writer);
        let mut server = Started(command.spawn().expect("runs"));
        wait_until("it listens", || {
            std::net::TcpStream::connect(address).is_ok()
        });
        for n in 0..50 {
            let mut client = Client::connect(address);
            let origin = format!("Origin: http://evil.test/{n}\r\n");
            let refused = crate::net_support::client::upgrade("/echo", &origin);
            assert_eq!(client.ask(refused).status, 403);
        }
        open_echo(address).expect_echo("still serving");
        kill_process(Pid::from_child(&server.0), Signal::TERM).expect("it is there");
        wait_until("it ends", || {
            server.0.try_wait().expect("a child").is_some()
        });
        assert_eq!(server.0.wait().expect("ended").code(), Some(0));
    }
}

#[test]
fn a_hangup_without_a_terminal_has_the_files_read_again() {
    let tokens = file("cli-hangup-tokens", "old alice\n");
    let path = tokens.to_str().expect("a path");
    let mut command = Command::new("setsid");
    command.args([
        env!("CARGO_BIN_EXE_wirebell"),
        "serve",
        "--listen",
        "127.0.0.1:0",
    ]);
    command
        .args(["--echo", "--token-file", path])
        .stdin(Stdio::null());
    let (mut program, address) = Program::serve_command(command);
    let mut client = open_echo(address);
    file("cli-hangup-tokens", "new alice\n");
    program.signal(Signal::HUP);
    let mut subscriber = Client::open_at(address, "/ws");
    let mut publisher = Client::connect(address);
    wait_until("the new token counts", || {
        subscriber = Client::open_at(address, "/ws");
        subscriber.send_text(&registration("new", "e"));
        std::thread::sleep(std::time::Duration::from_millis(20));
        let body = publication("alice", "e", "m");
        publisher.post("/push", "", &body).body == "message sent to 1 clients"
    });
    client.expect_echo("still here");
    program.signal(Signal::TERM);
    drop((client, subscriber, publisher));
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.stderr().contains("SIGHUP"));
}

#[test]
fn a_server_whose_terminal_goes_says_goodbye() {
    // The server itself must not hold its other end.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let path = name.to_str().expect("a path").to_owned();
    let open = || {
        File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("it opens")
    };
    let address = free_address();
    let mut command = Command::new("setsid");
    // The test run may ignore the signal, as under nohup, which children inherit.
    command.args(["--ctty", "env", "--default-signal=HUP"]);
    command.args([env!("CARGO_BIN_EXE_wirebell"), "serve"]);
    command.args(["--listen", &address.to_string()]);
    command.stdin(open()).stdout(open()).stderr(open());
    let mut server = Started(command.spawn().expect("runs"));
    drop(command);
    wait_until("it listens", || {
        std::net::TcpStream::connect(address).is_ok()
    });
    let mut client = open_echo(address);
    // The signals are taken before the server listens.
    drop(master);
    client.expect_close(1001);
    client.send_frame(&crate::support::frames::close(1001, ""));
    drop(client);
    wait_until("it ends", || {
        server.0.try_wait().expect("a child").is_some()
    });
    assert_eq!(server.0.wait().expect("ended").code(), Some(0));
}

#[test]
fn a_capture_is_private_and_a_file() {
    let path = file("cli-private.pcap", "what was there before");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("permitted");
    let args = ["echo", "--listen", "127.0.0.1:0", "--trace"];
    let (program, _) = Program::serve(&[&args[..], &[path.to_str().expect("a path")]].concat());
    let about = std::fs::metadata(&path).expect("it is there");
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert_eq!(about.len(), 24, "the head of a capture");
    drop(program);
    let link = path.with_extension("link");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    for other in [link.to_str().expect("a path"), "/dev/null", "/tmp"] {
        let outcome = run(&[&args[..], &[other]].concat());
        super::errors::expect_line(&outcome, 2, &["--trace", other, "regular file"]);
    }
}

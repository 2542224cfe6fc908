//! `serve` and `echo` with certificates: what they speak where, when they read files again, and
//! which settings they refuse.

use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use crate::net_support::wait_until;
use rustix::process::Signal;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wirebell::tls::rustls::{ClientConnection, StreamOwned};
use wirebell::tls::{Authorities, Connector, ConnectorOptions};

/// A directory with `cert.pem` and `key.pem`, made by the command.
struct Pair(PathBuf);

impl Pair {
    #[track_caller]
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        let path = folder.to_str().expect("a path");
        let outcome = run(&["certificate", "--output", path, "push.example"]);
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
        Self(folder)
    }

    fn certificate(&self) -> String {
        self.0.join("cert.pem").display().to_string()
    }

    fn key(&self) -> String {
        self.0.join("key.pem").display().to_string()
    }

    /// A client that trusts it.
    fn client(&self) -> Connector {
        let trusts = Authorities::from_file(self.certificate()).expect("it is one");
        Connector::new(ConnectorOptions::default().authorities(Some(trusts)))
    }
}

fn insecure() -> Connector {
    Connector::new(ConnectorOptions::default().insecure(true))
}

/// The answer to a request for `path`, or why there is none.
fn get(address: SocketAddr, connector: &Connector, path: &str) -> Result<String, String> {
    let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    let config = connector.config().expect("it can be used");
    let name = "localhost".try_into().expect("a name");
    let client = ClientConnection::new(config, name).expect("a client");
    let mut stream = StreamOwned::new(client, socket);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .map_err(|error| error.to_string())?;
    Ok(answer)
}

fn in_clear(mut stream: impl std::io::Read + std::io::Write) -> String {
    let request = "GET /healthz?a=b HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[track_caller]
fn refused(args: &[&str], status: i32, part: &str) {
    let Outcome {
        status: actual,
        stderr,
        ..
    } = run(args);
    assert_eq!(actual, Some(status), "{args:?}: {stderr}");
    assert!(stderr.contains(part), "{args:?}: {stderr}");
}

#[test]
fn a_self_signed_server_says_so_and_speaks_tls() {
    let args = ["--listen", "127.0.0.1:0", "--tls-self-signed"];
    let (mut program, address) = Program::serve(&[&["serve"], &args[..]].concat());
    let answer = get(address, &insecure(), "/healthz").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let error = get(address, &Pair::new("tls-other").client(), "/healthz").unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    let plain = in_clear(TcpStream::connect(address).expect("it listens"));
    assert!(plain.starts_with("HTTP/1.1 400"), "{plain}");
    program.signal(Signal::TERM);
    assert!(program.wait().success());
    let stdout = program.stdout();
    assert!(stdout.contains(&format!("https://{address}/")), "{stdout}");
    assert!(
        stdout.contains("SHA-256 ") && stdout.contains("curl -k "),
        "{stdout}"
    );
    let (mut program, address) = Program::serve(&[&["echo"], &args[..]].concat());
    program.signal(Signal::TERM);
    assert!(program.wait().success());
    assert!(program.stdout().contains(&format!("wss://{address}/")));
}

#[test]
fn tls_and_clear_side_by_side() {
    let pair = Pair::new("tls-mixed");
    let path = std::env::temp_dir().join(format!("wirebell-tls-{}.sock", std::process::id()));
    let unix = format!("unix:{}", path.display());
    let free = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [secure, redirect] = free.map(|free| free.local_addr().expect("bound"));
    let config = file(
        "tls-mixed.toml",
        &format!(
            "listen = [\"{secure}\", \"http:{unix}\", \"redirect:{redirect}\"]\n\
             tls_cert = {:?}\ntls_key = {:?}\n",
            pair.certificate(),
            pair.key()
        ),
    );
    let mut program = Program::spawn(command(&["--config", config.to_str().expect("a path")]));
    wait_until("it listens", || TcpStream::connect(secure).is_ok());
    let answer = get(secure, &pair.client(), "/healthz").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = in_clear(UnixStream::connect(&path).expect("it listens"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = in_clear(TcpStream::connect(redirect).expect("it listens"));
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    let location = format!("https://localhost:{}/healthz?a=b", secure.port());
    assert!(answer.contains(&location), "{answer}");
    program.signal(Signal::TERM);
    assert!(program.wait().success());
    assert!(!path.exists());
}

#[test]
fn a_hangup_has_the_certificate_read_again() {
    let (pair, other) = (Pair::new("tls-hangup"), Pair::new("tls-hangup-new"));
    let mut command = Command::new("setsid");
    command.args([env!("CARGO_BIN_EXE_wirebell"), "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--tls-cert", &pair.certificate()]);
    command
        .args(["--tls-key", &pair.key()])
        .stdin(Stdio::null());
    let (mut program, address) = Program::serve_command(command);
    let (old, new) = (pair.client(), other.client());
    assert!(get(address, &old, "/healthz").is_ok());
    assert!(get(address, &new, "/healthz").is_err());
    fs::copy(other.0.join("cert.pem"), pair.0.join("cert.pem")).expect("copied");
    fs::copy(other.0.join("key.pem"), pair.0.join("key.pem")).expect("copied");
    program.signal(Signal::HUP);
    wait_until("the new one is presented", || {
        get(address, &new, "/healthz").is_ok()
    });
    program.signal(Signal::TERM);
    assert!(program.wait().success());
    assert!(program.stderr().contains("cert.pem: read again"));
}

#[test]
fn a_socket_of_a_service_manager_is_served() {
    for args in [&["echo"][..], &["echo", "--listen", "fd:3"]] {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound");
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 </dev/null"]);
        command.arg(env!("CARGO_BIN_EXE_wirebell")).args(args);
        command.env("LISTEN_FDS", "1").env_remove("LISTEN_PID");
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)));
        let (_program, told) = Program::serve_command(command);
        assert_eq!(told, address);
        super::program::open_echo(address).expect_echo("inherited");
    }
    let mut command = command(&["echo", "--check", "--listen", "fd:4"]);
    command.env("LISTEN_FDS", "1").env_remove("LISTEN_PID");
    let outcome = run_command(command);
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.contains("fd:3 is the first"), "{outcome:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_listens() {
    let pair = Pair::new("tls-refused");
    let (certificate, key) = (&*pair.certificate(), &*pair.key());
    let both = ["--tls-cert", certificate, "--tls-key", key];
    let rows: [(&[&str], &str); 7] = [
        (&both[..2], "each needs its --tls-key"),
        (&both[2..], "each needs its --tls-cert"),
        (&["--tls-min-version", "1.3"], "--tls-min-version: without"),
        (
            &["--listen", "tls:127.0.0.1:1"],
            "--listen tls:127.0.0.1:1: ",
        ),
        (
            &[&["--tls-self-signed"], &both[..]].concat(),
            "leave out one",
        ),
        (
            &["--tls-self-signed", "--tls-client-auth", "optional"],
            "set --tls-client-ca",
        ),
        (
            &["--tls-self-signed", "--listen", "http:127.0.0.1:1"],
            "no listener speaks TLS",
        ),
    ];
    for (args, part) in rows {
        refused(&[&["serve", "--check"], args].concat(), 2, part);
        refused(&[&["echo"], args].concat(), 2, part);
    }
}

#[test]
fn files_that_cannot_work_are_refused_before_anything_listens() {
    let (pair, other) = (Pair::new("tls-files"), Pair::new("tls-files-other"));
    let (certificate, key) = (&*pair.certificate(), &*pair.key());
    let empty = file("tls-empty.pem", "");
    let empty = empty.to_str().expect("a path");
    let rows = [
        (
            certificate,
            &*other.key(),
            "does not belong to the certificate",
        ),
        (key, certificate, "interchanged"),
        (empty, key, "the file is empty"),
        (certificate, empty, "--tls-key "),
    ];
    for (certificate, key, part) in rows {
        let args = ["--tls-cert", certificate, "--tls-key", key];
        refused(&[&["serve", "--check"], &args[..]].concat(), 1, part);
        refused(&[&["echo"], &args[..]].concat(), 1, part);
    }
}

#[test]
fn check_prints_the_settings_of_tls_as_a_settings_file() {
    let pair = Pair::new("tls-check");
    let (certificate, key) = (&*pair.certificate(), &*pair.key());
    let first = run(&[
        "serve",
        "--check",
        "--tls-cert",
        certificate,
        "--tls-key",
        key,
        "--tls-client-ca",
        certificate,
    ]);
    assert_eq!((first.status, &*first.stderr), (Some(0), ""));
    for line in [
        "tls_min_version = \"1.2\"",
        "tls_client_auth = \"required\"",
    ] {
        assert!(first.stdout.contains(line), "{}", first.stdout);
    }
    let path = file("tls-check.toml", &first.stdout);
    let second = run(&[
        "serve",
        "--check",
        "--config",
        path.to_str().expect("a path"),
    ]);
    assert_eq!(second.stdout, first.stdout);
}

#[test]
fn a_certificate_is_written_once_and_its_key_for_its_owner_alone() {
    let pair = Pair::new("tls-written");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&pair.0.join("key.pem")), 0o600);
    let folder = pair.0.to_str().expect("a path");
    let before = fs::read(pair.0.join("key.pem")).expect("a file");
    refused(&["certificate", "--output", folder], 1, "key.pem: ");
    assert_eq!(fs::read(pair.0.join("key.pem")).expect("a file"), before);
    // Without one of the two, nothing is written either.
    fs::remove_file(pair.0.join("key.pem")).expect("removed");
    refused(&["certificate", "--output", folder], 1, "cert.pem: ");
    assert!(!pair.0.join("key.pem").exists());
    refused(&["certificate", "--output", folder, "a b"], 2, "a b: ");
}

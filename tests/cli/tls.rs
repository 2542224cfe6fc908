//! `wss://` and `https://` in the commands that connect: each flag, and what is said of servers
//! that are not to be trusted.

use super::connecting::pipe;
use super::errors::expect_line;
use super::file;
use super::program::{Outcome, command, run, run_command};
use crate::net_support::echo::echo_on;
use crate::net_support::{PATIENCE, options};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use wirebell::net::{Listen, Server};
use wirebell::tls::rustls::pki_types::pem::PemObject as _;
use wirebell::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wirebell::tls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};
use wirebell::tls::{Acceptor, AcceptorOptions, Authorities, ClientAuth, SelfSigned};

/// An echo server under TLS, and the file with its certificate.
struct Echo {
    server: Option<Server<()>>,
    ca: PathBuf,
}

impl Echo {
    /// `name` is that of the file.
    fn start(name: &str, clients: ClientAuth) -> Self {
        let made = SelfSigned::new(["wirebell.example"]).unwrap();
        let options_of = AcceptorOptions::default().clients(clients);
        let acceptor = Acceptor::new([made.identity().unwrap()], options_of).unwrap();
        let listen = Listen::tcp("127.0.0.1:0").unwrap().secured(acceptor);
        Self {
            server: Some(echo_on(listen, options())),
            ca: file(&format!("tls-{name}.pem"), made.certificate_pem()),
        }
    }

    fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().local_addr()
    }

    fn uri(&self) -> String {
        format!("wss://localhost:{}/", self.address().port())
    }

    fn ca(&self) -> &str {
        self.ca.to_str().unwrap()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let server = self.server.take().unwrap();
        server.stop();
        let _ = server.join();
    }
}

/// Another certificate, which signs nothing of ours.
fn other_ca() -> String {
    let made = SelfSigned::new(["other.example"]).unwrap();
    let path = file("tls-other.pem", made.certificate_pem());
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn expect_echo(outcome: &Outcome) {
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "one\ntwo\n", "{outcome:?}");
}

const LINES: &[u8] = b"one\ntwo\n";

#[test]
fn connect_trusts_whom_it_is_told_to() {
    let echo = Echo::start("trust", ClientAuth::None);
    let (uri, ca) = (echo.uri(), echo.ca());
    let outcome = pipe(LINES, &["--ca-file", ca, &uri]);
    expect_echo(&outcome);
    assert_eq!(outcome.stderr, "");
    let by_address = format!("wss://{}/", echo.address());
    expect_echo(&pipe(LINES, &["--ca-file", ca, &by_address]));
    let other_name = [
        "--ca-file",
        ca,
        "--tls-server-name",
        "wirebell.example",
        &uri,
    ];
    expect_echo(&pipe(LINES, &other_name));
    let other = other_ca();
    for flags in [&["-k"][..], &["--insecure", "--ca-file", &other]] {
        let outcome = pipe(LINES, &[flags, &[&uri]].concat());
        expect_echo(&outcome);
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        assert!(outcome.stderr.contains("--insecure"), "{outcome:?}");
    }
}

#[test]
fn the_environment_can_name_authorities_and_a_file_of_keys() {
    let echo = Echo::start("environment", ClientAuth::None);
    for variable in ["WIREBELL_CA_FILE", "SSL_CERT_FILE"] {
        let mut command = command(&[
            "connect",
            "--max-messages",
            "1",
            "--wait",
            "5s",
            &echo.uri(),
        ]);
        command.env(variable, echo.ca());
        let input = file("tls-environment-input", "one\n");
        command.stdin(std::fs::File::open(input).unwrap());
        let keys = file("tls-keys", "");
        command.env("SSLKEYLOGFILE", &keys);
        let outcome = run_command(command);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(0), "one\n"),
            "{outcome:?}"
        );
        let keys = std::fs::read_to_string(keys).unwrap();
        assert!(keys.contains("CLIENT_TRAFFIC_SECRET_0"), "{keys}");
    }
}

#[test]
fn a_trace_shows_what_was_encrypted() {
    let echo = Echo::start("trace", ClientAuth::None);
    let trace = file("tls-trace.pcap", "");
    let trace = trace.to_str().unwrap();
    let outcome = pipe(
        LINES,
        &["--ca-file", echo.ca(), "--trace", trace, &echo.uri()],
    );
    expect_echo(&outcome);
    let shown = run(&["inspect", trace]);
    assert_eq!(shown.status, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("GET / HTTP/1.1"), "{shown:?}");
}

#[test]
fn a_certificate_of_the_client() {
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let authorities = Authorities::from_pem(made.cert.pem().as_bytes()).unwrap();
    let echo = Echo::start("clients", ClientAuth::Required(authorities));
    let cert = file("tls-client.pem", &made.cert.pem());
    let key = file("tls-client-key.pem", &made.signing_key.serialize_pem());
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let (uri, ca) = (echo.uri(), echo.ca());
    let own = [
        "--ca-file",
        ca,
        "--client-cert",
        cert,
        "--client-key",
        key,
        &uri,
    ];
    expect_echo(&pipe(LINES, &own));
    let short = ["--ca-file", ca, "--cert", cert, "--key", key, &uri];
    expect_echo(&pipe(LINES, &short));
    let case = ["verify", "--case", "ping.0"];
    let outcome = run(&[&case[..], &short].concat());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let load = ["bench", "-c", "1", "--warm-up", "0", "--duration", "10ms"];
    let outcome = run(&[&load[..], &short].concat());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let help = run(&["push", "--help"]).stdout;
    let said = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("--key is that of a message"), "{help}");
    let outcome = pipe(b"", &["--ca-file", ca, &uri]);
    expect_line(&outcome, 3, &["no secure connection", "--client-cert"]);
    assert_eq!(pipe(b"", &["--client-cert", cert, &uri]).status, Some(2));
    let wrong = pipe(b"", &["--client-cert", ca, "--client-key", key, &uri]);
    expect_line(&wrong, 2, &["--client-cert", "key"]);
}

#[test]
fn servers_that_are_not_to_be_trusted_are_refused() {
    let echo = Echo::start("distrust", ClientAuth::None);
    let (uri, other) = (echo.uri(), other_ca());
    let untrusted = ["no secure connection", "--ca-file FILE"];
    expect_line(&pipe(b"", &["--ca-file", &other, &uri]), 3, &untrusted);
    let name = [
        "--ca-file",
        echo.ca(),
        "--tls-server-name",
        "no.example",
        &uri,
    ];
    let wrong_name = ["localhost", "not for no.example", "--tls-server-name"];
    expect_line(&pipe(b"", &name), 3, &wrong_name);
    let nobody = ["--ca-file", "no-such-file.pem", &uri];
    expect_line(&pipe(b"", &nobody), 2, &["--ca-file", "no-such-file.pem"]);
    let name = ["-k", "--tls-server-name", "a~b", &uri];
    assert_eq!(pipe(b"", &name).status, Some(2));
    expect_line(&run(&["verify", "--ca-file", &other, &uri]), 3, &untrusted);
    expect_line(&run(&["bench", "--ca-file", &other, &uri]), 3, &untrusted);
    let server = uri.replace("wss", "https");
    let push = [
        "push",
        "--topic",
        "a",
        "--server",
        &server,
        "--ca-file",
        &other,
        "text",
    ];
    expect_line(&run(&push), 3, &untrusted);
}

#[test]
fn servers_without_tls_and_without_an_answer() {
    let listen = Listen::tcp("127.0.0.1:0").unwrap();
    let server = echo_on(listen, options());
    let plain = format!("wss://{}/", server.local_addr());
    let ca = other_ca();
    let outcome = pipe(b"", &["--ca-file", &ca, &plain]);
    expect_line(&outcome, 3, &["does not speak TLS", "ws://"]);
    server.stop();
    let _ = server.join();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("wss://{}/", silent.local_addr().unwrap());
    let outcome = pipe(b"", &["--ca-file", &ca, "--timeout", "200ms", &uri]);
    expect_line(&outcome, 4, &["timed out"]);
}

#[test]
fn verify_and_bench_speak_tls() {
    let echo = Echo::start("tools", ClientAuth::None);
    let uri = echo.uri();
    let cases = ["--case", "close.*", "--case", "load.*"];
    let outcome = run(&[&["verify", "--ca-file", echo.ca(), &uri][..], &cases].concat());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains(" 0 failed"), "{outcome:?}");
    let short = [
        "-c",
        "4",
        "--size",
        "20KiB",
        "--warm-up",
        "0",
        "--duration",
        "100ms",
    ];
    let outcome = run(&[&["bench", "--ca-file", echo.ca(), &uri][..], &short].concat());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
}

/// Answers one request over TLS; returns its port, its certificate, and what was asked.
fn https(answer: &'static str) -> (u16, String, JoinHandle<String>) {
    let made = SelfSigned::new(Vec::<String>::new()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(made.certificate_pem().as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(made.key_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let run = move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut request = String::new();
        while !request.ends_with("\r\n\r\nthe message") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0].into());
        }
        stream.write_all(answer.as_bytes()).unwrap();
        request
    };
    (port, made.certificate_pem().to_owned(), thread::spawn(run))
}

#[test]
fn push_speaks_https() {
    let (port, certificate, asked) = https(
        "HTTP/1.1 201 Created\r\nContent-Length: 41\r\n\r\n\
         {\"topic\":\"a\",\"id\":\"x1-1\",\"subscribers\":7}",
    );
    let ca = file("tls-push.pem", &certificate);
    let server = format!("https://localhost:{port}");
    let outcome = run(&[
        "push",
        "--verbose",
        "--topic",
        "a",
        "--server",
        &server,
        "--ca-file",
        ca.to_str().unwrap(),
        "the message",
    ]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains('7'), "{outcome:?}");
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("POST /topics/a HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked
            .to_ascii_lowercase()
            .contains(&format!("host: localhost:{port}")),
        "{asked}"
    );
}

//! `wirebell bench` over TLS: publications to `https://`, topics, short connections, and the memory
//! of idle sessions.

use super::{Program, number, report};
use crate::cli::file;
use wirebell::tls::SelfSigned;

/// Memory of an idle connection with a session, in bytes: a session of rustls, and what a plain
/// connection takes.
const IDLE: f64 = 4_300.0;

/// A server that speaks TLS, its port, and the file with its certificate.
fn secure(command: &str, name: &str) -> (Program, u16, String) {
    let made = SelfSigned::new(Vec::<String>::new()).expect("a certificate");
    let path = |path: std::path::PathBuf| path.to_str().expect("a path").to_owned();
    let cert = path(file(&format!("bench-{name}.pem"), made.certificate_pem()));
    let key = path(file(&format!("bench-{name}-key.pem"), made.key_pem()));
    let (server, address) = Program::serve(&[
        command,
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "1",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
    ]);
    (server, address.port(), cert)
}

#[test]
fn publications_are_encrypted() {
    let (_server, port, ca) = secure("serve", "publish");
    let to = format!("https://localhost:{port}/push");
    let rows: [(&str, &[&str]); 4] = [
        ("/ws", &[]),
        ("/ws", &["--publish-url", &to]),
        ("/", &["--topic", "bench"]),
        ("/", &["--topic", "bench", "--envelopes", "--pipeline", "4"]),
    ];
    for (path, extra) in rows {
        let base = ["-m", "fan-out", "-c", "10", "--ca-file", &ca];
        let url = format!("wss://localhost:{port}{path}");
        let report = report(&url, &[&base[..], extra].concat());
        let published = number(&report, "/publications");
        assert!(published >= 5.0, "{extra:?} {report:#}");
        assert_eq!(number(&report, "/sent"), published * 10.0);
        assert_eq!(number(&report, "/lost"), 0.0, "{extra:?} {report:#}");
    }
}

/// With clients in event loops.
#[test]
fn short_connections_end_clean() {
    let (_server, port, ca) = secure("echo", "short");
    let url = format!("wss://localhost:{port}/");
    let args = ["-m", "handshake", "-c", "16", "--ca-file", &ca];
    let report = report(&url, &args);
    assert_eq!(number(&report, "/lost"), 0.0, "{report:#}");
    assert!(number(&report, "/answered") >= 20.0, "{report:#}");
}

#[test]
fn idle_sessions_cost_little_memory() {
    let (server, port, ca) = secure("echo", "idle");
    let pid = server.pid().to_string();
    let url = format!("wss://localhost:{port}/");
    let args = ["-m", "idle", "-c", "800", "--touch", "--ca-file", &ca];
    let report = report(&url, &[&args[..], &["--pid", &pid]].concat());
    assert_eq!(report["connections"]["opened"], 800);
    assert_eq!(report["connections"]["lost"], 0);
    let each = number(&report, "/memory/resident_per_connection");
    assert!((0.0..IDLE).contains(&each), "{report:#}");
}

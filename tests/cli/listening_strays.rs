//! `wirebell verify --listen`: stray connections neither count nor end the run.

use super::listening::{Listening, echo};
use super::program::Outcome;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Connections of a port scan, a browser, a health check, and the like.
const STRAYS: [&[u8]; 13] = [
    b"",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD /healthz HTTP/1.0\r\n\r\n",
    b"GET /getCaseCount HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /runCase?case=1&agent=browser HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /runCase?case=99&agent=x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
    b"GET /updateReports?agent=browser HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /chat?agent=page HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
      Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
      Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\r\n\r\n\r\n\r\n",
    b"\x00\xff\xfe\x81\x80://?\xc3\x28 \r\n\r\n",
    b"SSH-2.0-scanner\r\n",
];

/// Sends the bytes and closes; returns the answer.
fn stray(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let (mut answer, _) = (
        Vec::new(),
        stream.set_read_timeout(Some(Duration::from_secs(5))),
    );
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn strays_between_the_runs_of_a_client_change_nothing() {
    let run = Listening::start(&["-v"], &["ping.0", "close.1000"]);
    let pass_by = || STRAYS.map(|bytes| stray(run.address, bytes));
    let answers = pass_by();
    for (bytes, answer) in STRAYS.iter().zip(&answers) {
        let asks = bytes.starts_with(b"GET ") || bytes.starts_with(b"HEAD ");
        assert!(!asks || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    }
    let silent = TcpStream::connect(run.address).expect("it listens");
    assert_eq!(run.count(), 2);
    for number in 1..=2 {
        pass_by();
        let address = run.address;
        echo(&format!("ws://{address}/runCase?case={number}&agent=some"));
    }
    pass_by();
    run.tell("/updateReports?agent=some");
    drop(silent);
    let outcome = run.end();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let last = outcome.stdout.lines().last().expect("a summary");
    assert!(last.starts_with("some: 2 cases"), "{outcome:?}");
    assert!(last.contains("2 passed, 0 failed"), "{outcome:?}");
}

/// Opens a stray connection every few milliseconds until dropped.
struct Visitors(Arc<AtomicBool>);

impl Visitors {
    fn start(address: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ours = Arc::clone(&over);
        thread::spawn(move || {
            for bytes in STRAYS.iter().cycle() {
                if ours.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(mut stream) = TcpStream::connect(address) {
                    let _ = stream.write_all(bytes);
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self(over)
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_stray_is_no_client_that_has_come() {
    let run = Listening::start(&["--wait", "300ms", "--timeout", "100ms"], &["ping.0"]);
    let (_visitors, began) = (Visitors::start(run.address), Instant::now());
    let Outcome { status, stderr, .. } = run.end();
    assert_eq!(status, Some(4), "{stderr}");
    assert!(stderr.contains("no client connected"), "{stderr}");
    assert!(began.elapsed() > Duration::from_millis(250));
}

#[test]
fn a_stray_does_not_keep_a_run_alive_that_its_client_has_left() {
    let run = Listening::start(&["--wait", "500ms", "--timeout", "100ms"], &["ping.0"]);
    assert_eq!(run.count(), 1);
    let _visitors = Visitors::start(run.address);
    let Outcome { status, stderr, .. } = run.end();
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("never requested 1 cases"), "{stderr}");
}

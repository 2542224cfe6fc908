//! `serve --data`, stopped by SIGTERM while publications wait for their commits.
//!
//! ```text
//!   eight publishers, each with one publication on its way ──▶ server      until SIGTERM
//!   the next server: what is there was acknowledged, and what was acknowledged is there
//! ```

use super::data::new_file;
use super::killed::{Wire, history, serve};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const STOPS: usize = 5;

const PUBLISHERS: usize = 8;

/// Messages of a publisher: all fit into the history of its topic.
const MOST: usize = 90;

/// Publishes until the server no longer takes anything. Returns what it has acknowledged.
fn publish(address: SocketAddr, name: &str, acknowledged: &AtomicUsize) -> Vec<String> {
    let mut wire = Wire::open(address);
    let mut all = Vec::new();
    for round in 0..MOST {
        let text = format!("{name}-{round}");
        match wire.answer(&format!("/topics/all.{name}"), "", &text) {
            Some((201 | 202, _)) => {
                acknowledged.fetch_add(1, Relaxed);
                all.push(text);
            }
            None | Some((503, _)) => return all,
            other => panic!("{other:?}"),
        }
    }
    panic!("the stop does not come");
}

/// What has reached the log has an answer, although the server is about to end.
#[test]
fn a_publication_that_waits_for_its_commit_is_answered() {
    let path = new_file("stopped.db");
    let mut expected = BTreeSet::new();
    for stop in 0..STOPS {
        let (mut program, address) = serve(&path);
        let acknowledged = AtomicUsize::new(0);
        let began = thread::scope(|scope| {
            let acknowledged = &acknowledged;
            let publishers: Vec<_> = (0..PUBLISHERS)
                .map(|number| {
                    let name = format!("{stop}-{number}");
                    scope.spawn(move || publish(address, &name, acknowledged))
                })
                .collect();
            while acknowledged.load(Relaxed) < PUBLISHERS * 2 + stop {
                thread::sleep(Duration::from_millis(1));
            }
            let began = Instant::now();
            program.signal(Signal::TERM);
            for publisher in publishers {
                expected.extend(publisher.join().expect("it ends with the server"));
            }
            began
        });
        assert_eq!(program.wait().code(), Some(0));
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "stop {stop} took {took:?}");
        let (mut program, address) = serve(&path);
        let found = history(address, "all.**", "").into_values().collect();
        let (lost, unsaid) = (&expected - &found, &found - &expected);
        assert!(lost.is_empty(), "stop {stop}: {lost:?} is lost");
        assert!(unsaid.is_empty(), "stop {stop}: {unsaid:?} has no answer");
        program.signal(Signal::TERM);
        program.wait();
    }
}

//! One server after another takes over from the one before, under load: no client notices.
//!
//! Publishers post at a steady rate over connections that stay open. Subscribers, of which a third
//! speaks permessage-deflate and keeps its window, count what they get: every position once, in
//! order, and no connection ends. Others talk to `/echo` all the time, compressed. Between two
//! upgrades false processes begin to take over and stop at each step: nothing may be lost then
//! either. All of it once with topics in memory and once with a file. Servers are the program of
//! this build.
//!
//! ```text
//! cargo test --test upgrade                                                small, as CI runs it
//! cargo test --test upgrade -- --clients 1000 --upgrades 20 --rate 1000 --every 1000
//! ```
#![forbid(unsafe_code)]

mod clients;
mod impostor;
mod program;

use clients::{Load, Publisher};
use impostor::Step;
use program::Server;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Subscribers of one topic.
const OF_A_TOPIC: usize = 20;

/// Publishers, each with topics of its own.
const PUBLISHERS: usize = 10;

/// How long everything may take to arrive at the end.
const PATIENCE: Duration = Duration::from_secs(60);

struct Arguments {
    clients: usize,
    upgrades: usize,
    rate: usize,
    /// Milliseconds between two upgrades.
    every: u64,
}

/// What is not ours is a filter for the names of other tests: then there is nothing to do here.
fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        clients: 60,
        upgrades: 3,
        rate: 300,
        every: 100,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse().ok();
        match &*word {
            "--clients" => parsed.clients = number()?,
            "--upgrades" => parsed.upgrades = number()?,
            "--rate" => parsed.rate = number()?,
            "--every" => parsed.every = number()? as u64,
            "--nocapture" | "--show-output" | "--quiet" | "-q" => {}
            _ => return None,
        }
    }
    Some(parsed)
}

fn main() {
    let Some(arguments) = arguments() else {
        return;
    };
    for data in [false, true] {
        run(&arguments, data);
    }
}

// req: push-upgrade-04
fn run(arguments: &Arguments, data: bool) {
    let directory = Directory::new();
    let socket = directory.0.join("upgrade.sock");
    let file = data.then(|| directory.0.join("push.db"));
    let mut server = Server::start(&socket, file.as_deref(), None);
    let port = server.port;
    let topics = arguments.clients.div_ceil(OF_A_TOPIC).max(PUBLISHERS);
    let load = Load::new(topics);
    let subscribers = load.subscribe(port, arguments.clients);
    let ends = Arc::new(AtomicBool::new(false));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|number| {
            let publisher = Publisher::new(number, PUBLISHERS, topics, arguments.rate);
            let ends = Arc::clone(&ends);
            thread::spawn(move || publisher.run(port, &ends))
        })
        .collect();
    let (began, mut longest) = (Instant::now(), Duration::ZERO);
    for upgrade in 0..arguments.upgrades {
        thread::sleep(Duration::from_millis(arguments.every));
        for step in impostor::steps(upgrade) {
            // With a file it may hang for longer than a test should take.
            if !(data && matches!(step, Step::Hangs)) {
                impostor::stop_at(&socket, step);
            }
        }
        server.expect_running();
        let before = Instant::now();
        let next = Server::start(&socket, file.as_deref(), Some(1 + upgrade % 3));
        longest = longest.max(before.elapsed());
        assert_eq!(next.port, port);
        server.expect_end();
        server = next;
    }
    thread::sleep(Duration::from_millis(200));
    ends.store(true, Relaxed);
    let published: Vec<_> = publishers
        .into_iter()
        .flat_map(|publisher| publisher.join().expect("a publisher"))
        .collect();
    let (total, took) = (
        published.iter().map(|(_, count)| count).sum(),
        began.elapsed(),
    );
    load.expect_all(&published, PATIENCE);
    let echoes = load.echoes();
    drop(subscribers);
    server.stop();
    report(arguments, data, (total, echoes), (took, longest));
}

fn report(
    arguments: &Arguments,
    data: bool,
    (total, echoes): (u64, u64),
    (took, longest): (Duration, Duration),
) {
    let Arguments {
        clients, upgrades, ..
    } = arguments;
    let log = if data { "a file" } else { "memory" };
    println!(
        "{log}: {clients} clients, {upgrades} upgrades in {:.1} s: {total} messages published, \
         each received once by its subscribers; {echoes} echoes; no connection ended; an upgrade \
         took at most {} ms",
        took.as_secs_f32(),
        longest.as_millis(),
    );
}

/// A directory that is removed.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let name = format!("wirebell-upgrade-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

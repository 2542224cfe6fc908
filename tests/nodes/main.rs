//! Three servers that share a log in Redis, with 50 subscribers on each and four publishers, while
//! Redis is killed, replaced, emptied and stopped, and servers are stopped and killed.
//!
//! After each fault everything must go on by itself; at the end the promises of a log are held
//! against what every subscriber has recorded: see `checks`. Both roles are real programs:
//! `redis-server` 7 or newer, or Valkey in `REDIS_SERVER`, and the `wirebell` of this build.
//!
//! ```text
//! cargo test --test nodes -- --faults 5               as CI does; --seed 7 for other ones
//! cargo test --test nodes -- --faults 20 --only lossy-failover
//! cargo test --release --test nodes -- --speed        publications a second, and latency
//! ```
#![forbid(unsafe_code)]

mod checks;
mod clients;
mod faults;
mod programs;
mod script;
mod speed;
mod start;

use checks::Judge;
use clients::{Publisher, Run, Subscriber};
use faults::{FAULTS, Fault};
use programs::{Cluster, Server};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

/// Subscribers of each server, and publishers.
const SUBSCRIBERS: usize = 50;
const PUBLISHERS: usize = 4;

/// Servers.
const NODES: usize = 3;

/// How long a fault may keep messages from all subscribers.
const RECOVERY: Duration = Duration::from_secs(40);

struct Arguments {
    faults: usize,
    seed: u64,
    only: Option<String>,
    speed: bool,
}

/// What is not ours is a filter for the names of other tests: then there is nothing to do here.
fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        faults: 0,
        seed: 1,
        only: None,
        speed: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--faults" => parsed.faults = words.next()?.parse().ok()?,
            "--seed" => parsed.seed = words.next()?.parse().ok()?,
            "--only" => parsed.only = Some(words.next()?),
            "--speed" => parsed.speed = true,
            _ => return None,
        }
    }
    Some(parsed)
}

fn main() {
    let Some(arguments) = arguments() else {
        return;
    };
    if arguments.speed {
        return speed::run();
    }
    if arguments.faults == 0 {
        return println!("nodes: give --faults N, which needs redis-server, or --speed");
    }
    let mut random = SmallRng::seed_from_u64(arguments.seed);
    let plan: Vec<Fault> = match &arguments.only {
        Some(name) => {
            let fault = FAULTS.iter().find(|it| it.name == name);
            vec![*fault.expect("the name of a fault"); arguments.faults]
        }
        None => plan(&mut random, arguments.faults),
    };
    script::run();
    start::run();
    println!("seed {}: {} faults", arguments.seed, plan.len());
    run(&plan);
}

/// Each fault before any comes again.
fn plan(random: &mut SmallRng, count: usize) -> Vec<Fault> {
    let mut plan = Vec::new();
    while plan.len() < count {
        let all = FAULTS.sample(random, FAULTS.len()).copied();
        plan.extend(all.take(count - plan.len()));
    }
    plan
}

fn run(plan: &[Fault]) {
    let cluster = Cluster::start();
    let servers: Vec<_> = (0..NODES).map(|_| Server::start(&cluster.url())).collect();
    let run = Arc::new(Run::new(servers.iter().map(|it| it.port).collect()));
    let subscribers = (0..NODES * SUBSCRIBERS).map(|number| {
        let run = Arc::clone(&run);
        thread::spawn(move || Subscriber::new(run, number).run())
    });
    let subscribers: Vec<_> = subscribers.collect();
    let publishers = (0..PUBLISHERS).map(|number| {
        let run = Arc::clone(&run);
        thread::spawn(move || Publisher::new(run, number).run())
    });
    let publishers: Vec<_> = publishers.collect();
    let mut world = faults::World { cluster, servers };
    fence(&run, 0);
    for (fault, number) in plan.iter().zip(1..) {
        let started = Instant::now();
        run.begin(fault.loses);
        (fault.run)(&mut world);
        let over = started.elapsed();
        fence(&run, number);
        println!(
            "{number:3} {:22} {:4.1} s, then all again after {:4.1} s",
            fault.name,
            over.as_secs_f64(),
            (started.elapsed() - over).as_secs_f64()
        );
    }
    run.stops_publishing.store(true, Relaxed);
    let publishers: Vec<_> = publishers
        .into_iter()
        .map(|it| it.join().unwrap())
        .collect();
    fence(&run, plan.len() + 1);
    run.stops.store(true, Relaxed);
    drop(world);
    let subscribers: Vec<_> = subscribers
        .into_iter()
        .map(|it| it.join().unwrap())
        .collect();
    Judge::new(publishers, subscribers, run.losses()).judge();
}

/// Publishes until every subscriber has it.
fn fence(run: &Arc<Run>, number: usize) {
    let text = format!("fence-{number}");
    let started = Instant::now();
    let mut publisher = Publisher::new(Arc::clone(run), PUBLISHERS + number);
    publisher.publish("t.fence", &text);
    run.fence.store(number, Relaxed);
    while run.reached(number) < NODES * SUBSCRIBERS {
        assert!(
            started.elapsed() < RECOVERY,
            "only {} subscribers have got {text}",
            run.reached(number)
        );
        thread::sleep(Duration::from_millis(20));
    }
}

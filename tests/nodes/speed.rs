//! How fast publications go through one Redis, beside the bare script, and how soon they arrive at
//! another server.
//!
//! Without HTTP and subscribers: those are as fast as with any other log.

use crate::programs::{APPEND, Redis};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use wirebell::push::redis::RedisLog;
use wirebell::push::{Appended, Entry, KeyLimits, Log, Publication, Ticket};

/// Publications that are not answered yet.
const IN_FLIGHT: usize = 100;

/// Publications of a measurement.
const COUNT: usize = 400_000;

/// Bytes of a payload.
const PAYLOAD: usize = 128;

pub fn run() {
    let mut redis = Redis::new();
    redis.start(None);
    let bare = bare(redis.port);
    let (rate, latencies) = closed(redis.port);
    println!(
        "{IN_FLIGHT} in flight: {rate:.0} publications/s, at the other server after {}; the bare \
         script, {IN_FLIGHT} a call: {bare:.0}/s",
        shown(latencies)
    );
    println!(
        "1,000 a second: at the other server after {}",
        shown(open(redis.port))
    );
}

fn publication(number: usize) -> Publication {
    let topic = format!("t.{}", number % 1_000);
    let text = format!("{number:PAYLOAD$}");
    Publication::new(topic.parse().expect("a topic"), text.into())
}

fn log(port: u16) -> RedisLog {
    let url = format!("redis://127.0.0.1:{port}?prefix=speed");
    let address = url.parse().expect("an address");
    RedisLog::open(address, KeyLimits::default(), None).expect("Redis")
}

/// When each publication has come.
type Arrived = Arc<Mutex<Vec<Option<Instant>>>>;

/// A server that publishes, and the numbers of what it was answered; and one that notes when the
/// publications have come.
fn pair(port: u16) -> (RedisLog, Receiver<()>, RedisLog, Arrived) {
    let (one, two) = (log(port), log(port));
    let (answered, answers) = channel();
    one.start(Box::new(move |all| {
        for (_, entries) in all.into_iter().filter(|(ticket, _)| ticket.is_some()) {
            for entry in entries {
                assert!(entry.is_ok(), "{entry:?}");
                let _ = answered.send(());
            }
        }
    }));
    let arrived = Arc::new(Mutex::new(vec![None; COUNT]));
    let noted = Arc::clone(&arrived);
    two.start(Box::new(move |all| {
        let now = Instant::now();
        let mut noted = noted.lock().expect("the list");
        for entry in all.into_iter().flat_map(|(_, entries)| entries).flatten() {
            if let Entry::New(record) = entry {
                let number = record.payload.text().expect("a text").trim_start().parse();
                let number: usize = number.expect("a number");
                noted[number].get_or_insert(now);
            }
        }
    }));
    (one, answers, two, arrived)
}

fn append(log: &RedisLog, number: usize) {
    let appended = log.append(vec![publication(number)], 0, Ticket(number as u64));
    assert_eq!(appended, Appended::Later);
    log.wake();
}

/// As many as possible, with so many in flight.
fn closed(port: u16) -> (f64, Vec<Duration>) {
    let (one, answers, _two, arrived) = pair(port);
    let started = Instant::now();
    let mut sent = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        if number >= IN_FLIGHT {
            answers.recv().expect("an answer");
        }
        sent.push(Instant::now());
        append(&one, number);
    }
    let rate = COUNT as f64 / started.elapsed().as_secs_f64();
    (rate, latencies(&sent, &arrived))
}

/// A few, at their times.
fn open(port: u16) -> Vec<Duration> {
    Redis::flush(port);
    let (one, _answers, _two, arrived) = pair(port);
    let started = Instant::now();
    let mut sent = Vec::new();
    for number in 0..5_000 {
        let due = started + Duration::from_millis(number as u64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        sent.push(Instant::now());
        append(&one, number);
    }
    latencies(&sent, &arrived)
}

fn latencies(sent: &[Instant], arrived: &Mutex<Vec<Option<Instant>>>) -> Vec<Duration> {
    let is_there = || arrived.lock().expect("the list")[sent.len() - 1].is_some();
    while !is_there() {
        thread::sleep(Duration::from_millis(1));
    }
    let arrived = arrived.lock().expect("the list");
    let both = sent.iter().zip(arrived.iter());
    let mut all: Vec<_> = both
        .map(|(sent, at)| at.expect("all have come") - *sent)
        .collect();
    all.sort_unstable();
    all
}

fn shown(latencies: Vec<Duration>) -> String {
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("{:.2} ms (p50), {:.2} ms (p99)", at(0.5), at(0.99))
}

/// The same script on one connection, and nothing else.
fn bare(port: u16) -> f64 {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("Redis");
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut ask = |words: &[&[u8]]| {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        (&stream).write_all(&request).expect("Redis");
        let mut line = String::new();
        reader.read_line(&mut line).expect("Redis");
        let len: usize = line
            .trim()
            .trim_start_matches('$')
            .parse()
            .expect("a length");
        let mut answer = vec![0; len + 2];
        reader.read_exact(&mut answer).expect("Redis");
        String::from_utf8(answer).expect("a text").trim().to_owned()
    };
    let sha = ask(&[b"SCRIPT", b"LOAD", APPEND.as_bytes()]);
    let names = [
        "log", "meta", "epochs", "keys", "before", "revoked", "batch",
    ];
    let keys = names.map(|name| format!("{{bare}}:{name}"));
    let payload = [&[140, 0, 0, 0, 0, 5][..], b"t.123", &[b'x'; PAYLOAD + 5]].concat();
    let calls = COUNT / IN_FLIGHT;
    let started = Instant::now();
    for number in 1..=calls {
        let number = number.to_string();
        let mut words: Vec<&[u8]> = vec![b"EVALSHA", sha.as_bytes(), b"7"];
        words.extend(keys.iter().map(|it| it.as_bytes()));
        words.extend([&b"abc"[..], b"node", number.as_bytes(), b"100000", b"1000"]);
        for _ in 0..IN_FLIGHT {
            words.extend([&payload[..], b"", b""]);
        }
        assert_eq!(ask(&words), "done");
    }
    (calls * IN_FLIGHT) as f64 / started.elapsed().as_secs_f64()
}

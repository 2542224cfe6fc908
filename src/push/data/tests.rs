//! The file on a disk in memory that loses power and fails.

use super::contents::Bounds as Kept;
use super::disk_tests::{Disk, Plate, epoch};
use super::writer::{FileKeys, Job, Writer};
use super::{DataFile, DataLimits, DataProblem};
use crate::net::{Mailbox, PeerId};
use crate::push::broker::{Answer, Broker, BrokerMail, Outcome, Published};
use crate::push::hub::{Bounds, HistoryRules, HubLimits, Page, Past, Subscribe};
use crate::push::log::{Appended, Entry, KeyLimits, Log as _, LogError, Logged, Ticket};
use crate::push::position::Since;
use crate::push::record::{Key, Publication};
use crate::push::store::{Change, Store as _};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub(super) fn rules(messages: usize, age: u64) -> HistoryRules {
    let mut bounds = Bounds::default();
    (bounds.messages, bounds.age) = (messages, age);
    HistoryRules::new(vec![], bounds)
}

pub(super) fn writer(disk: &Disk, rules: HistoryRules, now: &Arc<AtomicU64>) -> Writer {
    let keys = Arc::new(Mutex::new(FileKeys::new(KeyLimits::default())));
    let bounds = Kept {
        rules,
        topics: 1_000,
        bytes: 1 << 30,
    };
    let now = Arc::clone(now);
    let clock = Box::new(move || now.load(Relaxed));
    let mut it = Writer::new(disk.opener(), clock, bounds, keys);
    it.load().expect("the file can be opened");
    it
}

pub(super) fn publication(topic: &str, text: &str) -> Publication {
    Publication::new(topic.parse().unwrap(), text.into())
}

pub(super) fn append(writer: &mut Writer, batch: Vec<Publication>, now: u64) -> Vec<Logged> {
    let job = Job::Append {
        ticket: Ticket(1),
        batch,
        now,
    };
    let mut answers = writer.run(vec![job]);
    answers.appended.remove(0).1
}

fn sequence(logged: &Logged) -> u64 {
    match logged {
        Ok(Entry::New(record)) => record.sequence,
        other => panic!("{other:?}"),
    }
}

/// The floors of topics, and records.
pub(super) type Told = (BTreeMap<String, u64>, Vec<(u64, String, String)>);

/// Topics with the highest record that may be missing of each, and what is there.
pub(super) fn told(past: &Past) -> Told {
    let topics = past.topics.iter();
    let floors = topics.map(|(name, floor)| (name.as_str().to_owned(), *floor));
    let records = past.records.iter().map(|record| {
        let text = record.payload.text().unwrap_or_default();
        let short = text.get(..30).unwrap_or(text);
        (
            record.sequence,
            record.topic.as_str().to_owned(),
            short.to_owned(),
        )
    });
    (floors.collect(), records.collect())
}

#[test]
fn what_is_closed_is_opened_as_it_was() {
    for seed in 0..30 {
        let mut random = SmallRng::seed_from_u64(seed);
        let disk = Disk::default();
        let now = Arc::new(AtomicU64::new(1_000));
        let has_ttl = seed % 2 == 1;
        let rules = || rules(5, 40_000);
        let mut open = writer(&disk, rules(), &now);
        for _ in 0..40 {
            let count = random.random_range(1..20);
            let batch = (0..count).map(|_| {
                let topic = format!("t{}", random.random_range(0..12_u32).pow(2) / 12);
                let mut it = publication(&topic, &"x".repeat(random.random_range(0..2_000)));
                it.ttl = (has_ttl && random.random_bool(0.1)).then_some(20_000);
                it
            });
            let batch = batch.collect();
            let time = now.fetch_add(random.random_range(0..4_000), Relaxed);
            append(&mut open, batch, time);
            open.tidy();
            if random.random_bool(0.2) {
                let before = open.past(usize::MAX);
                let bytes = disk.lock().now.clone();
                drop(open);
                *disk.lock() = Plate::of(bytes);
                open = writer(&disk, rules(), &now);
                let after = open.past(usize::MAX);
                let (before_told, after_told) = (told(&before), told(&after));
                if has_ttl {
                    // What has expired by now pushes nothing out, so there may be more.
                    let is_there = |it| after_told.1.contains(it);
                    assert!(before_told.1.iter().all(is_there), "seed {seed}");
                } else {
                    assert_eq!(before_told, after_told, "seed {seed}");
                }
                assert_eq!(after.head, before.head);
                assert!(after.common_floor >= before.common_floor);
            }
        }
    }
}

/// Promise: what was acknowledged is there after the power went, and nothing has its position that
/// was not.
#[test]
// req: push-batch-07
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let seeds = std::env::var("WIREBELL_SEEDS").map_or(40, |it| it.parse().unwrap());
    for seed in 0..seeds {
        power_cuts(seed);
    }
}

/// What a life of the file has to keep.
#[derive(Default)]
struct World {
    bytes: Vec<u8>,
    /// By sequence number: topics and texts, the last commit included, which may have failed.
    published: BTreeMap<u64, (String, String)>,
    acknowledged: u64,
    state: BTreeMap<String, Vec<u8>>,
    counter: u64,
    now: Arc<AtomicU64>,
}

impl World {
    /// Opens the file and compares it with what it has to have.
    fn open(&mut self, disk: &Disk, seed: u64) -> Writer {
        let open = writer(disk, rules(5, u64::MAX), &self.now);
        let past = open.past(usize::MAX);
        check_past(&past, &self.published, self.acknowledged, seed);
        let last = self.published.keys().next_back().copied().unwrap_or(0);
        let is_whole = [self.acknowledged, last].contains(&past.head);
        assert!(is_whole, "seed {seed}: a part of a batch");
        self.acknowledged = past.head;
        let values = open.contents().unwrap().state().unwrap();
        let values: BTreeMap<_, _> = values.into_iter().collect();
        let is_known = values == self.state || in_flight(&values, self.counter);
        assert!(is_known, "seed {seed}: {values:?}");
        self.state = values;
        self.published.split_off(&(past.head + 1));
        open
    }

    /// Commits some records and a value. Returns whether they were acknowledged.
    fn commit(&mut self, open: &mut Writer, random: &mut SmallRng) -> bool {
        let texts: Vec<_> = (0..random.random_range(1..12))
            .map(|_| {
                (
                    format!("t{}", random.random_range(0..9)),
                    random.random::<u64>(),
                )
            })
            .collect();
        let batch = texts
            .iter()
            .map(|(topic, it)| publication(topic, &it.to_string()));
        let append = Job::Append {
            ticket: Ticket(1),
            batch: batch.collect(),
            now: self.now.fetch_add(10, Relaxed),
        };
        self.counter += 1;
        let value = self.counter.to_le_bytes().to_vec();
        let write = Job::Write {
            changes: vec![Change::Put("counter".into(), value.clone())],
            done: Box::new(|_| ()),
        };
        let mut last = open.past(0).head;
        for (topic, it) in &texts {
            last += 1;
            self.published.insert(last, (topic.clone(), it.to_string()));
        }
        if open.run(vec![append, write]).failed.is_some() {
            return false;
        }
        self.acknowledged = last;
        self.state.insert("counter".into(), value);
        true
    }
}

fn power_cuts(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut world = World::default();
    for _life in 0..4 {
        let disk = Disk(Arc::new(Mutex::new(Plate::of(world.bytes.clone()))));
        let mut open = world.open(&disk, seed);
        disk.lock().power = Some(random.random_range(0..300));
        while world.commit(&mut open, &mut random) {}
        drop(open);
        world.bytes = disk.lock().cut(&mut random);
        if world.acknowledged == 0 {
            // A file that was never finished is made again.
            world = World::default();
        }
    }
}

fn in_flight(values: &BTreeMap<String, Vec<u8>>, counter: u64) -> bool {
    values.get("counter").map(Vec::as_slice) == Some(&counter.to_le_bytes()[..])
}

fn check_past(
    past: &Past,
    published: &BTreeMap<u64, (String, String)>,
    acknowledged: u64,
    seed: u64,
) {
    let (floors, records) = told(past);
    assert!(past.head >= acknowledged, "seed {seed}");
    let there: BTreeMap<_, _> = records
        .into_iter()
        .map(|(at, topic, text)| (at, (topic, text)))
        .collect();
    for (sequence, record) in &there {
        assert_eq!(published.get(sequence), Some(record), "seed {seed}");
    }
    for (sequence, (topic, _)) in published.range(..=acknowledged) {
        let floor = floors.get(topic).copied().unwrap_or(past.common_floor);
        let is_there = there.contains_key(sequence) || *sequence <= floor;
        assert!(is_there, "seed {seed}: {sequence} of {topic}");
    }
}

#[test]
fn a_file_that_is_turned_over_ten_times_stays_small() {
    let disk = Disk::default();
    let now = Arc::new(AtomicU64::new(1_000));
    // A quiet topic must not keep the file from shrinking.
    let quiet: Vec<_> = vec![("quiet".parse().unwrap(), Bounds::default())];
    let loud = Bounds {
        messages: 50,
        ..Bounds::default()
    };
    let mut open = writer(&disk, HistoryRules::new(quiet, loud), &now);
    let mut lengths = Vec::new();
    for round in 0..100_u64 {
        append(&mut open, vec![publication("quiet", "hello")], round);
        for _ in 0..10 {
            let batch = (0..50).map(|it| publication(&format!("t{}", it % 10), &"x".repeat(1_000)));
            append(&mut open, batch.collect(), round);
        }
        lengths.push(disk.lock().now.len());
    }
    // 500 messages of 1,000 bytes are kept, 50,000 were published.
    assert!(
        lengths[99] <= lengths[9] && lengths[99] < 8 << 20,
        "{lengths:?}"
    );
    let (_, records) = told(&open.past(usize::MAX));
    let quiet = records.iter().filter(|(_, topic, _)| topic == "quiet");
    assert_eq!(quiet.count(), 100);
}

#[test]
fn a_disk_that_fails_refuses_and_recovers() {
    for (kind, error) in [
        (ErrorKind::StorageFull, LogError::Full),
        (ErrorKind::Other, LogError::Unavailable),
    ] {
        let disk = Disk::default();
        let now = Arc::new(AtomicU64::new(1_000));
        let mut open = writer(&disk, rules(100, u64::MAX), &now);
        let first = append(&mut open, vec![publication("a", "1")], 1);
        disk.lock().failing = Some(kind);
        let mut with_key = publication("a", "2");
        with_key.key = Some(Key {
            owner: "".into(),
            text: "k".into(),
        });
        let second = append(&mut open, vec![with_key.clone()], 2);
        assert_eq!((sequence(&first[0]), &second[0]), (1, &Err(error)));
        let again = append(&mut open, vec![with_key.clone()], 3);
        assert_eq!(again, [Err(LogError::Unavailable)]);
        disk.lock().failing = None;
        let found = open.reopen().expect("the disk works again");
        assert_eq!(found, []);
        let third = append(&mut open, vec![with_key.clone(), with_key.clone()], 4);
        assert_eq!(sequence(&third[0]), 2);
        assert!(matches!(third[1], Ok(Entry::Repeated { sequence: 2, .. })));
    }
}

#[test]
fn a_commit_that_was_reported_as_failed_is_delivered_if_the_file_has_it() {
    let mut found_some = false;
    // The power goes at each of the writes of a commit, and comes back.
    for power in 0..40 {
        let disk = Disk::default();
        let now = Arc::new(AtomicU64::new(1_000));
        let mut open = writer(&disk, rules(100, u64::MAX), &now);
        append(&mut open, vec![publication("a", "1")], 1);
        disk.lock().power = Some(power);
        let second = append(&mut open, vec![publication("a", "2")], 2);
        disk.lock().power = None;
        if second[0].is_ok() {
            continue;
        }
        let found = open.reopen().expect("the disk works again");
        let third = append(&mut open, vec![publication("a", "3")], 3);
        let expected = 2 + found.len() as u64;
        assert_eq!(sequence(&third[0]), expected);
        found_some |= !found.is_empty();
    }
    assert!(found_some);
}

fn data_file(disk: &Disk) -> DataFile {
    let rules = rules(100, u64::MAX);
    let clock = Box::new(|| 5_000);
    DataFile::with(disk.opener(), rules, DataLimits::DEFAULT, clock).expect("it opens")
}

fn broker(log: DataFile) -> Broker {
    Broker::new(
        Arc::new(log),
        1,
        rules(100, u64::MAX),
        HubLimits::default(),
        || 5_000,
    )
}

/// Ends a server whose file this is, and waits for the thread that writes it.
fn end(broker: Broker, file: DataFile) {
    drop(broker);
    while !file.is_last() {
        thread::yield_now();
    }
}

fn publish(broker: &Broker, batch: Vec<Publication>) -> Vec<Outcome> {
    let (told, outcomes) = channel();
    let answer = Answer::Call(Box::new(move |outcomes| told.send(outcomes).unwrap()));
    match broker.publish(batch, answer) {
        Ok(Published::Later) => outcomes.recv_timeout(Duration::from_secs(20)).unwrap(),
        Ok(Published::Now(outcomes)) => outcomes,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_broker_goes_on_where_the_one_before_has_ended() {
    let disk = Disk::default();
    let file = data_file(&disk);
    let first = broker(file.clone());
    let outcomes = publish(&first, vec![publication("a", "1"), publication("b", "2")]);
    let positions = outcomes
        .iter()
        .map(|it| it.unwrap().position.unwrap().sequence);
    let positions: Vec<_> = positions.collect();
    assert_eq!(positions, [1, 2]);
    let mut with_key = publication("a", "3");
    with_key.key = Some(Key {
        owner: "me".into(),
        text: "k".into(),
    });
    publish(&first, vec![with_key.clone()]);
    end(first, file);

    let second = broker(data_file(&disk));
    assert_eq!(second.head(), epoch().at(3));
    let outcome = publish(&second, vec![with_key])[0].unwrap();
    assert_eq!(
        (outcome.position, outcome.repeated),
        (Some(epoch().at(3)), true)
    );
    let pattern = ["a".parse().unwrap()];
    let replay = second
        .replay(&pattern, Since::Position(epoch().at(1)), Page::default())
        .unwrap();
    let texts: Vec<_> = replay
        .records
        .iter()
        .map(|it| it.payload.text().unwrap())
        .collect();
    assert_eq!((texts, replay.gaps.len()), (vec!["3"], 0));
    assert_eq!(
        publish(&second, vec![publication("c", "4")])[0]
            .unwrap()
            .position,
        Some(epoch().at(4))
    );
}

/// The first answer says how many it has reached. That is written with the next commit, or within
/// a second, or at the end.
#[test]
// req: push-publish-08 push-publish-11
fn a_repetition_after_a_restart_has_the_first_answer() {
    let disk = Disk::default();
    let file = data_file(&disk);
    let first = broker(file.clone());
    first.connect(&[Mailbox::<BrokerMail>::unread()]);
    let peer = PeerId {
        worker: 0,
        index: 1,
        generation: 1,
    };
    let request = Subscribe {
        patterns: vec!["a".parse().unwrap()],
        ..Subscribe::default()
    };
    first.subscribe(peer, &request).unwrap();
    let with_key = |key: &str| {
        let mut it = publication("a", key);
        it.key = Some(Key {
            owner: "me".into(),
            text: key.into(),
        });
        it
    };
    let repeated = |disk: &Disk, key| {
        let outcome = publish(&broker(data_file(disk)), vec![with_key(key)])[0].unwrap();
        assert!(outcome.repeated);
        outcome.subscribers
    };
    let outcome = publish(&first, vec![with_key("k")])[0].unwrap();
    assert_eq!((outcome.subscribers, outcome.repeated), (1, false));
    publish(&first, vec![publication("b", "next")]);
    let killed = Plate::of(disk.lock().now.clone());
    publish(&first, vec![with_key("last")]);
    end(first, file);
    assert_eq!(repeated(&Disk(Arc::new(Mutex::new(killed))), "k"), 1);
    assert_eq!((repeated(&disk, "k"), repeated(&disk, "last")), (1, 1));
}

#[test]
fn state_and_removed_messages_survive() {
    let disk = Disk::default();
    let file = data_file(&disk);
    let first = broker(file.clone());
    publish(
        &first,
        vec![
            publication("$gotify.1.1", "1"),
            publication("$gotify.1.1", "2"),
        ],
    );
    let (told, answers) = channel();
    let changes = vec![
        Change::Put("a".into(), vec![1]),
        Change::Put("b".into(), vec![2]),
        Change::Delete("a".into()),
        Change::Forget("$gotify.**".parse().unwrap(), vec![1]),
    ];
    file.write(changes, Box::new(move |it| told.send(it).unwrap()));
    assert_eq!(answers.recv_timeout(Duration::from_secs(20)), Ok(Ok(())));
    drop((first, file));
    let file = data_file(&disk);
    assert_eq!(file.load(), Ok(vec![("b".to_owned(), vec![2])]));
}

/// A process ends with whatever threads it has: a handle of one of them must not keep a file open.
#[test]
fn it_is_closed_although_there_are_other_handles() {
    let name = format!("wirebell-closed-{}.db", std::process::id());
    let path = std::env::temp_dir().join(name);
    let open = || {
        let limits = DataLimits::default();
        DataFile::open(&path, epoch(), rules(10, 1_000), limits, || 0)
    };
    let file = open().expect("a new file");
    let other = file.clone();
    file.start(Box::new(|_| {}));
    let batch = vec![publication("a", "x")];
    assert!(matches!(file.append(batch, 0, Ticket(1)), Appended::Later));
    assert!(matches!(open(), Err(DataProblem::InUse)));
    file.close();
    let again = open().expect("it was closed");
    assert_eq!(told(&again.past(usize::MAX)).1.len(), 1);
    drop((file, other, again));
    std::fs::remove_file(&path).expect("it is there");
}

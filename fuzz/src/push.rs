//! What must hold for every input of the push server: names, batches, and messages of
//! `wirebell.v1`, the latter through a whole server on a simulated network.
#![forbid(unsafe_code)]

use serde_json::Value;
use wirebell::Message;
use wirebell::http::{EMPTY_FIELD, Field, HeadLimits, HttpReader, MAX_FIELDS, Step};
use wirebell::net::Options;
use wirebell::net::testing::{Network, Peer, Received, TestLoop};
use wirebell::push::native::Batch;
use wirebell::push::{Clock, Limits, LogError, MAX_NAME_BYTES, Pattern, Publication};
use wirebell::push::{PushService, Settings, Shared, TopicName};

/// Bytes of the input that choose its cuts.
const PREFIX: usize = 4;

/// Milliseconds for an answer.
const PATIENCE: u32 = 100;

/// Bytes of an error, which may repeat a name and some of what was sent.
const MAX_ERROR: usize = 2048;

/// Small, so that inputs of a few kilobytes reach them.
const LIMITS: Limits = Limits::DEFAULT.batch_lines(64).batch_bytes(4096);

/// Each line is a name or a pattern: it is read as a naive check reads it, and matches every other
/// line as in a naive matcher.
pub fn patterns(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let lines: Vec<&str> = text.split('\n').take(4).collect();
    for line in &lines {
        let (topic, pattern) = (line.parse::<TopicName>(), line.parse::<Pattern>());
        assert_eq!(topic.is_ok(), is_name(line, false), "{line:.300}");
        assert_eq!(pattern.is_ok(), is_name(line, true), "{line:.300}");
        if let Ok(pattern) = pattern {
            assert_eq!(pattern.as_str(), *line);
            assert_eq!(pattern.to_topic(), topic.ok());
        }
    }
    let read = lines.iter().filter_map(|line| line.parse::<Pattern>().ok());
    let read: Vec<Pattern> = read.collect();
    for wide in &read {
        for narrow in &read {
            let expected = covers(wide.as_str(), narrow.as_str());
            assert_eq!(wide.covers(narrow), expected, "{wide} {narrow}");
            if let Some(topic) = narrow.to_topic() {
                assert_eq!(wide.matches(&topic), expected, "{wide} {narrow}");
            }
        }
    }
}

fn is_name(text: &str, stars: bool) -> bool {
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || "*,/?#".contains(c);
    let levels: Vec<&str> = text.split('.').collect();
    let last = levels.len() - 1;
    let mut all = levels.iter().enumerate();
    text.len() <= MAX_NAME_BYTES
        && all.all(|(at, level)| match *level {
            "*" => stars,
            "**" => stars && at == last,
            level => !level.is_empty() && !level.contains(is_bad),
        })
}

/// Whether one matches all that the other matches: as many topics of it as can make a difference
/// are tried. A level that no pattern can have stands for any other.
fn covers(wide: &str, narrow: &str) -> bool {
    let wide: Vec<&str> = wide.split('.').collect();
    let levels = narrow.split('.').map(|level| match level {
        "*" => "",
        level => level,
    });
    let mut topic: Vec<&str> = levels.collect();
    if topic.last() != Some(&"**") {
        return matches(&wide, &topic);
    }
    topic.pop();
    let longest = wide.len() + 1;
    loop {
        topic.push("");
        if !matches(&wide, &topic) {
            return false;
        }
        if topic.len() > longest {
            return true;
        }
    }
}

fn matches(pattern: &[&str], topic: &[&str]) -> bool {
    let is_reserved = topic[0].starts_with('$');
    !(is_reserved && pattern[0].starts_with('*')) && match_levels(pattern, topic)
}

fn match_levels(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) | (["**"], [_, ..]) => true,
        (["*", pattern @ ..], [_, topic @ ..]) => match_levels(pattern, topic),
        ([level, pattern @ ..], [other, topic @ ..]) => {
            level == other && match_levels(pattern, topic)
        }
        _ => false,
    }
}

/// What a batch came to: publications and results, or a status.
type Verdict = Result<(Vec<Publication>, Vec<String>), u16>;

/// The body of a batch: however its bytes arrive it is the same, and so it is if one of its lines
/// begins another batch.
pub fn batch(data: &[u8]) {
    let Some((steps, body)) = data.split_first_chunk::<PREFIX>() else {
        return;
    };
    let length = body.len();
    let head = format!("POST /topics HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    let request = [head.as_bytes(), body].concat();
    let whole = arrive(&request, &[request.len()]);
    assert_eq!(whole, arrive(&request, &[1]), "byte by byte");
    let chosen = steps.map(|step| 1 + usize::from(step));
    assert_eq!(whole, arrive(&request, &chosen), "in steps of {chosen:?}");
    let Ok((publications, results)) = whole else {
        return;
    };
    check_results(body, &publications, &results);
    let ends = body.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let ends: Vec<usize> = ends.map(|(at, _)| at + 1).collect();
    if ends.is_empty() {
        return;
    }
    let chosen = usize::from(steps[0]) % ends.len();
    let (first, second) = body.split_at(ends[chosen]);
    if second.starts_with("\u{FEFF}".as_bytes()) {
        return; // It is skipped at the front of a body alone.
    }
    let (mut all, mut told) = verdict(first).expect("a part of what is good");
    let (more, rest) = verdict(second).expect("a part of what is good");
    all.extend(more);
    told.extend(rest.iter().map(|result| {
        let (line, rest) = split_line(result);
        format!("{{\"line\":{},{rest}", line + chosen + 1)
    }));
    assert_eq!((all, told), (publications, results), "cut after a line");
}

/// The verdict about the body of a request that comes in pieces of these lengths.
fn arrive(request: &[u8], lengths: &[usize]) -> Verdict {
    let mut reader = HttpReader::default();
    let mut rest = request;
    for length in lengths.iter().cycle() {
        let (mut piece, after) = rest.split_at((*length).min(rest.len()));
        rest = after;
        while !piece.is_empty() {
            let (taken, step) = reader.feed(piece, &HeadLimits::DEFAULT).expect("HTTP");
            piece = &piece[taken..];
            if let Step::Head { .. } = step {
                reader.take_body(request.len()).expect("a body");
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    let mut storage: [Field<'_>; MAX_FIELDS] = [EMPTY_FIELD; MAX_FIELDS];
    verdict(reader.request(&mut storage).expect("a request").body())
}

/// The results name their lines, as the log takes none of the publications.
fn verdict(body: &[u8]) -> Verdict {
    let may_publish = |topic: &TopicName| !topic.as_str().starts_with("no");
    let batch = Batch::read(body, &"me".into(), may_publish, &LIMITS);
    let mut batch = batch.map_err(|problem| problem.status.code())?;
    let publications = batch.publications();
    let outcomes = publications.iter().map(|_| Err(LogError::Full));
    let answer = batch.answer(outcomes);
    let text = std::str::from_utf8(&answer.body).expect("JSON");
    let results = text.lines().map(str::to_owned).collect();
    Ok((publications, results))
}

fn check_results(body: &[u8], publications: &[Publication], results: &[String]) {
    let mut taken = 0;
    let mut last = 0;
    for result in results {
        let (line, _) = split_line(result);
        assert!(line >= last, "{result} after line {last}");
        last = line;
        let json: Value = serde_json::from_str(result).expect("JSON");
        assert!(result.len() <= MAX_ERROR, "{result}");
        taken += usize::from(json["error"] == "full");
    }
    assert!(last <= body.split(|byte| *byte == b'\n').count());
    assert_eq!(taken, publications.len());
    assert!(results.len() <= LIMITS.batch_lines);
    let size = |it: &Publication| it.payload.bytes().len() + it.topic.as_str().len();
    assert!(publications.iter().map(size).sum::<usize>() <= LIMITS.batch_bytes);
    let allowed = |topic: &str| is_name(topic, false) && !topic.starts_with(['$']);
    let mut topics = publications.iter().map(|it| it.topic.as_str());
    assert!(topics.all(|topic| allowed(topic) && !topic.starts_with("no")));
}

/// The number of the line of a result, and what follows it.
fn split_line(result: &str) -> (usize, &str) {
    let rest = result.strip_prefix("{\"line\":").expect("a line");
    let (line, rest) = rest.split_once(',').expect("more members");
    (line.parse().expect("a number"), rest)
}

/// Each line is a message of a client, and has one answer; the connection lives on, and the order
/// of what comes grows.
pub fn messages(data: &[u8]) {
    let mut client = Client::connect();
    for text in String::from_utf8_lossy(data).split('\n').take(32) {
        let answer = client.say(text);
        let kind = kind_of(&answer);
        // Its ref may be a number that this reader cannot represent.
        let parsed: Option<Value> = serde_json::from_str(&answer).ok();
        assert!(parsed.is_some() || text.contains("ref"), "{answer}");
        let asked: Option<Value> = serde_json::from_str(text).ok();
        let Some((answer, asked)) = parsed.zip(asked) else {
            continue;
        };
        match kind {
            "error" => {
                let error = answer["error"].as_str().expect("a code word");
                let known = ["malformed", "forbidden", "key_reused"];
                assert!(known.contains(&error), "{answer}");
                let length = answer["message"].as_str().map_or(0, str::len);
                assert!((1..MAX_ERROR).contains(&length), "{answer}");
            }
            _ => assert_eq!(answer["ref"], asked["ref"], "{text:.200}"),
        }
    }
    let last = client.say(r#"{"type":"publish","topic":"a","data":"the last one"}"#);
    assert_eq!(kind_of(&last), "published", "{last}");
}

/// Without a parser, which would refuse some numbers of a client.
fn kind_of(answer: &str) -> &str {
    let rest = answer.strip_prefix("{\"type\":\"").expect("a type");
    rest.split_once('"').expect("a type").0
}

struct Client {
    server: TestLoop<PushService>,
    peer: Peer,
    /// The number of the last message that came live.
    last: u64,
}

impl Client {
    fn connect() -> Self {
        let settings = Settings::default().clock(Clock::new(|| 1_795_822_200_000));
        let address = "127.0.0.1:80".parse().expect("an address");
        let shared = Shared::new(settings, &[address], 1);
        let mut server = Network::new().serve(Options::default().workers(1), |worker| {
            PushService::new(&shared, &worker.mailboxes)
        });
        let mut peer = server.connect();
        peer.send(
            b"GET /topics HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: wirebell.v1\r\n\r\n",
        );
        server.run();
        assert!(peer.upgrade(), "no upgrade: {:?}", peer.received());
        Self {
            server,
            peer,
            last: 0,
        }
    }

    /// Sends a message; returns its answer.
    fn say(&mut self, text: &str) -> String {
        self.peer.message(Message::text(text));
        let (mut answers, mut waited) = (Vec::new(), 0);
        loop {
            self.peer.send(&[]);
            self.server.run();
            let received = self.peer.received();
            if received.is_empty() && self.peer.unsent() == 0 {
                // A loop that has much to read leaves some of it for a little later.
                if !answers.is_empty() || waited == PATIENCE {
                    break;
                }
                waited += 1;
                self.server.advance(1);
            }
            for it in received {
                let Received::Message(_, bytes) = it else {
                    panic!("{it:?} after {text:.200}");
                };
                let json = String::from_utf8(bytes).expect("JSON");
                match kind_of(&json) {
                    "replay" => {}
                    "message" => self.live(&json),
                    _ => answers.push(json),
                }
            }
        }
        assert_eq!(answers.len(), 1, "{text:.200} {answers:?}");
        answers.remove(0)
    }

    fn live(&mut self, json: &str) {
        let message: Value = serde_json::from_str(json).expect("JSON");
        let Some((_, sequence)) = message["id"].as_str().and_then(|it| it.split_once('-')) else {
            panic!("no position: {json}");
        };
        let sequence = sequence.parse().expect("a number");
        assert!(sequence > self.last, "{json} after {}", self.last);
        self.last = sequence;
    }
}

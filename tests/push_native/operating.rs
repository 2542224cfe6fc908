//! What operators ask: `/metrics`, `/healthz` and `/readyz`.

use super::tokens::{alice, entry, guarded};
use super::{Native, bearer, parsed};
use crate::net_support::client::HttpResponse;
use crate::net_support::push::ask;
use crate::net_support::{Client, options};
use crate::support::frames::pong;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wirebell::net::Listen;
use wirebell::net::testing::{Network, Received};
use wirebell::push::{Appended, Epoch, Key, Log, LogError, MemoryLog, Publication, PushServer};
use wirebell::push::{PushService, Settings, Shared, Ticket};

/// The text format as Prometheus reads it: families with their type, and samples.
#[derive(Debug, Default)]
struct Metrics {
    types: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    #[track_caller]
    fn read(text: &str) -> Self {
        let mut metrics = Self::default();
        let mut family = String::new();
        assert!(text.ends_with('\n'), "the last line is cut");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(help.ends_with('.'), "{line}");
                family = name.to_owned();
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, family, "TYPE follows HELP");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let double = metrics.types.insert(name.into(), kind.into());
                assert_eq!(double, None, "{name} appears twice");
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            let name = sample.split('{').next().expect("a name");
            assert!(metrics.types.contains_key(&family), "{line}");
            let of_histogram = ["_bucket", "_sum", "_count"].map(|end| family.clone() + end);
            match metrics.types[&family] == "histogram" {
                true => assert!(of_histogram.iter().any(|it| it == name), "{line}"),
                false => assert_eq!(name, family, "{line}"),
            }
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(name.chars().all(is_name), "{line}");
            let value = value.parse().expect("a number");
            let double = metrics.samples.insert(sample.into(), value);
            assert_eq!(double, None, "{sample} appears twice");
        }
        metrics.check_histograms();
        metrics
    }

    fn check_histograms(&self) {
        for name in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            let prefix = format!("{}_bucket{{le=\"", name.0);
            let buckets = self.samples.iter().filter_map(|(sample, count)| {
                let bound = sample.strip_prefix(&prefix)?.strip_suffix("\"}")?;
                let bound = bound.replace("+Inf", "inf").parse::<f64>();
                Some((bound.expect("a bound"), *count))
            });
            let mut buckets: Vec<_> = buckets.collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1));
            let (last, count) = buckets.last().expect("buckets");
            assert_eq!(
                (*last, *count),
                (f64::INFINITY, self.value(&(name.0.clone() + "_count")))
            );
        }
    }

    #[track_caller]
    fn value(&self, sample: &str) -> f64 {
        *self
            .samples
            .get(sample)
            .unwrap_or_else(|| panic!("no {sample}"))
    }
}

#[track_caller]
fn metrics(answer: &HttpResponse) -> Metrics {
    assert_eq!(answer.status, 200, "{answer:?}");
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(answer.field("content-type"), Some(kind));
    Metrics::read(&answer.body)
}

#[test]
fn what_has_happened_is_counted() {
    let native = Native::start();
    let mut raw = native.raw("/topics/a");
    let _lines = native.lines("/topics/*");
    native.publish("a", "hello");
    native.publish("b", "hello");
    raw.expect_text("hello");
    native.advance(1_000);
    let metrics = metrics(&native.get("/metrics", ""));
    for (sample, value) in [
        ("wirebell_build_info{version=\"0.1.0\"}", 1.0),
        ("wirebell_workers", 1.0),
        ("wirebell_stopping", 0.0),
        ("wirebell_websockets", 1.0),
        ("wirebell_websockets_opened_total", 1.0),
        ("wirebell_http_requests_total", 5.0),
        ("wirebell_publications_total", 2.0),
        ("wirebell_deliveries_total", 3.0),
        ("wirebell_subscribers", 2.0),
        ("wirebell_topics", 2.0),
        ("wirebell_log_available", 1.0),
        ("wirebell_log_commit_seconds_count", 0.0),
        ("wirebell_publish_to_write_seconds_count", 2.0),
        ("wirebell_messages_received_total", 0.0),
        ("wirebell_connections_ended_total{cause=\"lost\"}", 0.0),
        ("wirebell_memory_budget_bytes", f64::from(256 << 20)),
    ] {
        assert_eq!(metrics.value(sample), value, "{sample}");
    }
    for sample in [
        "wirebell_received_bytes_total",
        "wirebell_sent_bytes_total",
        "wirebell_messages_sent_total",
        "wirebell_memory_used_bytes",
        "wirebell_history_bytes",
        "wirebell_loop_lag_seconds_count",
        "wirebell_loop_turns_total",
        "process_start_time_seconds",
    ] {
        assert!(metrics.value(sample) > 0.0, "{sample}");
    }
}

#[test]
fn receipts_are_counted_and_timed() {
    let native = Native::start();
    let mut raw = native.raw("/topics/a");
    let _lines = native.lines("/topics/a");
    let mut publisher = native.connect();
    let head =
        "POST /topics/a?receipt=10s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    publisher.send(head);
    raw.expect_text("x");
    let asked = raw.frame();
    native.advance(300);
    raw.send_frame(&pong(&asked.payload));
    assert_eq!(publisher.response().status, 201);
    let metrics = metrics(&native.get("/metrics", ""));
    for (sample, value) in [
        ("wirebell_receipts_written_total", 2.0),
        ("wirebell_receipts_confirmed_total", 1.0),
        ("wirebell_receipts_unsupported_total", 1.0),
        ("wirebell_receipt_confirmation_seconds_count", 1.0),
        ("wirebell_receipt_confirmation_seconds_sum", 0.3),
        (
            "wirebell_receipt_confirmation_seconds_bucket{le=\"0.25\"}",
            0.0,
        ),
        (
            "wirebell_receipt_confirmation_seconds_bucket{le=\"0.5\"}",
            1.0,
        ),
    ] {
        assert_eq!(metrics.value(sample), value, "{sample}");
    }
}

/// By listener: real ones, as simulated sockets have none.
#[test]
fn connections_are_counted_by_listener() {
    let path = std::env::temp_dir().join(format!("wirebell-metrics-{}", std::process::id()));
    let listens = [
        Listen::tcp("127.0.0.1:0").expect("an address"),
        Listen::unix(&path),
    ];
    let loopback = ["127.0.0.1:80".parse().expect("an address")];
    let settings = Settings::default();
    let server = PushServer::start(listens, &loopback, options(), settings).expect("it listens");
    let address = server.local_addr();
    let mut client = Client::connect(address);
    let metrics = metrics(&ask(&mut client, "GET", "/metrics", "", ""));
    let tcp = format!("{{listener=\"{address}\",transport=\"tcp\"}}");
    let listener = format!("unix:{}", path.display());
    let unix = format!("{{listener=\"{listener}\",transport=\"unix\"}}");
    for (labels, count) in [(tcp, 1.0), (unix, 0.0)] {
        for name in [
            "wirebell_connections",
            "wirebell_connections_accepted_total",
        ] {
            assert_eq!(metrics.value(&format!("{name}{labels}")), count);
        }
    }
    server.stop();
    server.join().expect("a graceful stop");
}

#[test]
fn metrics_are_for_administrators() {
    let root = entry("root", "rooted", "admin = true");
    let (native, _) = guarded(&(alice() + &root));
    assert_eq!(native.get("/metrics", "").status, 401);
    assert_eq!(native.get("/metrics", "Accept: text/html\r\n").status, 401);
    assert_eq!(native.get("/metrics", &bearer("secret")).status, 403);
    metrics(&native.get("/metrics", &bearer("rooted")));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(native.get(path, "").status, 200, "{path}");
    }
    assert_eq!(native.post("/metrics", &bearer("rooted"), "").status, 405);
}

/// What Grafana shows is there.
#[test]
fn the_dashboard_knows_the_metrics() {
    let dashboard = include_str!("../../src/cli/server/packaging/grafana.json");
    let dashboard = parsed(dashboard);
    let metrics = metrics(&Native::start().get("/metrics", ""));
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array());
    let expressions = targets.flatten().map(|target| target["expr"].as_str());
    let mut shown = Vec::new();
    for expression in expressions.map(|it| it.expect("an expression")) {
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let is_ours = |word: &&str| word.starts_with("wirebell_") || word.starts_with("process_");
        shown.extend(
            words
                .filter(is_ours)
                .map(|it| it.trim_end_matches("_bucket")),
        );
    }
    for name in &shown {
        assert!(metrics.types.contains_key(*name), "{name} does not exist");
    }
    let unseen = ["wirebell_build_info", "wirebell_loop_turns_total"];
    for name in metrics
        .types
        .keys()
        .filter(|name| !unseen.contains(&name.as_str()))
    {
        assert!(shown.contains(&name.as_str()), "{name} is not shown");
    }
    let variables = dashboard["templating"]["list"]
        .as_array()
        .expect("variables");
    assert!(variables.iter().all(|it| it["query"] != Value::Null));
}

/// A worker whose loop no longer turns is reported by another one.
#[test]
fn a_stuck_worker_is_not_healthy() {
    let address = "127.0.0.1:80".parse().expect("an address");
    let shared = Shared::new(Settings::default(), &[address], 2);
    let network = Network::new();
    let of_workers = shared.clone();
    let mut loops = network.serve_all(options().workers(2), |worker| {
        PushService::new(&of_workers, &worker.mailboxes)
    });
    let mut peer = loops[0].connect();
    let mut ask = |one: &mut wirebell::net::testing::TestLoop<_>, path: &str| {
        peer.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        one.run();
        let answer = peer.received();
        match &answer[..] {
            [Received::Bytes(bytes)] => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("{other:?}"),
        }
    };
    loops.iter_mut().for_each(|it| it.advance(1_000));
    for path in ["/healthz", "/readyz"] {
        let answer = ask(&mut loops[0], path);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    loops[0].advance(3_600);
    for path in ["/healthz", "/readyz"] {
        let answer = ask(&mut loops[0], path);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.ends_with("worker 1 has been stuck for 3 s"),
            "{answer}"
        );
        assert!(answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
    }
    loops[1].run();
    let answer = ask(&mut loops[0], "/healthz");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// A log that fails when it is told to.
#[derive(Debug)]
struct Failing {
    log: MemoryLog,
    fails: Arc<AtomicBool>,
}

impl Log for Failing {
    fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    fn append(&self, batch: Vec<Publication>, now: u64, ticket: Ticket) -> Appended {
        self.log.append(batch, now, ticket)
    }

    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError> {
        self.log.repeats(publication, now)
    }

    fn delivered(&self, key: &Key, subscribers: usize) {
        self.log.delivered(key, subscribers);
    }

    fn ready(&self) -> Result<(), LogError> {
        match self.fails.load(Relaxed) {
            true => Err(LogError::Full),
            false => Ok(()),
        }
    }
}

#[test]
fn a_server_whose_log_fails_is_not_ready() {
    let fails = Arc::new(AtomicBool::new(false));
    let log = MemoryLog::new(Epoch::random(), Default::default());
    let native = Native::with_log(Failing {
        log,
        fails: Arc::clone(&fails),
    });
    assert_eq!(native.get("/readyz", "").status, 200);
    fails.store(true, Relaxed);
    let answer = native.get("/readyz", "");
    assert_eq!(
        (answer.status, &*answer.body),
        (503, "the log cannot keep more")
    );
    assert_eq!(answer.field("retry-after"), Some("1"));
    assert_eq!(native.get("/healthz", "").status, 200);
    let metrics = metrics(&native.get("/metrics", ""));
    assert_eq!(metrics.value("wirebell_log_available"), 0.0);
}

#[test]
fn a_server_that_stops_is_alive_but_not_ready() {
    let native = Native::start();
    native.shared.stop();
    assert_eq!(native.get("/healthz", "").status, 200);
    let answer = native.get("/readyz", "");
    assert_eq!(answer.status, 503);
    assert!(answer.field("retry-after").is_some());
    assert_eq!(native.get("/topics/a?poll=0", "").status, 503);
    let metrics = metrics(&native.get("/metrics", ""));
    assert_eq!(metrics.value("wirebell_stopping"), 1.0);
}

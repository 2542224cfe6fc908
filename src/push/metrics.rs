//! `/metrics`: what the server counts, for Prometheus.
//!
//! The text format, version 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>),
//! and its conventions for names: base units, `_total` for counters. Input: the reports of the
//! workers, and the broker. Output: the text. Invariants: a name has one type and its samples
//! follow it; a label has few values, none of which a client can choose.

use crate::net::{Counters, Latency, ListenerCounts};
use crate::push::broker::BrokerTotals;
use crate::push::shared::Shared;
use crate::push::stats::{Memory, Told};
use crate::push::tally::Totals;
use std::fmt::{Display, Write as _};
use std::fs;

/// The content type.
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text so far.
struct Text(String);

impl Text {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.begin(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.begin(name, "counter", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)));
        let labels = labels.collect::<Vec<_>>().join(",");
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn histogram(&mut self, name: &str, help: &str, latency: &Latency) {
        self.begin(name, "histogram", help);
        for (bound, count) in latency.buckets() {
            let _ = writeln!(self.0, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let (count, sum) = (latency.count(), latency.seconds());
        let _ = write!(
            self.0,
            "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n"
        );
    }
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// All metrics.
pub(super) fn render(shared: &Shared, memory: Memory, is_stopping: bool) -> String {
    let Shared { board, broker, .. } = shared;
    let told = board.told();
    let mut text = Text(String::new());
    text.begin("wirebell_build_info", "gauge", "The version, as a label.");
    let version = env!("CARGO_PKG_VERSION");
    text.sample("wirebell_build_info", &[("version", version)], 1);
    text.gauge("wirebell_workers", "Event loops.", told.len());
    let stopping = u8::from(is_stopping);
    let help = "1 from the beginning of a graceful stop.";
    text.gauge("wirebell_stopping", help, stopping);
    connections(&mut text, &told);
    let help = "Requests and messages refused by a rate or as too many connections.";
    let limited = shared.throttles.refused();
    text.counter("wirebell_requests_limited_total", help, limited);
    traffic(&mut text, &told);
    let totals = broker.totals();
    let available = broker.ready().is_ok();
    topics(&mut text, &totals, available, memory);
    receipts(&mut text, &told);
    latencies(&mut text, &told, &totals);
    process(&mut text, board.started);
    text.0
}

fn connections(text: &mut Text, told: &[Told]) {
    let mut sums: Vec<ListenerCounts> = Vec::new();
    for (number, more) in told
        .iter()
        .flat_map(|it| it.sockets.listeners.iter().enumerate())
    {
        match sums.get_mut(number) {
            Some(sum) => {
                sum.accepted += more.accepted;
                sum.ended += more.ended;
            }
            None => sums.push(more.clone()),
        }
    }
    let name = "wirebell_connections";
    text.begin(name, "gauge", "Open connections, HTTP and WebSocket.");
    for it in &sums {
        let labels = [("listener", &*it.name), ("transport", it.transport)];
        text.sample(name, &labels, it.accepted.saturating_sub(it.ended));
    }
    let name = "wirebell_connections_accepted_total";
    text.begin(name, "counter", "Connections accepted.");
    for it in &sums {
        let labels = [("listener", &*it.name), ("transport", it.transport)];
        text.sample(name, &labels, it.accepted);
    }
    let all: Counters = told.iter().map(|it| it.counters).sum();
    let help = "Connections refused because of a limit.";
    text.counter("wirebell_connections_refused_total", help, all.refused);
    let help = "Those of them whose address opens connections too often.";
    text.counter("wirebell_connections_limited_total", help, all.limited);
    let name = "wirebell_connections_ended_total";
    text.begin(name, "counter", "Connections that have ended, by cause.");
    let causes = [
        ("late", all.late),
        ("lost", all.lost),
        ("memory", all.shed),
        ("silent", all.silent),
        ("slow", all.overflowed),
        ("stalled", all.stalled),
        ("stopped", all.stopped),
        ("violation", all.violations),
    ];
    let others = causes.iter().map(|(_, count)| count).sum();
    text.sample(
        name,
        &[("cause", "closed")],
        all.ended.saturating_sub(others),
    );
    for (cause, count) in causes {
        text.sample(name, &[("cause", cause)], count);
    }
    handshakes(text, told, &all);
}

fn handshakes(text: &mut Text, told: &[Told], all: &Counters) {
    let open = all.opened.saturating_sub(all.closed);
    text.gauge("wirebell_websockets", "Open WebSockets.", open);
    let help = "WebSockets opened.";
    text.counter("wirebell_websockets_opened_total", help, all.opened);
    let handshakes = told.iter().map(|it| it.sockets.handshakes).sum();
    let help = "TLS handshakes completed.";
    text.counter("wirebell_tls_handshakes_total", help, handshakes);
    let help = "Connections whose TLS failed, most often in the handshake.";
    text.counter("wirebell_tls_failures_total", help, all.tls_failed);
}

fn traffic(text: &mut Text, told: &[Told]) {
    let all: Counters = told.iter().map(|it| it.counters).sum();
    for (name, help, value) in [
        ("http_requests", "HTTP requests.", all.requests),
        (
            "messages_received",
            "WebSocket messages received.",
            all.messages,
        ),
        (
            "messages_sent",
            "WebSocket messages and parts of streams accepted for a client.",
            all.sent,
        ),
        ("received_bytes", "Bytes received, above TLS.", all.bytes_in),
        ("sent_bytes", "Bytes sent, above TLS.", all.bytes_out),
        (
            "messages_dropped",
            "Messages that an overflow policy dropped for slow clients.",
            all.dropped,
        ),
        ("loop_turns", "Turns of the event loops.", all.turns),
    ] {
        text.counter(&format!("wirebell_{name}_total"), help, value);
    }
}

/// Publications with `?receipt=`, by subscriber.
fn receipts(text: &mut Text, told: &[Told]) {
    let mut all = Totals::default();
    for worker in told {
        all += worker.receipts;
    }
    let help = "Messages with a receipt that were handed to the system for a subscriber.";
    text.counter("wirebell_receipts_written_total", help, all.written);
    let help = "Of them, those that a Pong has confirmed.";
    let confirmed = all.confirmed.count();
    text.counter("wirebell_receipts_confirmed_total", help, confirmed);
    let help = "Of them, those for subscribers that cannot confirm.";
    text.counter("wirebell_receipts_unsupported_total", help, all.unsupported);
    let help = "From the sending of a message to a subscriber until it was confirmed.";
    text.histogram(
        "wirebell_receipt_confirmation_seconds",
        help,
        &all.confirmed,
    );
}

fn topics(text: &mut Text, totals: &BrokerTotals, available: bool, memory: Memory) {
    let help = "Messages published to topics.";
    text.counter("wirebell_publications_total", help, totals.published);
    let help = "Copies of them for subscribers.";
    text.counter("wirebell_deliveries_total", help, totals.delivered);
    let help = "Connections that subscribe to topics.";
    text.gauge("wirebell_subscribers", help, totals.subscribers);
    let help = "Topics that have a history or are subscribed to by name.";
    text.gauge("wirebell_topics", help, totals.topics);
    let available = u8::from(available);
    let help = "1 if the log takes publications.";
    text.gauge("wirebell_log_available", help, available);
    let help = "Memory for queues, unfinished messages, requests and histories together.";
    text.gauge("wirebell_memory_budget_bytes", help, memory.budget);
    let help = "How much of the budget is in use.";
    text.gauge("wirebell_memory_used_bytes", help, memory.used);
    let help = "Histories of topics.";
    text.gauge("wirebell_history_bytes", help, totals.history_bytes);
    let queued = memory.used.saturating_sub(totals.held_bytes);
    let help = "What waits for slow clients and for the event loops, and unfinished input.";
    text.gauge("wirebell_queue_bytes", help, queued);
}

fn latencies(text: &mut Text, told: &[Told], totals: &BrokerTotals) {
    let (mut writes, mut lag) = (Latency::default(), Latency::default());
    for worker in told {
        writes += worker.latency;
        lag += worker.lag;
    }
    let help = "From a publication until a worker has written it to its subscribers.";
    text.histogram("wirebell_publish_to_write_seconds", help, &writes);
    let help = "From a publication until the log has committed it; empty in memory.";
    text.histogram("wirebell_log_commit_seconds", help, &totals.commits);
    let help = "How late the timers of the event loops were.";
    text.histogram("wirebell_loop_lag_seconds", help, &lag);
}

/// What Linux says of the process.
fn process(text: &mut Text, started: u64) {
    let help = "Unix time at which the server started.";
    let started = started as f64 / 1000.0;
    text.gauge("process_start_time_seconds", help, started);
    // From Linux 6.2 on, the size of this directory is the number of its entries.
    let open = fs::metadata("/proc/self/fd").map_or(0, |it| it.len());
    if open > 0 {
        text.gauge("process_open_fds", "Open files.", open);
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    if let Some(most) = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok()) {
        text.gauge("process_max_fds", "Files that may be open.", most);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    if let Some(kib) = kib {
        let help = "Resident memory.";
        text.gauge("process_resident_memory_bytes", help, kib * 1024);
    }
}

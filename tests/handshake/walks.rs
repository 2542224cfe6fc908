//! Work over what a head can list grows no faster than the head.
//!
//! Each list is measured with 4 KiB and with 32 KiB: eight times as much may take eight times as
//! long. A walk in a walk would take 64 times as long, and far longer than the slack.

use super::{good_request, read};
use std::time::{Duration, Instant};
use wirebell::handshake::DeflatePolicy;

const SHORT: usize = 4 * 1024;
const LONG: usize = 8 * SHORT;

/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(20);

/// The shortest of some runs over a request with this field: reading it, and answering it.
fn time_of(name: &'static str, value: &str) -> Duration {
    let bytes = good_request().with(name, value).bytes();
    let run = |_| {
        let begun = Instant::now();
        let _ = read(&bytes, |opening| {
            let chosen = opening.choose(&["none of them", "nor this"]);
            let accepted = opening.accept(chosen).negotiate(&DeflatePolicy::TAKEOVER);
            accepted.to_string()
        });
        begun.elapsed()
    };
    (0..5).map(run).min().expect("five runs")
}

#[track_caller]
fn expect_linear(name: &'static str, value: impl Fn(usize) -> String) {
    // The other lines of the head need some room.
    let (short, long) = (value(SHORT - 300), value(LONG - 300));
    let times = (time_of(name, &short), time_of(name, &long));
    let bound = 20 * times.0 + SLACK;
    assert!(times.1 < bound, "{name}: {short:.40}: {times:?}");
}

/// `item` over and over; `#` in it becomes a number.
fn list(item: &str, bytes: usize) -> String {
    let mut list = String::new();
    let mut n = 0;
    while list.len() + item.len() + 8 < bytes {
        list += &item.replace('#', &n.to_string());
        n += 1;
    }
    list
}

#[test]
fn lists_of_a_head_are_walked_once() {
    let rows = [
        ("Connection", ","),
        ("Connection", "x#,"),
        ("Upgrade", "x#,"),
        ("Sec-WebSocket-Protocol", "x#,"),
        ("Sec-WebSocket-Protocol", "x, "),
        ("Sec-WebSocket-Extensions", "x#,"),
        ("Sec-WebSocket-Extensions", "x;a#=b,"),
        ("Sec-WebSocket-Extensions", "permessage-deflate;x#,"),
        (
            "Sec-WebSocket-Extensions",
            "permessage-deflate;server_max_window_bits=1#,",
        ),
        ("Cookie", "a#=b; "),
        ("X", " "),
    ];
    for (name, item) in rows {
        expect_linear(name, |bytes| list(item, bytes) + "x");
    }
    let param = "client_max_window_bits;";
    expect_linear("Sec-WebSocket-Extensions", |bytes| {
        format!("permessage-deflate;{}x", list(param, bytes - 20))
    });
    expect_linear("Sec-WebSocket-Extensions", |bytes| {
        format!("x;a=\"{}\"", list("\\b", bytes - 10))
    });
}

/// The names that may appear in the list, and then thousands of empty elements: passing over those
/// for each name again would take sixty times as long as for one.
#[test]
fn empty_elements_are_not_passed_over_for_each_name() {
    let with = |names: usize| {
        let names: Vec<String> = (0..names).map(|n| format!("n{n}")).collect();
        names.join(",") + &",".repeat(LONG - 1000)
    };
    let times = [1, 64].map(|names| time_of("Sec-WebSocket-Protocol", &with(names)));
    assert!(times[1] < 4 * times[0] + SLACK, "{times:?}");
}

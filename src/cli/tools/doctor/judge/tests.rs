//! Each judgement, on facts that no socket has seen.

use super::{CHECKS, judge, places};
use crate::cli::tools::doctor::facts::{
    Answer, Connect, Facts, Idle, IdleEnd, Lookup, Page, Published, Sse, Talk, Tls,
};
use crate::cli::tools::doctor::finding::{Finding, Level, Place};
use std::time::Duration;
use wirebell::tls::TlsErrorKind;

const MS: Duration = Duration::from_millis(1);

/// 2026-11-29T00:00:00Z.
const NOW: i64 = 1_795_910_400;

fn answer(status: u16, fields: &[(&str, &str)], body: &str) -> Answer {
    let fields = fields.iter();
    Answer {
        status,
        fields: fields
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        body: body.into(),
        took: MS,
        at: NOW * 1000,
    }
}

/// A deployment without a fault.
fn good() -> Facts {
    let address = "192.0.2.7:443".parse().unwrap();
    let opened = [
        ("Sec-WebSocket-Accept", "x"),
        ("Sec-WebSocket-Protocol", "wirebell.v1"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ];
    let date = ("Date", "Sun, 29 Nov 2026 00:00:00 GMT");
    let stream = ("Content-Type", "text/event-stream");
    Facts {
        host: "push.example".into(),
        authority: "push.example".into(),
        lookup: Lookup {
            addresses: vec![address],
            ..Lookup::default()
        },
        connects: vec![Connect {
            address,
            result: Ok(MS),
        }],
        tls: Some(Tls {
            version: "TLSv1_3".into(),
            ends: Some(NOW + 60 * 86_400),
            now: NOW,
            ..Tls::default()
        }),
        malformed: Some(Ok(answer(400, &[], "The request head is malformed."))),
        health: Some(Ok(answer(200, &[date], "ok"))),
        upgrade: Some(Ok(answer(101, &opened, ""))),
        own_page: Some(Ok(answer(101, &opened, ""))),
        talk: Some(Ok(Talk {
            envelopes: true,
            answered: 5,
            answer: Some(2 * MS),
            ponged: 5,
            pong: Some(MS),
            ..Talk::default()
        })),
        idle: Some(Idle {
            lived: 300_000 * MS,
            pings: 9,
            end: IdleEnd::Alive,
        }),
        sse: Some(Sse {
            head: Ok(answer(200, &[stream], "")),
            first: Some(MS),
            published: Published::Yes,
            event: Some(MS),
            clock: Some((NOW * 1000, NOW * 1000)),
            patience: 5000 * MS,
        }),
        pages: vec![Page {
            origin: "https://x.invalid".into(),
            is_stranger: true,
            preflight: Ok(answer(403, &[], "")),
            upgrade: Ok(answer(403, &[], "")),
        }],
    }
}

/// The worst finding of a check.
fn worst(facts: &Facts, check: &str) -> Finding {
    let found = judge(facts).into_iter().filter(|one| one.check == check);
    found.max_by_key(|one| one.level).expect("a finding")
}

/// `change` makes one check find this, with a word of advice for each place; no other check finds
/// more than a note.
#[track_caller]
fn finds(check: &str, level: Level, places: &[Place], part: &str, change: impl Fn(&mut Facts)) {
    let mut facts = good();
    change(&mut facts);
    let found = worst(&facts, check);
    assert_eq!(found.level, level, "{found:?}");
    let shown = format!("{} {}", found.text, found.meaning);
    assert!(shown.contains(part), "{found:?}");
    for place in places {
        let named = found.changes.iter().any(|(one, _)| one == place);
        assert!(named, "{place:?}: {found:?}");
    }
    for other in judge(&facts).iter().filter(|one| one.check != check) {
        assert!(other.level <= Level::Note, "{other:?}");
    }
}

#[test]
fn a_good_deployment_has_no_fault_and_every_check_says_something() {
    let all = judge(&good());
    assert!(all.iter().all(|one| one.level <= Level::Note), "{all:?}");
    for facts in [good(), Facts::default()] {
        let all = judge(&facts);
        for (check, _) in CHECKS {
            assert!(all.iter().any(|one| one.check == check), "{check}");
        }
    }
}

#[test]
fn name_and_addresses() {
    use Place::{Elsewhere, Server};
    finds("dns", Level::Problem, &[Elsewhere], "no address", |facts| {
        facts.lookup.error = Some("unknown".into());
    });
    finds(
        "tcp",
        Level::Warning,
        &[Server, Elsewhere],
        "late",
        |facts| {
            facts.connects.push(Connect {
                address: "[2001:db8::7]:443".parse().unwrap(),
                result: Err("timed out".into()),
            });
        },
    );
}

#[test]
fn the_end_of_a_certificate() {
    use Place::{Elsewhere, Haproxy, Nginx, Server};
    let days = |days: i64| {
        move |facts: &mut Facts| {
            facts.tls.as_mut().unwrap().ends = Some(NOW + days * 86_400 + 60);
        }
    };
    let renew = [Nginx, Haproxy, Server];
    finds("tls", Level::Ok, &[], "", days(14));
    finds("tls", Level::Warning, &renew, "13 days", days(13));
    finds("tls", Level::Warning, &renew, "on 2026-12-02", days(3));
    finds("tls", Level::Problem, &renew, "in 2 days", days(2));
    finds(
        "tls",
        Level::Problem,
        &renew,
        "ended on 2026-11-28",
        days(-1),
    );
    let error = |kind| {
        move |facts: &mut Facts| {
            facts.tls.as_mut().unwrap().error = Some((kind, "why".into()));
        }
    };
    finds(
        "tls",
        Level::Problem,
        &renew,
        "why",
        error(TlsErrorKind::Expired),
    );
    finds(
        "tls",
        Level::Problem,
        &[Nginx],
        "why",
        error(TlsErrorKind::Untrusted),
    );
    finds(
        "tls",
        Level::Problem,
        &[Nginx],
        "why",
        error(TlsErrorKind::WrongName),
    );
    finds(
        "tls",
        Level::Problem,
        &[Elsewhere],
        "why",
        error(TlsErrorKind::NotTls),
    );
}

#[test]
fn proxies_leave_marks() {
    let haproxy = "<h1>400 Bad request</h1>\nYour browser sent an invalid request.\n";
    let rows: [(&str, &str, &str, &[Place]); 6] = [
        ("Server", "nginx/1.22.1", "", &[Place::Nginx]),
        ("Server", "awselb/2.0", "", &[Place::Alb]),
        ("Via", "1.1 Caddy", "", &[Place::Caddy]),
        ("Via", "1.1 other", "", &[]),
        ("X", "y", haproxy, &[Place::Haproxy]),
        ("X", "y", "The request head is malformed.", &[]),
    ];
    for (name, value, body, expected) in rows {
        let mut facts = good();
        facts.malformed = Some(Ok(answer(400, &[(name, value)], body)));
        assert_eq!(places(&facts), expected, "{name}: {value}");
    }
}

#[test]
fn the_server_behind_the_proxy() {
    use Place::{Alb, Caddy, Haproxy, Nginx, Server};
    let says = |status, fields: &'static [(&str, &str)]| {
        move |facts: &mut Facts| facts.health = Some(Ok(answer(status, fields, "?")))
    };
    const DATE: (&str, &str) = ("Date", "Sun, 29 Nov 2026 00:00:00 GMT");
    let all = [Server, Nginx, Haproxy, Caddy, Alb];
    finds("http", Level::Problem, &all, "502", says(502, &[DATE]));
    finds("http", Level::Problem, &all, "421", says(421, &[DATE]));
    finds("http", Level::Warning, &[Nginx], "404", says(404, &[DATE]));
    let moved = says(301, &[DATE, ("Location", "https://b.example/")]);
    finds("http", Level::Problem, &[], "to https://b.example/", moved);
}

#[test]
fn upgrades() {
    use Place::{Alb, Caddy, Elsewhere, Haproxy, Nginx, Server};
    let says = |status| {
        move |facts: &mut Facts| {
            facts.upgrade = Some(Ok(answer(status, &[], "")));
            facts.own_page = None;
            (facts.talk, facts.idle) = (None, None);
        }
    };
    let stripped = [Nginx, Haproxy, Caddy, Alb];
    for status in [200, 400, 406, 426] {
        finds(
            "upgrade",
            Level::Problem,
            &stripped,
            "removes Upgrade",
            says(status),
        );
    }
    finds("upgrade", Level::Problem, &[Elsewhere], "token", says(401));
    finds("upgrade", Level::Problem, &[], "see http", says(502));
    finds(
        "upgrade",
        Level::Problem,
        &[Nginx, Server],
        "Host field",
        |facts| {
            facts.own_page = Some(Ok(answer(403, &[], "")));
        },
    );
    finds(
        "compression",
        Level::Note,
        &[Server, Nginx],
        "in vain",
        |facts| {
            let upgrade = facts.upgrade.as_mut().unwrap().as_mut().unwrap();
            upgrade.fields.pop();
        },
    );
}

#[test]
fn pings_and_silence() {
    use Place::{Alb, Caddy, Elsewhere, Haproxy, Nginx, Server};
    fn talk(facts: &mut Facts) -> &mut Talk {
        facts.talk.as_mut().unwrap().as_mut().unwrap()
    }
    finds("pings", Level::Ok, &[], "imitates its order", |_| {});
    finds("pings", Level::Warning, &[Elsewhere], "overtook", |facts| {
        talk(facts).early_pongs = 1;
    });
    finds("pings", Level::Warning, &[Elsewhere], "makes up", |facts| {
        talk(facts).foreign_pongs = 1;
    });
    finds("pings", Level::Problem, &[Elsewhere], "no Pong", |facts| {
        talk(facts).pong = None;
    });
    finds("pings", Level::Note, &[], "unknown", |facts| {
        (talk(facts).envelopes, talk(facts).answer) = (false, None);
    });
    let end = |end: fn() -> IdleEnd| {
        move |facts: &mut Facts| {
            facts.idle.as_mut().unwrap().end = end();
        }
    };
    let longer = [Nginx, Haproxy, Caddy, Alb, Server];
    let cut = end(|| IdleEnd::Cut(String::new()));
    finds("idle", Level::Problem, &longer, "without a Close", cut);
    finds(
        "idle",
        Level::Problem,
        &longer,
        "not",
        end(|| IdleEnd::Dead),
    );
    let closed = end(|| IdleEnd::Closed("1001 bye".into()));
    finds("idle", Level::Warning, &[Server], "1001 bye", closed);
    finds("idle", Level::Note, &[], "--minutes", |facts| {
        facts.idle = None
    });
}

#[test]
fn streams_of_events() {
    use Place::{Alb, Caddy, Haproxy, Nginx};
    let sse = |change: fn(&mut Sse)| move |facts: &mut Facts| change(facts.sse.as_mut().unwrap());
    let buffers = [Nginx, Haproxy, Caddy, Alb];
    let lost = sse(|sse| sse.event = None);
    finds("sse", Level::Problem, &buffers, "buffers", lost);
    let silent = sse(|sse| (sse.first, sse.event) = (None, None));
    finds("sse", Level::Problem, &buffers, "first line", silent);
    let headless = sse(|sse| sse.head = Err("no response".into()));
    finds("sse", Level::Problem, &buffers, "head", headless);
    let late = sse(|sse| sse.event = Some(200 * MS));
    finds("sse", Level::Warning, &[Haproxy], "holds", late);
    let denied = sse(|sse| sse.published = Published::Denied(403));
    finds("sse", Level::Note, &[], "skipped: HTTP 403", denied);
    let gzip = sse(|sse| {
        let head = sse.head.as_mut().unwrap();
        head.fields.push(("Content-Encoding".into(), "gzip".into()));
    });
    finds(
        "sse",
        Level::Warning,
        &[Nginx, Haproxy, Caddy],
        "gzip",
        gzip,
    );
    let html = sse(|sse| sse.head = Ok(answer(200, &[("Content-Type", "text/html")], "")));
    finds("sse", Level::Problem, &[], "text/html", html);
}

#[test]
fn pages_of_other_hosts() {
    use Place::{Nginx, Server};
    const ALLOW: &str = "Access-Control-Allow-Origin";
    let open = |facts: &mut Facts| facts.pages[0].upgrade = Ok(answer(101, &[], ""));
    finds("cors", Level::Warning, &[Server, Nginx], "any host", open);
    let page = |status, origins: &'static [&str]| {
        move |facts: &mut Facts| {
            let fields: Vec<_> = origins.iter().map(|origin| (ALLOW, *origin)).collect();
            facts.pages.push(Page {
                origin: "https://app.example".into(),
                is_stranger: false,
                preflight: Ok(answer(status, &fields, "")),
                upgrade: Ok(answer(101, &[], "")),
            });
        }
    };
    const APP: &str = "https://app.example";
    finds("cors", Level::Ok, &[], "", page(204, &[APP]));
    finds(
        "cors",
        Level::Problem,
        &[Nginx],
        "twice",
        page(204, &[APP, "*"]),
    );
    finds("cors", Level::Problem, &[Server], "405", page(405, &[]));
}

#[test]
fn clocks() {
    let date = |value: &'static str| {
        move |facts: &mut Facts| facts.health = Some(Ok(answer(200, &[("Date", value)], "ok")))
    };
    let row = |level, part, value| finds("clock", level, &[], part, date(value));
    row(Level::Ok, "", "Sun, 29 Nov 2026 00:00:04 GMT");
    row(
        Level::Warning,
        "30 s ahead",
        "Sun, 29 Nov 2026 00:00:30 GMT",
    );
    row(
        Level::Problem,
        "3600 s behind",
        "Sat, 28 Nov 2026 23:00:00 GMT",
    );
    row(Level::Note, "no Date", "soon");
    finds(
        "clock",
        Level::Problem,
        &[Place::Elsewhere],
        "message",
        |facts| {
            facts.sse.as_mut().unwrap().clock = Some(((NOW - 7200) * 1000, NOW * 1000));
        },
    );
}

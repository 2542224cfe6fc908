//! What a GET of `/topics` asks for: which topics, from where, and in which form.
//!
//! Input: the head of a request. Output: an [`Ask`]. Invariant: a request has one meaning, however
//! its query is ordered. Who may ask for it is left to the service.

use crate::http::RequestHead;
use crate::push::name::{Pattern, TopicName};
use crate::push::native::problem::Problem;
use crate::push::percent::{decode, values};
use crate::push::position::{BadPosition, Since};
use crate::push::time::span;

/// The subprotocol of envelopes.
pub const ENVELOPES: &str = "wirebell.v1";

/// Milliseconds that a poll may wait: proxies give up soon after.
const LONGEST_POLL: u64 = 120_000;

/// The path of all topics.
pub(in crate::push) const TOPICS: &str = "/topics";

/// What a subscriber asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::push) struct Ask {
    /// At least one; with envelopes there may be none, as messages can name them later.
    pub(in crate::push) patterns: Vec<Pattern>,
    pub(in crate::push) since: Since,
    pub(in crate::push) how: How,
}

/// In which form it wants to get messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::push) enum How {
    /// A WebSocket with payloads alone.
    Raw,
    /// A WebSocket with [`ENVELOPES`].
    Envelopes,
    /// Server-sent events.
    Events {
        /// Envelopes instead of payloads.
        envelopes: bool,
    },
    /// NDJSON.
    Lines,
    /// One answer, after at most this many milliseconds.
    Poll(u64),
    /// The live page, for browsers.
    Page,
}

impl Ask {
    /// Reads the request.
    ///
    /// # Errors
    ///
    /// What is wrong with it: 400, or 406 if it asks for none of the forms.
    pub(in crate::push) fn read(head: &RequestHead<'_>) -> Result<Self, Problem> {
        let patterns = patterns(head.path())?;
        let how = form(head, &patterns)?;
        if patterns.is_empty() && how != How::Envelopes {
            let text = "name a topic, as in /topics/orders.eu";
            return Err(Problem::malformed(text));
        }
        let since = since(head, how)?;
        Ok(Self {
            patterns,
            since,
            how,
        })
    }
}

/// Whether a request asks for a WebSocket or a stream.
pub(in crate::push) fn lasts(head: &RequestHead<'_>) -> bool {
    let form = patterns(head.path()).and_then(|patterns| form(head, &patterns));
    form.is_ok_and(|how| !matches!(how, How::Poll(_) | How::Page))
}

/// The topic of a path, to publish to.
///
/// # Errors
///
/// 400 if it is not the name of a topic.
pub(in crate::push) fn topic_of(path: &str) -> Result<TopicName, Problem> {
    let name = name_of(path)?;
    name.parse().map_err(Problem::from)
}

// req: push-names-11
fn patterns(path: &str) -> Result<Vec<Pattern>, Problem> {
    let names = name_of(path)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names = names.split(',').map(|name| name.parse());
    names.collect::<Result<_, _>>().map_err(Problem::from)
}

/// What follows `/topics/`, decoded.
// req: push-names-04
fn name_of(path: &str) -> Result<String, Problem> {
    let rest = path.strip_prefix(TOPICS).unwrap_or_default();
    let name = decode(rest.strip_prefix('/').unwrap_or_default());
    let name = name.ok_or_else(|| Problem::malformed("the path is not percent-encoded UTF-8"))?;
    Ok(name.into_owned())
}

// req: push-subscribe-01 push-subscribe-02 push-subscribe-03 push-sse-05 push-sse-07 push-ndjson-01
// req: push-poll-04
fn form(head: &RequestHead<'_>, patterns: &[Pattern]) -> Result<How, Problem> {
    if wants_envelopes(head) {
        return Ok(How::Envelopes);
    }
    if upgrades(head) {
        return Ok(How::Raw);
    }
    if let Some(wait) = parameter(head, "poll")? {
        let wait = seconds_or_span(&wait).ok_or_else(|| {
            Problem::malformed("poll is a time to wait, such as 25s, or 0 for no wait")
        })?;
        return Ok(How::Poll(wait.min(LONGEST_POLL)));
    }
    let is_one = matches!(patterns, [pattern] if pattern.to_topic().is_some());
    let accepts = |name: &str| accepts(head, name);
    match parameter(head, "format")?.as_deref() {
        Some("ndjson") => Ok(How::Lines),
        Some("raw") => Ok(How::Events { envelopes: false }),
        Some("json") => Ok(How::Events { envelopes: true }),
        Some(_) => Err(Problem::malformed("format is raw, json or ndjson")),
        None if accepts("text/event-stream") => Ok(How::Events { envelopes: !is_one }),
        None if accepts("application/x-ndjson") => Ok(How::Lines),
        None if accepts("text/html") => Ok(How::Page),
        None => Err(Problem::not_acceptable(
            "subscribe with a WebSocket, with Accept: text/event-stream, with ?format=ndjson, \
             or with ?poll=25s",
        )),
    }
}

/// Whether the request opens a WebSocket.
pub(super) fn upgrades(head: &RequestHead<'_>) -> bool {
    head.fields.has_token("Upgrade", "websocket")
}

/// Whether the request opens a WebSocket with [`ENVELOPES`].
pub(super) fn wants_envelopes(head: &RequestHead<'_>) -> bool {
    let mut offered = head.fields.list("Sec-WebSocket-Protocol");
    upgrades(head) && offered.any(|name| name == ENVELOPES)
}

/// Whether the request names this media type; wildcards do not count.
pub(in crate::push) fn accepts(head: &RequestHead<'_>, name: &str) -> bool {
    head.fields.list("Accept").any(|range| {
        let range = range.split(';').next().unwrap_or_default();
        range.trim().eq_ignore_ascii_case(name)
    })
}

/// `Last-Event-ID` wins: it is what an EventSource knows after its first connection. If it cannot
/// be read, that is a gap: an EventSource gives up for good when it is refused.
// req: push-sse-11 push-since-05
fn since(head: &RequestHead<'_>, how: How) -> Result<Since, Problem> {
    if matches!(how, How::Events { .. })
        && let Some(id) = head.fields.get("Last-Event-ID").filter(|id| !id.is_empty())
    {
        return Ok(Since::from_position(id));
    }
    match parameter(head, "since")? {
        None => Ok(Since::New),
        Some(text) => text
            .parse()
            .map_err(|problem: BadPosition| Problem::malformed(problem.to_string())),
    }
}

/// A number of seconds, or a span of time, in milliseconds.
pub(super) fn seconds_or_span(text: &str) -> Option<u64> {
    let seconds = text.parse::<u64>().ok().map(|it| it.saturating_mul(1000));
    seconds.or_else(|| span(text))
}

/// The only value of a parameter, decoded.
pub(super) fn parameter(head: &RequestHead<'_>, name: &str) -> Result<Option<String>, Problem> {
    let mut all = values(head.query(), name);
    let (Some(value), None) = (all.next(), all.next()) else {
        return match values(head.query(), name).next() {
            None => Ok(None),
            Some(_) => Err(Problem::malformed(format!("{name} is there twice"))),
        };
    };
    match decode(value) {
        Some(value) => Ok(Some(value.into_owned())),
        None => Err(Problem::malformed(format!(
            "{name} is not percent-encoded UTF-8"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, MAX_FIELDS};

    fn read(target: &str, fields: &str) -> Result<Ask, u16> {
        let head = format!("GET {target} HTTP/1.1\r\n{fields}\r\n");
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let head = RequestHead::parse(head.as_bytes(), &mut storage).unwrap();
        Ask::read(&head).map_err(|problem| problem.status.code())
    }

    fn how(target: &str, fields: &str) -> Result<How, u16> {
        read(target, fields).map(|ask| ask.how)
    }

    const EVENTS: &str = "Accept: text/event-stream\r\n";
    const SOCKET: &str = "Upgrade: websocket\r\nConnection: upgrade\r\n";

    #[test]
    // req: push-subscribe-01 push-subscribe-02 push-subscribe-03
    fn the_form_is_chosen_by_upgrade_then_query_then_accept() {
        let with_protocol =
            |names: &str| format!("{SOCKET}Sec-WebSocket-Protocol: {names}\r\n{EVENTS}");
        let events = |envelopes| Ok(How::Events { envelopes });
        for (target, fields, expected) in [
            ("/topics/a", SOCKET.to_owned(), Ok(How::Raw)),
            ("/topics/a?poll=1s", SOCKET.to_owned(), Ok(How::Raw)),
            (
                "/topics/a",
                with_protocol("chat, wirebell.v1"),
                Ok(How::Envelopes),
            ),
            ("/topics/a", with_protocol("chat"), Ok(How::Raw)),
            ("/topics", with_protocol("wirebell.v1"), Ok(How::Envelopes)),
            ("/topics", SOCKET.to_owned(), Err(400)),
            ("/topics/", EVENTS.to_owned(), Err(400)),
            ("/topics/a", EVENTS.to_owned(), events(false)),
            ("/topics/a.*", EVENTS.to_owned(), events(true)),
            ("/topics/a,b", EVENTS.to_owned(), events(true)),
            ("/topics/a,b?format=raw", EVENTS.to_owned(), events(false)),
            ("/topics/a?format=json", String::new(), events(true)),
            ("/topics/a?format=ndjson", EVENTS.to_owned(), Ok(How::Lines)),
            ("/topics/a?format=xml", EVENTS.to_owned(), Err(400)),
            (
                "/topics/a?poll=25s",
                EVENTS.to_owned(),
                Ok(How::Poll(25_000)),
            ),
            ("/topics/a?poll=0", String::new(), Ok(How::Poll(0))),
            ("/topics/a?poll=1h", String::new(), Ok(How::Poll(120_000))),
            ("/topics/a?poll=x", String::new(), Err(400)),
            ("/topics/a?poll=1s&poll=2s", String::new(), Err(400)),
            (
                "/topics/a",
                "Accept: Application/x-NDJSON;q=1\r\n".into(),
                Ok(How::Lines),
            ),
            (
                "/topics/a",
                "Accept: text/html,*/*\r\n".into(),
                Ok(How::Page),
            ),
            ("/topics/a", "Accept: */*\r\n".into(), Err(406)),
            ("/topics/a", String::new(), Err(406)),
        ] {
            assert_eq!(how(target, &fields), expected, "{target} {fields}");
        }
    }

    #[test]
    // req: push-names-11
    fn patterns_are_decoded_and_then_split() {
        let names = |target: &str| {
            read(target, EVENTS).map(|ask| {
                let names = ask.patterns.iter();
                names.map(|it| it.to_string()).collect::<Vec<_>>().join(" ")
            })
        };
        assert_eq!(names("/topics/a.b,c.*,d.**"), Ok("a.b c.* d.**".into()));
        assert_eq!(names("/topics/a%2Cb%2e*"), Ok("a b.*".into()));
        for bad in ["a,,b", "a%2Fb", "a/b", "a%", "a%FF", "a%20b", "a*", ","] {
            assert_eq!(names(&format!("/topics/{bad}")), Err(400), "{bad}");
        }
        assert_eq!(topic_of("/topics/a%2eb").unwrap().as_str(), "a.b");
        for bad in ["/topics/", "/topics", "/topics/a,b", "/topics/*"] {
            assert!(topic_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    // req: push-sse-11 push-since-05
    fn where_to_begin() {
        let since = |target: &str, fields: &str| read(target, fields).map(|ask| ask.since);
        let place = |text: &str| Since::Position(text.parse().unwrap());
        let last = |id: &str| format!("{EVENTS}Last-Event-ID: {id}\r\n");
        for (target, fields, expected) in [
            ("/topics/a", EVENTS.to_owned(), Ok(Since::New)),
            ("/topics/a?since=all", EVENTS.to_owned(), Ok(Since::All)),
            (
                "/topics/a?since=10m",
                EVENTS.to_owned(),
                Ok(Since::Ago(600_000)),
            ),
            ("/topics/a?since=q7-4", EVENTS.to_owned(), Ok(place("q7-4"))),
            (
                "/topics/a?since=%71%37-4",
                EVENTS.to_owned(),
                Ok(place("q7-4")),
            ),
            ("/topics/a?since=nonsense!", EVENTS.to_owned(), Err(400)),
            ("/topics/a?since=all", last("q7-4"), Ok(place("q7-4"))),
            ("/topics/a?since=all", last("?"), Ok(Since::Unreadable)),
            ("/topics/a?since=all", last(""), Ok(Since::All)),
            (
                "/topics/a?since=all",
                SOCKET.to_owned() + "Last-Event-ID: q7-4\r\n",
                Ok(Since::All),
            ),
        ] {
            assert_eq!(since(target, &fields), expected, "{target} {fields}");
        }
    }
}

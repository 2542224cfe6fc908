//! One message: `POST /topics/NAME`, whose body is the message.
//!
//! ```text
//!   POST /topics/orders.eu                   201 Created        (202 Accepted without subscribers)
//!   TTL: 60                                  Idempotency-Replayed: true         (a repetition)
//!   Idempotency-Key: "k1"
//!                                            {"topic":"orders.eu","id":"q7c2m4-41",
//!   shipped                                   "subscribers":3}
//! ```
//!
//! With `?receipt=2s` the answer also says how many connections have confirmed it: see `receipts`.
//!
//! Input: a topic, a head, a body; what the broker has made of it. Output: a publication; a
//! response. Invariant: a text is UTF-8, and nothing is altered to make it so. RFC 9110 section 8.3
//! (Content-Type), RFC 8030 section 5.2 (TTL), RFC 8941 section 3.3.3 (the string of a key). Who
//! may publish is left to the service, except that topics of the server itself are closed to all.

use crate::http::{MediaType, RequestHead, Response, Status, field, is_token};
use crate::proto::Millis;
use crate::push::answers::is_encoded;
use crate::push::broker::{Outcome, Receipt};
use crate::push::json::{write_number, write_string};
use crate::push::name::TopicName;
use crate::push::native::ask::{parameter, seconds_or_span};
use crate::push::native::base64::decode;
use crate::push::native::envelope::position;
use crate::push::native::problem::Problem;
use crate::push::record::{Key, Payload, Publication};
use crate::push::tally::Counts;
use crate::wire::MessageKind;
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes of a result besides the topic, to reserve memory.
pub(super) const RESULT: usize = 64;

/// Milliseconds that a publisher can wait for receipts.
const LONGEST_WAIT_MS: Millis = 60_000;

/// Characters of an idempotency key.
const MAX_KEY: usize = 255;

/// Reads a publication. `owner` is the name of the token, or empty.
///
/// # Errors
///
/// See [`message_kind`]; 400 if a text is not UTF-8 or a field is malformed, 403 for a topic of the
/// server itself.
// req: push-publish-01
pub fn read(
    topic: TopicName,
    head: &RequestHead<'_>,
    body: &[u8],
    owner: &Arc<str>,
) -> Result<Publication, Problem> {
    check_topic(&topic)?;
    let payload = match message_kind(head)? {
        MessageKind::Text => Payload::from(utf8(body)?),
        MessageKind::Binary => Payload::Binary(body.into()),
    };
    Ok(Publication {
        topic,
        payload,
        ttl: ttl(head)?,
        key: key(head, owner)?,
        tally: None,
    })
}

/// How long the publisher waits for receipts, in milliseconds; `None` if it wants none.
///
/// # Errors
///
/// 400 if it is not a time of at most a minute.
// req: push-receipt-07
pub(super) fn receipt(head: &RequestHead<'_>) -> Result<Option<Millis>, Problem> {
    let Some(text) = parameter(head, "receipt")? else {
        return Ok(None);
    };
    let wait = seconds_or_span(&text).filter(|wait| (1..=LONGEST_WAIT_MS).contains(wait));
    wait.map(Some).ok_or_else(|| {
        Problem::malformed("receipt is a time to wait of at most a minute, such as 2s")
    })
}

/// Checks that clients may publish to the topic, if their tokens allow it.
///
/// # Errors
///
/// 403 for a topic of the server itself.
// req: push-names-06
pub(super) fn check_topic(topic: &TopicName) -> Result<(), Problem> {
    match topic.is_reserved() {
        false => Ok(()),
        true => {
            let text = "topics that begin with $ are the server's own";
            Err(Problem::forbidden(text))
        }
    }
}

// req: push-publish-03
fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|_| {
        let text = "this is not UTF-8: send it as Content-Type: application/octet-stream";
        Problem::malformed(text)
    })
}

/// Whether the body is a text or binary. The head alone decides, so it can be checked before the
/// body arrives.
///
/// # Errors
///
/// 415 for an encoded body and for a form in parts; 400 if there are several media types, of which
/// the sender and a proxy might choose different ones, or something else instead of one.
// req: push-publish-02 push-publish-04 push-publish-05
pub fn message_kind(head: &RequestHead<'_>) -> Result<MessageKind, Problem> {
    if is_encoded(head) {
        return Err(Problem::encoded());
    }
    let malformed = || Problem::malformed("Content-Type is one media type, such as text/plain");
    let value = head.fields.single("Content-Type");
    let Some(value) = value.map_err(|_| malformed())? else {
        return Ok(MessageKind::Text);
    };
    let name = value.split(';').next().unwrap_or_default();
    let name = name.trim_end_matches([' ', '\t']).to_ascii_lowercase();
    let (kind, subtype) = name.split_once('/').ok_or_else(malformed)?;
    if !is_token(kind) || !is_token(subtype) {
        return Err(malformed());
    }
    match (kind, subtype) {
        ("multipart", _) => {
            let text = "send the content itself as the body, such as with curl --data-binary @FILE";
            Err(Problem::unsupported_media_type(text))
        }
        ("text", _) | ("application", "json" | "xml" | "x-www-form-urlencoded") => {
            Ok(MessageKind::Text)
        }
        _ if subtype.ends_with("+json") || subtype.ends_with("+xml") => Ok(MessageKind::Text),
        _ => Ok(MessageKind::Binary),
    }
}

/// The field TTL in milliseconds. More than can be represented means as long as possible.
// req: push-publish-06
fn ttl(head: &RequestHead<'_>) -> Result<Option<u64>, Problem> {
    let malformed = || Problem::malformed("TTL is a number of seconds, in digits");
    let value = head.fields.single("TTL").map_err(|_| malformed())?;
    let Some(digits) = value else {
        return Ok(None);
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    Ok(Some(seconds(digits.parse().unwrap_or(u64::MAX))))
}

/// A number of seconds in milliseconds. More than can be represented means as long as possible.
pub(super) fn seconds(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}

/// The payload of a message in JSON, which is in one of two members.
///
/// # Errors
///
/// 400 if it has both or neither, or what is not Base64.
// req: push-batch-03
pub(super) fn payload(
    data: Option<Cow<'_, str>>,
    base64: Option<Cow<'_, str>>,
) -> Result<Payload, Problem> {
    match (data, base64) {
        (Some(data), None) => Ok(Payload::Text(data.into())),
        (None, Some(text)) => {
            let bad = || Problem::malformed("\"base64\" is not Base64 (RFC 4648 section 4)");
            decode(&text).map(Payload::from).ok_or_else(bad)
        }
        _ => {
            let text = "a message has either \"data\" or \"base64\"";
            Err(Problem::malformed(text))
        }
    }
}

/// The field Idempotency-Key: a string in quotation marks or, as most send it, without.
fn key(head: &RequestHead<'_>, owner: &Arc<str>) -> Result<Option<Key>, Problem> {
    let field = head.fields.single("Idempotency-Key");
    let Some(value) = field.map_err(|_| bad_key())? else {
        return Ok(None);
    };
    let text = match value.strip_prefix('"') {
        Some(rest) => unquote(rest).ok_or_else(bad_key)?.into(),
        None => Cow::Borrowed(value),
    };
    check_key(&text)?;
    Ok(Some(Key {
        owner: Arc::clone(owner),
        text: text.into(),
    }))
}

/// The string of RFC 8941 section 3.3.3, whose first quotation mark has been read.
fn unquote(rest: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = rest.chars();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(text),
            '\\' => text.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            c => text.push(c),
        }
    }
}

/// Checks the text of an idempotency key.
///
/// # Errors
///
/// 400 if it is too long or has other characters.
pub(super) fn check_key(text: &str) -> Result<(), Problem> {
    let fits = (1..=MAX_KEY).contains(&text.len());
    match fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(bad_key()),
    }
}

fn bad_key() -> Problem {
    let text = "an idempotency key is given once and has 1 to 255 visible ASCII characters";
    Problem::malformed(text)
}

/// The response to a publication.
// req: push-publish-09 push-publish-14
pub fn answer(topic: &TopicName, outcome: Outcome, counts: Option<Counts>) -> Response {
    let receipt = match outcome {
        Ok(receipt) => receipt,
        Err(error) => return Problem::from(error).into(),
    };
    let status = match receipt.subscribers {
        0 => Status::ACCEPTED,
        _ => Status::CREATED,
    };
    let mut body = Vec::with_capacity(topic.as_str().len() + RESULT);
    body.push(b'{');
    write_members(&mut body, topic, &receipt);
    if let Some(counts) = counts {
        write_counts(&mut body, &counts);
    }
    body.push(b'}');
    let response = Response::content(status, MediaType::JSON, body);
    match receipt.repeated {
        true => response.field(field!("Idempotency-Replayed", "true")),
        false => response,
    }
}

/// Appends what a publisher is answered: `"topic":…,"id":…,"subscribers":…`; no id for a topic
/// without positions.
// req: push-publish-15 push-publish-16
pub(super) fn write_members(out: &mut Vec<u8>, topic: &TopicName, receipt: &Receipt) {
    out.extend_from_slice(b"\"topic\":");
    write_string(out, topic.as_str());
    if receipt.position.is_some() {
        out.extend_from_slice(b",\"id\":");
        position(out, receipt.position);
    }
    out.extend_from_slice(b",\"subscribers\":");
    write_number(out, receipt.subscribers as u64);
}

// req: push-receipt-02
fn write_counts(out: &mut Vec<u8>, counts: &Counts) {
    for (name, count) in [
        (&b",\"matched\":"[..], counts.matched),
        (b",\"written\":", counts.written),
        (b",\"confirmed\":", counts.confirmed),
        (b",\"unsupported\":", counts.unsupported),
    ] {
        out.extend_from_slice(name);
        write_number(out, count as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, Fields};
    use crate::push::log::LogError;

    const BINARY: &str = "application/octet-stream";

    fn read_with(fields: &[(&str, &[u8])], body: &[u8]) -> Result<Publication, Problem> {
        let mut storage = [EMPTY_FIELD; 8];
        let fields = Fields::from_pairs(fields.iter().copied(), &mut storage).unwrap();
        let head = RequestHead::new("POST", "/topics/a", 1, fields).unwrap();
        read("a".parse().unwrap(), &head, body, &"alice".into())
    }

    fn status(fields: &[(&str, &[u8])], body: &[u8]) -> u16 {
        read_with(fields, body).unwrap_err().status.code()
    }

    #[test]
    // req: push-publish-02
    fn the_media_type_says_whether_it_is_a_text() {
        for text in [
            "text/plain",
            "text/x",
            "TEXT/Plain;charset=utf-8",
            "text/plain ; a=\"b/c\"",
            "application/json",
            "Application/JSON",
            "application/problem+json",
            "application/xml",
            "image/svg+xml",
            "application/x-www-form-urlencoded",
        ] {
            let fields = [("content-type", text.as_bytes())];
            let publication = read_with(&fields, "é".as_bytes()).unwrap();
            assert_eq!(publication.payload, "é".into(), "{text}");
            assert_eq!(status(&fields, b"\xE9"), 400, "{text}");
        }
        for binary in [
            BINARY,
            "image/png",
            "application/jsonp",
            "application/x-json",
            "application/xml2",
            "x/y",
        ] {
            let fields = [("Content-Type", binary.as_bytes())];
            let publication = read_with(&fields, b"\xE9\0").unwrap();
            assert_eq!(publication.payload, b"\xE9\0".to_vec().into(), "{binary}");
        }
        assert_eq!(read_with(&[], b"").unwrap().payload, "".into());
        let problem = read_with(&[], b"\xE9").unwrap_err();
        assert!(problem.message.contains(BINARY), "{problem:?}");
    }

    #[test]
    fn a_body_that_cannot_be_a_message_is_refused() {
        for (fields, expected) in [
            (
                &[("Content-Type", "multipart/form-data; boundary=x")][..],
                415,
            ),
            (&[("Content-Type", "Multipart/x")], 415),
            (&[("Content-Encoding", "gzip")], 415),
            (
                &[("Content-Type", "multipart/x"), ("Content-Encoding", "br")],
                415,
            ),
            (&[("Content-Type", "")], 400),
            (&[("Content-Type", "text")], 400),
            (&[("Content-Type", "text/")], 400),
            (&[("Content-Type", "/plain")], 400),
            (&[("Content-Type", "text/a/b")], 400),
            (&[("Content-Type", "text/plain, image/png")], 400),
            (
                &[
                    ("Content-Type", "text/plain"),
                    ("Content-Type", "text/plain"),
                ],
                400,
            ),
        ] {
            let bytes = |(name, value): &(&'static str, &'static str)| (*name, value.as_bytes());
            let fields: Vec<_> = fields.iter().map(bytes).collect();
            assert_eq!(status(&fields, b"x"), expected, "{fields:?}");
        }
        assert_eq!(status(&[("Content-Type", b"text/\xE9")], b"x"), 400);
        let how = read_with(&[("Content-Type", b"multipart/x")], b"x").unwrap_err();
        assert!(how.message.contains("--data-binary"));
        assert!(read_with(&[("Content-Encoding", b"Identity")], b"x").is_ok());
    }

    #[test]
    fn a_ttl_is_digits() {
        for (value, expected) in [
            ("0", 0),
            ("007", 7000),
            ("60", 60_000),
            ("18446744073709551", 18_446_744_073_709_551_000),
            ("18446744073709552", u64::MAX),
            (&"9".repeat(1000), u64::MAX),
        ] {
            let publication = read_with(&[("TTL", value.as_bytes())], b"x").unwrap();
            assert_eq!(publication.ttl, Some(expected), "{value}");
        }
        for value in ["", "-1", "+1", "1.5", "1 2", "1,2", "١", "0x1"] {
            assert_eq!(status(&[("TTL", value.as_bytes())], b"x"), 400, "{value}");
        }
        assert_eq!(status(&[("TTL", b"1"), ("ttl", b"1")], b"x"), 400);
        assert_eq!(read_with(&[], b"x").unwrap().ttl, None);
    }

    #[test]
    fn a_key_is_a_string_or_a_bare_text() {
        let longest = "x".repeat(255);
        for (value, expected) in [
            ("k", "k"),
            ("\"k\"", "k"),
            ("a;b,c", "a;b,c"),
            ("a\"b\\", "a\"b\\"),
            (r#""a\"b\\""#, r#"a"b\"#),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            let fields = [("Idempotency-Key", value.as_bytes())];
            let key = read_with(&fields, b"x").unwrap().key.unwrap();
            assert_eq!((&*key.owner, &*key.text), ("alice", expected));
        }
        let too_long = "x".repeat(256);
        for value in [
            "",
            "\"\"",
            "\"",
            "\"a",
            "\"a\"b",
            "\"a\";b=c",
            "\"a\\",
            "\"a\\\"",
            "\"\\a\"",
            "a b",
            "\"a b\"",
            "é",
            "\"é\"",
            &too_long,
            &format!("\"{too_long}\""),
        ] {
            let fields = [("Idempotency-Key", value.as_bytes())];
            assert_eq!(status(&fields, b"x"), 400, "{value}");
        }
        let twice: [(&str, &[u8]); 2] = [("Idempotency-Key", b"k"), ("Idempotency-Key", b"k")];
        assert_eq!(status(&twice, b"x"), 400);
        assert_eq!(read_with(&[], b"x").unwrap().key, None);
    }

    #[test]
    fn topics_of_the_server_are_closed() {
        let fields = Fields::from_pairs([], &mut []).unwrap();
        let head = RequestHead::new("POST", "/topics/$x", 1, fields).unwrap();
        let refused = read("$x".parse().unwrap(), &head, b"", &"".into());
        assert_eq!(refused.unwrap_err().status, Status::FORBIDDEN);
    }

    #[test]
    fn the_answer_says_who_was_listening() {
        let topic: TopicName = "orders.eu\"".parse().unwrap();
        let receipt = |position: Option<&str>, subscribers, repeated| Receipt {
            position: position.map(|it| it.parse().unwrap()),
            time: None,
            subscribers,
            repeated,
        };
        let replayed = Some(("Idempotency-Replayed", "true"));
        for (receipt, code, field, body) in [
            (
                receipt(Some("q7c2m4-41"), 3, false),
                201,
                None,
                r#"{"topic":"orders.eu\"","id":"q7c2m4-41","subscribers":3}"#,
            ),
            (
                receipt(Some("q7c2m4-42"), 0, true),
                202,
                replayed,
                r#"{"topic":"orders.eu\"","id":"q7c2m4-42","subscribers":0}"#,
            ),
            (
                receipt(None, 1, false),
                201,
                None,
                r#"{"topic":"orders.eu\"","subscribers":1}"#,
            ),
        ] {
            let response = answer(&topic, Ok(receipt), None);
            assert_eq!(response.status.code(), code);
            assert_eq!(response.fields().next(), field);
            assert_eq!(std::str::from_utf8(&response.body).unwrap(), body);
        }
        let refused = answer(&topic, Err(LogError::KeyReused), None);
        assert_eq!(refused.status, Status::UNPROCESSABLE_CONTENT);
    }
}

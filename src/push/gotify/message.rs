//! Messages: what is published, and how clients see it.
//!
//! ```text
//!   payload of the record   {"title":"backup","message":"done","priority":2,"extras":{…}}
//!   what clients see        {"id":41,"appid":3,"title":…,"message":…,"priority":2,"date":…}
//! ```
//!
//! Input: fields of a request, records of the log. Output: publications, JSON. Invariant: the id of
//! a message is the sequence number of its record and its date the time of that, so that ids grow
//! and never return; the payload is an object that this file has written.

use crate::http::{MediaType, Response, Status};
use crate::push::gotify::directory::Application;
use crate::push::gotify::fields::{Fields, Said};
use crate::push::gotify::problem::Problem;
use crate::push::hub::GOTIFY_TOPICS;
use crate::push::json::{write_number, write_string};
use crate::push::name::{Pattern, TopicName};
use crate::push::percent::{decode, values};
use crate::push::record::{Publication, Record};
use crate::push::time::write_rfc3339;
use std::io::Write as _;
use std::sync::Arc;

/// The topic of an application.
pub(super) fn topic(user: u64, application: u64) -> TopicName {
    let name = format!("{GOTIFY_TOPICS}{user}.{application}").parse();
    name.expect("numbers are levels")
}

/// All topics of a user.
pub(super) fn topics(user: u64) -> Pattern {
    let pattern = format!("{GOTIFY_TOPICS}{user}.*").parse();
    pattern.expect("a number is a level")
}

/// What a request publishes.
// req: gotify-messages-01 gotify-messages-02
pub(super) fn publication(
    fields: &Fields,
    application: &Application,
) -> Result<Publication, Problem> {
    let message = fields.required("message")?;
    let title = fields
        .text("title")?
        .filter(|title| !title.trim().is_empty());
    let title = title.unwrap_or_else(|| application.name.clone());
    let priority = fields.integer("priority")?;
    let priority = priority.unwrap_or(application.default_priority);
    let mut json = b"{\"title\":".to_vec();
    write_string(&mut json, &title);
    json.extend_from_slice(b",\"message\":");
    write_string(&mut json, &message);
    write!(json, ",\"priority\":{priority}").expect("a vector takes everything");
    if let Some(extras) = fields.object("extras")?.filter(|extras| !extras.is_empty()) {
        json.extend_from_slice(b",\"extras\":");
        serde_json::to_writer(&mut json, extras).expect("a vector takes everything");
    }
    json.push(b'}');
    let json = String::from_utf8(json).expect("JSON is UTF-8");
    let topic = topic(application.user, application.id);
    Ok(Publication::new(topic, json.into()))
}

/// A message as clients see it.
// req: gotify-messages-03
pub(super) fn write(out: &mut Vec<u8>, record: &Record) {
    let application = record.topic.as_str().rsplit('.').next();
    let application = application.and_then(|it| it.parse().ok());
    out.extend_from_slice(b"{\"id\":");
    write_number(out, record.sequence);
    out.extend_from_slice(b",\"appid\":");
    write_number(out, application.unwrap_or_default());
    out.push(b',');
    let payload = record.payload.bytes();
    out.extend_from_slice(
        payload
            .get(1..payload.len().saturating_sub(1))
            .unwrap_or_default(),
    );
    out.extend_from_slice(b",\"date\":\"");
    write_rfc3339(out, record.time);
    out.extend_from_slice(b"\"}");
}

/// The answer to its publisher.
pub(super) fn published(record: &Record) -> Response {
    let mut body = Vec::with_capacity(record.size() + 128);
    write(&mut body, record);
    Response::content(Status::OK, MediaType::JSON, body)
}

/// Which messages are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: usize,
    /// 0 for no bound.
    since: u64,
}

impl Page {
    // req: gotify-messages-04
    pub(super) fn read(said: &Said<'_>) -> Result<Self, Problem> {
        let number = |name| {
            let value = values(said.query, name).next().filter(|it| !it.is_empty());
            let number = value.map(|it| decode(it)?.parse::<u64>().ok());
            let problem = || Problem::bad(format!("Field '{name}' must be an integer"));
            number.map(|it| it.ok_or_else(problem)).transpose()
        };
        let limit = number("limit")?.unwrap_or(100);
        let problem = match limit {
            0 => "Field 'limit' must be more or equal to 1",
            1..=200 => {
                return Ok(Self {
                    limit: limit as usize,
                    since: number("since")?.unwrap_or(0),
                });
            }
            _ => "Field 'limit' must be less or equal to 200",
        };
        Err(Problem::bad(problem))
    }

    /// Only messages with lower ids are wanted.
    pub(super) fn below(&self) -> u64 {
        match self.since {
            0 => u64::MAX,
            since => since,
        }
    }

    /// The answer, of one record more than are wanted if there are more. `url` is that of the
    /// request, without its query.
    // req: gotify-messages-05
    pub(super) fn answer(&self, url: &str, records: &[Arc<Record>]) -> Response {
        let page = &records[..records.len().min(self.limit)];
        let limit = self.limit;
        let mut body = Vec::with_capacity(page.iter().map(|it| it.size() + 128).sum());
        let last = page.last().filter(|_| records.len() > page.len());
        let since = last.map_or(0, |last| last.sequence);
        let size = page.len();
        write!(
            body,
            r#"{{"paging":{{"size":{size},"since":{since},"limit":{limit}"#
        )
        .expect("a vector takes everything");
        if since > 0 {
            body.extend_from_slice(b",\"next\":");
            write_string(&mut body, &format!("{url}?limit={limit}&since={since}"));
        }
        body.extend_from_slice(b"},\"messages\":[");
        for (at, record) in page.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            write(&mut body, record);
        }
        body.extend_from_slice(b"]}");
        Response::content(Status::OK, MediaType::JSON, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(sequence: u64, body: &str) -> Result<Arc<Record>, Problem> {
        let said = Said {
            content_type: "application/json",
            query: None,
            body: body.as_bytes(),
        };
        let application = Application::new(3, 1, "A..............".into(), "backup".into());
        let publication = publication(&Fields::read(&said)?, &application)?;
        Ok(Arc::new(
            publication.into_record(sequence, 1_795_825_200_123),
        ))
    }

    #[test]
    // req: gotify-messages-01 gotify-messages-02 gotify-messages-03
    fn what_is_absent_has_the_defaults_of_the_application() {
        let extras = json!({"client::display": {"contentType": "text/markdown"}});
        for (body, title, priority, with) in [
            (r#"{"message":"m"}"#.to_owned(), "backup", 0, Value::Null),
            (
                r#"{"message":"m","title":" ","priority":null,"extras":null}"#.to_owned(),
                "backup",
                0,
                Value::Null,
            ),
            (
                format!(r#"{{"message":"m","title":"t","priority":7,"extras":{extras}}}"#),
                "t",
                7,
                extras.clone(),
            ),
        ] {
            let mut out = Vec::new();
            write(&mut out, &record(9, &body).unwrap());
            let read: Value = serde_json::from_slice(&out).unwrap();
            let mut expected = json!({
                "id": 9, "appid": 3, "title": title, "message": "m", "priority": priority,
                "date": "2026-11-28T00:20:00.123Z",
            });
            if !with.is_null() {
                expected["extras"] = with;
            }
            assert_eq!(read, expected);
        }
        assert_eq!(
            record(1, r#"{"message":""}"#).unwrap_err().status.code(),
            400
        );
    }

    #[test]
    // req: gotify-messages-04 gotify-messages-05
    fn a_page_says_where_the_next_begins_unless_it_is_the_last() {
        let read = |query| {
            Page::read(&Said {
                content_type: "",
                query: Some(query),
                body: b"",
            })
        };
        for bad in ["limit=0", "limit=201", "limit=x", "since=-1"] {
            assert_eq!(read(bad).unwrap_err().status.code(), 400, "{bad}");
        }
        let page = read("limit=2&since=0").unwrap();
        assert_eq!((page.limit, page.below()), (2, u64::MAX));
        assert_eq!(read("since=7").unwrap().below(), 7);
        let records: Vec<_> = (4..7)
            .rev()
            .map(|n| record(n, r#"{"message":"m"}"#).unwrap())
            .collect();
        let json = |records| -> Value {
            serde_json::from_slice(&page.answer("http://a/message", records).body).unwrap()
        };
        let first = json(&records);
        let next = "http://a/message?limit=2&since=5";
        let paging = json!({"size": 2, "since": 5, "limit": 2, "next": next});
        assert_eq!(first["paging"], paging);
        assert_eq!(first["messages"][1]["id"], 5);
        assert_eq!(
            json(&records[..2])["paging"],
            json!({"size": 2, "since": 0, "limit": 2})
        );
        assert_eq!(json(&[])["messages"], json!([]));
    }
}

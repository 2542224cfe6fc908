//! What a request says: fields of JSON, of a form, or of its query.
//!
//! | Content-Type | what is read |
//! |---|---|
//! | `application/json` | the body, and nothing else |
//! | `multipart/form-data` | the parts |
//! | `application/x-www-form-urlencoded` | the body and the query; the body wins |
//! | others, or none | the query |
//!
//! Input: a content type, a query, a whole body. Output: values by the name of their field.
//! Invariants: names are the same in any case; what is unknown is ignored; `null` is the same as
//! absent; a value of the wrong type is an error and never another value.

use crate::push::gotify::multipart::{boundary, parts};
use crate::push::gotify::problem::Problem;
use crate::push::json::{mend, without_mark};
use crate::push::percent::decode;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What a request carries apart from method and path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'r> {
    pub(super) content_type: &'r str,
    pub(super) query: Option<&'r str>,
    pub(super) body: &'r [u8],
}

/// Values by the lower-case names of their fields.
#[derive(Debug, Default)]
pub(super) struct Fields {
    values: HashMap<String, Value>,
    /// Its values are texts, whatever they mean.
    is_form: bool,
}

impl Fields {
    // req: gotify-bodies-01 gotify-bodies-02
    pub(super) fn read(said: &Said<'_>) -> Result<Self, Problem> {
        let kind = said
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if kind.eq_ignore_ascii_case("application/json") {
            return Self::of_json(said.body);
        }
        let mut fields = Self {
            is_form: true,
            ..Self::default()
        };
        if kind.eq_ignore_ascii_case("multipart/form-data") {
            let boundary = boundary(said.content_type);
            let parts = boundary.and_then(|boundary| parts(boundary, said.body));
            let parts = parts.ok_or_else(|| Problem::bad("the multipart body is malformed"))?;
            for part in parts {
                fields.put(
                    part.name,
                    String::from_utf8_lossy(part.content).into_owned(),
                );
            }
            return Ok(fields);
        }
        fields.add_pairs(said.query.unwrap_or_default());
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            fields.add_pairs(&String::from_utf8_lossy(said.body));
        }
        Ok(fields)
    }

    fn of_json(body: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(without_mark(body));
        let text = text.map_err(|_| Problem::bad("the body is not UTF-8"))?;
        let mended = mend(text);
        let read: Result<Map<String, Value>, _> =
            serde_json::from_str(mended.as_deref().unwrap_or(text));
        let object = read.map_err(|error| Problem::bad(error.to_string()))?;
        let values = object.into_iter();
        Ok(Self {
            values: values
                .map(|(name, value)| (name.to_lowercase(), value))
                .collect(),
            is_form: false,
        })
    }

    /// The last of several pairs with the same name counts, as that of the body does.
    fn add_pairs(&mut self, text: &str) {
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.put(&unescape(name), unescape(value));
        }
    }

    fn put(&mut self, name: &str, value: String) {
        self.values
            .insert(name.to_lowercase(), Value::String(value));
    }

    /// A text, if there is one.
    // req: gotify-bodies-04
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Problem::bad(format!("Field '{name}' must be a string"))),
        }
    }

    /// A text that must not be empty.
    pub(super) fn required(&self, name: &str) -> Result<String, Problem> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Problem::bad(format!("Field '{name}' is required")))
    }

    /// An integer, if there is one.
    // req: gotify-bodies-04
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Problem> {
        let value = match self.values.get(&name.to_lowercase()) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if self.is_form && text.trim().is_empty() => {
                return Ok(None);
            }
            Some(Value::String(text)) if self.is_form => text.trim().parse().ok(),
            Some(value) => value.as_i64(),
        };
        let problem = || Problem::bad(format!("Field '{name}' must be an integer"));
        value.map(Some).ok_or_else(problem)
    }

    /// Yes or no; no if there is neither.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, Problem> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if self.is_form => Ok(text == "true" || text == "1"),
            Some(_) => Err(Problem::bad(format!(
                "Field '{name}' must be true or false"
            ))),
        }
    }

    /// An object, which only JSON has.
    pub(super) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, Problem> {
        match self.values.get(name) {
            Some(Value::Object(object)) => Ok(Some(object)),
            None | Some(Value::Null) => Ok(None),
            Some(_) if self.is_form => Ok(None),
            Some(_) => Err(Problem::bad(format!("Field '{name}' must be an object"))),
        }
    }
}

/// A name or value of a form. What is not percent-encoded UTF-8 stays as it is.
fn unescape(text: &str) -> String {
    let spaced = text.replace('+', " ");
    match decode(&spaced) {
        Some(text) => text.into_owned(),
        None => spaced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(content_type: &str, query: &str, body: &str) -> Result<Fields, Problem> {
        Fields::read(&Said {
            content_type,
            query: Some(query),
            body: body.as_bytes(),
        })
    }

    fn message(content_type: &str, query: &str, body: &str) -> (Option<String>, Option<i64>) {
        let fields = read(content_type, query, body).unwrap();
        let text = fields.text("message").unwrap();
        (text, fields.integer("priority").unwrap())
    }

    #[test]
    // req: gotify-bodies-01 gotify-bodies-02
    fn four_ways_to_say_the_same() {
        let some = |text: &str, number| (Some(text.to_owned()), number);
        let json = "application/json; charset=utf-8";
        let form = "application/x-www-form-urlencoded";
        let parts = "multipart/form-data; boundary=b";
        let body = "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\na b\r\n--b--";
        for (content_type, query, body, expected) in [
            (
                json,
                "message=q&priority=3",
                r#"{"MESSAGE":"a","id":"x","new":[]}"#,
                some("a", None),
            ),
            (
                json,
                "",
                "\u{FEFF}{\"message\":\"\\ud83d\",\"Priority\":0}",
                some("\u{FFFD}", Some(0)),
            ),
            (
                json,
                "",
                r#"{"message":null,"priority":null}"#,
                (None, None),
            ),
            (
                form,
                "message=q&priority=3",
                "message=a+b%26",
                some("a b&", Some(3)),
            ),
            (form, "", "message=%zz&priority=", some("%zz", None)),
            (parts, "message=q&priority=3", body, some("a b", None)),
            (
                "",
                "message=q&Priority=-3",
                "message=a",
                some("q", Some(-3)),
            ),
            ("text/plain", "message=q", "x", some("q", None)),
        ] {
            assert_eq!(
                message(content_type, query, body),
                expected,
                "{content_type} {body}"
            );
        }
    }

    #[test]
    // req: gotify-bodies-04
    fn a_value_of_another_type_is_refused() {
        let json = |body| read("application/json", "", body);
        for body in [
            "",
            "[]",
            "{",
            "1",
            r#"{"message":1}"#,
            r#"{"message":["a"]}"#,
        ] {
            let text = json(body).and_then(|fields| fields.required("message"));
            assert_eq!(text.unwrap_err().status.code(), 400, "{body}");
        }
        for body in [
            r#"{"priority":"1"}"#,
            r#"{"priority":1.5}"#,
            r#"{"priority":1e99}"#,
        ] {
            assert!(json(body).unwrap().integer("priority").is_err(), "{body}");
        }
        assert!(json(r#"{"extras":[]}"#).unwrap().object("extras").is_err());
        assert!(
            json(r#"{"extras":null}"#)
                .unwrap()
                .object("extras")
                .unwrap()
                .is_none()
        );
        assert!(
            read("", "priority=a", "")
                .unwrap()
                .integer("priority")
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(kind in 0_usize..4, query: String, body: Vec<u8>) {
            let kinds = [
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=b",
                "",
            ];
            let said = Said { content_type: kinds[kind], query: Some(&query), body: &body };
            if let Ok(fields) = Fields::read(&said) {
                let _ = (fields.required("message"), fields.integer("priority"));
            }
        }
    }
}

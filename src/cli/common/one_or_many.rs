//! A setting that is one value or a list of them, in a settings file.
//!
//! Input: `listen = "127.0.0.1:8080"` or `listen = ["127.0.0.1:8080", "unix:/run/x.sock"]`. Output:
//! a list. Invariant: what is written reads back as the same.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(untagged, expecting = "write a text, or a list of texts")]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

pub fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Some(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(value) => vec![value],
        OneOrMany::Many(values) => values,
    }))
}

pub fn serialize<S, T>(values: &Option<Vec<T>>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Serialize,
{
    match values.as_deref() {
        Some([one]) => one.serialize(serializer),
        values => values.serialize(serializer),
    }
}

//! The request of a client, parsed.
//!
//! Input: the head of a request, however malformed. Output: its parts. Invariant: cases check what
//! the client sent, so nothing is corrected here.

use crate::cli::tools::verify::head::{EXTENSIONS, Fields};
use std::collections::HashSet;

/// The request of a client.
#[derive(Clone, Debug, Default)]
pub struct ClientRequest {
    /// As received.
    pub head: String,
    pub method: String,
    pub target: String,
    pub version: String,
    pub fields: Fields,
    /// An earlier request of this run had the same key.
    pub key_is_old: bool,
    /// The masking keys with which earlier connections of this run began.
    pub first_keys: HashSet<[u8; 4]>,
}

impl ClientRequest {
    /// Lines that are not fields are left out: a case checks for them.
    pub fn parse(head: String) -> Self {
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let mut words = first.splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (method, target, version) = (word(), word(), word());
        let fields = lines.filter(|line| line.contains(':'));
        Self {
            method,
            target,
            version,
            fields: Fields::parse(fields).unwrap_or_default(),
            head,
            ..Self::default()
        }
    }

    pub fn key(&self) -> &str {
        let keys = self.fields.all("Sec-WebSocket-Key");
        keys.first().copied().unwrap_or_default()
    }

    /// Whether it is meant for a WebSocket, however malformed: one of its fields is enough.
    pub fn is_for_websocket(&self) -> bool {
        let name = |field: &(String, String)| field.0.to_ascii_lowercase();
        let mut names = self.fields.0.iter().map(name);
        names.any(|name| name.starts_with("sec-websocket-"))
            || self.fields.has_token("Upgrade", "websocket")
    }

    /// The path of the target, without an authority.
    pub fn path(&self) -> &str {
        let target = self.target.split('?').next().unwrap_or_default();
        match target.split_once("://") {
            None => target,
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        }
    }

    /// A parameter of the query string.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|pair| pair.0 == name).map(|(_, value)| value)
    }

    /// The parameters of the first offer of permessage-deflate, as sent.
    pub fn deflate(&self) -> Option<Vec<(String, Option<String>)>> {
        let values = self.fields.all(EXTENSIONS);
        let mut offers = values.iter().flat_map(|value| value.split(','));
        offers.find_map(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            (parts.next() == Some("permessage-deflate")).then(|| parts.map(parameter).collect())
        })
    }
}

fn parameter(part: &str) -> (String, Option<String>) {
    match part.split_once('=') {
        None => (part.to_owned(), None),
        Some((name, value)) => {
            let value = value.trim().trim_matches('"').to_owned();
            (name.trim().to_owned(), Some(value))
        }
    }
}

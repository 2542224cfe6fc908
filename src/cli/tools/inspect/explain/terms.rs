//! The parameters of permessage-deflate, from a header field or from the command line.

use wirebell::handshake::{DeflateTerms, Extension, Extensions};
use wirebell::http::{Fields, MAX_FIELDS, ResponseHead};

/// Parses a server's response, as in `Sec-WebSocket-Extensions`.
pub fn terms(parameters: &str) -> Result<DeflateTerms, &'static str> {
    if parameters.contains(['\r', '\n']) {
        return Err("must be one line");
    }
    let head = format!("HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: {parameters}\r\n\r\n");
    let mut storage = [wirebell::http::Field {
        name: "",
        value: b"",
    }; MAX_FIELDS];
    let head = ResponseHead::parse(head.as_bytes(), &mut storage);
    let head = head.map_err(|_| "not valid in a header field")?;
    let found = agreed(head.fields)?;
    found.ok_or("write it as 'permessage-deflate; server_no_context_takeover'")
}

/// The compression in a response, valid or not.
pub fn agreed(fields: Fields<'_>) -> Result<Option<DeflateTerms>, &'static str> {
    let extensions = Extensions::parse(fields);
    let Some(extensions) = extensions.filter(|extensions| !extensions.is_empty()) else {
        let named = fields.get("Sec-WebSocket-Extensions").is_some();
        return match named {
            true => Err("not a list of extensions"),
            false => Ok(None),
        };
    };
    match extensions.iter().find(|e| e.name == "permessage-deflate") {
        Some(element) => parameters(&element).map(Some),
        None => Err("the only known extension is permessage-deflate"),
    }
}

/// The names in a list of extensions.
pub fn names(fields: Fields<'_>) -> Vec<String> {
    let extensions = Extensions::parse(fields);
    let each = extensions.iter().flat_map(|extensions| extensions.iter());
    each.map(|extension| extension.name.to_owned()).collect()
}

/// The unknown ones of them.
pub fn unknown(fields: Fields<'_>) -> Vec<String> {
    let mut names = names(fields);
    names.retain(|name| name != "permessage-deflate");
    names
}

fn parameters(element: &Extension<'_>) -> Result<DeflateTerms, &'static str> {
    let mut terms = DeflateTerms::default();
    for param in element.params() {
        match (param.name, param.value) {
            ("server_no_context_takeover", None) => terms.server_no_context_takeover = true,
            ("client_no_context_takeover", None) => terms.client_no_context_takeover = true,
            ("server_max_window_bits", Some(value)) => {
                terms.server_max_window_bits = Some(window(value)?);
            }
            ("client_max_window_bits", Some(value)) => {
                terms.client_max_window_bits = Some(window(value)?);
            }
            _ => return Err("unknown parameter of permessage-deflate"),
        }
    }
    Ok(terms)
}

fn window(value: &str) -> Result<u8, &'static str> {
    let bits = value.parse().ok().filter(|bits| (8..=15).contains(bits));
    bits.ok_or("a window has 8 to 15 bits")
}

//! The response to a refused client: a whole one, which any HTTP client can read.

use super::NO_FIELD;
use wirebell::Refusal;
use wirebell::handshake::Refused;
use wirebell::http::{MAX_FIELDS, ResponseHead};

/// Status, the fields with names in lower case, and the body.
fn read(response: &str) -> (u16, Vec<(String, String)>, &str) {
    let (head, body) = response.split_at(response.find("\r\n\r\n").expect("a head") + 4);
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let head = ResponseHead::parse(head.as_bytes(), &mut storage).expect("a head");
    let fields = head.fields.iter().map(|field| {
        let value = String::from_utf8(field.value.to_vec()).unwrap();
        (field.name.to_ascii_lowercase(), value)
    });
    (head.status, fields.collect(), body)
}

#[test]
// req: 6455-4.2.1-01 6455-4.2.2-05 6455-4.2.2-06 6455-4.2.2-07 6455-4.4-01 6455-7.2.2-01
fn every_refusal_is_a_whole_response() {
    for refusal in Refusal::ALL {
        let response = Refused::new(*refusal).to_string();
        let (status, fields, body) = read(&response);
        assert_eq!(status, refusal.status(), "{refusal:?}");
        assert_eq!(body, refusal.text());
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let expected = match refusal {
            Refusal::MethodNotGet => &["allow"][..],
            Refusal::NotAnUpgrade | Refusal::Version => &["sec-websocket-version", "upgrade"],
            Refusal::VersionMalformed => &["sec-websocket-version"],
            _ => &[],
        };
        let mut all = [expected, &["connection", "content-length", "content-type"]].concat();
        all.sort_unstable();
        assert_eq!(names, all, "{refusal:?}");
        for (name, value) in &fields {
            let expected = match name.as_str() {
                "allow" => "GET",
                "sec-websocket-version" => "13",
                "upgrade" => "websocket",
                "content-length" => &body.len().to_string(),
                "connection" if expected.contains(&"upgrade") => "upgrade, close",
                "connection" => "close",
                _ => "text/plain; charset=utf-8",
            };
            assert_eq!(value, expected, "{refusal:?}: {name}");
        }
    }
}

#[test]
fn a_head_request_gets_a_head() {
    for refusal in Refusal::ALL {
        let refused = Refused::new(*refusal);
        let head = refused.head_only().to_string();
        assert_eq!(refused.to_string(), head.clone() + refusal.text());
        assert!(head.ends_with("\r\n\r\n"));
    }
}

/// A server with an HTTP of its own says the same.
#[cfg(feature = "net")]
#[test]
fn the_event_loop_says_the_same() {
    for refusal in Refusal::ALL {
        let alone = Refused::new(*refusal).to_string();
        let mut bytes = Vec::new();
        let response = wirebell::net::Response::from(*refusal).closing();
        response.write(&mut bytes, false);
        let response = String::from_utf8(bytes).unwrap();
        let (status, mut fields, body) = read(&response);
        fields.retain(|(name, _)| name != "date");
        assert_eq!((status, fields, body), read(&alone), "{refusal:?}");
    }
}

//! Headers of permessage-deflate as text, against a second reading of RFC 7692 section 7: what a
//! server answers and what a client takes, for elements and parameters put together at random.

use super::deflate_client::{PLAIN, offers, verify};
use super::deflate_server::answer;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use wirebell::BadResponse;
use wirebell::handshake::{ClientWindow, DeflateOffer, DeflatePolicy, DeflateTerms};

const NAME: &str = "permessage-deflate";
const FLAGS: [&str; 2] = ["server_no_context_takeover", "client_no_context_takeover"];
const WINDOWS: [&str; 2] = ["server_max_window_bits", "client_max_window_bits"];
const BITS: [&str; 8] = ["8", "9", "10", "11", "12", "13", "14", "15"];
const NO_BITS: [&str; 12] = [
    "7", "16", "08", "010", "0", "1", "80", "9x", "150", "x", "-9", "+9",
];

/// A parameter, and its value as it is meant and as it is written.
#[derive(Clone, Debug)]
struct Param {
    name: &'static str,
    value: Option<&'static str>,
    quoting: u8,
}

#[derive(Clone, Debug)]
struct Element {
    name: &'static str,
    params: Vec<Param>,
}

impl Param {
    fn written(&self) -> String {
        let name = self.name;
        let Some(value) = self.value else {
            return name.to_owned();
        };
        let escaped: String = value.chars().flat_map(|c| ['\\', c]).collect();
        match self.quoting {
            0 => format!("{name}={value}"),
            1 => format!("{name} = \"{value}\" "),
            _ => format!("{name}=\"{escaped}\""),
        }
    }
}

impl Element {
    fn written(&self) -> String {
        let params = self.params.iter().map(Param::written);
        let parts: Vec<String> = [self.name.to_owned()].into_iter().chain(params).collect();
        parts.join("; ")
    }

    fn has(&self, name: &str) -> bool {
        self.params.iter().any(|param| param.name == name)
    }

    fn bits(&self, name: &str) -> Option<u8> {
        let param = self.params.iter().find(|param| param.name == name)?;
        let at = BITS.iter().position(|bits| Some(*bits) == param.value)?;
        Some(8 + u8::try_from(at).expect("one of eight"))
    }

    /// Only known parameters, each once, with the values of section 7.1. The client's window may
    /// be without one, but only in an offer.
    fn is_legal(&self, is_offer: bool) -> bool {
        let has_legal_value = |param: &Param| match param.value {
            None => FLAGS.contains(&param.name) || (is_offer && param.name == WINDOWS[1]),
            Some(value) => WINDOWS.contains(&param.name) && BITS.contains(&value),
        };
        let stands_once = |param: &Param| {
            let same = self.params.iter().filter(|other| other.name == param.name);
            same.count() == 1
        };
        let mut params = self.params.iter();
        self.name == NAME && params.all(|param| has_legal_value(param) && stands_once(param))
    }

    /// What a server with this policy answers to a legal offer.
    fn answered(&self, policy: &DeflatePolicy) -> String {
        let [server, client] = WINDOWS.map(|name| self.bits(name).unwrap_or(15));
        let server = server.min(policy.server_window_bits);
        let client = client.min(policy.client_window_bits.max(9));
        let parts = [
            (self.has(FLAGS[0]) || !policy.server_takeover).then(|| FLAGS[0].to_owned()),
            (self.has(FLAGS[1]) || !policy.client_takeover).then(|| FLAGS[1].to_owned()),
            (self.has(WINDOWS[0]) || server < 15).then(|| format!("{}={server}", WINDOWS[0])),
            (self.has(WINDOWS[1]) && client < 15).then(|| format!("{}={client}", WINDOWS[1])),
        ];
        let parts = parts.into_iter().flatten();
        [NAME.to_owned()]
            .into_iter()
            .chain(parts)
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// Whether this legal response answers that offer.
    fn answers(&self, offer: &DeflateOffer) -> bool {
        let server = self.bits(WINDOWS[0]);
        let wrong = [
            offer.server_no_context_takeover && !self.has(FLAGS[0]),
            offer.server_max_window_bits.is_some() && server.is_none(),
            server > offer.server_max_window_bits && offer.server_max_window_bits.is_some(),
            offer.client_max_window_bits == ClientWindow::Fixed && self.has(WINDOWS[1]),
        ];
        wrong == [false; 4]
    }
}

fn param() -> impl Strategy<Value = Param> {
    let right = prop_oneof![
        3 => select(&FLAGS).prop_map(|name| (name, None)),
        3 => (select(&WINDOWS), select(&BITS)).prop_map(|(name, bits)| (name, Some(bits))),
        1 => Just((WINDOWS[1], None)),
    ];
    let wrong = prop_oneof![
        (select(&WINDOWS), select(&NO_BITS)).prop_map(|(name, bits)| (name, Some(bits))),
        (select(&FLAGS), select(&BITS)).prop_map(|(name, bits)| (name, Some(bits))),
        Just((WINDOWS[0], None)),
        select(&["foo", "Client_Max_Window_Bits"]).prop_map(|name| (name, None)),
    ];
    let either = prop_oneof![12 => right, 1 => wrong];
    (either, 0..3u8).prop_map(|((name, value), quoting)| Param {
        name,
        value,
        quoting,
    })
}

fn element() -> impl Strategy<Value = Element> {
    let name = prop_oneof![
        8 => Just(NAME),
        1 => select(&["foo", "permessage-bzip2", "PERMESSAGE-DEFLATE"]),
    ];
    (name, vec(param(), 0..5)).prop_map(|(name, params)| Element { name, params })
}

fn policy() -> impl Strategy<Value = DeflatePolicy> {
    let (server, client) = (any::<bool>(), any::<bool>());
    (server, client, 8..=15u8, 8..=15u8).prop_map(|(server, client, server_bits, client_bits)| {
        DeflatePolicy::default()
            .server_takeover(server)
            .client_takeover(client)
            .server_window_bits(server_bits)
            .client_window_bits(client_bits)
    })
}

fn written(lines: &[Vec<Element>]) -> Vec<String> {
    let line = |elements: &Vec<Element>| {
        let elements: Vec<String> = elements.iter().map(Element::written).collect();
        elements.join(" , ")
    };
    lines.iter().map(line).collect()
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // req: 7692-5-05 7692-5-11 7692-7-01 7692-7.1.2.1-02 7692-7.1.2.1-03
    // req: 7692-7.1.2.2-02 7692-7.1.2.2-04 7692-7.1.2.2-05
    #[test]
    fn the_first_legal_offer_is_answered(
        lines in vec(vec(element(), 1..4), 0..3),
        policy in policy(),
    ) {
        let first = lines.iter().flatten().find(|offer| offer.is_legal(true));
        let expected = first.map_or("-".to_owned(), |offer| offer.answered(&policy));
        let text = written(&lines);
        prop_assert_eq!(answer(&policy, &borrowed(&text)), expected, "{:?}", text);
    }

    // req: 7692-5-12 7692-7-02 7692-7.1.2.1-03 7692-7.1.2.2-04 7692-7.1.2.2-05
    #[test]
    fn a_legal_response_to_some_offer_is_taken(
        offers in offers(),
        lines in vec(vec(element(), 1..3), 0..3),
    ) {
        let elements: Vec<&Element> = lines.iter().flatten().collect();
        let expected = match elements[..] {
            [] => Ok(None),
            [one] if one.name == NAME && !offers.is_empty() => {
                let is_answer = offers.iter().any(|offer| one.answers(offer));
                let terms = DeflateTerms {
                    server_no_context_takeover: one.has(FLAGS[0]),
                    client_no_context_takeover: one.has(FLAGS[1]),
                    server_max_window_bits: one.bits(WINDOWS[0]),
                    client_max_window_bits: one.bits(WINDOWS[1]),
                };
                match one.is_legal(false) && is_answer {
                    true => Ok(Some(terms)),
                    false => Err(BadResponse::ExtensionTerms),
                }
            }
            _ => Err(BadResponse::ExtensionNotOffered),
        };
        let text = written(&lines);
        prop_assert_eq!(verify(&offers, &borrowed(&text)), expected, "{:?}", text);
    }

    /// The request contains what was offered, and the client accepts the answer to it.
    // req: 7692-5-01 7692-5-03 7692-7.1.2.1-02 7692-7.1.2.2-02
    #[test]
    fn an_offer_is_written_as_it_is_meant(offer in offers(), policy in policy()) {
        let meant = offer.first().copied().unwrap_or(PLAIN);
        let mut params = Vec::new();
        let mut add = |name, value: Option<u8>| {
            let value = value.map(|bits| BITS[usize::from(bits) - 8]);
            params.push(Param { name, value, quoting: 0 });
        };
        if meant.server_no_context_takeover {
            add(FLAGS[0], None);
        }
        if meant.client_no_context_takeover {
            add(FLAGS[1], None);
        }
        if meant.server_max_window_bits.is_some() {
            add(WINDOWS[0], meant.server_max_window_bits);
        }
        match meant.client_max_window_bits {
            ClientWindow::Fixed => {}
            ClientWindow::Open => add(WINDOWS[1], None),
            ClientWindow::AtMost(bits) => add(WINDOWS[1], Some(bits)),
        }
        let element = Element { name: NAME, params };
        prop_assert_eq!(meant.to_string(), element.written());
        let answer = answer(&policy, &[&element.written()]);
        prop_assert_eq!(&answer, &element.answered(&policy));
        let terms = verify(&[meant], &[&answer]).expect("a good answer").expect("terms");
        prop_assert_eq!(terms.to_string(), answer);
    }
}

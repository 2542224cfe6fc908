//! Whom a request says it is from: tokens, and names with passwords.
//!
//! Input: the head of a request, random bytes. Output: what it carries, new tokens. Invariant: a
//! token is `A` or `C` and 14 characters, as clients check. Whether it is known is left to the
//! directory.

use crate::http::RequestHead;
use crate::push::percent::{decode, values};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters of a token after its first.
pub(super) const TOKEN: usize = 14;

/// 64 of those that clients accept.
const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A name and a password (RFC 7617).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Basic {
    pub(super) name: String,
    pub(super) password: String,
}

impl std::fmt::Debug for Basic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Basic({:?})", self.name)
    }
}

/// A new token: 84 random bits.
// req: gotify-tokens-01
pub(super) fn token(kind: char, random: [u8; TOKEN]) -> String {
    format!("{kind}{}", text(random))
}

/// A text of these bytes, of which six bits each count.
pub(super) fn text<const N: usize>(random: [u8; N]) -> String {
    let character = |byte| char::from(CHARACTERS[usize::from(byte % 64)]);
    random.into_iter().map(character).collect()
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> [u8; N] {
    use rand::Rng as _;
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// The token of a request: the first that it has of its query, `X-Gotify-Key` and `Authorization`.
// req: gotify-auth-01
pub(super) fn token_of(head: &RequestHead<'_>) -> Option<String> {
    let query = values(head.query(), "token").find_map(decode);
    let query = query.map(|token| token.into_owned());
    let given = |token: &str| (!token.is_empty()).then(|| token.trim().to_owned());
    query
        .filter(|token| !token.is_empty())
        .or_else(|| head.fields.get("X-Gotify-Key").and_then(given))
        .or_else(|| head.bearer().and_then(given))
}

/// The name and the password of a request.
pub(super) fn basic_of(head: &RequestHead<'_>) -> Option<Basic> {
    let mut fields = head.fields.all("Authorization");
    fields.find_map(|value| {
        let (scheme, text) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
        let (name, password) = text.split_once(':')?;
        Some(Basic {
            name: name.to_owned(),
            password: password.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, MAX_FIELDS};

    fn read<R>(target: &str, fields: &str, with: impl Fn(&RequestHead<'_>) -> R) -> R {
        let head = format!("GET {target} HTTP/1.1\r\n{fields}\r\n");
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        with(&RequestHead::parse(head.as_bytes(), &mut storage).unwrap())
    }

    #[test]
    // req: gotify-auth-01
    fn the_first_place_of_a_token_counts() {
        let both = "X-Gotify-Key: b\r\nAuthorization: bEaRer c\r\n";
        for (target, fields, expected) in [
            ("/?token=a", both, Some("a")),
            ("/?token=", both, Some("b")),
            ("/", both, Some("b")),
            ("/", "Authorization:Bearer c\r\n", Some("c")),
            ("/?token=%41b", "", Some("Ab")),
            ("/", "Authorization: Basic YTpi\r\n", None),
        ] {
            assert_eq!(read(target, fields, token_of).as_deref(), expected);
        }
    }

    #[test]
    fn a_password_may_have_colons() {
        let basic = read("/", "Authorization: basic YTpiOmM=\r\n", basic_of).unwrap();
        assert_eq!((&*basic.name, &*basic.password), ("a", "b:c"));
        assert!(!format!("{basic:?}").contains("b:c"));
        for bad in [
            "Basic",
            "Basic YQ==",
            "Basic !",
            "Bearer YTpi",
            "Basic /w==",
        ] {
            let fields = format!("Authorization: {bad}\r\n");
            assert_eq!(read("/", &fields, basic_of), None, "{bad}");
        }
    }

    #[test]
    // req: gotify-tokens-01
    fn a_token_has_the_form_that_clients_check() {
        let token = token('A', random());
        assert_eq!((token.len(), &token[..1]), (15, "A"));
        let is_known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(token.chars().all(is_known));
        assert_eq!(super::token('C', [255; TOKEN]), "C______________");
    }
}

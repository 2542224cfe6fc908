//! Where a request carries its token: `Authorization: Bearer` (RFC 6750 section 2.1), or the
//! parameter `token` of its query, as browsers can set no field for a WebSocket or an EventSource.
//!
//! Input: the head of a request. Output: the token. Invariant: a request has one token or none,
//! whichever places it is in; and where a target is shown, its token is not.

use crate::http::RequestHead;
use crate::push::percent::{decode, values};
use std::borrow::Cow;
use std::fmt;

/// The parameter of the query.
const PARAMETER: &str = "token";

/// Why a request does not have a token that could be checked. It is answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadToken {
    /// It has several that differ.
    Several,
    /// The parameter is not percent-encoded UTF-8 (RFC 3986 section 2.1).
    Encoding,
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Several => "send one token: several that differ are in this request",
            Self::Encoding => "the parameter `token` is not percent-encoded UTF-8",
        })
    }
}

impl std::error::Error for BadToken {}

/// The token of a request, if it has one. An `Authorization` with another scheme is none.
///
/// # Errors
///
/// The request has several tokens that differ, or one that cannot be decoded.
// req: push-auth-15
pub fn token_of<'h>(head: &RequestHead<'h>) -> Result<Option<Cow<'h, str>>, BadToken> {
    let fields = head.fields.all("Authorization").filter_map(|value| {
        let (scheme, token) = value.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        is_bearer.then(|| Ok(Cow::Borrowed(token.trim())))
    });
    let parameters = values(head.query(), PARAMETER);
    let parameters = parameters.map(|value| decode(value).ok_or(BadToken::Encoding));
    let mut found = None;
    for token in fields.chain(parameters) {
        let token = token?;
        if found.as_ref().is_some_and(|other| *other != token) {
            return Err(BadToken::Several);
        }
        found = Some(token);
    }
    Ok(found)
}

/// A target or URL as it may be shown: with `***` for each token.
///
/// ```
/// use wirebell::push::mask_token;
///
/// assert_eq!(mask_token("/topics/a?token=secret&since=all"), "/topics/a?token=***&since=all");
/// ```
// req: push-auth-18
pub fn mask_token(target: &str) -> Cow<'_, str> {
    let Some((path, query)) = target.split_once('?') else {
        return Cow::Borrowed(target);
    };
    let mut parts: Vec<Cow<'_, str>> = query.split('&').map(Cow::Borrowed).collect();
    let mut is_masked = false;
    for part in &mut parts {
        if values(Some(part), PARAMETER).next().is_some() {
            *part = format!("{PARAMETER}=***").into();
            is_masked = true;
        }
    }
    match is_masked {
        true => format!("{path}?{}", parts.join("&")).into(),
        false => Cow::Borrowed(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, MAX_FIELDS};
    use proptest::prelude::*;

    fn token(target: &str, fields: &str) -> Result<Option<String>, BadToken> {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let head = RequestHead::parse(head.as_bytes(), &mut storage).unwrap();
        token_of(&head).map(|token| token.map(Cow::into_owned))
    }

    #[test]
    // req: push-auth-15
    fn a_token_is_in_the_field_or_in_the_query() {
        let bearer = "Authorization: Bearer abc\r\n";
        for (target, fields, expected) in [
            ("/", "", None),
            ("/", bearer, Some("abc")),
            ("/", "authorization: bEARER  abc \r\n", Some("abc")),
            ("/", "Authorization: Basic YTpi\r\n", None),
            ("/?token=abc", "", Some("abc")),
            ("http://a/?x=1&token=abc&y", "", Some("abc")),
            ("/?token=a%62c", bearer, Some("abc")),
            ("/?token=a%2562c", "", Some("a%62c")),
            ("/?token=a+b%2B%C3%A9", "", Some("a+b+é")),
            ("/?token=", "", Some("")),
            ("/?token=abc&token=abc", bearer, Some("abc")),
            ("/?token=abc", "Authorization: Basic YTpi\r\n", Some("abc")),
            ("/?token", "", None),
            ("/?Token=abc&xtoken=abc&x=?token=abc", "", None),
            ("/token=abc", "", None),
        ] {
            let expected = Ok(expected.map(str::to_owned));
            assert_eq!(token(target, fields), expected, "{target} {fields}");
        }
    }

    #[test]
    fn several_that_differ_are_refused() {
        let bearer = "Authorization: Bearer abc\r\n";
        let both = format!("{bearer}Authorization: Bearer abd\r\n");
        for (target, fields) in [
            ("/?token=abd", bearer),
            ("/?token=", bearer),
            ("/?token=abc&token=abd", ""),
            ("/", &both),
        ] {
            let token = token(target, fields);
            assert_eq!(token, Err(BadToken::Several), "{target} {fields}");
        }
        for bad in ["%", "%4", "%4g", "%+4", "%ff", "a%4"] {
            let token = token(&format!("/?token={bad}"), "");
            assert_eq!(token, Err(BadToken::Encoding), "{bad}");
        }
    }

    #[test]
    // req: push-auth-18
    fn a_target_is_shown_without_its_tokens() {
        for (target, shown) in [
            ("/a", "/a"),
            ("/a?b=c", "/a?b=c"),
            ("/a?token=s", "/a?token=***"),
            ("/a?token=", "/a?token=***"),
            (
                "ws://a/b?x&token=s%20s&y=1&token=t",
                "ws://a/b?x&token=***&y=1&token=***",
            ),
            ("/a?mytoken=b", "/a?mytoken=b"),
        ] {
            assert_eq!(mask_token(target), shown);
        }
    }

    proptest! {
        /// What is taken for a token is masked, and the other way round.
        #[test]
        // req: push-auth-18
        fn every_token_is_masked(query in "(token=|x=|&|\\?|%41|s3cret|=)*") {
            let target = format!("/?{query}");
            let found = token(&target, "");
            let is_masked = mask_token(&target) != target;
            prop_assert_eq!(found != Ok(None), is_masked);
            if is_masked {
                let shown = token(&mask_token(&target), "");
                prop_assert_eq!(shown, Ok(Some("***".to_owned())));
            }
        }
    }
}

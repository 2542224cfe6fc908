//! What one token allows.
//!
//! Input: the checked content of a token, and what its bearer wants to do. Output: yes or no.
//! Invariant: a pattern is allowed only if every topic that it matches is. How
//! a token is proven is left to `tokens` and `jwt`.

use crate::push::auth::digest::Digest;
use crate::push::name::{MAX_NAME_BYTES, Pattern, TopicName};
use std::fmt;
use std::sync::Arc;

/// What the bearer of a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(super) name: Arc<str>,
    pub(super) publish: Vec<Pattern>,
    pub(super) subscribe: Vec<Pattern>,
    pub(super) admin: bool,
    pub(super) expires: Option<u64>,
    pub(super) proof: Proof,
}

/// Why the bearer was believed, to ask again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    /// Of the token; for a JWT, of the key that signed it.
    pub digest: Digest,
    pub source: Source,
}

/// What knows a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    File,
    #[cfg(feature = "jwt")]
    Jwt,
    /// A function of the program.
    Function,
}

impl Grant {
    /// A grant for [`Auth::function`](crate::push::Auth::function): its bearer may publish to the
    /// topics that `publish` matches, and subscribe to those that `subscribe` covers. The server's
    /// own topics are never among them.
    pub fn new(name: &str, publish: Vec<Pattern>, subscribe: Vec<Pattern>) -> Self {
        Self {
            name: name.into(),
            publish,
            subscribe,
            admin: false,
            expires: None,
            proof: Proof {
                digest: Digest::of(b""),
                source: Source::Function,
            },
        }
    }

    /// It ends at this time, in milliseconds since 1970, and then its connections end as well.
    #[must_use]
    pub fn until(mut self, time: u64) -> Self {
        self.expires = Some(time);
        self
    }

    /// Its bearer may also read the server's own topics: see [`Grant::is_admin`].
    #[must_use]
    pub fn for_admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Whose token it is: several tokens may have one name. For a JWT, its subject.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Identifies the token in a log and in `wirebell token list`: the first digits of its digest,
    /// or `jwt`.
    pub fn id(&self) -> String {
        match self.proof.source {
            Source::File | Source::Function => self.proof.digest.short(),
            #[cfg(feature = "jwt")]
            Source::Jwt => "jwt".to_owned(),
        }
    }

    /// The topics that its bearer may publish to.
    pub fn publish(&self) -> &[Pattern] {
        &self.publish
    }

    /// The topics that its bearer may subscribe to.
    pub fn subscribe(&self) -> &[Pattern] {
        &self.subscribe
    }

    /// Whether its bearer may do what concerns the whole server, such as reading `$stats`.
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// When it ends, in milliseconds since 1970: at that time it is no longer valid.
    pub fn expires(&self) -> Option<u64> {
        self.expires
    }

    /// Whether it has ended.
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Whether its bearer may publish to this topic. The server's own are for no token.
    pub fn may_publish(&self, topic: &TopicName) -> bool {
        !topic.is_reserved() && self.publish.iter().any(|allowed| allowed.matches(topic))
    }

    /// Whether its bearer may subscribe to everything that this pattern matches. The server's own
    /// topics are for admins, whatever the patterns of the token are.
    // req: push-auth-17 push-auth-20
    pub fn may_subscribe(&self, pattern: &Pattern) -> bool {
        match pattern.as_str().starts_with('$') {
            true => self.admin,
            false => self.subscribe.iter().any(|allowed| allowed.covers(pattern)),
        }
    }
}

/// Why a token grants nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// There is no such token; or it is a JWT with another signature.
    Unknown,
    /// It has ended.
    Expired,
    /// It is not valid yet: `nbf` of RFC 7519 section 4.1.5.
    Early,
    /// The subject of the JWT was revoked.
    Revoked,
    /// It is a JWT with the right signature that we cannot accept: what is wrong with it.
    Invalid(&'static str),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown token",
            Self::Expired => "the token has expired",
            Self::Early => "the token is not valid yet",
            Self::Revoked => "the token was revoked",
            Self::Invalid(problem) => return write!(f, "unusable JWT: {problem}"),
        })
    }
}

impl std::error::Error for Denied {}

/// The rules of names: they appear in logs and in what subscribers see of each other.
pub(super) fn check_name(name: &str) -> Result<Arc<str>, &'static str> {
    match name {
        "" => Err("a name cannot be empty"),
        _ if name.len() > MAX_NAME_BYTES => Err("a name has at most 255 bytes"),
        _ if name.chars().any(char::is_control) => Err("a name has no control characters"),
        _ => Ok(name.into()),
    }
}

/// A pattern of a token.
pub(super) fn check_pattern(text: &str) -> Result<Pattern, String> {
    let pattern: Pattern = text.parse().map_err(|bad| format!("{text:?}: {bad}"))?;
    match text.starts_with('$') {
        true => Err(format!(
            "{text:?}: the server's own topics are for all tokens with admin, and for no other"
        )),
        false => Ok(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grant(publish: &[&str], subscribe: &[&str], admin: bool) -> Grant {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Grant {
            name: "a".into(),
            publish: patterns(publish),
            subscribe: patterns(subscribe),
            admin,
            expires: None,
            proof: Proof {
                digest: Digest::of(b"a"),
                source: Source::File,
            },
        }
    }

    #[test]
    fn a_token_allows_what_its_patterns_match_and_nothing_wider() {
        let grant = grant(&["orders.*"], &["orders.*", "news.**"], false);
        let publishes = |name: &str| grant.may_publish(&name.parse().unwrap());
        assert!(publishes("orders.eu"));
        for other in ["orders", "orders.eu.berlin", "news.a", "$stats"] {
            assert!(!publishes(other), "{other}");
        }
        let subscribes = |pattern: &str| grant.may_subscribe(&pattern.parse().unwrap());
        for covered in ["orders.eu", "orders.*", "news.a.b", "news.*", "news.**"] {
            assert!(subscribes(covered), "{covered}");
        }
        for wider in ["**", "*", "orders.**", "*.eu", "news", "$stats", "$x.y"] {
            assert!(!subscribes(wider), "{wider}");
        }
    }

    #[test]
    fn the_servers_own_topics_are_for_admins_to_read_and_for_none_to_publish() {
        let (admin, other) = (grant(&["**"], &[], true), grant(&["**"], &["**"], false));
        let stats: TopicName = "$stats".parse().unwrap();
        assert!(admin.may_subscribe(&stats.to_pattern()));
        assert!(
            !admin.may_subscribe(&"a".parse().unwrap()),
            "not every topic"
        );
        assert!(!other.may_subscribe(&stats.to_pattern()));
        let mut forged = grant(&[], &[], true);
        forged.publish.push(stats.to_pattern());
        assert!(!forged.may_publish(&stats) && !admin.may_publish(&stats));
        assert!(check_pattern("$stats").unwrap_err().contains("admin"));
    }

    proptest! {
        #[test]
        // req: push-auth-17
        fn a_subscription_never_reaches_beyond_the_token(
            allowed in "(a|b|\\*)(\\.(a|b|\\*)){0,2}(\\.\\*\\*)?",
            asked in "(a|b|\\*)(\\.(a|b|\\*)){0,2}(\\.\\*\\*)?",
            topic in "(a|b)(\\.(a|b)){0,3}",
        ) {
            let (asked, topic): (Pattern, TopicName) =
                (asked.parse().unwrap(), topic.parse().unwrap());
            let grant = grant(&[], &[&allowed], false);
            if grant.may_subscribe(&asked) && asked.matches(&topic) {
                prop_assert!(grant.may_subscribe(&topic.to_pattern()));
            }
        }
    }
}

//! Whether a token is good, now and for as long as its connection is open.
//!
//! Input: a token or an earlier grant, and the time in milliseconds since 1970. Output: a grant, or
//! why there is none. Invariant: what `check` would refuse, `revalidate` ends.

use crate::push::auth::digest::Digest;
use crate::push::auth::function::GrantOf;
use crate::push::auth::grant::{Denied, Grant, Proof, Source};
use crate::push::auth::jwt::JwtKey;
use crate::push::auth::revocations::Revocations;
use crate::push::auth::tokens::Tokens;
use std::sync::Arc;

/// Bytes of a token. A longer one is unknown, and costs no work: 8 KiB are far more than a JWT
/// needs, and less than a head may have.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Knows the tokens of a server. Clones share them. The default knows none, and refuses all.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    tokens: Option<Tokens>,
    jwt: Option<JwtKey>,
    function: Option<GrantOf>,
}

/// What has become of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it was.
    Unchanged,
    /// It allows something else from now on, less or more, or for another time.
    Changed(Arc<Grant>),
    /// It was removed or revoked, has expired, or belongs to another name now.
    Gone,
}

impl Auth {
    /// Knows these tokens as well.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Knows the JWTs that are signed with this key as well. The revoked subjects are those of the
    /// tokens.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt_key(mut self, key: JwtKey) -> Self {
        self.jwt = Some(key);
        self
    }

    /// Asks this function for tokens that it does not know otherwise. On a server without a
    /// [`TokenFile`](crate::push::TokenFile), or for tokens that are not in it, the name of the
    /// grant is also the user of `/ws`.
    ///
    /// The function gets the token as the client sent it, of at most 8 KiB. It runs on a loop and
    /// must not block: what it needs to know of a database or another server is best kept in memory
    /// and updated by a thread. It is asked once for each request and each `auth`; a connection
    /// keeps what it was granted until that [ends](Grant::until).
    ///
    /// ```
    /// use wirebell::push::{Auth, Grant, Settings};
    ///
    /// let auth = Auth::default().function(|token| {
    ///     let name = token.strip_prefix("session-of-")?; // Yours: look it up.
    ///     let own = format!("users.{name}.**").parse().ok()?;
    ///     let news = "news".parse().ok()?;
    ///     Some(Grant::new(name, vec![], vec![own, news]))
    /// });
    /// let settings = Settings::default().auth(Some(auth));
    /// ```
    #[must_use]
    pub fn function(
        mut self,
        grant_of: impl Fn(&str) -> Option<Grant> + Send + Sync + 'static,
    ) -> Self {
        self.function = Some(GrantOf(Arc::new(grant_of)));
        self
    }

    /// Whether there is a function that knows tokens.
    pub(in crate::push) fn has_function(&self) -> bool {
        self.function.is_some()
    }

    /// The user of a token, as the function says.
    pub(in crate::push) fn user(&self, token: &str, now: u64) -> Option<String> {
        let grant = self.ask(token, now).ok()?;
        Some(grant.name.to_string())
    }

    /// What the token grants.
    ///
    /// # Errors
    ///
    /// Why it grants nothing.
    pub fn check(&self, token: &str, now: u64) -> Result<Arc<Grant>, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::Unknown);
        }
        let grant = self.find(&Digest::of(token.as_bytes()));
        match (grant, &self.jwt) {
            (Some(grant), _) if grant.is_expired(now) => Err(Denied::Expired),
            (Some(grant), _) => Ok(grant),
            (None, None) => self.ask(token, now),
            (None, Some(key)) => match key.check(token, now) {
                Ok(grant) if self.has_revoked(&grant) => Err(Denied::Revoked),
                Ok(grant) => Ok(Arc::new(grant)),
                Err(Denied::Unknown) => self.ask(token, now),
                Err(denied) => Err(denied),
            },
        }
    }

    /// What the function says of a token.
    fn ask(&self, token: &str, now: u64) -> Result<Arc<Grant>, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::Unknown);
        }
        let GrantOf(function) = self.function.as_ref().ok_or(Denied::Unknown)?;
        let mut grant = function(token).ok_or(Denied::Unknown)?;
        if grant.is_expired(now) {
            return Err(Denied::Expired);
        }
        grant.proof = Proof {
            digest: Digest::of(token.as_bytes()),
            source: Source::Function,
        };
        Ok(Arc::new(grant))
    }

    /// Grows whenever tokens or keys have changed. Until then, of the grants that were checked only
    /// those may be gone that have expired.
    pub fn generation(&self) -> u64 {
        let tokens = self.tokens.as_ref().map_or(0, Tokens::generation);
        tokens + self.jwt.as_ref().map_or(0, JwtKey::generation)
    }

    /// What has become of a grant that `check` gave out.
    pub fn revalidate(&self, grant: &Grant, now: u64) -> Verdict {
        let Proof { digest, source } = grant.proof;
        let is_proven = match source {
            Source::File => return self.find_again(&digest, grant, now),
            #[cfg(feature = "jwt")]
            Source::Jwt => {
                let jwt = self.jwt.as_ref();
                jwt.is_some_and(|key| key.is(digest)) && !self.has_revoked(grant)
            }
            Source::Function => self.function.is_some(),
        };
        match is_proven && !grant.is_expired(now) {
            true => Verdict::Unchanged,
            false => Verdict::Gone,
        }
    }

    fn find_again(&self, digest: &Digest, grant: &Grant, now: u64) -> Verdict {
        match self.find(digest) {
            Some(new) if new.is_expired(now) || new.name != grant.name => Verdict::Gone,
            Some(new) if *new == *grant => Verdict::Unchanged,
            Some(new) => Verdict::Changed(new),
            None => Verdict::Gone,
        }
    }

    /// Reads the files again at once, whether or not they seem to have changed. Does not wait for
    /// the result.
    pub fn reload(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.reload();
        }
        if let Some(key) = &self.jwt {
            key.reload();
        }
    }

    /// For a log that this server shares with others; `None` without tokens.
    pub fn revocations(&self) -> Option<Revocations> {
        self.tokens.as_ref().map(Revocations::new)
    }

    fn find(&self, token: &Digest) -> Option<Arc<Grant>> {
        self.tokens.as_ref()?.find(token)
    }

    fn has_revoked(&self, grant: &Grant) -> bool {
        let tokens = self.tokens.as_ref();
        tokens.is_some_and(|tokens| tokens.has_revoked(&grant.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, token: &str, more: &str) -> String {
        let digest = Digest::of(token.as_bytes());
        format!("[[token]]\nname = \"{name}\"\nsha256 = \"{digest}\"\n{more}\n")
    }

    fn auth(text: &str) -> (Auth, Tokens) {
        let tokens = Tokens::parse(text).unwrap();
        (Auth::default().tokens(tokens.clone()), tokens)
    }

    const END: u64 = 1_798_761_600_000;
    const EXPIRES: &str = "expires = 2027-01-01T00:00:00Z";

    #[test]
    fn only_a_known_token_is_good_and_until_it_ends() {
        let (auth, _) = auth(&entry("shop", "secret", EXPIRES));
        let grant = auth.check("secret", END - 1).unwrap();
        assert_eq!(&**grant.name(), "shop");
        assert_eq!(auth.check("secret", END), Err(Denied::Expired));
        let long = "x".repeat(MAX_TOKEN_BYTES + 1);
        let digest = Digest::of(b"secret").to_string();
        for wrong in ["", "secre", "secret ", "Secret", &long, &digest] {
            assert_eq!(auth.check(wrong, 0), Err(Denied::Unknown), "{wrong}");
        }
        assert_eq!(Auth::default().check("", 0), Err(Denied::Unknown));
        let text = format!("{auth:?} {grant:?}");
        assert!(
            !text.contains("secret") && !text.contains(&digest),
            "{text}"
        );
    }

    #[test]
    // req: push-auth-06
    fn several_tokens_of_one_name_are_good_at_the_same_time() {
        let both = entry("shop", "old", "") + &entry("shop", "new", "publish = [\"a\"]");
        let (auth, tokens) = auth(&both);
        let (old, new) = (auth.check("old", 0).unwrap(), auth.check("new", 0).unwrap());
        assert_eq!(old.name(), new.name());
        tokens
            .replace(&entry("shop", "new", "publish = [\"a\"]"))
            .unwrap();
        assert_eq!(auth.revalidate(&old, 0), Verdict::Gone);
        assert_eq!(auth.revalidate(&new, 0), Verdict::Unchanged);
    }

    #[test]
    fn an_open_connection_follows_its_token() {
        let (auth, tokens) = auth(&entry("shop", "t", EXPIRES));
        let grant = auth.check("t", 0).unwrap();
        assert_eq!(auth.generation(), 0);
        assert_eq!(auth.revalidate(&grant, END - 1), Verdict::Unchanged);
        assert_eq!(auth.revalidate(&grant, END), Verdict::Gone);
        for more in [
            "subscribe = [\"a\"]",
            "publish = [\"a\"]",
            "admin = true",
            "expires = 2028-01-01T00:00:00Z",
        ] {
            let before = auth.generation();
            tokens.replace(&entry("shop", "t", more)).unwrap();
            assert!(auth.generation() > before);
            let new = auth.check("t", END).unwrap();
            assert_eq!(auth.revalidate(&grant, END), Verdict::Changed(new));
        }
        tokens
            .replace(&entry("shop", "t", "expires = 2026-01-01T00:00:00Z"))
            .unwrap();
        assert_eq!(auth.revalidate(&grant, END - 1), Verdict::Gone);
        tokens.replace(&entry("pub", "t", EXPIRES)).unwrap();
        assert_eq!(auth.revalidate(&grant, 0), Verdict::Gone, "another name");
        let before = auth.generation();
        assert!(tokens.replace("nonsense").is_err());
        assert_eq!(auth.generation(), before, "a broken edit changes nothing");
        tokens.replace("").unwrap();
        assert_eq!(auth.revalidate(&grant, 0), Verdict::Gone);
    }

    proptest! {
        /// Whatever the file becomes, an open connection has what a new one would get.
        #[test]
        fn an_old_grant_is_never_worth_more_than_a_new_check(
            before in proptest::collection::vec((0..3u8, 0..3u8, 0..4u8), 0..4),
            after in proptest::collection::vec((0..3u8, 0..3u8, 0..4u8), 0..4),
            now in prop_oneof![Just(0), Just(END)],
        ) {
            let text = |entries: &[(u8, u8, u8)]| {
                let mut seen = Vec::new();
                let fresh = entries.iter().filter(|(token, ..)| {
                    let is_new = !seen.contains(token);
                    seen.push(*token);
                    is_new
                });
                fresh.map(|(token, name, more)| {
                    let all = ["", EXPIRES, "publish = [\"a\"]", "admin = true"];
                    let more = all[usize::from(*more)];
                    entry(&name.to_string(), &token.to_string(), more)
                }).collect::<String>()
            };
            let (auth, tokens) = auth(&text(&before));
            let old: Vec<_> = (0..3).map(|token| auth.check(&token.to_string(), 0)).collect();
            tokens.replace(&text(&after)).unwrap();
            for (token, old) in old.iter().enumerate() {
                let Ok(old) = old else { continue };
                let new = auth.check(&token.to_string(), now);
                match auth.revalidate(old, now) {
                    Verdict::Unchanged => prop_assert_eq!(new.as_ref(), Ok(old)),
                    Verdict::Changed(changed) => prop_assert_eq!(new, Ok(changed)),
                    Verdict::Gone => {
                        prop_assert!(new.is_err() || new.unwrap().name() != old.name());
                    }
                }
            }
        }
    }
}

//! What one server of several has revoked, for all of them.
//!
//! Input: the tokens in the file of this server, and what others have revoked. Output: what to tell
//! the others. Invariant: a token or subject that a running server has lost is good at none, until
//! a running server gets it back.

use crate::push::auth::digest::Digest;
use crate::push::auth::elsewhere::{Elsewhere, What};
use crate::push::auth::tokens::Tokens;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// The tokens of a server, for a log that it shares with others.
#[derive(Clone, Debug)]
pub struct Revocations {
    tokens: Tokens,
    elsewhere: Elsewhere,
    /// What the others know of the tokens of this server.
    told: Arc<RwLock<Option<Known>>>,
}

/// What a server has: tokens, and subjects that it has revoked.
type Known = (HashSet<Digest>, HashSet<String>);

impl Revocations {
    pub(super) fn new(tokens: &Tokens) -> Self {
        Self {
            tokens: tokens.clone(),
            elsewhere: tokens.elsewhere().clone(),
            told: Arc::default(),
        }
    }

    /// What this server has revoked since the last call (`true`), or allows again. The first call
    /// has nothing to compare with.
    // req: push-nodes-06
    pub fn changes(&self) -> Vec<(String, bool)> {
        let now = self.tokens.known();
        let mut told = self.told.write().unwrap_or_else(PoisonError::into_inner);
        let mut changes = Vec::new();
        if let Some((tokens, subjects)) = &*told {
            let token = |is_revoked| move |it: &Digest| (What::Token(*it).text(), is_revoked);
            changes.extend(tokens.difference(&now.0).map(token(true)));
            changes.extend(now.0.difference(tokens).map(token(false)));
            let subject =
                |is_revoked| move |it: &String| (What::Subject(it.clone()).text(), is_revoked);
            changes.extend(now.1.difference(subjects).map(subject(true)));
            changes.extend(subjects.difference(&now.1).map(subject(false)));
        }
        *told = Some(now);
        changes
    }

    /// A server has revoked this, or allows it again.
    // req: push-nodes-06
    pub fn apply(&self, what: &str, is_revoked: bool) {
        if let Some(what) = What::read(what) {
            self.elsewhere.change(|all| match is_revoked {
                true => all.insert(what),
                false => all.remove(&what),
            });
        }
    }

    /// Everything that is revoked.
    pub fn replace(&self, all: &[String]) {
        let new: HashSet<_> = all.iter().filter_map(|it| What::read(it)).collect();
        self.elsewhere.change(|all| {
            let changes = *all != new;
            *all = new;
            changes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::auth::Auth;

    fn entry(token: &str) -> String {
        let digest = Digest::of(token.as_bytes());
        format!("[[token]]\nname = \"{token}\"\nsha256 = \"{digest}\"\n")
    }

    #[test]
    // req: push-nodes-06
    fn a_token_that_one_server_has_lost_is_good_at_none() {
        let tokens = || Tokens::parse(&entry("shop")).unwrap();
        let (one, two) = (tokens(), tokens());
        let (here, there) = (
            Auth::default().tokens(one.clone()),
            Auth::default().tokens(two),
        );
        let (ours, theirs) = (here.revocations().unwrap(), there.revocations().unwrap());
        let tell = || {
            for (what, is_revoked) in ours.changes() {
                theirs.apply(&what, is_revoked);
            }
        };
        tell();
        let generation = there.generation();
        let grant = there.check("shop", 0).unwrap();
        one.replace("revoked = [\"eve\"]").unwrap();
        tell();
        assert!(there.check("shop", 0).is_err());
        assert!(there.generation() > generation);
        assert_eq!(
            there.revalidate(&grant, 0),
            crate::push::auth::Verdict::Gone
        );
        one.replace(&entry("shop")).unwrap();
        tell();
        assert!(there.check("shop", 0).is_ok());
    }

    #[test]
    fn subjects_and_what_was_revoked_before() {
        let auth = Auth::default().tokens(Tokens::parse("").unwrap());
        let revocations = auth.revocations().unwrap();
        revocations.replace(&["subject:eve".into(), "nonsense".into(), "token:12".into()]);
        assert!(revocations.elsewhere.has_subject("eve"));
        assert!(!revocations.elsewhere.has_subject("alice"));
        let generation = auth.generation();
        revocations.replace(&["subject:eve".into()]);
        assert_eq!(auth.generation(), generation);
        revocations.replace(&[]);
        assert!(!revocations.elsewhere.has_subject("eve"));
    }
}

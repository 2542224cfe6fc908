//! Tokens and subjects that are no longer good, because another server of the same log has lost
//! them.
//!
//! Input: changes. Output: whether a token or a subject is among them. Invariant: without any, a
//! look-up is a comparison.

use crate::push::auth::digest::Digest;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// What the others have revoked. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    revoked: HashSet<What>,
    generation: u64,
}

/// What can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    Token(Digest),
    /// Of JWTs.
    Subject(String),
}

impl What {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Token(digest) => format!("token:{digest}"),
            Self::Subject(subject) => format!("subject:{subject}"),
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("token", digest) => digest.parse().ok().map(Self::Token),
            ("subject", subject) => Some(Self::Subject(subject.to_owned())),
            _ => None,
        }
    }
}

impl Elsewhere {
    pub(super) fn has_token(&self, token: &Digest) -> bool {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !state.revoked.is_empty() && state.revoked.contains(&What::Token(*token))
    }

    pub(super) fn has_subject(&self, subject: &str) -> bool {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let subject = || What::Subject(subject.to_owned());
        !state.revoked.is_empty() && state.revoked.contains(&subject())
    }

    pub(super) fn generation(&self) -> u64 {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .generation
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut HashSet<What>) -> bool) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if change(&mut state.revoked) {
            state.generation += 1;
        }
    }
}

//! Who asks, and for what.
//!
//! Input: the directory, a call. Output: yes or no. Invariant: an application only publishes, and a
//! client never does. How callers are recognized is left to `gate`.

use crate::push::gotify::call::{Call, Needs};
use crate::push::gotify::credentials::Basic;
use crate::push::gotify::directory::{Application, Directory};
use crate::push::gotify::problem::Problem;
use crate::push::gotify::state::client_name;
use crate::push::throttle::Wish;
use std::sync::Arc;

/// A request that is let in.
#[derive(Debug)]
pub(in crate::push) struct Asked {
    pub(super) call: Call,
    pub(super) who: Who,
}

impl Asked {
    /// What it counts as, and the name of its token.
    pub(in crate::push) fn wish(&self) -> Option<(Wish, Option<Arc<str>>)> {
        let name = match &self.who {
            Who::Application(application) => {
                Some(format!("gotify application {}", application.id).into())
            }
            Who::Client(Caller {
                client: Some(client),
                ..
            }) => Some(client_name(*client)),
            Who::Client(_) | Who::Public | Who::Unchecked(..) => None,
        };
        match self.call {
            Call::Publish => Some((Wish::Publications(1), name)),
            Call::Stream => Some((Wish::Handshake, name)),
            _ => None,
        }
    }
}

/// Whose a request is.
#[derive(Debug)]
pub(super) enum Who {
    /// Anyone's.
    Public,
    Application(Box<Application>),
    Client(Caller),
    /// That of a name, if the password is right; otherwise that of the token, if there is one.
    Unchecked(Basic, Option<Box<Who>>),
}

/// A user, or a client of one, who reads and manages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) user: u64,
    /// `None` if it came with a password.
    pub(super) client: Option<u64>,
    pub(super) is_admin: bool,
}

impl Caller {
    pub(super) fn of_user(directory: &Directory, user: u64) -> Option<Self> {
        let user = directory.users.get(&user)?;
        Some(Self {
            user: user.id,
            client: None,
            is_admin: user.admin,
        })
    }

    /// Whether it may ask for this.
    // req: gotify-auth-05
    pub(super) fn may(self, call: &Call) -> Result<Who, Problem> {
        match call.needs() {
            Needs::Application => Err(Problem::forbidden()),
            Needs::Admin if !self.is_admin => Err(Problem::forbidden()),
            _ => Ok(Who::Client(self)),
        }
    }
}

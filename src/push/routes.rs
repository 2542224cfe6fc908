//! The route of a request, judged by its head, so that requests that cannot be served cost no body.
//!
//! Input: a method and a path. Output: a [`Route`], or 404 or 405. Who may use a route is left to
//! `admission`.

use crate::http::{RequestHead, StaticField, Status, field};
use crate::net::Response;
use crate::push::answers::nothing_at;
use crate::push::gotify::Asked;
use crate::push::native::{Guest, TOPICS};

/// Whether a path belongs to the native dialect.
pub(super) fn is_topics(path: &str) -> bool {
    let rest = path.strip_prefix(TOPICS);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Page,
    Register,
    Push,
    Drop,
    Echo,
    Health,
    Ready,
    Metrics,
    Topics,
}

/// A request that is let in.
pub(super) enum Entry {
    Route(Route),
    /// One of the native dialect.
    Topics(Guest),
    /// One of the gotify dialect.
    Gotify(Asked),
}

impl Route {
    /// The route of a path; `None` for a path that there is not.
    pub(super) fn at(head: &RequestHead<'_>) -> Option<Self> {
        let upgrades = head.fields.has_token("Upgrade", "websocket");
        Some(match head.path() {
            "/" if !upgrades => Self::Page,
            "/ws" => Self::Register,
            "/push" => Self::Push,
            "/drop" => Self::Drop,
            "/echo" => Self::Echo,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            path if is_topics(path) => Self::Topics,
            _ => return None,
        })
    }

    /// The route of a path, for a method that it has.
    ///
    /// # Errors
    ///
    /// The response: 404 or 405.
    // req: 6455-4.2.2-07
    // req: push-errors-06
    pub(super) fn of(head: &RequestHead<'_>) -> Result<Self, Response> {
        let route = Self::at(head).ok_or_else(|| {
            let upgrades = head.fields.has_token("Upgrade", "websocket");
            nothing_at(head.path(), upgrades)
        })?;
        let (methods, allow): (&[&str], StaticField) = match route {
            Self::Page | Self::Health | Self::Ready | Self::Metrics => {
                (&["GET", "HEAD"], field!("Allow", "GET, HEAD"))
            }
            Self::Push | Self::Drop => (&["POST"], field!("Allow", "POST")),
            // They have their own answers to other methods.
            Self::Register | Self::Echo | Self::Topics => return Ok(route),
        };
        match methods.contains(&head.method) {
            true => Ok(route),
            false => Err(Response::new(Status::METHOD_NOT_ALLOWED).field(allow)),
        }
    }

    /// Whether it is answered until the end of a graceful stop.
    pub(super) fn outlives_stop(self) -> bool {
        matches!(self, Self::Health | Self::Ready | Self::Metrics)
    }

    /// Whether a request for it has a body that is read.
    pub(super) fn takes_body(self) -> bool {
        matches!(self, Self::Push | Self::Drop)
    }
}

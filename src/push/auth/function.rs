//! Functions of the program that decide who may do what.
//!
//! Input: a token, or the head of a request. Output: what the program says. Invariant: they run on
//! the loops, so one that waits makes all connections of its worker wait.

use crate::http::RequestHead;
use crate::net::Response;
use crate::push::auth::grant::Grant;
use std::fmt;
use std::sync::Arc;

/// Knows tokens.
#[derive(Clone)]
pub(super) struct GrantOf(pub(super) Arc<Knows>);

type Knows = dyn Fn(&str) -> Option<Grant> + Send + Sync;

impl fmt::Debug for GrantOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantOf(…)")
    }
}

/// Decides which requests may publish at `/push`.
///
/// The function gets the head of the request, with its target and fields, before the body is read;
/// once or twice for a request. It runs on a loop and must not block: what it needs to know of a
/// database or another server is best kept in memory and updated by a thread.
///
/// ```
/// use wirebell::http::Status;
/// use wirebell::net::Response;
/// use wirebell::push::{MayPublish, Settings};
///
/// let may_publish = MayPublish::new(|head| match head.fields.get("X-Team") {
///     Some("shop") => Ok(()),
///     _ => Err(Response::text(Status::FORBIDDEN, "only the shop may publish")),
/// });
/// let settings = Settings::default().may_publish(Some(may_publish));
/// ```
#[derive(Clone)]
pub struct MayPublish(Arc<Judge>);

type Judge = dyn Fn(&RequestHead<'_>) -> Result<(), Response> + Send + Sync;

impl MayPublish {
    /// Asks this function. Its error is the answer. One with status 401 to a request that has
    /// `Authorization: Bearer` counts as a wrong key: it comes late, see
    /// [`wrong_token_ms`](crate::push::Limits::wrong_token_ms).
    pub fn new(
        function: impl Fn(&RequestHead<'_>) -> Result<(), Response> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(function))
    }

    /// What the function says.
    ///
    /// # Errors
    ///
    /// Its answer to a request that may not publish.
    pub fn check(&self, head: &RequestHead<'_>) -> Result<(), Response> {
        (self.0)(head)
    }
}

impl fmt::Debug for MayPublish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MayPublish(…)")
    }
}

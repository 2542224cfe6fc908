//! Requests of the crate `http`: RFC 9112 section 3, for servers whose HTTP comes from hyper or
//! another library.
//!
//! Input: a request that another library has read. Output: a [`RequestHead`]. Invariant: it is
//! checked like one that we have read; its type is no reason to trust it. Answers are left to
//! `handshake`.

use crate::error::Refusal;
use crate::http::fields::{Field, Fields};
use crate::http::head::RequestHead;
use ::http::request::Parts;
use ::http::{HeaderMap, Method, Request, Uri, Version};
use std::borrow::Cow;

/// The head of a request of the crate `http`, from which a [`RequestHead`] can borrow.
///
/// ```
/// use wirebell::Refusal;
/// use wirebell::handshake::{UpgradeRequest, Refused};
/// use wirebell::http::TypedHead;
///
/// fn accept<B>(request: &http::Request<B>) -> Result<http::Response<()>, Refusal> {
///     let head = TypedHead::from(request);
///     let opening = UpgradeRequest::read(head.head()?)?;
///     Ok(opening.accept(opening.choose(&["chat"])).try_into().expect("few fields"))
/// }
///
/// let request = http::Request::get("/chat")
///     .header("Host", "server.example.com")
///     .header("Upgrade", "websocket")
///     .header("Connection", "Upgrade")
///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("Sec-WebSocket-Version", "13")
///     .body(())?;
/// let response = accept(&request).unwrap();
/// assert_eq!(response.status(), 101);
/// assert_eq!(response.headers()["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
///
/// let refusal = accept(&http::Request::get("/chat").body(())?).unwrap_err();
/// let response: http::Response<&str> = Refused::new(refusal).into();
/// assert_eq!((response.status().as_u16(), *response.body()), (400, refusal.text()));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TypedHead<'r> {
    method: &'r str,
    target: Cow<'r, str>,
    version: Version,
    fields: Vec<Field<'r>>,
}

impl<'r> TypedHead<'r> {
    fn new(method: &'r Method, uri: &'r Uri, version: Version, headers: &'r HeaderMap) -> Self {
        let target = match uri.path_and_query() {
            Some(origin_form) if uri.authority().is_none() => origin_form.as_str().into(),
            _ => uri.to_string().into(),
        };
        let fields = headers.iter().map(|(name, value)| Field {
            name: name.as_str(),
            value: value.as_bytes(),
        });
        Self {
            method: method.as_str(),
            target,
            version,
            fields: fields.collect(),
        }
    }

    /// The head.
    ///
    /// # Errors
    ///
    /// [`Refusal::HttpVersion`] if it did not come over HTTP/1.0 or 1.1;
    /// [`Refusal::MalformedHead`] as for [`RequestHead::new`].
    pub fn head(&self) -> Result<RequestHead<'_>, Refusal> {
        let minor_version = match self.version {
            Version::HTTP_10 => 0,
            Version::HTTP_11 => 1,
            _ => return Err(Refusal::HttpVersion),
        };
        // The types of names and values are those of RFC 9110 sections 5.1 and 5.5.
        let fields = Fields::new(&self.fields);
        let head = RequestHead::new(self.method, &self.target, minor_version, fields)?;
        Ok(head)
    }
}

impl<'r> From<&'r Parts> for TypedHead<'r> {
    fn from(parts: &'r Parts) -> Self {
        Self::new(&parts.method, &parts.uri, parts.version, &parts.headers)
    }
}

impl<'r, B> From<&'r Request<B>> for TypedHead<'r> {
    fn from(request: &'r Request<B>) -> Self {
        let (method, uri) = (request.method(), request.uri());
        Self::new(method, uri, request.version(), request.headers())
    }
}

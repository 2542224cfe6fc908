//! The live page: one file, which loads nothing from elsewhere.

use crate::http::{MediaType, Response, Status, field};

const PAGE: &str = include_str!("page/index.html");

/// The page is one file: nothing is loaded from elsewhere, and the policy forbids it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub(super) fn page() -> Response {
    Response::content(Status::OK, MediaType::HTML, PAGE.as_bytes())
        .field(field!("Content-Security-Policy", PAGE_POLICY))
        .field(field!("Cache-Control", "no-cache"))
        .field(field!("Referrer-Policy", "no-referrer"))
        .field(field!("X-Content-Type-Options", "nosniff"))
}

//! The live page: one file, which loads nothing from elsewhere.
//!
//! Input: whether the server speaks gotify. Output: the response. What the page does is in
//! `page/index.html`, and for gotify in the files beside it.

use crate::http::{MediaType, Response, Status, field};
use std::sync::LazyLock;

/// The page of a server without gotify. It is whole, and names where each of [`GOTIFY`] belongs.
const PAGE: &str = include_str!("page/index.html");

/// The lines of the page that are replaced on a server that speaks gotify, and by what.
const GOTIFY: [(&str, &str); 3] = [
    ("/* gotify.css */\n", include_str!("page/gotify.css")),
    ("<!-- gotify.html -->\n", include_str!("page/gotify.html")),
    ("// gotify.js\n", include_str!("page/gotify.js")),
];

static PAGE_WITH_GOTIFY: LazyLock<String> = LazyLock::new(|| {
    let put = |page: String, (line, part): &(&str, &str)| page.replacen(line, part, 1);
    GOTIFY.iter().fold(PAGE.to_owned(), put)
});

/// The page is one file: nothing is loaded from elsewhere but the images of applications, and the
/// policy forbids it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub(super) fn page(has_gotify: bool) -> Response {
    let page = match has_gotify {
        true => PAGE_WITH_GOTIFY.as_str(),
        false => PAGE,
    };
    Response::content(Status::OK, MediaType::HTML, page.as_bytes())
        .field(field!("Content-Security-Policy", PAGE_POLICY))
        .field(field!("Cache-Control", "no-cache"))
        .field(field!("Referrer-Policy", "no-referrer"))
        .field(field!("X-Content-Type-Options", "nosniff"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_for_gotify_has_its_place() {
        for (line, part) in GOTIFY {
            assert_eq!(PAGE.matches(line).count(), 1, "{line}");
            assert_eq!(PAGE_WITH_GOTIFY.matches(part).count(), 1, "{line}");
            assert!(!PAGE_WITH_GOTIFY.contains(line), "{line}");
        }
        let bounds = [(PAGE, 50_000), (PAGE_WITH_GOTIFY.as_str(), 90_000)];
        for (page, most) in bounds {
            assert!(page.len() <= most, "{} bytes, more than {most}", page.len());
        }
    }
}

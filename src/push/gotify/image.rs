//! Images of applications: what is accepted, and how files are served.
//!
//! Input: the first bytes of a file, names. Output: names, responses. Invariant: a browser shows a
//! file as the image that it is or not at all, whatever its uploader has called it.

use crate::http::{MediaType, Response, Status, field};

/// The image of an application that has none.
const DEFAULT: &[u8] = include_bytes!("defaultapp.png");

/// The kinds that are accepted: how a file begins, how its name ends, and its media type.
const KINDS: [(&[u8], &str, &str); 4] = [
    (b"\x89PNG\r\n\x1A\n", "png", "image/png"),
    (b"\xFF\xD8\xFF", "jpg", "image/jpeg"),
    (b"GIF87a", "gif", "image/gif"),
    (b"GIF89a", "gif", "image/gif"),
];

/// How the name of a file ends, by its content; `None` if it is no image that is accepted.
// req: gotify-images-01
pub(super) fn extension(file: &[u8]) -> Option<&'static str> {
    let mut kinds = KINDS.iter();
    let kind = kinds.find(|(begin, ..)| file.starts_with(begin));
    kind.map(|(_, extension, _)| *extension)
}

/// A file of ours; `None` for another path.
pub(super) fn of_server(path: &str) -> Option<Response> {
    (path == "static/defaultapp.png").then(|| serve(DEFAULT.to_vec()))
}

// req: gotify-images-02
pub(super) fn serve(file: Vec<u8>) -> Response {
    let mut kinds = KINDS.iter();
    let kind = kinds.find(|(begin, ..)| file.starts_with(begin));
    let kind = kind.map_or("application/octet-stream", |(.., kind)| kind);
    let kind = MediaType::new(kind).expect("a valid value");
    Response::content(Status::OK, kind, file)
        .field(field!("X-Content-Type-Options", "nosniff"))
        .field(field!("Content-Security-Policy", "default-src 'none'"))
        .field(field!("Cache-Control", "max-age=3600"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: gotify-images-01 gotify-images-02
    fn a_file_is_what_it_begins_with() {
        assert_eq!(extension(DEFAULT), Some("png"));
        assert_eq!(extension(b"\xFF\xD8\xFF\xE0"), Some("jpg"));
        assert_eq!(extension(b"GIF89a..."), Some("gif"));
        for bad in [
            &b"<svg>"[..],
            b"",
            b"GIF88a",
            b"\x89PNG",
            b"<!DOCTYPE html>",
        ] {
            assert_eq!(extension(bad), None);
        }
        let response = of_server("static/defaultapp.png").unwrap();
        let mut fields = response.fields();
        assert!(fields.any(|it| it == ("X-Content-Type-Options", "nosniff")));
        assert!(of_server("static/index.html").is_none());
    }
}

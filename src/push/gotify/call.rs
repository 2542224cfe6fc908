//! What a request asks for, judged by its method and path.
//!
//! Input: a method and a path, undecoded. Output: a [`Call`], or why there is none. Invariants: a
//! path means the same with `%2F` as with `/`, and with several slashes at its beginning as with
//! one, as clients join addresses carelessly; what is below a path of this dialect and is nothing
//! is 404.

use crate::http::{StaticField, field};
use crate::push::gotify::problem::Problem;
use crate::push::percent::decode;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Health,
    Version,
    Plugins,
    /// A file that anybody may see: its path without the first slash.
    File(String),
    Publish,
    Stream,
    Messages,
    DeleteMessages,
    DeleteMessage(u64),
    MessagesOf(u64),
    DeleteMessagesOf(u64),
    Applications,
    CreateApplication,
    UpdateApplication(u64),
    DeleteApplication(u64),
    SetImage(u64),
    DeleteImage(u64),
    Clients,
    CreateClient,
    UpdateClient(u64),
    DeleteClient(u64),
    CurrentUser,
    SetPassword,
    Users,
    CreateUser,
    User(u64),
    UpdateUser(u64),
    DeleteUser(u64),
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Application,
    Client,
    Admin,
}

/// The first segments of the paths of this dialect.
const FIRST: [&str; 11] = [
    "application",
    "client",
    "current",
    "health",
    "image",
    "message",
    "plugin",
    "static",
    "stream",
    "user",
    "version",
];

/// A path without its first slashes, decoded.
fn decoded(path: &str) -> Option<String> {
    Some(decode(path)?.trim_start_matches('/').to_owned())
}

/// Whether a path belongs to this dialect.
pub(in crate::push) fn is_path(path: &str) -> bool {
    decoded(path).is_some_and(|path| {
        let first = path.split('/').next().unwrap_or_default();
        FIRST.contains(&first)
    })
}

impl Call {
    /// What is asked for.
    ///
    /// # Errors
    ///
    /// 404, 405, or 400 for an id that is not a number.
    // req: gotify-paths-01 gotify-paths-02
    pub(super) fn of(method: &str, path: &str) -> Result<Self, Problem> {
        let path = decoded(path).ok_or_else(Problem::no_page)?;
        let method = if method == "HEAD" { "GET" } else { method };
        let segments: Vec<&str> = path.split('/').collect();
        match segments[..] {
            ["static" | "image", _] => one_of(
                method,
                &[("GET", Self::File(path.clone()))],
                field!("Allow", "GET, HEAD"),
            ),
            [one] => Self::of_one(method, one),
            ["current", two] => Self::of_current(method, two),
            [one, id] => Self::of_two(method, one, id),
            ["current", "user", "password"] => one_of(
                method,
                &[("POST", Self::SetPassword)],
                field!("Allow", "POST"),
            ),
            ["application", id, last] => Self::of_application(method, number(id)?, last),
            _ => Err(Problem::no_page()),
        }
    }

    fn of_one(method: &str, name: &str) -> Result<Self, Problem> {
        let read = field!("Allow", "GET, HEAD");
        let both = field!("Allow", "GET, HEAD, POST");
        match name {
            "health" => one_of(method, &[("GET", Self::Health)], read),
            "version" => one_of(method, &[("GET", Self::Version)], read),
            "plugin" => one_of(method, &[("GET", Self::Plugins)], read),
            "stream" => one_of(method, &[("GET", Self::Stream)], field!("Allow", "GET")),
            "message" => one_of(
                method,
                &[
                    ("GET", Self::Messages),
                    ("POST", Self::Publish),
                    ("DELETE", Self::DeleteMessages),
                ],
                field!("Allow", "GET, HEAD, POST, DELETE"),
            ),
            "application" => one_of(
                method,
                &[
                    ("GET", Self::Applications),
                    ("POST", Self::CreateApplication),
                ],
                both,
            ),
            "client" => {
                let calls = [("GET", Self::Clients), ("POST", Self::CreateClient)];
                one_of(method, &calls, both)
            }
            "user" => one_of(
                method,
                &[("GET", Self::Users), ("POST", Self::CreateUser)],
                both,
            ),
            _ => Err(Problem::no_page()),
        }
    }

    fn of_current(method: &str, name: &str) -> Result<Self, Problem> {
        let read = field!("Allow", "GET, HEAD");
        match name {
            "user" => one_of(method, &[("GET", Self::CurrentUser)], read),
            _ => Err(Problem::no_page()),
        }
    }

    fn of_two(method: &str, name: &str, id: &str) -> Result<Self, Problem> {
        let change = field!("Allow", "PUT, DELETE");
        match name {
            "message" => {
                let calls = [("DELETE", Self::DeleteMessage(number(id)?))];
                one_of(method, &calls, field!("Allow", "DELETE"))
            }
            "application" => {
                let id = number(id)?;
                let put = ("PUT", Self::UpdateApplication(id));
                one_of(
                    method,
                    &[put, ("DELETE", Self::DeleteApplication(id))],
                    change,
                )
            }
            "client" => {
                let id = number(id)?;
                let put = ("PUT", Self::UpdateClient(id));
                one_of(method, &[put, ("DELETE", Self::DeleteClient(id))], change)
            }
            "user" => {
                let id = number(id)?;
                let calls = [
                    ("GET", Self::User(id)),
                    ("POST", Self::UpdateUser(id)),
                    ("DELETE", Self::DeleteUser(id)),
                ];
                one_of(method, &calls, field!("Allow", "GET, HEAD, POST, DELETE"))
            }
            _ => Err(Problem::no_page()),
        }
    }

    fn of_application(method: &str, id: u64, last: &str) -> Result<Self, Problem> {
        match last {
            "message" => {
                let get = ("GET", Self::MessagesOf(id));
                let calls = [get, ("DELETE", Self::DeleteMessagesOf(id))];
                one_of(method, &calls, field!("Allow", "GET, HEAD, DELETE"))
            }
            "image" => {
                let calls = [
                    ("POST", Self::SetImage(id)),
                    ("DELETE", Self::DeleteImage(id)),
                ];
                one_of(method, &calls, field!("Allow", "POST, DELETE"))
            }
            _ => Err(Problem::no_page()),
        }
    }

    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::Health | Self::Version | Self::File(_) => Needs::Nothing,
            Self::Publish => Needs::Application,
            Self::Users
            | Self::CreateUser
            | Self::User(_)
            | Self::UpdateUser(_)
            | Self::DeleteUser(_) => Needs::Admin,
            _ => Needs::Client,
        }
    }
}

fn one_of(method: &str, calls: &[(&str, Call)], allow: StaticField) -> Result<Call, Problem> {
    let found = calls.iter().find(|(name, _)| *name == method);
    found
        .map(|(_, call)| call.clone())
        .ok_or_else(|| Problem::method(allow))
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Problem::bad("invalid id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: gotify-paths-01 gotify-paths-02
    fn a_path_may_be_written_in_several_ways() {
        for (method, path, expected) in [
            ("POST", "/message", Call::Publish),
            ("POST", "//message", Call::Publish),
            ("GET", "//stream", Call::Stream),
            ("HEAD", "/health", Call::Health),
            (
                "GET",
                "/static%2Fdefaultapp.png",
                Call::File("static/defaultapp.png".into()),
            ),
            (
                "GET",
                "/static/defaultapp.png",
                Call::File("static/defaultapp.png".into()),
            ),
            ("GET", "/image%2Fa.png", Call::File("image/a.png".into())),
            ("DELETE", "/message/7", Call::DeleteMessage(7)),
            ("GET", "/application/7/message", Call::MessagesOf(7)),
            ("POST", "/current/user/password", Call::SetPassword),
            ("POST", "/user/3", Call::UpdateUser(3)),
        ] {
            assert_eq!(Call::of(method, path), Ok(expected), "{method} {path}");
            assert!(is_path(path));
        }
        for (method, path, status) in [
            ("PATCH", "/message", 405),
            ("GET", "/message/1", 405),
            ("GET", "/application/x/message", 400),
            ("DELETE", "/client/-1", 400),
            ("GET", "/application/1/nothing", 404),
            ("GET", "/current/nothing", 404),
            ("GET", "/stream/", 404),
            ("GET", "/user/1/2/3", 404),
        ] {
            let problem = Call::of(method, path).unwrap_err();
            assert_eq!(problem.status.code(), status, "{method} {path}");
        }
        for path in ["/", "/topics/a", "/messages", "/push", "/%", "/ws"] {
            assert!(!is_path(path), "{path}");
        }
    }
}

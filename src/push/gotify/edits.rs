//! What may be changed, and into what.
//!
//! Pure. Input: the directory, who asks, what is wanted, random bytes for tokens. Output: an
//! [`Edit`]: entries for the store, records to forget, streams to end, and the answer. Invariants:
//! what is another user's is not changed; there is always an administrator; tables are bounded.

use crate::http::{MediaType, Response, Status};
use crate::push::gotify::credentials::{TOKEN, token};
use crate::push::gotify::directory::{Application, Client, Directory, Entry, Ids, User};
use crate::push::gotify::fields::Fields;
use crate::push::gotify::message::{topic, topics};
use crate::push::gotify::problem::Problem;
use crate::push::name::Pattern;
use serde_json::Value;
use std::sync::Arc;

/// Users: more than one server of this kind has.
const MAX_USERS: usize = 1_000;

/// Applications, and clients, of all users: a few megabytes.
const MAX_HOLDERS: usize = 10_000;

/// Bytes of one image.
pub(super) const MAX_IMAGE: usize = 4 * 1024 * 1024;

/// Bytes of all images together, which are in memory.
const MAX_IMAGES: usize = 64 * 1024 * 1024;

/// Bytes of a name.
const MAX_NAME: usize = 1024;

/// A change to keep, and what follows once it is kept.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) entries: Vec<Entry>,
    pub(super) forget: Forget,
    pub(super) ended: Vec<Ended>,
    pub(super) response: Response,
}

/// Messages that are deleted.
#[derive(Debug)]
pub(super) enum Forget {
    Nothing,
    All(Pattern),
    These(Pattern, Vec<u64>),
}

/// Whose streams end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Those of a client.
    Client(u64),
    /// Those of a user.
    User(u64),
}

impl Edit {
    fn new(entries: Vec<Entry>, response: Response) -> Self {
        Self {
            entries,
            forget: Forget::Nothing,
            ended: Vec::new(),
            response,
        }
    }

    /// Messages are deleted.
    pub(super) fn forget(forget: Forget) -> Self {
        Self {
            forget,
            ..Self::new(Vec::new(), Response::new(Status::OK))
        }
    }
}

pub(super) fn answer(value: &Value) -> Response {
    Response::content(Status::OK, MediaType::JSON, value.to_string().into_bytes())
}

fn nothing() -> Response {
    Response::new(Status::OK)
}

/// What a request says of an application.
#[derive(Clone, Debug)]
pub(super) struct ApplicationFields {
    name: String,
    description: String,
    default_priority: Option<i64>,
    sort_key: Option<String>,
}

impl ApplicationFields {
    pub(super) fn read(fields: &Fields) -> Result<Self, Problem> {
        Ok(Self {
            name: name(fields)?,
            description: fields.text("description")?.unwrap_or_default(),
            default_priority: fields.integer("defaultPriority")?,
            sort_key: fields.text("sortkey")?.filter(|key| !key.is_empty()),
        })
    }

    fn set(self, application: &mut Application) {
        application.name = self.name;
        application.description = self.description;
        application.default_priority = self.default_priority.unwrap_or(0);
        if let Some(sort_key) = self.sort_key {
            application.sort_key = sort_key;
        }
    }
}

/// The name that a request gives to something.
pub(super) fn name(fields: &Fields) -> Result<String, Problem> {
    let name = fields.required("name")?;
    match name.len() > MAX_NAME {
        true => Err(Problem::bad(format!(
            "Field 'name' has more than {MAX_NAME} bytes"
        ))),
        false => Ok(name),
    }
}

pub(super) fn create_application(
    directory: &Directory,
    user: u64,
    said: ApplicationFields,
    random: [u8; TOKEN],
) -> Result<Edit, Problem> {
    if directory.applications.len() >= MAX_HOLDERS {
        return Err(Problem::full("there are too many applications"));
    }
    let id = directory.ids.application + 1;
    let mut application = Application::new(id, user, token('A', random), String::new());
    said.set(&mut application);
    let ids = Ids {
        application: id,
        ..directory.ids
    };
    let response = answer(&application.json());
    Ok(Edit::new(
        vec![Entry::Ids(ids), Entry::Application(application)],
        response,
    ))
}

// req: gotify-manage-02
fn application(directory: &Directory, user: u64, id: u64) -> Result<Application, Problem> {
    let found = directory.application(user, id).cloned();
    found.ok_or_else(|| Problem::not_found("app", id))
}

pub(super) fn update_application(
    directory: &Directory,
    user: u64,
    id: u64,
    said: ApplicationFields,
) -> Result<Edit, Problem> {
    let mut application = application(directory, user, id)?;
    said.set(&mut application);
    let response = answer(&application.json());
    Ok(Edit::new(vec![Entry::Application(application)], response))
}

// req: gotify-manage-03
pub(super) fn delete_application(
    directory: &Directory,
    user: u64,
    id: u64,
) -> Result<Edit, Problem> {
    let application = application(directory, user, id)?;
    let mut entries = vec![Entry::NoApplication(id)];
    entries.extend(application.image.map(Entry::NoImage));
    Ok(Edit {
        forget: Forget::All(topic(user, id).to_pattern()),
        ..Edit::new(entries, nothing())
    })
}

/// Gives an application an image, or takes it away.
// req: gotify-images-01
pub(super) fn set_image(
    directory: &Directory,
    user: u64,
    id: u64,
    image: Option<(String, Arc<[u8]>)>,
) -> Result<Edit, Problem> {
    let mut application = application(directory, user, id)?;
    let mut entries: Vec<_> = application
        .image
        .take()
        .map(Entry::NoImage)
        .into_iter()
        .collect();
    if let Some((name, bytes)) = image {
        let held: usize = directory.images.values().map(|image| image.len()).sum();
        if held + bytes.len() > MAX_IMAGES {
            return Err(Problem::full("there are too many images"));
        }
        application.image = Some(name.clone());
        entries.push(Entry::Image(name, bytes));
    }
    let response = answer(&application.json());
    entries.push(Entry::Application(application));
    Ok(Edit::new(entries, response))
}

pub(super) fn create_client(
    directory: &Directory,
    user: u64,
    name: String,
    random: [u8; TOKEN],
) -> Result<Edit, Problem> {
    if directory.clients.len() >= MAX_HOLDERS {
        return Err(Problem::full("there are too many clients"));
    }
    let id = directory.ids.client + 1;
    let client = Client {
        id,
        user,
        token: token('C', random),
        name,
        last_used: None,
    };
    let ids = Ids {
        client: id,
        ..directory.ids
    };
    let response = answer(&client.json());
    Ok(Edit::new(
        vec![Entry::Ids(ids), Entry::Client(client)],
        response,
    ))
}

fn client(directory: &Directory, user: u64, id: u64) -> Result<Client, Problem> {
    let found = directory.client(user, id).cloned();
    found.ok_or_else(|| Problem::not_found("client", id))
}

pub(super) fn update_client(
    directory: &Directory,
    user: u64,
    id: u64,
    name: String,
) -> Result<Edit, Problem> {
    let mut client = client(directory, user, id)?;
    client.name = name;
    let response = answer(&client.json());
    Ok(Edit::new(vec![Entry::Client(client)], response))
}

// req: gotify-stream-07
pub(super) fn delete_client(directory: &Directory, user: u64, id: u64) -> Result<Edit, Problem> {
    client(directory, user, id)?;
    Ok(Edit {
        ended: vec![Ended::Client(id)],
        ..Edit::new(vec![Entry::NoClient(id)], nothing())
    })
}

pub(super) fn create_user(
    directory: &Directory,
    name: String,
    admin: bool,
    hash: String,
) -> Result<Edit, Problem> {
    if directory.named(&name).is_some() {
        return Err(Problem::bad("username already exists"));
    }
    if directory.users.len() >= MAX_USERS {
        return Err(Problem::full("there are too many users"));
    }
    let id = directory.ids.user + 1;
    let user = User {
        id,
        name,
        admin,
        hash,
    };
    let ids = Ids {
        user: id,
        ..directory.ids
    };
    let response = answer(&user.json());
    Ok(Edit::new(
        vec![Entry::Ids(ids), Entry::User(user)],
        response,
    ))
}

fn user(directory: &Directory, id: u64) -> Result<User, Problem> {
    let found = directory.users.get(&id).cloned();
    found.ok_or_else(|| Problem::not_found("user", id))
}

/// Whether the server would have no administrator without this user.
fn is_last_admin(directory: &Directory, user: &User) -> bool {
    let admins = directory.users.values().filter(|user| user.admin).count();
    user.admin && admins == 1
}

// req: gotify-manage-04
pub(super) fn update_user(
    directory: &Directory,
    id: u64,
    name: String,
    admin: bool,
    hash: Option<String>,
) -> Result<Edit, Problem> {
    let mut user = user(directory, id)?;
    if !admin && is_last_admin(directory, &user) {
        return Err(Problem::bad("cannot delete last admin"));
    }
    if directory.named(&name).is_some_and(|other| other.id != id) {
        return Err(Problem::bad("username already exists"));
    }
    (user.name, user.admin) = (name, admin);
    user.hash = hash.unwrap_or(user.hash);
    let response = answer(&user.json());
    Ok(Edit::new(vec![Entry::User(user)], response))
}

pub(super) fn set_password(directory: &Directory, id: u64, hash: String) -> Result<Edit, Problem> {
    let mut user = user(directory, id)?;
    user.hash = hash;
    Ok(Edit::new(vec![Entry::User(user)], nothing()))
}

// req: gotify-manage-04
pub(super) fn delete_user(directory: &Directory, id: u64) -> Result<Edit, Problem> {
    let user = user(directory, id)?;
    if is_last_admin(directory, &user) {
        return Err(Problem::bad("cannot delete last admin"));
    }
    let mut entries = vec![Entry::NoUser(id)];
    for application in directory.applications.values().filter(|it| it.user == id) {
        entries.push(Entry::NoApplication(application.id));
        entries.extend(application.image.clone().map(Entry::NoImage));
    }
    let clients = directory.clients.values().filter(|it| it.user == id);
    entries.extend(clients.map(|client| Entry::NoClient(client.id)));
    Ok(Edit {
        forget: Forget::All(topics(id)),
        ended: vec![Ended::User(id)],
        ..Edit::new(entries, nothing())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::gotify::fields::Said;

    /// Two users, of whom the first is an administrator, with an application each.
    fn directory() -> Directory {
        let mut directory = Directory::default();
        for (name, admin) in [("admin", true), ("bob", false)] {
            let edit = create_user(&directory, name.into(), admin, "h".into()).unwrap();
            directory.apply(edit.entries);
        }
        for user in 1..=2 {
            let edit = create_application(&directory, user, said("app"), [user as u8; TOKEN]);
            directory.apply(edit.unwrap().entries);
        }
        directory
    }

    fn said(name: &str) -> ApplicationFields {
        let body = format!(r#"{{"name":"{name}"}}"#);
        let said = Said {
            content_type: "application/json",
            query: None,
            body: body.as_bytes(),
        };
        ApplicationFields::read(&Fields::read(&said).unwrap()).unwrap()
    }

    fn status(edit: Result<Edit, Problem>) -> u16 {
        edit.map_or_else(
            |problem| problem.status.code(),
            |edit| edit.response.status.code(),
        )
    }

    #[test]
    // req: gotify-manage-02
    fn what_is_anothers_is_not_found() {
        let directory = directory();
        assert_eq!(status(update_application(&directory, 1, 1, said("x"))), 200);
        assert_eq!(status(update_application(&directory, 1, 2, said("x"))), 404);
        assert_eq!(status(delete_application(&directory, 2, 1)), 404);
        assert_eq!(status(set_image(&directory, 2, 1, None)), 404);
        assert_eq!(status(delete_client(&directory, 1, 1)), 404);
    }

    #[test]
    // req: gotify-manage-01
    fn ids_are_given_once() {
        let mut directory = directory();
        let edit = delete_application(&directory, 2, 2).unwrap();
        assert!(matches!(&edit.forget, Forget::All(it) if it.as_str() == "$gotify.2.2"));
        directory.apply(edit.entries);
        let edit = create_application(&directory, 2, said("x"), [9; TOKEN]).unwrap();
        directory.apply(edit.entries);
        assert_eq!(
            directory.applications.keys().copied().collect::<Vec<_>>(),
            [1, 3]
        );
    }

    #[test]
    // req: gotify-manage-04
    fn there_is_always_an_administrator() {
        let mut directory = directory();
        assert_eq!(status(delete_user(&directory, 1)), 400);
        assert_eq!(
            status(update_user(&directory, 1, "admin".into(), false, None)),
            400
        );
        let edit = update_user(&directory, 2, "bob".into(), true, None).unwrap();
        directory.apply(edit.entries);
        let edit = delete_user(&directory, 1).unwrap();
        assert_eq!(edit.ended, [Ended::User(1)]);
        directory.apply(edit.entries);
        assert_eq!(
            (directory.users.len(), directory.applications.len()),
            (1, 1)
        );
        assert_eq!(
            status(create_user(&directory, "bob".into(), false, "h".into())),
            400
        );
        assert_eq!(status(delete_user(&directory, 9)), 404);
    }

    #[test]
    // req: gotify-images-01
    fn a_new_image_takes_the_place_of_the_old_one() {
        let mut directory = directory();
        let image = |name: &str, bytes| Some((name.to_owned(), vec![0; bytes].into()));
        for name in ["a", "b"] {
            let edit = set_image(&directory, 1, 1, image(name, 10)).unwrap();
            directory.apply(edit.entries);
        }
        assert_eq!(directory.images.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(
            status(set_image(&directory, 2, 2, image("c", MAX_IMAGES))),
            507
        );
        directory.apply(set_image(&directory, 1, 1, None).unwrap().entries);
        assert!(directory.images.is_empty());
        assert_eq!(directory.applications[&1].image, None);
    }
}

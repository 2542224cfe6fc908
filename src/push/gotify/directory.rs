//! Users, their applications and clients, as the store keeps them.
//!
//! ```text
//!   gotify/user/1         {"id":1,"name":"admin",…}      gotify/image/…   the bytes of a file
//!   gotify/application/3  {"id":3,"user":1,…}            gotify/ids       the last ids
//! ```
//!
//! Pure: no clock, no lock, no randomness. Input: values of the store, changes that it has made.
//! Output: what they say. Invariants: an application or client belongs to a user that exists; a
//! token belongs to one of them; an id is given once. What may be changed is left to `edits`.

use crate::push::auth::Digest;
use crate::push::store::Change;
use crate::push::time::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What the keys of the store begin with.
const PREFIX: &str = "gotify/";

/// A user: a person, with a name and a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) admin: bool,
    /// The hash of the password.
    pub(super) hash: String,
}

/// Something that publishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Application {
    pub(super) id: u64,
    pub(super) user: u64,
    pub(super) token: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) image: Option<String>,
    pub(super) default_priority: i64,
    pub(super) sort_key: String,
    /// A Unix time in milliseconds.
    pub(super) last_used: Option<u64>,
}

/// Something that reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) user: u64,
    pub(super) token: String,
    pub(super) name: String,
    /// A Unix time in milliseconds.
    pub(super) last_used: Option<u64>,
}

/// The last ids that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ids {
    pub(super) user: u64,
    pub(super) application: u64,
    pub(super) client: u64,
}

/// A value of the store: with its new content, or to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Ids(Ids),
    User(User),
    Application(Application),
    Client(Client),
    Image(String, Arc<[u8]>),
    NoUser(u64),
    NoApplication(u64),
    NoClient(u64),
    NoImage(String),
}

/// Who has a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Application(u64),
    Client(u64),
}

/// Everything that the dialect keeps.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) ids: Ids,
    pub(super) users: BTreeMap<u64, User>,
    pub(super) applications: BTreeMap<u64, Application>,
    pub(super) clients: BTreeMap<u64, Client>,
    pub(super) images: BTreeMap<String, Arc<[u8]>>,
    /// By digest, so that the time of a look-up says nothing about a token.
    tokens: HashMap<Digest, Holder>,
}

impl User {
    /// As clients see it.
    pub(super) fn json(&self) -> Value {
        json!({"id": self.id, "name": self.name, "admin": self.admin})
    }
}

impl Application {
    pub(super) fn new(id: u64, user: u64, token: String, name: String) -> Self {
        Self {
            id,
            user,
            token,
            name,
            description: String::new(),
            image: None,
            default_priority: 0,
            sort_key: format!("a{id:07}"),
            last_used: None,
        }
    }

    /// As clients see it.
    // req: gotify-tokens-02
    pub(super) fn json(&self) -> Value {
        let image = match &self.image {
            Some(name) => format!("image/{name}"),
            None => "static/defaultapp.png".to_owned(),
        };
        json!({
            "id": self.id,
            "token": self.token,
            "name": self.name,
            "description": self.description,
            "internal": false,
            "image": image,
            "defaultPriority": self.default_priority,
            "sortKey": self.sort_key,
            "lastUsed": self.last_used.map(rfc3339),
        })
    }
}

impl Client {
    /// As clients see it.
    // req: gotify-tokens-02
    pub(super) fn json(&self) -> Value {
        let last_used = self.last_used.map(rfc3339);
        json!({"id": self.id, "token": self.token, "name": self.name, "lastUsed": last_used})
    }
}

impl Entry {
    /// What the store is to do.
    pub(super) fn change(&self) -> Change {
        let put = |key: String, value: Vec<u8>| Change::Put(format!("{PREFIX}{key}"), value);
        let delete = |key: String| Change::Delete(format!("{PREFIX}{key}"));
        match self {
            Self::Ids(ids) => put("ids".to_owned(), written(ids)),
            Self::User(it) => put(format!("user/{}", it.id), written(it)),
            Self::Application(it) => put(format!("application/{}", it.id), written(it)),
            Self::Client(it) => put(format!("client/{}", it.id), written(it)),
            Self::Image(name, bytes) => put(format!("image/{name}"), bytes.to_vec()),
            Self::NoUser(id) => delete(format!("user/{id}")),
            Self::NoApplication(id) => delete(format!("application/{id}")),
            Self::NoClient(id) => delete(format!("client/{id}")),
            Self::NoImage(name) => delete(format!("image/{name}")),
        }
    }

    /// The reverse; `None` for what is another's, or malformed.
    fn read(key: &str, value: &[u8]) -> Option<Self> {
        let (kind, id) = match key.strip_prefix(PREFIX)? {
            "ids" => return Some(Self::Ids(serde_json::from_slice(value).ok()?)),
            rest => rest.split_once('/')?,
        };
        Some(match kind {
            "user" => Self::User(serde_json::from_slice(value).ok()?),
            "application" => Self::Application(serde_json::from_slice(value).ok()?),
            "client" => Self::Client(serde_json::from_slice(value).ok()?),
            "image" => Self::Image(id.to_owned(), value.into()),
            _ => return None,
        })
    }
}

fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain values can be written")
}

impl Directory {
    /// Of the values of a store, of which those of others are skipped. `None`: one cannot be read.
    // req: gotify-state-01
    pub(super) fn load(values: &[(String, Vec<u8>)]) -> Option<Self> {
        let mut directory = Self::default();
        for (key, value) in values.iter().filter(|(key, _)| key.starts_with(PREFIX)) {
            directory.apply([Entry::read(key, value)?]);
        }
        Some(directory)
    }

    /// The store has made these changes.
    pub(super) fn apply(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            match entry {
                Entry::Ids(ids) => self.ids = ids,
                Entry::User(user) => drop(self.users.insert(user.id, user)),
                Entry::Application(it) => {
                    let digest = Digest::of(it.token.as_bytes());
                    self.tokens.insert(digest, Holder::Application(it.id));
                    self.applications.insert(it.id, it);
                }
                Entry::Client(it) => {
                    let digest = Digest::of(it.token.as_bytes());
                    self.tokens.insert(digest, Holder::Client(it.id));
                    self.clients.insert(it.id, it);
                }
                Entry::Image(name, bytes) => drop(self.images.insert(name, bytes)),
                Entry::NoUser(id) => drop(self.users.remove(&id)),
                Entry::NoApplication(id) => {
                    let gone = self.applications.remove(&id);
                    self.no_token(gone.map(|it| it.token));
                }
                Entry::NoClient(id) => {
                    let gone = self.clients.remove(&id);
                    self.no_token(gone.map(|it| it.token));
                }
                Entry::NoImage(name) => drop(self.images.remove(&name)),
            }
        }
    }

    fn no_token(&mut self, token: Option<String>) {
        if let Some(token) = token {
            self.tokens.remove(&Digest::of(token.as_bytes()));
        }
    }

    /// Who has a token.
    pub(super) fn holder(&self, token: &str) -> Option<Holder> {
        self.tokens.get(&Digest::of(token.as_bytes())).copied()
    }

    /// The user of a name.
    pub(super) fn named(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.name == name)
    }

    /// The application, if it is this user's.
    pub(super) fn application(&self, user: u64, id: u64) -> Option<&Application> {
        self.applications.get(&id).filter(|it| it.user == user)
    }

    /// The client, if it is this user's.
    pub(super) fn client(&self, user: u64, id: u64) -> Option<&Client> {
        self.clients.get(&id).filter(|it| it.user == user)
    }

    /// A token is in use. That is kept when its holder is changed next.
    pub(super) fn touch(&mut self, holder: Holder, now: u64) {
        let last_used = match holder {
            Holder::Application(id) => self.applications.get_mut(&id).map(|it| &mut it.last_used),
            Holder::Client(id) => self.clients.get_mut(&id).map(|it| &mut it.last_used),
        };
        if let Some(last_used) = last_used {
            *last_used = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let user = User {
            id: 1,
            name: "admin".into(),
            admin: true,
            hash: "h".into(),
        };
        let client = Client {
            id: 2,
            user: 1,
            token: "Cx".into(),
            name: "phone".into(),
            last_used: Some(5),
        };
        vec![
            Entry::Ids(Ids {
                user: 1,
                application: 3,
                client: 2,
            }),
            Entry::User(user),
            Entry::Application(Application::new(3, 1, "Ax".into(), "backup".into())),
            Entry::Client(client),
            Entry::Image("a.png".into(), vec![1, 255].into()),
        ]
    }

    #[test]
    // req: gotify-state-01
    fn what_is_written_is_read() {
        let mut made = Directory::default();
        made.apply(entries());
        let changes = entries().into_iter().map(|entry| entry.change());
        let mut values: Vec<_> = changes
            .map(|change| match change {
                Change::Put(key, value) => (key, value),
                other => panic!("{other:?}"),
            })
            .collect();
        values.push(("another/key".into(), b"x".to_vec()));
        let read = Directory::load(&values).unwrap();
        assert_eq!(format!("{read:?}").len(), format!("{made:?}").len());
        assert_eq!((read.ids, &read.users), (made.ids, &made.users));
        assert_eq!(
            (&read.applications, &read.clients),
            (&made.applications, &made.clients)
        );
        assert_eq!(read.images, made.images);
        assert_eq!(read.holder("Cx"), Some(Holder::Client(2)));
        values.push(("gotify/user/9".into(), b"x".to_vec()));
        assert!(Directory::load(&values).is_none());
    }

    #[test]
    fn a_token_goes_with_its_holder() {
        let mut directory = Directory::default();
        directory.apply(entries());
        assert_eq!(directory.holder("Ax"), Some(Holder::Application(3)));
        assert!(directory.application(2, 3).is_none(), "another's");
        directory.apply([Entry::NoApplication(3), Entry::NoClient(2)]);
        assert_eq!(
            (directory.holder("Ax"), directory.holder("Cx")),
            (None, None)
        );
    }
}

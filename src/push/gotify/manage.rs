//! Applications, clients and users: what their owners and administrators do with them.
//!
//! Input: calls of callers that may make them. Output: lists at once, changes as plans. Invariant:
//! a request is understood before a plan is made; whether it can be done is left to `edits`.

use crate::http::{Response, Status};
use crate::push::gotify::call::Call;
use crate::push::gotify::caller::Caller;
use crate::push::gotify::credentials::{random, text};
use crate::push::gotify::dialect::{Asking, Dialect, Done, list};
use crate::push::gotify::directory::{Application, Client, Directory, User};
use crate::push::gotify::edits::{self, ApplicationFields, Edit, MAX_IMAGE, answer};
use crate::push::gotify::fields::{Fields, Said};
use crate::push::gotify::image::extension;
use crate::push::gotify::multipart::{boundary, parts};
use crate::push::gotify::passwords::MAX_PASSWORD;
use crate::push::gotify::problem::Problem;
use crate::push::gotify::state::{Plan, to};
use std::sync::Arc;

/// Characters of the name of an image: 96 random bits.
const IMAGE_NAME: usize = 16;

impl Dialect {
    // req: gotify-manage-01
    pub(super) fn manage(
        &mut self,
        call: Call,
        caller: &Caller,
        asking: &Asking<'_>,
    ) -> Result<Done, Problem> {
        let user = caller.user;
        let fields = || Fields::read(&asking.said);
        let plan: Plan = match call {
            Call::CreateApplication => {
                let said = ApplicationFields::read(&fields()?)?;
                Box::new(move |it| edits::create_application(it, user, said, random()))
            }
            Call::UpdateApplication(id) => {
                let said = ApplicationFields::read(&fields()?)?;
                Box::new(move |it| edits::update_application(it, user, id, said))
            }
            Call::DeleteApplication(id) => {
                Box::new(move |it| edits::delete_application(it, user, id))
            }
            Call::SetImage(id) => {
                self.own(caller, id)?;
                let image = image(&asking.said)?;
                Box::new(move |it| edits::set_image(it, user, id, Some(image)))
            }
            Call::DeleteImage(id) => Box::new(move |it| edits::set_image(it, user, id, None)),
            Call::CreateClient => {
                let name = edits::name(&fields()?)?;
                Box::new(move |it| edits::create_client(it, user, name, random()))
            }
            Call::UpdateClient(id) => {
                let name = edits::name(&fields()?)?;
                Box::new(move |it| edits::update_client(it, user, id, name))
            }
            Call::DeleteClient(id) => Box::new(move |it| edits::delete_client(it, user, id)),
            Call::DeleteUser(id) => Box::new(move |it| edits::delete_user(it, id)),
            call => return self.with_password(call, user, asking),
        };
        self.gotify.edit(plan, to(asking.peer, asking.tag))?;
        Ok(Done::Edit)
    }

    /// What may need a new hash.
    fn with_password(&self, call: Call, user: u64, asking: &Asking<'_>) -> Result<Done, Problem> {
        let fields = || Fields::read(&asking.said);
        match call {
            Call::SetPassword => {
                let password = password(&fields()?)?;
                let plan = move |it: &Directory, hash| edits::set_password(it, user, hash);
                self.hash(password, plan, asking)
            }
            Call::CreateUser => {
                let fields = fields()?;
                let (name, admin) = (edits::name(&fields)?, fields.boolean("admin")?);
                let plan = move |it: &Directory, hash| edits::create_user(it, name, admin, hash);
                self.hash(password(&fields)?, plan, asking)
            }
            Call::UpdateUser(id) => {
                let fields = fields()?;
                let (name, admin) = (edits::name(&fields)?, fields.boolean("admin")?);
                if fields.text("pass")?.is_none_or(|pass| pass.is_empty()) {
                    let plan =
                        Box::new(move |it: &_| edits::update_user(it, id, name, admin, None));
                    self.gotify.edit(plan, to(asking.peer, asking.tag))?;
                    return Ok(Done::Edit);
                }
                let plan =
                    move |it: &Directory, hash| edits::update_user(it, id, name, admin, Some(hash));
                self.hash(password(&fields)?, plan, asking)
            }
            call => self.look(&call, user).map(Done::Now),
        }
    }

    /// Plans a change once a password has been hashed.
    fn hash(
        &self,
        password: String,
        plan: impl FnOnce(&Directory, String) -> Result<Edit, Problem> + Send + 'static,
        asking: &Asking<'_>,
    ) -> Result<Done, Problem> {
        let (gotify, to) = (self.gotify.clone(), to(asking.peer, asking.tag));
        let done = move |hash| {
            gotify.edit_or_tell(Box::new(move |directory: &_| plan(directory, hash)), to);
        };
        let started = self.gotify.passwords().hash(password, done);
        started.map_err(|_| Problem::busy("too many passwords are being checked"))?;
        Ok(Done::Edit)
    }

    /// Lists and single users.
    // req: gotify-manage-05
    fn look(&self, call: &Call, user: u64) -> Result<Response, Problem> {
        self.gotify.read(|directory| match call {
            Call::Applications => {
                let mut all: Vec<_> = directory.applications.values().collect();
                all.retain(|it| it.user == user);
                all.sort_by(|one, other| (&one.sort_key, one.id).cmp(&(&other.sort_key, other.id)));
                Ok(list(all.into_iter().map(Application::json).collect()))
            }
            Call::Clients => {
                let own = directory.clients.values().filter(|it| it.user == user);
                Ok(list(own.map(Client::json).collect()))
            }
            Call::Users => Ok(list(directory.users.values().map(User::json).collect())),
            Call::Plugins => Ok(list(Vec::new())),
            Call::CurrentUser => one_user(directory, user),
            Call::User(id) => one_user(directory, *id),
            _ => Err(Problem::no_page()),
        })
    }
}

fn one_user(directory: &Directory, id: u64) -> Result<Response, Problem> {
    let user = directory.users.get(&id);
    let user = user.ok_or_else(|| Problem::not_found("user", id))?;
    Ok(answer(&user.json()))
}

fn password(fields: &Fields) -> Result<String, Problem> {
    let password = fields.required("pass")?;
    match password.len() > MAX_PASSWORD {
        true => Err(Problem::bad(format!(
            "Field 'pass' has more than {MAX_PASSWORD} bytes"
        ))),
        false => Ok(password),
    }
}

/// The image that a form has, and a new name for it.
// req: gotify-images-01
fn image(said: &Said<'_>) -> Result<(String, Arc<[u8]>), Problem> {
    let parts = boundary(said.content_type).and_then(|it| parts(it, said.body));
    let parts = parts.ok_or_else(|| Problem::bad("send the image as multipart/form-data"))?;
    let file = parts.iter().find(|part| part.name == "file");
    let file = file.ok_or_else(|| Problem::bad("file with key 'file' must be present"))?;
    if file.content.len() > MAX_IMAGE {
        let text = format!("send an image of at most {MAX_IMAGE} bytes");
        return Err(Problem::new(Status::CONTENT_TOO_LARGE, text));
    }
    let extension = extension(file.content);
    let extension =
        extension.ok_or_else(|| Problem::bad("file must be an image: png, jpg or gif"))?;
    let name = format!("{}.{extension}", text(random::<IMAGE_NAME>()));
    Ok((name, file.content.into()))
}

//! Who asks, judged by the head of a request.
//!
//! Input: a head, the directory. Output: what is asked for and by whom, or the denial. Invariants:
//! a valid password wins over a token; a foreign one, such as that of a proxy, is ignored beside
//! a valid token; what is refused costs no body.

use crate::http::{RequestHead, Response};
use crate::net::Context;
use crate::push::answers::{UNREAD_BODY, at_most, is_encoded, unsupported};
use crate::push::denial::Denial;
use crate::push::gotify::call::{Call, Needs};
use crate::push::gotify::caller::{Asked, Caller, Who};
use crate::push::gotify::credentials::{Basic, basic_of, token_of};
use crate::push::gotify::dialect::Dialect;
use crate::push::gotify::directory::{Directory, Holder};
use crate::push::gotify::edits::MAX_IMAGE;
use crate::push::gotify::passwords::MAX_PASSWORD;
use crate::push::gotify::problem::{Problem, restate};

/// Bytes of a form with an image, apart from the image.
const FORM: usize = 64 * 1024;

impl Dialect {
    /// Lets a request in.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(in crate::push) fn gate(&self, head: &RequestHead<'_>) -> Result<Asked, Denial> {
        let call = Call::of(head.method, head.path())?;
        if takes_body(head) && is_encoded(head) {
            return Err(restate(unsupported()).into());
        }
        let who = match call.needs() {
            Needs::Nothing => Who::Public,
            _ => self.who(head, &call)?,
        };
        Ok(Asked { call, who })
    }

    // req: gotify-auth-02
    fn who(&self, head: &RequestHead<'_>, call: &Call) -> Result<Who, Denial> {
        let (basic, token) = (basic_of(head), token_of(head));
        let now = self.broker.now();
        let by_token = token.as_ref().map(|token| {
            self.gotify
                .read(|directory| by_token(directory, token, call, now))
        });
        // A password would not allow more.
        if let Some(Some(Ok(Who::Application(_)))) = &by_token {
            return Ok(by_token.flatten().expect("there is one")?);
        }
        let by_token = match by_token {
            Some(None) => Some(Err(Denial::of_guess("token", Problem::unauthorized()))),
            Some(Some(result)) => Some(result.map_err(Denial::from)),
            None => None,
        };
        let Some(basic) = basic else {
            return by_token.unwrap_or_else(|| Err(Problem::unauthorized().into()));
        };
        let known = self.known(&basic);
        match (known, by_token) {
            (Some(Some(caller)), _) => caller.may(call).map_err(Denial::from),
            (Some(None), Some(by_token)) => by_token,
            (Some(None), None) => Err(Denial::of_guess("password", Problem::unauthorized())),
            (None, Some(Ok(who))) => Ok(Who::Unchecked(basic, Some(Box::new(who)))),
            (None, _) => Ok(Who::Unchecked(basic, None)),
        }
    }

    /// What is known of a password without a hash: `Some(None)` that it is wrong, or foreign.
    fn known(&self, basic: &Basic) -> Option<Option<Caller>> {
        if basic.password.len() > MAX_PASSWORD {
            return Some(None);
        }
        self.gotify.read(|directory| {
            let user = directory.named(&basic.name)?;
            let belongs = self.gotify.passwords().known(basic, &user.hash)?;
            Some(Caller::of_user(directory, user.id).filter(|_| belongs))
        })
    }

    /// How long the body may be.
    ///
    /// # Errors
    ///
    /// The response, if the head announces more.
    // req: gotify-bodies-05
    pub(in crate::push) fn body_bytes(
        &self,
        context: &Context<'_>,
        head: &RequestHead<'_>,
        asked: &Asked,
    ) -> Result<usize, Response> {
        match asked.call {
            Call::SetImage(_) => at_most(MAX_IMAGE + FORM, head),
            _ if takes_body(head) => at_most(context.limits().body_bytes, head),
            _ => at_most(UNREAD_BODY, head),
        }
    }
}

fn takes_body(head: &RequestHead<'_>) -> bool {
    matches!(head.method, "POST" | "PUT")
}

/// Whose a token is, and whether that is enough; `None` for an unknown one.
// req: gotify-stream-05
fn by_token(
    directory: &mut Directory,
    token: &str,
    call: &Call,
    now: u64,
) -> Option<Result<Who, Problem>> {
    let holder = directory.holder(token)?;
    let is_application = matches!(holder, Holder::Application(_));
    if is_application != (call.needs() == Needs::Application) {
        return Some(Err(Problem::unauthorized()));
    }
    directory.touch(holder, now);
    Some(match holder {
        Holder::Application(id) => {
            let application = directory.applications.get(&id)?.clone();
            Ok(Who::Application(Box::new(application)))
        }
        Holder::Client(id) => {
            let user = directory.clients.get(&id)?.user;
            let caller = Caller::of_user(directory, user)?;
            let client = Some(id);
            Caller { client, ..caller }.may(call)
        }
    })
}

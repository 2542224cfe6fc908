//! What those who operate a server ask it: is it alive, may it get requests, what does it count.
//!
//! | path | what |
//! |---|---|
//! | `/healthz` | 200 if every worker has turned within the last three seconds |
//! | `/readyz` | 200 if it takes requests, and the log takes publications |
//! | `/metrics` | counters for Prometheus, for those who may read `$stats` |
//!
//! Input: the reports of the workers. Output: a response. Invariant: none of them waits, and none
//! needs another worker, so a stuck one is reported by the others.

use crate::http::{MediaType, Status};
use crate::net::{Context, Response};
use crate::push::answers::{retry_after, unavailable};
use crate::push::metrics::{TEXT, render};
use crate::push::service::PushService;
use crate::push::unavailable::Unavailable;

impl PushService {
    /// Answers `/healthz`.
    pub(super) fn health(&self, context: &Context<'_>) -> Response {
        match self.shared.board.stuck(context.worker()) {
            None => Response::text(Status::OK, "ok"),
            Some((worker, ms)) => {
                let text = format!("worker {worker} has been stuck for {} s", ms / 1000);
                Response::text(Status::SERVICE_UNAVAILABLE, text).field(retry_after(1))
            }
        }
    }

    /// Answers `/readyz`.
    pub(super) fn ready(&self, context: &Context<'_>) -> Response {
        if self.is_stopping(context) {
            return unavailable(Unavailable::Stopped, context.limits());
        }
        match self.shared.broker.ready() {
            Ok(()) => self.health(context),
            Err(error) => {
                let text = error.to_string();
                Response::text(Status::SERVICE_UNAVAILABLE, text).field(retry_after(1))
            }
        }
    }

    /// Answers `/metrics`.
    pub(super) fn metrics(&self, context: &Context<'_>) -> Response {
        let receipts = self.native.receipt_totals();
        self.shared.board.tell(context, receipts, None);
        let stopping = self.is_stopping(context);
        let text = render(&self.shared, self.memory(context), stopping);
        let media_type = MediaType::new(TEXT).expect("a value");
        Response::content(Status::OK, media_type, text.into_bytes())
    }
}

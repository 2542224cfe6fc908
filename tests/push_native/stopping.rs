//! Requests that may be sent again later.

use super::{Native, parsed};
use wirebell::push::{HubLimits, Limits, Settings};

#[test]
// req: push-errors-02 push-errors-12 push-bounds-06
fn a_refusal_says_when_to_come_back() {
    let limits = Limits::default().hub(HubLimits::default().topics(1).topic_share(1));
    let native = Native::with(Settings::default().limits(limits));
    let _raw = native.raw("/topics/a");
    let full = native.get("/topics/b?poll=1s", "");
    native.shared.stop();
    let stopped = native.post("/topics/a", "", "x");
    for answer in [full, stopped] {
        assert_eq!(answer.status, 503, "{answer:?}");
        let seconds = answer.field("retry-after").and_then(|it| it.parse().ok());
        assert!(seconds.is_some_and(|it: u64| it > 0), "{answer:?}");
        assert_eq!(parsed(&answer.body)["error"], "unavailable");
    }
}

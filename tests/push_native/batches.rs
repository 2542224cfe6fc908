//! `POST /topics`: many messages.

use super::{Native, parsed};
use serde_json::{Value, json};
use wirebell::push::{Limits, Settings};

#[track_caller]
fn batch(native: &Native, body: &str) -> Vec<Value> {
    let answer = native.post("/topics", "Content-Type: application/x-ndjson\r\n", body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.field("content-type"), Some("application/x-ndjson"));
    answer.body.lines().map(parsed).collect()
}

#[test]
// req: push-order-01 push-batch-01 push-batch-02 push-batch-03 push-batch-05 push-batch-06
fn each_line_and_topic_has_a_result_in_order() {
    let native = Native::start();
    let mut lines = native.lines("/topics/**");
    lines.json();
    let answers = batch(
        &native,
        "{\"topic\":\"a\",\"data\":\"1\"}\n\n{\"topic\":\"a\"}\nnothing\n\
         {\"topic\":[\"b\",\"$c\",\"a\"],\"base64\":\"/w==\",\"ttl\":60}\n",
    );
    assert_eq!(
        answers[0],
        json!({"topic": "a", "id": native.id(1), "subscribers": 1})
    );
    assert_eq!(
        (&answers[1]["line"], &answers[1]["error"]),
        (&json!(3), &json!("malformed"))
    );
    assert_eq!(
        (&answers[2]["line"], &answers[2]["error"]),
        (&json!(4), &json!("malformed"))
    );
    assert_eq!(
        answers[3],
        json!({"topic": "b", "id": native.id(2), "subscribers": 1})
    );
    assert_eq!(
        (&answers[4]["line"], &answers[4]["error"]),
        (&json!(5), &json!("forbidden"))
    );
    assert_eq!(
        answers[5],
        json!({"topic": "a", "id": native.id(3), "subscribers": 1})
    );
    assert_eq!(answers.len(), 6);
    let got: Vec<_> = (0..3).map(|_| lines.json()["id"].clone()).collect();
    assert_eq!(got, [native.id(1), native.id(2), native.id(3)]);
}

#[test]
// req: push-batch-04
fn keys_hold_in_batches_too() {
    let native = Native::start();
    let line = "{\"topic\":\"a\",\"data\":\"x\",\"key\":\"k\"}\n";
    let first = batch(&native, line);
    let again = batch(&native, &line.repeat(2));
    assert_eq!(first[0]["id"], native.id(1));
    for answer in again {
        assert_eq!(
            (&answer["id"], &answer["replayed"]),
            (&json!(native.id(1)), &json!(true))
        );
    }
    let other = batch(&native, &line.replace("\"x\"", "\"y\""));
    assert_eq!(other[0]["error"], "key_reused");
    let alone = native.post("/topics/a", "Idempotency-Key: k\r\n", "x");
    assert_eq!(alone.field("idempotency-replayed"), Some("true"));
    assert_eq!(native.post("/topics", "TTL: 1\r\n", line).status, 400);
}

#[test]
// req: push-bounds-08
fn a_batch_is_bounded() {
    let native = Native::with(Settings::default().limits(Limits::default().batch_lines(3)));
    let line = "{\"topic\":\"a\",\"data\":\"x\"}\n";
    let answer = native.post("/topics", "", line.repeat(4));
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(
        batch(&native, &line.repeat(3)).len(),
        3,
        "nothing was published before"
    );
    assert_eq!(native.id(3), native.shared.broker().head().to_string());
    assert_eq!(batch(&native, ""), Vec::<Value>::new());
}

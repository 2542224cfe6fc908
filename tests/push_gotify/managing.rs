//! Applications, clients, users, images.

use super::{JSON, World, basic, key, parsed, status};
use serde_json::json;

const PNG: &[u8] = b"\x89PNG\r\n\x1A\n and more";

fn form(file: &[u8]) -> Vec<u8> {
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../x.html\"\r\n\
                Content-Type: text/html\r\n\r\n";
    [head.as_bytes(), file, b"\r\n--b--\r\n"].concat()
}

#[test]
// req: gotify-manage-01 gotify-manage-03 gotify-manage-05 gotify-tokens-01 gotify-tokens-02
fn applications_and_clients_come_and_go() {
    let world = World::start();
    let fields = format!("{JSON}{}", key(&world.client));
    let body = r#"{"name":"disk","description":null,"defaultPriority":7,"sortKey":"Z"}"#;
    let made = parsed(&world.ask("POST", "/application", &fields, body));
    let token = made["token"].as_str().unwrap();
    assert_eq!((token.len(), token.as_bytes()[0]), (15, b'A'));
    let expected = json!({
        "id": 2, "token": token, "name": "disk", "description": "", "internal": false,
        "image": "static/defaultapp.png", "defaultPriority": 7, "sortKey": "Z", "lastUsed": null,
    });
    assert_eq!(made, expected);
    assert_eq!(world.get("/application")[0], expected, "by sort key");
    let clients = world.get("/client");
    assert_eq!(clients[0]["token"], *world.client);
    assert_eq!(clients[0]["lastUsed"], "2026-11-27T23:30:00.000Z");
    let renamed = world.ask("PUT", "/client/1", &fields, r#"{"name":"tablet"}"#);
    assert_eq!(parsed(&renamed)["name"], "tablet");
    assert_eq!(
        status(&world.ask("PUT", "/client/9", &fields, r#"{"name":"x"}"#)),
        404
    );
    assert_eq!(
        status(&world.ask("POST", "/client", &fields, r#"{"name":""}"#)),
        400
    );
    world.delete("/application/1");
    world.delete("/application/2");
    assert_eq!(world.get("/application"), json!([]));
    assert_eq!(world.get("/plugin"), json!([]));
    let gone = world.ask("POST", "/message?message=m", &key(&world.application), "");
    assert_eq!(status(&gone), 401);
}

#[test]
// req: gotify-manage-02 gotify-manage-04 gotify-auth-05
fn users_have_what_is_theirs_and_administrators_manage_users() {
    let world = World::start();
    let fields = format!("{JSON}{}", key(&world.client));
    let body = r#"{"name":"bob","pass":"b","admin":false}"#;
    let bob = world.ask("POST", "/user", &fields, body);
    assert_eq!(
        parsed(&bob),
        json!({"id": 2, "name": "bob", "admin": false})
    );
    assert_eq!(status(&world.ask("POST", "/user", &fields, body)), 400);
    let token = world.token("/client?name=c", &basic("bob", "b"));
    for (method, target, expected) in [
        ("GET", "/user", 403),
        ("DELETE", "/user/1", 403),
        ("GET", "/application/1/message", 404),
        ("DELETE", "/application/1", 404),
        ("DELETE", "/client/1", 404),
        ("GET", "/current/user", 200),
    ] {
        let answer = world.ask(method, target, &key(&token), "");
        assert_eq!(status(&answer), expected, "{method} {target}");
    }
    let mut stream = world
        .turns
        .connect()
        .upgraded(&format!("/stream?token={token}"));
    world.publish("not for bob");
    assert_eq!(
        status(&world.ask("DELETE", "/user/1", &fields, "")),
        400,
        "the last"
    );
    world.delete("/user/2");
    stream.expect_end();
    assert_eq!(status(&world.ask("GET", "/message", &key(&token), "")), 401);
    assert_eq!(world.get("/user").as_array().map(Vec::len), Some(1));
}

#[test]
// req: gotify-passwords-01 gotify-passwords-02
fn a_new_password_takes_the_place_of_the_old_one() {
    let world = World::start();
    let old = basic("admin", &world.password);
    assert_eq!(world.ask("GET", "/current/user", &old, "").status, 200);
    let answer = world.ask(
        "POST",
        "/current/user/password",
        &format!("{JSON}{old}"),
        r#"{"pass":"new"}"#,
    );
    assert_eq!((answer.status, &*answer.body), (200, ""));
    assert_eq!(status(&world.ask("GET", "/current/user", &old, "")), 401);
    let new = basic("admin", "new");
    assert_eq!(status(&world.ask("GET", "/current/user", &new, "")), 200);
    let fields = format!("{JSON}{new}");
    let body = r#"{"name":"root","admin":true}"#;
    assert_eq!(status(&world.ask("POST", "/user/1", &fields, body)), 200);
    assert_eq!(
        status(&world.ask("GET", "/user/1", &basic("root", "new"), "")),
        200
    );
    let empty = world.ask("POST", "/current/user/password", &key(&world.client), "");
    assert_eq!(status(&empty), 400);
}

#[test]
// req: gotify-images-01 gotify-images-02 gotify-paths-01
fn an_image_is_one_and_anybody_may_see_it() {
    let world = World::start();
    let fields = format!(
        "Content-Type: multipart/form-data; boundary=b\r\n{}",
        key(&world.client)
    );
    let set = |file: &[u8]| world.ask("POST", "/application/1/image", &fields, form(file));
    for file in [&b"<html>"[..], b"", b"GIF8"] {
        assert_eq!(status(&set(file)), 400);
    }
    assert_eq!(status(&set(&[PNG, &[0; 5 * 1024 * 1024]].concat())), 413);
    let long = [PNG, &vec![b'x'; 3 * 1024 * 1024]].concat();
    assert_eq!(status(&set(&long)), 200, "longer than other bodies");
    let image = parsed(&set(PNG))["image"].as_str().unwrap().to_owned();
    assert!(
        image.starts_with("image/") && image.ends_with(".png"),
        "{image}"
    );
    for path in [
        format!("/{image}"),
        format!("/{}", image.replace('/', "%2F")),
    ] {
        let answer = world.head("GET", &path);
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (200, Some("image/png"))
        );
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    }
    let reset = world.ask("DELETE", "/application/1/image", &key(&world.client), "");
    assert_eq!(super::parsed(&reset)["image"], "static/defaultapp.png");
    assert_eq!(status(&world.ask("GET", &format!("/{image}"), "", "")), 404);
    let default = world.head("GET", "/static%2Fdefaultapp.png");
    assert_eq!(
        (default.status, default.field("content-type")),
        (200, Some("image/png"))
    );
}

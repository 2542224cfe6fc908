//! Tokens and passwords, and what becomes of those that are wrong.

use super::{JSON, World, ask, basic, key, parsed, status};

#[test]
// req: gotify-auth-01 gotify-auth-05
fn a_token_is_for_what_its_holder_does() {
    let world = World::start();
    let (app, client) = (&world.application, &world.client);
    for (method, target, token, expected) in [
        ("POST", "/message?message=m", app.as_str(), 200),
        ("POST", "/message?message=m", client, 401),
        ("POST", "/message?message=m", "Awrong", 401),
        ("GET", "/message", client, 200),
        ("GET", "/message", app, 401),
        ("GET", "/application", client, 200),
        ("GET", "/user", client, 200),
        ("GET", "/health", "Cwrong", 200),
        ("GET", "/version", "Cwrong", 200),
        ("GET", "/message", "", 401),
    ] {
        let bearer = format!("Authorization: bearer {token}\r\n");
        for fields in [key(token), bearer] {
            let answer = world.ask(method, target, &fields, "");
            assert_eq!(status(&answer), expected, "{method} {target} {fields}");
        }
    }
    assert_eq!(world.head("HEAD", "/health").status, 200);
    let get = world.ask("GET", "/message", &format!("{JSON}{}", key(client)), "");
    assert_eq!(status(&get), 200, "a content type without a body");
    let both = format!("/message?token={client}");
    assert_eq!(status(&world.ask("GET", &both, &key("wrong"), "")), 200);
}

#[test]
// req: gotify-auth-02 gotify-auth-03
fn a_valid_password_wins_and_a_foreign_one_is_ignored() {
    let world = World::start();
    let admin = basic("admin", &world.password);
    let [foreign, wrong] = [basic("proxy", "secret"), basic("admin", "wrong")];
    let (app, client) = (key(&world.application), key(&world.client));
    for (method, target, fields, expected) in [
        ("GET", "/message", admin.clone(), 200),
        ("GET", "/message", format!("{admin}{}", key("wrong")), 200),
        ("GET", "/message", format!("{foreign}{client}"), 200),
        ("GET", "/message", format!("{wrong}{client}"), 200),
        ("GET", "/message", format!("{wrong}{client}"), 200),
        ("POST", "/message?message=m", format!("{foreign}{app}"), 200),
        ("POST", "/message?message=m", admin.clone(), 403),
        ("GET", "/message", foreign.clone(), 401),
        ("GET", "/message", wrong.clone(), 401),
    ] {
        let answer = world.ask(method, target, &fields, "");
        assert_eq!(status(&answer), expected, "{method} {fields}");
    }
    assert_eq!(
        parsed(&world.ask("GET", "/current/user", &admin, ""))["name"],
        "admin"
    );
}

#[test]
// req: gotify-auth-04
fn a_guess_takes_time_and_some_guesses_a_connection() {
    let world = World::start();
    let now = || world.shared.broker().now();
    let mut client = world.turns.connect();
    for n in 1..=6 {
        let before = now();
        let fields = basic("admin", &n.to_string());
        let answer = ask(&mut client, "GET", "/current/user", &fields, "");
        assert_eq!(status(&answer), 401);
        assert!(now() - before >= 1_000, "{n}");
        if answer.connection().iter().any(|it| it == "close") {
            assert_eq!(n, 5);
            break;
        }
        assert!(n < 5);
    }
    let before = now();
    let missing = world.ask("GET", "/message", "", "");
    assert_eq!((status(&missing), now() - before), (401, 0));
    let admin = basic("admin", &world.password);
    assert_eq!(world.ask("GET", "/current/user", &admin, "").status, 200);
}

#[test]
// req: gotify-errors-01 gotify-errors-02 gotify-errors-03
fn every_error_is_json() {
    let world = World::start();
    for (method, target, expected) in [
        ("GET", "/application/1/nothing", 404),
        ("GET", "/client/x", 400),
        ("PUT", "/client/77", 404),
        ("GET", "/current/nothing", 404),
        ("GET", "/image/none.png", 404),
        ("PATCH", "/message", 405),
        ("GET", "/stream", 400),
        ("DELETE", "/message/77", 404),
    ] {
        let fields = format!("{JSON}{}", key(&world.client));
        let answer = world.ask(method, target, &fields, r#"{"name":"n"}"#);
        assert_eq!(status(&answer), expected, "{method} {target}");
    }
    let answer = world.ask("GET", "/application/1/nothing", "", "");
    assert_eq!(parsed(&answer)["errorDescription"], "page not found");
    let foreign = world.ask("POST", "/message", "Origin: https://evil.example\r\n", "");
    assert_eq!(status(&foreign), 403);
}

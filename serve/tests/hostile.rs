//! Bad requests: each gets a proper answer, and the server goes on.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::{Served, Stack, VERSION, parsed, served};

fn status(served: &Served, method: Method, path: &str) -> (u16, String) {
    let response = served.ask_at(method, &format!("{}{path}", served.base()), None);
    let status = response.status().as_u16();
    (status, parsed(response)["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn answered(status_and_code: &(u16, String)) -> (u16, &str) {
    (status_and_code.0, &status_and_code.1)
}

/// Sends bytes as they are and gives the first line of the answer; nothing where the connection was closed.
fn raw(served: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    // Who is refused early may find the connection closed while it still writes.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

fn goes_on(served: &Served) {
    assert_eq!(served.get("replicationFabrics")["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_not_there_is_told_apart_from_what_is_not_emulated() {
    let served = served(Stack::Classic);
    let container = served.container();
    let ask = |method, below: &str| {
        let response = served.ask(method, below, None);
        (
            response.status().as_u16(),
            parsed(response)["error"]["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let fabric = container.split('/').nth(1).expect("a fabric");
    let not_emulated = ask(Method::POST, &format!("replicationFabrics/{fabric}/migratetoaad"));
    assert_eq!(answered(&not_emulated), (501, "OperationNotEmulated"));
    assert_eq!(answered(&ask(Method::GET, "replicationFabrics/other")), (404, "NotFound"));
    assert_eq!(answered(&ask(Method::GET, "replicationNothing")), (404, "InvalidResourceType"));
    assert_eq!(answered(&ask(Method::DELETE, "replicationJobs")), (405, "MethodNotAllowed"));
    assert_eq!(answered(&ask(Method::GET, "replicationPolicies/none")), (404, "NotFound"));
    let other = format!("/subscriptions/00000000-0000-0000-0000-00000000ffff/resourceGroups?{VERSION}");
    assert_eq!(answered(&status(&served, Method::GET, &other)), (404, "SubscriptionNotFound"));
}

#[test]
fn versions_paths_and_bodies_that_are_none_are_refused() {
    let served = served(Stack::Classic);
    assert_eq!(
        answered(&status(&served, Method::GET, "/subscriptions")),
        (400, "MissingApiVersionParameter")
    );
    let odd = "/subscriptions?api-version=latest";
    assert_eq!(answered(&status(&served, Method::GET, odd)), (400, "InvalidApiVersionParameter"));
    assert_eq!(answered(&status(&served, Method::GET, "/%ff%fe")), (400, "BadRequest"));
    assert_eq!(answered(&status(&served, Method::GET, "/../../etc/passwd")), (404, "ResourceNotFound"));
    let url = format!("{}/switchback/advance", served.base());
    for body in ["", "{", "[]", "{\"seconds\": -1}", "{\"seconds\": 1e300}", "{\"seconds\": 99999999999}"] {
        let response = served.client.post(&url).body(body).send().expect("an answer");
        assert_eq!(response.status(), 400, "{body}");
    }
    for body in ["{", "\u{0}", "{\"properties\": ", &"[".repeat(100_000)] {
        let url = format!("{}{}", served.base(), policy_path(&served));
        let response = served.client.put(&url).body(body.to_owned()).send().expect("an answer");
        assert_eq!(response.status(), 400);
    }
    goes_on(&served);
}

fn policy_path(served: &Served) -> String {
    let id = served.get("replicationFabrics")["value"][0]["id"].as_str().expect("an id").to_owned();
    let vault = id.split("/replicationFabrics").next().expect("a vault");
    format!("{vault}/replicationPolicies/p?{VERSION}")
}

#[test]
fn properties_of_the_wrong_type_are_refused_and_nothing_is_filed() {
    let served = served(Stack::Classic);
    let shapes = [
        json!(null),
        json!(5),
        json!([]),
        json!("text"),
        json!({ "properties": [] }),
        json!({ "properties": { "providerSpecificInput": 7 } }),
    ];
    for body in shapes {
        let response = served.ask(Method::PUT, "replicationPolicies/p", Some(&body));
        assert_eq!(response.status(), 400, "{body}");
    }
    assert_eq!(served.get("replicationPolicies")["value"], json!([]));
}

#[test]
fn other_hosts_and_pages_of_other_origins_are_not_answered() {
    let served = served(Stack::Classic);
    let ask = |name: &'static str, value: &str| {
        let url = format!("{}/switchback/health", served.base());
        served.client.get(url).header(name, value).send().expect("an answer").status().as_u16()
    };
    assert_eq!(ask("host", "rebound.example.org"), 421);
    assert_eq!(ask("origin", "https://example.org"), 403);
    assert_eq!(ask("origin", "null"), 403);
    assert_eq!(ask("origin", &served.base()), 200);
}

#[test]
fn too_much_and_too_odd_is_cut_off_and_the_server_goes_on() {
    let served = served(Stack::Classic);
    let url = format!("{}{}", served.base(), policy_path(&served));
    let large = vec![b' '; 5 << 20];
    // The answer may be cut off by what is still being sent.
    if let Ok(response) = served.client.put(&url).body(large).send() {
        assert_eq!(response.status(), 413);
    }
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x00\x01\x02\x03\x04",
        b"\x16\x03\x01\x00\x05hello",
        b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\nhost: localhost\r\ncontent-length: 18446744073709551616\r\n\r\n",
    ] {
        let line = raw(&served, bytes);
        assert!(line.is_empty() || !line.contains(" 200 "), "{line}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(200_000));
    assert!(!raw(&served, long.as_bytes()).contains(" 200 "));
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(5_000));
    assert!(!raw(&served, many.as_bytes()).contains(" 200 "));
    goes_on(&served);
}

#[test]
fn hundreds_of_connections_that_say_nothing_keep_nobody_out() {
    let served = served(Stack::Classic);
    let silent: Vec<TcpStream> =
        (0..300).map(|_| TcpStream::connect(served.address).expect("a connection")).collect();
    goes_on(&served);
    drop(silent);
    goes_on(&served);
}

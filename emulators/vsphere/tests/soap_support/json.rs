//! A client of VI JSON, which accepts nothing that the interface does not promise.

use serde_json::{Value, json};
use switchback_vsphere::soap::{Request, Response, Vim, check_json_answer};

use super::World;

/// A client with its session.
pub(crate) struct JsonClient {
    pub(crate) vim: Vim,
    pub(crate) world: World,
    pub(crate) session: Option<String>,
    pub(crate) release: &'static str,
}

impl JsonClient {
    /// Not logged in.
    pub(crate) fn new() -> Self {
        Self { vim: Vim::new(), world: World::new(), session: None, release: "8.0.3.0" }
    }

    pub(crate) fn logged_in() -> Self {
        let mut client = Self::new();
        client.login();
        client
    }

    pub(crate) fn login(&mut self) {
        let arguments = json!({ "userName": "user", "password": "password" });
        let response = self.post(("SessionManager", "SessionManager"), "Login", &arguments);
        let session = response.headers.iter().find(|(name, _)| *name == "vmware-api-session-id");
        self.session = Some(session.expect("a session is opened").1.clone());
    }

    /// Sends a request to an address below the release.
    pub(crate) fn send(
        &mut self,
        method: &str,
        (kind, id): (&str, &str),
        name: &str,
        body: &[u8],
    ) -> Response {
        let path = format!("/sdk/vim25/{}/{kind}/{id}/{name}", self.release);
        let session = self.session.clone();
        let request = request(method, &path, session.as_deref(), body);
        let response = self.vim.answer(&request, &mut self.world);
        if let Err(why) = check_json_answer(method, &path, &response) {
            panic!("{why}\nin the answer {}\n{}\nto {method} {path}", response.status, text(&response));
        }
        response
    }

    pub(crate) fn post(&mut self, object: (&str, &str), method: &str, arguments: &Value) -> Response {
        self.send("POST", object, method, arguments.to_string().as_bytes())
    }

    /// Calls a method that has to work; gives what it answers.
    pub(crate) fn ok(&mut self, object: (&str, &str), method: &str, arguments: &Value) -> Value {
        let response = self.post(object, method, arguments);
        assert!(response.status < 300, "{}\nto {method}", text(&response));
        value(&response)
    }

    /// Calls a method that has to fail; gives the type of the fault, and its message.
    pub(crate) fn fault(
        &mut self,
        object: (&str, &str),
        method: &str,
        arguments: &Value,
    ) -> (String, String) {
        fault_in(&self.post(object, method, arguments))
    }

    /// Reads a property that can be read; null if it is unset.
    pub(crate) fn get(&mut self, object: (&str, &str), property: &str) -> Value {
        let response = self.send("GET", object, property, b"");
        assert_eq!(response.status, 200, "{}", text(&response));
        value(&response)
    }

    /// Calls a method that has a task; gives what is told of it once it is over.
    pub(crate) fn task(&mut self, object: (&str, &str), method: &str, arguments: &Value) -> Value {
        let task = self.ok(object, method, arguments);
        assert_eq!(task["type"], "Task");
        self.get(("Task", task["value"].as_str().expect("an id")), "info")
    }
}

pub(crate) fn request<'a>(
    method: &'a str,
    path: &'a str,
    session_id: Option<&'a str>,
    body: &'a [u8],
) -> Request<'a> {
    Request {
        method,
        path,
        query: "",
        cookie: None,
        session_id,
        soap_action: None,
        body,
        https: false,
        authority: Some("localhost"),
    }
}

/// What is answered; null if nothing is.
pub(crate) fn value(response: &Response) -> Value {
    if response.body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&response.body).expect("an answer is JSON")
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).expect("an answer is text")
}

/// The type of the fault in an answer, and its message.
pub(crate) fn fault_in(response: &Response) -> (String, String) {
    assert_eq!(response.status, 500, "{}", text(response));
    let fault = value(response);
    let text = |name: &str| fault[name].as_str().expect("it is told").to_owned();
    (text("_typeName"), text("faultstring"))
}

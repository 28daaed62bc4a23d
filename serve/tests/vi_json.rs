//! VI JSON over HTTP: the session in its header, what is logged of it, and faults on the wire that are meant for it.

mod support;

use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::{Value, json};
use support::{Served, Stack, parsed, served};

const SESSION: &str = "vmware-api-session-id";

/// A client that has logged in.
struct Client<'s> {
    served: &'s Served,
    session: String,
}

impl<'s> Client<'s> {
    fn new(served: &'s Served) -> Self {
        let login = json!({ "userName": "user", "password": "password" });
        let url = format!("{}/sdk/vim25/8.0.3.0/SessionManager/SessionManager/Login", served.base());
        let response = served.ask_at(Method::POST, &url, Some(&login));
        assert_eq!(response.status(), 200);
        let session = response.headers()[SESSION].to_str().expect("text").to_owned();
        Self { served, session }
    }

    fn send(&self, method: Method, below: &str, body: &Value) -> Response {
        let url = format!("{}/sdk/vim25/8.0.3.0/{below}", self.served.base());
        let request = self.served.client.request(method, url).header(SESSION, &self.session);
        request.body(body.to_string()).send().expect("an answer")
    }

    fn get(&self, below: &str) -> Value {
        let response = self.send(Method::GET, below, &Value::Null);
        assert_eq!(response.status(), 200, "{below}");
        parsed(response)
    }

    /// The machine of that name: the path to it.
    fn machine(&self, name: &str) -> String {
        let folder = json!({ "type": "Folder", "value": "group-d1" });
        let arguments = json!({ "container": folder, "type": ["VirtualMachine"], "recursive": true });
        let view = parsed(self.send(Method::POST, "ViewManager/ViewManager/CreateContainerView", &arguments));
        let view = view["value"].as_str().expect("an id");
        let machines = self.get(&format!("ContainerView/{view}/view"));
        let mut paths = machines.as_array().expect("several").iter().map(|machine| {
            let id = machine["value"].as_str().expect("an id");
            format!("VirtualMachine/{id}")
        });
        paths.find(|path| self.get(&format!("{path}/name")) == name).expect("it is there")
    }
}

fn control(served: &Served, method: Method, below: &str, body: Option<&Value>) -> Value {
    parsed(served.ask_at(method, &format!("{}/switchback/{below}", served.base()), body))
}

#[test]
fn a_client_of_json_powers_a_machine_and_is_logged_with_what_it_called() {
    let served = served(Stack::Classic);
    let hello = format!("{}/api/vcenter/system?action=hello", served.base());
    let releases = json!({ "api_releases": ["9.0.0.0", "8.0.3.0"] });
    let agreed = served.ask_at(Method::POST, &hello, Some(&releases));
    assert_eq!(agreed.headers()["content-type"], "application/json");
    assert_eq!(parsed(agreed)["api_release"], "8.0.3.0");

    let client = Client::new(&served);
    let machine = client.machine("web-01");
    let task = parsed(client.send(Method::POST, &format!("{machine}/PowerOffVM_Task"), &json!({})));
    let task = format!("Task/{}", task["value"].as_str().expect("an id"));
    assert_eq!(client.get(&format!("{task}/info"))["state"], "success");
    assert_eq!(client.get(&format!("{machine}/runtime"))["powerState"], "poweredOff");
    let logout = client.send(Method::POST, "SessionManager/SessionManager/Logout", &json!({}));
    assert_eq!((logout.status().as_u16(), logout.text().expect("nothing").as_str()), (204, ""));

    let logged = control(&served, Method::GET, "requests?most=1000", None);
    let logged = logged["requests"].as_array().expect("several").clone();
    let called = |operation: &str| {
        let found = logged.iter().filter(|it| it["operation"] == operation);
        found.map(|it| (it["surface"].clone(), it["status"].clone())).collect::<Vec<_>>()
    };
    for (operation, status) in [("Login", 200), ("PowerOffVM_Task", 200), ("Logout", 204)] {
        assert_eq!(called(operation), [(json!("vsphere"), json!(status))], "{operation}");
    }
    assert!(called("Fetch").len() > 3, "a property that is read is one that is fetched");
}

#[test]
fn a_session_that_is_ended_on_the_wire_has_to_be_opened_again() {
    let served = served(Stack::Classic);
    let client = Client::new(&served);
    let machine = client.machine("web-01");
    let fault = json!({ "surface": "vsphere", "operation": "PowerOffVM_Task", "times": 1, "effect": { "end-session": {} } });
    control(&served, Method::POST, "faults", Some(&fault));
    assert_eq!(client.get(&format!("{machine}/name")), "web-01", "only that operation meets it");
    let below = format!("{machine}/PowerOffVM_Task");
    let refused = client.send(Method::POST, &below, &json!({}));
    assert_eq!(refused.status(), 500);
    assert_eq!(parsed(refused)["_typeName"], "NotAuthenticated");
    let again = Client::new(&served);
    assert_eq!(again.get(&format!("{machine}/runtime"))["powerState"], "poweredOn", "nothing was done");
    assert_eq!(again.send(Method::POST, &below, &json!({})).status(), 200);
}

//! VI JSON: what SOAP answers, at addresses and as JSON; and what a vCenter refuses there is refused.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use proptest::prelude::*;
use serde_json::{Value, json};
use soap_support::client::{Client, between, call};
use soap_support::json::{JsonClient, fault_in, request, text, value};
use soap_support::{BARE, WEB};
use switchback_vsphere::soap::{Response, check_json_answer};

const COLLECTOR: (&str, &str) = ("PropertyCollector", "propertyCollector");
const SERVICE: (&str, &str) = ("ServiceInstance", "ServiceInstance");

fn moref(kind: &str, id: &str) -> Value {
    json!({ "_typeName": "ManagedObjectReference", "type": kind, "value": id })
}

/// Wants properties of everything of a kind that a view shows.
fn spec(kind: &str, paths: &[&str], view: &Value) -> Value {
    let view_kind = view["type"].as_str().expect("it is a reference");
    let way = json!({ "_typeName": "TraversalSpec", "type": view_kind, "path": "view" });
    json!({
        "_typeName": "PropertyFilterSpec",
        "propSet": [{ "_typeName": "PropertySpec", "type": kind, "pathSet": paths }],
        "objectSet": [{ "_typeName": "ObjectSpec", "obj": view, "skip": true, "selectSet": [way] }],
    })
}

fn view_of(client: &mut JsonClient, kinds: &[&str]) -> Value {
    let arguments = json!({ "container": moref("Folder", "group-d1"), "type": kinds, "recursive": true });
    client.ok(("ViewManager", "ViewManager"), "CreateContainerView", &arguments)
}

#[test]
fn whoever_logs_in_is_given_a_session_and_nobody_else_is_let_in() {
    let mut client = JsonClient::new();
    let content = client.get(SERVICE, "content");
    assert_eq!(content["_typeName"], "ServiceContent");
    assert_eq!(content["sessionManager"], moref("SessionManager", "SessionManager"));
    assert_eq!(client.ok(SERVICE, "RetrieveServiceContent", &json!({})), content);
    let folder = ("Folder", "group-d1");
    assert_eq!(fault_in(&client.send("GET", folder, "name", b"")).0, "NotAuthenticated");
    client.session = Some("made-up".to_owned());
    assert_eq!(fault_in(&client.send("GET", folder, "name", b"")).0, "NotAuthenticated");

    client.login();
    assert_eq!(client.get(folder, "name"), "Datacenters");
    let response = client.post(("SessionManager", "SessionManager"), "Logout", &json!({}));
    assert_eq!((response.status, response.body.as_slice()), (204, &b""[..]));
    assert_eq!(fault_in(&client.send("GET", folder, "name", b"")).0, "NotAuthenticated");

    let nobody = json!({ "userName": "", "password": "" });
    let refused = client.post(("SessionManager", "SessionManager"), "Login", &nobody);
    assert_eq!(fault_in(&refused).0, "InvalidLogin");
    assert!(refused.headers.is_empty(), "no session is given");
}

#[test]
fn a_session_ends_for_clients_of_json_too() {
    let mut client = JsonClient::logged_in();
    client.vim.end_session(None, Some("made-up"));
    client.get(("Folder", "group-d1"), "name");
    client.vim.end_session(None, client.session.as_deref());
    assert_eq!(fault_in(&client.send("GET", ("Folder", "group-d1"), "name", b"")).0, "NotAuthenticated");
}

#[test]
fn a_property_is_told_as_what_it_is() {
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    assert_eq!(client.get(machine, "name"), "web");
    assert_eq!(client.get(machine, "runtime")["powerState"], "poweredOff", "a word stands as it is");
    let datastores = client.get(machine, "datastore");
    assert_eq!(datastores.as_array().map(Vec::len), Some(1), "{datastores}");
    let devices = client.get(machine, "config")["hardware"]["device"].clone();
    let disks = devices.as_array().expect("several").iter().filter(|it| it["_typeName"] == "VirtualDisk");
    assert!(disks.clone().all(|disk| disk["capacityInBytes"] == 2_048 * 512));
    assert_eq!(disks.count(), 17);
    assert_eq!(client.get(machine, "snapshot"), Value::Null, "what is unset has no body");
    assert_eq!(client.get(("Folder", "group-d1"), "parent"), Value::Null);

    for name in ["nonsense", "config.hardware", "PowerOnVM_Task"] {
        assert_eq!(fault_in(&client.send("GET", machine, name, b"")).0, "InvalidProperty", "{name}");
    }
    assert_eq!(fault_in(&client.send("GET", machine, "resourceConfig", b"")).0, "NotSupported");
    assert_eq!(fault_in(&client.send("GET", ("Datastore", &web), "name", b"")).0, "ManagedObjectNotFound");
    assert_eq!(fault_in(&client.send("GET", ("Nonsense", &web), "name", b"")).0, "InvalidRequest");
}

/// Objects of the site, and the objects that they tell of.
fn objects(client: &mut JsonClient) -> Vec<(String, String)> {
    let view = view_of(client, &[]);
    let id = view["value"].as_str().expect("an id").to_owned();
    let seen = client.get(("ContainerView", &id), "view");
    let reference = |it: &Value| {
        let text = |name: &str| it[name].as_str().expect("it is a reference").to_owned();
        (text("type"), text("value"))
    };
    let mut objects: Vec<_> = seen.as_array().expect("several").iter().map(reference).collect();
    let machines: Vec<_> = objects.iter().filter(|(kind, _)| kind == "VirtualMachine").cloned().collect();
    for (kind, id) in machines {
        for property in ["recentTask", "rootSnapshot"] {
            objects.extend(
                client.get((&kind, &id), property).as_array().expect("several").iter().map(reference),
            );
        }
        objects.push(reference(&client.get((&kind, &id), "environmentBrowser")));
    }
    for kind in
        ["ServiceInstance", "SessionManager", "ViewManager", "TaskManager", "EventManager", "SearchIndex"]
    {
        objects.push((kind.to_owned(), kind.to_owned()));
    }
    objects.push(("ContainerView".to_owned(), id));
    objects
}

/// Each property of each object, in both: told or unset in both, refused in both with the same fault.
#[test]
fn everything_that_soap_tells_is_told() {
    let table = include_str!("../src/soap/types.tsv");
    let properties = |kind: &str| {
        let mut names = Vec::new();
        let mut at = kind.to_owned();
        while at != "-" {
            let row = table.lines().find(|line| line.starts_with(&format!("managed\t{at}\t")));
            let cells: Vec<_> = row.expect("the type is listed").split('\t').collect();
            names.extend(cells.iter().skip(4).filter_map(|cell| cell.split_once(':')).map(|(name, _)| name));
            at = cells[2].to_owned();
        }
        names
    };
    let mut client = JsonClient::logged_in();
    let mut soap = Client::logged_in();
    for world in [&mut client.world, &mut soap.world] {
        world.vcenter.power_on(world.now, WEB).expect("it starts");
        let web = world.vcenter.machine(WEB).expect("it is there").moid;
        world.vcenter.take_snapshot(world.now, web, "one").expect("it is taken");
    }
    view_of(&mut client, &["Folder"]);
    let (mut told, mut unset) = (0, 0);
    for (kind, id) in objects(&mut client) {
        soap.vim = client.vim.clone();
        for property in properties(&kind) {
            let here = client.send("GET", (&kind, &id), property, b"");
            let there = soap.call((&kind, &id), "Fetch", &format!("<prop>{property}</prop>"));
            let there = String::from_utf8(there.body).expect("it is text");
            match here.status {
                200 if here.body.is_empty() => {
                    unset += 1;
                    assert!(!there.contains("<returnval"), "{kind}.{property}: {there}");
                }
                200 => {
                    told += 1;
                    assert!(there.contains("<returnval"), "{kind}.{property}: {there}");
                }
                _ => {
                    let (fault, message) = fault_in(&here);
                    assert!(there.contains(&format!("xsi:type=\"{fault}\"")), "{kind}.{property}: {there}");
                    assert!(there.contains(&message), "{message} is not in {there}");
                }
            }
        }
    }
    assert!(told > 300 && unset > 10, "{told} were told, {unset} unset");
}

#[test]
fn a_machine_is_powered_and_its_task_is_waited_for() {
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    let done = client.task(machine, "PowerOnVM_Task", &json!({}));
    assert_eq!((&done["state"], &done["name"]), (&json!("success"), &json!("PowerOnVM_Task")));
    assert_eq!(client.get(machine, "runtime")["powerState"], "poweredOn");

    let failed = client.task(machine, "PowerOnVM_Task", &json!({}));
    let expected = json!({
        "_typeName": "InvalidPowerState",
        "faultstring": failed["error"]["faultstring"],
        "requestedState": "poweredOff",
        "existingState": "poweredOn",
    });
    assert_eq!(
        (&failed["state"], &failed["error"]),
        (&json!("error"), &expected),
        "a fault has its message in it"
    );

    let arguments = json!({ "name": "one", "description": "d", "memory": false, "quiesce": false });
    let taken = client.task(machine, "CreateSnapshot_Task", &arguments);
    assert_eq!(taken["result"]["type"], "VirtualMachineSnapshot");
    let snapshot = taken["result"]["value"].as_str().expect("an id").to_owned();
    let removed = client.task(
        ("VirtualMachineSnapshot", &snapshot),
        "RemoveSnapshot_Task",
        &json!({ "removeChildren": false }),
    );
    assert_eq!(removed["state"], "success");
    assert_eq!(client.get(machine, "snapshot"), Value::Null);
}

#[test]
fn all_names_are_read_through_a_view_in_pages() {
    let mut client = JsonClient::logged_in();
    let view = view_of(&mut client, &["VirtualMachine"]);
    let options = json!({ "_typeName": "RetrieveOptions", "maxObjects": 4 });
    let arguments = json!({ "specSet": [spec("VirtualMachine", &["name"], &view)], "options": options });
    let first = client.ok(COLLECTOR, "RetrievePropertiesEx", &arguments);
    let token = json!({ "token": first["token"] });
    let second = client.ok(COLLECTOR, "ContinueRetrievePropertiesEx", &token);
    let pages = [&first, &second].map(|page| page["objects"].as_array().expect("several").clone());
    let names: Vec<_> = pages.concat().iter().map(|object| object["propSet"][0]["val"].clone()).collect();
    let boxed = |name: &str| json!({ "_typeName": "string", "_value": name });
    assert_eq!(names, ["mt", "web", "db <1>", "raw", "bare", "lent"].map(boxed), "a value says what it is");
    assert_eq!(client.fault(COLLECTOR, "ContinueRetrievePropertiesEx", &token).0, "InvalidArgument");
}

#[test]
fn what_changes_is_waited_for_through_a_list_of_tasks() {
    let mut client = JsonClient::logged_in();
    let bare = client.world.id(BARE);
    let list = client.ok(("ViewManager", "ViewManager"), "CreateListView", &json!({ "obj": [] }));
    let list_id = list["value"].as_str().expect("an id").to_owned();
    let list_view = ("ListView", list_id.as_str());
    assert_eq!(client.get(list_view, "view"), json!([]));
    let filter = json!({ "spec": spec("Task", &["info.state"], &list), "partialUpdates": true });
    client.ok(COLLECTOR, "CreateFilter", &filter);

    let wait = |client: &mut JsonClient, version: &Value| {
        let options = json!({ "_typeName": "WaitOptions", "maxWaitSeconds": 10 });
        client.ok(COLLECTOR, "WaitForUpdatesEx", &json!({ "version": version, "options": options }))
    };
    assert_eq!(wait(&mut client, &json!("")), Value::Null, "nothing is in the list");
    let task = client.ok(("VirtualMachine", &bare), "PowerOnVM_Task", &json!({}));
    let unknown =
        client.ok(list_view, "ModifyListView", &json!({ "add": [task, moref("Task", "task-999")] }));
    assert_eq!(unknown, json!([moref("Task", "task-999")]));
    let updates = wait(&mut client, &json!(""));
    let update = &updates["filterSet"][0]["objectSet"][0];
    assert_eq!((&update["obj"], &update["kind"]), (&task, &json!("enter")), "{updates}");

    let left = client.ok(list_view, "ModifyListView", &json!({ "remove": [task] }));
    assert_eq!((left, client.get(list_view, "view")), (json!([]), json!([])));
    assert_eq!(client.ok(list_view, "ResetListView", &json!({ "obj": [task] })), json!([]));
    assert_eq!(client.get(list_view, "view"), json!([task]));
    client.ok(list_view, "DestroyView", &json!({}));
    assert_eq!(client.fault(list_view, "ResetListView", &json!({})).0, "ManagedObjectNotFound");
    let missing = json!({ "obj": [moref("Task", "task-999")] });
    assert_eq!(
        client.fault(("ViewManager", "ViewManager"), "CreateListView", &missing).0,
        "ManagedObjectNotFound"
    );
    let container = view_of(&mut client, &[]);
    let container = ("ContainerView", container["value"].as_str().expect("an id"));
    assert_eq!(client.fault(container, "ResetListView", &json!({})).0, "MethodNotFound");
}

#[test]
fn an_object_that_does_not_say_its_type_is_taken_for_a_reference() {
    let mut client = JsonClient::logged_in();
    let view = view_of(&mut client, &["VirtualMachine"]);
    let good = json!({ "specSet": [spec("VirtualMachine", &["name"], &view)], "options": { "_typeName": "RetrieveOptions" } });
    client.ok(COLLECTOR, "RetrievePropertiesEx", &good);
    let mut untyped = good.clone();
    untyped["specSet"][0]["propSet"][0].as_object_mut().expect("an object").remove("_typeName");
    let (fault, message) = client.fault(COLLECTOR, "RetrievePropertiesEx", &untyped);
    assert_eq!(fault, "InvalidArgument");
    assert!(message.contains("Invalid MoRef field: pathSet"), "{message}");
    let mut bare = good;
    bare["specSet"][0]["objectSet"][0]["obj"].as_object_mut().expect("an object").remove("_typeName");
    client.ok(COLLECTOR, "RetrievePropertiesEx", &bare);
}

#[test]
fn what_is_not_as_it_should_be_is_refused_by_its_name() {
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    let cases = [
        ("Nonsense", json!({}), "MethodNotFound"),
        ("Fetch", json!({ "prop": "name" }), "MethodNotFound"),
        ("name", json!({}), "MethodNotFound"),
        ("Login", json!({}), "MethodNotFound"),
        ("PowerOnVM_Task", json!({ "host": moref("HostSystem", "host-1"), "what": 1 }), "InvalidArgument"),
        ("PowerOnVM_Task", json!({ "host": "host-1" }), "InvalidArgument"),
        ("CreateSnapshot_Task", json!({ "name": 7, "memory": false, "quiesce": false }), "InvalidArgument"),
        ("CreateSnapshot_Task", json!({ "name": "one" }), "InvalidArgument"),
        ("PowerOnVM_Task", json!([]), "InvalidRequest"),
        ("SuspendVM_Task", json!({}), "NotSupported"),
    ];
    for (method, arguments, fault) in cases {
        assert_eq!(client.fault(machine, method, &arguments).0, fault, "{method} {arguments}");
    }
    let nulls = json!({ "_typeName": "PowerOnVMRequestType", "host": null });
    client.ok(machine, "PowerOnVM_Task", &nulls);
    let session = client.session.clone();
    let mut send = |method: &str, path: &str| {
        client.vim.answer(&request(method, path, session.as_deref(), b""), &mut client.world)
    };
    let path = format!("/sdk/vim25/8.0.3.0/VirtualMachine/{web}/name");
    assert_eq!(send("DELETE", &path).status, 405);
    assert_eq!(fault_in(&send("GET", &format!("{path}/more"))).0, "InvalidRequest");
    let newer = fault_in(&send("GET", &path.replace("8.0.3.0", "9.0.0.0")));
    assert_eq!(newer.0, "InvalidRequest");
    assert!(newer.1.contains("urn:vim25/9.0.0.0"), "{newer:?}");
}

#[test]
fn an_older_release_is_not_told_what_is_newer() {
    let table = include_str!("../src/soap/types.tsv");
    let rank = |id: &str| {
        let row =
            table.lines().find(|line| line.starts_with("version\t") && line.ends_with(&format!("\t{id}")));
        row.and_then(|row| row.split('\t').nth(1)).expect("it is listed").to_owned()
    };
    let newer = format!("@{}", rank("8.0.3.0"));
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    let mut told = |release| {
        client.release = release;
        text(&client.send("GET", ("VirtualMachine", &web), "config", b""))
    };
    let (now, then) = (told("8.0.3.0"), told("8.0.1.0"));
    let row = table
        .lines()
        .find(|line| line.starts_with("data\tVirtualMachineConfigInfo\t"))
        .expect("it is listed");
    let fields =
        row.split('\t').filter(|cell| cell.ends_with(&newer)).filter_map(|cell| cell.split_once(':'));
    for (name, _) in fields {
        assert!(!then.contains(&format!("\"{name}\"")), "{name}");
    }
    assert!(now.len() >= then.len());
}

/// Asks for the release that both sides speak.
fn hello(client: &mut JsonClient, body: &str) -> Response {
    let asked = request("POST", "/api/vcenter/system", None, body.as_bytes());
    client
        .vim
        .answer(&switchback_vsphere::soap::Request { query: "action=hello", ..asked }, &mut client.world)
}

#[test]
fn a_release_is_agreed_on() {
    let mut client = JsonClient::new();
    let agreed = |response: Response| {
        assert_eq!(response.status, 200, "{}", text(&response));
        value(&response)["api_release"].clone()
    };
    let newest = r#"{"api_releases": ["9.1.0.0", "9.0.0.0", "8.0.2.0", "8.0.3.0"]}"#;
    assert_eq!(agreed(hello(&mut client, newest)), "8.0.2.0", "the dearest to the client");
    assert_eq!(agreed(hello(&mut client, r#"{"api_releases": ["7.0"]}"#)), "", "there is none");
    let many = json!({ "api_releases": vec!["8.0.3.0"; 129] }).to_string();
    let long = json!({ "api_releases": ["8".repeat(65)] }).to_string();
    for wrong in ["", "{}", "[]", r#"{"api_releases": []}"#, r#"{"api_releases": [8]}"#, &many, &long] {
        let refused = hello(&mut client, wrong);
        assert_eq!(
            (refused.status, &value(&refused)["error_type"]),
            (400, &json!("INVALID_ARGUMENT")),
            "{wrong}"
        );
    }
    let other = client.vim.answer(&request("GET", "/api/vcenter/vm", None, b""), &mut client.world);
    assert_eq!((other.status, &value(&other)["error_type"]), (404, &json!("NOT_FOUND")));
}

#[test]
fn an_answer_that_is_damaged_is_not_fit() {
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    let path = format!("/sdk/vim25/8.0.3.0/VirtualMachine/{web}/runtime");
    let good = client.send("GET", ("VirtualMachine", &web), "runtime", b"");
    let answer = text(&good);
    let fit = |status: u16, answer: &str| {
        let response = Response { status, body: answer.as_bytes().to_vec(), ..good.clone() };
        check_json_answer("GET", &path, &response).map_err(|why| why.to_string())
    };
    assert_eq!(fit(200, &answer), Ok(()));
    let table = [
        ("\"poweredOff\"", "\"asleep\"", "\"asleep\" is no VirtualMachinePowerState"),
        ("\"powerState\":\"poweredOff\",", "", "powerState: it is required"),
        ("\"numMksConnections\":0", "\"numMksConnections\":\"none\"", "\"none\" is no int"),
        ("\"numMksConnections\":0", "\"nothing\":0", "there is no nothing"),
        ("\"type\":\"HostSystem\"", "\"type\":\"Datastore\"", "Datastore is no HostSystem"),
        ("\"_typeName\":\"VirtualMachineRuntimeInfo\",", "", "Invalid MoRef field"),
        ("{", "", "not well-formed"),
    ];
    for (from, to, why) in table {
        let damaged = answer.replacen(from, to, 1);
        assert_ne!(damaged, answer, "{from}");
        let found = fit(200, &damaged).expect_err("it is damaged");
        assert!(found.contains(why), "{found}");
    }
    assert!(fit(500, &answer).is_err(), "it is no fault");
    assert!(fit(204, "").is_err(), "a machine has a state");
    assert!(fit(200, "").is_err(), "a machine has a state");
}

#[test]
fn what_is_no_json_is_refused_and_nothing_is_done() {
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let wide = format!("{{\"a\":[{}0]}}", "0,".repeat(250_000));
    let bodies: [&[u8]; 8] = [
        b"<a/>",
        b"\xff\xfe",
        b"{",
        b"{\"host\":",
        b"[]",
        deep.as_bytes(),
        wide.as_bytes(),
        &[b' '; 9 << 20],
    ];
    for body in bodies {
        let response = client.send("POST", ("VirtualMachine", &web), "PowerOnVM_Task", body);
        assert_eq!(fault_in(&response).0, "InvalidRequest");
    }
    assert_eq!(client.get(("VirtualMachine", &web), "runtime")["powerState"], "poweredOff");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_has_an_answer(verb in "GET|POST|.{0,6}", path in "[ -~]{0,40}", body in ".{0,60}") {
        let mut client = JsonClient::logged_in();
        let session = client.session.clone();
        for path in [format!("/sdk/vim25/8.0.3.0/{path}"), format!("/sdk/vim25/{path}"), format!("/api/{path}")] {
            let request = request(&verb, &path, session.as_deref(), body.as_bytes());
            prop_assert!(client.vim.answer(&request, &mut client.world).status >= 200);
        }
    }

    /// One byte of a request is another: it may still be one, and then its answer is fit.
    #[test]
    fn a_damaged_request_has_an_answer(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut client = JsonClient::logged_in();
        let view = view_of(&mut client, &["VirtualMachine"]);
        let arguments = json!({ "specSet": [spec("VirtualMachine", &["config.hardware"], &view)], "options": null });
        let mut body = arguments.to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        client.send("POST", COLLECTOR, "RetrievePropertiesEx", &body);
    }
}

/// The same machine, seen by either: who changes it in one sees it in the other.
#[test]
fn both_are_one_site() {
    let mut client = JsonClient::logged_in();
    let web = client.world.id(WEB);
    client.task(("VirtualMachine", &web), "PowerOnVM_Task", &json!({}));
    let mut soap = Client { vim: client.vim, world: client.world, cookie: None, version: "8.0.3.0" };
    soap.cookie = client.session.map(|key| format!("vmware_soap_session={key}"));
    let runtime = soap.ok(&call(("VirtualMachine", &web), "Fetch", "<prop>runtime</prop>"));
    assert_eq!(between(&runtime, "<powerState>", "<"), "poweredOn");
}

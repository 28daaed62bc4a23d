//! Logging in and out, running machines, and what is refused.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use std::time::Duration;

use soap_support::client::{Client, between, call, envelope, request, text};
use soap_support::{BARE, HIDDEN, LENT, RAW, WEB};
use switchback_engine::MachineId;
use switchback_engine::ports::HypervisorRequest;
use switchback_engine::role::CallId;
use switchback_vsphere::soap::{OPERATIONS, Request, Response};

const MANAGER: (&str, &str) = ("SessionManager", "SessionManager");
const INSTANCE: (&str, &str) = ("ServiceInstance", "ServiceInstance");

/// Calls a method of a machine that has a task; gives the state it ended in and all that is told of it.
fn task(client: &mut Client, id: &str, method: &str, arguments: &str) -> (String, String) {
    let answer = client.ok(&call(("VirtualMachine", id), method, arguments));
    let task = between(&answer, "<returnval type=\"Task\">", "<").to_owned();
    let info = client.fetch(("Task", &task), "info");
    (between(&info, "<state>", "<").to_owned(), info)
}

fn power(client: &mut Client, machine: MachineId, method: &str) -> (String, String) {
    let id = client.world.id(machine);
    task(client, &id, method, "")
}

/// The type of the fault in what is told of a task.
fn error(info: &str) -> &str {
    between(info, "<error><fault xsi:type=\"", "\"")
}

const SNAPSHOT: &str =
    "<name>before</name><description>the change</description><memory>false</memory><quiesce>false</quiesce>";

#[test]
fn nothing_goes_without_a_login() {
    let mut client = Client::new();
    client.ok(&call(INSTANCE, "RetrieveServiceContent", ""));
    client.fetch(INSTANCE, "content");
    let web = client.world.id(WEB);
    let closed = [
        call(INSTANCE, "CurrentTime", ""),
        call(("VirtualMachine", &web), "Fetch", "<prop>name</prop>"),
        call(("VirtualMachine", &web), "PowerOnVM_Task", ""),
        call(("VirtualMachine", "vm-999"), "NoSuchMethod", ""),
        call(MANAGER, "Logout", ""),
    ];
    for cookie in [None, Some("vmware_soap_session=\"52000000-0000-0000-0000-000000000001\"")] {
        client.cookie = cookie.map(str::to_owned);
        for body in &closed {
            assert_eq!(client.fault(body), "NotAuthenticated", "{body}");
        }
    }
    assert!(!client.world.vcenter.machine(WEB).expect("it is there").is_on());
    client.cookie = None;
    let nameless = call(MANAGER, "Login", "<userName></userName><password>x</password>");
    assert_eq!(client.fault(&nameless), "InvalidLogin");
    client.login();
    client.ok(&closed[0]);
}

#[test]
fn a_logout_ends_what_the_session_made() {
    let mut client = Client::logged_in();
    let view = call(
        ("ViewManager", "ViewManager"),
        "CreateContainerView",
        "<container type=\"Datacenter\">datacenter-2</container><type>VirtualMachine</type><recursive>true</recursive>",
    );
    let answer = client.ok(&view);
    let view = between(&answer, "<returnval type=\"ContainerView\">", "<").to_owned();
    assert_eq!(client.fetch(("ContainerView", &view), "view").matches("VirtualMachine").count(), 6);
    let first = client.cookie.clone();
    client.cookie = None;
    client.login();
    let foreign = call(("ContainerView", &view), "Fetch", "<prop>view</prop>");
    assert_eq!(client.fault(&foreign), "ManagedObjectNotFound", "it is another session's");
    client.cookie = first;
    client.ok(&call(MANAGER, "Logout", ""));
    assert_eq!(client.fault(&foreign), "NotAuthenticated");
}

#[test]
fn a_view_is_of_something_that_holds_something() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let view = |container: &str, kind: &str| {
        let arguments = format!("{container}<type>{kind}</type><recursive>false</recursive>");
        call(("ViewManager", "ViewManager"), "CreateContainerView", &arguments)
    };
    let machine = format!("<container type=\"VirtualMachine\">{web}</container>");
    assert_eq!(client.fault(&view(&machine, "VirtualMachine")), "InvalidArgument");
    let folder = "<container type=\"Folder\">group-v3</container>";
    assert_eq!(client.fault(&view(folder, "Nonsense")), "InvalidArgument");
    assert_eq!(
        client.fault(&view("<container type=\"Folder\">group-x</container>", "Folder")),
        "ManagedObjectNotFound"
    );
    let answer = client.ok(&view(folder, "VirtualMachine"));
    let id = between(&answer, "<returnval type=\"ContainerView\">", "<").to_owned();
    client.ok(&call(("ContainerView", &id), "DestroyView", ""));
    assert_eq!(client.fault(&call(("ContainerView", &id), "DestroyView", "")), "ManagedObjectNotFound");
}

fn exchange(client: &mut Client, method: &str, path: &str, https: bool) -> Response {
    let login = call(MANAGER, "Login", "<userName>u</userName><password>p</password>");
    let body = envelope(&login);
    let request = Request { method, path, https, ..request(&body, None, None) };
    client.vim.answer(&request, &mut client.world)
}

#[test]
fn what_is_asked_for_over_http() {
    let mut client = Client::new();
    for (method, path, status) in [
        ("GET", "/sdk/vimServiceVersions.xml", 200),
        ("GET", "/sdk", 405),
        ("GET", "/sdk/vimService.wsdl", 404),
        ("POST", "/", 404),
        ("POST", "/sdk", 200),
        ("POST", "/sdk/", 200),
        ("POST", "/sdk/vimService", 200),
    ] {
        assert_eq!(exchange(&mut client, method, path, false).status, status, "{method} {path}");
    }
    let versions = text(&exchange(&mut client, "GET", "/sdk/vimServiceVersions.xml", false));
    assert!(versions.contains("<name>urn:vim25</name>\n  <version>8.0.3.0</version>"));
    for (https, secure) in [(false, false), (true, true)] {
        let headers = exchange(&mut client, "POST", "/sdk", https).headers;
        assert_eq!(headers[0].0, "Set-Cookie");
        assert_eq!(headers[0].1.contains("Secure"), secure);
    }
    client.world.vcenter.lose_vcenter();
    assert_eq!(exchange(&mut client, "POST", "/sdk", false).status, 503);
    client.world.vcenter.restore_vcenter();
    assert_eq!(exchange(&mut client, "POST", "/sdk", false).status, 200);
}

#[test]
fn power_is_a_task_that_goes_well_or_not() {
    let mut client = Client::logged_in();
    let (state, info) = power(&mut client, WEB, "PowerOnVM_Task");
    assert_eq!((state.as_str(), between(&info, "<name>", "<")), ("success", "PowerOnVM_Task"));
    let (state, info) = power(&mut client, WEB, "PowerOnVM_Task");
    assert_eq!((state.as_str(), error(&info)), ("error", "InvalidPowerState"));
    assert!(
        info.contains("<requestedState>poweredOff</requestedState>")
            || info.contains("<existingState>poweredOn</existingState>")
    );
    assert_eq!(power(&mut client, WEB, "PowerOffVM_Task").0, "success");
    assert_eq!(power(&mut client, WEB, "PowerOffVM_Task").0, "error");
    let (state, info) = power(&mut client, LENT, "PowerOnVM_Task");
    assert_eq!((state.as_str(), error(&info)), ("error", "FileLocked"));
    let recent = client.fetch(("TaskManager", "TaskManager"), "recentTask");
    assert_eq!(recent.matches("type=\"Task\"").count(), 6, "and the one that lent the disks");
}

#[test]
fn a_guest_that_nobody_speaks_to_is_not_shut_down() {
    let mut client = Client::logged_in();
    let (bare, web, mt) = (client.world.id(BARE), client.world.id(WEB), master_target(&client));
    let shut = |id: &str| call(("VirtualMachine", id), "ShutdownGuest", "");
    assert_eq!(client.fault(&shut(&web)), "InvalidPowerState");
    for machine in [WEB, BARE] {
        power(&mut client, machine, "PowerOnVM_Task");
    }
    assert_eq!(client.fault(&shut(&bare)), "ToolsUnavailable");
    assert_eq!(client.fault(&shut(&mt)), "NotSupported");
    client.ok(&shut(&web));
    assert!(client.world.vcenter.machine(WEB).expect("it is there").is_on(), "it takes its time");
}

fn master_target(client: &Client) -> String {
    client.world.vcenter.machines().find(|vm| vm.name == "mt").expect("it is there").moid.to_string()
}

#[test]
fn a_master_target_can_be_run_and_kept() {
    let mut client = Client::logged_in();
    let mt = master_target(&client);
    let states: Vec<_> = ["PowerOnVM_Task", "PowerOffVM_Task", "PowerOffVM_Task", "PowerOnVM_Task"]
        .map(|method| task(&mut client, &mt, method, "").0)
        .to_vec();
    assert_eq!(states, ["error", "success", "error", "success"]);
    assert_eq!(
        task(&mut client, &mt, "CreateSnapshotEx_Task", "<name>a</name><memory>false</memory>").0,
        "success"
    );
    assert!(client.fetch(("VirtualMachine", &mt), "snapshot").contains("<name>a</name>"));
    assert_eq!(task(&mut client, &mt, "RemoveAllSnapshots_Task", "").0, "success");
    assert_eq!(client.fetch(("VirtualMachine", &mt), "snapshot"), "");
}

#[test]
fn a_machine_that_was_left_keeps_its_power() {
    let mut client = Client::logged_in();
    let left = client.world.id(WEB);
    let (call_id, request) = (CallId(9), HypervisorRequest::CreateMachine(WEB, vec![2_048], None));
    let started = client.world.vcenter.begin(client.world.now, call_id, request);
    client.world.now = started.done_at;
    client.world.vcenter.finish(started.done_at, call_id).result.expect("an answer").expect("it is created");
    let new = client.world.id(WEB);
    assert_ne!(left, new);
    assert_eq!(client.fault(&call(("VirtualMachine", &left), "PowerOnVM_Task", "")), "NotSupported");
    assert_eq!(power(&mut client, WEB, "PowerOnVM_Task").0, "success");
    let path =
        |client: &mut Client, id: &str| client.fetch(("VirtualMachine", id), "config.files.vmPathName");
    assert_ne!(path(&mut client, &left), path(&mut client, &new), "each has its own files");
}

#[test]
fn a_snapshot_is_a_task_with_a_result() {
    let mut client = Client::logged_in();
    let (web, raw) = (client.world.id(WEB), client.world.id(RAW));
    let (state, info) = task(&mut client, &web, "CreateSnapshot_Task", SNAPSHOT);
    assert_eq!(state, "success");
    let snapshot = between(&info, "type=\"VirtualMachineSnapshot\">", "<").to_owned();
    let tree = client.fetch(("VirtualMachine", &web), "snapshot");
    assert!(tree.contains("<name>before</name>") && tree.contains("<description>the change</description>"));
    assert!(tree.contains(&snapshot));
    let config =
        client.fetch(("VirtualMachineSnapshot", &snapshot), "config.hardware.device[2000].backing.fileName");
    assert!(config.contains(">[vmfs] web/web.vmdk<"), "{config}");

    let (_, info) = task(&mut client, &web, "CreateSnapshot_Task", SNAPSHOT);
    assert!(!info.contains(&snapshot), "one of the same instant is another's result");

    let (state, info) = task(&mut client, &raw, "CreateSnapshot_Task", SNAPSHOT);
    assert_eq!((state.as_str(), error(&info)), ("error", "SnapshotIncompatibleDeviceInVm"));
    assert_eq!(client.fetch(("VirtualMachine", &raw), "snapshot"), "");
    assert_eq!(power(&mut client, WEB, "RemoveAllSnapshots_Task").0, "success");
    let gone = call(("VirtualMachineSnapshot", &snapshot), "Fetch", "<prop>config</prop>");
    assert_eq!(client.fault(&gone), "ManagedObjectNotFound");
}

#[test]
fn what_a_snapshot_cannot_hold_is_refused_while_it_matters() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let with = |memory: bool, quiesce: bool| {
        call(
            ("VirtualMachine", &web),
            "CreateSnapshot_Task",
            &format!("<name>a</name><memory>{memory}</memory><quiesce>{quiesce}</quiesce>"),
        )
    };
    client.ok(&with(true, true));
    power(&mut client, WEB, "PowerOnVM_Task");
    assert_eq!(client.fault(&with(true, false)), "NotSupported");
    assert_eq!(client.fault(&with(false, true)), "NotSupported");
    client.ok(&with(false, false));
    assert_eq!(client.world.vcenter.machine(WEB).expect("it is there").snapshots.len(), 2);
}

#[test]
fn a_task_of_replication_is_seen_on_its_way() {
    let mut client = Client::logged_in();
    let call_id = CallId(9);
    let started = client.world.vcenter.begin(client.world.now, call_id, HypervisorRequest::PowerOn(WEB));
    let task = client.world.vcenter.tasks().last().expect("there is one").moid.to_string();
    let state =
        |client: &mut Client| between(&client.fetch(("Task", &task), "info.state"), ">", "<").to_owned();
    assert_eq!(state(&mut client), "queued");
    client.world.now += Duration::from_secs(1);
    assert_eq!(state(&mut client), "running");
    client.world.now = started.done_at;
    client.world.vcenter.finish(started.done_at, call_id);
    assert_eq!(state(&mut client), "success");
}

#[test]
fn what_is_not_emulated_says_so_with_its_name() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    for method in ["SuspendVM_Task", "UpgradeVM_Task", "AcquireTicket", "RefreshStorageInfo"] {
        let response = client.call(machine, method, "");
        let answer = text(&response);
        assert!(response.status == 500 && answer.contains("NotSupportedFault"), "{answer}");
        assert!(answer.contains(&format!("VirtualMachine.{method} is not emulated")), "{answer}");
    }
    for (object, method) in
        [(machine, "NoSuchMethod_"), (machine, "Logout"), (("Folder", "group-d1"), "PowerOnVM_Task")]
    {
        // An answer to a method that there is none of can only be looked at as text.
        let body = envelope(&call(object, method, ""));
        let cookie = client.cookie.clone();
        let answer = client.vim.answer(&request(&body, cookie.as_deref(), None), &mut client.world);
        assert!(text(&answer).contains("MethodNotFoundFault"), "{method}");
    }
    assert!(OPERATIONS.len() > 30);
}

#[test]
fn entities_are_found_by_what_names_them() {
    let mut client = Client::logged_in();
    let index = ("SearchIndex", "SearchIndex");
    let (web, host) =
        (client.world.id(WEB), client.world.vcenter.hosts().next().expect("it is there").moid.to_string());
    let uuid = between(&client.fetch(("VirtualMachine", &web), "config.uuid"), ">", "<").to_owned();
    let host_uuid =
        between(&client.fetch(("HostSystem", &host), "summary.hardware.uuid"), ">", "<").to_owned();
    power(&mut client, WEB, "PowerOnVM_Task");
    let hidden = client.world.vcenter.machine(HIDDEN).expect("it is there").moid.0;
    let by_uuid = |uuid: &str, machines: bool| format!("<uuid>{uuid}</uuid><vmSearch>{machines}</vmSearch>");
    let by_name = |name: &str| format!("<dnsName>{name}</dnsName><vmSearch>true</vmSearch>");
    let by_path = |path: &str| format!("<inventoryPath>{path}</inventoryPath>");
    let child = |name: &str| format!("<entity type=\"Folder\">group-v3</entity><name>{name}</name>");
    let table = [
        ("FindByUuid", by_uuid(&uuid.to_uppercase(), true), Some(web.as_str())),
        ("FindByUuid", by_uuid(&uuid, false), None),
        ("FindByUuid", by_uuid(&host_uuid, false), Some(&host)),
        ("FindByUuid", by_uuid(&format!("42000000-0000-0000-0000-{hidden:012x}"), true), None),
        ("FindAllByUuid", by_uuid(&uuid, true), Some(&web)),
        ("FindAllByUuid", by_uuid("none", true), None),
        ("FindByDnsName", by_name("WEB"), Some(&web)),
        ("FindByDnsName", by_name("raw"), None),
        ("FindAllByDnsName", by_name("web"), Some(&web)),
        ("FindByIp", "<ip>192.0.2.1</ip><vmSearch>true</vmSearch>".to_owned(), None),
        ("FindByInventoryPath", by_path("/dc0/vm/web"), Some(&web)),
        ("FindByInventoryPath", by_path("dc0/host/dc0_c0/esx0"), Some(&host)),
        ("FindByInventoryPath", by_path("dc0/host/dc0_c0/Resources/web"), None),
        ("FindByInventoryPath", by_path("dc0/vm/nobody"), None),
        ("FindByInventoryPath", by_path(""), Some("group-d1")),
        ("FindChild", child("web"), Some(&web)),
        ("FindChild", child("nobody"), None),
    ];
    for (method, arguments, expected) in table {
        let answer = client.ok(&call(index, method, &arguments));
        let found =
            answer.contains("returnval").then(|| between(between(&answer, "<returnval", "/"), ">", "<"));
        assert_eq!(found, expected, "{method} {arguments}");
    }
    let elsewhere =
        format!("<datacenter type=\"Datacenter\">datacenter-9</datacenter>{}", by_uuid(&uuid, true));
    assert_eq!(client.fault(&call(index, "FindByUuid", &elsewhere)), "ManagedObjectNotFound");
}

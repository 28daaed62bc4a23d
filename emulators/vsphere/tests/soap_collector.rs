//! Reading and watching properties: what is asked for is found, and what cannot be asked for is refused.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use std::time::Duration;

use soap_support::client::{Client, between, call};
use soap_support::{BARE, DB, WEB};
use switchback_vsphere::soap::Attempt;

const COLLECTOR: (&str, &str) = ("PropertyCollector", "propertyCollector");

/// Wants some properties of one object.
fn spec(tag: &str, (kind, id): (&str, &str), paths: &[&str]) -> String {
    let paths: String = paths.iter().map(|path| format!("<pathSet>{path}</pathSet>")).collect();
    format!(
        "<{tag}><propSet><type>{kind}</type>{paths}</propSet><objectSet><obj type=\"{kind}\">{id}</obj></objectSet></{tag}>"
    )
}

/// From the root to all machines, by ways with names.
fn way_to_machines(last: &str) -> String {
    let link = |name: &str| format!("<selectSet><name>{name}</name></selectSet>");
    format!(
        "<specSet><propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet><objectSet>\
         <obj type=\"Folder\">group-d1</obj><skip>true</skip>\
         <selectSet xsi:type=\"TraversalSpec\"><name>down</name><type>Folder</type><path>childEntity</path>{}{}</selectSet>\
         <selectSet xsi:type=\"TraversalSpec\"><name>in</name><type>Datacenter</type><path>vmFolder</path>{}</selectSet>\
         </objectSet></specSet>",
        link("down"),
        link("in"),
        link(last)
    )
}

fn names(answer: &str) -> Vec<&str> {
    let found = answer.split("<val xsi:type=\"xsd:string\">").skip(1);
    found.map(|rest| rest.split('<').next().unwrap_or_default()).collect()
}

#[test]
fn ways_lead_to_each_other_by_name() {
    let mut client = Client::logged_in();
    let answer = client.ok(&call(COLLECTOR, "RetrieveProperties", &way_to_machines("down")));
    assert_eq!(names(&answer), ["mt", "web", "db &lt;1&gt;", "raw", "bare", "lent"]);
    assert_eq!(
        client.fault(&call(COLLECTOR, "RetrieveProperties", &way_to_machines("nowhere"))),
        "InvalidArgument"
    );
}

#[test]
fn a_way_in_circles_ends() {
    let mut client = Client::logged_in();
    let circle = "<specSet><propSet><type>ManagedEntity</type><pathSet>name</pathSet></propSet><objectSet>\
        <obj type=\"Folder\">group-v3</obj>\
        <selectSet xsi:type=\"TraversalSpec\"><name>up</name><type>ManagedEntity</type><path>parent</path>\
        <selectSet><name>up</name></selectSet><selectSet><name>down</name></selectSet></selectSet>\
        <selectSet xsi:type=\"TraversalSpec\"><name>down</name><type>Folder</type><path>childEntity</path>\
        <selectSet><name>up</name></selectSet><selectSet><name>down</name></selectSet></selectSet>\
        </objectSet></specSet>";
    let answer = client.ok(&call(COLLECTOR, "RetrieveProperties", circle));
    assert_eq!(answer.matches("<obj ").count(), 9, "the folder, two above it, and six machines: {answer}");
}

#[test]
fn pages_are_dealt_out_once() {
    let mut client = Client::logged_in();
    let first = way_to_machines("down") + "<options><maxObjects>4</maxObjects></options>";
    let answer = client.ok(&call(COLLECTOR, "RetrievePropertiesEx", &first));
    assert_eq!(names(&answer).len(), 4);
    let token = format!("<token>{}</token>", between(&answer, "<token>", "<"));
    let answer = client.ok(&call(COLLECTOR, "ContinueRetrievePropertiesEx", &token));
    assert_eq!((names(&answer).len(), answer.contains("<token>")), (2, false));
    assert_eq!(client.fault(&call(COLLECTOR, "ContinueRetrievePropertiesEx", &token)), "InvalidArgument");

    let answer = client.ok(&call(COLLECTOR, "RetrievePropertiesEx", &first));
    let token = format!("<token>{}</token>", between(&answer, "<token>", "<"));
    client.ok(&call(COLLECTOR, "CancelRetrievePropertiesEx", &token));
    assert_eq!(client.fault(&call(COLLECTOR, "ContinueRetrievePropertiesEx", &token)), "InvalidArgument");
    for size in ["0", "-1"] {
        let none = way_to_machines("down") + &format!("<options><maxObjects>{size}</maxObjects></options>");
        assert_eq!(client.fault(&call(COLLECTOR, "RetrievePropertiesEx", &none)), "InvalidArgument");
    }
}

#[test]
fn a_machine_that_is_gone_by_its_page_is_told_so() {
    let mut client = Client::logged_in();
    let first = way_to_machines("down") + "<options><maxObjects>4</maxObjects></options>";
    let answer = client.ok(&call(COLLECTOR, "RetrievePropertiesEx", &first));
    let token = format!("<token>{}</token>", between(&answer, "<token>", "<"));
    client.world.vcenter.remove_machine(client.world.now, BARE).expect("it is removed");
    let answer = client.ok(&call(COLLECTOR, "ContinueRetrievePropertiesEx", &token));
    assert!(
        answer.contains("<missingSet><path>name</path>") && answer.contains("ManagedObjectNotFound"),
        "{answer}"
    );
}

#[test]
fn what_cannot_be_told_is_missing_and_what_is_not_there_is_refused() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    let retrieve = |body: &str| call(COLLECTOR, "RetrieveProperties", body);
    let answer = client.ok(&retrieve(&spec("specSet", machine, &["name", "resourceConfig", "snapshot"])));
    assert_eq!(names(&answer), ["web"]);
    assert_eq!(answer.matches("<missingSet>").count(), 1, "an unset property is not missing");
    assert!(answer.contains("<path>resourceConfig</path>") && answer.contains("NotSupported"));
    let refused = [
        (spec("specSet", machine, &["nonsense"]), "InvalidProperty"),
        (spec("specSet", machine, &["name.more"]), "InvalidProperty"),
        (
            spec("specSet", machine, &["name"]).replace("<type>VirtualMachine", "<type>Nonsense"),
            "InvalidType",
        ),
        (spec("specSet", ("VirtualMachine", "vm-999"), &["name"]), "ManagedObjectNotFound"),
        (spec("specSet", ("HostSystem", &web), &["name"]), "ManagedObjectNotFound"),
        (spec("specSet", machine, &["name"]).replace("<propSet>", "<propSet><x/>"), "InvalidRequest"),
        ("<specSet/>".to_owned(), "InvalidRequest"),
        (String::new(), "InvalidRequest"),
    ];
    for (body, fault) in refused {
        assert_eq!(client.fault(&retrieve(&body)), fault, "{body}");
    }
    let tolerant = spec("specSet", ("VirtualMachine", "vm-999"), &["name"]).replace(
        "</specSet>",
        "<reportMissingObjectsInResults>true</reportMissingObjectsInResults></specSet>",
    );
    let answer = client.ok(&call(COLLECTOR, "RetrievePropertiesEx", &(tolerant + "<options/>")));
    assert!(!answer.contains("returnval"), "nothing is found: {answer}");
}

/// Watches the power of a machine; gives the filter.
fn watch(client: &mut Client, id: &str) -> String {
    let filter = spec("spec", ("VirtualMachine", id), &["runtime.powerState"])
        + "<partialUpdates>true</partialUpdates>";
    let answer = client.ok(&call(COLLECTOR, "CreateFilter", &filter));
    between(&answer, "<returnval type=\"PropertyFilter\">", "<").to_owned()
}

fn check(client: &mut Client, version: &str) -> String {
    client.ok(&call(COLLECTOR, "CheckForUpdates", &format!("<version>{version}</version>")))
}

#[test]
fn changes_are_told_once() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let filter = watch(&mut client, &web);
    let first = check(&mut client, "");
    assert!(first.contains("<kind>enter</kind>") && first.contains(">poweredOff<"));
    let version = between(&first, "<version>", "<").to_owned();
    assert!(!check(&mut client, &version).contains("returnval"));

    client.world.vcenter.power_on(client.world.now, WEB).expect("it starts");
    client.world.vcenter.power_on(client.world.now, DB).expect("it starts, and nobody watches it");
    let second = check(&mut client, &version);
    assert!(second.contains("<kind>modify</kind>") && second.contains(">poweredOn<"));
    assert_eq!(second.matches("<objectSet>").count(), 1);
    let newer = between(&second, "<version>", "<").to_owned();
    for stale in [version.as_str(), "77", "x"] {
        let body = call(COLLECTOR, "CheckForUpdates", &format!("<version>{stale}</version>"));
        assert_eq!(client.fault(&body), "InvalidCollectorVersion");
    }

    client.world.vcenter.power_off(client.world.now, WEB).expect("it stops");
    client.world.vcenter.remove_machine(client.world.now, WEB).expect("it is removed");
    let third = check(&mut client, &newer);
    assert!(third.contains("<kind>leave</kind>"), "{third}");

    client.ok(&call(("PropertyFilter", &filter), "DestroyPropertyFilter", ""));
    let again = call(("PropertyFilter", &filter), "DestroyPropertyFilter", "");
    assert_eq!(client.fault(&again), "ManagedObjectNotFound");
}

#[test]
fn a_wait_ends_with_a_change_or_with_its_time() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    client.world.vcenter.power_on(client.world.now, WEB).expect("it starts");
    watch(&mut client, &web);
    let version = between(&check(&mut client, ""), "<version>", "<").to_owned();
    let wait = |seconds: &str| {
        let options = format!(
            "<version>{version}</version><options><maxWaitSeconds>{seconds}</maxWaitSeconds></options>"
        );
        call(COLLECTOR, "WaitForUpdatesEx", &options)
    };
    let before = client.world.now;
    assert!(!client.ok(&wait("7")).contains("returnval"));
    assert_eq!(client.world.now - before, Duration::from_secs(7));
    assert!(!client.ok(&wait("0")).contains("returnval"));
    assert_eq!(client.world.now - before, Duration::from_secs(7), "who does not want to wait does not");

    client.ok(&call(("VirtualMachine", &web), "ShutdownGuest", ""));
    let told = client.ok(&wait("600"));
    assert!(told.contains(">poweredOff<"));
    assert_eq!(client.world.now - before, Duration::from_secs(27), "it was told at once");
    assert_eq!(client.fault(&wait("-1")), "InvalidArgument");
}

#[test]
fn a_wait_without_an_end_is_let_go() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    watch(&mut client, &web);
    let version = format!("<version>{}</version>", between(&check(&mut client, ""), "<version>", "<"));
    let before = client.world.now;
    assert_eq!(client.fault(&call(COLLECTOR, "WaitForUpdates", &version)), "RequestCanceled");
    assert_eq!(client.world.now - before, Duration::from_secs(1_800));
    assert!(!client.ok(&call(COLLECTOR, "WaitForUpdatesEx", &version)).contains("returnval"));
}

#[test]
fn a_wait_can_be_tried_in_parts_and_canceled() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    watch(&mut client, &web);
    let version = format!("<version>{}</version>", between(&check(&mut client, ""), "<version>", "<"));
    let wait = call(COLLECTOR, "WaitForUpdates", &version);
    let limit = Duration::from_secs(1_800);
    assert_eq!(client.attempt(&wait, Duration::ZERO), Attempt::Waits(limit));
    assert_eq!(
        client.attempt(&wait, Duration::from_secs(60)),
        Attempt::Waits(limit - Duration::from_secs(60))
    );
    client.ok(&call(COLLECTOR, "CancelWaitForUpdates", ""));
    let Attempt::Answered(canceled) = client.attempt(&wait, Duration::from_secs(61)) else {
        panic!("it waits on")
    };
    assert_eq!(canceled.status, 500);
    assert_eq!(client.attempt(&wait, Duration::ZERO), Attempt::Waits(limit), "the next call is not meant");
    client.ok(&call(COLLECTOR, "CancelWaitForUpdates", ""));
    assert_eq!(client.attempt(&wait, Duration::ZERO), Attempt::Waits(limit), "nobody waited");
}

#[test]
fn so_many_objects_at_a_time_are_told() {
    let mut client = Client::logged_in();
    for machine in [WEB, DB, BARE] {
        let id = client.world.id(machine);
        watch(&mut client, &id);
    }
    let two = "<options><maxObjectUpdates>2</maxObjectUpdates></options>";
    let first = client.ok(&call(COLLECTOR, "WaitForUpdatesEx", &format!("<version></version>{two}")));
    assert_eq!(first.matches("<kind>enter").count(), 2);
    assert!(first.contains("<truncated>true<"));
    let version = format!("<version>{}</version>{two}", between(&first, "<version>", "<"));
    let second = client.ok(&call(COLLECTOR, "WaitForUpdatesEx", &version));
    assert_eq!(second.matches("<kind>enter").count(), 1);
    assert!(second.contains("<truncated>false<"));
}

#[test]
fn collectors_do_not_disturb_each_other() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    watch(&mut client, &web);
    let answer = client.ok(&call(COLLECTOR, "CreatePropertyCollector", ""));
    let own = between(&answer, "<returnval type=\"PropertyCollector\">", "<").to_owned();
    let own = ("PropertyCollector", own.as_str());
    assert!(!client.ok(&call(own, "CheckForUpdates", "")).contains("returnval"), "it has no filters");
    let filter = spec("spec", ("VirtualMachine", &web), &["name"]) + "<partialUpdates>false</partialUpdates>";
    client.ok(&call(own, "CreateFilter", &filter));
    assert!(client.ok(&call(own, "CheckForUpdates", "")).contains(">web<"));
    assert!(check(&mut client, "").contains(">poweredOff<"));
    client.ok(&call(own, "DestroyPropertyCollector", ""));
    assert_eq!(client.fault(&call(own, "CheckForUpdates", "")), "ManagedObjectNotFound");
    assert_eq!(client.fault(&call(COLLECTOR, "DestroyPropertyCollector", "")), "NotSupported");
}

#[test]
fn a_filter_of_what_is_not_there_is_refused_at_once() {
    let mut client = Client::logged_in();
    for (object, paths, fault) in [
        (("VirtualMachine", "vm-999"), ["name"], "ManagedObjectNotFound"),
        (("Folder", "group-d1"), ["nonsense"], "InvalidProperty"),
    ] {
        let filter = spec("spec", object, &paths) + "<partialUpdates>false</partialUpdates>";
        assert_eq!(client.fault(&call(COLLECTOR, "CreateFilter", &filter)), fault);
    }
}

//! Everything there is, in every state it can be in: whatever is told of it is what the interface promises.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use std::collections::BTreeSet;

use soap_support::client::{Client, between, call};
use soap_support::{BARE, DB, RAW, WEB};
use switchback_vsphere::{Consequence, DatastoreMoid, HostMoid};

const TYPES: &str = include_str!("../src/soap/types.tsv");

/// Objects of every kind that is shown, as (type, id). Machines are in the states that `client` has put them into.
fn objects(client: &mut Client) -> Vec<(String, String)> {
    let view = client.ok(&call(
        ("ViewManager", "ViewManager"),
        "CreateContainerView",
        "<container type=\"Folder\">group-d1</container><recursive>true</recursive>",
    ));
    let view = between(&view, "<returnval type=\"ContainerView\">", "<").to_owned();
    let seen = client.fetch(("ContainerView", &view), "view");
    let mut objects = references(&seen);
    for (property, kinds) in [
        ("environmentBrowser", "VirtualMachine ClusterComputeResource"),
        ("datastoreBrowser", "HostSystem"),
        ("browser", "Datastore"),
        ("recentTask", "VirtualMachine"),
        ("rootSnapshot", "VirtualMachine"),
    ] {
        for (kind, id) in objects.clone().iter().filter(|(kind, _)| kinds.contains(kind.as_str())) {
            objects.extend(references(&client.fetch((kind, id), property)));
        }
    }
    let fixed = [
        ("Folder", "group-d1"),
        ("ServiceInstance", "ServiceInstance"),
        ("SessionManager", "SessionManager"),
        ("ViewManager", "ViewManager"),
        ("TaskManager", "TaskManager"),
        ("SearchIndex", "SearchIndex"),
        ("PropertyCollector", "propertyCollector"),
        ("ContainerView", &view),
    ];
    objects.extend(fixed.map(|(kind, id)| (kind.to_owned(), id.to_owned())));
    objects
}

/// References in a value, as (type, id).
fn references(value: &str) -> Vec<(String, String)> {
    let found = value.split(" type=\"").skip(1).filter_map(|rest| rest.split_once("\">"));
    found
        .map(|(kind, rest)| (kind.to_owned(), rest.split('<').next().unwrap_or_default().to_owned()))
        .collect()
}

/// The properties of a type of managed objects, with whether each has to be set.
fn properties(kind: &str) -> Vec<(&'static str, bool)> {
    let row = TYPES.lines().find(|line| line.starts_with(&format!("managed\t{kind}\t")));
    let cells: Vec<_> = row.expect("the type is listed").split('\t').collect();
    let own = cells.iter().skip(4).filter_map(|cell| cell.split_once(':'));
    let mut all: Vec<_> = own.map(|(name, rest)| (name, !rest.contains('?'))).collect();
    if cells[2] != "-" {
        all.extend(properties(cells[2]));
    }
    all
}

/// Reads every property of everything, one by one. Gives what is not emulated, as `Type.property`.
fn read_all(client: &mut Client) -> BTreeSet<String> {
    let mut not_emulated = BTreeSet::new();
    for (kind, id) in objects(client) {
        for (property, required) in properties(&kind) {
            let arguments = format!("<prop>{property}</prop>");
            let response = client.call((&kind, &id), "Fetch", &arguments);
            let answer = String::from_utf8_lossy(&response.body).into_owned();
            match response.status {
                200 => {
                    assert!(!required || answer.contains("<returnval"), "{kind}.{property} of {id} is unset")
                }
                _ => {
                    assert!(answer.contains("NotSupportedFault"), "{answer}");
                    not_emulated
                        .insert(format!("{kind}.{property}{}", if required { " (required)" } else { "" }));
                }
            }
        }
    }
    not_emulated
}

/// A site after something of everything was done to it.
fn busy() -> Client {
    let mut client = Client::logged_in();
    for machine in [WEB, RAW, BARE] {
        client.world.vcenter.power_on(client.world.now, machine).expect("it starts");
    }
    client.world.vcenter.power_on(client.world.now, WEB).expect_err("it runs");
    for machine in [WEB, DB] {
        let vm = client.world.vcenter.machine(machine).expect("it is there").moid;
        for name in ["one", "two & three"] {
            client.world.vcenter.take_snapshot(client.world.now, vm, name).expect("it is taken");
        }
    }
    client
}

#[test]
fn what_is_required_is_there_but_for_a_few() {
    let not_emulated = read_all(&mut busy());
    let required: Vec<_> = not_emulated.iter().filter(|name| name.contains("required")).collect();
    assert_eq!(required, ["HostSystem.licensableResource (required)", "TaskManager.description (required)"]);
}

#[test]
fn a_site_in_ruins_is_told_of_as_well() {
    let mut client = busy();
    let hosts: Vec<HostMoid> = client.world.vcenter.hosts().map(|host| host.moid).collect();
    let stores: Vec<DatastoreMoid> = client.world.vcenter.datastores().map(|store| store.moid).collect();
    let stopped = client.world.vcenter.lose_host(hosts[0]).expect("it is there");
    assert!(stopped.contains(&Consequence::MachineStopped(WEB)));
    client.world.vcenter.set_accessible(stores[2], false).expect("it is there");
    read_all(&mut client);
    let (web, raw) = (client.world.id(WEB), client.world.id(RAW));
    let host = hosts[0].to_string();
    let connection = |text: &str| between(text, "<connectionState>", "<").to_owned();
    assert_eq!(connection(&client.fetch(("VirtualMachine", &web), "runtime")), "disconnected");
    assert_eq!(connection(&client.fetch(("VirtualMachine", &raw), "runtime")), "inaccessible");
    assert_eq!(connection(&client.fetch(("HostSystem", &host), "runtime")), "notResponding");
    assert!(client.fetch(("HostSystem", &host), "overallStatus").contains(">red<"));
}

#[test]
fn clients_of_every_age_are_served() {
    for version in ["6.0", "6.5", "6.7", "7.0.0.0", "7.0.3.0", "8.0.3.0", "9.1.1.0", "unheard-of"] {
        let mut client = busy();
        client.version = version;
        for (kind, id) in objects(&mut client) {
            let spec = format!(
                "<specSet><propSet><type>{kind}</type><all>true</all></propSet>\
                 <objectSet><obj type=\"{kind}\">{id}</obj></objectSet></specSet><options/>"
            );
            client.ok(&call(("PropertyCollector", "propertyCollector"), "RetrievePropertiesEx", &spec));
        }
    }
}

#[test]
fn an_old_client_is_not_told_what_is_newer() {
    let mut client = busy();
    let web = client.world.id(WEB);
    assert!(client.fetch(("VirtualMachine", &web), "runtime").contains("vmFailoverInProgress"));
    client.version = "6.5";
    assert!(!client.fetch(("VirtualMachine", &web), "runtime").contains("vmFailoverInProgress"));
}

#[test]
fn a_host_that_is_none_of_vcenters_is_not_shown() {
    let mut client = busy();
    let seen = objects(&mut client);
    let count = |kind: &str| seen.iter().filter(|(other, _)| other == kind).count();
    assert_eq!((count("HostSystem"), count("ClusterComputeResource"), count("ComputeResource")), (3, 1, 1));
    let hidden = client.world.vcenter.hosts().last().expect("it is there").moid.to_string();
    let vm = client.world.id(soap_support::HIDDEN);
    assert_eq!(
        client.fault(&call(("HostSystem", &hidden), "Fetch", "<prop>name</prop>")),
        "ManagedObjectNotFound"
    );
    assert_eq!(
        client.fault(&call(("VirtualMachine", &vm), "Fetch", "<prop>name</prop>")),
        "ManagedObjectNotFound"
    );
}

#[test]
fn disks_have_places_on_controllers_and_chains_of_files() {
    let mut client = busy();
    let web = client.world.id(WEB);
    let hardware = client.fetch(("VirtualMachine", &web), "config.hardware");
    let disks: Vec<_> = hardware.split("xsi:type=\"VirtualDisk\"").skip(1).collect();
    assert_eq!(disks.len(), 17);
    let place = |disk: &str| {
        let number = |name: &str| between(disk, &format!("<{name}>"), "<").to_owned();
        (number("controllerKey"), number("unitNumber"))
    };
    let places: BTreeSet<_> = disks.iter().map(|disk| place(disk)).collect();
    assert_eq!(places.len(), 17, "each has a place of its own");
    assert!(!places.iter().any(|(_, unit)| unit == "7"), "the controller has that place");
    let names: Vec<_> = disks[1].split("<fileName>").skip(1).map(|rest| rest.split('<').next()).collect();
    let expected = ["[vmfs] web/web_1-000002.vmdk", "[vmfs] web/web_1-000001.vmdk", "[vmfs] web/web_1.vmdk"];
    assert_eq!(names, expected.map(Some));
    let path = "config.hardware.device[2000].backing.fileName";
    assert!(client.fetch(("VirtualMachine", &web), path).contains(">[vmfs] web/web-000002.vmdk<"));
    assert_eq!(client.fetch(("VirtualMachine", &web), "config.hardware.device[1].key"), "");
}

#[test]
fn lent_disks_are_at_the_master_target_too() {
    let mut client = Client::logged_in();
    let lent = client.world.id(soap_support::LENT);
    let mt =
        client.world.vcenter.machines().find(|vm| vm.name == "mt").expect("it is there").moid.to_string();
    for id in [lent, mt] {
        let hardware = client.fetch(("VirtualMachine", &id), "config.hardware");
        assert!(hardware.contains("[vmfs] lent/lent.vmdk") && hardware.contains("[vmfs] lent/lent_1.vmdk"));
    }
}

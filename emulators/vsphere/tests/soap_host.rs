//! One ESXi host that answers for itself: what is on it and nothing else, also while there is no vCenter.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use soap_support::client::{Client, between, call, request};
use soap_support::{BARE, DB, HIDDEN, WEB};
use switchback_vsphere::HostMoid;
use switchback_vsphere::soap::{Request, Vim};

const FOLDER: (&str, &str) = ("Folder", "ha-folder-vm");

/// A client of the host at that place in the list, logged in.
fn client_of(place: usize) -> Client {
    let mut client = Client::new();
    let host: HostMoid = client.world.vcenter.hosts().nth(place).expect("it is there").moid;
    client.vim = Vim::of_host(host);
    client.ok(&call(
        ("SessionManager", "ha-sessionmgr"),
        "Login",
        "<userName>root</userName><password>password</password>",
    ));
    client
}

/// Everything of a kind that the host shows, as ids.
fn seen(client: &mut Client, kind: &str) -> Vec<String> {
    let arguments = format!(
        "<container type=\"Folder\">ha-folder-root</container><type>{kind}</type><recursive>true</recursive>"
    );
    let view = client.ok(&call(("ViewManager", "ViewManager"), "CreateContainerView", &arguments));
    let view = between(&view, "<returnval type=\"ContainerView\">", "<").to_owned();
    let seen = client.fetch(("ContainerView", &view), "view");
    let ids = seen.split(" type=\"").skip(1).filter_map(|rest| rest.split_once("\">"));
    ids.map(|(_, rest)| rest.split('<').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_host_shows_itself_and_what_is_on_it() {
    let mut client = client_of(0);
    let content = client.ok(&call(("ServiceInstance", "ServiceInstance"), "RetrieveServiceContent", ""));
    assert_eq!(between(&content, "<apiType>", "<"), "HostAgent");
    assert_eq!(between(&content, "<rootFolder type=\"Folder\">", "<"), "ha-folder-root");
    assert!(content.contains("VMware ESXi 8.0.3") && !content.contains("instanceUuid"));
    let (web, bare) = (client.world.id(WEB), client.world.id(BARE));
    assert_eq!(seen(&mut client, "VirtualMachine"), [web.clone(), bare]);
    let table = [
        ("Datacenter", "ha-datacenter"),
        ("HostSystem", "ha-host"),
        ("ComputeResource", "ha-compute-res"),
        ("ResourcePool", "ha-root-pool"),
    ];
    for (kind, id) in table {
        assert_eq!(seen(&mut client, kind), [id]);
        assert!(client.fetch((kind, id), "parent").contains("ha-"), "{kind}");
    }
    assert!(client.fetch(("Datacenter", "ha-datacenter"), "name").contains(">ha-datacenter<"));
    assert!(client.fetch(("HostSystem", "ha-host"), "name").contains(">esx0<"));
    assert!(client.fetch(("VirtualMachine", &web), "runtime").contains(">ha-host<"));
    let path = "<inventoryPath>ha-datacenter/vm/web</inventoryPath>";
    let found = client.ok(&call(("SearchIndex", "ha-searchindex"), "FindByInventoryPath", path));
    assert_eq!(between(&found, "<returnval type=\"VirtualMachine\">", "<"), web);
}

#[test]
fn what_is_elsewhere_is_not_there() {
    let mut client = client_of(0);
    let (db, host) = (client.world.id(DB), client.world.vcenter.hosts().next().expect("it is there").moid);
    let elsewhere = [
        ("VirtualMachine", db.as_str()),
        ("Folder", "group-d1"),
        ("HostSystem", &host.to_string()),
        ("SessionManager", "SessionManager"),
    ];
    for object in elsewhere {
        let property = if object.0 == "SessionManager" { "defaultLocale" } else { "name" };
        let read = call(object, "Fetch", &format!("<prop>{property}</prop>"));
        assert_eq!(client.fault(&read), "ManagedObjectNotFound", "{object:?}");
    }
    assert!(seen(&mut client, "ClusterComputeResource").is_empty(), "it knows of no cluster");
    let mut other = client_of(3);
    assert_eq!(seen(&mut other, "VirtualMachine"), [other.world.id(HIDDEN)], "no vCenter looks after it");
}

#[test]
fn everything_that_a_host_tells_is_what_the_interface_promises() {
    let mut client = client_of(0);
    client.world.vcenter.power_on(client.world.now, WEB).expect("it starts");
    for kind in [
        "Folder",
        "Datacenter",
        "ComputeResource",
        "HostSystem",
        "ResourcePool",
        "Datastore",
        "VirtualMachine",
    ] {
        for id in seen(&mut client, kind) {
            let spec = format!(
                "<specSet><propSet><type>{kind}</type><all>true</all></propSet>\
                 <objectSet><obj type=\"{kind}\">{id}</obj></objectSet></specSet><options/>"
            );
            let told =
                client.ok(&call(("PropertyCollector", "propertyCollector"), "RetrievePropertiesEx", &spec));
            assert!(!told.contains(">group-") && !told.contains(">resgroup-"), "{told}");
        }
    }
}

#[test]
fn machines_are_powered_kept_made_and_registered_there() {
    let mut client = client_of(0);
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    client.done(machine, "PowerOnVM_Task", "");
    client.done(machine, "PowerOffVM_Task", "");
    let snapshot = "<name>one</name><memory>false</memory><quiesce>false</quiesce>";
    client.done(machine, "CreateSnapshot_Task", snapshot);
    client.done(machine, "RemoveAllSnapshots_Task", "");

    let pool = "<pool type=\"ResourcePool\">ha-root-pool</pool>";
    let config = "<config><name>new</name><files><vmPathName>[vmfs]</vmPathName></files></config>";
    let made = client.done(FOLDER, "CreateVM_Task", &format!("{config}{pool}"));
    client.ok(&call(("VirtualMachine", &made), "UnregisterVM", ""));
    assert_eq!(seen(&mut client, "VirtualMachine").len(), 2);
    let path = "<path>[vmfs] new/new.vmx</path><name>again</name><asTemplate>false</asTemplate>";
    let again = client.done(FOLDER, "RegisterVM_Task", &format!("{path}{pool}"));
    assert!(client.fetch(("VirtualMachine", &again), "name").contains(">again<"));
    assert_eq!(seen(&mut client, "VirtualMachine").len(), 3);
    client.done(("VirtualMachine", &again), "Destroy_Task", "");
    assert_eq!(seen(&mut client, "VirtualMachine").len(), 2);
}

#[test]
fn what_takes_a_vcenter_is_refused() {
    let mut client = client_of(0);
    let web = client.world.id(WEB);
    let machine = ("VirtualMachine", web.as_str());
    let clone = "<folder type=\"Folder\">ha-folder-vm</folder><name>copy</name>\
        <spec><location/><powerOn>false</powerOn><template>false</template></spec>";
    let move_to = "<host type=\"HostSystem\">ha-host</host><priority>defaultPriority</priority>";
    assert_eq!(client.fault(&call(machine, "CloneVM_Task", clone)), "NotSupported");
    assert_eq!(client.fault(&call(machine, "MigrateVM_Task", move_to)), "NotSupported");
    assert_eq!(client.fault(&call(machine, "RelocateVM_Task", "<spec/>")), "NotSupported");
    assert_eq!(client.fault(&call(("HostSystem", "ha-host"), "DisconnectHost_Task", "")), "NotSupported");
    for path in ["/sdk/vim25/8.0.3.0/ServiceInstance/ServiceInstance/content", "/api/vcenter/system"] {
        let asked = Request { method: "GET", path, ..request(b"", None, None) };
        assert_eq!(client.vim.answer(&asked, &mut client.world).status, 404, "{path}");
    }
}

#[test]
fn a_host_answers_while_there_is_no_vcenter_and_not_when_it_is_down() {
    let mut client = client_of(0);
    let web = client.world.id(WEB);
    client.world.vcenter.lose_vcenter();
    client.done(("VirtualMachine", &web), "PowerOnVM_Task", "");
    let host = client.world.vcenter.hosts().next().expect("it is there").moid;
    client.world.vcenter.lose_host(host).expect("it is there");
    let asked = Request { method: "GET", path: "/sdk/vimServiceVersions.xml", ..request(b"", None, None) };
    assert_eq!(client.vim.answer(&asked, &mut client.world).status, 503);
    let mut vcenter = Client::new();
    vcenter.world.vcenter.lose_vcenter();
    assert_eq!(vcenter.vim.answer(&asked, &mut vcenter.world).status, 503, "the vCenter does not");
}

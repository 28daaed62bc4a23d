//! Machines that clients make, change, move, unregister, register and delete; their snapshots; and disks that go out and come in.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use soap_support::client::{Client, between, call};
use soap_support::{BARE, LENT, WEB};
use switchback_disks::vmdk::StreamReader;

const MACHINES: (&str, &str) = ("Folder", "group-v3");
const VMFS: &str = "dcPath=dc0&dsName=vmfs";
const SNAPSHOT: &str =
    "<name>before</name><description>the change</description><memory>false</memory><quiesce>false</quiesce>";

fn pool(client: &Client) -> String {
    let cluster = client.world.vcenter.clusters().next().expect("there is one").moid.0;
    format!("<pool type=\"ResourcePool\">resgroup-{cluster}</pool>")
}

fn disk(kib: u64) -> String {
    format!(
        "<deviceChange><operation>add</operation><fileOperation>create</fileOperation><device xsi:type=\"VirtualDisk\">\
         <key>-1</key><backing xsi:type=\"VirtualDiskFlatVer2BackingInfo\"><fileName></fileName>\
         <diskMode>persistent</diskMode></backing><capacityInKB>{kib}</capacityInKB></device></deviceChange>"
    )
}

fn config(name: &str, rest: &str) -> String {
    format!(
        "<config><name>{name}</name><files><vmPathName>[vmfs]</vmPathName></files><numCPUs>4</numCPUs>\
         <memoryMB>2048</memoryMB>{rest}</config>"
    )
}

/// Makes a machine with a disk of 1 MiB.
fn make(client: &mut Client, name: &str) -> String {
    let arguments = format!("{}{}", config(name, &disk(1_024)), pool(client));
    client.done(MACHINES, "CreateVM_Task", &arguments)
}

fn set(spec: &str) -> String {
    format!("<spec>{spec}</spec>")
}

fn free(client: &Client) -> u64 {
    client.world.vcenter.datastores().map(|store| store.free_bytes()).sum()
}

#[test]
fn a_machine_is_made_runs_and_is_gone_without_a_trace() {
    let mut client = Client::logged_in();
    let before = free(&client);
    let vm = make(&mut client, "new");
    let object = ("VirtualMachine", vm.as_str());
    let hardware = client.fetch(object, "config.hardware");
    assert!(
        hardware.contains("<numCPU>4</numCPU>") && hardware.contains("<memoryMB>2048</memoryMB>"),
        "{hardware}"
    );
    assert!(
        hardware.contains("[vmfs] new/new.vmdk") && hardware.contains("<capacityInKB>1024</capacityInKB>")
    );
    assert_eq!(client.download("/folder/new/new-flat.vmdk", VMFS), vec![0; 1 << 20]);
    client.done(object, "PowerOnVM_Task", "");
    assert_eq!(client.failed(object, "Destroy_Task", ""), "InvalidPowerState");
    assert_eq!(client.fault(&call(object, "UnregisterVM", "")), "InvalidPowerState");
    client.done(object, "ResetVM_Task", "");
    client.done(object, "PowerOffVM_Task", "");
    client.done(object, "Destroy_Task", "");
    assert_eq!(client.file("GET", "/folder/new/new-flat.vmdk", VMFS, None).status, 404);
    assert_eq!(client.file("GET", "/folder/new", VMFS, None).status, 404);
    assert_eq!(free(&client), before);
    assert_eq!(client.fault(&call(object, "Fetch", "<prop>name</prop>")), "ManagedObjectNotFound");
}

#[test]
fn a_machine_that_cannot_be_made_leaves_nothing() {
    let mut client = Client::logged_in();
    let before = free(&client);
    let with = |client: &Client, name: &str, rest: &str| format!("{}{}", config(name, rest), pool(client));
    let taken = with(&client, "web", "");
    assert_eq!(client.failed(MACHINES, "CreateVM_Task", &taken), "DuplicateName");
    let large = with(&client, "large", &format!("{}{}", disk(1_024), disk(2 << 30)));
    assert_eq!(client.failed(MACHINES, "CreateVM_Task", &large), "NoDiskSpace");
    let odd = with(&client, "odd", "<vAssertsEnabled>true</vAssertsEnabled>");
    assert_eq!(client.failed(MACHINES, "CreateVM_Task", &odd), "NotSupported");
    assert_eq!(free(&client), before);
    assert_eq!(client.file("GET", "/folder/large", VMFS, None).status, 404);
    assert!(client.world.vcenter.machines().all(|vm| vm.name != "large"));
}

#[test]
fn a_machine_that_replication_knows_is_deleted_for_it_too() {
    let mut client = Client::logged_in();
    let id = client.world.id(BARE);
    client.done(("VirtualMachine", &id), "Destroy_Task", "");
    assert!(client.world.vcenter.machine(BARE).is_none());
    let lent = client.world.id(LENT);
    assert_eq!(client.failed(("VirtualMachine", &lent), "Destroy_Task", ""), "FileLocked");
}

#[test]
fn a_machine_comes_back_from_its_files() {
    let mut client = Client::logged_in();
    let id = client.world.id(BARE);
    client.ok(&call(("VirtualMachine", &id), "UnregisterVM", ""));
    assert!(client.world.vcenter.machine(BARE).is_none());
    assert_eq!(client.download("/folder/bare/bare-flat.vmdk", VMFS).len(), 1 << 20);
    let path = |path: &str| format!("<path>[vmfs] {path}</path><asTemplate>false</asTemplate>");
    let arguments = |client: &Client, at: &str| format!("{}{}", path(at), pool(client));
    let nothing = arguments(&client, "bare/nothing.vmx");
    assert_eq!(client.failed(MACHINES, "RegisterVM_Task", &nothing), "FileNotFound");
    let own = arguments(&client, "bare/bare.vmx");
    client.done(MACHINES, "RegisterVM_Task", &own);
    assert_eq!(client.world.vcenter.machine(BARE).expect("it is back").name, "bare");
    assert_eq!(client.failed(MACHINES, "RegisterVM_Task", &own), "AlreadyExists");
}

#[test]
fn a_configuration_that_was_sent_is_a_machine() {
    let mut client = Client::logged_in();
    let vm = make(&mut client, "moved");
    client.ok(&call(("VirtualMachine", &vm), "UnregisterVM", ""));
    let vmx = String::from_utf8(client.download("/folder/moved/moved.vmx", VMFS)).expect("it is text");
    let other = vmx.replace("displayName = \"moved\"", "displayName = \"other\"");
    assert_eq!(client.upload("PUT", "/folder/moved/moved.vmx", VMFS, other.as_bytes()), 200);
    let arguments =
        format!("<path>[vmfs] moved/moved.vmx</path><asTemplate>false</asTemplate>{}", pool(&client));
    let registered = client.done(MACHINES, "RegisterVM_Task", &arguments);
    let object = ("VirtualMachine", registered.as_str());
    assert!(client.fetch(object, "name").contains(">other<"));
    assert!(client.fetch(object, "config.files.vmPathName").contains("[vmfs] moved/moved.vmx"));
    assert!(client.fetch(object, "config.hardware").contains("[vmfs] moved/moved.vmdk"));
    assert_eq!(client.upload("PUT", "/folder/broken.vmx", VMFS, b"no configuration"), 201);
    let broken = arguments.replace("moved/moved.vmx", "broken.vmx");
    assert_eq!(client.failed(MACHINES, "RegisterVM_Task", &broken), "InvalidVmConfig");
}

#[test]
fn disks_come_grow_and_go() {
    let mut client = Client::logged_in();
    let vm = make(&mut client, "grows");
    let object = ("VirtualMachine", vm.as_str());
    client.done(object, "ReconfigVM_Task", &set(&disk(2_048)));
    let change = |operation: &str, file: &str, key: i32, kib: u64| {
        set(&format!(
            "<deviceChange><operation>{operation}</operation>{file}<device xsi:type=\"VirtualDisk\"><key>{key}</key>\
             <capacityInKB>{kib}</capacityInKB></device></deviceChange>"
        ))
    };
    client.done(object, "ReconfigVM_Task", &change("edit", "", 2_001, 4_096));
    assert_eq!(client.download("/folder/grows/grows_1-flat.vmdk", VMFS).len(), 4 << 20);
    assert_eq!(client.failed(object, "ReconfigVM_Task", &change("edit", "", 2_001, 1)), "InvalidDeviceSpec");
    assert_eq!(
        client.failed(object, "ReconfigVM_Task", &change("edit", "", 2_009, 9_999)),
        "InvalidDeviceSpec"
    );
    client.done(object, "ReconfigVM_Task", &change("remove", "", 2_000, 1_024));
    assert!(client.fetch(object, "config.hardware").contains("<key>2001</key>"), "the other keeps its key");
    assert_eq!(client.download("/folder/grows/grows-flat.vmdk", VMFS).len(), 1 << 20, "the file stays");
    let destroy = "<fileOperation>destroy</fileOperation>";
    client.done(object, "ReconfigVM_Task", &change("remove", destroy, 2_001, 4_096));
    assert_eq!(client.file("GET", "/folder/grows/grows_1-flat.vmdk", VMFS, None).status, 404);
    let bare = client.world.id(BARE);
    client.done(("VirtualMachine", &bare), "ReconfigVM_Task", &change("edit", "", 2_000, 2_048));
    assert_eq!(client.world.vcenter.machine(BARE).expect("it is there").disks[0].sectors, 4_096);
    let known = change("remove", "", 2_000, 2_048);
    assert_eq!(client.failed(("VirtualMachine", &bare), "ReconfigVM_Task", &known), "NotSupported");
}

#[test]
fn a_clone_has_what_the_machine_has_and_lives_for_itself() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let spec = "<folder type=\"Folder\">group-v3</folder><name>web copy</name><spec><location></location>\
                <template>false</template><powerOn>false</powerOn></spec>";
    let clone = client.done(("VirtualMachine", &web), "CloneVM_Task", spec);
    let copied = client.download("/folder/web%20copy/web%20copy-flat.vmdk", VMFS);
    assert_eq!(copied, client.download("/folder/web/web-flat.vmdk", VMFS));
    assert_eq!(
        client.fetch(("VirtualMachine", &clone), "config.hardware").matches("capacityInKB").count(),
        34
    );
    assert_eq!(client.failed(("VirtualMachine", &web), "CloneVM_Task", spec), "DuplicateName");
    client.done(("VirtualMachine", &clone), "Destroy_Task", "");
    assert_eq!(client.download("/folder/web/web-flat.vmdk", VMFS), copied);
}

#[test]
fn a_machine_moves_with_its_files() {
    let mut client = Client::logged_in();
    let vm = make(&mut client, "mover");
    let object = ("VirtualMachine", vm.as_str());
    let id = |name: &str, client: &Client| {
        client
            .world
            .vcenter
            .datastores()
            .find(|store| store.name == name)
            .expect("it is there")
            .moid
            .to_string()
    };
    let to = format!("<spec><datastore type=\"Datastore\">{}</datastore></spec>", id("nfs", &client));
    client.done(object, "RelocateVM_Task", &to);
    let there = client.download("/folder/mover/mover-flat.vmdk", "dcPath=dc0&dsName=nfs");
    assert_eq!(there.len(), 1 << 20);
    assert_eq!(client.file("GET", "/folder/mover/mover-flat.vmdk", VMFS, None).status, 404);
    let hosts: Vec<_> = client.world.vcenter.hosts().map(|host| host.moid).collect();
    let host = format!("<spec><host type=\"HostSystem\">{}</host></spec>", hosts[1]);
    client.done(object, "RelocateVM_Task", &host);
    assert!(client.fetch(object, "runtime.host").contains(&hosts[1].to_string()));
    client.done(object, "Rename_Task", "<newName>settled</newName>");
    assert!(
        client.fetch(object, "config.files.vmPathName").contains("[nfs] mover/mover.vmx"),
        "files keep their names"
    );
}

#[test]
fn going_back_to_a_snapshot_gives_back_what_the_disk_held() {
    let mut client = Client::logged_in();
    let made = make(&mut client, "kept");
    for (vm, flat) in
        [(client.world.id(BARE), "/folder/bare/bare-flat.vmdk"), (made, "/folder/kept/kept-flat.vmdk")]
    {
        let object = ("VirtualMachine", vm.as_str());
        let first = client.download(flat, VMFS);
        let one = client.done(object, "CreateSnapshot_Task", SNAPSHOT);
        assert_eq!(client.upload("PUT", flat, VMFS, &first), 409, "a snapshot stands on it");
        client.done(object, "PowerOnVM_Task", "");
        client.done(object, "RevertToCurrentSnapshot_Task", "");
        assert!(client.fetch(object, "runtime.powerState").contains("poweredOff"));
        client.done(
            ("VirtualMachineSnapshot", &one),
            "RemoveSnapshot_Task",
            "<removeChildren>false</removeChildren>",
        );
        let mut second = first.clone();
        second[100_000..101_000].fill(7);
        assert_eq!(client.upload("PUT", flat, VMFS, &second), 200);
        let two = client.done(object, "CreateSnapshot_Task", SNAPSHOT);
        let three = client.done(object, "CreateSnapshot_Task", SNAPSHOT);
        client.done(("VirtualMachineSnapshot", &two), "RevertToSnapshot_Task", "");
        let four = client.done(object, "CreateSnapshot_Task", SNAPSHOT);
        let tree = client.fetch(object, "snapshot");
        assert_eq!(tree.matches("<childSnapshotList>").count(), 2, "two stand on one: {tree}");
        assert!(tree.contains(&format!("<currentSnapshot type=\"VirtualMachineSnapshot\">{four}")));
        assert_eq!(client.download(flat, VMFS), second);
        let all = "<removeChildren>true</removeChildren>";
        client.done(("VirtualMachineSnapshot", &two), "RemoveSnapshot_Task", all);
        assert_eq!(client.failed(object, "RevertToCurrentSnapshot_Task", ""), "NotFound");
        let gone = call(("VirtualMachineSnapshot", &three), "RevertToSnapshot_Task", "");
        assert_eq!(client.fault(&gone), "ManagedObjectNotFound");
    }
}

#[test]
fn changed_areas_are_those_that_changed() {
    let mut client = Client::logged_in();
    let vm = client.world.id(BARE);
    let (object, flat) = (("VirtualMachine", vm.as_str()), "/folder/bare/bare-flat.vmdk");
    client.done(object, "ReconfigVM_Task", &set("<changeTrackingEnabled>true</changeTrackingEnabled>"));
    let one = client.done(object, "CreateSnapshot_Task", SNAPSHOT);
    let snapshot = client.fetch(("VirtualMachineSnapshot", &one), "config.hardware");
    let id = between(&snapshot, "<changeId>", "<").to_owned();
    assert!(id.ends_with("/1"), "{id}");
    client.done(object, "RemoveAllSnapshots_Task", "");
    let mut bytes = client.download(flat, VMFS);
    bytes[200_000] ^= 0xff;
    bytes[900_000..900_100].fill(9);
    assert_eq!(client.upload("PUT", flat, VMFS, &bytes), 200);
    let two = client.done(object, "CreateSnapshot_Task", SNAPSHOT);
    let query = |since: &str, start: u64, key: i32| {
        let rest = format!(
            "<deviceKey>{key}</deviceKey><startOffset>{start}</startOffset><changeId>{since}</changeId>"
        );
        format!("<snapshot type=\"VirtualMachineSnapshot\">{two}</snapshot>{rest}")
    };
    let answer = client.ok(&call(object, "QueryChangedDiskAreas", &query(&id, 0, 2_000)));
    let changed =
        |start: u64| format!("<changedArea><start>{start}</start><length>65536</length></changedArea>");
    assert_eq!(answer.matches("<changedArea>").count(), 2, "{answer}");
    assert!(answer.contains(&changed(196_608)) && answer.contains(&changed(851_968)), "{answer}");
    let everything = client.ok(&call(object, "QueryChangedDiskAreas", &query("*", 0, 2_000)));
    assert!(everything.contains("<start>0</start><length>1048576</length>"), "{everything}");
    for (since, start, key) in
        [("nonsense", 0, 2_000), (id.as_str(), 1 << 30, 2_000), (id.as_str(), 0, 2_005)]
    {
        let body = call(object, "QueryChangedDiskAreas", &query(since, start, key));
        assert_eq!(client.fault(&body), "InvalidArgument", "{since} {start} {key}");
    }
    // Going back begins another epoch: what was known says nothing any more.
    client.done(object, "RevertToCurrentSnapshot_Task", "");
    let stale = call(object, "QueryChangedDiskAreas", &query(&id, 0, 2_000));
    assert_eq!(client.fault(&stale), "InvalidArgument");
}

#[test]
fn a_machine_goes_out_and_comes_in() {
    let mut client = Client::logged_in();
    let bare = client.world.id(BARE);
    let flat = client.download("/folder/bare/bare-flat.vmdk", VMFS);
    let answer = client.ok(&call(("VirtualMachine", &bare), "ExportVm", ""));
    let lease = between(&answer, "<returnval type=\"HttpNfcLease\">", "<").to_owned();
    let object = ("HttpNfcLease", lease.as_str());
    assert!(client.fetch(object, "state").contains("ready"));
    let info = client.fetch(object, "info");
    let url = between(&info, "<url>http://localhost", "<").to_owned();
    let stream = client.download(&url, "");
    let mut reader = StreamReader::new();
    let grains = reader.push(&stream).expect("it is a stream");
    reader.finish().expect("it is whole");
    let mut unpacked = vec![0; 1 << 20];
    grains
        .iter()
        .for_each(|grain| unpacked[grain.at as usize..][..grain.bytes.len()].copy_from_slice(&grain.bytes));
    assert_eq!(unpacked, flat);
    client.ok(&call(object, "HttpNfcLeaseProgress", "<percent>50</percent>"));
    client.ok(&call(object, "HttpNfcLeaseComplete", ""));
    assert_eq!(client.file("GET", &url, "", None).status, 404, "the lease is over");

    let spec = format!(
        "<spec xsi:type=\"VirtualMachineImportSpec\">{}</spec>",
        config("came", &disk(1_024)).replace("config>", "configSpec>")
    );
    let cluster = client.world.vcenter.clusters().next().expect("there is one").moid.0;
    let pool = format!("resgroup-{cluster}");
    let import = call(("ResourcePool", &pool), "ImportVApp", &spec);
    let answer = client.ok(&import);
    let lease = between(&answer, "<returnval type=\"HttpNfcLease\">", "<").to_owned();
    let info = client.fetch(("HttpNfcLease", &lease), "info");
    let url = between(&info, "<url>http://localhost", "<").to_owned();
    assert_eq!(client.upload("POST", &url, "", b"KDMV is not enough"), 400);
    assert_eq!(client.upload("POST", &url, "", &stream[..stream.len() / 2]), 400, "it is cut off");
    let mut larger = stream.clone();
    larger[12..20].copy_from_slice(&4_096_u64.to_le_bytes());
    assert_eq!(client.upload("POST", &url, "", &larger), 400, "it does not fit");
    assert_eq!(client.upload("POST", &url, "", &stream), 201);
    client.ok(&call(("HttpNfcLease", &lease), "HttpNfcLeaseComplete", ""));
    assert_eq!(client.download("/folder/came/came-flat.vmdk", VMFS), flat);

    let again = import.replace("<name>came<", "<name>gone<");
    let answer = client.ok(&again);
    let lease = between(&answer, "<returnval type=\"HttpNfcLease\">", "<").to_owned();
    client.ok(&call(("HttpNfcLease", &lease), "HttpNfcLeaseAbort", ""));
    assert!(client.world.vcenter.machines().all(|vm| vm.name != "gone"));
}

#[test]
fn a_host_takes_no_machine_while_it_is_in_maintenance() {
    let mut client = Client::logged_in();
    let vm = make(&mut client, "waits");
    let object = ("VirtualMachine", vm.as_str());
    let host = client.world.vcenter.hosts().next().expect("there is one").moid.to_string();
    let host = ("HostSystem", host.as_str());
    client.done(object, "PowerOnVM_Task", "");
    assert_eq!(client.failed(host, "EnterMaintenanceMode_Task", "<timeout>0</timeout>"), "ResourceInUse");
    client.done(object, "PowerOffVM_Task", "");
    client.done(host, "EnterMaintenanceMode_Task", "<timeout>0</timeout>");
    assert!(client.fetch(host, "runtime.inMaintenanceMode").contains("true"));
    assert_eq!(client.failed(object, "PowerOnVM_Task", ""), "InvalidState");
    client.done(host, "ExitMaintenanceMode_Task", "<timeout>0</timeout>");
    client.done(host, "DisconnectHost_Task", "");
    assert_eq!(client.failed(object, "PowerOnVM_Task", ""), "HostNotConnected");
    client.done(host, "ReconnectHost_Task", "");
    client.done(object, "PowerOnVM_Task", "");
    let storage = client.fetch(host, "configManager.storageSystem");
    let storage = between(&storage, ">", "<").to_owned();
    client.ok(&call(("HostStorageSystem", &storage), "RescanAllHba", ""));
}

#[test]
fn events_tell_what_was_done() {
    let mut client = Client::logged_in();
    let vm = make(&mut client, "told");
    let object = ("VirtualMachine", vm.as_str());
    client.done(object, "PowerOnVM_Task", "");
    client.failed(object, "PowerOnVM_Task", "");
    let manager = ("EventManager", "EventManager");
    let filter = |rest: &str| {
        format!(
            "<filter><entity><entity type=\"VirtualMachine\">{vm}</entity><recursion>self</recursion></entity>{rest}</filter>"
        )
    };
    let events = client.ok(&call(manager, "QueryEvents", &filter("")));
    assert_eq!(events.matches("xsi:type=\"TaskEvent\"").count(), 2, "{events}");
    assert_eq!(events.matches("xsi:type=\"VmPoweredOnEvent\"").count(), 1, "{events}");
    let only =
        client.ok(&call(manager, "QueryEvents", &filter("<eventTypeId>VmPoweredOnEvent</eventTypeId>")));
    assert_eq!(only.matches("<returnval").count(), 1, "{only}");
    let made = client.ok(&call(manager, "CreateCollectorForEvents", &filter("")));
    let id = between(&made, "<returnval type=\"EventHistoryCollector\">", "<").to_owned();
    let collector = ("EventHistoryCollector", id.as_str());
    let two = "<maxCount>2</maxCount>";
    assert_eq!(client.ok(&call(collector, "ReadPreviousEvents", two)).matches("<returnval").count(), 2);
    assert_eq!(client.ok(&call(collector, "ReadPreviousEvents", two)).matches("<returnval").count(), 1);
    client.ok(&call(collector, "ResetCollector", ""));
    assert_eq!(client.ok(&call(collector, "ReadNextEvents", two)).matches("<returnval").count(), 0);
    client.ok(&call(collector, "DestroyCollector", ""));
    assert_eq!(client.fault(&call(collector, "RewindCollector", "")), "ManagedObjectNotFound");
}

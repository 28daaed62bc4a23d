//! Machines that go out and come in: leases that end by themselves, checksums of what was sent, and the descriptor of a machine.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use std::time::Duration;

use soap_support::client::{Client, between, call, fault_in, text};
use soap_support::{BARE, DB, WEB};

const OVF: (&str, &str) = ("OvfManager", "OvfManager");

fn forward(client: &mut Client, seconds: u64) {
    client.world.now += Duration::from_secs(seconds);
}

fn lease_of(answer: &str) -> String {
    between(answer, "<returnval type=\"HttpNfcLease\">", "<").to_owned()
}

/// A lease on a machine that is off, and where its first disk is.
fn exported(client: &mut Client) -> (String, String) {
    let bare = client.world.id(BARE);
    let lease = lease_of(&client.ok(&call(("VirtualMachine", &bare), "ExportVm", "")));
    let info = client.fetch(("HttpNfcLease", &lease), "info");
    (lease, between(&info, "<url>http://localhost", "<").to_owned())
}

fn imported(client: &mut Client, name: &str) -> (String, String) {
    let cluster = client.world.vcenter.clusters().next().expect("there is one").moid.0;
    let spec = format!(
        "<spec xsi:type=\"VirtualMachineImportSpec\"><configSpec><name>{name}</name>\
         <files><vmPathName>[vmfs]</vmPathName></files><memoryMB>512</memoryMB>\
         <deviceChange><operation>add</operation><fileOperation>create</fileOperation>\
         <device xsi:type=\"VirtualDisk\"><key>-1</key>\
         <backing xsi:type=\"VirtualDiskFlatVer2BackingInfo\"><fileName></fileName><diskMode>persistent</diskMode></backing>\
         <capacityInKB>1024</capacityInKB></device>\
         </deviceChange></configSpec></spec>"
    );
    let pool = format!("resgroup-{cluster}");
    let lease = lease_of(&client.ok(&call(("ResourcePool", &pool), "ImportVApp", &spec)));
    let info = client.fetch(("HttpNfcLease", &lease), "info");
    (lease, between(&info, "<url>http://localhost", "<").to_owned())
}

#[test]
fn a_lease_that_nobody_keeps_alive_ends_and_says_so() {
    let mut client = Client::logged_in();
    let (lease, url) = exported(&mut client);
    let object = ("HttpNfcLease", lease.as_str());
    let progress = call(object, "HttpNfcLeaseProgress", "<percent>10</percent>");
    forward(&mut client, 299);
    client.ok(&progress);
    forward(&mut client, 299);
    assert_eq!(client.file("GET", &url, "", None).status, 200, "it was kept alive");
    forward(&mut client, 1);
    assert_eq!(client.file("GET", &url, "", None).status, 404);
    assert!(client.fetch(object, "state").contains("error"));
    let error = client.fetch(object, "error");
    assert!(error.contains("xsi:type=\"Timedout\""), "{error}");
    for (method, arguments) in [
        ("HttpNfcLeaseProgress", "<percent>20</percent>"),
        ("HttpNfcLeaseComplete", ""),
        ("HttpNfcLeaseAbort", ""),
        ("HttpNfcLeaseGetManifest", ""),
    ] {
        assert_eq!(client.fault(&call(object, method, arguments)), "Timedout", "{method}");
    }
}

#[test]
fn what_was_to_come_in_is_gone_with_its_lease_and_what_came_in_stays() {
    let mut client = Client::logged_in();
    let named = |client: &Client, name: &str| client.world.vcenter.machines().any(|vm| vm.name == name);
    let (finished, _) = imported(&mut client, "finished");
    client.ok(&call(("HttpNfcLease", &finished), "HttpNfcLeaseComplete", ""));
    let (_, url) = imported(&mut client, "forgotten");
    assert!(named(&client, "forgotten"));
    forward(&mut client, 300);
    assert_eq!(client.upload("POST", &url, "", b"KDMV"), 404, "it has come too late");
    assert!(named(&client, "finished") && !named(&client, "forgotten"));
}

#[test]
fn who_waits_for_the_end_of_a_lease_hears_of_it_when_it_comes() {
    let mut client = Client::logged_in();
    let (lease, _) = exported(&mut client);
    let began = client.world.now;
    let spec = format!(
        "<spec><propSet><type>HttpNfcLease</type><pathSet>state</pathSet></propSet>\
         <objectSet><obj type=\"HttpNfcLease\">{lease}</obj></objectSet></spec><partialUpdates>false</partialUpdates>"
    );
    let collector = ("PropertyCollector", "propertyCollector");
    client.ok(&call(collector, "CreateFilter", &spec));
    let wait = |version: &str| {
        format!("<version>{version}</version><options><maxWaitSeconds>1200</maxWaitSeconds></options>")
    };
    let first = client.ok(&call(collector, "WaitForUpdatesEx", &wait("")));
    assert!(first.contains(">ready<"), "{first}");
    let version = between(&first, "<version>", "<").to_owned();
    let second = client.ok(&call(collector, "WaitForUpdatesEx", &wait(&version)));
    assert!(second.contains(">error<"), "{second}");
    assert_eq!(
        client.world.now.saturating_since(began),
        Duration::from_secs(300),
        "neither sooner nor later"
    );
}

#[test]
fn the_manifest_has_the_checksums_of_what_was_sent() {
    let mut client = Client::logged_in();
    let (lease, url) = exported(&mut client);
    let object = ("HttpNfcLease", lease.as_str());
    let manifest = call(object, "HttpNfcLeaseGetManifest", "");
    assert!(!client.ok(&manifest).contains("<sha1>"), "nothing was sent yet");
    assert_eq!(client.file("HEAD", &url, "", None).status, 200);
    assert!(!client.ok(&manifest).contains("<sha1>"), "nor by looking");
    let stream = client.download(&url, "");
    let entry = client.ok(&manifest);
    let (sha1, size) = (between(&entry, "<sha1>", "<"), between(&entry, "<size>", "<"));
    assert_eq!(size, stream.len().to_string());
    assert_eq!(sha1, hexadecimal::<sha1::Sha1>(&stream));
    assert_eq!((between(&entry, "<checksum>", "<"), between(&entry, "<checksumType>", "<")), (sha1, "sha1"));
    assert_eq!(between(&entry, "<capacity>", "<"), (1 << 20).to_string());
    let info = client.fetch(object, "info");
    let key = between(&info, "<key>", "<").to_owned();
    assert_eq!(between(&entry, "<key>", "<"), key);
    let choice = |key: &str, word: &str| {
        let pair = format!(
            "<deviceUrlsToChecksumTypes><key>{key}</key><value>{word}</value></deviceUrlsToChecksumTypes>"
        );
        call(object, "HttpNfcLeaseSetManifestChecksumType", &pair)
    };
    assert_eq!(client.fault(&choice(&key, "md5")), "InvalidArgument");
    assert_eq!(client.fault(&choice("no-disk", "sha256")), "InvalidArgument");
    client.ok(&choice(&key, "sha256"));
    let entry = client.ok(&manifest);
    assert_eq!(between(&entry, "<checksum>", "<"), hexadecimal::<sha2::Sha256>(&stream));
    assert_eq!(between(&entry, "<checksumType>", "<"), "sha256");
    let (import, _) = imported(&mut client, "came");
    let refused = call(("HttpNfcLease", &import), "HttpNfcLeaseGetManifest", "");
    assert_eq!(client.fault(&refused), "NotSupported");
}

fn hexadecimal<D: sha2::Digest>(bytes: &[u8]) -> String {
    D::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_machine_is_described_with_the_files_that_its_disks_are_in() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let file = format!(
        "<ovfFiles><deviceId>/{web}/ParaVirtualSCSIController0:1</deviceId><path>web &amp; disk-1.vmdk</path>\
         <size>4711</size><populatedSize>65536</populatedSize></ovfFiles>"
    );
    let arguments = format!("<obj type=\"VirtualMachine\">{web}</obj><cdp>{file}<name>web out</name></cdp>");
    let answer = client.ok(&call(OVF, "CreateDescriptor", &arguments));
    let descriptor = between(&answer, "<ovfDescriptor>", "<");
    let descriptor =
        descriptor.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    for expected in [
        "<File ovf:href=\"web &amp; disk-1.vmdk\" ovf:id=\"file1\" ovf:size=\"4711\"/>",
        "ovf:diskId=\"vmdisk2\" ovf:format=\"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized\" \
         ovf:fileRef=\"file1\" ovf:populatedSize=\"65536\"/>",
        "<VirtualSystem ovf:id=\"web out\">",
        "vmw:osType=\"otherLinux64Guest\"",
        "<rasd:HostResource>ovf:/disk/vmdisk17</rasd:HostResource>",
        "<rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>",
    ] {
        assert!(descriptor.contains(expected), "{expected} in {descriptor}");
    }
    // Seventeen disks hang on two controllers, and each disk names one that is there.
    assert_eq!(descriptor.matches("<rasd:ResourceType>6</rasd:ResourceType>").count(), 2);
    assert_eq!(descriptor.matches("<rasd:Parent>3</rasd:Parent>").count(), 15);
    assert_eq!(descriptor.matches("<rasd:Parent>4</rasd:Parent>").count(), 2);
    assert_eq!(descriptor.matches(" ovf:fileRef=").count(), 1, "the others are in no file");
}

#[test]
fn only_a_machine_with_disks_of_its_own_is_described() {
    let mut client = Client::logged_in();
    let (web, db) = (client.world.id(WEB), client.world.id(DB));
    let mut asked = |object: &str, cdp: &str| {
        let response = client.call(OVF, "CreateDescriptor", &format!("{object}<cdp>{cdp}</cdp>"));
        if response.status == 200 { "described".to_owned() } else { fault_in(&text(&response)) }
    };
    let machine = format!("<obj type=\"VirtualMachine\">{db}</obj>");
    assert_eq!(asked(&machine, ""), "described");
    let file = format!(
        "<ovfFiles><deviceId>/{web}/ParaVirtualSCSIController0:0</deviceId><path>x.vmdk</path><size>1</size></ovfFiles>"
    );
    assert_eq!(asked(&machine, &file), "InvalidArgument", "the disk is another's");
    assert_eq!(asked("<obj type=\"VirtualMachine\">vm-9999</obj>", ""), "ManagedObjectNotFound");
    assert_eq!(asked("<obj type=\"Folder\">group-v3</obj>", ""), "NotSupported");
    let snapshot = "<snapshot type=\"VirtualMachineSnapshot\">snapshot-1</snapshot>";
    assert_eq!(asked(&machine, snapshot), "NotSupported");
}

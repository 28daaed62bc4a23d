//! Files of datastores: what machines have there, what clients put there, and what is refused.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use soap_support::BARE;
use soap_support::client::{Client, between, body, call};
use switchback_disks::vmdk::Descriptor;

const FILES: (&str, &str) = ("FileManager", "FileManager");
const DISKS: (&str, &str) = ("VirtualDiskManager", "virtualDiskManager");
const VMFS: &str = "dcPath=dc0&dsName=vmfs";

fn named(name: &str) -> String {
    format!("<name>{name}</name>")
}

fn from_to(from: &str, to: &str) -> String {
    format!("<sourceName>{from}</sourceName><destinationName>{to}</destinationName>")
}

fn free(client: &Client) -> u64 {
    client.world.vcenter.datastores().find(|store| store.name == "vmfs").expect("it is there").free_bytes()
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 + at % 251) as u8).collect()
}

#[test]
fn nobody_reads_a_file_without_a_login() {
    let mut client = Client::new();
    for (method, path) in
        [("GET", "/folder"), ("GET", "/folder/web/web.vmx"), ("DELETE", "/folder/web/web.vmx")]
    {
        assert_eq!(client.file(method, path, VMFS, None).status, 401, "{path}");
    }
    assert_eq!(client.upload("PUT", "/folder/x", VMFS, b"x"), 401);
    client.login();
    assert_eq!(client.file("GET", "/folder/web/web.vmx", VMFS, None).status, 200);
}

#[test]
fn a_machines_files_describe_each_other() {
    let mut client = Client::logged_in();
    let vmx = String::from_utf8(client.download("/folder/web/web.vmx", VMFS)).expect("it is text");
    assert!(
        vmx.contains("displayName = \"web\"") && vmx.contains("scsi0:0.fileName = \"web.vmdk\""),
        "{vmx}"
    );
    let text = String::from_utf8(client.download("/folder/web/web_1.vmdk", VMFS)).expect("it is text");
    let descriptor = Descriptor::read(&text).expect("it is a descriptor");
    assert_eq!((descriptor.bytes(), descriptor.create_type.as_str()), (1 << 20, "vmfs"));
    assert_eq!(descriptor.extents[0].file, "web_1-flat.vmdk");
    let bytes = client.download("/folder/web/web_1-flat.vmdk", VMFS);
    assert_eq!(bytes.len(), 1 << 20);
    assert!(
        bytes[..64 * 512].iter().all(|byte| *byte != 0) && bytes[64 * 512..].iter().all(|byte| *byte == 0)
    );
}

#[test]
fn a_part_of_a_file_is_that_part() {
    let mut client = Client::logged_in();
    let whole = client.download("/folder/web/web-flat.vmdk", VMFS);
    let part = client.file("GET", "/folder/web/web-flat.vmdk", VMFS, Some("bytes=1000-2999"));
    assert_eq!(part.status, 206);
    assert!(part.headers.contains(&("Content-Range", format!("bytes 1000-2999/{}", whole.len()))));
    assert_eq!(body(part.body), &whole[1_000..3_000]);
    let behind = client.file("GET", "/folder/web/web-flat.vmdk", VMFS, Some("bytes=9999999-"));
    assert_eq!(behind.status, 416);
}

#[test]
fn no_path_leads_out_of_a_datastore() {
    let mut client = Client::logged_in();
    for path in [
        "/folder/../vsan/x",
        "/folder/%2e%2e/x",
        "/folder/web/..%2f..%2fx",
        "/folder/a%5c..%5cb",
        "/folder/%00",
    ] {
        assert_eq!(client.file("GET", path, VMFS, None).status, 400, "{path}");
        assert_eq!(client.upload("PUT", path, VMFS, b"x"), 400, "{path}");
        assert_eq!(client.file("DELETE", path, VMFS, None).status, 400, "{path}");
    }
    for path in ["[vmfs] ../x", "[vmfs] a/../../x", "vmfs/x", "[nowhere] x", "[vmfs x"] {
        let fault = client.fault(&call(FILES, "MakeDirectory", &named(path)));
        assert_eq!(fault, "InvalidDatastorePath", "{path}");
    }
    for query in ["dcPath=dc0&dsName=nowhere", "dcPath=dc9&dsName=vmfs"] {
        assert_eq!(client.file("GET", "/folder/web/web.vmx", query, None).status, 404, "{query}");
    }
}

#[test]
fn what_is_sent_can_be_read_again_and_takes_room() {
    let mut client = Client::logged_in();
    let before = free(&client);
    let bytes = pattern(300_000);
    assert_eq!(client.upload("PUT", "/folder/iso/boot.iso", VMFS, &bytes), 404, "there is no such folder");
    client.ok(&call(FILES, "MakeDirectory", &named("[vmfs] iso")));
    assert_eq!(client.fault(&call(FILES, "MakeDirectory", &named("[vmfs] iso"))), "FileAlreadyExists");
    assert_eq!(client.upload("PUT", "/folder/iso/boot.iso", VMFS, &bytes), 201);
    assert_eq!(client.download("/folder/iso/boot.iso", VMFS), bytes);
    assert_eq!(before - free(&client), 300_000);
    assert_eq!(client.upload("PUT", "/folder/iso/boot.iso", VMFS, b"short"), 200, "it is there already");
    assert_eq!(before - free(&client), 5);
    let page = client.download("/folder/iso", VMFS);
    assert!(String::from_utf8(page).expect("it is text").contains("boot.iso"));
    assert_eq!(client.file("DELETE", "/folder/iso", VMFS, None).status, 204);
    assert_eq!(client.file("GET", "/folder/iso/boot.iso", VMFS, None).status, 404);
    assert_eq!(free(&client), before);
}

#[test]
fn a_file_for_which_there_is_no_room_is_not_there() {
    let mut client = Client::logged_in();
    let vmfs = client.world.vcenter.datastores().find(|store| store.name == "vmfs").expect("it is there");
    let (store, left) = (vmfs.moid, vmfs.free_bytes() - 1_000);
    client.world.vcenter.occupy(store, left).expect("there is room");
    assert_eq!(client.upload("PUT", "/folder/large", VMFS, &pattern(1_001)), 507);
    assert_eq!(client.file("GET", "/folder/large", VMFS, None).status, 404);
    assert_eq!(client.upload("PUT", "/folder/small", VMFS, &pattern(1_000)), 201);
    let spec = "<name>[vmfs] a.vmdk</name><spec xsi:type=\"FileBackedVirtualDiskSpec\"><diskType>thin</diskType>\
                <adapterType>lsiLogic</adapterType><capacityKb>1024</capacityKb></spec>";
    assert_eq!(client.failed(DISKS, "CreateVirtualDisk_Task", spec), "NoDiskSpace");
}

#[test]
fn what_is_sent_to_a_disk_is_what_the_machine_has() {
    let mut client = Client::logged_in();
    let mut bytes = client.download("/folder/bare/bare-flat.vmdk", VMFS);
    bytes[40_000..41_000].fill(0);
    bytes[600_000..600_777].copy_from_slice(&pattern(777));
    assert_eq!(client.upload("PUT", "/folder/bare/bare-flat.vmdk", VMFS, &bytes), 200);
    assert_eq!(client.download("/folder/bare/bare-flat.vmdk", VMFS), bytes);
    assert_eq!(
        client.upload("PUT", "/folder/bare/bare-flat.vmdk", VMFS, &pattern(2 << 20)),
        507,
        "it is larger"
    );
    assert_eq!(client.upload("PUT", "/folder/bare/bare.vmx", VMFS, b"x"), 409, "it is made from the machine");
    let id = client.world.id(BARE);
    client.done(("VirtualMachine", &id), "PowerOnVM_Task", "");
    assert_eq!(client.upload("PUT", "/folder/bare/bare-flat.vmdk", VMFS, &bytes), 409, "it runs");
    assert_eq!(client.file("GET", "/folder/bare/bare-flat.vmdk", VMFS, None).status, 409, "it runs");
}

#[test]
fn files_are_moved_copied_and_deleted_but_for_those_of_machines() {
    let mut client = Client::logged_in();
    assert_eq!(client.upload("PUT", "/folder/one", VMFS, b"one"), 201);
    client.done(FILES, "CopyDatastoreFile_Task", &from_to("[vmfs] one", "[vsan] two"));
    assert_eq!(
        client.failed(FILES, "CopyDatastoreFile_Task", &from_to("[vmfs] one", "[vsan] two")),
        "FileAlreadyExists"
    );
    client.done(FILES, "MoveDatastoreFile_Task", &from_to("[vsan] two", "[nfs] three"));
    assert_eq!(
        client.failed(FILES, "MoveDatastoreFile_Task", &from_to("[vsan] two", "[nfs] x")),
        "FileNotFound"
    );
    assert_eq!(client.download("/folder/three", "dcPath=dc0&dsName=nfs"), b"one");
    client.done(FILES, "CopyDatastoreFile_Task", &from_to("[vmfs] web/web.vmx", "[vmfs] kept.vmx"));
    assert!(!client.download("/folder/kept.vmx", VMFS).is_empty());
    for file in ["[vmfs] web", "[vmfs] web/web.vmx", "[vmfs] web/web-flat.vmdk"] {
        assert_eq!(client.failed(FILES, "DeleteDatastoreFile_Task", &named(file)), "FileLocked", "{file}");
        assert_eq!(
            client.failed(FILES, "MoveDatastoreFile_Task", &from_to(file, "[vmfs] y")),
            "FileLocked",
            "{file}"
        );
    }
    client.done(FILES, "DeleteDatastoreFile_Task", &named("[vmfs] one"));
    assert_eq!(client.failed(FILES, "DeleteDatastoreFile_Task", &named("[vmfs] one")), "FileNotFound");
}

#[test]
fn a_browser_finds_what_is_there() {
    let mut client = Client::logged_in();
    let browser = client.fetch(("Datastore", &datastore(&client)), "browser");
    let browser = between(&browser, ">", "<").to_owned();
    let browser = ("HostDatastoreBrowser", browser.as_str());
    let spec = |path: &str, rest: &str| {
        format!("<datastorePath>{path}</datastorePath><searchSpec>{rest}</searchSpec>")
    };
    let details = "<details><fileType>true</fileType><fileSize>true</fileSize><modification>true</modification>\
                   <fileOwner>false</fileOwner></details><matchPattern>*.vmdk</matchPattern>";
    let found = client.done(browser, "SearchDatastore_Task", &spec("[vmfs] web", details));
    assert_eq!(found.matches("<path>").count(), 34, "{found}");
    assert!(found.contains("VmDiskFileInfo") && found.contains("<fileSize>1048576</fileSize>"), "{found}");
    let only = "<query xsi:type=\"VmConfigFileQuery\"></query>";
    let found = client.done(browser, "SearchDatastoreSubFolders_Task", &spec("[vmfs]", only));
    assert!(found.contains("web.vmx") && found.contains("bare.vmx") && !found.contains(".vmdk"), "{found}");
    assert_eq!(client.failed(browser, "SearchDatastore_Task", &spec("[vmfs] nothing", "")), "FileNotFound");
}

fn datastore(client: &Client) -> String {
    client
        .world
        .vcenter
        .datastores()
        .find(|store| store.name == "vmfs")
        .expect("it is there")
        .moid
        .to_string()
}

#[test]
fn disks_are_made_and_go_as_files() {
    let mut client = Client::logged_in();
    let before = free(&client);
    let spec = "<name>[vmfs] a.vmdk</name><spec xsi:type=\"FileBackedVirtualDiskSpec\"><diskType>thin</diskType>\
                <adapterType>lsiLogic</adapterType><capacityKb>2048</capacityKb></spec>";
    client.done(DISKS, "CreateVirtualDisk_Task", spec);
    assert_eq!(client.failed(DISKS, "CreateVirtualDisk_Task", spec), "FileAlreadyExists");
    let bytes = pattern(2 << 20);
    assert_eq!(client.upload("PUT", "/folder/a-flat.vmdk", VMFS, &bytes), 200);
    let uuid = client.ok(&call(DISKS, "QueryVirtualDiskUuid", &named("[vmfs] a.vmdk")));
    assert!(uuid.contains("60 00 C2 9f"), "{uuid}");
    client.done(
        DISKS,
        "CopyVirtualDisk_Task",
        "<sourceName>[vmfs] a.vmdk</sourceName><destName>[vmfs] b.vmdk</destName>",
    );
    client.done(
        DISKS,
        "MoveVirtualDisk_Task",
        "<sourceName>[vmfs] b.vmdk</sourceName><destName>[vsan] c.vmdk</destName>",
    );
    assert_eq!(client.download("/folder/c-flat.vmdk", "dcPath=dc0&dsName=vsan"), bytes);
    client.done(
        DISKS,
        "ExtendVirtualDisk_Task",
        "<name>[vmfs] a.vmdk</name><newCapacityKb>4096</newCapacityKb>",
    );
    assert_eq!(client.download("/folder/a-flat.vmdk", VMFS).len(), 4 << 20);
    client.done(DISKS, "DeleteVirtualDisk_Task", &named("[vmfs] a.vmdk"));
    assert_eq!(client.failed(DISKS, "DeleteVirtualDisk_Task", &named("[vmfs] a.vmdk")), "FileNotFound");
    assert_eq!(free(&client), before);
    let of_machine = "<sourceName>[vmfs] web/web.vmdk</sourceName><destName>[vmfs] d.vmdk</destName>";
    client.done(DISKS, "CopyVirtualDisk_Task", of_machine);
    let copied = client.download("/folder/d-flat.vmdk", VMFS);
    assert_eq!(copied, client.download("/folder/web/web-flat.vmdk", VMFS));
}

#[test]
fn a_datastore_that_does_not_answer_shows_nothing() {
    let mut client = Client::logged_in();
    let moid =
        client.world.vcenter.datastores().find(|store| store.name == "vmfs").expect("it is there").moid;
    client.world.vcenter.set_accessible(moid, false).expect("it is there");
    assert_eq!(client.file("GET", "/folder/web/web.vmx", VMFS, None).status, 503);
    assert_eq!(client.upload("PUT", "/folder/x", VMFS, b"x"), 503);
    assert_eq!(client.failed(FILES, "DeleteDatastoreFile_Task", &named("[vmfs] x")), "InaccessibleDatastore");
}

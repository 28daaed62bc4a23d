//! What disks hold, over the wire: read in parts and as a whole, written, replicated, and never held as a whole by the
//! server.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::vsphere::{LOGIN, STORE, Site, envelope, pattern};
use support::{Stack, parsed, served};
use switchback_azure::arm::Rehearsal;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{Change, Content, DiskId, MachineId, Stamp};
use switchback_harness::world::PhysicalDisk;
use switchback_serve::{Pace, Rehearsed};
use switchback_vsphere::soap::{FileBody, FileRequest, Request, Vim};

#[test]
fn a_disk_is_read_in_parts_and_as_a_whole() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    assert_eq!(site.get("db-01/db-01-flat.vmdk").status(), StatusCode::CONFLICT, "the machine runs");
    site.power_off("db-01");
    let whole = site.get("db-01/db-01_1-flat.vmdk");
    assert_eq!(whole.headers()["content-length"], "8388608");
    let whole = whole.bytes().expect("all of it");
    site.power_off("web-01");
    let written = site.get("web-01/web-01-flat.vmdk").bytes().expect("all of it");
    assert!(written.iter().any(|byte| *byte != 0), "it holds what its machine wrote");
    let head = site.send(site.client.head(site.url("db-01/db-01_1-flat.vmdk")));
    assert_eq!(
        (head.status(), head.headers()["content-length"].to_str().expect("text")),
        (StatusCode::OK, "8388608")
    );
    let part = site.client.get(site.url("db-01/db-01_1-flat.vmdk")).header("range", "bytes=1000000-1999999");
    let part = site.send(part);
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().expect("the part"), whole[1_000_000..2_000_000]);
    let config = site.get("db-01/db-01.vmx").text().expect("text");
    assert!(config.contains("scsi0:1.fileName = \"db-01_1.vmdk\""), "{config}");
}

#[test]
fn what_is_sent_is_what_is_read_however_long_it_is() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    site.power_off("db-01");
    // Longer than any body that is held as a whole.
    let bytes = pattern(8 << 20);
    let sent = site.send(site.client.put(site.url("db-01/db-01_1-flat.vmdk")).body(bytes.clone()));
    assert_eq!(sent.status(), StatusCode::OK);
    assert_eq!(site.get("db-01/db-01_1-flat.vmdk").bytes().expect("all of it"), bytes);
    let file = pattern(5_000_001);
    assert_eq!(
        site.send(site.client.put(site.url("any.iso")).body(file.clone())).status(),
        StatusCode::CREATED
    );
    assert_eq!(site.get("any.iso").bytes().expect("all of it"), file);
    assert_eq!(site.send(site.client.delete(site.url("any.iso"))).status(), StatusCode::NO_CONTENT);
    assert_eq!(site.get("any.iso").status(), StatusCode::NOT_FOUND);
}

#[test]
fn nobody_gets_out_of_the_datastore_or_in_without_a_login() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    for path in ["web-01/%2e%2e%2f%2e%2e%2fx", "a%5C..%5Cb", "%00", "%zz", "%ff"] {
        for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::DELETE] {
            let request = site.client.request(method, site.url(path)).body("x");
            assert_eq!(site.send(request).status(), StatusCode::BAD_REQUEST, "{path}");
        }
    }
    for path in ["/folder", "/folder/web-01/web-01.vmx"] {
        let bare = site.client.get(format!("{}{path}?{STORE}", served.base())).send().expect("an answer");
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(bare.headers().contains_key("www-authenticate"));
    }
    let forged = site.client.put(site.url("x")).header("cookie", "vmware_soap_session=\"nobody\"").body("x");
    assert_eq!(forged.send().expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let nowhere = site.client.post(format!("{}/nfc/nothing/disk-0.vmdk", served.base())).body("x");
    assert_eq!(site.send(nowhere).status(), StatusCode::NOT_FOUND);
    assert_eq!(
        site.send(site.client.patch(site.url("x")).body("x")).status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[test]
fn what_stops_in_the_middle_or_does_not_fit_is_not_there() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    let raw = |length: &str, sent: &[u8]| {
        let mut stream = TcpStream::connect(served.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        let (address, cookie) = (served.address, &site.cookie);
        let head = format!(
            "PUT /folder/half?{STORE} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.write_all(sent).expect("it is sent");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    let cut_off = raw("1000", b"only this");
    assert!(!cut_off.contains(" 20"), "{cut_off}");
    let large = raw("99999999999999", b"x");
    assert!(large.contains(" 507 "), "{large}");
    assert_eq!(site.get("half").status(), StatusCode::NOT_FOUND);
    assert_eq!(site.send(site.client.put(site.url("half")).body("whole")).status(), StatusCode::CREATED);
}

/// A request for the machine's first disk.
fn request<'a>(method: &'a str, cookie: Option<&'a str>) -> FileRequest<'a> {
    let path = "/folder/db-01/db-01-flat.vmdk";
    FileRequest { method, path, query: STORE, cookie, authorization: None, range: None, length: None }
}

/// The world itself and its surface, without a wire between.
struct Inside {
    world: Rehearsed,
    vim: Vim,
    cookie: Option<String>,
}

const DB: MachineId = MachineId(1);
const DISK: DiskId = DiskId { machine: DB, index: 0 };

impl Inside {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("served.yaml");
        std::fs::write(&file, support::scenario(Stack::Classic)).expect("the scenario is written");
        let scenario = switchback_scenarios::read_file(&file).unwrap_or_else(|report| panic!("{report:?}"));
        let world = Rehearsed::new(&scenario, Pace::Instant).expect("the site can be");
        let mut inside = Self { world, vim: Vim::new(), cookie: None };
        let headers = inside.call(LOGIN);
        inside.cookie = headers.into_iter().find(|(name, _)| *name == "Set-Cookie").map(|(_, cookie)| cookie);
        inside
    }

    fn call(&mut self, body: &str) -> Vec<(&'static str, String)> {
        let body = envelope(body);
        let request = Request {
            method: "POST",
            path: "/sdk",
            query: "",
            cookie: self.cookie.as_deref(),
            session_id: None,
            soap_action: None,
            body: body.as_bytes(),
            https: false,
            authority: None,
        };
        let answer = self.vim.answer(&request, &mut self.world);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.headers
    }

    /// Calls a method of the machine that has a task and takes nothing.
    fn act(&mut self, method: &str) {
        let id = self.world.world().vcenter().machine(DB).expect("it is there").moid;
        self.call(&format!(
            "<{method} xmlns=\"urn:vim25\"><_this type=\"VirtualMachine\">{id}</_this></{method}>"
        ));
    }

    fn send(&mut self, bytes: &[u8]) -> u16 {
        let cookie = self.cookie.clone();
        let request = request("PUT", cookie.as_deref());
        let number = self.vim.begin_upload(&request, &mut self.world).expect("it may be sent");
        self.vim.continue_upload(number, bytes).expect("there is room");
        self.vim.end_upload(number, &request, &mut self.world).status
    }

    fn read(&mut self) -> Vec<u8> {
        let cookie = self.cookie.clone();
        let request = request("GET", cookie.as_deref());
        let answer = self.vim.file(&request, &mut self.world);
        let FileBody::Part(image, range) = answer.body else { panic!("{}", answer.status) };
        let mut bytes = vec![0; (range.end - range.start) as usize];
        image.read(range.start, &mut bytes);
        bytes
    }

    fn shown(&self, disk: PhysicalDisk) -> Option<Vec<Option<Stamp>>> {
        self.world.world().clone().disk_runs(disk).map(|runs| sectors(&runs))
    }
}

/// Which write each sector of a disk of 4 MiB shows.
fn sectors(runs: &[Change<Stamp>]) -> Vec<Option<Stamp>> {
    let mut sectors = vec![None; 8_192];
    for run in runs {
        for at in 0..run.sectors {
            sectors[run.start as usize + at as usize] = Some(run.content.part(at, 1));
        }
    }
    sectors
}

#[test]
fn what_was_sent_to_a_disk_is_replicated() {
    let mut inside = Inside::new();
    inside.act("PowerOffVM_Task");
    let bytes = pattern(4 << 20);
    assert_eq!(inside.send(&bytes), 200);
    assert_eq!(inside.read(), bytes);
    inside.act("PowerOnVM_Task");
    inside.world.advance(Duration::from_secs(120));
    let enable = inside.world.enable(DB, ReplicationPolicy::DEFAULT).expect("it can be protected");
    inside.world.ask(enable);
    inside.world.advance(Duration::from_secs(3_600));
    let home = inside.shown(PhysicalDisk::Home(DISK)).expect("it is there");
    let replica = inside.shown(PhysicalDisk::Replica(DISK)).expect("it is protected");
    // Whatever the machine has written since, most is what was sent, on both sides.
    let sent = home.iter().zip(&replica).filter(|(one, other)| one.is_some() && one == other).count();
    assert!(sent > 4_000, "{sent} of 8192 sectors are on both sides");
    inside.act("PowerOffVM_Task");
    let kept = inside.read().chunks(512).zip(bytes.chunks(512)).filter(|(one, other)| one == other).count();
    assert!(kept > 4_000, "{kept} of 8192 sectors are as they were sent");
}

#[test]
fn what_a_client_deletes_or_takes_away_is_gone_for_the_drill() {
    let mut inside = Inside::new();
    inside.act("PowerOffVM_Task");
    inside.act("UnregisterVM");
    assert!(inside.world.world().vcenter().machine(DB).is_none());
    assert!(inside.shown(PhysicalDisk::Home(DISK)).is_some(), "its disks stay");
    let again = "<RegisterVM_Task xmlns=\"urn:vim25\"><_this type=\"Folder\">group-v3</_this><path>[ds-1] db-01/db-01.vmx</path>\
                 <asTemplate>false</asTemplate></RegisterVM_Task>";
    inside.call(again);
    assert!(inside.world.world().vcenter().machine(DB).is_some(), "it is back");
    inside.act("Destroy_Task");
    assert!(inside.world.world().vcenter().machine(DB).is_none());
    assert!(inside.shown(PhysicalDisk::Home(DISK)).is_none(), "its disks are gone");
}

impl Site<'_> {
    /// Injects a fault on the wire for the next request of vSphere with a verb.
    fn break_next(&self, method: &str, effect: &Value) {
        let fault = json!({ "surface": "vsphere", "method": method, "path": "/folder/", "times": 1, "effect": effect });
        let url = format!("{}/switchback/faults", self.served.base());
        let injected = self.served.ask_at(reqwest::Method::POST, &url, Some(&fault));
        assert_eq!(injected.status(), StatusCode::OK);
    }

    /// The requests for a file that were logged: verb, status, and the fault that was met.
    fn logged(&self, path: &str) -> Vec<(String, u64, Option<u64>)> {
        let url = format!("{}/switchback/requests?most=10000", self.served.base());
        let log = parsed(self.served.ask_at(reqwest::Method::GET, &url, None))["requests"].clone();
        let all = log.as_array().expect("a list").iter();
        let own = all.filter(|it| it["path"] == format!("/folder/{path}") && it["surface"] == "vsphere");
        own.map(|it| {
            let method = it["method"].as_str().expect("a verb").to_owned();
            (method, it["status"].as_u64().expect("a status"), it["fault"].as_u64())
        })
        .collect()
    }
}

#[test]
fn requests_for_files_are_logged_like_every_other() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    site.send(site.client.put(site.url("a.txt")).body("some"));
    site.get("a.txt");
    site.send(site.client.delete(site.url("a.txt")));
    site.get("a.txt");
    let seen = site.logged("a.txt");
    let seen: Vec<(&str, u64)> = seen.iter().map(|(method, status, _)| (method.as_str(), *status)).collect();
    assert_eq!(seen, [("PUT", 201), ("GET", 200), ("DELETE", 204), ("GET", 404)]);
    assert!(site.logged("b.txt").is_empty());
}

#[test]
fn a_download_that_is_cut_off_is_no_file_and_the_next_is_whole() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    site.power_off("db-01");
    let path = "db-01/db-01_1-flat.vmdk";
    site.break_next("GET", &json!({ "cut-reply": { "bytes": 3_000_000 } }));
    let mut cut_off = site.get(path);
    assert_eq!(cut_off.headers()["content-length"], "8388608", "all of it is promised");
    let mut came = Vec::new();
    assert!(cut_off.read_to_end(&mut came).is_err());
    assert_eq!(came.len(), 3_000_000);
    assert_eq!(site.get(path).bytes().expect("all of it").len(), 8 << 20);
    assert_eq!(site.logged(path), [("GET".to_owned(), 200, Some(1)), ("GET".to_owned(), 200, None)]);
}

#[test]
fn an_upload_whose_request_is_lost_is_not_there_and_one_whose_reply_is_lost_is() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    let put = || site.client.put(site.url("x")).header("cookie", &site.cookie).body("some").send();
    site.break_next("PUT", &json!({ "lose-request": {} }));
    assert!(put().is_err(), "nobody answers");
    assert_eq!(site.get("x").status(), StatusCode::NOT_FOUND);
    site.break_next("PUT", &json!({ "lose-reply": {} }));
    assert!(put().is_err(), "nobody answers");
    assert_eq!(site.get("x").text().expect("text"), "some");
}

#[test]
fn a_request_for_a_file_is_turned_away_or_finds_its_session_over() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    site.break_next("PUT", &json!({ "throttle": { "retry-after-seconds": 3 } }));
    let away = site.send(site.client.put(site.url("x")).body(pattern(4 << 20)));
    assert_eq!(
        (away.status(), &away.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"3".parse().expect("a value"))
    );
    assert_eq!(site.get("x").status(), StatusCode::NOT_FOUND, "nothing of it was kept");
    site.break_next("GET", &json!({ "end-session": {} }));
    assert_eq!(site.get("x").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(site.logged("x").last(), Some(&("GET".to_owned(), 401, Some(2))));
}

//! Somebody in a machine writes to its disks: that is where it was written, it is replicated, and it comes home again.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::vsphere::{Site, pattern};
use support::{Served, Stack, parsed, protect, served, served_with};

const FLAT: &str = "web-01/web-01-flat.vmdk";

fn control(served: &Served, below: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/switchback/{below}", served.base());
    let answer = served.ask_at(Method::POST, &url, Some(body));
    (answer.status().as_u16(), parsed(answer))
}

fn asked(sector: u64, bytes: &[u8]) -> Value {
    json!({ "machine": "web-01", "disk": "os", "sector": sector, "data": STANDARD.encode(bytes) })
}

fn write(served: &Served, sector: u64, bytes: &[u8]) -> Value {
    let (status, answer) = control(served, "writes", &asked(sector, bytes));
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The bytes of the disk of a machine that is off.
fn disk(site: &Site<'_>) -> Vec<u8> {
    let answer = site.get(FLAT);
    assert_eq!(answer.status(), StatusCode::OK);
    answer.bytes().expect("all of it").to_vec()
}

/// A sector that no application of the machine overwrites in the time of a test, which is seen by what it holds at its end.
const SECTOR: u64 = 8_000;

fn at(disk: &[u8], sector: u64, bytes: usize) -> &[u8] {
    &disk[sector as usize * 512..][..bytes]
}

#[test]
fn what_is_written_in_a_machine_is_on_its_disk_and_the_last_write_counts() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    let first = write(&served, SECTOR, &pattern(2_048));
    let second = write(&served, SECTOR + 1, &[7; 512]);
    assert_eq!((&first["sectors"], &second["sectors"]), (&json!(4), &json!(1)));
    let acknowledged = |write: &Value| write["acknowledged_at_seconds"].as_f64().expect("it is on the disk");
    assert!(acknowledged(&first) < acknowledged(&second));
    assert!(first["number"].as_u64() < second["number"].as_u64());
    site.power_off("web-01");
    let disk = disk(&site);
    let mut wanted = pattern(2_048);
    wanted[512..1_024].fill(7);
    assert_eq!(at(&disk, SECTOR, 2_048), wanted);
}

#[test]
fn what_a_machine_cannot_write_is_refused_and_is_not_there() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    let refused = |body: Value| {
        let (status, answer) = control(&served, "writes", &body);
        (status, answer["error"]["message"].as_str().unwrap_or_default().to_owned())
    };
    let with = |name: &str, value: Value| {
        let mut body = asked(SECTOR, &pattern(512));
        body[name] = value;
        refused(body)
    };
    for (name, value, status, why) in [
        ("sector", json!(8_192), 409, "which has 8192"),
        ("sector", json!(9_007_199_254_740_991_u64), 409, "which has 8192"),
        ("sector", json!(u64::MAX), 400, "at most"),
        ("machine", json!("web-07"), 409, "`web-07`"),
        ("disk", json!("data"), 409, "`data`"),
        ("data", json!(""), 409, "not 0"),
        ("data", json!(STANDARD.encode([1; 700])), 409, "not 700"),
        ("data", json!("not base64"), 400, "base64"),
        ("data", json!("A".repeat(1_400_000)), 400, "at most"),
        ("bytes", json!("AAAA"), 400, "unknown field"),
    ] {
        let (said, message) = with(name, value);
        assert!(said == status && message.contains(why), "{name}: {said} {message}");
    }
    assert_eq!(refused(asked(8_191, &pattern(1_024))).0, 409, "it would end behind the disk");
    site.power_off("web-01");
    let before = disk(&site);
    let (status, message) = refused(asked(SECTOR, &pattern(512)));
    assert!(status == 409 && message.contains("off"), "{message}");
    assert_eq!(disk(&site), before);
    assert_ne!(at(&before, SECTOR, 512), pattern(512), "none of them has written anything");
}

#[test]
fn what_is_written_at_home_and_in_azure_comes_home() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    // Before there is a replica, after, and on the other side.
    write(&served, SECTOR, &[1; 512]);
    protect(&served, Stack::Classic);
    write(&served, SECTOR + 1, &[2; 512]);
    served.act(
        "unplannedFailover",
        json!({
            "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
            "providerSpecificDetails": { "instanceType": "InMageAzureV2" },
        }),
    );
    write(&served, SECTOR + 2, &[3; 512]);
    served.act("failoverCommit", json!({}));
    served.act("reProtect", json!({
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": { "instanceType": "InMage", "datastoreName": "ds-1", "retentionDrive": "R" },
    }));
    served.wait_for("Protected");
    write(&served, SECTOR + 3, &[4; 512]);
    served.act(
        "unplannedFailover",
        json!({
            "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
            "providerSpecificDetails": { "instanceType": "InMage", "recoveryPointType": "LatestTime" },
        }),
    );
    served.act("failoverCommit", json!({}));
    site.power_off("web-01");
    let disk = disk(&site);
    let held: Vec<u8> = (0..4).map(|more| at(&disk, SECTOR + more, 512)[0]).collect();
    assert_eq!(held, [1, 2, 3, 4]);
    for more in 0..4 {
        assert!(at(&disk, SECTOR + more, 512).iter().all(|byte| u64::from(*byte) == more + 1));
    }
}

#[test]
fn what_was_written_after_the_line_was_cut_is_lost_with_the_site() {
    let loss = |is_cut: bool| {
        let served = served_with(Stack::Classic, ", churn: { rate: 2KiB/s, block: 4KiB }", "");
        protect(&served, Stack::Classic);
        write(&served, SECTOR, &[1; 512]);
        control(&served, "advance", &json!({ "seconds": 900 }));
        let cut = json!({ "steps": [{ "at": "0s", "cut": { "link": "wan", "for": "10h" } }] });
        if is_cut {
            assert_eq!(control(&served, "interventions", &cut).0, 200);
        }
        write(&served, SECTOR + 1, &[2; 512]);
        control(&served, "advance", &json!({ "seconds": 900 }));
        served.act(
            "unplannedFailover",
            json!({
                "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "NotRequired",
                "providerSpecificDetails": { "instanceType": "InMageAzureV2" },
            }),
        );
        let url = format!("{}/switchback/trace?most=10000", served.base());
        let trace = parsed(served.ask_at(Method::GET, &url, None));
        let happened = trace["happenings"].as_array().expect("a list").iter();
        let mut losses = happened.filter_map(|it| it["what"].get("Recovered")).map(|it| it["loss"].clone());
        losses.next_back().unwrap_or_else(|| panic!("{trace}"))
    };
    assert_eq!(loss(true), json!({ "writes": 1, "bytes": 512 }));
    assert_eq!(loss(false), json!({ "writes": 0, "bytes": 0 }));
}

//! Long answers over the wire: they are written as fast as they are read, and cost what is on its way.

mod support;

use support::soap::Site;
use support::{Served, Stack, served_with};

/// Everything known of so many machines is some 15 MB: more than any system keeps in the buffers of a connection.
const MACHINES: usize = 896;
/// More are not kept consistent with each other.
const PER_GROUP: usize = 16;
/// More than the server may grow by, whatever its clients do, and less than the answers are long together.
const GROWTH_MAX: u64 = 100 << 20;

/// A site of many machines. The answers about all of them are what the tests are about.
fn many() -> Served {
    let machine =
        |number: usize| format!("      - {{ name: vm-{number:04}, disks: [{{ name: os, size: 4MiB }}] }}\n");
    let group = |number: usize| {
        let machines: String = (0..PER_GROUP).map(|at| machine(number * PER_GROUP + at)).collect();
        format!("  - consistency-group: g{number}\n    vms:\n{machines}")
    };
    let groups: String = (0..MACHINES / PER_GROUP).map(group).collect();
    served_with(Stack::Classic, "protect:\n", &format!("protect:\n{groups}"))
}

/// Asks for everything of all machines.
const EVERYTHING: &str = "<RetrieveProperties xmlns=\"urn:vim25\">\
    <_this type=\"PropertyCollector\">propertyCollector</_this><specSet><propSet><type>VirtualMachine</type>\
    <all>true</all></propSet><objectSet><obj type=\"Folder\">group-v3</obj><selectSet xsi:type=\"TraversalSpec\">\
    <type>Folder</type><path>childEntity</path></selectSet></objectSet></specSet></RetrieveProperties>";

/// What this process holds, in bytes: the server is part of it.
fn held() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("it is there");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4_096
}

#[test]
fn who_reads_slowly_holds_up_nobody_and_is_told_what_has_happened_meanwhile() {
    let served = many();
    let site = Site::new(&served);
    let last = site.machine("db-01");
    let slow = site.send(EVERYTHING).begun();
    // Others go on, while nobody takes the answer.
    let off = site.ask(&format!(
        "<PowerOffVM_Task xmlns=\"urn:vim25\"><_this type=\"VirtualMachine\">{last}</_this></PowerOffVM_Task>"
    ));
    assert!(off.contains("<returnval type=\"Task\">"), "{off}");
    let advance = served.client.post(format!("{}/switchback/advance", served.base()));
    assert!(advance.body("{\"seconds\": 60}").send().expect("an answer").status().is_success());
    let answer = slow.answer();
    assert!(answer.len() > 10_000_000, "only {} bytes", answer.len());
    assert!(answer.contains("</soapenv:Envelope>"));
    let state = |of: &str| {
        let (_, told) = answer.split_once(&format!("<obj type=\"VirtualMachine\">{of}</obj>"))?;
        told.split_once("<powerState>").map(|(_, rest)| rest.split('<').next().unwrap_or_default())
    };
    assert_eq!(state(&last), Some("poweredOff"), "it was not written before it was off");
    let first = answer.split_once("<obj type=\"VirtualMachine\">").map(|(_, rest)| rest.split('<').next());
    assert_eq!(state(first.flatten().expect("an id")), Some("poweredOn"));
}

#[test]
fn what_nobody_takes_is_not_made_and_who_goes_away_leaves_nothing_behind() {
    let served = many();
    let site = Site::new(&served);
    let whole = site.ask(EVERYTHING).len() as u64;
    let before = held();
    let slow: Vec<_> = (0..20).map(|_| site.send(EVERYTHING).begun()).collect();
    assert!(site.ask(EVERYTHING).len() as u64 > whole / 2, "another has its answer");
    assert!(whole * slow.len() as u64 > 2 * GROWTH_MAX, "{whole} bytes are too few to be seen");
    let grown = held().saturating_sub(before);
    assert!(grown < GROWTH_MAX, "{grown} bytes more while {} clients do not read", slow.len());
    drop(slow);
    for _ in 0..20 {
        drop(site.send(EVERYTHING).begun());
    }
    assert!(site.ask(EVERYTHING).len() as u64 > whole / 2, "the server goes on");
    let grown = held().saturating_sub(before);
    assert!(grown < GROWTH_MAX, "{grown} bytes more when all are gone");
}

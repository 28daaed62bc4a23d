//! Clients of vSphere that wait where nothing is under way: they are held until somebody changes something.

mod support;

use support::soap::{Asked, Site};
use support::{Served, Stack, parsed, served};

const COLLECTOR: &str = "<_this type=\"PropertyCollector\">propertyCollector</_this>";

/// Watches whether a machine runs; what is to be told then, and not what is so already.
fn watches(site: &Site<'_>, machine: &str) -> String {
    site.ask(&format!(
        "<CreateFilter xmlns=\"urn:vim25\">{COLLECTOR}<spec><propSet><type>VirtualMachine</type>\
         <pathSet>runtime.powerState</pathSet></propSet><objectSet><obj type=\"VirtualMachine\">{machine}</obj></objectSet>\
         </spec><partialUpdates>false</partialUpdates></CreateFilter>"
    ));
    let first = site.ask(&wait("", 1_800));
    let (_, version) = first.split_once("<version>").expect("all is new at first");
    version.split('<').next().unwrap_or_default().to_owned()
}

fn wait(version: &str, seconds: u32) -> String {
    format!(
        "<WaitForUpdatesEx xmlns=\"urn:vim25\">{COLLECTOR}<version>{version}</version>\
         <options><maxWaitSeconds>{seconds}</maxWaitSeconds></options></WaitForUpdatesEx>"
    )
}

/// A figure of the server.
fn health(served: &Served, figure: &str) -> u64 {
    let health = served.client.get(format!("{}/switchback/health", served.base()));
    parsed(health.send().expect("an answer"))[figure].as_u64().expect("a number")
}

/// The time of the rehearsal, in seconds.
fn seconds(served: &Served) -> u64 {
    health(served, "seconds")
}

/// Sends a call that waits, and does not go on before the server has it.
fn held(served: &Served, site: &Site<'_>, call: &str) -> Asked {
    let before = health(served, "requests");
    let sent = site.send(call);
    // Each look is a request too.
    let mut looks = 1;
    while health(served, "requests") <= before + looks {
        looks += 1;
    }
    sent
}

fn power_off(machine: &str) -> String {
    format!(
        "<PowerOffVM_Task xmlns=\"urn:vim25\"><_this type=\"VirtualMachine\">{machine}</_this></PowerOffVM_Task>"
    )
}

#[test]
fn who_waits_sees_what_another_does_and_time_does_not_rush_away_under_it() {
    let served = served(Stack::Classic);
    let (waiting, other) = (Site::new(&served), Site::new(&served));
    let machine = waiting.machine("db-01");
    let version = watches(&waiting, &machine);
    let before = seconds(&served);
    let held = held(&served, &waiting, &wait(&version, 1_800));
    other.ask(&power_off(&machine));
    let answer = held.answer();
    assert!(answer.contains("<kind>modify</kind>") && answer.contains(">poweredOff</val>"), "{answer}");
    assert!(seconds(&served) - before < 1_700, "half an hour did not have to pass for it");
}

#[test]
fn where_nothing_changes_just_the_time_passes_that_somebody_wants_to_wait() {
    let served = served(Stack::Classic);
    let site = Site::new(&served);
    let version = watches(&site, &site.machine("db-01"));
    let before = seconds(&served);
    let answer = site.ask(&wait(&version, 50));
    assert!(answer.contains("WaitForUpdatesExResponse") && !answer.contains("returnval"), "{answer}");
    assert_eq!(seconds(&served) - before, 50);
}

#[test]
fn who_waits_is_let_go_by_its_own_session_and_not_by_another() {
    let served = served(Stack::Classic);
    let (waiting, other) = (Site::new(&served), Site::new(&served));
    let version = watches(&waiting, &waiting.machine("db-01"));
    let held = held(&served, &waiting, &wait(&version, 1_800));
    let cancel = format!("<CancelWaitForUpdates xmlns=\"urn:vim25\">{COLLECTOR}</CancelWaitForUpdates>");
    let before = seconds(&served);
    other.ask(&cancel);
    waiting.ask(&cancel);
    let answer = held.answer();
    assert!(answer.contains("RequestCanceled"), "{answer}");
    assert!(seconds(&served) - before < 1_700);
}

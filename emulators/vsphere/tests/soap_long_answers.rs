//! Answers that go out in pieces: what each says is as it is when its turn comes, and what cannot be gone on with is broken off.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use std::time::Duration;

use soap_support::client::{Client, between, call};
use soap_support::{BARE, WEB};
use switchback_vsphere::soap::{Attempt, BrokenOff, Response, Rest, check_answer};

const COLLECTOR: (&str, &str) = ("PropertyCollector", "propertyCollector");
/// How often everything is asked for: so that it does not fit into one piece.
const TIMES: usize = 40;

/// Everything that is known of a machine, so many times, and then its power once.
fn everything(tag: &str, id: &str, times: usize) -> String {
    let object = format!("<objectSet><obj type=\"VirtualMachine\">{id}</obj></objectSet>");
    let want =
        |what: &str| format!("<{tag}><propSet><type>VirtualMachine</type>{what}</propSet>{object}</{tag}>");
    want("<all>true</all>").repeat(times) + &want("<pathSet>runtime.powerState</pathSet>")
}

/// The beginning of an answer, and what is left of it.
fn begun(client: &mut Client, body: &str) -> (Response, Rest) {
    let Attempt::Answered(mut response) = client.attempt(body, Duration::ZERO) else {
        panic!("nobody has to wait");
    };
    let rest = response.rest.take().expect("it does not fit into one piece");
    (response, rest)
}

/// All of it, and in how many pieces it came.
fn ended(client: &mut Client, (begun, rest): (Response, Rest)) -> (String, usize) {
    let (mut body, mut rest, mut pieces) = (begun.body, Some(rest), 1);
    while let Some(left) = rest {
        let (piece, more) = client.vim.go_on(left, &mut client.world).expect("it goes on");
        body.extend(piece);
        rest = more;
        pieces += 1;
    }
    (String::from_utf8(body).expect("an answer is text"), pieces)
}

#[test]
fn a_long_answer_is_the_same_in_pieces_and_as_a_whole() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let ask = call(COLLECTOR, "RetrieveProperties", &everything("specSet", &web, TIMES));
    let whole = client.ok(&ask);
    let beginning = begun(&mut client, &ask);
    let longest = beginning.0.body.len();
    let (answer, pieces) = ended(&mut client, beginning);
    assert_eq!(answer, whole);
    assert!(pieces > 3 && longest < 200_000, "{pieces} pieces, the first of {longest} bytes");
    assert_eq!(check_answer("RetrieveProperties", answer.as_bytes()), Ok(()));
}

#[test]
fn a_short_answer_is_whole_at_once() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    let ask = call(COLLECTOR, "RetrieveProperties", &everything("specSet", &web, 1));
    let Attempt::Answered(response) = client.attempt(&ask, Duration::ZERO) else {
        panic!("nobody has to wait");
    };
    assert_eq!(response.rest, None);
    assert_eq!(check_answer("RetrieveProperties", &response.body), Ok(()));
}

#[test]
fn an_object_is_told_as_it_is_when_its_turn_comes() {
    let mut client = Client::logged_in();
    let bare = client.world.id(BARE);
    let ask = call(COLLECTOR, "RetrieveProperties", &everything("specSet", &bare, TIMES));
    client.world.vcenter.power_on(client.world.now, BARE).expect("it starts");
    let beginning = begun(&mut client, &ask);
    client.world.vcenter.power_off(client.world.now, BARE).expect("it stops");
    let (answer, _) = ended(&mut client, beginning);
    let states: Vec<_> = answer.split("<powerState>").skip(1).map(|rest| rest.split('<').next()).collect();
    assert_eq!(states.first(), Some(&Some("poweredOn")));
    assert_eq!(states.last(), Some(&Some("poweredOff")));
    assert!(answer.ends_with("</soapenv:Envelope>\n") && answer.contains("\">poweredOff</val>"));
}

#[test]
fn an_object_that_is_gone_by_then_is_told_as_missing() {
    let mut client = Client::logged_in();
    let bare = client.world.id(BARE);
    let ask = call(COLLECTOR, "RetrieveProperties", &everything("specSet", &bare, TIMES));
    let beginning = begun(&mut client, &ask);
    client.world.vcenter.remove_machine(client.world.now, BARE).expect("it is removed");
    let (answer, _) = ended(&mut client, beginning);
    assert_eq!(check_answer("RetrieveProperties", answer.as_bytes()), Ok(()));
    let last = answer.rsplit("<returnval>").next().expect("there are some");
    assert!(
        last.contains("<missingSet><path>runtime.powerState</path>")
            && last.contains("ManagedObjectNotFound")
    );
}

/// A client that watches everything of a machine, by so many filters.
fn watches(client: &mut Client, id: &str) {
    for _ in 0..TIMES {
        client.ok(&call(
            COLLECTOR,
            "CreateFilter",
            &(everything("spec", id, 1).split_inclusive("</spec>").next().expect("the first").to_owned()
                + "<partialUpdates>false</partialUpdates>"),
        ));
    }
}

#[test]
fn updates_in_pieces_are_told_once() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    watches(&mut client, &web);
    let wait = |version: &str| call(COLLECTOR, "WaitForUpdatesEx", &format!("<version>{version}</version>"));
    let beginning = begun(&mut client, &wait(""));
    let (answer, pieces) = ended(&mut client, beginning);
    assert_eq!(check_answer("WaitForUpdatesEx", answer.as_bytes()), Ok(()));
    assert_eq!((answer.matches("<kind>enter</kind>").count(), pieces > 3), (TIMES, true));
    let version = between(&answer, "<version>", "<").to_owned();
    assert!(
        matches!(client.attempt(&wait(&version), Duration::ZERO), Attempt::Waits(_)),
        "all of it was told"
    );

    // What is told to who asks in the middle, is not told again.
    let (_, rest) = begun(&mut client, &wait(""));
    let version = (version.parse::<u64>().expect("a number") + 1).to_string();
    let between_pieces = client.ok(&wait(&version));
    let (piece, _) = client.vim.go_on(rest, &mut client.world).expect("it goes on");
    let told = between_pieces.matches("<kind>enter</kind>").count();
    assert!(told > 0 && told < TIMES, "{told}");
    assert!(!String::from_utf8_lossy(&piece).contains("<kind>"));
}

#[test]
fn what_nobody_can_answer_any_more_is_broken_off() {
    let mut client = Client::logged_in();
    let web = client.world.id(WEB);
    watches(&mut client, &web);
    let wait = call(COLLECTOR, "WaitForUpdatesEx", "<version></version>");
    let (_, rest) = begun(&mut client, &wait);
    let (_, other) = begun(&mut client, &wait);
    client.world.vcenter.lose_vcenter();
    assert_eq!(client.vim.go_on(rest, &mut client.world).err(), Some(BrokenOff::Unreachable));
    client.world.vcenter.restore_vcenter();
    client.ok(&call(("SessionManager", "SessionManager"), "Logout", ""));
    assert_eq!(client.vim.go_on(other, &mut client.world).err(), Some(BrokenOff::NobodyAsks));
}

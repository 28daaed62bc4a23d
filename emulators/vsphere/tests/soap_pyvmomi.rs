//! A conversation of pyVmomi, recorded by `tests/clients/pyvmomi_inventory.py`, played to the surface: every answer
//! is what the interface promises, and everything comes out as it did when the client itself was content.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use soap_support::client::{Client, fault_in, text};
use switchback_vsphere::soap::check_answer;

const CALLS: &str = include_str!("data/pyvmomi.calls");

/// Plays it, and gives all answers.
fn play() -> Vec<String> {
    let mut client = Client::new();
    let mut answers = Vec::new();
    for line in CALLS.lines() {
        let (outcome, body) = line.split_once('\t').expect("an outcome and a body");
        let response = client.post(body);
        let answer = text(&response);
        let came = if response.status == 200 { "ok".to_owned() } else { fault_in(&answer) };
        assert_eq!(came, outcome, "{answer}\nto\n{body}");
        answers.push(answer);
    }
    answers
}

#[test]
fn the_conversation_goes_as_it_went() {
    assert!(play().len() > 100);
}

#[test]
fn the_same_conversation_twice_is_the_same() {
    assert_eq!(play(), play());
}

#[test]
fn an_answer_that_is_damaged_is_not_fit() {
    let mut client = Client::logged_in();
    let web = client.world.id(soap_support::WEB);
    let answer =
        client.ok(&soap_support::client::call(("VirtualMachine", &web), "Fetch", "<prop>runtime</prop>"));
    let fit = |answer: &str| check_answer("Fetch", answer.as_bytes()).map_err(|why| why.to_string());
    assert_eq!(fit(&answer), Ok(()));
    let table = [
        (">poweredOff<", "><", "\"\" is no VirtualMachinePowerState"),
        (">poweredOff<", ">asleep<", "\"asleep\" is no VirtualMachinePowerState"),
        ("<powerState>poweredOff</powerState>", "", "powerState: it is required"),
        ("<numMksConnections>0<", "<numMksConnections>none<", "\"none\" is no int"),
        ("<numMksConnections>0</numMksConnections>", "<nothing/>", "there is no nothing"),
        ("type=\"HostSystem\"", "type=\"Datastore\"", "Datastore is no HostSystem"),
        ("xsi:type=\"VirtualMachineRuntimeInfo\"", "", "its type is not said"),
        ("<FetchResponse", "<OtherResponse", "not well-formed"),
    ];
    for (from, to, why) in table {
        let damaged = answer.replace(from, to);
        assert_ne!(damaged, answer, "{from}");
        let found = fit(&damaged).expect_err("it is damaged");
        assert!(found.contains(why), "{found}");
    }
    let power = "<powerState>poweredOff</powerState>";
    let late = answer.replace(power, "").replace("</returnval>", &format!("{power}</returnval>"));
    assert!(fit(&late).expect_err("it is out of order").contains("powerState comes too late"));
}

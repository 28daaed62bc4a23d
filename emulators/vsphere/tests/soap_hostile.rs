//! Whatever is posted, the answer is one: a fault of a type that clients know, never a panic, never a change.
#![cfg(feature = "soap")]

#[expect(dead_code, reason = "other tests use more of it")]
mod soap_support;

use proptest::prelude::*;
use soap_support::client::{Client, call, envelope, fault_in, method, request, text};
use switchback_vsphere::soap::{Request, check_answer};

const CALLS: &str = include_str!("data/pyvmomi.calls");

/// Posts bytes as they are; the answer has to be fit, and is a fault if `fault` is given.
fn post(client: &mut Client, message: &[u8], of: &str, fault: Option<&str>) {
    let cookie = client.cookie.clone();
    let response = client.vim.answer(&request(message, cookie.as_deref(), None), &mut client.world);
    let answer = text(&response);
    check_answer(of, &response.body).unwrap_or_else(|why| panic!("{why}\n{answer}"));
    if let Some(fault) = fault {
        assert_eq!((response.status, fault_in(&answer).as_str()), (500, fault), "{answer}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let mut client = Client::logged_in();
    let deep = format!("{}{}", "<a>".repeat(5_000), "</a>".repeat(5_000));
    let wide = "<selectSet/>".repeat(250_000);
    let messages: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{}".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"<a/>".to_vec(),
        b"<Envelope/>".to_vec(),
        b"<Envelope><Body/></Envelope>".to_vec(),
        b"<Envelope><Body><a/><b/></Body></Envelope>".to_vec(),
        b"<Envelope><Body><Logout/></Body></Envelope>".to_vec(),
        b"<Envelope><Body><Logout><_this type=\"Nonsense\">x</_this></Logout></Body></Envelope>".to_vec(),
        b"<Envelope><Body><Logout><_this>x</_this></Logout></Body></Envelope>".to_vec(),
        b"<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><a>&b;</a>".to_vec(),
        b"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>".to_vec(),
        envelope("<Logout><_this type=\"SessionManager\">&secret;</_this></Logout>"),
        envelope(&deep),
        envelope(&wide),
        vec![b'<'; 9 << 20],
    ];
    for message in messages {
        post(&mut client, &message, "", Some("InvalidRequest"));
    }
    client.ok(&call(("ServiceInstance", "ServiceInstance"), "CurrentTime", ""));
}

#[test]
fn more_ways_than_anybody_goes_are_refused() {
    let mut client = Client::logged_in();
    let way = "<selectSet xsi:type=\"TraversalSpec\"><type>Folder</type><path>childEntity</path></selectSet>";
    let spec = |ways: usize, paths: usize| {
        let (ways, paths) = (way.repeat(ways), "<pathSet>name</pathSet>".repeat(paths));
        let arguments = format!(
            "<specSet><propSet><type>Folder</type>{paths}</propSet><objectSet><obj type=\"Folder\">group-d1</obj>{ways}</objectSet></specSet>"
        );
        call(("PropertyCollector", "propertyCollector"), "RetrieveProperties", &arguments)
    };
    client.ok(&spec(128, 1_000));
    assert_eq!(client.fault(&spec(129, 1)), "LimitExceeded");
    assert_eq!(client.fault(&spec(1, 1_024)), "LimitExceeded");
}

#[test]
fn a_message_that_is_cut_off_is_refused() {
    for line in CALLS.lines() {
        let (_, body) = line.split_once('\t').expect("an outcome and a body");
        let message = envelope(body);
        let mut client = Client::logged_in();
        for cut in (0..message.len() - 20).step_by(61) {
            post(&mut client, &message[..cut], method(body), Some("InvalidRequest"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_an_answer(message in proptest::collection::vec(any::<u8>(), 0..400)) {
        post(&mut Client::logged_in(), &message, "", Some("InvalidRequest"));
    }

    /// One byte of a call is another: it may still be a call, and then its answer is fit.
    #[test]
    fn a_damaged_call_has_an_answer(line in 0..CALLS.lines().count(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let body = CALLS.lines().nth(line).and_then(|line| line.split_once('\t')).expect("a body").1;
        let mut message = envelope(body);
        let at = at.index(message.len());
        message[at] = byte;
        let mut client = Client::logged_in();
        let cookie = client.cookie.clone();
        let response = client.vim.answer(&request(&message, cookie.as_deref(), None), &mut client.world);
        if response.status == 500 {
            prop_assert_eq!(check_answer("", &response.body), Ok(()));
        }
    }

    #[test]
    fn any_head_has_an_answer(verb in ".{0,8}", path in ".{0,30}", cookie in ".{0,60}", action in ".{0,40}") {
        let mut client = Client::new();
        let request = Request { method: &verb, path: &path, ..request(b"", Some(&cookie), Some(&action)) };
        prop_assert!(client.vim.answer(&request, &mut client.world).status >= 200);
    }
}

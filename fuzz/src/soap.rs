//! Messages to the SOAP surface: each is answered, and every answer is what the interface promises.

use switchback_vsphere::soap::check_answer;

use crate::served::{envelope, served};

/// Sends a text as a message, and where it is no envelope, as what stands in one.
///
/// # Panics
/// If an answer is none that the interface allows.
pub fn ask(text: &str) {
    let message = if text.contains("Envelope") { text.to_owned() } else { envelope(text) };
    let mut served = served();
    let Some(answer) = served.post(message.as_bytes()) else { return };
    assert!([200, 500].contains(&answer.status), "{}", answer.status);
    let text = String::from_utf8_lossy(&answer.body);
    // Which method was understood stands in the answer; a fault has none.
    let method = text.split_once("Response xmlns=\"urn:vim25\"").map_or("", |(before, _)| before);
    let method = method.rsplit('<').next().unwrap_or_default();
    if let Err(unfit) = check_answer(method, &answer.body) {
        panic!("{unfit}: {text}");
    }
    assert_eq!(answer.status == 500, text.contains("<soapenv:Fault>"), "{text}");
}

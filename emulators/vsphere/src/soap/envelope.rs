//! The envelope of a message: what is called in a request, and what is answered, or which fault.

use super::fault::SoapFault;
use super::types::{Field, Rank};
use super::value::Value;
use super::write::{Writer, escape};
use super::xml::{Element, XmlError, parse};
use thiserror::Error;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n<soapenv:Body>\n";
const FOOT: &str = "\n</soapenv:Body>\n</soapenv:Envelope>\n";

/// Why a body holds no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EnvelopeError {
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("there is no envelope with a body that holds one element")]
    NoBody,
    #[error("it does not say which object it is for")]
    NoReceiver,
}

/// What a request calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The type and the id of the object it is for.
    pub(crate) receiver: (String, String),
    /// The arguments, unread.
    pub(crate) arguments: Vec<Element>,
}

/// The name of the method that a message calls, as far as it can be told without reading it.
pub(crate) fn called(message: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(message).ok()?;
    let mut tags = text.split('<').skip(1);
    tags.find(|tag| local(tag) == Some("Body"))?;
    tags.find_map(local)
}

/// The name in an opening tag, without its prefix.
fn local(tag: &str) -> Option<&str> {
    let end = tag.find(|at: char| at.is_whitespace() || at == '>' || at == '/').unwrap_or(tag.len());
    let name = tag[..end].rsplit(':').next().unwrap_or_default();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    is_name.then_some(name)
}

/// The one element in the body of a message.
pub(crate) fn content(message: &[u8]) -> Result<Element, EnvelopeError> {
    let envelope = parse(message)?;
    if envelope.name != "Envelope" {
        return Err(EnvelopeError::NoBody);
    }
    let mut body = envelope.children.into_iter().filter(|child| child.name == "Body");
    match (body.next().map(|body| body.children), body.next()) {
        (Some(mut contents), None) if contents.len() == 1 => contents.pop().ok_or(EnvelopeError::NoBody),
        _ => Err(EnvelopeError::NoBody),
    }
}

/// Opens a request.
pub(crate) fn call(message: &[u8]) -> Result<Call, EnvelopeError> {
    let Element { name: method, children, .. } = content(message)?;
    let (this, arguments): (Vec<_>, Vec<_>) = children.into_iter().partition(|child| child.name == "_this");
    match this.as_slice() {
        [this] if !this.text.is_empty() => {
            let kind = this.reference.clone().unwrap_or_default();
            Ok(Call { method, receiver: (kind, this.text.trim().to_owned()), arguments })
        }
        _ => Err(EnvelopeError::NoReceiver),
    }
}

/// Closes an answer.
pub(crate) fn answer(method: &str, rank: Rank, result: Option<(Field, &Value)>) -> Vec<u8> {
    let mut writer = begin(method, rank);
    if let Some((field, value)) = result {
        writer.slot(field.name, field.kind, value);
    }
    end(&mut writer, method);
    writer.finish().into_bytes()
}

/// Begins an answer.
pub(crate) fn begin(method: &str, rank: Rank) -> Writer {
    let mut writer = Writer::new(rank);
    writer.raw(HEAD);
    writer.raw(&format!("<{method}Response xmlns=\"urn:vim25\">"));
    writer
}

/// Ends it.
pub(crate) fn end(writer: &mut Writer, method: &str) {
    writer.raw(&format!("</{method}Response>"));
    writer.raw(FOOT);
}

/// Closes an answer that is a fault.
pub(crate) fn fault(rank: Rank, fault: &SoapFault) -> Vec<u8> {
    let mut writer = Writer::new(rank);
    let kind = writer.known(fault.data.kind);
    let mut message = String::new();
    escape(&mut message, &fault.message);
    writer.raw(HEAD);
    writer.raw(&format!(
        "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{message}</faultstring><detail>\
         <{kind}Fault xmlns=\"urn:vim25\" xsi:type=\"{kind}\">"
    ));
    writer.members(kind, &fault.data);
    writer.raw(&format!("</{kind}Fault></detail></soapenv:Fault>"));
    writer.raw(FOOT);
    writer.finish().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_calls_is_told_without_reading_it() {
        let message = b"<?xml version=\"1.0\"?><soapenv:Envelope xmlns:soapenv=\"x\"><soapenv:Body>\
            <PowerOnVM_Task xmlns=\"urn:vim25\"><_this>vm-1</_this></PowerOnVM_Task></soapenv:Body></soapenv:Envelope>";
        assert_eq!(called(message), Some("PowerOnVM_Task"));
        assert_eq!(
            called(b"<e:Envelope><e:Header><a/></e:Header><e:Body> <v:Login/></e:Body>"),
            Some("Login")
        );
        for other in [&b""[..], b"Body", b"<Body", b"<Body></Body>", b"\xff<Body><a>", b"<a>Body<b>"] {
            assert_eq!(called(other), None, "{other:?}");
        }
    }
}

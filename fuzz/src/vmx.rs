//! Configurations of machines that a client has put on a datastore: a machine is registered of each, or it is refused, and
//! what is then told of it can be registered too. Not as the same: vCenter gives numbers anew.

use switchback_vsphere::soap::{FileBody, FileRequest};

use crate::served::{Served, envelope, served};

const PATH: &str = "/folder/any/any.vmx";
const STORE: &str = "dcPath=vc-lon&dsName=ds-1";

/// Puts a text on a datastore as a configuration, and registers the machine.
///
/// # Panics
/// If the configuration that a registered machine has cannot be registered itself.
pub fn register(text: &str) {
    let mut served = served();
    served.make_folder();
    served.put(text.as_bytes());
    let Some(vm) = served.registered() else { return };
    let told = served.configuration();
    let unregister = format!(
        "<UnregisterVM xmlns=\"urn:vim25\"><_this type=\"VirtualMachine\">{vm}</_this></UnregisterVM>"
    );
    served.ok(&unregister);
    served.put(&told);
    let again = served.registered();
    assert!(again.is_some(), "{} is not registered", String::from_utf8_lossy(&told));
}

impl Served {
    fn ok(&mut self, body: &str) -> String {
        let answer = self.post(envelope(body).as_bytes()).expect("nobody waits");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{text}");
        text
    }

    fn make_folder(&mut self) {
        self.ok("<MakeDirectory xmlns=\"urn:vim25\"><_this type=\"FileManager\">FileManager</_this><name>[ds-1] any</name></MakeDirectory>");
    }

    fn put(&mut self, bytes: &[u8]) {
        let cookie = self.cookie.clone();
        let request = FileRequest { length: Some(bytes.len() as u64), ..asked("PUT", &cookie) };
        let number = self.vim.begin_upload(&request, &mut self.world).expect("it may be sent");
        self.vim.continue_upload(number, bytes).expect("there is room");
        let answer = self.vim.end_upload(number, &request, &mut self.world);
        assert!(answer.status < 300, "{}", answer.status);
    }

    /// The machine that was registered, unless it was refused.
    fn registered(&mut self) -> Option<String> {
        let answer = self.ok(
            "<RegisterVM_Task xmlns=\"urn:vim25\"><_this type=\"Folder\">group-v3</_this><path>[ds-1] any/any.vmx</path>\
             <asTemplate>false</asTemplate></RegisterVM_Task>",
        );
        let task = between(&answer, "<returnval type=\"Task\">", "<").to_owned();
        let info = self.ok(&format!(
            "<Fetch xmlns=\"urn:vim25\"><_this type=\"Task\">{task}</_this><prop>info</prop></Fetch>"
        ));
        let is_made = between(&info, "<state>", "<") == "success";
        let result = info.split_once("<result").and_then(|(_, rest)| rest.split_once('>'));
        result.filter(|_| is_made).map(|(_, rest)| rest.split('<').next().unwrap_or_default().to_owned())
    }

    /// The configuration of the machine as it is told.
    fn configuration(&mut self) -> Vec<u8> {
        let cookie = self.cookie.clone();
        let answer = self.vim.file(&asked("GET", &cookie), &mut self.world);
        match answer.body {
            FileBody::Part(image, range) => {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                image.read(range.start, &mut bytes);
                bytes
            }
            _ => panic!("the configuration is not there: {}", answer.status),
        }
    }
}

fn asked<'a>(method: &'a str, cookie: &'a str) -> FileRequest<'a> {
    let (authorization, range, length) = (None, None, None);
    FileRequest { method, path: PATH, query: STORE, cookie: Some(cookie), authorization, range, length }
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let rest = text.split_once(open).map_or("", |(_, rest)| rest);
    rest.split_once(close).map_or("", |(found, _)| found)
}

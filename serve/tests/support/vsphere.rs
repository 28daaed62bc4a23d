//! A client of vSphere and of its files.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder, Response};

use super::Served;

pub(crate) const STORE: &str = "dcPath=vc-lon&dsName=ds-1";

/// A client of vSphere with its cookie.
pub(crate) struct Site<'s> {
    pub(crate) served: &'s Served,
    pub(crate) client: Client,
    pub(crate) cookie: String,
}

pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

pub(crate) const LOGIN: &str = "<Login xmlns=\"urn:vim25\"><_this type=\"SessionManager\">SessionManager</_this>\
                     <userName>user</userName><password>pw</password></Login>";

impl<'s> Site<'s> {
    pub(crate) fn new(served: &'s Served) -> Self {
        let client = Client::builder().timeout(Duration::from_secs(120)).build().expect("a client");
        let mut site = Self { served, client, cookie: String::new() };
        let answer = site.call(LOGIN);
        let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
        site.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        site
    }

    pub(crate) fn call(&self, body: &str) -> Response {
        let request = self.client.post(format!("{}/sdk", self.served.base()));
        let answer = request.header("cookie", &self.cookie).body(envelope(body)).send().expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{body}");
        answer
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/folder/{path}?{STORE}", self.served.base())
    }

    pub(crate) fn send(&self, request: RequestBuilder) -> Response {
        request.header("cookie", &self.cookie).send().expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send(self.client.get(self.url(path)))
    }

    /// The id of a machine, by its name.
    pub(crate) fn machine(&self, name: &str) -> String {
        let find = format!(
            "<FindChild xmlns=\"urn:vim25\"><_this type=\"SearchIndex\">SearchIndex</_this>\
             <entity type=\"Folder\">group-v3</entity><name>{name}</name></FindChild>"
        );
        let answer = self.call(&find).text().expect("text");
        answer
            .split("\"VirtualMachine\">")
            .nth(1)
            .and_then(|rest| rest.split('<').next())
            .expect("an id")
            .to_owned()
    }

    pub(crate) fn power_off(&self, name: &str) {
        let id = self.machine(name);
        self.call(&format!(
            "<PowerOffVM_Task xmlns=\"urn:vim25\"><_this type=\"VirtualMachine\">{id}</_this></PowerOffVM_Task>"
        ));
    }
}

pub(crate) fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 5 + at % 253) as u8).collect()
}

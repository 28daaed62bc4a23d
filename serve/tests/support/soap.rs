//! A client of vSphere over the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::blocking::Response;

use super::Served;

pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

const LOGIN: &str = "<Login xmlns=\"urn:vim25\"><_this type=\"SessionManager\">SessionManager</_this>\
                     <userName>user</userName><password>pw</password></Login>";

/// A client with its cookie.
pub(crate) struct Site<'s> {
    served: &'s Served,
    cookie: String,
}

impl<'s> Site<'s> {
    pub(crate) fn new(served: &'s Served) -> Self {
        let mut site = Self { served, cookie: String::new() };
        let answer = site.post(LOGIN);
        let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
        site.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        site
    }

    pub(crate) fn post(&self, body: &str) -> Response {
        let request = self.served.client.post(format!("{}/sdk", self.served.base()));
        request.header("cookie", &self.cookie).body(envelope(body)).send().expect("an answer")
    }

    pub(crate) fn ask(&self, body: &str) -> String {
        self.post(body).text().expect("text")
    }

    /// The id of a machine, by its name.
    pub(crate) fn machine(&self, name: &str) -> String {
        let answer = self.ask(&format!(
            "<FindByInventoryPath xmlns=\"urn:vim25\"><_this type=\"SearchIndex\">SearchIndex</_this>\
             <inventoryPath>vc-lon/vm/{name}</inventoryPath></FindByInventoryPath>"
        ));
        let (_, found) = answer.split_once("type=\"VirtualMachine\">").expect("it is there");
        found.split('<').next().unwrap_or_default().to_owned()
    }

    /// Asks, and does not wait for the answer.
    pub(crate) fn send(&self, body: &str) -> Asked {
        let body = envelope(body);
        let mut stream = TcpStream::connect(self.served.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit");
        let head = format!(
            "POST /sdk HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.write_all(body.as_bytes()).expect("it is sent");
        Asked(BufReader::with_capacity(256, stream))
    }
}

/// A call that was sent.
pub(crate) struct Asked(BufReader<TcpStream>);

impl Asked {
    /// Reads the head of the answer, and nothing of what follows.
    pub(crate) fn begun(mut self) -> Self {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("a head");
        }
        self
    }

    /// All that comes.
    pub(crate) fn answer(mut self) -> String {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).expect("all of it comes");
        answer
    }
}

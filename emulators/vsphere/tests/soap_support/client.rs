//! A client that posts to the surface, looks at what comes back, and accepts nothing that the interface does not promise.

use switchback_disks::Image;
use switchback_vsphere::soap::{
    Attempt, FileAnswer, FileBody, FileRequest, Request, Response, Vim, check_answer,
};

use super::World;

/// A client with its session.
pub(crate) struct Client {
    pub(crate) vim: Vim,
    pub(crate) world: World,
    pub(crate) cookie: Option<String>,
    pub(crate) version: &'static str,
}

impl Client {
    /// Not logged in.
    pub(crate) fn new() -> Self {
        Self { vim: Vim::new(), world: World::new(), cookie: None, version: "8.0.3.0" }
    }

    pub(crate) fn logged_in() -> Self {
        let mut client = Self::new();
        client.login();
        client
    }

    pub(crate) fn login(&mut self) {
        self.ok("<Login xmlns=\"urn:vim25\"><_this type=\"SessionManager\">SessionManager</_this>\
                 <userName>user</userName><password>password</password></Login>");
    }

    /// Sends what stands in the body of a message.
    pub(crate) fn post(&mut self, body: &str) -> Response {
        let action = format!("\"urn:vim25/{}\"", self.version);
        let message = envelope(body);
        let cookie = self.cookie.clone();
        let request = request(&message, cookie.as_deref(), Some(&action));
        let response = self.vim.answer(&request, &mut self.world);
        let set = response.headers.iter().find(|(name, _)| *name == "Set-Cookie");
        if let Some((_, cookie)) = set {
            self.cookie = Some(cookie.clone());
        }
        if let Err(why) = check_answer(method(body), &response.body) {
            panic!("{why}\nin the answer\n{}\nto\n{body}", text(&response));
        }
        response
    }

    /// Tries to answer once, without letting time pass.
    pub(crate) fn attempt(&mut self, body: &str, waited: std::time::Duration) -> Attempt {
        let message = envelope(body);
        let cookie = self.cookie.clone();
        self.vim.attempt(&request(&message, cookie.as_deref(), None), &mut self.world, waited)
    }

    /// Sends a call that has to work; gives its answer.
    pub(crate) fn ok(&mut self, body: &str) -> String {
        let response = self.post(body);
        assert_eq!(response.status, 200, "{}\nto\n{body}", text(&response));
        text(&response)
    }

    /// Sends a call that has to fail; gives the type of the fault.
    pub(crate) fn fault(&mut self, body: &str) -> String {
        let response = self.post(body);
        assert_eq!(response.status, 500, "{}\nto\n{body}", text(&response));
        fault_in(&text(&response))
    }

    /// Calls a method of an object, with arguments as they stand on the wire.
    pub(crate) fn call(&mut self, object: (&str, &str), method: &str, arguments: &str) -> Response {
        self.post(&call(object, method, arguments))
    }

    /// Calls a method that has a task; gives what is told of it once it is over: how it ended, and all of it.
    pub(crate) fn task(&mut self, object: (&str, &str), method: &str, arguments: &str) -> (String, String) {
        let answer = self.ok(&call(object, method, arguments));
        let task = between(&answer, "<returnval type=\"Task\">", "<").to_owned();
        let info = self.fetch(("Task", &task), "info");
        (between(&info, "<state>", "<").to_owned(), info)
    }

    /// Calls a method whose task has to end well; gives what came of it, as it stands in the task.
    pub(crate) fn done(&mut self, object: (&str, &str), method: &str, arguments: &str) -> String {
        let (state, info) = self.task(object, method, arguments);
        assert_eq!(state, "success", "{info}");
        info.split_once("<result").map_or_else(String::new, |(_, rest)| {
            let (_, rest) = rest.split_once('>').expect("it is an element");
            rest.split_once("</result>").expect("it ends").0.to_owned()
        })
    }

    /// Calls a method whose task has to fail; gives the type of the fault.
    pub(crate) fn failed(&mut self, object: (&str, &str), method: &str, arguments: &str) -> String {
        let (state, info) = self.task(object, method, arguments);
        assert_eq!(state, "error", "{info}");
        between(&info, "<error><fault xsi:type=\"", "\"").to_owned()
    }

    /// Asks for a file, or for part of one.
    pub(crate) fn file(&mut self, method: &str, path: &str, query: &str, range: Option<&str>) -> FileAnswer {
        let cookie = self.cookie.clone();
        let request = file_request(method, path, query, cookie.as_deref());
        self.vim.file(&FileRequest { range, ..request }, &mut self.world)
    }

    /// The bytes of a file that is there.
    pub(crate) fn download(&mut self, path: &str, query: &str) -> Vec<u8> {
        let answer = self.file("GET", path, query, None);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        body(answer.body)
    }

    /// Sends a file in pieces: the status that it is answered.
    pub(crate) fn upload(&mut self, method: &str, path: &str, query: &str, bytes: &[u8]) -> u16 {
        let cookie = self.cookie.clone();
        let request = file_request(method, path, query, cookie.as_deref());
        let request = FileRequest { length: Some(bytes.len() as u64), ..request };
        let number = match self.vim.begin_upload(&request, &mut self.world) {
            Ok(number) => number,
            Err(refused) => return refused.status,
        };
        for piece in bytes.chunks(100_001) {
            if let Err(refused) = self.vim.continue_upload(number, piece) {
                self.vim.abort_upload(number);
                return refused.status;
            }
        }
        self.vim.end_upload(number, &request, &mut self.world).status
    }

    /// One property of an object, as it stands on the wire.
    pub(crate) fn fetch(&mut self, object: (&str, &str), property: &str) -> String {
        let answer = self.ok(&call(object, "Fetch", &format!("<prop>{property}</prop>")));
        between(&answer, "<FetchResponse xmlns=\"urn:vim25\">", "</FetchResponse>").to_owned()
    }
}

/// A request for a file.
pub(crate) fn file_request<'a>(
    method: &'a str,
    path: &'a str,
    query: &'a str,
    cookie: Option<&'a str>,
) -> FileRequest<'a> {
    FileRequest { method, path, query, cookie, authorization: None, range: None, length: None }
}

/// All of what follows an answer.
pub(crate) fn body(body: FileBody) -> Vec<u8> {
    match body {
        FileBody::Text(text) => text.into_bytes(),
        FileBody::Part(image, range) => {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            Image::read(&*image, range.start, &mut bytes);
            bytes
        }
        FileBody::Stream(stream) => stream.flatten().collect(),
    }
}

pub(crate) fn call((kind, id): (&str, &str), method: &str, arguments: &str) -> String {
    format!("<{method} xmlns=\"urn:vim25\"><_this type=\"{kind}\">{id}</_this>{arguments}</{method}>")
}

pub(crate) fn envelope(body: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n<soapenv:Body>{body}</soapenv:Body>\n\
         </soapenv:Envelope>"
    )
    .into_bytes()
}

pub(crate) fn request<'a>(
    body: &'a [u8],
    cookie: Option<&'a str>,
    soap_action: Option<&'a str>,
) -> Request<'a> {
    Request {
        method: "POST",
        path: "/sdk",
        query: "",
        cookie,
        session_id: None,
        soap_action,
        body,
        https: false,
        authority: Some("localhost"),
    }
}

/// The method that a body calls.
pub(crate) fn method(body: &str) -> &str {
    body.trim_start().trim_start_matches('<').split([' ', '>', '/']).next().unwrap_or_default()
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).expect("an answer is text")
}

/// The type of the fault in an answer.
pub(crate) fn fault_in(answer: &str) -> String {
    let detail = between(answer, "<detail>", "</detail>");
    between(detail, "xsi:type=\"", "\"").to_owned()
}

/// What stands between two texts, the first time.
pub(crate) fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let from = text.find(open).unwrap_or_else(|| panic!("no {open} in {text}")) + open.len();
    let length = text[from..].find(close).unwrap_or_else(|| panic!("no {close} in {text}"));
    &text[from..from + length]
}

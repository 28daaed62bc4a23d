//! Odd answers of a service, by a mock of it: what a careful client makes of them, and beside each what it makes of an even one.

use core::time::Duration;

use serde_json::{Value, json};
use switchback_drill::client::{Client, Written};
use switchback_drill::clock::{Clock, ClockError};
use switchback_drill::error::RequestError;
use switchback_drill::http::{Http, HttpError, Token};
use switchback_drill::lists::pages;
use switchback_drill::operation::follow;
use switchback_drill::patience::Patience;
use switchback_drill::poller::Ended;
use switchback_drill::transport::{Method, Reply, Request};
use tokio::runtime::Runtime;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A clock that nobody waits for: it notes how long somebody would have.
#[derive(Debug, Default)]
struct Noted {
    now: Duration,
    slept: Vec<u64>,
}

impl Clock for &mut Noted {
    fn now(&mut self) -> Result<Duration, ClockError> {
        Ok(self.now)
    }

    fn sleep(&mut self, span: Duration) -> Result<(), ClockError> {
        self.now += span;
        self.slept.push(span.as_secs());
        Ok(())
    }
}

/// A mock of the service, and the runtime that it lives in.
struct Mocked {
    runtime: Runtime,
    server: MockServer,
}

impl Mocked {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(MockServer::start());
        Self { runtime, server }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.uri())
    }

    /// Answers a verb and a path, so many times; what is mounted first is answered first.
    fn answers(&self, verb: &str, at: &str, times: u64, with: ResponseTemplate) {
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(with).up_to_n_times(times);
        self.runtime.block_on(mock.expect(0..=times).mount(&self.server));
    }

    /// How many requests there were of a verb and a path.
    fn count(&self, verb: &str, at: &str) -> usize {
        let all = self.runtime.block_on(self.server.received_requests()).expect("requests are kept");
        all.iter().filter(|one| one.method.as_str() == verb && one.url.path() == at).count()
    }

    fn client<'c>(&self, clock: &'c mut Noted) -> Client<Http, &'c mut Noted> {
        let http = Http::new(&self.server.uri(), Token::None, None).expect("a client");
        Client::new(http, clock, Patience::default())
    }

    fn post(&self) -> Request {
        Request { method: Method::Post, url: self.url("/item/failover"), body: Some(json!({})) }
    }

    /// Asks for something with an answer, and follows it to its end; with how long somebody waited.
    fn followed(&self, verb: Method, first: ResponseTemplate) -> (Result<Ended, RequestError>, Vec<u64>) {
        let mut clock = Noted::default();
        let request = Request { method: verb, ..self.post() };
        self.answers(verb.as_str(), "/item/failover", 1, first);
        let mut client = self.client(&mut clock);
        let Written::Answered(reply) = client.write(&request).expect("an answer") else {
            panic!("it is lost")
        };
        let ended = follow(&mut client, &request, &reply);
        (ended, clock.slept)
    }
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn status(word: &str) -> ResponseTemplate {
    ok(json!({ "error": null, "name": "job-1", "status": word }))
}

impl Mocked {
    /// 202 with both addresses, as the service says it.
    fn accepted(&self) -> ResponseTemplate {
        ResponseTemplate::new(202)
            .insert_header("Azure-AsyncOperation", self.url("/status/job-1").as_str())
            .insert_header("Location", self.url("/result/job-1").as_str())
            .insert_header("Retry-After", "30")
    }
}

// ---------------------------------------------------------------------------------------------------------------
// The forms of an operation.

#[test]
fn with_both_addresses_the_status_is_followed_and_the_result_fetched() {
    let mocked = Mocked::new();
    mocked.answers("GET", "/status/job-1", 2, status("InProgress"));
    mocked.answers("GET", "/status/job-1", 1, status("Succeeded"));
    mocked.answers("GET", "/result/job-1", 1, ok(json!({ "name": "item" })));
    let (ended, slept) = mocked.followed(Method::Post, mocked.accepted());
    assert_eq!(ended, Ok(Ended::Succeeded(json!({ "name": "item" }))));
    assert_eq!(slept, [30, 30, 30, 30], "as the 202 says, and then as one does who is told nothing");
}

#[test]
fn with_a_location_alone_202_goes_on_and_anything_else_ends_it() {
    for (last, result) in
        [(ok(json!({ "a": 1 })), json!({ "a": 1 })), (ResponseTemplate::new(204), Value::Null)]
    {
        let mocked = Mocked::new();
        let wait = ResponseTemplate::new(202).insert_header("Retry-After", "5");
        mocked.answers("GET", "/result/job-1", 3, wait);
        mocked.answers("GET", "/result/job-1", 1, last);
        let first =
            ResponseTemplate::new(202).insert_header("Location", mocked.url("/result/job-1").as_str());
        let (ended, slept) = mocked.followed(Method::Post, first);
        assert_eq!(ended, Ok(Ended::Succeeded(result)));
        assert_eq!(slept, [30, 5, 5, 5]);
    }
}

#[test]
fn a_location_that_ends_with_a_refusal_has_failed() {
    let mocked = Mocked::new();
    let refusal = json!({ "error": { "code": "28031", "message": "No cores." } });
    mocked.answers("GET", "/result/job-1", 1, ResponseTemplate::new(409).set_body_json(refusal));
    let first = ResponseTemplate::new(202).insert_header("Location", mocked.url("/result/job-1").as_str());
    let (ended, _) = mocked.followed(Method::Post, first);
    let (code, message) = ("28031".to_owned(), "No cores.".to_owned());
    assert_eq!(ended, Ok(Ended::Failed { code, message }));
}

#[test]
fn with_the_status_alone_its_last_answer_is_the_result_of_an_action_and_the_resource_that_of_a_put() {
    for (verb, result) in [(Method::Post, json!("Succeeded")), (Method::Put, Value::Null)] {
        let mocked = Mocked::new();
        mocked.answers("GET", "/status/job-1", 1, status("Succeeded"));
        mocked.answers("GET", "/item/failover", 1, ok(json!({ "name": "policy" })));
        let first = ResponseTemplate::new(202)
            .insert_header("Azure-AsyncOperation", mocked.url("/status/job-1").as_str());
        let (ended, _) = mocked.followed(verb, first);
        let Ok(Ended::Succeeded(body)) = ended else { panic!("{ended:?}") };
        assert_eq!(body["status"], result);
        assert_eq!(mocked.count("GET", "/item/failover"), usize::from(verb == Method::Put));
    }
}

#[test]
fn what_is_answered_at_once_is_done_unless_the_resource_says_that_it_goes_on() {
    let mocked = Mocked::new();
    let (ended, slept) = mocked.followed(Method::Put, ok(json!({ "name": "policy" })));
    assert_eq!((ended, slept), (Ok(Ended::Succeeded(json!({ "name": "policy" }))), vec![]));

    let mocked = Mocked::new();
    let state = |word: &str| json!({ "properties": { "provisioningState": word } });
    mocked.answers("GET", "/item/failover", 2, ok(state("Updating")));
    mocked.answers("GET", "/item/failover", 1, ok(state("Succeeded")));
    let created = ResponseTemplate::new(201).set_body_json(state("Creating"));
    let (ended, slept) = mocked.followed(Method::Put, created);
    assert_eq!(ended, Ok(Ended::Succeeded(state("Succeeded"))));
    assert_eq!(slept, [30, 30, 30]);
}

#[test]
fn a_202_that_says_nothing_is_looked_up_where_it_made_something_and_is_done_otherwise() {
    let mocked = Mocked::new();
    mocked.answers("GET", "/item/failover", 1, ok(json!({ "name": "policy" })));
    let (ended, _) = mocked.followed(Method::Put, ResponseTemplate::new(202));
    assert_eq!(ended, Ok(Ended::Succeeded(json!({ "name": "policy" }))));
    let mocked = Mocked::new();
    let (ended, slept) = mocked.followed(Method::Post, ResponseTemplate::new(202));
    assert_eq!((ended, slept), (Ok(Ended::Succeeded(Value::Null)), vec![]));
}

#[test]
fn both_spellings_of_canceled_end_it_and_words_that_nobody_knows_do_not() {
    for word in ["Canceled", "Cancelled", "cancelled", "CANCELED"] {
        let mocked = Mocked::new();
        mocked.answers("GET", "/status/job-1", 1, status("Weird"));
        mocked.answers("GET", "/status/job-1", 1, status("Cancelling"));
        mocked.answers("GET", "/status/job-1", 1, status(word));
        let (ended, _) = mocked.followed(Method::Post, mocked.accepted());
        assert_eq!(ended, Ok(Ended::Canceled), "{word}");
        assert_eq!(mocked.count("GET", "/status/job-1"), 3, "{word}");
    }
}

/// A real operation carried a warning so to its end (recording-modernized 1.4).
#[test]
fn an_error_beside_a_status_that_is_well_is_a_warning() {
    let body = |word: &str| json!({ "status": word, "error": { "code": "28175", "message": "The name was modified." } });
    let mocked = Mocked::new();
    mocked.answers("GET", "/status/job-1", 1, ok(body("InProgress")));
    mocked.answers("GET", "/status/job-1", 1, ok(body("Succeeded")));
    mocked.answers("GET", "/result/job-1", 1, ResponseTemplate::new(204));
    let (ended, _) = mocked.followed(Method::Post, mocked.accepted());
    assert_eq!(ended, Ok(Ended::Succeeded(Value::Null)));

    let mocked = Mocked::new();
    mocked.answers("GET", "/status/job-1", 1, ok(body("Failed")));
    let (ended, _) = mocked.followed(Method::Post, mocked.accepted());
    let (code, message) = ("28175".to_owned(), "The name was modified.".to_owned());
    assert_eq!(ended, Ok(Ended::Failed { code, message }));
}

#[test]
fn an_answer_that_is_no_operation_says_what_was_expected_and_what_came() {
    let mocked = Mocked::new();
    mocked.answers("GET", "/status/job-1", 1, ok(json!({ "state": "Succeeded" })));
    let (ended, _) = mocked.followed(Method::Post, mocked.accepted());
    match ended {
        Err(RequestError::Unexpected { request, expected, came }) => {
            assert!(request.ends_with("/status/job-1"), "{request}");
            assert_eq!((expected, came.as_str()), ("a body with `status`", "200 with a body"));
        }
        other => panic!("{other:?}"),
    }
}

// ---------------------------------------------------------------------------------------------------------------
// One request.

#[test]
fn a_storm_of_429_is_sat_out_and_the_service_says_for_how_long() {
    let mocked = Mocked::new();
    let busy = || ResponseTemplate::new(429);
    mocked.answers("POST", "/item/failover", 1, busy().insert_header("Retry-After", "17"));
    let (at, later) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:29:00 GMT");
    mocked.answers(
        "POST",
        "/item/failover",
        1,
        busy().insert_header("Retry-After", later).insert_header("Date", at),
    );
    mocked.answers("POST", "/item/failover", 3, busy());
    mocked.answers("POST", "/item/failover", 1, ResponseTemplate::new(202));
    let mut clock = Noted::default();
    let written = mocked.client(&mut clock).write(&mocked.post());
    assert!(matches!(written, Ok(Written::Answered(Reply { status: 202, .. }))), "{written:?}");
    assert_eq!(clock.slept, [17, 60, 4, 8, 16], "as it says, and else twice as long each time");
}

/// The twin: a storm that does not end is given up.
#[test]
fn a_storm_without_an_end_is_given_up() {
    let mocked = Mocked::new();
    mocked.answers("POST", "/item/failover", 100, ResponseTemplate::new(429));
    let mut clock = Noted::default();
    let written = mocked.client(&mut clock).write(&mocked.post());
    assert!(matches!(written, Err(RequestError::GaveUp { attempts: 12, .. })), "{written:?}");
    assert_eq!(mocked.count("POST", "/item/failover"), 12);
    assert_eq!(clock.slept.last(), Some(&60), "no pause is longer than a minute unless it is asked for");
}

#[test]
fn a_server_that_is_broken_is_looked_at_again_and_asked_for_nothing_again() {
    for broken in [500, 502, 503, 504, 408] {
        let mocked = Mocked::new();
        mocked.answers("GET", "/item", 3, ResponseTemplate::new(broken));
        mocked.answers("GET", "/item", 1, ok(json!({ "name": "item" })));
        mocked.answers("POST", "/item/failover", 9, ResponseTemplate::new(broken));
        let mut clock = Noted::default();
        let mut client = mocked.client(&mut clock);
        let read = client.read(&mocked.url("/item")).expect("an answer in the end");
        assert_eq!(read.json()["name"], "item");
        let written = client.write(&mocked.post()).expect("it is lost, which is no error");
        assert!(matches!(&written, Written::Lost(why) if why.contains(&broken.to_string())), "{written:?}");
        assert_eq!(mocked.count("POST", "/item/failover"), 1, "{broken}: it may have been done");
        assert_eq!(clock.slept, [1, 2, 4]);
    }
}

/// The twin: what is not emulated is no broken server, and is not asked again.
#[test]
fn an_operation_that_is_not_there_is_an_answer() {
    let mocked = Mocked::new();
    let body = json!({ "error": { "code": "OperationNotEmulated", "message": "It is not emulated." } });
    mocked.answers("POST", "/item/failover", 9, ResponseTemplate::new(501).set_body_json(body));
    let mut clock = Noted::default();
    let Ok(Written::Answered(reply)) = mocked.client(&mut clock).write(&mocked.post()) else {
        panic!("no answer")
    };
    assert_eq!(reply.refusal().0, "OperationNotEmulated");
    assert_eq!(mocked.count("POST", "/item/failover"), 1);
}

#[test]
fn a_body_that_breaks_off_is_read_again_and_a_post_that_was_accepted_is_accepted_whatever_its_body() {
    let mocked = Mocked::new();
    let half = || ResponseTemplate::new(200).set_body_raw(r#"{"value": [{"name": "it"#, "application/json");
    let html = || ResponseTemplate::new(200).set_body_raw("<html>Bad gateway</html>", "text/html");
    mocked.answers("GET", "/item", 1, half());
    mocked.answers("GET", "/item", 1, html());
    mocked.answers("GET", "/item", 1, ok(json!({ "name": "item" })));
    let broken = ResponseTemplate::new(202).set_body_raw("{\"na", "application/json");
    let broken = broken.insert_header("Location", mocked.url("/result/job-1").as_str());
    mocked.answers("POST", "/item/failover", 1, broken);
    mocked.answers("GET", "/result/job-1", 1, ResponseTemplate::new(204));
    let mut clock = Noted::default();
    let mut client = mocked.client(&mut clock);
    assert_eq!(client.read(&mocked.url("/item")).expect("an answer").json()["name"], "item");
    let Ok(Written::Answered(reply)) = client.write(&mocked.post()) else { panic!("no answer") };
    assert_eq!(follow(&mut client, &mocked.post(), &reply), Ok(Ended::Succeeded(Value::Null)));
    assert_eq!(mocked.count("POST", "/item/failover"), 1);
}

#[test]
fn a_body_that_never_can_be_read_is_given_up_with_why() {
    let mocked = Mocked::new();
    mocked.answers("GET", "/item", 99, ResponseTemplate::new(200).set_body_raw("{", "application/json"));
    let mut clock = Noted::default();
    let read = mocked.client(&mut clock).read(&mocked.url("/item"));
    let Err(RequestError::GaveUp { expected, came, .. }) = read else { panic!("{read:?}") };
    assert_eq!(expected, "an answer that can be read");
    assert!(came.contains("cannot be read"), "{came}");
}

#[test]
fn a_conflict_is_an_answer_and_is_not_argued_with() {
    let mocked = Mocked::new();
    let body = json!({ "error": { "code": "OperationNotAllowed", "message": "Commit is not allowed." } });
    mocked.answers("POST", "/item/failover", 9, ResponseTemplate::new(409).set_body_json(body));
    let mut clock = Noted::default();
    let Ok(Written::Answered(reply)) = mocked.client(&mut clock).write(&mocked.post()) else {
        panic!("no answer")
    };
    assert_eq!(reply.refusal(), ("OperationNotAllowed".to_owned(), "Commit is not allowed.".to_owned()));
    assert_eq!((mocked.count("POST", "/item/failover"), clock.slept), (1, vec![]));
}

#[test]
fn somebody_who_is_not_there_was_asked_for_nothing_and_is_asked_again() {
    let nobody = "http://127.0.0.1:9";
    let http = Http::new(nobody, Token::None, None).expect("a client");
    let mut clock = Noted::default();
    let patience = Patience { attempts: 3, ..Patience::default() };
    let request = Request { method: Method::Post, url: format!("{nobody}/item"), body: None };
    let written = Client::new(http, &mut clock, patience).write(&request);
    let Err(RequestError::GaveUp { came, attempts: 3, .. }) = written else { panic!("{written:?}") };
    assert!(came.starts_with("nobody is reached"), "{came}");
    assert_eq!(clock.slept, [1, 2, 4]);
}

#[test]
fn a_slow_answer_is_waited_for() {
    let mocked = Mocked::new();
    let slow = ok(json!({ "name": "item" })).set_delay(Duration::from_millis(300));
    mocked.answers("GET", "/item", 1, slow);
    let mut clock = Noted::default();
    let read = mocked.client(&mut clock).read(&mocked.url("/item"));
    assert_eq!(read.expect("an answer").json()["name"], "item");
    assert_eq!((mocked.count("GET", "/item"), clock.slept), (1, vec![]), "asked once");
}

// ---------------------------------------------------------------------------------------------------------------
// Tokens, and where they go.

#[test]
fn a_token_that_has_expired_is_read_again_and_one_that_stays_so_ends_the_drill() {
    let mocked = Mocked::new();
    let mock = |token: &str, with: ResponseTemplate| {
        let bearer = format!("Bearer {token}");
        let mock =
            Mock::given(path("/item")).and(header("authorization", bearer.as_str())).respond_with(with);
        mocked.runtime.block_on(mock.mount(&mocked.server));
    };
    let expired = json!({ "error": { "code": "ExpiredAuthenticationToken", "message": "It has expired." } });
    mock("old", ResponseTemplate::new(401).set_body_json(expired));
    mock("new", ok(json!({ "name": "item" })));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "old\n").expect("written");
    let http = Http::new(&mocked.server.uri(), Token::File(file.clone()), None).expect("a client");
    let mut clock = Noted::default();
    let mut client = Client::new(http, &mut clock, Patience::default());

    let read = client.read(&mocked.url("/item"));
    let Err(error @ RequestError::Token { .. }) = read else { panic!("{read:?}") };
    let told = error.to_string();
    assert!(
        told.contains("ExpiredAuthenticationToken") && told.contains("goes on where it stopped"),
        "{told}"
    );
    assert!(!told.contains("old"), "a token is never told");

    std::fs::write(&file, "new\n").expect("written");
    assert_eq!(client.read(&mocked.url("/item")).expect("an answer").json()["name"], "item");
}

#[test]
fn a_token_goes_to_no_stranger_and_not_over_the_wire_in_the_clear() {
    let token = || Token::Given("secret".to_owned());
    let told = Http::new("http://management.example.org", token(), None);
    assert!(matches!(told, Err(HttpError::InTheClear(_))), "{told:?}");
    assert!(Http::new("http://127.0.0.1:1", token(), None).is_ok(), "this machine is no wire");
    assert!(!format!("{:?}", Http::new("https://management.example.org", token(), None)).contains("secret"));
    assert!(matches!(Http::new("ftp://x", Token::None, None), Err(HttpError::Endpoint { .. })));
    let newline = Token::Given("a\nb".to_owned());
    assert!(matches!(Http::new("https://x.example.org", newline, None), Err(HttpError::Token)));

    let (mocked, other) = (Mocked::new(), Mocked::new());
    let first =
        ResponseTemplate::new(202).insert_header("Azure-AsyncOperation", other.url("/status").as_str());
    let (ended, _) = mocked.followed(Method::Post, first);
    assert!(matches!(ended, Err(RequestError::Elsewhere(_))), "{ended:?}");
    assert_eq!(other.count("GET", "/status"), 0);
}

// ---------------------------------------------------------------------------------------------------------------
// Lists.

#[test]
fn a_list_is_read_to_its_last_page_and_links_are_followed_verbatim() {
    let mocked = Mocked::new();
    let next = mocked.url("/page-2?t=2023-08-26T03%3a00&s=a-b_c");
    mocked.answers("GET", "/page-1", 1, ok(json!({ "value": [1, 2], "nextLink": next })));
    mocked.answers("GET", "/page-2", 1, ok(json!({ "value": [3], "nextLink": null })));
    let mut clock = Noted::default();
    let all = pages(&mut mocked.client(&mut clock), mocked.url("/page-1"));
    assert_eq!(all, Ok(vec![json!(1), json!(2), json!(3)]));
    let asked = mocked.runtime.block_on(mocked.server.received_requests()).expect("requests are kept");
    assert_eq!(asked[1].url.query(), Some("t=2023-08-26T03%3a00&s=a-b_c"), "it may be signed");
}

#[test]
fn a_list_that_is_none_says_so() {
    let mocked = Mocked::new();
    mocked.answers("GET", "/page-1", 1, ok(json!({ "values": [] })));
    let mut clock = Noted::default();
    let all = pages(&mut mocked.client(&mut clock), mocked.url("/page-1"));
    assert!(matches!(all, Err(RequestError::Unexpected { expected: "a list", .. })), "{all:?}");
}

//! Whatever a server answers, the poller says what to do next, and ends when it is told so and not before.

use proptest::prelude::*;
use serde_json::{Value, json};
use switchback_drill::poller::{Ended, Next, Poller};
use switchback_drill::transport::{Body, Headers, Method, Reply, Request};

const STATUS: &str = "https://host/status/job-1?s=x";
const RESULT: &str = "https://host/result/job-1?s=y";
const RESOURCE: &str = "https://host/item";

fn request(method: Method) -> Request {
    Request { method, url: RESOURCE.to_owned(), body: None }
}

fn reply(status: u16, operation: bool, location: bool, body: Body) -> Reply {
    let headers = Headers {
        operation: operation.then(|| STATUS.to_owned()),
        location: location.then(|| RESULT.to_owned()),
        ..Headers::default()
    };
    Reply { status, headers, body }
}

fn any_body() -> impl Strategy<Value = Body> {
    let word = prop_oneof![
        Just("Succeeded"),
        Just("FAILED"),
        Just("Cancelled"),
        Just("canceled"),
        Just("InProgress"),
        Just("Weird"),
        Just(""),
    ];
    prop_oneof![
        Just(Body::Empty),
        Just(Body::Broken("end of file".to_owned())),
        word.clone().prop_map(|word| Body::Json(json!({ "status": word }))),
        word.prop_map(|word| Body::Json(json!({ "properties": { "provisioningState": word } }))),
        Just(Body::Json(json!({ "status": 7, "error": "text" }))),
        Just(Body::Json(json!([1, 2]))),
        Just(Body::Json(json!({ "error": { "code": "c", "message": "m" } }))),
    ]
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let status = prop_oneof![
        4 => Just(200u16), 4 => Just(202u16), 1 => Just(201u16), 1 => Just(204u16), 1 => Just(404u16),
        1 => Just(409u16), 1 => Just(500u16), 1 => 100u16..600,
    ];
    (status, any::<bool>(), any::<bool>(), any_body())
        .prop_map(|(status, operation, location, body)| reply(status, operation, location, body))
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Put), Just(Method::Post), Just(Method::Patch), Just(Method::Delete)]
}

proptest! {
    /// It never panics, looks only where it was told to, and is told what happened by whatever ends it.
    #[test]
    fn it_looks_only_where_it_was_told_to(
        method in any_method(),
        first in any_reply(),
        replies in prop::collection::vec(any_reply(), 0..12),
    ) {
        let Ok((mut poller, mut next)) = Poller::begin(&request(method), &first) else {
            prop_assert!(!matches!(first.status, 200..=202 | 204));
            return Ok(());
        };
        for reply in &replies {
            match &next {
                Next::Look(url) => prop_assert!([STATUS, RESULT, RESOURCE].contains(&url.as_str()), "{url}"),
                Next::Ended(_) => return Ok(()),
            }
            match poller.take(reply) {
                Ok(said) => next = said,
                Err(strange) => {
                    prop_assert!(!strange.came.is_empty());
                    return Ok(());
                }
            }
        }
    }

    /// However often it is told that it goes on, it goes on; and the first word that ends it ends it, in any letter case.
    #[test]
    fn it_ends_when_it_is_told_so_and_not_before(
        looks in 0usize..40,
        word in prop_oneof![Just("succeeded"), Just("failed"), Just("canceled"), Just("cancelled")],
        upper in prop::collection::vec(any::<bool>(), 9),
        location in any::<bool>(),
    ) {
        let accepted = reply(202, true, location, Body::Empty);
        let (mut poller, mut next) = Poller::begin(&request(Method::Post), &accepted).expect("it is accepted");
        let said = |word: &str| reply(200, false, false, Body::Json(json!({ "status": word, "error": { "code": "w" } })));
        for _ in 0..looks {
            prop_assert_eq!(&next, &Next::Look(STATUS.to_owned()));
            next = poller.take(&said("InProgress")).expect("a status");
        }
        let spelt: String = word
            .chars()
            .zip(upper)
            .map(|(letter, upper)| if upper { letter.to_ascii_uppercase() } else { letter })
            .collect();
        let mut end = poller.take(&said(&spelt)).expect("a status");
        if let Next::Look(url) = &end {
            prop_assert_eq!((url.as_str(), location, word), (RESULT, true, "succeeded"));
            end = poller.take(&reply(404, false, false, Body::Empty)).expect("what is gone has been there");
        }
        match word {
            "succeeded" => prop_assert!(matches!(end, Next::Ended(Ended::Succeeded(_)))),
            "failed" => {
                let has_failed = matches!(end, Next::Ended(Ended::Failed { .. }));
                prop_assert!(has_failed);
            }
            _ => prop_assert_eq!(end, Next::Ended(Ended::Canceled)),
        }
        prop_assert_eq!(poller.name(), Some("job-1"));
    }
}

#[test]
fn the_name_of_an_operation_is_that_of_its_job() {
    let name = |operation, location| {
        let accepted = reply(202, operation, location, Body::Json(Value::Null));
        let (poller, _) = Poller::begin(&request(Method::Post), &accepted).expect("it is accepted");
        poller.name().map(str::to_owned)
    };
    assert_eq!(name(true, true).as_deref(), Some("job-1"));
    assert_eq!(name(true, false).as_deref(), Some("job-1"));
    assert_eq!(name(false, true).as_deref(), Some("job-1"));
    assert_eq!(name(false, false), None);
}

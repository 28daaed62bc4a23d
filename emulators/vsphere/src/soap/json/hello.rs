//! How a client and vCenter agree on a release: `POST /api/vcenter/system?action=hello`. Of the Automation API, to which the
//! address belongs, it is all that is emulated.

use serde_json::{Value as Json, json};

use super::super::{Request, Response};
use super::{RELEASES, bounds, response};

/// How many releases a client may name, and how long the name of one may be.
const NAMED_MAX: usize = 128;
const NAME_MAX: usize = 64;

/// Answers a request of the Automation API.
pub(in super::super) fn hello(request: &Request<'_>) -> Response {
    if (request.method, request.path, request.query) != ("POST", "/api/vcenter/system", "action=hello") {
        let what = format!("{} {} is not emulated.", request.method, request.path);
        return refused(404, "NOT_FOUND", "com.vmware.vapi.rest.operationsForUrlNotFound", &what);
    }
    match named(request.body) {
        Ok(named) => {
            let spoken = named.iter().find_map(|name| RELEASES.iter().find(|release| *release == name));
            agreed(spoken.copied().unwrap_or_default())
        }
        Err(why) => refused(400, "INVALID_ARGUMENT", "com.vmware.vapi.std.errors.invalid_argument", &why),
    }
}

/// The releases that a client names, the dearest first.
fn named(body: &[u8]) -> Result<Vec<String>, String> {
    let spec = bounds::object(body).map_err(|why| why.to_string())?;
    let named =
        spec.get("api_releases").and_then(Json::as_array).ok_or("a list of api_releases is expected")?;
    let named: Option<Vec<_>> = named.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    let named = named.ok_or("api_releases are names")?;
    match named.as_slice() {
        [] => Err("api_releases is empty".to_owned()),
        many if many.len() > NAMED_MAX => Err(format!("there are more than {NAMED_MAX} api_releases")),
        _ if named.iter().any(|name| name.chars().count() > NAME_MAX) => {
            Err(format!("an api_release is longer than {NAME_MAX}"))
        }
        _ => Ok(named),
    }
}

/// An empty name says that there is none that both speak.
fn agreed(release: &str) -> Response {
    response(200, json!({ "api_release": release }).to_string().into_bytes())
}

fn refused(status: u16, error_type: &str, id: &str, message: &str) -> Response {
    let messages = json!([{ "args": [], "default_message": message, "id": id }]);
    response(status, json!({ "error_type": error_type, "messages": messages }).to_string().into_bytes())
}

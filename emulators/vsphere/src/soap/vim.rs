//! The surface itself: takes a request, finds the operation, gives an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::result_of;
use super::contents::Kept;
use super::context::{Arguments, Context};
use super::envelope::{self, Call};
use super::fault::SoapFault;
use super::json;
use super::leases::{self, Leases};
use super::operations::{LOGGED_OUT, LOGGED_OUT_OBJECT, Outcome, operation};
use super::read::{self, Strictness};
use super::rest::Rest;
use super::session::{Sessions, set_cookie};
use super::standalone;
use super::store::Store;
use super::types::{Field, Kind, Rank, types};
use super::uploads::Uploads;
use super::value::{Ref, Value};
use super::world::End;
use super::{Attempt, Home, Request, Response};
use crate::host_system::HostSystem;
use crate::moid::{HostMoid, SnapshotMoid, TaskMoid};
use crate::vcenter::{Reachability, VCenter};

/// The newest version of the interface that is offered, and those before it that clients still ask for.
const VERSIONS: [&str; 11] = [
    "8.0.3.0", "8.0.2.0", "8.0.1.0", "8.0.0.0", "7.0.3.0", "7.0.2.0", "7.0.1.0", "7.0.0.0", "6.7", "6.5",
    "6.0",
];
const XML: &str = "text/xml; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// A wait that took no time counts as this long, so that a world that stands still holds nobody for ever.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// State of the surface: what clients have made, and what is known of it beside what vCenter keeps.
#[derive(Debug, Clone, Default)]
pub struct Vim {
    /// The host that answers for itself, where no vCenter does.
    pub(super) host: Option<HostMoid>,
    pub(super) sessions: Sessions,
    /// How tasks of clients ended.
    pub(super) ends: BTreeMap<TaskMoid, End>,
    /// What clients wrote about their snapshots.
    pub(super) descriptions: BTreeMap<SnapshotMoid, String>,
    /// Files of clients.
    pub(super) store: Store,
    /// What is kept of disks.
    pub(super) kept: Kept,
    pub(super) leases: Leases,
    pub(super) uploads: Uploads,
}

impl Vim {
    /// Nobody is logged in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, of one ESXi host that answers for itself.
    #[must_use]
    pub fn of_host(host: HostMoid) -> Self {
        Self { host: Some(host), ..Self::default() }
    }

    /// The same surface, with nobody logged in and nothing of clients.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { host: self.host, ..Self::default() }
    }

    /// Who does not answer, if nobody does.
    pub(super) fn silent(&self, vcenter: &VCenter) -> Option<&'static str> {
        let is_up = |host| vcenter.host(host).is_some_and(HostSystem::is_connected);
        match (self.host, vcenter.reachability()) {
            (None, Reachability::Answering) => None,
            (None, _) => Some("vCenter does not answer.\n"),
            (Some(host), Reachability::Answering | Reachability::VCenterLost) if is_up(host) => None,
            (Some(_), _) => Some("The host does not answer.\n"),
        }
    }

    /// Ends the session that a client's cookie names, or its `vmware-api-session-id`, as vCenter does when it has been idle
    /// for too long.
    pub fn end_session(&mut self, cookie: Option<&str>, session_id: Option<&str>) {
        if let Some(key) = self.sessions.of(cookie).or_else(|| self.sessions.with_key(session_id)) {
            self.sessions.close(&key);
        }
    }

    /// How many calls there were in the session that a client's cookie names, or its `vmware-api-session-id`. Whoever waits has
    /// to look again where there was another.
    #[must_use]
    pub fn calls(&self, cookie: Option<&str>, session_id: Option<&str>) -> u64 {
        let key = self.sessions.of(cookie).or_else(|| self.sessions.with_key(session_id));
        key.and_then(|key| self.sessions.get(&key)).map_or(0, |session| session.calls)
    }

    /// Answers a request. While a client waits for something to change, `home` lets time pass.
    pub fn answer(&mut self, request: &Request<'_>, home: &mut dyn Home) -> Response {
        let mut waited = Duration::ZERO;
        loop {
            match self.attempt(request, home, waited) {
                Attempt::Answered(response) => return self.whole(response, home),
                Attempt::Waits(left) => {
                    let before = home.now();
                    let changed = home.wait(left);
                    let passed = home.now().saturating_since(before).max(WAIT_MIN);
                    waited += if changed { passed } else { left.max(passed) };
                }
            }
        }
    }

    /// An answer with all that is left of it.
    fn whole(&mut self, mut response: Response, home: &mut dyn Home) -> Response {
        while let Some(rest) = response.rest.take() {
            match self.go_on(rest, home) {
                Ok((piece, rest)) => {
                    response.body.extend(piece);
                    response.rest = rest;
                }
                Err(why) => return plain(503, TEXT, &format!("{why}.\n")),
            }
        }
        response
    }

    /// Answers a request now, or says how long its client waits for something to change. Then it is to be tried again with
    /// how long it has `waited` by then, which is zero at first: so several clients can be served while one waits. Of a long
    /// answer that is the beginning; the rest is for [`Self::go_on`].
    pub fn attempt(&mut self, request: &Request<'_>, home: &mut dyn Home, waited: Duration) -> Attempt {
        if let Some(silent) = self.silent(home.vcenter()) {
            return answered(503, TEXT, silent);
        }
        match (request.method, request.path.trim_end_matches('/')) {
            ("GET" | "HEAD", "/sdk/vimServiceVersions.xml") => answered(200, XML, &versions()),
            ("POST", "/sdk" | "/sdk/vimService") => self.call(request, home, waited),
            (_, "/sdk" | "/sdk/vimService") => answered(405, TEXT, "Requests are posted here.\n"),
            // Hosts by themselves have neither.
            (_, path) if self.host.is_some() => {
                answered(404, TEXT, &format!("There is nothing at {path}.\n"))
            }
            (_, path) if json::is_for_json(path) => json::attempt(self, request, home, waited),
            (_, path) if path.starts_with("/api/") => Attempt::Answered(json::hello(request)),
            (_, path) => answered(404, TEXT, &format!("There is nothing at {path}.\n")),
        }
    }

    fn call(&mut self, request: &Request<'_>, home: &mut dyn Home, waited: Duration) -> Attempt {
        let rank = request.soap_action.map_or(Rank::MAX, rank_of);
        let refused = |fault: &SoapFault| {
            let body = envelope::fault(rank, fault);
            Attempt::Answered(Response {
                status: 500,
                content_type: XML,
                headers: Vec::new(),
                body,
                rest: None,
            })
        };
        let call = match envelope::call(request.body) {
            Ok(call) => call,
            Err(why) => return refused(&SoapFault::invalid_request(why)),
        };
        let Call { method, receiver: (kind, id), arguments } = call;
        let session = self.sessions.of(request.cookie);
        let mut context = self.context_of(request, home, session, rank, waited);
        let read = |parameters: &[Field]| {
            let read = read::fields(parameters, &arguments, Strictness::Request, &method);
            read.map_err(SoapFault::invalid_request)
        };
        let result = result_of(&method).flatten();
        let (body, rest) = match run(&mut context, (&kind, &id), &method, read) {
            Ok(Outcome::Waits(left)) => return context.waits(left),
            Ok(Outcome::Done) => (envelope::answer(&method, rank, None), None),
            Ok(Outcome::Is(value)) => {
                (envelope::answer(&method, rank, result.map(|field| (field, &value))), None)
            }
            Ok(Outcome::Goes(course)) => match result {
                Some(field) => match Rest::new(&context, &method, field, course).write(&mut context) {
                    Ok(written) => written,
                    Err(_) => return refused(&SoapFault::not_found(&context.receiver)),
                },
                None => (envelope::answer(&method, rank, None), None),
            },
            Err(fault) => return refused(&fault),
        };
        let cookie = context.opened.map(|key| ("Set-Cookie", set_cookie(&key, request.https)));
        let headers = cookie.into_iter().collect();
        Attempt::Answered(Response { status: 200, content_type: XML, headers, body, rest })
    }

    /// What a call of somebody with that session has at hand.
    pub(super) fn context_of<'c>(
        &'c mut self,
        request: &Request<'_>,
        home: &'c mut dyn Home,
        session: Option<String>,
        rank: Rank,
        waited: Duration,
    ) -> Context<'c> {
        // However often it is tried, it is one call.
        if let Some(key) = session.as_deref().filter(|_| waited.is_zero()) {
            self.sessions.count(key, home.now());
        }
        let receiver = Ref::new("ManagedObject", "");
        let scheme = if request.https { "https" } else { "http" };
        let address = format!("{scheme}://{}", request.authority.unwrap_or("*"));
        let mut context = Context { vim: self, home, session, rank, receiver, waited, opened: None, address };
        leases::expire(&mut context);
        context
    }
}

/// Carries out a call of a method of an object, however it has come. `read` reads its arguments as the parameters ask.
pub(super) fn run(
    context: &mut Context<'_>,
    (kind, id): (&str, &str),
    called: &str,
    read: impl FnOnce(&[Field]) -> Result<Vec<(&'static str, Value)>, SoapFault>,
) -> Result<Outcome, SoapFault> {
    let (asked, _) = types()
        .managed(kind)
        .ok_or_else(|| SoapFault::invalid_request(format!("{kind:?} is no type of object")))?;
    context.receiver = Ref::new(asked, id);
    let free = LOGGED_OUT.contains(&called) || (called == "Fetch" && asked == LOGGED_OUT_OBJECT);
    if context.session.is_none() && !free {
        return Err(SoapFault::not_authenticated(&context.receiver));
    }
    let world = context.world();
    let found = world.find(id).map(|found| found.kind()).filter(|kind| types().is_a(kind, asked));
    // Before a login only these two are there; which session a collector belongs to, is not asked yet.
    let kind = found.ok_or_else(|| SoapFault::not_found(&context.receiver))?;
    context.receiver = Ref::new(kind, id);
    let method = types().method(called).filter(|method| types().is_a(kind, method.owner));
    let parameters = match (&method, called) {
        (Some(method), _) => method.parameters.as_slice(),
        (None, "Fetch") => &FETCH,
        (None, name) => return Err(SoapFault::no_method(&context.receiver, name)),
    };
    let operation = operation(called).ok_or_else(|| SoapFault::not_emulated(&format!("{kind}.{called}")))?;
    if context.vim.host.is_some() {
        standalone::check(called)?;
    }
    (operation.run)(context, &Arguments(read(parameters)?))
}

/// What the method takes that reads a property, which is part of no type.
const FETCH: [Field; 1] = [Field { name: "prop", kind: Kind::one("string"), optional: false, since: 0 }];

/// `"urn:vim25/8.0.3.0"`
fn rank_of(action: &str) -> Rank {
    let action = action.trim().trim_matches('"');
    action.strip_prefix("urn:vim25/").map_or(Rank::MAX, |version| types().rank(version))
}

fn versions() -> String {
    let [newest, prior @ ..] = VERSIONS;
    let prior: String = prior.iter().map(|version| format!("   <version>{version}</version>\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<namespaces version=\"1.0\">\n <namespace>\n  \
         <name>urn:vim25</name>\n  <version>{newest}</version>\n  <priorVersions>\n{prior}  </priorVersions>\n \
         </namespace>\n</namespaces>\n"
    )
}

fn answered(status: u16, content_type: &'static str, body: &str) -> Attempt {
    Attempt::Answered(plain(status, content_type, body))
}

fn plain(status: u16, content_type: &'static str, body: &str) -> Response {
    Response { status, content_type, headers: Vec::new(), body: body.as_bytes().to_vec(), rest: None }
}

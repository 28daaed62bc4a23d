//! Sessions: who is logged in, and what belongs to each login. It all ends with the logout.
//!
//! Unlike the real thing: a session does not expire. Virtual time runs hours ahead while a client looks away, and it
//! could not tell that from a fault.

use std::collections::BTreeMap;

use switchback_sim::SimTime;

use super::collector::Collector;
use super::events::History;
use super::value::{Data, Ref, long};
use super::view::View;

/// The cookie that carries a session.
const COOKIE: &str = "vmware_soap_session";
/// How many sessions there may be; the oldest makes room. vCenter allows 2,000 by default.
const SESSIONS_MAX: usize = 2_000;

/// One login.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) key: String,
    user: String,
    login: SimTime,
    last_active: SimTime,
    pub(super) calls: u64,
    made: u64,
    pub(crate) views: BTreeMap<String, View>,
    pub(crate) collectors: BTreeMap<String, Collector>,
    /// Collectors of events.
    pub(crate) histories: BTreeMap<String, History>,
}

impl Session {
    /// An id for something that belongs to the session.
    pub(crate) fn new_id(&mut self) -> String {
        self.made += 1;
        format!("session[{}]{}", self.key, self.made)
    }

    /// What is shown of it.
    pub(crate) fn shown(&self) -> Data {
        Data::new("UserSession")
            .with("key", self.key.as_str())
            .with("userName", self.user.as_str())
            .with("fullName", self.user.as_str())
            .with("loginTime", self.login)
            .with("lastActiveTime", self.last_active)
            .with("locale", "en")
            .with("messageLocale", "en")
            .with("extensionSession", false)
            .with("ipAddress", "127.0.0.1")
            .with("userAgent", "")
            .with("callCount", long(self.calls))
    }
}

/// All sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    made: u64,
    open: BTreeMap<String, Session>,
}

impl Sessions {
    /// Logs in.
    pub(crate) fn open(&mut self, user: &str, now: SimTime) -> &Session {
        self.made += 1;
        // The form is that of the real thing. The number only counts: whoever reaches the port may log in anyway.
        let key = format!("52000000-0000-0000-0000-{:012}", self.made);
        if self.open.len() >= SESSIONS_MAX {
            self.open.pop_first();
        }
        let collector = Collector::default();
        let session = Session {
            key: key.clone(),
            user: user.to_owned(),
            login: now,
            last_active: now,
            calls: 0,
            made: 0,
            views: BTreeMap::new(),
            histories: BTreeMap::new(),
            collectors: BTreeMap::from([(DEFAULT_COLLECTOR.to_owned(), collector)]),
        };
        self.open.entry(key).or_insert(session)
    }

    pub(crate) fn close(&mut self, key: &str) {
        self.open.remove(key);
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Session> {
        self.open.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Session> {
        self.open.get_mut(key)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Session> {
        self.open.values()
    }

    /// Whether somebody of that name is logged in with that key.
    pub(crate) fn is_active(&self, key: &str, user: &str) -> bool {
        self.open.get(key).is_some_and(|session| session.user == user)
    }

    /// The key of the session of that cookie, if there is one.
    pub(crate) fn of(&self, cookie: Option<&str>) -> Option<String> {
        self.with_key(key_in(cookie?))
    }

    /// The key itself, if there is such a session.
    pub(crate) fn with_key(&self, key: Option<&str>) -> Option<String> {
        self.open.get(key?).map(|session| session.key.clone())
    }

    /// Counts a call of a session.
    pub(crate) fn count(&mut self, key: &str, now: SimTime) {
        if let Some(session) = self.open.get_mut(key) {
            session.last_active = now;
            session.calls += 1;
        }
    }
}

/// The collector that every session has from the beginning.
pub(crate) const DEFAULT_COLLECTOR: &str = "propertyCollector";

pub(crate) fn default_collector() -> Ref {
    Ref::new("PropertyCollector", DEFAULT_COLLECTOR)
}

/// The header that gives a client its cookie.
pub(crate) fn set_cookie(key: &str, https: bool) -> String {
    format!("{COOKIE}=\"{key}\"; Path=/; HttpOnly{}", if https { "; Secure" } else { "" })
}

/// Clients give the cookie back with or without quotes, with its attributes, and among others.
fn key_in(cookie: &str) -> Option<&str> {
    let mut pairs = cookie.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE).map(|(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_however_it_comes_back() {
        for cookie in [
            "vmware_soap_session=k",
            "vmware_soap_session=\"k\"; Path=/; HttpOnly",
            "a=b; vmware_soap_session=k;c=d",
        ] {
            assert_eq!(key_in(cookie), Some("k"));
        }
        for cookie in ["", "vmware_soap_session", "other=k", "Xvmware_soap_session=k"] {
            assert_eq!(key_in(cookie), None);
        }
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let mut sessions = Sessions::default();
        let first = sessions.open("a", SimTime::ZERO).key.clone();
        assert!(sessions.is_active(&first, "a") && !sessions.is_active(&first, "b"));
        for _ in 0..SESSIONS_MAX {
            sessions.open("b", SimTime::ZERO);
        }
        assert!(!sessions.is_active(&first, "a"));
        assert_eq!(sessions.all().count(), SESSIONS_MAX);
    }
}

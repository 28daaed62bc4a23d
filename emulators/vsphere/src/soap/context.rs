//! What an operation has at hand: the object it is called on, its arguments, the session, the running world.

use std::time::Duration;

use super::collector::Collector;
use super::fault::SoapFault;
use super::session::Session;
use super::types::Rank;
use super::value::{Data, Ref, Value};
use super::world::World;
use super::{Attempt, Home, Vim};

/// One call.
pub(crate) struct Context<'c> {
    pub(crate) vim: &'c mut Vim,
    pub(crate) home: &'c mut dyn Home,
    /// The key of the session.
    pub(crate) session: Option<String>,
    pub(crate) rank: Rank,
    pub(crate) receiver: Ref,
    /// How long the client has waited for an answer so far.
    pub(crate) waited: Duration,
    /// The session that was opened, for its cookie.
    pub(crate) opened: Option<String>,
    /// Scheme and authority by which the client has found the server.
    pub(crate) address: String,
}

impl Context<'_> {
    pub(crate) fn world(&self) -> World<'_> {
        World {
            vcenter: self.home.vcenter(),
            now: self.home.now(),
            alone: self.vim.host,
            sessions: &self.vim.sessions,
            session: self.session.as_deref().and_then(|key| self.vim.sessions.get(key)),
            rank: self.rank,
            ends: &self.vim.ends,
            descriptions: &self.vim.descriptions,
            store: &self.vim.store,
            kept: &self.vim.kept,
            leases: &self.vim.leases.open,
        }
    }

    /// Its client waits so long at most. The end of a lease is something that changes.
    pub(crate) fn waits(&self, left: Duration) -> Attempt {
        let end = self.vim.leases.next_end();
        let ends_in = end.map(|end| end.saturating_since(self.home.now()));
        Attempt::Waits(ends_in.map_or(left, |ends_in| ends_in.min(left)))
    }

    pub(crate) fn session_mut(&mut self) -> Result<&mut Session, SoapFault> {
        let session = self.session.as_deref().and_then(|key| self.vim.sessions.get_mut(key));
        session.ok_or_else(|| SoapFault::not_authenticated(&self.receiver))
    }

    /// The collector that is called.
    pub(crate) fn collector_mut(&mut self) -> Result<&mut Collector, SoapFault> {
        let receiver = self.receiver.clone();
        let collector = self.session_mut()?.collectors.get_mut(&receiver.id);
        collector.ok_or_else(|| SoapFault::not_found(&receiver))
    }
}

/// The arguments of a call, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments(pub(crate) Vec<(&'static str, Value)>);

impl Arguments {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(argument, _)| *argument == name).map(|(_, value)| value)
    }

    /// A text; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::text).map_or("", String::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    pub(crate) fn data(&self, name: &str) -> Option<&Data> {
        self.get(name).and_then(Value::data)
    }

    pub(crate) fn reference(&self, name: &str) -> Option<&Ref> {
        self.get(name).and_then(Value::reference)
    }
}

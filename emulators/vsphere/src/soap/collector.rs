//! PropertyCollector: what clients read with, and what they watch with.
//!
//! [`plan`] understands what is asked for, [`walk`] finds the objects, [`path`] their properties, [`pages`] deals out what is
//! too much for one answer, and [`updates`] says what has changed since the last look, of which [`told`] keeps what that needs.

mod pages;
mod path;
mod plan;
mod told;
mod updates;
mod walk;

use std::collections::BTreeMap;

use super::fault::SoapFault;
use super::object::Known;
use super::value::{Data, Ref};
use told::Told;

pub(crate) use pages::{Asked, Page};
pub(crate) use path::{Path, value_at};
pub(crate) use plan::Plan;
pub(crate) use updates::{News, Turn};

/// How many filters a collector may have. vCenter's own limit is not documented; clients use a handful.
const FILTERS_MAX: usize = 1_000;
/// How many answers may be open to be continued; the oldest is given up.
const PAGES_MAX: usize = 64;

/// A collector of one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector {
    pub(crate) filters: BTreeMap<String, Filter>,
    /// Counts the sets of updates that were given.
    version: u64,
    /// A call that waits is to be let go.
    pub(crate) canceled: bool,
    tokens: u64,
    pages: BTreeMap<u64, Page>,
}

impl Collector {
    pub(crate) fn filter_refs(&self) -> Vec<Ref> {
        self.filters.keys().map(|id| Ref::new("PropertyFilter", id)).collect()
    }

    pub(crate) fn add(&mut self, id: String, filter: Filter) -> Result<Ref, SoapFault> {
        if self.filters.len() >= FILTERS_MAX {
            return Err(SoapFault::limit("filter", FILTERS_MAX));
        }
        let reference = Ref::new("PropertyFilter", &id);
        self.filters.insert(id, filter);
        Ok(reference)
    }

    /// Keeps what is left of an answer, and says how to ask for it.
    pub(crate) fn keep(&mut self, page: Page) -> String {
        self.tokens += 1;
        self.pages.insert(self.tokens, page);
        if self.pages.len() > PAGES_MAX {
            self.pages.pop_first();
        }
        self.tokens.to_string()
    }

    /// What is left of an answer. It is given once.
    pub(crate) fn take(&mut self, token: &str) -> Result<Page, SoapFault> {
        let page = token.parse().ok().and_then(|token| self.pages.remove(&token));
        page.ok_or_else(|| SoapFault::invalid_argument("token"))
    }
}

/// A filter: what is watched, and how it was when it was last told.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    spec: Data,
    plan: Plan,
    partial: bool,
    told: BTreeMap<Ref, Told>,
}

impl Filter {
    pub(crate) fn new(spec: Data, partial: bool) -> Result<Self, SoapFault> {
        Ok(Self { plan: Plan::read(&spec)?, spec, partial, told: BTreeMap::new() })
    }

    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn property(&self, name: &str) -> Known {
        match name {
            "spec" => self.spec.clone().into(),
            "partialUpdates" => self.partial.into(),
            _ => Known::NotEmulated,
        }
    }
}

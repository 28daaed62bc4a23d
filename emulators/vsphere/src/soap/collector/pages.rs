//! Answers in pages, for clients that want so many objects at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::fault::SoapFault;
use super::super::value::{Data, Ref, Value};
use super::super::world::World;
use super::plan::Plan;

/// Objects that are found and not yet read, with the filters that found them. They are read when their page is asked
/// for, and are told as they are then.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) plans: Arc<[Plan]>,
    /// By which of the filters each was found.
    pub(crate) left: VecDeque<(usize, Ref)>,
    size: usize,
}

/// What is asked for in one call.
pub(crate) struct Asked {
    plans: Arc<[Plan]>,
    size: usize,
}

impl Asked {
    /// Understands the filters of a call, and how many objects it wants at a time.
    pub(crate) fn read(specs: &Value, options: Option<&Data>) -> Result<Self, SoapFault> {
        let plans = specs.items().iter().filter_map(Value::data).map(Plan::read).collect::<Result<_, _>>()?;
        let size = match options.and_then(|options| options.get("maxObjects")) {
            None => usize::MAX,
            Some(Value::Int(size)) if *size > 0 => usize::try_from(*size).unwrap_or(usize::MAX),
            Some(_) => return Err(SoapFault::invalid_argument("options.maxObjects")),
        };
        Ok(Self { plans, size })
    }

    /// Finds the objects.
    pub(crate) fn walk(self, world: &World<'_>) -> Result<Page, SoapFault> {
        let mut left = VecDeque::new();
        for (place, plan) in self.plans.iter().enumerate() {
            left.extend(plan.walk(world)?.into_iter().map(|reference| (place, reference)));
        }
        Ok(Page { plans: self.plans, left, size: self.size })
    }
}

impl Page {
    /// Takes off what one answer holds; what is left, if anything is, is the next page.
    pub(crate) fn split(mut self) -> (Self, Option<Self>) {
        let rest = self.left.split_off(self.size.min(self.left.len()));
        let next = Self { plans: Arc::clone(&self.plans), left: rest, size: self.size };
        (self, Some(next).filter(|next| !next.left.is_empty()))
    }
}

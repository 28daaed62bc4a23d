//! What clients have asked and been answered: the newest requests one by one, and all of them counted.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchback_azure::arm;
use switchback_vsphere::soap;

use crate::surfaces::Exchange;

/// How many requests are kept one by one.
const KEPT: usize = 10_000;
/// A path is kept up to so many bytes: the polling URLs of the service are some thousands long.
const PATH_KEPT: usize = 512;

/// Which of the emulated surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SurfaceName {
    /// Resource Manager and Site Recovery.
    Azure,
    /// vCenter.
    Vsphere,
}

impl SurfaceName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Vsphere => "vsphere",
        }
    }
}

/// A request and what became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Logged {
    /// Its number, counted from 1.
    pub(crate) number: u64,
    /// When it was answered, in simulated seconds.
    pub(crate) at_seconds: f64,
    /// Which surface it was for.
    pub(crate) surface: SurfaceName,
    /// Its verb.
    pub(crate) method: String,
    /// Its path.
    pub(crate) path: String,
    /// Which operation it is, if it is one: as in the page of operations, or the method of vSphere.
    pub(crate) operation: Option<String>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The fault on the wire that it met.
    pub(crate) fault: Option<u64>,
}

/// The log.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestLog {
    newest: VecDeque<Logged>,
    answered: u64,
    by_status: BTreeMap<(SurfaceName, u16), u64>,
    by_operation: BTreeMap<(SurfaceName, String), u64>,
}

impl RequestLog {
    /// Takes a request that was answered; its number is given here.
    pub(crate) fn take(&mut self, mut request: Logged) {
        self.answered += 1;
        request.number = self.answered;
        *self.by_status.entry((request.surface, request.status)).or_default() += 1;
        if let Some(operation) = &request.operation {
            *self.by_operation.entry((request.surface, operation.clone())).or_default() += 1;
        }
        if self.newest.len() == KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(request);
    }

    /// The kept requests after that number, oldest first.
    pub(crate) fn after(&self, number: u64) -> impl Iterator<Item = &Logged> {
        let first = self.newest.front().map_or(0, |request| request.number);
        let skipped = usize::try_from((number + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.newest.iter().skip(skipped)
    }

    /// How many were answered with each status.
    pub(crate) fn by_status(&self) -> impl Iterator<Item = (SurfaceName, u16, u64)> {
        self.by_status.iter().map(|((surface, status), count)| (*surface, *status, *count))
    }

    /// How often each operation of a surface was asked for.
    pub(crate) fn operations(&self, surface: SurfaceName) -> impl Iterator<Item = (&str, u64)> {
        let of_surface = self.by_operation.iter().filter(move |((of, _), _)| *of == surface);
        of_surface.map(|((_, operation), count)| (operation.as_str(), *count))
    }
}

/// What a request is for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) surface: SurfaceName,
    pub(crate) operation: Option<String>,
}

impl Asked {
    /// Of a request to one of the emulated surfaces.
    pub(crate) fn of(exchange: &Exchange<'_>, surface: SurfaceName) -> Self {
        let operation = match surface {
            SurfaceName::Azure => arm::operations::of_request(exchange.method, exchange.path)
                .map(|operation| operation.name.to_owned()),
            SurfaceName::Vsphere => {
                soap::called(exchange.method, exchange.path, exchange.body).map(str::to_owned)
            }
        };
        Self { surface, operation }
    }

    pub(crate) fn logged(
        self,
        exchange: &Exchange<'_>,
        at_seconds: f64,
        status: u16,
        fault: Option<u64>,
    ) -> Logged {
        let path = String::from_utf8_lossy(&exchange.path.as_bytes()[..exchange.path.len().min(PATH_KEPT)]);
        Logged {
            number: 0,
            at_seconds,
            surface: self.surface,
            method: exchange.method.to_owned(),
            path: path.into_owned(),
            operation: self.operation,
            status,
            fault,
        }
    }
}

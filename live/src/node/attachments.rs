//! Recovery points that somebody looks at.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use switchback_engine::{MachineId, PointId};
use thiserror::Error;

use super::{AttachedDisk, Node};
use crate::nbd::{Address, ExportError, Exports, Server, ServerError, ServerLimits};

/// A machine's disks at a recovery point, served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// To name it when it is no longer wanted.
    pub number: u64,
    /// Which point it is.
    pub point: PointId,
    /// Where the disks are served; the exports are named `disk-0` and so on.
    pub export: Address,
}

/// Why a recovery point cannot be looked at.
#[derive(Debug, Error)]
pub enum AttachError {
    /// There is none.
    #[error("machine {} has no such recovery point here", .0.0)]
    NoSuchPoint(MachineId),
    /// Scratch files, or the replica disks.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The disks cannot be served.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The exports cannot be named.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// The points that are served.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    servers: Mutex<(u64, BTreeMap<u64, Server>)>,
}

impl Attachments {
    fn put(&self, server: Server) -> u64 {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.0 += 1;
        let number = servers.0;
        servers.1.insert(number, server);
        number
    }

    fn take(&self, number: u64) -> Option<Server> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number)
    }

    pub(super) fn clear(&self) {
        let servers = core::mem::take(&mut self.servers.lock().unwrap_or_else(PoisonError::into_inner).1);
        servers.into_values().for_each(Server::stop);
    }
}

impl Node {
    /// Serves the disks of a machine at a recovery point, at once. Production goes on.
    ///
    /// # Errors
    /// [`AttachError`].
    pub fn attach(
        &self,
        machine: MachineId,
        point: PointId,
        at: &Address,
    ) -> Result<Attachment, AttachError> {
        let missing = || AttachError::NoSuchPoint(machine);
        let away = self.away.as_ref().ok_or_else(missing)?;
        let mut exports: Option<Exports> = None;
        for (disk, sectors) in self.disks_of(machine) {
            let base = away.base(disk).ok_or_else(missing)?;
            // A disk that has grown is as large as its replica; the journal knows how it was made.
            let sectors = sectors.max(base.sectors()?);
            let opened = AttachedDisk::new(base, sectors, away.scratch(), || self.view(disk, point))?;
            let served = Arc::new(opened.ok_or_else(missing)?);
            let name = format!("disk-{}", disk.index);
            let what = format!("disk {} of machine {} at point {}", disk.index, machine.0, point.number);
            exports = Some(match exports {
                None => Exports::new(&name, &what, served)?,
                Some(exports) => exports.and(&name, &what, served)?,
            });
        }
        let server = Server::start(at, exports.ok_or_else(missing)?, ServerLimits::USUAL)?;
        let export = server.address().clone();
        Ok(Attachment { number: self.attachments.put(server), point, export })
    }

    /// Ends an attachment, and what was written to it; false if there is none of that number.
    pub fn detach(&self, number: u64) -> bool {
        self.attachments.take(number).map(Server::stop).is_some()
    }
}

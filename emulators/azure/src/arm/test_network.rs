//! The network that a test failover goes to. The vault keeps it with the item, as the portal does: a test into another
//! network than before changes the item first.

use serde_json::Value;
use switchback_engine::MachineId;
use switchback_engine::control::Command;
use switchback_engine::recovery::SettingsChange;

use super::names::last_of;
use super::{Arm, Rehearsal, Response};

impl Arm {
    /// Has machines tested in a network, if one is named.
    pub(super) fn test_network<R: Rehearsal>(
        &mut self,
        machines: &[MachineId],
        id: &Value,
        r: &mut R,
    ) -> Result<(), Response> {
        let Some(id) = id.as_str().filter(|id| !id.is_empty()) else { return Ok(()) };
        let name = last_of(id);
        let known = r.cloud().networks().values().find(|network| network.name.eq_ignore_ascii_case(name));
        let network = known.map(|network| network.name.clone()).ok_or_else(|| {
            let message = format!("The network '{name}' of the test failover does not exist.");
            Response::error(400, "NetworkNotFound", &message)
        })?;
        for machine in machines {
            let settings = r.vault().and_then(|vault| vault.item(*machine)?.recovery.as_ref());
            let now = settings.map(|it| it.test_network.as_ref().unwrap_or(&it.network).clone());
            if now.is_none_or(|now| now == network) {
                continue;
            }
            let change = SettingsChange { test_network: Some(network.clone()), ..SettingsChange::default() };
            let job = self.asked(Command::Configure { machine: *machine, change }, r)?;
            self.unlisted.insert(job);
        }
        Ok(())
    }
}

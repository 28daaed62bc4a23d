//! What is asked of the fabric, its container and its provider: refreshed and checked, moved between process servers, and
//! removed when nothing is protected any more.

use serde_json::Value;
use switchback_engine::MachineId;
use switchback_engine::control::{Command, Stack};

use super::plan::invalid;
use super::route::{Answer, not_answered};
use super::{Arm, Rehearsal, Request, Response};

impl Arm {
    /// An action on the fabric, by its word in small letters, or its removal.
    pub(super) fn act_on_fabric<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        action: &str,
        r: &mut R,
    ) -> Answer {
        let below = format!("replicationFabrics/{}", r.cloud().fabric_name());
        match action {
            "checkconsistency" => Ok(self.done_at_once(request, &below, r)),
            "renewcertificate" => self.renew_certificate(request, &below, r),
            "reassociategateway" => self.move_machines(request, &below, r),
            "remove" => self.remove_fabric(request, &below, r),
            _ => Err(not_answered(request.method, &["replicationFabrics", "x", action])),
        }
    }

    /// Certificates of a rehearsal do not run out: a new one changes nothing that a client sees.
    fn renew_certificate<R: Rehearsal>(&mut self, request: &Request<'_>, below: &str, r: &R) -> Answer {
        let kind = request.json()?["properties"]["renewCertificateType"].clone();
        if kind.is_null() || kind == "Cloud" {
            return Ok(self.done_at_once(request, below, r));
        }
        Err(invalid(&format!("{kind} is no renewCertificateType; \"Cloud\" is expected.")))
    }

    /// A site of a rehearsal has one fabric: it can be made where it was removed.
    pub(super) fn create_fabric<R: Rehearsal>(&mut self, request: &Request<'_>, name: &str, r: &R) -> Answer {
        request.json()?;
        if !name.eq_ignore_ascii_case(&r.cloud().fabric_name()) {
            let message = format!(
                "A rehearsal has one fabric, '{}'. '{name}' cannot be made beside it.",
                r.cloud().fabric_name()
            );
            return Err(Response::error(409, "FabricNotEmulated", &message));
        }
        self.fabric_is_gone = false;
        Ok(self.done_at_once(request, &format!("replicationFabrics/{name}"), r))
    }

    /// The configuration server or appliance is unregistered; its provider is part of it.
    pub(super) fn remove_fabric<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        below: &str,
        r: &R,
    ) -> Answer {
        if self.has_items(r) {
            let message = "The fabric cannot be removed: machines of it are protected.";
            return Err(Response::error(409, "FabricInUse", message));
        }
        self.fabric_is_gone = true;
        self.mappings.clear();
        Ok(self.done_at_once(request, below, r))
    }

    /// An action on the provider, or its removal. `segments` are below the fabric.
    pub(super) fn act_on_provider<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        r: &mut R,
    ) -> Answer {
        let name = segments[1];
        if !name.eq_ignore_ascii_case(&r.cloud().guid_named("provider")) {
            return Err(Response::no_such(name));
        }
        let below = format!(
            "replicationFabrics/{}/replicationRecoveryServicesProviders/{name}",
            r.cloud().fabric_name()
        );
        match (request.method, segments) {
            ("GET", [_, _]) => Ok(Response::ok(self.provider(r))),
            ("POST", [_, _, action]) if action.eq_ignore_ascii_case("refreshProvider") => {
                Ok(self.done_at_once(request, &below, r))
            }
            ("POST", [_, _, action]) if action.eq_ignore_ascii_case("remove") => {
                self.remove_fabric(request, &below, r)
            }
            ("DELETE", [_, _]) => self.remove_fabric(request, &below, r),
            (method, _) => Err(not_answered(method, &[&["replicationFabrics", "x"], segments].concat())),
        }
    }

    /// Adds a physical machine: those of the site are listed already.
    pub(super) fn discover<R: Rehearsal>(&mut self, request: &Request<'_>, r: &R) -> Answer {
        let properties = request.json()?["properties"].clone();
        let name = properties["friendlyName"].as_str().unwrap_or_default();
        let known = r.premises().machines.iter().find(|machine| machine.name.eq_ignore_ascii_case(name));
        if known.is_none() {
            let message = format!("The site of the rehearsal has no machine '{name}'.");
            return Err(Response::error(409, "PhysicalMachineNotFound", &message));
        }
        let container = self.below_vault(&r.cloud().container_path(), r);
        Ok(self.done_at_once(request, &container, r))
    }

    /// Moves machines from one process server to another: those that are named, or all of a server
    /// (recording-classic 5.13).
    fn move_machines<R: Rehearsal>(&mut self, request: &Request<'_>, below: &str, r: &mut R) -> Answer {
        let properties = request.json()?["properties"].clone();
        let server = |key: &str| {
            let found = self.server_of(properties[key].as_str(), r)?;
            found.ok_or_else(|| invalid(&format!("properties.{key} is required.")))
        };
        let (from, to) = (server("sourceProcessServerId")?, server("targetProcessServerId")?);
        let machines = match properties["updateType"].as_str().unwrap_or_default() {
            "ServerLevel" => self.machines_named(&properties["vmsToMigrate"], r)?,
            "SystemLevel" => {
                let items = r.vault().into_iter().flat_map(|vault| vault.items());
                items.filter(|item| item.process_server == from).map(|item| item.machine).collect()
            }
            other => {
                let message = format!("'{other}' is no updateType; ServerLevel and SystemLevel are.");
                return Err(invalid(&message));
            }
        };
        let mut jobs = Vec::with_capacity(machines.len());
        for machine in machines {
            let command = Command::SwitchProcessServer { machine, process_server: to };
            let job = self.asked(command.clone(), r)?;
            self.begun.insert(job, command);
            jobs.push(job);
        }
        if jobs.is_empty() {
            return Ok(self.done_at_once(request, below, r));
        }
        Ok(self.all_go_on(request, jobs, below, r))
    }

    /// Protected machines by what they or their items are called.
    fn machines_named<R: Rehearsal>(&mut self, names: &Value, r: &R) -> Result<Vec<MachineId>, Response> {
        let names = names.as_array().map_or(&[][..], Vec::as_slice);
        let mut machines = Vec::with_capacity(names.len());
        for name in names.iter().filter_map(Value::as_str) {
            let found = self.machine_names.find(name, r);
            let found = found.or_else(|| self.filed(name, r).ok().map(|item| item.machine));
            machines.push(found.ok_or_else(|| Response::no_such(name))?);
        }
        Ok(machines)
    }

    /// An action on an item that is about its agent, its appliance or its disks.
    pub(super) fn maintain<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        action: &str,
        r: &mut R,
    ) -> Answer {
        let (machine, filed) = {
            let filed = self.filed(name, r)?;
            (filed.machine, filed.name.clone())
        };
        let properties = request.json()?["properties"].clone();
        let below = self.below_vault(&self.item_path(&filed, r), r);
        match (action, r.premises().stack) {
            ("updateappliance", Stack::Modernised) => {
                let server = self.server_of(properties["targetApplianceId"].as_str(), r)?;
                let process_server =
                    server.ok_or_else(|| invalid("properties.targetApplianceId is required."))?;
                let command = Command::SwitchProcessServer { machine, process_server };
                self.begin(request, &below, command, r).map(|(_, response)| response)
            }
            ("updateappliance", Stack::Classic) => {
                Err(invalid("The classic stack has no appliance: machines move by reassociateGateway."))
            }
            // The agent is the newest there is, and a client has been told so.
            ("updatemobilityservice", Stack::Classic) => Ok(self.done_at_once(request, &below, r)),
            ("updatemobilityservice", Stack::Modernised) => {
                let message = "The mobility agent cannot be updated: it is the latest version already.";
                Err(Response::error(409, "InMageRcmUpgradeBlockedAlreadyOnLatestVersion", message))
            }
            // The published description has this for one provider only, and it is not that of any machine here.
            ("removedisks", _) => {
                let message = "Disks leave the protection of machines of Azure (A2A) only, and this is none.";
                Err(invalid(message))
            }
            // What stands is resolved by what caused it: no error here is the customer's to dismiss.
            _ => {
                let wanted = properties["healthErrors"].as_array().map_or(&[][..], Vec::as_slice);
                let ids: Vec<&str> = wanted.iter().filter_map(|it| it["healthErrorId"].as_str()).collect();
                let message =
                    format!("The customer cannot resolve the health errors '{}'.", ids.join("', '"));
                Err(Response::error(409, "HealthErrorNotResolvable", &message))
            }
        }
    }
}

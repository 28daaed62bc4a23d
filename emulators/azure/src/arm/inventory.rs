//! What a vault lists beside its items: the vCenter, appliances, systems that can be protected, its settings; and what a
//! VMware site has none of, which is listed as empty: networks and storage classifications are those of Hyper-V.

use serde_json::{Value, json};
use switchback_engine::control::Stack;

use super::plan::invalid;
use super::route::{Answer, not_answered};
use super::time::stamp_of;
use super::{Arm, Filed, Rehearsal, Request, Response};

const SITE_SERVER: &str = "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationvCenters";
const SETTINGS: &str = "Microsoft.RecoveryServices/vaults/replicationVaultSettings";
const SYSTEMS: &str = "Microsoft.RecoveryServices/vaults/replicationSupportedOperatingSystems";

/// The vCenter of the site, as it is registered with the configuration server.
#[derive(Debug, Clone, Default)]
pub(super) enum SiteServer {
    /// As it was at the beginning.
    #[default]
    Found,
    /// As a client has filed it.
    Filed(Filed),
    /// A client has removed it.
    Gone,
}

impl Arm {
    /// The vCenter; the modernised stack knows it by its appliance.
    fn site_servers<R: Rehearsal>(&self, r: &R) -> Vec<Value> {
        let found = Filed { name: r.premises().name.clone(), properties: json!({}) };
        match &self.site_server {
            _ if r.premises().stack == Stack::Modernised || self.fabric_is_gone => Vec::new(),
            SiteServer::Gone => Vec::new(),
            SiteServer::Found => vec![site_server(&found, r)],
            SiteServer::Filed(filed) => vec![site_server(filed, r)],
        }
    }

    /// Whether the machines of the site are discovered.
    pub(super) fn discovers<R: Rehearsal>(&self, r: &R) -> bool {
        r.premises().stack == Stack::Modernised || !matches!(self.site_server, SiteServer::Gone)
    }

    /// `segments` are below the fabric.
    pub(super) fn of_site_servers<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        r: &mut R,
    ) -> Answer {
        let all = self.site_servers(r);
        let named = |name: &str| {
            let mut found = all.iter();
            found.find(|it| it["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(name)))
        };
        let below =
            |name: &str| format!("replicationFabrics/{}/replicationvCenters/{name}", r.cloud().fabric_name());
        match (request.method, segments) {
            ("GET", [_]) => Ok(Response::list(all)),
            ("GET", [_, name]) => {
                named(name).cloned().map(Response::ok).ok_or_else(|| Response::no_such(name))
            }
            ("PUT" | "PATCH", [_, name]) => {
                let properties = request.json()?["properties"].clone();
                let (is_there, is_new) = (named(name).is_some(), request.method == "PUT");
                if !is_there && (!is_new || r.premises().stack == Stack::Modernised) {
                    return Err(Response::no_such(name));
                }
                if !is_there && !all.is_empty() {
                    let message = "The site of a rehearsal has one vCenter, and it is registered already.";
                    return Err(Response::error(409, "VCenterNotEmulated", message));
                }
                let resource = below(name);
                let mut filed = Filed { name: (*name).to_owned(), properties };
                if let (SiteServer::Filed(before), false) = (&self.site_server, is_new) {
                    let mut changed = before.properties.clone();
                    super::item::append(&mut changed, filed.properties);
                    filed.properties = changed;
                }
                self.site_server = SiteServer::Filed(filed);
                Ok(self.done_at_once(request, &resource, r))
            }
            ("DELETE", [_, name]) => {
                named(name).ok_or_else(|| Response::no_such(name))?;
                if self.has_items(r) {
                    let message =
                        format!("The vCenter '{name}' cannot be removed: machines of it are protected.");
                    return Err(Response::error(409, "VCenterInUse", &message));
                }
                let resource = below(name);
                self.site_server = SiteServer::Gone;
                Ok(self.done_at_once(request, &resource, r))
            }
            (method, _) => Err(not_answered(method, &[&["replicationFabrics", "x"], segments].concat())),
        }
    }

    pub(super) fn list_site_servers<R: Rehearsal>(&self, r: &R) -> Response {
        Response::list(self.site_servers(r))
    }

    /// Whether anything is protected.
    pub(super) fn has_items<R: Rehearsal>(&self, r: &R) -> bool {
        self.items.iter().any(|item| self.filed(&item.name, r).is_ok())
    }

    pub(super) fn list_appliances<R: Rehearsal>(&self, r: &R) -> Response {
        if r.premises().stack == Stack::Classic || self.fabric_is_gone {
            return Response::list(Vec::new());
        }
        let mut fabric = self.fabric(r, true);
        let components = &mut fabric["properties"]["customDetails"];
        let mut first =
            |key: &str| components[key].as_array_mut().and_then(|all| all.pop()).unwrap_or_default();
        let appliance = json!({
            "id": r.cloud().process_server_guid(0),
            "name": r.premises().name,
            "fabricArmId": r.cloud().fabric_path(),
            "processServer": first("processServers"),
            "rcmProxy": first("rcmProxies"),
            "pushInstaller": first("pushInstallers"),
            "replicationAgent": first("replicationAgents"),
            "reprotectAgent": first("reprotectAgents"),
            "marsAgent": first("marsAgents"),
            "dra": first("dras"),
            "switchProviderBlockingErrorDetails": [],
        });
        Response::list(vec![json!({
            "properties": { "providerSpecificDetails": { "instanceType": "InMageRcm", "appliances": [appliance] } },
        })])
    }

    /// The systems that machines of a scenario have.
    pub(super) fn supported_systems<R: Rehearsal>(&self, request: &Request<'_>, r: &R) -> Answer {
        let all: &[&str] = match r.premises().stack {
            Stack::Classic => &["InMageAzureV2", "InMage"],
            Stack::Modernised => &["InMageRcm", "InMageRcmFailback"],
        };
        let wanted = request.query_value("instanceType").filter(|it| !it.is_empty());
        let listed = all.iter().filter(|it| wanted.is_none_or(|wanted| it.eq_ignore_ascii_case(wanted)));
        let systems = json!([
            { "osName": "Windows Server 2019", "osType": "windows", "osVersions": [{ "version": "10.0", "servicePack": "" }] },
            { "osName": "ubuntu", "osType": "linux", "osVersions": [{ "version": "20.04", "servicePack": "" }] },
        ]);
        let list: Vec<Value> =
            listed.map(|instance| json!({ "instanceType": instance, "supportedOs": systems })).collect();
        Ok(Response::ok(json!({
            "id": format!("{}/replicationSupportedOperatingSystems/Default", r.cloud().vault_path()),
            "name": "Default",
            "type": SYSTEMS,
            "properties": { "supportedOsList": list },
        })))
    }

    /// `segments` are below the vault.
    pub(super) fn of_vault_settings<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        r: &R,
    ) -> Answer {
        let kind = match r.premises().stack {
            Stack::Classic => "InMageAzureV2",
            Stack::Modernised => "InMageRcm",
        };
        let shown = |properties: &Value| {
            json!({
                "id": format!("{}/replicationVaultSettings/default", r.cloud().vault_path()),
                "name": "default",
                "type": SETTINGS,
                "properties": properties,
            })
        };
        let found = json!({ "migrationSolutionId": null, "vmwareToAzureProviderType": kind });
        let now = shown(self.vault_settings.as_ref().unwrap_or(&found));
        match (request.method, segments) {
            ("GET", [_]) => Ok(Response::list(vec![now])),
            (_, [_, name]) if !name.eq_ignore_ascii_case("default") => Err(Response::no_such(name)),
            ("GET", [_, _]) => Ok(Response::ok(now)),
            ("PUT", [_, _]) => {
                let properties = request.json()?["properties"].clone();
                let wanted = properties["vmwareToAzureProviderType"].as_str().unwrap_or(kind);
                if wanted != kind {
                    let message = format!(
                        "The stack of the site is that of {kind}, and cannot become that of {wanted}."
                    );
                    return Err(invalid(&message));
                }
                let mut settings = json!({ "migrationSolutionId": properties["migrationSolutionId"] });
                settings["vmwareToAzureProviderType"] = json!(kind);
                self.vault_settings = Some(settings);
                Ok(self.done_at_once(request, "replicationVaultSettings/default", r))
            }
            (method, _) => Err(not_answered(method, segments)),
        }
    }
}

/// A path to what a VMware site has none of: lists of it are empty, and none is found by a name.
pub(super) fn none_of(request: &Request<'_>, segments: &[&str], words: &[&str]) -> Option<Answer> {
    let is_list = match words {
        ["replicationnetworks" | "replicationlogicalnetworks" | "replicationstorageclassifications"] => true,
        ["replicationnetworkmappings" | "replicationstorageclassificationmappings"] => true,
        ["replicationnetworks" | "replicationlogicalnetworks" | "replicationstorageclassifications", _] => {
            false
        }
        ["replicationnetworks", _, "replicationnetworkmappings", ..]
        | ["replicationstorageclassifications", _, "replicationstorageclassificationmappings", ..] => false,
        _ => return None,
    };
    match (request.method, is_list) {
        ("GET", true) => Some(Ok(Response::list(Vec::new()))),
        (method, false) if ["GET", "DELETE"].contains(&method) || is_mapped(method, words) => {
            // The network or classification is looked up before what is below it.
            let name = segments.get(1).copied().unwrap_or_default();
            Some(Err(Response::no_such(name)))
        }
        _ => None,
    }
}

/// Whether somebody maps a network or a classification, or changes that.
fn is_mapped(method: &str, words: &[&str]) -> bool {
    match words {
        ["replicationnetworks", _, "replicationnetworkmappings", _] => ["PUT", "PATCH"].contains(&method),
        ["replicationstorageclassifications", _, "replicationstorageclassificationmappings", _] => {
            method == "PUT"
        }
        _ => false,
    }
}

fn site_server<R: Rehearsal>(filed: &Filed, r: &R) -> Value {
    let given = |key: &str, otherwise: &str| filed.properties[key].as_str().unwrap_or(otherwise).to_owned();
    json!({
        "name": filed.name,
        "type": SITE_SERVER,
        "id": format!("{}/replicationvCenters/{}", r.cloud().fabric_path(), filed.name),
        "properties": {
            "friendlyName": given("friendlyName", &filed.name),
            "internalId": r.cloud().guid_named("vcenter"),
            "lastHeartbeat": stamp_of(r.now()),
            "discoveryStatus": "Completed",
            "processServerId": given("processServerId", &r.cloud().process_server_guid(0)),
            "ipAddress": given("ipAddress", &r.premises().name),
            "infrastructureId": "9",
            "port": given("port", "443"),
            "runAsAccountId": given("runAsAccountId", "1"),
            "fabricArmResourceName": r.cloud().fabric_name(),
            "healthErrors": [],
        },
    })
}

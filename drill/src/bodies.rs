//! What each request says, in the words of either stack (azure-clients A4; where recorded traffic says otherwise, as recorded).

use serde_json::{Value, json};
use switchback_azure::vocabulary;
use switchback_engine::Direction;
use switchback_engine::control::Stack;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::recovery::Settings;
use switchback_scenarios::model::{FailbackPoint, MasterTargetIndex, NewDisks, ProcessServerChoice};

use crate::plan::{Way, Wish};
use crate::site::Site;

/// The literal that stands for the cloud where a container is expected.
const AZURE: &str = "Microsoft Azure";

/// The body of a request, in the words of a stack.
#[derive(Debug, Clone, Copy)]
pub struct Bodies<'a> {
    /// What is rehearsed.
    pub scenario: &'a Scenario,
    /// Where.
    pub site: &'a Site,
}

impl Bodies<'_> {
    /// The policy under which machines go to Azure, or come home.
    #[must_use]
    pub fn policy(&self, direction: Direction) -> Value {
        let policy = &self.scenario.policy;
        let minutes = |span: core::time::Duration| span.as_secs() / 60;
        let app = policy.app_consistent_every.map_or(0, minutes);
        let (crash, kept) =
            (minutes(policy.crash_consistent_every), minutes(policy.retain_recovery_points_for));
        let alert = minutes(policy.rpo_alert_after);
        let mut input = match (self.site.stack, direction) {
            (Stack::Classic, Direction::Forward) => json!({
                "recoveryPointThresholdInMinutes": alert, "recoveryPointHistory": kept,
                "crashConsistentFrequencyInMinutes": crash, "appConsistentFrequencyInMinutes": app,
                "multiVmSyncStatus": "Enable",
            }),
            // It is made with the other one, and has these values (site-recovery 3.4).
            (Stack::Classic, Direction::Reverse) => json!({
                "recoveryPointThresholdInMinutes": 15, "recoveryPointHistory": 1440,
                "appConsistentFrequencyInMinutes": 60, "multiVmSyncStatus": "Enable",
            }),
            (Stack::Modernised, Direction::Forward) => json!({
                "recoveryPointHistoryInMinutes": kept, "crashConsistentFrequencyInMinutes": crash,
                "appConsistentFrequencyInMinutes": app, "enableMultiVmSync": "true",
            }),
            (Stack::Modernised, Direction::Reverse) => json!({
                "crashConsistentFrequencyInMinutes": 5, "appConsistentFrequencyInMinutes": 60,
            }),
        };
        input["instanceType"] = json!(vocabulary::provider(self.site.stack, direction));
        json!({ "properties": { "providerSpecificInput": input } })
    }

    /// What puts a policy in force in the container.
    #[must_use]
    pub fn mapping(&self, direction: Direction) -> Value {
        let container = || {
            let names: [&str; 2] = [&self.site.fabric, &self.site.container];
            self.site.vault.id("replication_protection_containers_get", &names)
        };
        let target = match direction {
            Direction::Forward => AZURE.to_owned(),
            Direction::Reverse => container(),
        };
        let mut properties =
            json!({ "policyId": self.policy_id(direction), "targetProtectionContainerId": target });
        if self.site.stack == Stack::Modernised {
            let provider = vocabulary::provider(self.site.stack, direction);
            properties["providerSpecificInput"] =
                json!({ "instanceType": provider, "enableAgentAutoUpgrade": "true" });
        }
        json!({ "properties": properties })
    }

    /// The id of a policy.
    #[must_use]
    pub fn policy_id(&self, direction: Direction) -> String {
        self.site.vault.id("replication_policies_get", &[&policy_name(self.scenario, direction)])
    }

    /// What a wish says of a machine that replicates in a direction now. `point` is the id of the point that is wanted, where one
    /// is named; `group` the machines that share points with it.
    #[must_use]
    pub fn wish(
        &self,
        wish: &Wish,
        machine: &str,
        now: Direction,
        point: Option<&str>,
        group: Option<&str>,
    ) -> Option<Value> {
        let provider = vocabulary::provider(self.site.stack, now);
        let properties = match wish {
            Wish::Protect => self.protect(machine, group),
            Wish::Failover { shutdown, .. } => self.failover(provider, *shutdown, point),
            Wish::ChangePoint(_) => json!({
                "recoveryPointId": point, "providerSpecificDetails": { "instanceType": provider },
            }),
            // They have no body (recording-classic 5).
            Wish::Commit | Wish::Cancel | Wish::Resync => return None,
            Wish::Reprotect(way) => self.reprotect(way, now),
            Wish::Failback(to) => self.failback(*to),
            Wish::PlannedFailover(to) => self.planned_failover(*to),
            Wish::Disable => json!({
                "disableProtectionReason": "NotSpecified",
                "replicationProviderInput": { "instanceType": provider },
            }),
            Wish::TestFailover(_) => self.test_failover(provider, point),
            Wish::CleanUpTest => json!({ "comments": "switchback drill" }),
            Wish::Configure(change) => self.configure(change, provider),
        };
        Some(json!({ "properties": properties }))
    }

    fn protect(&self, machine: &str, group: Option<&str>) -> Value {
        let site = self.site;
        let id = site.machines.get(machine).map_or("", String::as_str);
        let server = site.process_server(ProcessServerChoice::OnPremises, "");
        let target_group = site.vault.group_id(&site.vault.resource_group);
        let mut details = match site.stack {
            Stack::Classic => json!({
                "processServerId": server,
                "masterTargetId": site.master_target(MasterTargetIndex::CONFIGURATION_SERVER).0,
                "runAsAccountId": site.run_as_account,
                "logStorageAccountId": site.cache_account,
                "targetAzureV2ResourceGroupId": target_group,
                "targetAzureVmName": machine,
            }),
            Stack::Modernised => json!({
                "fabricDiscoveryMachineId": id,
                "processServerId": server,
                "disksDefault": { "diskType": "Premium_LRS", "logStorageAccountId": site.cache_account },
                "targetResourceGroupId": target_group,
                "targetVmName": machine,
            }),
        };
        details["instanceType"] = json!(vocabulary::provider(site.stack, Direction::Forward));
        if let Some(network) = &site.network {
            let key = if site.stack == Stack::Classic { "targetAzureNetworkId" } else { "targetNetworkId" };
            details[key] = json!(network);
        }
        if let Some(group) = group {
            details["multiVmGroupName"] = json!(group);
        }
        json!({
            "policyId": self.policy_id(Direction::Forward),
            "protectableItemId": id,
            "providerSpecificDetails": details,
        })
    }

    fn failover(&self, provider: &str, shutdown: bool, point: Option<&str>) -> Value {
        let mut details = json!({ "instanceType": provider });
        if self.site.stack == Stack::Modernised {
            details["performShutdown"] = json!(if shutdown { "true" } else { "false" });
        }
        if let Some(point) = point {
            details["recoveryPointId"] = json!(point);
        }
        json!({
            "failoverDirection": "PrimaryToRecovery",
            "sourceSiteOperations": if shutdown { "Required" } else { "NotRequired" },
            "providerSpecificDetails": details,
        })
    }

    /// The direction is that of the reversed pair, as recorded (site-recovery 3.3).
    fn failback(&self, to: FailbackPoint) -> Value {
        let kind = match to {
            FailbackPoint::Latest => "LatestTime",
            FailbackPoint::LatestAppConsistent => "LatestTag",
        };
        json!({
            "failoverDirection": "PrimaryToRecovery",
            "sourceSiteOperations": "NotRequired",
            "providerSpecificDetails": {
                "instanceType": vocabulary::provider(self.site.stack, Direction::Reverse), "recoveryPointType": kind,
            },
        })
    }

    fn planned_failover(&self, to: FailbackPoint) -> Value {
        let kind = match to {
            FailbackPoint::Latest => "CrashConsistent",
            FailbackPoint::LatestAppConsistent => "ApplicationConsistent",
        };
        let provider = vocabulary::provider(Stack::Modernised, Direction::Reverse);
        json!({ "providerSpecificDetails": { "instanceType": provider, "recoveryPointType": kind } })
    }

    fn test_failover(&self, provider: &str, point: Option<&str>) -> Value {
        let mut details = json!({ "instanceType": provider });
        let mut properties =
            json!({ "failoverDirection": "PrimaryToRecovery", "networkType": "VmNetworkAsInput" });
        if let Some(network) = &self.site.network {
            properties["networkId"] = json!(network);
            if self.site.stack == Stack::Modernised {
                details["networkId"] = json!(network);
            }
        }
        if let Some(point) = point {
            details["recoveryPointId"] = json!(point);
        }
        properties["providerSpecificDetails"] = details;
        properties
    }

    /// The classic stack names its input after the provider that the machine will have, the modernised one after the one that
    /// it has.
    fn reprotect(&self, way: &Way, now: Direction) -> Value {
        let named = match self.site.stack {
            Stack::Classic => now.reversed(),
            Stack::Modernised => now,
        };
        let mut details = match now {
            Direction::Forward => self.reprotect_home(way),
            Direction::Reverse => self.reprotect_away(way),
        };
        details["instanceType"] = json!(vocabulary::provider(self.site.stack, named));
        // Both ways of the classic stack were recorded with this direction (site-recovery 3.3).
        let is_home = now == Direction::Forward || self.site.stack == Stack::Classic;
        json!({
            "failoverDirection": if is_home { "RecoveryToPrimary" } else { "PrimaryToRecovery" },
            "providerSpecificDetails": details,
        })
    }

    fn reprotect_home(&self, way: &Way) -> Value {
        let site = self.site;
        let datastore = self.datastore(way);
        let mut details = match site.stack {
            Stack::Classic => {
                let index = way.master_target.unwrap_or(MasterTargetIndex::CONFIGURATION_SERVER);
                let (target, drive) = site.master_target(index);
                let drives = self.scenario.drives_of(index);
                let drive = way.retention_drive.map_or(drive, |drive| drives[drive.0].name.as_str());
                let choice = way.process_server.unwrap_or(ProcessServerChoice::Azure);
                json!({
                    "masterTargetId": target,
                    "processServerId": self.server(choice),
                    "retentionDrive": drive,
                    "runAsAccountId": site.run_as_account,
                    "profileId": self.policy_id(Direction::Reverse),
                })
            }
            Stack::Modernised => json!({
                "reprotectAgentId": site.reprotect_agent,
                "logStorageAccountId": site.cache_account,
            }),
        };
        if let Some(datastore) = datastore {
            details["datastoreName"] = json!(datastore);
        }
        details
    }

    fn reprotect_away(&self, way: &Way) -> Value {
        let choice = way.process_server.unwrap_or(ProcessServerChoice::OnPremises);
        let mut details =
            json!({ "processServerId": self.server(choice), "policyId": self.policy_id(Direction::Forward) });
        if self.site.stack == Stack::Classic {
            let target = self.site.master_target(MasterTargetIndex::CONFIGURATION_SERVER).0;
            details["masterTargetId"] = json!(target);
            details["runAsAccountId"] = json!(self.site.run_as_account);
            details["logStorageAccountId"] = json!(self.site.cache_account);
        }
        details
    }

    fn server(&self, choice: ProcessServerChoice) -> &str {
        self.site.process_server(choice, self.scenario.process_server_name(choice))
    }

    /// The name of the datastore for a machine that has to be made at home; none where the scenario wants none to be given.
    fn datastore(&self, way: &Way) -> Option<&str> {
        let index = match (way.datastore, way.master_target) {
            (NewDisks::Unsaid, _) => return None,
            (NewDisks::In(index), _) => index,
            (NewDisks::WithMasterTarget, Some(MasterTargetIndex(further @ 1..))) => {
                self.scenario.master_targets[further - 1].datastore
            }
            (NewDisks::WithMasterTarget, _) => self.scenario.master_target.datastore,
        };
        Some(&self.scenario.site.datastores[index.0].name)
    }

    fn configure(&self, change: &Settings, provider: &str) -> Value {
        let vault = &self.site.vault;
        let mut details = json!({ "instanceType": provider });
        if let Some(group) = &change.resource_group {
            let key = match self.site.stack {
                Stack::Classic => "recoveryAzureV2ResourceGroupId",
                Stack::Modernised => "targetResourceGroupId",
            };
            details[key] = json!(vault.group_id(group));
        }
        let mut properties = json!({});
        let network = change.network.as_ref();
        let set = change.availability_set.as_ref();
        let said = [
            ("recoveryAzureVMName", change.name.clone()),
            ("recoveryAzureVMSize", change.size.clone()),
            (
                "selectedRecoveryAzureNetworkId",
                network.map(|name| vault.resource_id("Microsoft.Network/virtualNetworks", name)),
            ),
            (
                "recoveryAvailabilitySetId",
                set.map(|name| vault.resource_id("Microsoft.Compute/availabilitySets", name)),
            ),
        ];
        for (key, value) in said {
            if let Some(value) = value {
                properties[key] = json!(value);
            }
        }
        properties["providerSpecificDetails"] = details;
        properties
    }
}

/// What the policy of a direction is called.
#[must_use]
pub fn policy_name(scenario: &Scenario, direction: Direction) -> String {
    match direction {
        Direction::Forward => format!("switchback-{}", scenario.name),
        Direction::Reverse => format!("switchback-{}-failback", scenario.name),
    }
}

//! The order in which the service writes the details of an item's provider (recording-classic 4 and 5.6,
//! recording-modernized 2.4 and 2.5). Clients do not care; people who compare answers do.

use serde_json::{Map, Value};

const AZURE_V2: &str = "instanceType infrastructureVmId vCenterInfrastructureId protectionStage vmId vmProtectionState \
    vmProtectionStateDescription resyncProgressPercentage rpoInSeconds compressedDataRateInMB uncompressedDataRateInMB \
    ipAddress agentVersion agentExpiryDate isAgentUpdateRequired isRebootAfterUpdateRequired lastHeartbeat processServerId \
    processServerName multiVmGroupId multiVmGroupName multiVmSyncStatus protectedDisks diskResized masterTargetId \
    sourceVmCpuCount sourceVmRamSizeInMB osType vhdName osDiskId azureVMDiskDetails recoveryAzureVMName \
    recoveryAzureVMSize vmNics selectedRecoveryAzureNetworkId selectedTfoAzureNetworkId discoveryType \
    enableRdpOnTargetOption datastores targetVmId recoveryAzureResourceGroupId recoveryAvailabilitySetId useManagedDisks \
    licenseType validationErrors lastRpoCalculatedTime lastUpdateReceivedTime protectedManagedDisks \
    lastRecoveryPointReceived isAdditionalStatsAvailable totalDataTransferred totalProgressHealth";
const IN_MAGE: &str = "instanceType activeSiteType osDetails protectionStage vmId vmProtectionState \
    vmProtectionStateDescription resyncDetails rpoInSeconds protectedDisks lastHeartbeat processServerId masterTargetId \
    consistencyPoints diskResized multiVmGroupId multiVmGroupName multiVmSyncStatus agentDetails vmNics discoveryType \
    validationErrors";
const RCM: &str = "instanceType internalIdentifier fabricDiscoveryMachineId multiVmGroupName discoveryType processServerId \
    processorCoreCount allocatedMemoryInMB processServerName osType targetGeneration licenseType targetVmName targetVmSize \
    targetResourceGroupId targetLocation targetAvailabilitySetId targetNetworkId testNetworkId lastRecoveryPointReceived \
    lastRpoInSeconds lastRpoCalculatedTime initialReplicationProgressPercentage initialReplicationProgressHealth \
    resyncProgressPercentage resyncProgressHealth resyncRequired resyncState agentUpgradeState protectedDisks \
    isLastUpgradeSuccessful isAgentRegistrationSuccessfulAfterFailover mobilityAgentDetails lastAgentUpgradeErrorDetails \
    agentUpgradeBlockingErrorDetails vmNics";
const RCM_FAILBACK: &str = "instanceType internalIdentifier azureVirtualMachineId multiVmGroupName reprotectAgentId \
    reprotectAgentName osType logStorageAccountId targetVmName initialReplicationProgressPercentage \
    initialReplicationProgressHealth resyncRequired resyncState protectedDisks mobilityAgentDetails vmNics \
    discoveredVmDetails lastUsedPolicyId lastUsedPolicyFriendlyName isAgentRegistrationSuccessfulAfterFailover";

/// The details of a provider, in its order; what has no place in it comes last.
pub(super) fn in_order(provider: &str, details: Value) -> Value {
    let order = match provider {
        "InMageAzureV2" => AZURE_V2,
        "InMage" => IN_MAGE,
        "InMageRcm" => RCM,
        _ => RCM_FAILBACK,
    };
    let Value::Object(mut details) = details else { return details };
    let mut ordered = Map::with_capacity(details.len());
    for key in order.split_ascii_whitespace() {
        ordered.extend(details.get_mut(key).map(|value| (key.to_owned(), value.take())));
    }
    ordered
        .extend(details.into_iter().filter(|(key, _)| !order.split_ascii_whitespace().any(|it| it == key)));
    Value::Object(ordered)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_comes_in_its_order_and_the_rest_behind_it() {
        let mixed = json!({ "odd": 1, "osDetails": 2, "instanceType": "InMage", "activeSiteType": null });
        let keys = in_order("InMage", mixed);
        let keys: Vec<&String> = keys.as_object().map(|it| it.keys().collect()).unwrap_or_default();
        assert_eq!(keys, ["instanceType", "activeSiteType", "osDetails", "odd"]);
    }
}

// Walks a machine to Azure and home again, and a recovery plan through a test, with the published client for JavaScript, unmodified.
//
//     NODE_EXTRA_CA_CERTS=CA-FILE node site_recovery.js BASE SUBSCRIPTION RESOURCE-GROUP VAULT
//
// Ends with 0 when every step went as it should, and says which did not otherwise.

import { SiteRecoveryManagementClient } from "@azure/arm-recoveryservices-siterecovery";

const [base, subscription, group, vault] = process.argv.slice(2);
const ITEM = "item-1";
const QUICKLY = { updateIntervalInMs: 20 };

const credential = { getToken: async () => ({ token: "any", expiresOnTimestamp: 4102444800000 }) };
const client = new SiteRecoveryManagementClient(credential, subscription, {
  endpoint: base,
  $host: base,
  credentialScopes: `${base}/.default`,
});

function expect(holds, what) {
  if (!holds) {
    console.log(`FAIL ${what}`);
    process.exit(1);
  }
  console.log(`ok   ${what}`);
}

async function all(pages) {
  const found = [];
  for await (const one of pages) {
    found.push(one);
  }
  return found;
}

async function refused(asking, status, what) {
  try {
    await asking;
  } catch (error) {
    expect(error.statusCode === status, `${what}: ${error.statusCode}`);
    return;
  }
  expect(false, what);
}

const fabrics = await all(client.replicationFabrics.list(vault, group));
expect(fabrics.length === 1, "one fabric is listed");
const fabric = fabrics[0].name;
const containers = await all(
  client.replicationProtectionContainers.listByReplicationFabrics(vault, group, fabric),
);
const container = containers[0].name;
const at = [vault, group, fabric, container];
const items = client.replicationProtectedItems;
const details = (await client.replicationFabrics.get(vault, group, fabric)).properties.customDetails;
const isClassic = details.instanceType === "VMware";
const there = isClassic ? "InMageAzureV2" : "InMageRcm";

async function item() {
  return (await items.get(...at, ITEM)).properties;
}

async function reaches(state) {
  for (let look = 0; look < 200; look += 1) {
    const found = await item();
    if (found.protectionState === state) {
      return found;
    }
  }
  expect(false, `the item comes to ${state}`);
}

async function job(scenario) {
  const jobs = await all(client.replicationJobs.list(vault, group));
  const found = jobs.find((one) => one.properties.scenarioName === scenario);
  return (await client.replicationJobs.get(vault, group, found.name)).properties;
}

async function policies() {
  const forward = isClassic
    ? {
        instanceType: "InMageAzureV2",
        recoveryPointThresholdInMinutes: 15,
        recoveryPointHistory: 1440,
        crashConsistentFrequencyInMinutes: 5,
        appConsistentFrequencyInMinutes: 60,
        multiVmSyncStatus: "Enable",
      }
    : {
        instanceType: "InMageRcm",
        recoveryPointHistoryInMinutes: 1440,
        crashConsistentFrequencyInMinutes: 5,
        appConsistentFrequencyInMinutes: 60,
        enableMultiVmSync: "true",
      };
  const input = { properties: { providerSpecificInput: forward } };
  const policy = await client.replicationPolicies.beginCreateAndWait(vault, group, "policy-1", input, QUICKLY);
  expect(policy.name === "policy-1", "the policy is made");
  const mapping = await client.replicationProtectionContainerMappings.beginCreateAndWait(
    ...at,
    "mapping-1",
    { properties: { policyId: policy.id, targetProtectionContainerId: "Microsoft Azure" } },
    QUICKLY,
  );
  expect(mapping.properties.state === "Paired", "the mapping is paired");
  return policy;
}

async function enable(policy) {
  const listed = client.replicationProtectableItems.listByReplicationProtectionContainers(...at);
  const machine = (await all(listed))[0];
  const account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/cache";
  const provider = isClassic
    ? {
        instanceType: "InMageAzureV2",
        processServerId: details.processServers[0].id,
        masterTargetId: details.masterTargetServers[0].id,
        logStorageAccountId: account,
      }
    : {
        instanceType: "InMageRcm",
        fabricDiscoveryMachineId: machine.id,
        targetResourceGroupId: `/subscriptions/s/resourceGroups/${group}`,
        processServerId: details.processServers[0].id,
        disksDefault: { diskType: "Premium_LRS", logStorageAccountId: account },
      };
  const input = {
    properties: { policyId: policy.id, protectableItemId: machine.id, providerSpecificDetails: provider },
  };
  await items.beginCreateAndWait(...at, ITEM, input, QUICKLY);
  expect((await job("EnableDr")).state === "Succeeded", "replication is enabled");
  const found = await reaches("Protected");
  expect(found.allowedOperations.includes("TestFailover"), "it can be tested");
  await refused(items.beginFailoverCommitAndWait(...at, ITEM, QUICKLY), 409, "what did not fail over is not committed");
  await refused(items.get(...at, "nobody"), 404, "an item that nobody made is not found");
}

async function plan() {
  const plans = client.replicationRecoveryPlans;
  const found = await items.get(...at, ITEM);
  const boot = { groupType: "Boot", replicationProtectedItems: [{ id: found.id, virtualMachineId: "x" }] };
  const primary = (await client.replicationFabrics.get(vault, group, fabric)).id;
  const input = {
    properties: { primaryFabricId: primary, recoveryFabricId: "Microsoft Azure", groups: [boot] },
  };
  const made = await plans.beginCreateAndWait(vault, group, "plan-1", input, QUICKLY);
  expect(made.properties.groups.length === 3, "a plan has a shutdown and a failover group too");
  const test = {
    properties: {
      failoverDirection: "PrimaryToRecovery",
      networkType: "VmNetworkAsInput",
      providerSpecificDetails: [{ instanceType: there, recoveryPointType: "Latest" }],
    },
  };
  await plans.beginTestFailoverAndWait(vault, group, "plan-1", test, QUICKLY);
  const tested = (await plans.get(vault, group, "plan-1")).properties;
  expect(tested.currentScenarioStatus === "Succeeded", "the plan is tested");
  const done = { properties: { comments: "done" } };
  await plans.beginTestFailoverCleanupAndWait(vault, group, "plan-1", done, QUICKLY);
  expect((await item()).testFailoverState === "MarkedForDeletion", "and cleaned up");
  await plans.beginDeleteAndWait(vault, group, "plan-1", QUICKLY);
  expect((await all(plans.list(vault, group))).length === 0, "the plan is deleted");
}

async function failover() {
  const points = await all(client.recoveryPoints.listByReplicationProtectedItems(...at, ITEM));
  expect(points.length > 0, "there are recovery points");
  const provider = { instanceType: there, recoveryPointId: points[0].id };
  if (!isClassic) {
    provider.performShutdown = "true";
  }
  const properties = {
    failoverDirection: "PrimaryToRecovery",
    sourceSiteOperations: "Required",
    providerSpecificDetails: provider,
  };
  await items.beginUnplannedFailoverAndWait(...at, ITEM, { properties }, QUICKLY);
  const tasks = (await job("UnplannedFailover")).tasks.map((task) => task.name);
  expect(tasks[0] === "VmUfoPrerequisitesCheck", `its tasks are ${tasks}`);
  const found = await item();
  expect(found.activeLocation === "Recovery", "the machine runs in Azure");
  expect(found.failoverRecoveryPointId.endsWith(points[0].name), "it is at the point that was chosen");
  expect(found.allowedOperations[0] === "CompleteMigration", "it may stay there");
}

async function commit() {
  await items.beginFailoverCommitAndWait(...at, ITEM, QUICKLY);
  expect((await item()).protectionState === "UnplannedFailoverCommitted", "it is committed");
}

async function reprotect(home) {
  const server = details.processServers[0].id;
  let provider;
  if (isClassic && home) {
    const target = details.masterTargetServers[0];
    provider = {
      instanceType: "InMage",
      masterTargetId: target.id,
      processServerId: server,
      retentionDrive: "R",
      profileId: "x",
      datastoreName: target.dataStores[0].symbolicName,
    };
  } else if (isClassic) {
    provider = { instanceType: "InMageAzureV2", masterTargetId: "", processServerId: server };
  } else if (home) {
    const agent = details.reprotectAgents[0];
    provider = {
      instanceType: "InMageRcm",
      reprotectAgentId: agent.id,
      datastoreName: agent.accessibleDatastores[0],
      logStorageAccountId: "x",
    };
  } else {
    provider = { instanceType: "InMageRcmFailback", processServerId: server, policyId: "x" };
  }
  const failoverDirection = home ? "RecoveryToPrimary" : "PrimaryToRecovery";
  await items.beginReprotectAndWait(
    ...at,
    ITEM,
    { properties: { failoverDirection, providerSpecificDetails: provider } },
    QUICKLY,
  );
  const back = isClassic ? "InMage" : "InMageRcmFailback";
  const found = await reaches("Protected");
  const kind = found.providerSpecificDetails.instanceType;
  expect(kind === (home ? back : there), `its provider is ${kind}`);
}

async function failback() {
  if (isClassic) {
    const properties = {
      failoverDirection: "PrimaryToRecovery",
      sourceSiteOperations: "NotRequired",
      providerSpecificDetails: { instanceType: "InMage", recoveryPointType: "LatestTime" },
    };
    await items.beginUnplannedFailoverAndWait(...at, ITEM, { properties }, QUICKLY);
  } else {
    const properties = {
      providerSpecificDetails: { instanceType: "InMageRcmFailback", recoveryPointType: "CrashConsistent" },
    };
    await items.beginPlannedFailoverAndWait(...at, ITEM, { properties }, QUICKLY);
  }
  const scenario = isClassic ? "UnplannedFailover" : "PlannedFailover";
  expect((await job(scenario)).state === "Succeeded", "the failback succeeds");
}

async function disable() {
  const properties = {
    disableProtectionReason: "NotSpecified",
    replicationProviderInput: { instanceType: "DisableProtectionProviderSpecificInput" },
  };
  await items.beginDeleteAndWait(...at, ITEM, { properties }, QUICKLY);
  const left = await all(items.listByReplicationProtectionContainers(...at));
  expect(left.length === 0, "nothing is protected any more");
}

const policy = await policies();
await enable(policy);
await plan();
await failover();
await commit();
await reprotect(true);
await failback();
await commit();
await reprotect(false);
const health = await client.replicationVaultHealth.get(vault, group);
expect(health.properties.protectedItemsHealth.resourceCount === 1, "the vault counts one item");
await disable();
console.log("PASS");

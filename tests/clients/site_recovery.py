"""Walks a machine to Azure and home again through the published client for Site Recovery, unmodified.

    python site_recovery.py BASE CA-FILE SUBSCRIPTION RESOURCE-GROUP VAULT

Ends with 0 when every step went as it should, and says which did not otherwise.
"""

import sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient
from azure.mgmt.recoveryservicessiterecovery import models as m

ITEM = "item-1"
POLICY = "policy-1"
FAILBACK_POLICY = "policy-1-failback"


class AnyToken:
    """Credentials that nobody looks at."""

    def get_token(self, *_scopes, **_options):
        return AccessToken("any", 4102444800)


class Drill:
    def __init__(self, base, ca_file, subscription, group, vault):
        self.client = SiteRecoveryManagementClient(
            AnyToken(),
            subscription,
            base_url=base,
            credential_scopes=[base + "/.default"],
            connection_verify=ca_file,
            polling_interval=0.02,
        )
        self.vault = (group, vault)
        fabrics = list(self.client.replication_fabrics.list(*self.vault))
        expect(len(fabrics) == 1, "one fabric is listed")
        self.fabric = fabrics[0].name
        containers = self.client.replication_protection_containers
        found = list(containers.list_by_replication_fabrics(*self.vault, self.fabric))
        expect(len(found) == 1, "one container is listed")
        self.container = found[0].name
        self.at = (*self.vault, self.fabric, self.container)
        self.is_classic = self.details().instance_type == "VMware"

    def details(self):
        return self.client.replication_fabrics.get(*self.vault, self.fabric).properties.custom_details

    def item(self, name=ITEM):
        return self.client.replication_protected_items.get(*self.at, name).properties

    def wait_for(self, state, name=ITEM):
        for _ in range(200):
            item = self.item(name)
            if item.protection_state == state:
                return item
        raise SystemExit(f"FAIL the item is {item.protection_state}, and never {state}")

    def job_of(self, scenario):
        jobs = self.client.replication_jobs.list(*self.vault)
        found = next(job for job in jobs if job.properties.scenario_name == scenario)
        return self.client.replication_jobs.get(*self.vault, found.name).properties

    def allowed(self, *operations):
        allowed = self.item().allowed_operations
        expect(set(operations) <= set(allowed), f"{operations} are allowed, of {allowed}")

    def policies(self):
        if self.is_classic:
            there = m.InMageAzureV2PolicyInput(
                recovery_point_threshold_in_minutes=15,
                recovery_point_history=1440,
                crash_consistent_frequency_in_minutes=5,
                app_consistent_frequency_in_minutes=60,
                multi_vm_sync_status="Enable",
            )
            back = m.InMagePolicyInput(
                recovery_point_threshold_in_minutes=15,
                recovery_point_history=1440,
                app_consistent_frequency_in_minutes=60,
                multi_vm_sync_status="Enable",
            )
        else:
            there = m.InMageRcmPolicyCreationInput(
                recovery_point_history_in_minutes=1440,
                crash_consistent_frequency_in_minutes=5,
                app_consistent_frequency_in_minutes=60,
                enable_multi_vm_sync="true",
            )
            back = m.InMageRcmFailbackPolicyCreationInput(
                crash_consistent_frequency_in_minutes=5, app_consistent_frequency_in_minutes=60
            )
        operations = self.client.replication_policies
        for name, provider in ((POLICY, there), (FAILBACK_POLICY, back)):
            properties = m.CreatePolicyInputProperties(provider_specific_input=provider)
            policy = operations.begin_create(
                *self.vault, name, m.CreatePolicyInput(properties=properties)
            ).result()
            expect(policy.name == name, f"policy {name} is created")
        expect({policy.name for policy in operations.list(*self.vault)} == {POLICY, FAILBACK_POLICY}, "both are listed")

    def mapping(self):
        policy = self.client.replication_policies.get(*self.vault, POLICY)
        properties = m.CreateProtectionContainerMappingInputProperties(
            policy_id=policy.id, target_protection_container_id="Microsoft Azure"
        )
        mapping = self.client.replication_protection_container_mappings.begin_create(
            *self.at, "mapping-1", m.CreateProtectionContainerMappingInput(properties=properties)
        ).result()
        expect(mapping.properties.state == "Paired", "the mapping is paired")

    def protect(self, number, item, group=None):
        """Asks for the protection of a machine, by its place in the list: alone, or in a group of that name."""
        machines = list(self.client.replication_protectable_items.list_by_replication_protection_containers(*self.at))
        expect(machines, "machines are listed")
        machine = machines[number]
        expect(machine.properties.protection_status == "Unprotected", "the machine is not protected")
        details = self.details()
        account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/cache"
        if self.is_classic:
            provider = m.InMageAzureV2EnableProtectionInput(
                process_server_id=details.process_servers[0].id,
                master_target_id=details.master_target_servers[0].id,
                log_storage_account_id=account,
                multi_vm_group_name=group,
            )
        else:
            provider = m.InMageRcmEnableProtectionInput(
                fabric_discovery_machine_id=machine.id,
                target_resource_group_id=f"/subscriptions/s/resourceGroups/{self.vault[0]}",
                process_server_id=details.process_servers[0].id,
                disks_default=m.InMageRcmDisksDefaultInput(disk_type="Premium_LRS", log_storage_account_id=account),
                multi_vm_group_name=group,
            )
        policy = self.client.replication_policies.get(*self.vault, POLICY)
        properties = m.EnableProtectionInputProperties(
            policy_id=policy.id, protectable_item_id=machine.id, provider_specific_details=provider
        )
        items = self.client.replication_protected_items
        items.begin_create(*self.at, item, m.EnableProtectionInput(properties=properties)).result()

    def enable(self):
        self.protect(0, ITEM)
        expect(self.job_of("EnableDr").state == "Succeeded", "replication is enabled")
        item = self.wait_for("Protected")
        expect(item.active_location == "Primary", "it runs at home")
        self.allowed("UnplannedFailover", "TestFailover", "DisableProtection")

    def test_failover(self):
        provider = m.InMageRcmTestFailoverInput() if not self.is_classic else m.InMageAzureV2TestFailoverInput()
        properties = m.TestFailoverInputProperties(
            failover_direction="PrimaryToRecovery", network_type="VmNetworkAsInput", provider_specific_details=provider
        )
        items = self.client.replication_protected_items
        items.begin_test_failover(*self.at, ITEM, m.TestFailoverInput(properties=properties)).result()
        expect(self.job_of("TestFailover").state == "Succeeded", "the test failover succeeds")
        self.allowed("TestFailoverCleanup")
        properties = m.TestFailoverCleanupInputProperties(comments="done")
        items.begin_test_failover_cleanup(*self.at, ITEM, m.TestFailoverCleanupInput(properties=properties)).result()
        expect(self.item().test_failover_state == "MarkedForDeletion", "the test is cleaned up")

    def failover(self):
        points = list(self.client.recovery_points.list_by_replication_protected_items(*self.at, ITEM))
        expect(points, "there are recovery points")
        kind = m.InMageAzureV2UnplannedFailoverInput if self.is_classic else m.InMageRcmUnplannedFailoverInput
        provider = kind(recovery_point_id=points[0].id)
        if not self.is_classic:
            provider.perform_shutdown = "true"
        properties = m.UnplannedFailoverInputProperties(
            failover_direction="PrimaryToRecovery", source_site_operations="Required", provider_specific_details=provider
        )
        items = self.client.replication_protected_items
        items.begin_unplanned_failover(*self.at, ITEM, m.UnplannedFailoverInput(properties=properties)).result()
        job = self.job_of("UnplannedFailover")
        expect(job.state == "Succeeded" and job.tasks, "the failover succeeds")
        tasks = [task.name for task in job.tasks]
        expect(tasks[0] == "VmUfoPrerequisitesCheck" and tasks[-1] == "VmFoStartVmOnSecondary", f"its tasks are {tasks}")
        item = self.item()
        expect(item.active_location == "Recovery", "the machine runs in Azure")
        expect(item.failover_recovery_point_id.endswith(points[0].name), "it is at the point that was chosen")
        self.allowed("Commit", "ChangePit")

    def commit(self):
        self.client.replication_protected_items.begin_failover_commit(*self.at, ITEM).result()
        expect(self.job_of("CommitFailover").state == "Succeeded", "the commit succeeds")
        self.allowed("SwitchProtection")

    def reprotect(self, home):
        details = self.details()
        server = details.process_servers[0].id
        if self.is_classic and home:
            target = details.master_target_servers[0]
            provider = m.InMageReprotectInput(
                master_target_id=target.id,
                process_server_id=server,
                retention_drive="R",
                profile_id=self.client.replication_policies.get(*self.vault, FAILBACK_POLICY).id,
                datastore_name=target.data_stores[0].symbolic_name,
            )
        elif self.is_classic:
            provider = m.InMageAzureV2ReprotectInput(master_target_id="", process_server_id=server)
        elif home:
            agent = details.reprotect_agents[0]
            provider = m.InMageRcmReprotectInput(
                reprotect_agent_id=agent.id, datastore_name=agent.accessible_datastores[0], log_storage_account_id="x"
            )
        else:
            provider = m.InMageRcmFailbackReprotectInput(process_server_id=server, policy_id="x")
        direction = "RecoveryToPrimary" if home else "PrimaryToRecovery"
        properties = m.ReverseReplicationInputProperties(failover_direction=direction, provider_specific_details=provider)
        items = self.client.replication_protected_items
        items.begin_reprotect(*self.at, ITEM, m.ReverseReplicationInput(properties=properties)).result()
        expect(self.job_of("SwitchReplicationGroupProtection").state == "Succeeded", "the reprotect succeeds")
        item = self.wait_for("Protected")
        kind = item.provider_specific_details.instance_type
        wanted = {
            (True, True): "InMage",
            (True, False): "InMageAzureV2",
            (False, True): "InMageRcmFailback",
            (False, False): "InMageRcm",
        }[(self.is_classic, home)]
        expect(kind == wanted, f"its provider is {kind}")

    def failback(self):
        items = self.client.replication_protected_items
        if self.is_classic:
            provider = m.InMageUnplannedFailoverInput(recovery_point_type="LatestTime")
            properties = m.UnplannedFailoverInputProperties(
                failover_direction="PrimaryToRecovery",
                source_site_operations="NotRequired",
                provider_specific_details=provider,
            )
            items.begin_unplanned_failover(*self.at, ITEM, m.UnplannedFailoverInput(properties=properties)).result()
        else:
            provider = m.InMageRcmFailbackPlannedFailoverProviderInput(recovery_point_type="CrashConsistent")
            properties = m.PlannedFailoverInputProperties(provider_specific_details=provider)
            items.begin_planned_failover(*self.at, ITEM, m.PlannedFailoverInput(properties=properties)).result()
        job = self.job_of("UnplannedFailover" if self.is_classic else "PlannedFailover")
        expect(job.state == "Succeeded", "the failback succeeds")

    def refusals(self):
        items = self.client.replication_protected_items
        try:
            items.begin_failover_commit(*self.at, ITEM).result()
            raise SystemExit("FAIL a commit without a failover is accepted")
        except HttpResponseError as error:
            expect(error.status_code == 409, f"a commit without a failover is a conflict: {error.status_code}")
        try:
            items.get(*self.at, "nobody")
            raise SystemExit("FAIL an item that nobody made is there")
        except ResourceNotFoundError:
            expect(True, "an item that nobody made is not found")
        try:
            self.client.replication_fabrics.begin_migrate_to_aad(*self.vault, self.fabric).result()
            raise SystemExit("FAIL what is not emulated is answered")
        except HttpResponseError as error:
            expect(error.error.code == "OperationNotEmulated", "what is not emulated says so")

    def disable(self):
        properties = m.DisableProtectionInputProperties(
            disable_protection_reason="NotSpecified",
            replication_provider_input=m.DisableProtectionProviderSpecificInput(),
        )
        items = self.client.replication_protected_items
        items.begin_delete(*self.at, ITEM, m.DisableProtectionInput(properties=properties)).result()
        expect(not list(items.list_by_replication_protection_containers(*self.at)), "nothing is protected any more")


def expect(holds, what):
    if not holds:
        raise SystemExit(f"FAIL {what}")
    print(f"ok   {what}")


def main():
    drill = Drill(*sys.argv[1:6])
    drill.policies()
    drill.mapping()
    drill.enable()
    drill.refusals()
    drill.test_failover()
    drill.failover()
    drill.commit()
    drill.reprotect(home=True)
    drill.failback()
    drill.commit()
    drill.reprotect(home=False)
    health = drill.client.replication_vault_health.get(*drill.vault)
    expect(health.properties.protected_items_health.resource_count == 1, "the vault counts one item")
    drill.disable()
    print("PASS")


if __name__ == "__main__":
    main()

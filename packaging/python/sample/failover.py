"""Fails a machine over and commits, after it was protected: an engineer's script, which knows only the published client of Azure.

    python failover.py SUBSCRIPTION RESOURCE-GROUP VAULT MACHINE
"""

import sys

from azure.mgmt.recoveryservicessiterecovery import models as m

CACHE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/stdrcache"


class Vault:
    """A vault with one fabric and one container, as an appliance makes them."""

    def __init__(self, client, group, name):
        self.client, self.vault = client, (group, name)
        # Only a fabric that is asked for by name says what it consists of.
        name = next(iter(client.replication_fabrics.list(*self.vault))).name
        self.fabric = client.replication_fabrics.get(*self.vault, name)
        containers = client.replication_protection_containers.list_by_replication_fabrics(*self.vault, self.fabric.name)
        self.at = (*self.vault, self.fabric.name, next(iter(containers)).name)

    def item(self, name):
        return self.client.replication_protected_items.get(*self.at, name).properties

    def policy(self, name):
        provider = m.InMageRcmPolicyCreationInput(
            recovery_point_history_in_minutes=1440,
            crash_consistent_frequency_in_minutes=5,
            app_consistent_frequency_in_minutes=60,
            enable_multi_vm_sync="true",
        )
        properties = m.CreatePolicyInputProperties(provider_specific_input=provider)
        made = self.client.replication_policies.begin_create(*self.vault, name, m.CreatePolicyInput(properties=properties))
        policy = made.result()
        properties = m.CreateProtectionContainerMappingInputProperties(
            policy_id=policy.id, target_protection_container_id="Microsoft Azure"
        )
        self.client.replication_protection_container_mappings.begin_create(
            *self.at, f"{name}-mapping", m.CreateProtectionContainerMappingInput(properties=properties)
        ).result()
        return policy

    def protect(self, machine, policy):
        listed = self.client.replication_protectable_items.list_by_replication_protection_containers(*self.at)
        found = next(one for one in listed if one.properties.friendly_name == machine)
        provider = m.InMageRcmEnableProtectionInput(
            fabric_discovery_machine_id=found.id,
            target_resource_group_id=f"/subscriptions/s/resourceGroups/{self.vault[0]}",
            process_server_id=self.fabric.properties.custom_details.process_servers[0].id,
            disks_default=m.InMageRcmDisksDefaultInput(disk_type="Premium_LRS", log_storage_account_id=CACHE),
        )
        properties = m.EnableProtectionInputProperties(
            policy_id=policy.id, protectable_item_id=found.id, provider_specific_details=provider
        )
        items = self.client.replication_protected_items
        items.begin_create(*self.at, machine, m.EnableProtectionInput(properties=properties)).result()

    def fail_over(self, machine):
        """To the newest recovery point. Gives its name."""
        points = self.client.recovery_points.list_by_replication_protected_items(*self.at, machine)
        newest = max(points, key=lambda point: point.properties.recovery_point_time)
        provider = m.InMageRcmUnplannedFailoverInput(recovery_point_id=newest.id, perform_shutdown="true")
        properties = m.UnplannedFailoverInputProperties(
            failover_direction="PrimaryToRecovery", source_site_operations="Required", provider_specific_details=provider
        )
        items = self.client.replication_protected_items
        items.begin_unplanned_failover(*self.at, machine, m.UnplannedFailoverInput(properties=properties)).result()
        return newest.name

    def commit(self, machine):
        self.client.replication_protected_items.begin_failover_commit(*self.at, machine).result()


def main(subscription, group, vault, machine):
    from azure.identity import DefaultAzureCredential
    from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient

    found = Vault(SiteRecoveryManagementClient(DefaultAzureCredential(), subscription), group, vault)
    point = found.fail_over(machine)
    found.commit(machine)
    print(f"{machine} runs in Azure, as of {point}")


if __name__ == "__main__":
    main(*sys.argv[1:])

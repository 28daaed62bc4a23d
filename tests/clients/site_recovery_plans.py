"""Walks two machines that share their points to Azure with a recovery plan, through the published client, unmodified.

    python site_recovery_plans.py BASE CA-FILE SUBSCRIPTION RESOURCE-GROUP VAULT

Ends with 0 when every step went as it should, and says which did not otherwise.
"""

import sys

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.recoveryservicessiterecovery import models as m

from site_recovery import Drill, expect

PLAN = "plan-1"
ITEMS = ("item-1", "item-2")


class PlanDrill(Drill):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.plans = self.client.replication_recovery_plans

    def plan(self):
        return self.plans.get(*self.vault, PLAN).properties

    def provider(self, multi_vm, kind="LatestProcessed"):
        kind_of = m.RecoveryPlanInMageAzureV2FailoverInput if self.is_classic else m.RecoveryPlanInMageRcmFailoverInput
        return kind_of(recovery_point_type=kind, use_multi_vm_sync_point="true" if multi_vm else "false")

    def newest_job(self):
        newest = next(iter(self.client.replication_jobs.list(*self.vault)))
        return self.client.replication_jobs.get(*self.vault, newest.name)

    def protect_both(self):
        for number, item in enumerate(ITEMS):
            self.protect(number, item, group="shop")
        for item in ITEMS:
            found = self.wait_for("Protected", item)
            expect(found.provider_specific_details.multi_vm_group_name == "shop", f"{item} is in the group")
        points = [list(self.client.recovery_points.list_by_replication_protected_items(*self.at, item)) for item in ITEMS]
        newest = [of_item[0].properties for of_item in points]
        expect(newest[0].recovery_point_time == newest[1].recovery_point_time, "they share their newest point")
        expect(newest[0].provider_specific_details.is_multi_vm_sync_point == "true", "and it says so")

    def create(self):
        groups = []
        for item in ITEMS:
            found = self.client.replication_protected_items.get(*self.at, item)
            member = m.RecoveryPlanProtectedItem(id=found.id, virtual_machine_id="x")
            groups.append(m.RecoveryPlanGroup(group_type="Boot", replication_protected_items=[member]))
        groups[1].start_group_actions = [
            m.RecoveryPlanAction(
                action_name="by hand",
                failover_types=["UnplannedFailover"],
                failover_directions=["PrimaryToRecovery"],
                custom_details=m.RecoveryPlanManualActionDetails(description="Look whether the first answers."),
            )
        ]
        properties = m.CreateRecoveryPlanInputProperties(
            primary_fabric_id=self.client.replication_fabrics.get(*self.vault, self.fabric).id,
            recovery_fabric_id="Microsoft Azure",
            failover_deployment_model="ResourceManager",
            groups=groups,
        )
        made = self.plans.begin_create(*self.vault, PLAN, m.CreateRecoveryPlanInput(properties=properties)).result()
        kinds = [group.group_type for group in made.properties.groups]
        expect(kinds == ["Shutdown", "Failover", "Boot", "Boot"], f"the plan has the groups {kinds}")
        properties = m.UpdateRecoveryPlanInputProperties(groups=made.properties.groups)
        again = self.plans.begin_update(*self.vault, PLAN, m.UpdateRecoveryPlanInput(properties=properties)).result()
        expect(len(again.properties.groups) == 4, "updated with what was shown, it is as before")
        expect([plan.name for plan in self.plans.list(*self.vault)] == [PLAN], "it is listed")

    def test(self):
        properties = m.RecoveryPlanTestFailoverInputProperties(
            failover_direction="PrimaryToRecovery",
            network_type="VmNetworkAsInput",
            provider_specific_details=[self.provider(multi_vm=True)],
        )
        tested = self.plans.begin_test_failover(
            *self.vault, PLAN, m.RecoveryPlanTestFailoverInput(properties=properties)
        ).result()
        expect(tested.properties.current_scenario_status == "Succeeded", "the plan is tested, and nobody is asked")
        machines = self.newest_job().properties.custom_details.protected_item_details
        times = {machine.recovery_point_time for machine in machines}
        expect(len(machines) == 2 and len(times) == 1, "both machines are made from one point")
        expect(self.plan().allowed_operations == ["TestFailoverCleanup"], "it is to be cleaned up")
        properties = m.RecoveryPlanTestFailoverCleanupInputProperties(comments="done")
        self.plans.begin_test_failover_cleanup(
            *self.vault, PLAN, m.RecoveryPlanTestFailoverCleanupInput(properties=properties)
        ).result()
        expect("UnplannedFailover" in self.plan().allowed_operations, "it is cleaned up")

    def failover(self):
        properties = m.RecoveryPlanUnplannedFailoverInputProperties(
            failover_direction="PrimaryToRecovery",
            source_site_operations="Required",
            provider_specific_details=[self.provider(multi_vm=False, kind="Latest")],
        )
        poller = self.plans.begin_unplanned_failover(
            *self.vault, PLAN, m.RecoveryPlanUnplannedFailoverInput(properties=properties)
        )
        for _ in range(200):
            job = self.newest_job()
            if job.properties.state != "InProgress":
                break
        expect(job.properties.state == "Suspended", "the plan waits for people")
        expect("Resume" in job.properties.allowed_actions, "and says so")
        params = m.ResumeJobParams(properties=m.ResumeJobParamsProperties(comments="it answers"))
        self.client.replication_jobs.begin_resume(*self.vault, job.name, params).result()
        poller.result()
        job = self.client.replication_jobs.get(*self.vault, job.name).properties
        expect(job.state == "Succeeded", "then it goes on to its end")
        said = [task.custom_details.observation for task in job.tasks if task.task_type == "ManualActionTaskDetails"]
        expect(said == ["it answers"], "what was said is kept")
        expect(self.plan().allowed_operations == ["Commit"], "it is to be committed")
        self.plans.begin_failover_commit(*self.vault, PLAN).result()
        for item in ITEMS:
            expect(self.item(item).protection_state == "UnplannedFailoverCommitted", f"{item} is committed")

    def refusals(self):
        try:
            self.plans.begin_failover_commit(*self.vault, PLAN).result()
            raise SystemExit("FAIL a plan is committed before it has failed over")
        except HttpResponseError as error:
            expect(error.status_code == 409, "a plan is not committed before it has failed over")
        try:
            self.plans.get(*self.vault, "nobody")
            raise SystemExit("FAIL a plan that nobody made is there")
        except ResourceNotFoundError:
            expect(True, "a plan that nobody made is not found")

    def delete(self):
        self.plans.begin_delete(*self.vault, PLAN).result()
        expect(not list(self.plans.list(*self.vault)), "the plan is deleted")


def main():
    drill = PlanDrill(*sys.argv[1:6])
    drill.policies()
    drill.protect_both()
    drill.create()
    drill.refusals()
    drill.test()
    drill.failover()
    drill.delete()
    print("PASS")


if __name__ == "__main__":
    main()

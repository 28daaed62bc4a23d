"""Drills with faults: the vault throttles, breaks down, loses replies and fails a failover halfway; the vCenter ends a session. The retries of the
published clients, and those of this script, get through, and nothing is done twice.

    python fault_drill.py BASE CA-FILE SUBSCRIPTION RESOURCE-GROUP VAULT
"""

import json
import ssl
import sys
import urllib.request

from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from pyVim.task import WaitForTask
from pyVmomi import vim

from pyvmomi_inventory import connect
from site_recovery import Drill, expect


class Control:
    """Switchback's own surface, with which things are broken."""

    def __init__(self, base, ca_file):
        self.base, self.trust = base + "/switchback/", ssl.create_default_context(cafile=ca_file)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method)
        with urllib.request.urlopen(request, context=self.trust) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def inject(self, **fault):
        return self.ask("POST", "faults", fault)["number"]

    def met(self, number):
        return next(it["met"] for it in self.ask("GET", "faults")["faults"] if it["number"] == number)


def jobs(drill, scenario):
    return [job for job in drill.client.replication_jobs.list(*drill.vault) if job.properties.scenario_name == scenario]


def asked_once(drill, ask, scenario):
    """Asks for something whose reply may be lost: whoever has heard nothing looks whether there is a job before asking again."""
    before = len(jobs(drill, scenario))
    for _ in range(5):
        try:
            return ask()
        except (ServiceRequestError, ServiceResponseError):
            if len(jobs(drill, scenario)) > before:
                return None
    raise SystemExit(f"FAIL {scenario} does not get through")


def through_a_bad_network(drill, control):
    throttled = control.inject(
        surface="azure", operation="replication_protected_items_create", times=2, effect={"throttle": {"retry-after-seconds": 1}}
    )
    broken = control.inject(
        surface="azure", method="GET", path="replicationjobs", times=2, effect={"fail": {"status": 503, "code": "ServiceUnavailable"}}
    )
    drill.enable()
    expect(control.met(throttled) == 2, "an enable that is throttled twice is asked for a third time")
    expect(control.met(broken) == 2, "jobs are read again when the service is not available")
    expect(len(jobs(drill, "EnableDr")) == 1, "and replication is enabled once")


def a_failover_that_fails_halfway(drill, control):
    steps = [{"when": {"vm": "web-01", "is": "failing-over"}, "fail": {"call": "create-machine", "times": 60, "with": "unavailable"}}]
    number = control.ask("POST", "interventions", {"steps": steps})["interventions"][0]["number"]
    try:
        drill.failover()
        raise SystemExit("FAIL a failover for which Azure makes no machine has succeeded")
    except HttpResponseError as error:
        expect(error.error is not None, f"the failover fails halfway: {error.error.code}")
    expect(jobs(drill, "UnplannedFailover")[0].properties.state == "Failed", "its job says so")
    stages = {it["number"]: it["stage"] for it in control.ask("GET", "interventions")["interventions"]}
    expect(stages[number] == "over", "as it was to")
    drill.failover()
    expect(len(jobs(drill, "UnplannedFailover")) == 2, "asked for again, it succeeds")


def a_reply_that_is_lost(drill, control):
    commit = "replication_protected_items_failover_commit"
    lost = control.inject(surface="azure", operation=commit, times=1, effect={"lose-request": {}})
    unheard = control.inject(surface="azure", operation=commit, times=1, effect={"lose-reply": {}})
    items = drill.client.replication_protected_items
    asked_once(drill, lambda: items.begin_failover_commit(*drill.at, "item-1").result(), "CommitFailover")
    expect((control.met(lost), control.met(unheard)) == (1, 1), "the first request for the commit is lost, and the reply to the second")
    expect(drill.job_of("CommitFailover").state == "Succeeded", "the commit succeeds")
    expect(len(jobs(drill, "CommitFailover")) == 1, "once")
    control.ask("DELETE", "faults")


def a_session_that_ends(control, base):
    site = connect(base)

    def machine():
        content = site.RetrieveContent()
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
        return next(vm for vm in view.view if vm.name == "db-01")

    vm = machine()
    ended = control.inject(surface="vsphere", operation="CreateSnapshot_Task", times=1, effect={"end-session": {}})
    try:
        vm.CreateSnapshot_Task("fault", "", False, False)
        raise SystemExit("FAIL a session that has ended goes on")
    except vim.fault.NotAuthenticated:
        expect(control.met(ended) == 1, "the vCenter ends the session")
    site = connect(base)
    vm = machine()
    WaitForTask(vm.CreateSnapshot_Task("fault", "", False, False))
    names = [snapshot.name for snapshot in vm.snapshot.rootSnapshotList]
    expect(names == ["fault"], "after another login the snapshot is taken, once")


def main(base, ca_file, *where):
    drill, control = Drill(base, ca_file, *where), Control(base, ca_file)
    drill.policies()
    drill.mapping()
    through_a_bad_network(drill, control)
    a_failover_that_fails_halfway(drill, control)
    a_reply_that_is_lost(drill, control)
    a_session_that_ends(control, base)


if __name__ == "__main__":
    main(*sys.argv[1:])

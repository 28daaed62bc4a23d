#!/usr/bin/env python3
"""Works on one emulated ESXi host with pyVmomi, without a vCenter, and fails where it is not as it should be.

    switchback serve FILE --host HOST
    tests/clients/pyvmomi_host.py https://localhost:8443 MACHINE HOST

It looks at what the host shows, powers the machine, takes snapshots and gives them up, takes it out of the inventory and registers
it again, and makes sure that what takes a vCenter is refused. It leaves everything as it was. TLS is not verified.
"""

import sys

from pyVim.connect import Disconnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from pyvmomi_inventory import connect, said, view


def refused(fault, what, *arguments):
    """A call that has to be refused so, at once or by its task."""
    try:
        task = what(*arguments)
        if isinstance(task, vim.Task):
            WaitForTask(task)
    except fault:
        return
    raise AssertionError(f"{what} was not refused with {fault}")


def inventory(content, name, host_name):
    about = content.about
    assert (about.apiType, about.productLineId) == ("HostAgent", "embeddedEsx"), about
    assert about.instanceUuid is None, "only a vCenter has an identifier"
    assert content.rootFolder._moId == "ha-folder-root"
    datacenter, = content.rootFolder.childEntity
    assert (datacenter._moId, datacenter.name) == ("ha-datacenter", "ha-datacenter")
    compute, = datacenter.hostFolder.childEntity
    host, = compute.host
    assert (host._moId, host.name) == ("ha-host", host_name), host
    assert type(compute) is vim.ComputeResource, "a host by itself is in no cluster"
    machines = view(content, [vim.VirtualMachine])
    assert machines and all(machine.runtime.host == host for machine in machines), "each is on this host"
    assert {machine._moId for machine in machines} == {machine._moId for machine in host.vm}
    assert not view(content, [vim.ClusterComputeResource])
    found = content.searchIndex.FindByInventoryPath(f"ha-datacenter/vm/{name}")
    assert found in machines
    said("inventory", f"{about.fullName}: {len(machines)} machines on {host.name}")
    return datacenter, compute, host, found


def power(machine):
    was = machine.runtime.powerState
    if was == "poweredOff":
        WaitForTask(machine.PowerOn())
    refused(vim.fault.InvalidPowerState, machine.PowerOn)
    WaitForTask(machine.PowerOff())
    assert machine.runtime.powerState == "poweredOff"
    said("powered", "on and off")
    return was


def snapshots(machine):
    WaitForTask(machine.CreateSnapshot("one", "about one", False, False))
    tree, = machine.snapshot.rootSnapshotList
    assert (tree.name, tree.snapshot) == ("one", machine.snapshot.currentSnapshot)
    WaitForTask(tree.snapshot.Remove(False))
    assert machine.snapshot is None
    said("snapshots", "taken and given up")


def registered(datacenter, compute, host):
    """A machine of one's own is made, taken out of the inventory, and registered from its file."""
    store = host.datastore[0].name
    files = vim.vm.FileInfo(vmPathName=f"[{store}]")
    spec = vim.vm.ConfigSpec(name="made", memoryMB=64, numCPUs=1, guestId="otherLinux64Guest", files=files)
    task = datacenter.vmFolder.CreateVM_Task(spec, compute.resourcePool)
    WaitForTask(task)
    made = task.info.result
    path = made.config.files.vmPathName
    made.UnregisterVM()
    assert "made" not in {machine.name for machine in host.vm}
    task = datacenter.vmFolder.RegisterVM_Task(path=path, asTemplate=False, pool=compute.resourcePool)
    WaitForTask(task)
    again = task.info.result
    assert again.runtime.host == host and again.config.files.vmPathName == path
    return again


def without_vcenter(datacenter, host, made):
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)
    refused(vmodl.fault.NotSupported, made.CloneVM_Task, datacenter.vmFolder, "copy", spec)
    refused(vmodl.fault.NotSupported, made.RelocateVM_Task, vim.vm.RelocateSpec(host=host))
    refused(vmodl.fault.NotSupported, host.DisconnectHost_Task)
    WaitForTask(made.Destroy_Task())
    assert "made" not in {machine.name for machine in host.vm}
    said("registered", "made, taken out, registered and deleted; what takes a vCenter is refused")


def main(url, name, host_name):
    service = connect(url)
    datacenter, compute, host, machine = inventory(service.content, name, host_name)
    was = power(machine)
    snapshots(machine)
    without_vcenter(datacenter, host, registered(datacenter, compute, host))
    if was == "poweredOn":
        WaitForTask(machine.PowerOn())
    Disconnect(service)
    said("logged out", "one host")


if __name__ == "__main__":
    main(*sys.argv[1:])

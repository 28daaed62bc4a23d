#!/usr/bin/env python3
"""Walks an emulated vCenter with pyVmomi as it comes from PyPI, and fails where it is not as it should be.

    pip install pyvmomi
    tests/clients/pyvmomi_inventory.py http://127.0.0.1:8989 [MACHINE]
    tests/clients/pyvmomi_inventory.py --record FILE http://127.0.0.1:8989 [MACHINE]

It looks at everything there is, then takes one machine (the first with VMware Tools, or the one named) through power, snapshots and
the shutdown of its guest, waiting for tasks and for changes, and leaves it as it was. TLS is not verified.

With --record, what it sends goes to a file as well: a line for each call, with what came of it ("ok" or the fault), a tab, and what stands in
the body of the message. Of properties that are read one by one, each is recorded once for each type and outcome. The tests of the surface play it back:
emulators/vsphere/tests/data/pyvmomi.calls, made against the example server of switchback-vsphere.
"""

import re
import sys
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask, WaitForTasks
from pyVmomi import SoapAdapter, vim, vmodl

PC = vmodl.query.PropertyCollector
BODY = re.compile(rb"<soapenv:Body>(.*)</soapenv:Body>", re.S)


def connect(url):
    parts = urlsplit(url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    secure = {"disableSslCertValidation": True} if parts.scheme == "https" else {}
    return SmartConnect(protocol=parts.scheme, host=parts.hostname, port=port, user="user", pwd="password", **secure)


def record(path):
    """Writes every call down, as it goes out."""
    file, seen = open(path, "w"), set()
    stub = SoapAdapter.SoapStubAdapter
    invoke, serialize = stub.InvokeMethod, stub.SerializeRequest
    sent = []

    def serialized(self, *call):
        sent.append(serialize(self, *call))
        return sent[-1]

    def invoked(self, managed, info, *rest):
        outcome = "ok"
        try:
            return invoke(self, managed, info, *rest)
        except vmodl.MethodFault as fault:
            outcome = type(fault).__name__.split(".")[-1]
            raise
        finally:
            call = (type(managed), info.name, outcome)
            if info.wsdlName != "Fetch" or call not in seen:
                seen.add(call)
                file.write(f"{outcome}\t{BODY.search(sent[-1])[1].decode()}\n")

    stub.InvokeMethod, stub.SerializeRequest = invoked, serialized


def said(what, detail=""):
    print(f"ok  {what}{': ' if detail else ''}{detail}")


def view(content, kinds, container=None):
    made = content.viewManager.CreateContainerView(container or content.rootFolder, kinds, True)
    try:
        return list(made.view)
    finally:
        made.Destroy()


def retrieve(content, kind, paths, page=None):
    """All objects of a type with some of their properties, through a view, in pages."""
    made = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    way = PC.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
    spec = PC.FilterSpec(objectSet=[PC.ObjectSpec(obj=made, skip=True, selectSet=[way])],
                         propSet=[PC.PropertySpec(type=kind, pathSet=paths, all=not paths)])
    collector = content.propertyCollector
    found, answer = [], collector.RetrievePropertiesEx([spec], PC.RetrieveOptions(maxObjects=page))
    while answer:
        found += answer.objects
        answer = collector.ContinueRetrievePropertiesEx(answer.token) if answer.token else None
    made.Destroy()
    return {one.obj: {prop.name: prop.val for prop in one.propSet} for one in found}


def look_at_everything(content):
    for kind in (vim.Datacenter, vim.Folder, vim.ComputeResource, vim.HostSystem, vim.ResourcePool, vim.Datastore, vim.Network, vim.VirtualMachine):
        all_of_it = retrieve(content, kind, [])
        assert all(props["name"] for props in all_of_it.values()), kind
        said(kind.__name__, ", ".join(sorted(props["name"] for props in all_of_it.values())))
    names = retrieve(content, vim.VirtualMachine, ["name"])
    paged = retrieve(content, vim.VirtualMachine, ["name"], page=2)
    assert names == paged, "pages hold what one answer holds"
    said("the same in pages of two")


def walk_by_hand(content):
    """Down from the root by reading one property after the other, as scripts do."""
    for datacenter in content.rootFolder.childEntity:
        for vm in datacenter.vmFolder.childEntity:
            hardware = vm.config.hardware
            disks = [device for device in hardware.device if isinstance(device, vim.vm.device.VirtualDisk)]
            assert len(disks) == vm.summary.config.numVirtualDisks
            for disk in disks:
                name = disk.backing.fileName
                assert name.startswith(f"[{disk.backing.datastore.name}] "), name
                assert any(device.key == disk.controllerKey for device in hardware.device)
            assert vm.runtime.powerState in ("poweredOn", "poweredOff") and vm.runtime.host.name
            assert vm.guest.toolsRunningStatus and vm.summary.quickStats.guestHeartbeatStatus
            assert vm.datastore and vm.network[0].name and vm.resourcePool.owner.name
            assert vm.layoutEx.file and vm.storage.perDatastoreUsage and vm.config.uuid != vm.config.instanceUuid
            print(f"    {vm.name}: {vm.runtime.powerState}, {hardware.numCPU} cpus, {hardware.memoryMB} MB, {vm.config.firmware}, {len(disks)} disks")
        for compute in datacenter.hostFolder.childEntity:
            assert compute.summary.numHosts == len(compute.host)
            for host in compute.host:
                assert host.runtime.connectionState and host.summary.hardware.memorySize and host.summary.config.name == host.name
        for store in datacenter.datastoreFolder.childEntity:
            assert store.summary.freeSpace <= store.summary.capacity and store.info.url and store.browser and store.host is not None
    said("walked by hand")


def traverse(content):
    """From the root by ways that lead to each other by name."""
    sel = PC.SelectionSpec
    ways = [
        PC.TraversalSpec(name="folder", type=vim.Folder, path="childEntity", selectSet=[sel(name="folder"), sel(name="vms"), sel(name="hosts"), sel(name="compute")]),
        PC.TraversalSpec(name="vms", type=vim.Datacenter, path="vmFolder", selectSet=[sel(name="folder")]),
        PC.TraversalSpec(name="hosts", type=vim.Datacenter, path="hostFolder", selectSet=[sel(name="folder")]),
        PC.TraversalSpec(name="compute", type=vim.ComputeResource, path="host"),
    ]
    spec = PC.FilterSpec(objectSet=[PC.ObjectSpec(obj=content.rootFolder, skip=False, selectSet=ways)],
                         propSet=[PC.PropertySpec(type=vim.ManagedEntity, pathSet=["name", "parent"])])
    found = content.propertyCollector.RetrieveProperties([spec])
    kinds = sorted({type(one.obj).__name__.split(".")[-1] for one in found})
    assert {"vim.VirtualMachine", "vim.HostSystem"} <= {type(one.obj).__name__ for one in found}, kinds
    assert len({one.obj for one in found}) == len(found), "each once"
    said("traversed", f"{len(found)} objects of {', '.join(kinds)}")


def search(content, vm):
    index = content.searchIndex
    assert index.FindByUuid(None, vm.config.uuid, True) == vm
    assert index.FindByUuid(None, vm.config.instanceUuid, True, True) == vm
    assert index.FindByUuid(None, vm.config.uuid, True, True) is None
    datacenter = content.rootFolder.childEntity[0]
    assert index.FindByInventoryPath(f"{datacenter.name}/vm/{vm.name}") == vm
    assert index.FindByInventoryPath("no/such/path") is None
    assert index.FindChild(datacenter.vmFolder, vm.name) == vm
    assert index.FindByIp(None, "192.0.2.1", True) is None
    said("found", vm.name)


def watch(collector, vm, path):
    spec = PC.FilterSpec(objectSet=[PC.ObjectSpec(obj=vm)], propSet=[PC.PropertySpec(type=vim.VirtualMachine, pathSet=[path])])
    return collector.CreateFilter(spec, True)


def changes(updates):
    return [(one.kind, change.name, change.val) for found in updates.filterSet for one in found.objectSet for change in one.changeSet]


def fails(kind, call):
    try:
        call()
    except kind as fault:
        return fault
    raise AssertionError(f"it should have failed with {kind.__name__}")


def run(content, vm):
    # One of its own: waiting for a task begins anew on the collector that everybody has, and its versions go with it.
    collector = content.propertyCollector.CreatePropertyCollector()
    state = "runtime.powerState"
    if vm.runtime.powerState == "poweredOn":
        WaitForTask(vm.PowerOff())
    watched = watch(collector, vm, state)
    first = collector.WaitForUpdatesEx("", PC.WaitOptions(maxWaitSeconds=5))
    assert changes(first) == [("enter", state, "poweredOff")], changes(first)
    assert collector.CheckForUpdates(first.version) is None
    assert collector.WaitForUpdatesEx(first.version, PC.WaitOptions(maxWaitSeconds=1)) is None

    task = vm.PowerOn()
    WaitForTask(task)
    assert task.info.entity == vm and task.info.name.info.wsdlName == "PowerOnVM_Task"
    second = collector.WaitForUpdatesEx(first.version)
    assert changes(second) == [("modify", state, "poweredOn")], changes(second)
    fails(vmodl.query.InvalidCollectorVersion, lambda: collector.WaitForUpdatesEx("no such version"))
    said("powered on, and seen")

    again = vm.PowerOn()
    fault = fails(vim.fault.InvalidPowerState, lambda: WaitForTask(again))
    assert fault.existingState == "poweredOn" and again.info.state == "error" and fault.msg
    said("powering on twice fails", fault.msg)

    vm.ShutdownGuest()
    third = collector.WaitForUpdatesEx(second.version, PC.WaitOptions(maxWaitSeconds=600))
    assert changes(third) == [("modify", state, "poweredOff")], changes(third)
    watched.Destroy()
    collector.Destroy()
    fails(vmodl.fault.ManagedObjectNotFound, lambda: collector.CheckForUpdates(third.version))
    fails(vim.fault.InvalidPowerState, vm.ShutdownGuest)
    said("the guest was shut down, and seen")


def keep(content, vm):
    assert vm.snapshot is None if hasattr(vm, "snapshot") else True
    disk = lambda: [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk)][0]
    before = disk().backing.fileName
    tasks = [vm.CreateSnapshot(name, f"about {name}", False, False) for name in ("one", "two")]
    WaitForTasks(tasks)
    root = vm.snapshot.rootSnapshotList[0]
    child = root.childSnapshotList[0]
    assert (root.name, root.description, child.name) == ("one", "about one", "two")
    assert vm.snapshot.currentSnapshot == child.snapshot and tasks[0].info.result is not None
    assert child.snapshot.vm == vm and root.snapshot.config.hardware.device
    assert disk().backing.parent.parent.fileName == before != disk().backing.fileName
    WaitForTask(vm.RemoveAllSnapshots())
    assert disk().backing.fileName == before
    said("snapshots taken and removed")


def refuse(si, content, vm):
    fails(vmodl.fault.NotSupported, lambda: vm.UpgradeVM_Task())
    fails(vmodl.fault.NotSupported, lambda: vm.CreateSnapshot("x", None, True, False) if vm.runtime.powerState == "poweredOn" else vm.SuspendVM_Task())
    gone = vim.VirtualMachine("vm-999999", si._stub)
    fails(vmodl.fault.ManagedObjectNotFound, lambda: gone.name)
    spec = PC.FilterSpec(objectSet=[PC.ObjectSpec(obj=vm)], propSet=[PC.PropertySpec(type=vim.VirtualMachine, pathSet=["nonsense"])])
    fails(vmodl.query.InvalidProperty, lambda: content.propertyCollector.RetrieveProperties([spec]))
    spec.propSet[0].pathSet = ["name", "resourceConfig"]
    [found] = content.propertyCollector.RetrieveProperties([spec])
    assert [missing.path for missing in found.missingSet] == ["resourceConfig"] and found.propSet[0].val == vm.name
    said("what is not there is refused")


def main():
    if sys.argv[1:2] == ["--record"]:
        record(sys.argv[2])
        del sys.argv[1:3]
    url, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    si = connect(url)
    content = si.RetrieveContent()
    said("connected", f"{content.about.fullName}, interface {content.about.apiVersion}")
    session = content.sessionManager.currentSession
    assert content.sessionManager.SessionIsActive(session.key, session.userName)
    assert si.CurrentTime() >= session.loginTime
    look_at_everything(content)
    walk_by_hand(content)
    traverse(content)
    machines = view(content, [vim.VirtualMachine])
    with_tools = (vm for vm in machines if vm.guest.toolsStatus != "toolsNotInstalled" and vm.name != "mt")
    vm = next((vm for vm in machines if vm.name == wanted), None) if wanted else next(with_tools)
    was_on = vm.runtime.powerState == "poweredOn"
    search(content, vm)
    run(content, vm)
    keep(content, vm)
    refuse(si, content, vm)
    if was_on:
        WaitForTask(vm.PowerOn())
    assert content.taskManager.recentTask
    Disconnect(si)
    fails(vim.fault.NotAuthenticated, lambda: vm.name)
    said("logged out")


if __name__ == "__main__":
    main()

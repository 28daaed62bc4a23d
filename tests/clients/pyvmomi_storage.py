#!/usr/bin/env python3
"""Reads and writes what an emulated vCenter's machines hold, with pyVmomi as it comes from PyPI, and fails where it is not as it should be.

    pip install pyvmomi
    tests/clients/pyvmomi_storage.py http://127.0.0.1:8989 MACHINE

Every property of the machine; its disk file through `/folder`, in parts and as a whole; snapshots with what they keep; changed blocks from one
snapshot to the next; files of the datastore; a machine that is made, cloned, moved, unregistered, registered and deleted; disks that go out and come
in as streams. Where `qemu-img` is installed, it compares them. Everything is left as it was. TLS is not verified.
"""

import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen
from urllib.error import HTTPError

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

TRUSTING = ssl._create_unverified_context()


def said(what, detail=""):
    print(f"ok  {what}{': ' if detail else ''}{detail}")


def connect(url):
    parts = urlsplit(url)
    secure = {"disableSslCertValidation": True} if parts.scheme == "https" else {}
    return SmartConnect(protocol=parts.scheme, host=parts.hostname, port=parts.port, user="user", pwd="password", **secure)


class Files:
    """What scripts have around `/folder`: the cookie of the session, and nothing else."""

    def __init__(self, si, url, datacenter):
        self.base, self.datacenter = url, datacenter
        self.cookie = si._stub.cookie.split(";")[0]

    def url(self, path):
        store, name = path[1:].split("] ", 1)
        return f"{self.base}/folder/{quote(name)}?{urlencode({'dcPath': self.datacenter, 'dsName': store})}"

    def ask(self, method, url, body=None, **headers):
        request = Request(url, data=body, method=method, headers={"Cookie": self.cookie, **headers})
        if body is not None:
            request.add_header("Content-Type", "application/octet-stream")
        return urlopen(request, context=TRUSTING if url.startswith("https") else None, timeout=60)

    def get(self, path, **headers):
        return self.ask("GET", self.url(path), **headers).read()

    def put(self, path, body):
        return self.ask("PUT", self.url(path), body).status


def refused(status, call):
    try:
        call()
    except HTTPError as error:
        assert error.code == status, (error.code, status)
        return
    raise AssertionError(f"it should have been refused with {status}")


def fails(kind, call):
    try:
        call()
    except kind as fault:
        return fault
    raise AssertionError(f"it should have failed with {kind.__name__}")


def disks(vm):
    return [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk)]


def flat(disk):
    return disk.backing.fileName.replace(".vmdk", "-flat.vmdk")


def every_property(vm):
    """Each property the interface has of a machine: told, unset, or refused by its name."""
    told = []
    for info in sorted(vm._GetPropertyList(), key=lambda info: info.name):
        try:
            getattr(vm, info.name)
            told.append(info.name)
        except vmodl.fault.NotSupported:
            pass
    assert {"config", "layoutEx", "runtime", "storage", "summary", "guest", "snapshot", "capability"} <= set(told), told
    said("every property", f"{len(told)} of {len(vm._GetPropertyList())} told")


def read_and_write(files, vm):
    name = flat(disks(vm)[0])
    whole = files.get(name)
    assert len(whole) == disks(vm)[0].capacityInBytes
    assert files.get(name, Range="bytes=4096-8191") == whole[4096:8192]
    assert int(files.ask("HEAD", files.url(name)).headers["Content-Length"]) == len(whole)
    assert b'createType="vmfs"' in files.get(disks(vm)[0].backing.fileName)
    assert f'displayName = "{vm.name}"'.encode() in files.get(vm.config.files.vmPathName)
    refused(401, lambda: urlopen(files.url(name), context=TRUSTING))
    refused(400, lambda: files.ask("GET", f"{files.base}/folder/x%2f..%2f..%2fetc?dsName={vm.datastore[0].name}"))
    changed = bytearray(whole)
    changed[70_000:70_010] = b"rehearsed!"
    assert files.put(name, bytes(changed)) == 200
    assert files.get(name) == bytes(changed)
    said("disk files", f"{len(whole)} bytes read, sent and read again")
    return whole


def changed_blocks(files, vm, before):
    disk, name = disks(vm)[0], flat(disks(vm)[0])
    WaitForTask(vm.Reconfigure(vim.vm.ConfigSpec(changeTrackingEnabled=True)))
    WaitForTask(vm.CreateSnapshot("first", "", False, False))
    first = vm.snapshot.currentSnapshot
    since = [device for device in first.config.hardware.device if device.key == disk.key][0].backing.changeId
    WaitForTask(vm.RemoveAllSnapshots())
    held = files.get(name)
    assert files.put(name, before) == 200
    WaitForTask(vm.CreateSnapshot("second", "", False, False))
    second = vm.snapshot.currentSnapshot
    areas, at = [], 0
    while at < disk.capacityInBytes:
        told = vm.QueryChangedDiskAreas(second, disk.key, at, since)
        areas += told.changedArea or []
        at = told.startOffset + told.length
    covered = {at // 65536 for area in areas for at in range(area.start, area.start + area.length, 65536)}
    differ = {at // 65536 for at in range(0, len(held), 65536) if held[at:at + 65536] != before[at:at + 65536]}
    assert differ and differ <= covered and len(covered) <= len(differ) + 1, (differ, covered)
    fails(vmodl.fault.InvalidArgument, lambda: vm.QueryChangedDiskAreas(second, disk.key, 0, "nonsense"))
    # The base can be read while a snapshot stands on it, and the machine runs.
    WaitForTask(vm.PowerOn())
    assert files.get(name) == before
    WaitForTask(vm.RevertToCurrentSnapshot())
    assert vm.runtime.powerState == "poweredOff"
    WaitForTask(vm.RemoveAllSnapshots())
    assert files.get(name) == before
    WaitForTask(vm.Reconfigure(vim.vm.ConfigSpec(changeTrackingEnabled=False)))
    said("changed blocks", f"{len(differ)} changed, {len(covered)} told")


def datastore(content, files, store):
    manager, datacenter = content.fileManager, content.rootFolder.childEntity[0]
    root = f"[{store.name}]"
    manager.MakeDirectory(f"{root} python/deep", datacenter, True)
    fails(vim.fault.FileAlreadyExists, lambda: manager.MakeDirectory(f"{root} python", datacenter))
    free = store.summary.freeSpace
    assert files.put(f"{root} python/deep/file.iso", b"x" * 5_000_000) == 201
    assert free - store.summary.freeSpace == 5_000_000
    spec = vim.host.DatastoreBrowser.SearchSpec(
        details=vim.host.DatastoreBrowser.FileInfo.Details(fileSize=True, fileType=True, modification=True, fileOwner=False), matchPattern=["*.iso"])
    task = store.browser.SearchSubFolders(f"{root} python", spec)
    WaitForTask(task)
    [found] = [file for folder in task.info.result for file in folder.file]
    assert (found.path, found.fileSize) == ("file.iso", 5_000_000)
    WaitForTask(manager.MoveFile(f"{root} python/deep/file.iso", datacenter, f"{root} python/moved.iso", datacenter))
    WaitForTask(manager.CopyFile(f"{root} python/moved.iso", datacenter, f"{root} python/copy.iso", datacenter))
    WaitForTask(manager.DeleteFile(f"{root} python", datacenter))
    fails(vim.fault.FileNotFound, lambda: WaitForTask(manager.DeleteFile(f"{root} python", datacenter)))
    assert store.summary.freeSpace == free
    disk = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(diskType="thin", adapterType="lsiLogic", capacityKb=1024)
    virtual = content.virtualDiskManager
    WaitForTask(virtual.CreateVirtualDisk(f"{root} alone.vmdk", datacenter, disk))
    assert len(virtual.QueryVirtualDiskUuid(f"{root} alone.vmdk", datacenter)) == 47
    WaitForTask(virtual.DeleteVirtualDisk(f"{root} alone.vmdk", datacenter))
    said("files of the datastore")


def new_disk(kib):
    device = vim.vm.device.VirtualDisk(key=-1, capacityInKB=kib, backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(diskMode="persistent", fileName=""))
    return vim.vm.device.VirtualDeviceSpec(operation="add", fileOperation="create", device=device)


def lifecycle(content, files, vm):
    datacenter, store = content.rootFolder.childEntity[0], vm.datastore[0]
    folder, pool = datacenter.vmFolder, vm.resourcePool
    spec = vim.vm.ConfigSpec(name="made", numCPUs=1, memoryMB=512, guestId="otherLinux64Guest",
                             files=vim.vm.FileInfo(vmPathName=f"[{store.name}]"), deviceChange=[new_disk(2048)])
    task = folder.CreateVM_Task(spec, pool)
    WaitForTask(task)
    made = task.info.result
    assert made.name == "made" and disks(made)[0].capacityInKB == 2048
    fails(vim.fault.DuplicateName, lambda: WaitForTask(folder.CreateVM_Task(spec, pool)))
    assert files.put(flat(disks(made)[0]), b"made" * 500_000) == 200
    WaitForTask(made.Reconfigure(vim.vm.ConfigSpec(numCPUs=2, annotation="by a script", deviceChange=[new_disk(1024)])))
    grown = disks(made)[1]
    grown.capacityInKB, grown.capacityInBytes = 4096, 4096 * 1024
    edit = vim.vm.device.VirtualDeviceSpec(operation="edit", device=grown)
    WaitForTask(made.Reconfigure(vim.vm.ConfigSpec(deviceChange=[edit])))
    assert (made.config.hardware.numCPU, made.config.annotation, disks(made)[1].capacityInKB) == (2, "by a script", 4096)
    task = made.Clone(folder, "clone", vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=True, template=False))
    WaitForTask(task)
    clone = task.info.result
    assert clone.runtime.powerState == "poweredOn"
    fails(vim.fault.InvalidPowerState, lambda: WaitForTask(clone.Destroy()))
    WaitForTask(clone.PowerOff())
    assert files.get(flat(disks(clone)[0])) == files.get(flat(disks(made)[0]))
    WaitForTask(clone.Destroy())
    path = made.config.files.vmPathName
    made.Unregister()
    task = folder.RegisterVm(path, None, False, pool, None)
    WaitForTask(task)
    again = task.info.result
    assert again.name == "made" and len(disks(again)) == 2 and again.config.hardware.memoryMB == 512
    fails(vim.fault.AlreadyExists, lambda: WaitForTask(folder.RegisterVm(path, None, False, pool, None)))
    kept = vm.config.files.vmPathName
    name = vm.name
    vm.Unregister()
    task = folder.RegisterVm(kept, None, False, pool, None)
    WaitForTask(task)
    assert task.info.result.name == name
    WaitForTask(again.Destroy())
    events = content.eventManager.QueryEvents(vim.event.EventFilterSpec())
    assert any(isinstance(event, vim.event.VmPoweredOnEvent) for event in events)
    said("made, changed, cloned, unregistered, registered, deleted")
    return task.info.result


def streams(files, vm):
    lease = vm.ExportVm()
    assert lease.state == "ready"
    got = []
    for device in lease.info.deviceUrl:
        url = device.url.replace("*", urlsplit(files.base).netloc)
        got.append(files.ask("GET", url).read())
    lease.Progress(100)
    lease.Complete()
    if shutil.which("qemu-img") is None:
        print("NOT CHECKED: qemu-img is not installed (Debian: qemu-utils)")
        return
    with tempfile.TemporaryDirectory() as folder:
        for disk, stream in zip(disks(vm), got):
            raw, packed = os.path.join(folder, "raw"), os.path.join(folder, "packed.vmdk")
            open(raw, "wb").write(files.get(flat(disk)))
            open(packed, "wb").write(stream)
            subprocess.run(["qemu-img", "check", "-q", "-f", "vmdk", packed], check=True)
            subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "vmdk", raw, packed], check=True)
    said("disks as streams", f"{len(got)}, as qemu-img has them")


def main():
    url, wanted = sys.argv[1], sys.argv[2]
    si = connect(url)
    content = si.RetrieveContent()
    datacenter = content.rootFolder.childEntity[0]
    vm = next(vm for vm in datacenter.vmFolder.childEntity if vm.name == wanted)
    was_on = vm.runtime.powerState == "poweredOn"
    files = Files(si, url, datacenter.name)
    every_property(vm)
    if was_on:
        refused(409, lambda: files.get(flat(disks(vm)[0])))
        WaitForTask(vm.PowerOff())
    before = read_and_write(files, vm)
    changed_blocks(files, vm, before)
    datastore(content, files, vm.datastore[0])
    vm = lifecycle(content, files, vm)
    streams(files, vm)
    if was_on:
        WaitForTask(vm.PowerOn())
    Disconnect(si)
    refused(401, lambda: files.get("[ds-1] x"))
    said("logged out")


main()

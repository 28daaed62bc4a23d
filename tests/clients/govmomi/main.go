// Does with an emulated vCenter what users of govc do, on the client library as Debian has it, and ends where it is not as it should be.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run tests/clients/govmomi/main.go http://127.0.0.1:8989 MACHINE
//
// It finds the machine and reads it, powers it, takes and gives up snapshots, sends a file to its datastore and fetches it, takes its disks
// out as a stream with their manifest and the descriptor of the machine, brings them in as another machine, and compares what both hold.
// It leaves everything as it was.
package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func check(is bool, what string) {
	if !is {
		fmt.Fprintln(os.Stderr, "failed:", what)
		os.Exit(1)
	}
}

func said(what, detail string) { fmt.Printf("ok  %s: %s\n", what, detail) }

func main() {
	ctx := context.Background()
	u, err := soap.ParseURL(os.Args[1] + "/sdk")
	must(err)
	u.User = url.UserPassword("user", "pw")
	client, err := govmomi.NewClient(ctx, u, true)
	must(err)
	said("connected", client.ServiceContent.About.FullName)

	finder := find.NewFinder(client.Client, true)
	datacenter, err := finder.DefaultDatacenter(ctx)
	must(err)
	finder.SetDatacenter(datacenter)
	all, err := finder.VirtualMachineList(ctx, "*")
	must(err)
	_, err = finder.VirtualMachine(ctx, "no-such-machine")
	_, isMissing := err.(*find.NotFoundError)
	check(isMissing, "what is not there is not found")
	vm, err := finder.VirtualMachine(ctx, os.Args[2])
	must(err)
	said("found", fmt.Sprintf("%s of %d machines", vm.InventoryPath, len(all)))

	names(ctx, client, len(all))
	store := info(ctx, client, vm)
	wasOn := power(ctx, vm)
	snapshots(ctx, vm)
	files(ctx, finder, store)
	exported(ctx, client, finder, vm, store)
	if wasOn {
		task, err := vm.PowerOn(ctx)
		must(err)
		must(task.Wait(ctx))
	}
	must(client.Logout(ctx))
	said("logged out", "govmomi")
}

// names reads all machines through a view, as listings do.
func names(ctx context.Context, client *govmomi.Client, count int) {
	container, err := view.NewManager(client.Client).CreateContainerView(ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	must(err)
	var machines []mo.VirtualMachine
	must(container.Retrieve(ctx, []string{"VirtualMachine"}, []string{"name", "summary"}, &machines))
	check(len(machines) == count, "a view shows what a finder finds")
	must(container.Destroy(ctx))
}

// info reads what `govc vm.info` and `device.info` show; gives the datastore's name.
func info(ctx context.Context, client *govmomi.Client, vm *object.VirtualMachine) string {
	var all mo.VirtualMachine
	must(vm.Properties(ctx, vm.Reference(), nil, &all))
	check(all.Config.Uuid != "" && all.Summary.Config.NumVirtualDisks > 0, "a machine has what it has")
	devices, err := vm.Device(ctx)
	must(err)
	disks := devices.SelectByType((*types.VirtualDisk)(nil))
	backing := disks[0].GetVirtualDevice().Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	found, err := object.NewSearchIndex(client.Client).FindByUuid(ctx, nil, all.Config.Uuid, true, nil)
	must(err)
	check(found.Reference() == vm.Reference(), "it is found by its identifier")
	said("read", fmt.Sprintf("%s, %d disks, the first in %s", all.Name, len(disks), backing.FileName))
	return strings.Trim(strings.Split(backing.FileName, "]")[0], "[")
}

func power(ctx context.Context, vm *object.VirtualMachine) bool {
	state, err := vm.PowerState(ctx)
	must(err)
	if state == types.VirtualMachinePowerStatePoweredOff {
		task, err := vm.PowerOn(ctx)
		must(err)
		must(task.Wait(ctx))
	}
	task, err := vm.PowerOn(ctx)
	must(err)
	check(task.Wait(ctx) != nil, "what is on is not powered on")
	task, err = vm.PowerOff(ctx)
	must(err)
	must(task.Wait(ctx))
	must(vm.WaitForPowerState(ctx, types.VirtualMachinePowerStatePoweredOff))
	said("powered", "on and off")
	return state == types.VirtualMachinePowerStatePoweredOn
}

func snapshots(ctx context.Context, vm *object.VirtualMachine) {
	for _, name := range []string{"one", "two"} {
		task, err := vm.CreateSnapshot(ctx, name, "about "+name, false, false)
		must(err)
		must(task.Wait(ctx))
	}
	task, err := vm.RevertToSnapshot(ctx, "one", true)
	must(err)
	must(task.Wait(ctx))
	task, err = vm.RemoveSnapshot(ctx, "two", false, nil)
	must(err)
	must(task.Wait(ctx))
	_, err = vm.FindSnapshot(ctx, "two")
	check(err != nil, "a snapshot that was given up is gone")
	task, err = vm.RemoveAllSnapshot(ctx, nil)
	must(err)
	must(task.Wait(ctx))
	said("snapshots", "taken, gone back to, given up")
}

func files(ctx context.Context, finder *find.Finder, name string) {
	store, err := finder.Datastore(ctx, name)
	must(err)
	manager := store.NewFileManager(finderDatacenter(ctx, finder), false)
	must(manager.FileManager.MakeDirectory(ctx, store.Path("govmomi"), finderDatacenter(ctx, finder), false))
	sent := bytes.Repeat([]byte("rehearse "), 700_000)
	upload := soap.DefaultUpload
	upload.ContentLength = int64(len(sent))
	must(store.Upload(ctx, bytes.NewReader(sent), "govmomi/file", &upload))
	stat, err := store.Stat(ctx, "govmomi/file")
	must(err)
	check(stat.GetFileInfo().FileSize == int64(len(sent)), "a file is as long as what was sent")
	reader, _, err := store.Download(ctx, "govmomi/file", nil)
	must(err)
	read, err := io.ReadAll(reader)
	must(err)
	check(bytes.Equal(read, sent), "what was sent comes back")
	must(manager.Move(ctx, "govmomi/file", "govmomi/moved"))
	must(manager.Delete(ctx, "govmomi"))
	_, err = store.Stat(ctx, "govmomi/moved")
	check(err != nil, "what was deleted is gone")
	said("files", fmt.Sprintf("%d bytes sent and fetched", len(sent)))
}

func finderDatacenter(ctx context.Context, finder *find.Finder) *object.Datacenter {
	datacenter, err := finder.DefaultDatacenter(ctx)
	must(err)
	return datacenter
}

func fetched(ctx context.Context, client *govmomi.Client, vm *object.VirtualMachine) [][]byte {
	lease, err := vm.Export(ctx)
	must(err)
	leased, err := lease.Wait(ctx, nil)
	must(err)
	updater := lease.StartUpdater(ctx, leased)
	var streams [][]byte
	described := types.OvfCreateDescriptorParams{Name: "taken out"}
	for _, item := range leased.Items {
		reader, _, err := client.Client.Download(ctx, item.URL, &soap.DefaultDownload)
		must(err)
		stream, err := io.ReadAll(reader)
		must(err)
		check(bytes.HasPrefix(stream, []byte("KDMV")), "a disk comes as a stream")
		streams = append(streams, stream)
		file := item.File()
		file.Size = int64(len(stream))
		described.OvfFiles = append(described.OvfFiles, file)
	}
	updater.Done()
	manifest, err := methods.HttpNfcLeaseGetManifest(ctx, client.Client, &types.HttpNfcLeaseGetManifest{This: lease.Reference()})
	must(err)
	check(len(manifest.Returnval) == len(streams), "each disk stands in the manifest")
	for number, entry := range manifest.Returnval {
		check(entry.Sha1 == fmt.Sprintf("%x", sha1.Sum(streams[number])), "its checksum is that of what came")
	}
	descriptor, err := ovf.NewManager(client.Client).CreateDescriptor(ctx, vm, described)
	must(err)
	envelope, err := ovf.Unmarshal(strings.NewReader(descriptor.OvfDescriptor))
	must(err)
	check(len(envelope.References) == len(streams) && len(envelope.Disk.Disks) == len(streams), "each disk is described")
	check(envelope.VirtualSystem.ID == "taken out", "the machine has the name that it was given")
	must(lease.Complete(ctx))
	return streams
}

// exported takes the disks of a machine out and brings them in as another.
func exported(ctx context.Context, client *govmomi.Client, finder *find.Finder, vm *object.VirtualMachine, name string) {
	streams := fetched(ctx, client, vm)
	pools, err := finder.ResourcePoolList(ctx, "*/Resources")
	must(err)
	folders, err := finderDatacenter(ctx, finder).Folders(ctx)
	must(err)
	devices, err := vm.Device(ctx)
	must(err)
	config := types.VirtualMachineConfigSpec{
		Name:     "imported",
		NumCPUs:  1,
		MemoryMB: 1024,
		GuestId:  "otherGuest64",
		Files:    &types.VirtualMachineFileInfo{VmPathName: "[" + name + "]"},
	}
	for number, device := range devices.SelectByType((*types.VirtualDisk)(nil)) {
		disk := device.(*types.VirtualDisk)
		wanted := &types.VirtualDisk{CapacityInKB: disk.CapacityInKB}
		wanted.Key = int32(-1 - number)
		wanted.Backing = &types.VirtualDiskFlatVer2BackingInfo{DiskMode: string(types.VirtualDiskModePersistent)}
		config.DeviceChange = append(config.DeviceChange, &types.VirtualDeviceConfigSpec{
			Operation:     types.VirtualDeviceConfigSpecOperationAdd,
			FileOperation: types.VirtualDeviceConfigSpecFileOperationCreate,
			Device:        wanted,
		})
	}
	lease, err := pools[0].ImportVApp(ctx, &types.VirtualMachineImportSpec{ConfigSpec: config}, folders.VmFolder, nil)
	must(err)
	leased, err := lease.Wait(ctx, nil)
	must(err)
	check(len(leased.Items) == len(streams), "each disk has its place")
	updater := lease.StartUpdater(ctx, leased)
	for number, item := range leased.Items {
		length := int64(len(streams[number]))
		must(lease.Upload(ctx, item, bytes.NewReader(streams[number]), soap.Upload{ContentLength: length}))
	}
	updater.Done()
	must(lease.Complete(ctx))
	made := object.NewVirtualMachine(client.Client, leased.Entity)
	for number, stream := range fetched(ctx, client, made) {
		check(bytes.Equal(stream, streams[number]), "what came in is what went out")
	}
	task, err := made.Destroy(ctx)
	must(err)
	must(task.Wait(ctx))
	said("exported and imported", fmt.Sprintf("%d disks", len(streams)))
}

// Command client asks a vCenter what people ask of one, and says how long each took and how much of the server's processor time it cost: one
// line of JSON for each question. The server is of this machine, and named by its process.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

type measured struct {
	Question string  `json:"question"`
	Millis   float64 `json:"millis"`
	CPU      float64 `json:"cpu_millis"`
	Count    int     `json:"count"`
}

var pid = flag.Int("pid", 0, "the process of the server")

// A clock tick of the processor times in /proc.
const tick = 10 * time.Millisecond

func main() {
	address := flag.String("url", "", "where the vCenter is")
	flag.Parse()
	ctx := context.Background()
	at, err := url.Parse(*address)
	must(err)
	at.User = url.UserPassword("user", "pass")
	client, err := govmomi.NewClient(ctx, at, true)
	must(err)
	machines := all(ctx, client)

	ask("all names", 3, func() int { return retrieve(ctx, client, machines, []string{"name"}) })
	ask("all devices", 1, func() int { return retrieve(ctx, client, machines, []string{"config.hardware.device"}) })
	lastByte(ctx, client, machines)
	uuids := uuidsOf(ctx, client, machines)
	search := object.NewSearchIndex(client.Client)
	ask("search by UUID", 1, func() int {
		for n := 0; n < 200; n++ {
			found, err := search.FindByUuid(ctx, nil, uuids[n*len(uuids)/200], true, nil)
			must(err)
			if found == nil {
				log.Fatal("a machine is not found by its UUID")
			}
		}
		return 200
	})
	vm := object.NewVirtualMachine(client.Client, machines[len(machines)/2])
	ask("power cycle", 3, func() int {
		task, err := vm.PowerOff(ctx)
		must(err)
		must(task.Wait(ctx))
		task, err = vm.PowerOn(ctx)
		must(err)
		must(task.Wait(ctx))
		return 1
	})
	changes(ctx, client, at, vm)
}

// How long the answer about all devices takes to its last byte, when the client reads it before it decodes it, and how long it decodes.
func lastByte(ctx context.Context, client *govmomi.Client, machines []types.ManagedObjectReference) {
	reader := &readsFirst{under: client.Client.Client.Client.Transport}
	client.Client.Client.Client.Transport = reader
	since, before := time.Now(), cpu()
	retrieve(ctx, client, machines, []string{"config.hardware.device"})
	all, spent := time.Since(since), cpu()-before
	client.Client.Client.Client.Transport = reader.under
	millis := func(span time.Duration) float64 { return float64(span.Microseconds()) / 1000 }
	say(measured{Question: "all devices, to the last byte", Millis: millis(reader.reading), CPU: float64(spent.Milliseconds()), Count: 1})
	say(measured{Question: "all devices, decoding them", Millis: millis(all - reader.reading), Count: 1})
}

// A transport that has read an answer when it hands it over.
type readsFirst struct {
	under   http.RoundTripper
	reading time.Duration
}

func (r *readsFirst) RoundTrip(request *http.Request) (*http.Response, error) {
	since := time.Now()
	response, err := r.under.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	r.reading += time.Since(since)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// Asks several times, and says how long the fastest took.
func ask(question string, times int, what func() int) {
	best := measured{Question: question, Millis: -1}
	for n := 0; n < times; n++ {
		before, since := cpu(), time.Now()
		count := what()
		took, spent := time.Since(since), cpu()-before
		if millis := float64(took.Microseconds()) / 1000; best.Millis < 0 || millis < best.Millis {
			best.Millis, best.CPU, best.Count = millis, float64(spent.Milliseconds()), count
		}
	}
	say(best)
}

func say(what measured) {
	line, err := json.Marshal(what)
	must(err)
	fmt.Println(string(line))
}

// The processor time of the server so far.
func cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", *pid))
	must(err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	must(err)
	system, err := strconv.ParseInt(fields[12], 10, 64)
	must(err)
	return time.Duration(user+system) * tick
}

func all(ctx context.Context, client *govmomi.Client) []types.ManagedObjectReference {
	manager := view.NewManager(client.Client)
	machines, err := manager.CreateContainerView(ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	must(err)
	defer machines.Destroy(ctx)
	found, err := machines.Find(ctx, []string{"VirtualMachine"}, property.Filter{})
	must(err)
	return found
}

// Through a view, as everybody does, and page by page.
func retrieve(ctx context.Context, client *govmomi.Client, machines []types.ManagedObjectReference, paths []string) int {
	manager := view.NewManager(client.Client)
	container, err := manager.CreateContainerView(ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	must(err)
	defer container.Destroy(ctx)
	var found []mo.VirtualMachine
	must(container.Retrieve(ctx, []string{"VirtualMachine"}, paths, &found))
	if len(found) != len(machines) {
		log.Fatalf("%d machines of %d", len(found), len(machines))
	}
	return len(found)
}

func uuidsOf(ctx context.Context, client *govmomi.Client, machines []types.ManagedObjectReference) []string {
	var found []mo.VirtualMachine
	few := machines
	if len(few) > 200 {
		few = few[:200]
	}
	must(property.DefaultCollector(client.Client).Retrieve(ctx, few, []string{"config.uuid"}, &found))
	var uuids []string
	for _, machine := range found {
		uuids = append(uuids, machine.Config.Uuid)
	}
	return uuids
}

// How long after a task has ended a client that waits for the state of all machines sees it.
func changes(ctx context.Context, client *govmomi.Client, at *url.URL, vm *object.VirtualMachine) {
	watcher, err := govmomi.NewClient(ctx, at, true)
	must(err)
	collector := property.DefaultCollector(watcher.Client)
	container, err := view.NewManager(watcher.Client).CreateContainerView(ctx, watcher.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	must(err)
	filter := types.CreateFilter{
		This: collector.Reference(),
		Spec: types.PropertyFilterSpec{
			ObjectSet: []types.ObjectSpec{{
				Obj:       container.Reference(),
				SelectSet: []types.BaseSelectionSpec{&types.TraversalSpec{Type: "ContainerView", Path: "view"}},
			}},
			PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"runtime.powerState"}}},
		},
	}
	must(collector.CreateFilter(ctx, filter))
	version := ""
	wait := func() int {
		answer, err := methods.WaitForUpdatesEx(ctx, watcher.Client, &types.WaitForUpdatesEx{This: collector.Reference(), Version: version})
		must(err)
		if answer.Returnval == nil {
			return 0
		}
		version = answer.Returnval.Version
		return len(answer.Returnval.FilterSet[0].ObjectSet)
	}
	first := wait()
	seen := make(chan time.Time)
	var total time.Duration
	const rounds = 6
	before := cpu()
	for n := 0; n < rounds; n++ {
		go func() {
			for wait() == 0 {
			}
			seen <- time.Now()
		}()
		time.Sleep(50 * time.Millisecond)
		var task *object.Task
		if n%2 == 0 {
			task, err = vm.PowerOff(ctx)
		} else {
			task, err = vm.PowerOn(ctx)
		}
		must(err)
		must(task.Wait(ctx))
		ended := time.Now()
		total += (<-seen).Sub(ended)
	}
	delay := float64(total.Microseconds()) / 1000 / rounds
	say(measured{Question: "a change is seen", Millis: delay, CPU: float64((cpu() - before).Milliseconds()) / rounds, Count: first})
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

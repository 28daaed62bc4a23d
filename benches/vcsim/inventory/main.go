// Command inventory serves an inventory of so many machines with vcsim, over plain http on loopback, and writes where to a file.
package main

import (
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	machines := flag.Int("machines", 10, "how many machines there are")
	hosts := flag.Int("hosts", 4, "how many hosts there are")
	ready := flag.String("ready-file", "", "where the address is written, once requests are answered")
	flag.Parse()

	model := simulator.VPX()
	model.Datacenter, model.Cluster, model.Host, model.ClusterHost = 1, 1, 0, *hosts
	model.Pool, model.Machine = 0, *machines
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	server := model.Service.NewServer()
	defer server.Close()
	if err := os.WriteFile(*ready, []byte(server.URL.String()), 0o644); err != nil {
		log.Fatal(err)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	<-interrupted
}

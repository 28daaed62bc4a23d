//! Does with an emulated vCenter what users of `vim_rs` do, over VI JSON, and ends where it is not as it should be.
//!
//!     cargo run --manifest-path tests/clients/vim_rs/Cargo.toml -- https://localhost:8443 switchback-ca.pem MACHINE
//!
//! It logs in, lists the inventory through views and the property collector, reads every device of the machine, powers it
//! off and on, takes a snapshot and gives it up, waits for each task through updates, and logs out. It leaves everything
//! as it was.

use std::error::Error;
use std::sync::Arc;

use vim_rs::core::client::{Client, ClientBuilder};
use vim_rs::core::error::ErrorKind;
use vim_rs::core::pc_retrieve::ObjectRetriever;
use vim_rs::core::tasks::TaskTracker;
use vim_rs::mo::{ContainerView, ServiceInstance, ViewManager, VirtualMachine, VirtualMachineSnapshot};
use vim_rs::types::enums::VirtualMachinePowerStateEnum;
use vim_rs::types::structs::{ManagedObjectReference, VirtualDisk};
use vim_rs::types::traits::VirtualDeviceTrait;
use vim_rs::vim_retrievable;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

vim_retrievable!(
    struct Machine: VirtualMachine {
        name = "name",
        power = "runtime.power_state",
        host = "runtime.host",
        devices = "config.hardware.device",
    }
);

vim_retrievable!(
    struct Host: HostSystem {
        name = "name",
        connection = "runtime.connection_state",
        machines = "vm",
    }
);

fn check(is: bool, what: &str) -> Outcome {
    if is { Ok(()) } else { Err(what.into()) }
}

fn said(what: &str, detail: &str) {
    println!("ok  {what}: {detail}");
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, authority, machine] = arguments.as_slice() else {
        return Err("expected: URL CA-FILE MACHINE".into());
    };
    let server = base.trim_start_matches("https://");
    let http = http_client(authority)?;
    logged_out(server, &http).await?;
    let client = ClientBuilder::new(server, http)
        .basic_authn("user", "any")
        .app_details(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .build()
        .await?;
    said(
        "logged in",
        &format!("{}, release {}", client.service_content().about.full_name, client.api_release()),
    );
    let machine = inventory(&client, machine).await?;
    let tasks = TaskTracker::new(client.clone());
    let vm = VirtualMachine::new(client.clone(), &machine.value);
    power(&vm, &tasks).await?;
    snapshots(&client, &vm, &tasks).await?;
    tasks.shutdown().await;
    client.close().await?;
    let service = ServiceInstance::new(client.clone(), "ServiceInstance");
    check(service.current_time().await.is_err(), "nobody is served after the logout")?;
    said("logged out", "vim_rs");
    Ok(())
}

/// A client that trusts the authority of the rehearsal, and nobody else.
fn http_client(authority: &str) -> Outcome<reqwest::Client> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let authority = reqwest::Certificate::from_pem(&std::fs::read(authority)?)?;
    Ok(reqwest::Client::builder().tls_certs_only([authority]).build()?)
}

/// Without a name and a password only the service itself is there.
async fn logged_out(server: &str, http: &reqwest::Client) -> Outcome {
    let nobody = ClientBuilder::new(server, http.clone()).build().await?;
    let views = nobody.service_content().view_manager.clone().ok_or("there is a view manager")?;
    let refused = ViewManager::new(nobody.clone(), &views.value).view_list().await;
    let fault = refused.err().ok_or("nobody is let in without a login")?;
    check(format!("{fault:?}").contains("NotAuthenticated"), &format!("{fault:?}"))
}

/// Lists hosts and machines; finds the one of that name and reads its devices.
async fn inventory(client: &Arc<Client>, name: &str) -> Outcome<ManagedObjectReference> {
    let root = &client.service_content().root_folder;
    let views = client.service_content().view_manager.clone().ok_or("there is a view manager")?;
    let views = ViewManager::new(client.clone(), &views.value);
    let view = views.create_container_view(root, Some(&["VirtualMachine".to_owned()]), true).await?;
    let view = ContainerView::new(client.clone(), &view.value);
    let seen = view.view().await?.unwrap_or_default();
    view.destroy_view().await?;
    check(view.view().await.is_err(), "a view that was given up is gone")?;

    let retriever = ObjectRetriever::new(client.clone())?;
    let machines: Vec<Machine> = retriever.retrieve_objects_from_container(root).await?;
    let hosts: Vec<Host> = retriever.retrieve_objects_from_container(root).await?;
    check(machines.len() == seen.len(), "a collector finds what a view shows")?;
    let placed: usize = hosts.iter().map(|host| host.machines.as_ref().map_or(0, Vec::len)).sum();
    check(placed == machines.len(), "each machine is on a host")?;
    check(!machines.iter().any(|it| it.name == "no-such-machine"), "what is not there is not found")?;
    let machine = machines.iter().find(|it| it.name == name).ok_or("the machine is there")?;
    check(machine.host.is_some(), "it is on a host")?;
    let first = format!("{} {:?}", hosts[0].name, hosts[0].connection);
    said("listed", &format!("{} machines on {} hosts, {first}", machines.len(), hosts.len()));
    devices(machine)?;
    Ok(machine.id.clone())
}

fn devices(machine: &Machine) -> Outcome {
    let devices = machine.devices.as_deref().unwrap_or_default();
    let kinds: Vec<&str> = devices.iter().map(|device| device.data_type().as_str()).collect();
    let disks: Vec<&VirtualDisk> = devices.iter().filter_map(|device| disk(device.as_ref())).collect();
    check(!disks.is_empty(), "a machine has a disk")?;
    for disk in &disks {
        let controller = disk.virtual_device_.controller_key.ok_or("a disk is at a controller")?;
        let mut keys = devices.iter().map(|device| device.get_virtual_device().key);
        check(keys.any(|key| key == controller), "the controller is there too")?;
        check(disk.virtual_device_.backing.is_some() && disk.capacity_in_kb > 0, "a disk holds something")?;
    }
    said("read", &format!("{} with {}", machine.name, kinds.join(", ")));
    Ok(())
}

fn disk(device: &dyn VirtualDeviceTrait) -> Option<&VirtualDisk> {
    device.as_any_ref().downcast_ref()
}

/// Powers the machine off and on, or on and off, as it was.
async fn power(vm: &VirtualMachine, tasks: &TaskTracker) -> Outcome {
    let was_on = vm.runtime().await?.power_state == VirtualMachinePowerStateEnum::PoweredOn;
    for on in [!was_on, was_on] {
        switch(vm, tasks, on).await?;
        let state = vm.runtime().await?.power_state;
        check((state == VirtualMachinePowerStateEnum::PoweredOn) == on, &format!("it is {state:?}"))?;
        let again = switch(vm, tasks, on).await.err().ok_or("what is so is not made so")?;
        check(again.kind() == ErrorKind::TaskFailed, &format!("{again}"))?;
        let fault = format!("{:?}", again.task_fault());
        check(fault.contains("InvalidPowerState"), &fault)?;
    }
    said("powered", if was_on { "off and on" } else { "on and off" });
    Ok(())
}

async fn switch(vm: &VirtualMachine, tasks: &TaskTracker, on: bool) -> vim_rs::core::error::Result<()> {
    let task = if on { vm.power_on_vm_task(None).await? } else { vm.power_off_vm_task().await? };
    tasks.wait_any(task).await.map(|_| ())
}

async fn snapshots(client: &Arc<Client>, vm: &VirtualMachine, tasks: &TaskTracker) -> Outcome {
    let task = vm.create_snapshot_task("vim_rs", Some("of a client"), false, false).await?;
    let taken: ManagedObjectReference = tasks.wait(task).await?;
    let tree = vm.snapshot().await?.ok_or("there is a snapshot")?;
    let newest = tree.root_snapshot_list.last().ok_or("there is a snapshot")?;
    check(newest.name == "vim_rs" && newest.snapshot.value == taken.value, "it is the one that was taken")?;
    let snapshot = VirtualMachineSnapshot::new(client.clone(), &taken.value);
    tasks.wait_any(snapshot.remove_snapshot_task(false, None).await?).await?;
    check(vm.snapshot().await?.is_none(), "a snapshot that was given up is gone")?;
    said("snapshots", "taken and given up");
    Ok(())
}

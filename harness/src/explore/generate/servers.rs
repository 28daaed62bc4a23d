//! Process servers and master targets beside the usual ones, a network in Azure that is not quite perfect, which of
//! them a reprotect names, and where machines move to.

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{DriveUse, FileSystem, LocationWord, OsKind, StackWord};
use switchback_scenarios::model::{
    Action, DatastoreIndex, Drive, DriveIndex, MasterTargetIndex, NamedMasterTarget, NamedProcessServer,
    NewDisks, ProcessServerChoice, Ratio, Subject, standard_drives,
};
use switchback_sim::Chance;

use super::NOWHERE;
use super::draw::{by_magnitude, one_in};

/// A reprotect that leaves every choice to the product.
pub(crate) const fn reprotect(subject: Subject) -> Action {
    Action::Reprotect {
        subject,
        process_server: None,
        master_target: None,
        retention_drive: None,
        datastore: NewDisks::WithMasterTarget,
        location: LocationWord::Original,
    }
}

/// Adds servers to a third of the sites.
pub(super) fn add(chance: &mut Chance, scenario: &mut Scenario) {
    if one_in(chance, 6) {
        scenario.fabric.loss = Ratio { n: chance.in_range(1..=20) as u32, d: 1000 };
    }
    if !one_in(chance, 3) {
        return;
    }
    for number in 0..chance.below(3) {
        let cache = by_magnitude(chance, 16 << 20..=600 << 30);
        let name = format!("scale-out-{}", number + 1);
        scenario.process_servers.push(NamedProcessServer { name, cache, source: NOWHERE });
    }
    // Where hosts reach only some of the datastores, one more master target may reach none that it needs.
    if super::site::is_apart(scenario) {
        return;
    }
    for number in 0..chance.below(3) {
        let target = master_target(chance, number, scenario.site.datastores.len());
        scenario.master_targets.push(target);
    }
}

fn master_target(chance: &mut Chance, number: u64, datastores: usize) -> NamedMasterTarget {
    NamedMasterTarget {
        name: format!("mt-{}", number + 1),
        datastore: DatastoreIndex(chance.below(datastores as u64) as usize),
        os: if one_in(chance, 2) { OsKind::Linux } else { OsKind::Windows },
        authenticating_proxy: one_in(chance, 4),
        drives: if one_in(chance, 3) { strange_drives(chance) } else { standard_drives() },
        source: NOWHERE,
    }
}

/// A free one, and one that will not do.
fn strange_drives(chance: &mut Chance) -> Vec<Drive> {
    let mut drives = standard_drives();
    let drive = &mut drives[0];
    match chance.below(5) {
        0 => (drive.holds, drive.locked) = (DriveUse::Nothing, true),
        1 => (drive.holds, drive.capacity) = (DriveUse::Nothing, 0),
        2 => (drive.holds, drive.file_system) = (DriveUse::Nothing, FileSystem::Fat32),
        3 => drive.holds = DriveUse::Paging,
        _ => drive.holds = DriveUse::Cache,
    }
    drives
}

/// A reprotect of all machines of a subject, through one master target.
pub(super) fn choose(
    chance: &mut Chance,
    scenario: &Scenario,
    subject: Subject,
    is_home: bool,
    location: LocationWord,
) -> Action {
    let process_servers = 2 + scenario.process_servers.len() as u64;
    let named = one_in(chance, 3);
    let process_server =
        named.then(|| ProcessServerChoice::of_number(chance.below(process_servers) as usize));
    // The appliance of the modernised stack is no master target: the job fails as often as it is asked for.
    let is_classic = scenario.site.stack == StackWord::Classic;
    let suitable = suitable(scenario, subject);
    let master_target =
        if is_classic && !is_home && one_in(chance, 2) { chance.pick(&suitable).copied() } else { None };
    // The second is the one that will do, on every master target that is drawn.
    let retention_drive = master_target.filter(|_| one_in(chance, 3)).map(|_| DriveIndex(1));
    let datastore = NewDisks::WithMasterTarget;
    Action::Reprotect { subject, process_server, master_target, retention_drive, datastore, location }
}

/// Whom a reprotect home is asked for at once: now and then each machine of a group by itself, so that they may come
/// through different master targets and share no point on the way.
pub(super) fn together(chance: &mut Chance, scenario: &Scenario, subject: Subject) -> Vec<Subject> {
    let members = scenario.members(subject);
    if scenario.master_targets.is_empty() || members.len() < 2 || !one_in(chance, 3) {
        return vec![subject];
    }
    members.iter().map(|vm| Subject::Vm(*vm)).collect()
}

/// A move to a process server, now and then to the one that the machine has: that is refused.
pub(super) fn switch(chance: &mut Chance, scenario: &Scenario, subject: Subject) -> Action {
    let process_servers = 2 + scenario.process_servers.len() as u64;
    let to = ProcessServerChoice::of_number(chance.below(process_servers) as usize);
    Action::SwitchProcessServer { subject, to }
}

/// The master targets of the family of all the machines that have registered: with any other the job fails as often as it
/// is asked for.
fn suitable(scenario: &Scenario, subject: Subject) -> Vec<MasterTargetIndex> {
    let further = scenario.master_targets.iter().map(|target| (target.os, target.is_registered()));
    let all = core::iter::once((OsKind::Windows, true)).chain(further).enumerate();
    let fits = |os: OsKind| scenario.members(subject).iter().all(|vm| scenario.vm(*vm).os == os);
    all.filter(|(_, (os, registered))| *registered && fits(*os))
        .map(|(number, _)| MasterTargetIndex(number))
        .collect()
}

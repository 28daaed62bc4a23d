//! One more machine for a group that is protected already.

use super::world::{G, M, N, PS, World, enable, fail_over};
use crate::control::{Command, GROUP_MACHINES_MAX, ItemState, JobState, Refused};
use crate::id::{Direction::*, GroupId, MachineId, Site};

fn join(machine: MachineId) -> Command {
    Command::Join { group: G, machine, disk_sectors: vec![1 << 20, 1 << 18], process_server: PS }
}

fn why(refused: Refused) -> String {
    match refused {
        Refused::BadGroup(why) => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_machine_that_joins_shares_a_generation_and_its_points_from_then_on() {
    let mut world = World::protected();
    let before = world.vault.item(M).map(|item| item.generation);
    world.succeed(join(N));
    world.reach(N, ItemState::Protected(Forward));
    world.reach(M, ItemState::Protected(Forward));
    let generation = |machine| world.vault.item(machine).map(|item| item.generation);
    assert_eq!(generation(M), generation(N));
    assert!(generation(M) > before, "who was there begins anew with the newcomer");
    assert_eq!(world.agents[&(M, Site::Primary)], world.agents[&(N, Site::Primary)]);
    let group = world.vault.groups().find(|group| group.id == G).expect("the group");
    assert_eq!(group.machines, [M, N]);
    assert_eq!(world.vault.item(M).map(|item| item.policy), world.vault.item(N).map(|item| item.policy));
}

#[test]
fn one_may_join_while_the_others_are_still_being_enabled() {
    let mut world = World::new();
    world.submit(&enable(&[M]));
    world.succeed(join(N));
    world.reach(M, ItemState::Protected(Forward));
    world.reach(N, ItemState::Protected(Forward));
    assert_eq!(world.agents[&(M, Site::Primary)], world.agents[&(N, Site::Primary)]);
}

#[test]
fn a_newcomer_that_cannot_be_enabled_leaves_the_others_protected() {
    let mut world = World::protected();
    world.place(N, Site::Primary).running = false;
    let job = world.end(join(N));
    assert_eq!(world.job(job).state, JobState::Failed);
    assert_eq!(world.state(N), ItemState::Unprotected);
    world.reach(M, ItemState::Protected(Forward));
    world.run_for(core::time::Duration::from_secs(1200));
    assert!(!world.vault.points(G).is_empty(), "and points are made of them");
}

#[test]
fn nobody_joins_a_group_that_is_not_there_or_has_gone_its_way() {
    let mut world = World::new();
    assert!(why(world.refuse(&join(M))).contains("nothing to join"));
    let mut world = World::protected();
    assert!(why(world.refuse(&join(M))).contains("protected already"));
    world.succeed(fail_over(M));
    assert!(why(world.refuse(&join(N))).contains("no other can join it now"));
    assert!(world.vault.item(N).is_none(), "nothing was changed");
    world.succeed(Command::Commit { machine: M });
    world.succeed(Command::Disable { machine: M });
    assert!(why(world.refuse(&join(N))).contains("nothing to join"), "nobody of it is protected any more");
}

#[test]
fn a_group_has_sixteen_machines_and_no_more() {
    let mut world = World::new();
    let running = *world.place(M, Site::Primary);
    let all: Vec<MachineId> = (1..=GROUP_MACHINES_MAX as u32).map(MachineId).collect();
    for machine in &all {
        *world.place(*machine, Site::Primary) = running;
    }
    world.submit(&enable(&all[1..]));
    world.succeed(join(all[0]));
    let one_more =
        Command::Join { group: G, machine: MachineId(99), disk_sectors: vec![1 << 20], process_server: PS };
    assert!(why(world.refuse(&one_more)).contains("takes no more"));
    let elsewhere = Command::Enable {
        group: GroupId(9),
        machines: vec![(MachineId(99), vec![1 << 20])],
        policy: crate::policy::ReplicationPolicy::DEFAULT,
        process_server: PS,
    };
    world.submit(&elsewhere);
    assert_eq!(world.state(MachineId(99)), ItemState::Enabling(Forward));
}

//! The vault dies at every single input of the journey, comes back from its store, and nothing is done twice.

use super::journey::travel;
use super::planned_failovers::{come_home, fail_to_come_home};
use super::world::{Crash, World};

fn sorted(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls
}

fn crash_everywhere(crash: Crash) {
    crash_everywhere_in(crash, &World::new(), travel);
    let home = World { inputs: 0, done: Vec::new(), ..World::modernised_home() };
    crash_everywhere_in(crash, &home, come_home);
    crash_everywhere_in(crash, &home, fail_to_come_home);
}

fn crash_everywhere_in(crash: Crash, from: &World, travel: fn(&mut World)) {
    let mut calm = from.clone();
    travel(&mut calm);
    let expected = sorted(calm.done.clone());
    for at in 1..=calm.inputs {
        let mut world = World { crash_at: Some((at, crash)), ..from.clone() };
        travel(&mut world);
        assert_eq!(sorted(world.done), expected, "crash at input {at}, {crash:?}");
    }
}

#[test]
fn without_the_tail_and_without_the_answers() {
    crash_everywhere(Crash { keeps_tail: false, keeps_answers: false });
}

#[test]
fn without_the_tail_but_with_the_answers() {
    crash_everywhere(Crash { keeps_tail: false, keeps_answers: true });
}

#[test]
fn with_the_tail_and_without_the_answers() {
    crash_everywhere(Crash { keeps_tail: true, keeps_answers: false });
}

#[test]
fn with_the_tail_and_with_the_answers() {
    crash_everywhere(Crash { keeps_tail: true, keeps_answers: true });
}

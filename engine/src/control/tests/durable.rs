//! Nothing leaves before it is durable, and a store that fails is written anew.

use super::world::{M, World, enable};
use crate::content::Stamp;
use crate::control::ledger::ControlRecord;
use crate::control::{Control, ControlConfig, ItemState};
use crate::id::Direction::Forward;
use crate::role::{CommandId, Effect, Input, Outbox, Role, StorageError, Token};
use crate::time::Instant;

fn effects(vault: &mut Control<Stamp>, now: u64, input: Input<Stamp>) -> Vec<Effect<Stamp, ControlRecord>> {
    let mut out = Outbox::default();
    vault.handle(Instant(now), input, &mut out);
    out.drain().collect()
}

#[test]
fn nothing_leaves_and_nothing_is_shown_before_the_sync() {
    let mut vault = Control::<Stamp>::new(ControlConfig::STANDARD);
    let asked = Input::Command { id: CommandId(1), command: enable(&[M]) };
    let first = effects(&mut vault, 1, asked);
    assert!(matches!(first[..], [Effect::Append(..), Effect::Sync(Token(1))]));
    assert!(vault.item(M).is_none() && vault.jobs().count() == 0);
    let failed = Input::Synced { token: Token(1), result: Err(StorageError::Failed) };
    assert!(effects(&mut vault, 2, failed).is_empty());
    let retry = vault.deadline().expect("a retry");
    let second = effects(&mut vault, retry.0, Input::Wake);
    assert!(matches!(second[..], [Effect::Compact(_), Effect::Sync(Token(2))]));
    let third = effects(&mut vault, retry.0 + 1, Input::Synced { token: Token(2), result: Ok(()) });
    assert!(third.iter().any(|effect| matches!(effect, Effect::Reply { .. })));
    assert!(third.iter().any(|effect| matches!(effect, Effect::Hypervisor { .. })));
    assert!(vault.item(M).is_some());
}

#[test]
fn one_sync_is_in_flight_and_covers_what_came_before_it_only() {
    let mut vault = Control::<Stamp>::new(ControlConfig::STANDARD);
    let asked = |id| Input::Command { id: CommandId(id), command: enable(&[]) };
    effects(&mut vault, 1, asked(1));
    assert!(matches!(effects(&mut vault, 2, asked(2))[..], [Effect::Append(..)]));
    let done = effects(&mut vault, 3, Input::Synced { token: Token(1), result: Ok(()) });
    assert!(matches!(done[..], [Effect::Sync(Token(2)), Effect::Reply { id: CommandId(1), .. }]));
}

#[test]
fn a_store_that_fails_for_a_while_only_delays() {
    let mut world = World { store_failures: 5, ..World::new() };
    world.succeed(enable(&[M]));
    world.reach(M, ItemState::Protected(Forward));
}

#[test]
fn a_log_that_has_grown_is_compacted() {
    let mut vault = Control::<Stamp>::new(ControlConfig::STANDARD);
    let mut compactions = 0;
    let mut tokens = 0;
    for id in 0..40_000 {
        let input = Input::Command { id: CommandId(id), command: enable(&[]) };
        let wants = effects(&mut vault, id + 1, input);
        compactions += wants.iter().filter(|effect| matches!(effect, Effect::Compact(_))).count();
        tokens += 1;
        effects(&mut vault, id + 1, Input::Synced { token: Token(tokens), result: Ok(()) });
    }
    assert!((1..20).contains(&compactions), "{compactions}");
}

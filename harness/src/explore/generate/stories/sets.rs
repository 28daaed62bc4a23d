//! Stories of machines that do not go together in Azure.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::recovery::Settings;
use switchback_scenarios::model::{Action, Subject};

use super::super::draw::span;
use super::super::when::later;
use super::homeward::found;
use super::{MINUTE, SECOND, Telling, push};

/// Sizes of two families, each for a machine of at most four data disks, in either order.
const SIZES: [&str; 2] = ["Standard_F2s_v2", "Standard_D2s_v3"];

/// Two machines are put into one availability set, with sizes that it does not take side by side.
pub(super) fn one_set_for_two_sizes(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let failover = found(scenario, |action| match action {
        Action::Failover { subject, .. } => Some(*subject),
        _ => None,
    });
    let several = failover.filter(|(_, subject, _)| scenario.members(*subject).len() > 1);
    let Some((at, subject, _)) = several else { return false };
    let begins = scenario.timeline[at].when;
    scenario.timeline[at].when = later(begins, span(telling.chance, MINUTE..=5 * MINUTE));
    let first = telling.chance.below(2) as usize;
    let members = scenario.members(subject).to_vec();
    for (number, vm) in members.into_iter().take(2).enumerate() {
        let change = Settings {
            availability_set: Some("set".to_owned()),
            size: Some(SIZES[(first + number) % 2].to_owned()),
            ..Settings::default()
        };
        let when = later(begins, span(telling.chance, Duration::ZERO..=30 * SECOND));
        push(scenario, when, Action::Configure { subject: Subject::Vm(vm), change: Box::new(change) });
    }
    true
}

//! Which steps need a name: those that another one comes after, when what they are called is not theirs alone.

use crate::model::{Scenario, Step, When};

impl Scenario {
    /// The same scenario, with a name for each step that another step comes after and that could not be told from
    /// the others by what it is called, and with no name given twice. A scenario that was read from a file is
    /// left as it is.
    #[must_use]
    pub fn with_named_steps(&self) -> Self {
        let mut scenario = self.clone();
        for index in 0..scenario.timeline.len() {
            if is_named_twice(&scenario.timeline, index) {
                rename(&mut scenario.timeline, index);
            }
        }
        for index in 0..scenario.timeline.len() {
            if let When::After { step, .. } = scenario.timeline[index].when
                && is_ambiguous(&scenario.timeline[..index], step.0)
            {
                rename(&mut scenario.timeline, step.0);
            }
        }
        scenario
    }
}

/// Whether a step has the name of one above. Steps that are called by their action have none.
fn is_named_twice(steps: &[Step], index: usize) -> bool {
    let named = |step: &Step| step.name != step.action.word();
    let step = &steps[index];
    named(step) && steps[..index].iter().any(|other| named(other) && other.name == step.name)
}

fn is_ambiguous(above: &[Step], index: usize) -> bool {
    above.iter().filter(|other| other.name == above[index].name).count() > 1
}

/// Gives a step the first free name made of its action and a number.
fn rename(steps: &mut [Step], index: usize) {
    let word = steps[index].action.word();
    let free = (2..)
        .map(|number| format!("{word}-{number}"))
        .find(|name| steps.iter().all(|step| step.name != *name));
    if let Some(name) = free {
        steps[index].name = name;
    }
}

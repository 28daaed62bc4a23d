//! Scripts of recovery plans: what a run is told, in the words of Site Recovery, and how it ends.
//!
//! What a script does is said beforehand ([`ScriptBehaviour`]): nothing is really run here. Who really runs one asks for
//! what it is told just before it ends ([`Azure::script_ending`]), and says how that ended ([`Azure::script_ends_with`]).

use std::fmt::Write;
use std::time::Duration;

use switchback_engine::Content;
use switchback_engine::control::PlanId;
use switchback_engine::ports::CloudRequest;
use switchback_engine::role::CallId;
use switchback_engine::script::{ScriptMachine, ScriptRun, ScriptStep};
use switchback_sim::SimTime;

use crate::azure::Azure;
use crate::guid::guid;

/// What a script does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptBehaviour {
    /// How long it takes.
    pub takes: Duration,
    /// The exit code that it ends with; zero is success.
    pub exit: u8,
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRan {
    /// When it ended.
    pub at: SimTime,
    /// What was run, where in which plan.
    pub run: ScriptRun,
    /// The JSON it was told: the `RecoveryPlanContext` of the product (site-recovery 6).
    pub context: String,
    /// Its exit code.
    pub exit: u8,
}

impl<C: Content> Azure<C> {
    /// Says what the script does that stands at a step of a plan.
    pub fn set_script(&mut self, plan: PlanId, step: ScriptStep, behaviour: ScriptBehaviour) {
        self.scripts.insert((plan, step), behaviour);
    }

    /// The script that a call ends when it is finished now, and what it is told; none where the call ends no script, or
    /// was refused.
    #[must_use]
    pub fn script_ending(&self, now: SimTime, call: CallId) -> Option<(ScriptRun, String)> {
        let request = self.calls.ending(call, now).filter(|_| self.available)?;
        match request {
            CloudRequest::RunScript(run) => Some((run.as_ref().clone(), self.context_of(run))),
            _ => None,
        }
    }

    /// Says with which exit code a run ends, whatever was said beforehand.
    pub fn script_ends_with(&mut self, run: &ScriptRun, exit: u8) {
        self.scripts.entry((run.plan, run.step)).or_default().exit = exit;
    }

    /// The scripts that have ended, in order.
    #[must_use]
    pub fn scripts_ran(&self) -> &[ScriptRan] {
        &self.scripts_ran
    }

    pub(crate) fn script_takes(&self, request: &CloudRequest<C>) -> Duration {
        match request {
            CloudRequest::RunScript(run) => self.behaviour_of(run).takes,
            _ => Duration::ZERO,
        }
    }

    pub(crate) fn run_script(&self, at: SimTime, run: ScriptRun) -> ScriptRan {
        let (context, exit) = (self.context_of(&run), self.behaviour_of(&run).exit);
        ScriptRan { at, run, context, exit }
    }

    fn behaviour_of(&self, run: &ScriptRun) -> ScriptBehaviour {
        self.scripts.get(&(run.plan, run.step)).copied().unwrap_or_default()
    }

    /// The keys and their order are those of the documents. `ResourceGroupName` and `RoleName` are empty before the
    /// machines of the group have started.
    fn context_of(&self, run: &ScriptRun) -> String {
        let machines: Vec<String> = run.machines.iter().map(|told| self.entry_of(told)).collect();
        format!(
            "{{\"RecoveryPlanName\":{},\"FailoverType\":\"{}\",\"FailoverDirection\":\"PrimaryToSecondary\",\
             \"GroupId\":\"{}\",\"VmMap\":{{{}}}}}",
            quoted(&run.plan_name),
            if run.is_test { "Test" } else { "Unplanned" },
            run.step.group + 1,
            machines.join(",")
        )
    }

    fn entry_of(&self, told: &ScriptMachine) -> String {
        let made = told.instance.and_then(|instance| self.instance(instance, told.machine));
        let (group, role) = made.map_or(("", ""), |vm| (&vm.resource_group, &vm.name));
        let point = told.point.map_or_else(String::new, |point| {
            format!("{:08x}-0000-4000-8000-{:012x}", point.generation, point.number)
        });
        format!(
            "\"{}\":{{\"SubscriptionId\":{},\"ResourceGroupName\":{},\"CloudServiceName\":\"\",\
             \"RoleName\":{},\"RecoveryPointId\":\"{point}\"}}",
            guid(&mut self.chance_for_machine(told.machine)),
            quoted(&self.names().subscription),
            quoted(group),
            quoted(role)
        )
    }
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if u32::from(letter) < 0x20 => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

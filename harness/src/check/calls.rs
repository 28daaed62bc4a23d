//! Calls to the two sites: one whose work was done is not done, or refused, a second time when it is made again under its
//! number because its answer was lost.

use switchback_engine::ports::PortFailure;
use switchback_engine::role::CallId;

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

impl<C: Simulated> World<C> {
    /// A site ends a call: whether it changed something this time, and its answer, unless that is lost.
    pub(crate) fn judge_call<A>(
        &mut self,
        call: CallId,
        has_changed: bool,
        result: Option<&Result<A, PortFailure>>,
    ) {
        let was_done = self.judges.calls_done.contains(&call);
        if was_done && has_changed {
            self.found(Judge::JobsEnd, format!("call {} was carried out twice", call.0));
        }
        if let Some(Err(failure)) = result
            && was_done
            && !failure.is_transient()
        {
            self.found(Judge::JobsEnd, format!("call {} was done, and is refused now: {failure}", call.0));
        }
        if has_changed {
            self.judges.calls_done.insert(call);
        }
    }
}

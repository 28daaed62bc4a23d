//! Faults of the service itself, as rules that are laid at the door where calls come in.
//!
//! A rule may make a call fail, answer late, be turned away, or be carried out with its reply lost. The first rule
//! that fits and has not fired as often as it should decides. A reply that is given again meets only rules that
//! cannot contradict the first answer: it may be late, turned away or lost once more, but not another failure.

use std::time::Duration;

use switchback_engine::MachineId;
use switchback_engine::ports::PortFailure;

use crate::request_kind::RequestKind;

/// Names a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// What a rule does to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultMode {
    /// Nothing is done; the call fails with this.
    Fail(PortFailure),
    /// Nothing is done; the client may ask again after that time.
    Throttle {
        /// How long it is told to wait.
        retry_after: Duration,
    },
    /// It is done, so much later.
    Slow(Duration),
    /// It is done, and nobody learns of it.
    LoseReply,
}

/// A fault to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// Which requests; none for all.
    pub kind: Option<RequestKind>,
    /// Whose requests; none for all.
    pub machine: Option<MachineId>,
    /// What happens to them.
    pub mode: FaultMode,
    /// How many of them it happens to.
    pub times: u32,
}

/// A verdict on one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    pub(crate) refusal: Option<PortFailure>,
    pub(crate) delay: Duration,
    pub(crate) reply_lost: bool,
}

#[derive(Debug, Clone)]
struct Laid {
    rule: FaultRule,
    fired: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FaultRules {
    laid: Vec<Laid>,
}

impl FaultRules {
    pub(crate) fn lay(&mut self, rule: FaultRule) -> RuleId {
        self.laid.push(Laid { rule, fired: 0 });
        RuleId(self.laid.len() as u32 - 1)
    }

    pub(crate) fn fired(&self, rule: RuleId) -> u32 {
        self.laid.get(rule.0 as usize).map_or(0, |laid| laid.fired)
    }

    /// How often any rule has fired.
    pub(crate) fn fired_in_all(&self) -> u32 {
        self.laid.iter().map(|laid| laid.fired).sum()
    }

    /// Stops a rule; it keeps its count.
    pub(crate) fn lift(&mut self, rule: RuleId) {
        if let Some(laid) = self.laid.get_mut(rule.0 as usize) {
            laid.rule.times = laid.fired;
        }
    }

    /// Judges a call; `again` for one whose answer is known.
    pub(crate) fn judge(&mut self, kind: RequestKind, machine: MachineId, again: bool) -> Verdict {
        let fits = |laid: &&mut Laid| {
            laid.fired < laid.rule.times
                && laid.rule.kind.is_none_or(|wanted| wanted == kind)
                && laid.rule.machine.is_none_or(|wanted| wanted == machine)
                && !(again && matches!(laid.rule.mode, FaultMode::Fail(_)))
        };
        let Some(laid) = self.laid.iter_mut().find(fits) else {
            return Verdict::default();
        };
        laid.fired += 1;
        match laid.rule.mode.clone() {
            FaultMode::Fail(failure) => Verdict { refusal: Some(failure), ..Verdict::default() },
            FaultMode::Throttle { retry_after } => {
                Verdict { refusal: Some(PortFailure::Throttled { retry_after }), ..Verdict::default() }
            }
            FaultMode::Slow(delay) => Verdict { delay, ..Verdict::default() },
            FaultMode::LoseReply => Verdict { reply_lost: true, ..Verdict::default() },
        }
    }
}

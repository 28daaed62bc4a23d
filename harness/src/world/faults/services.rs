//! Calls to vCenter and the cloud that fail, take long, or are done without an answer.

use core::time::Duration;

use switchback_azure as azure;
use switchback_engine::ports::PortFailure;
use switchback_vsphere as vsphere;

use crate::content::Simulated;
use crate::world::{Happening, World};

/// How long a client that is turned away is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A call to a site that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum SiteCall {
    /// A call to vCenter.
    #[serde(serialize_with = "word")]
    Vsphere(vsphere::RequestKind),
    /// A call to the cloud.
    #[serde(serialize_with = "word")]
    Azure(azure::RequestKind),
}

fn word<K: core::fmt::Debug, S: serde::Serializer>(kind: &K, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{kind:?}"))
}

/// How such a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFailure {
    /// Turned away for now.
    Throttled,
    /// It fails for good in that way.
    Fail(PortFailure),
    /// It is done, and the reply is lost.
    ReplyLost,
    /// It is done, so much later.
    Late(Duration),
}

impl<C: Simulated> World<C> {
    /// Makes the next calls of a kind fail.
    pub fn fail_calls(&mut self, call: SiteCall, failure: &CallFailure, times: u32) {
        match call {
            SiteCall::Vsphere(kind) => {
                use vsphere::{FaultMode, FaultRule};
                let mode = match failure {
                    CallFailure::Throttled => FaultMode::Throttle { retry_after: RETRY_AFTER },
                    CallFailure::Fail(failure) => FaultMode::Fail(failure.clone()),
                    CallFailure::ReplyLost => FaultMode::LoseReply,
                    CallFailure::Late(by) => FaultMode::Slow(*by),
                };
                self.vcenter.add_rule(FaultRule { kind: Some(kind), machine: None, mode, times });
            }
            SiteCall::Azure(kind) => {
                use azure::{FaultMode, FaultRule};
                let mode = match failure {
                    CallFailure::Throttled => FaultMode::Throttle { retry_after: RETRY_AFTER },
                    CallFailure::Fail(failure) => FaultMode::Fail(failure.clone()),
                    CallFailure::ReplyLost => FaultMode::LoseReply,
                    CallFailure::Late(by) => FaultMode::Slow(*by),
                };
                self.azure.add_rule(FaultRule { kind: Some(kind), machine: None, mode, times });
            }
        }
        self.note(Happening::CallsWillFail { call, times });
    }
}

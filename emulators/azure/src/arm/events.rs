//! Events: everything that was raised and cleared, newest first, under names that sort so (recording-classic 3).

use serde_json::{Value, json};
use switchback_sim::SimTime;

use super::item::incarnation;
use super::jobs::row;
use super::route::Answer;
use super::time::{stamp_of, unix_seconds};
use super::{Arm, Raised, Rehearsal, Request, Response};
use crate::monitoring::{EventType, Severity};
use crate::vocabulary;

/// From 1601, from where the names of events count, to 1970, in units of 100 ns.
const FROM_1601: i64 = 11_644_473_600 * 10_000_000;

impl Arm {
    pub(super) fn list_events<R: Rehearsal>(&self, request: &Request<'_>, r: &R) -> Answer {
        let events = r.events();
        Response::page(request, events.iter().enumerate().rev(), |(number, raised)| event(number, raised, r))
    }

    pub(super) fn show_event<R: Rehearsal>(&self, name: &str, r: &R) -> Answer {
        let events = r.events();
        let mut numbered = events.iter().enumerate();
        let found = numbered.find(|(number, raised)| name_of(*number, raised, r).eq_ignore_ascii_case(name));
        let (number, raised) = found.ok_or_else(|| Response::no_such(name))?;
        Ok(Response::ok(event(number, raised, r)))
    }
}

fn name_of<R: Rehearsal>(number: usize, raised: &Raised, r: &R) -> String {
    let kind = match event_type(raised) {
        EventType::AgentHealth => "Agent",
        EventType::JobStatus => "Job",
        EventType::FabricHealth => "Fabric",
        EventType::VmHealth => "Vm",
    };
    let guid = r.cloud().guid_named(&format!("event {number}"));
    format!("{kind}MonitoringEvent;{}_{guid}", i64::MAX - file_time(raised.at))
}

/// A moment in units of 100 ns since 1601.
const fn file_time(at: SimTime) -> i64 {
    FROM_1601 + unix_seconds(at) * 10_000_000 + (at.as_nanos() % 1_000_000_000 / 100) as i64
}

const fn event_type(raised: &Raised) -> EventType {
    EventType::of(raised.code, raised.machine, raised.of_job)
}

fn event<R: Rehearsal>(number: usize, raised: &Raised, r: &R) -> Value {
    let name = name_of(number, raised, r);
    let kind = event_type(raised);
    let severity = if raised.cleared { Severity::Ok } else { Severity::of(raised.code) };
    let row = row(raised.code);
    let at = stamp_of(raised.at);
    let item = raised.machine.and_then(|machine| r.vault()?.item(machine));
    let machine = raised.machine.map(|machine| &r.premises().machines[machine.0 as usize].name);
    let affected = machine.unwrap_or_else(|| &r.premises().name);
    let instance = item.map(|item| vocabulary::provider(r.premises().stack, item.direction()));
    let mut details = json!({ "instanceType": instance });
    if instance == Some("InMageAzureV2") {
        details["siteName"] = json!(r.premises().name);
    }
    let details = instance.is_some().then_some(details);
    let error = json!({
        "innerHealthErrors": [],
        "errorSource": null,
        "errorType": null,
        "errorLevel": null,
        "errorCategory": "Replication",
        "errorCode": raised.code.as_str(),
        "summaryMessage": row.map(|row| row.text),
        "errorMessage": row.map(|row| row.text),
        "possibleCauses": row.map(|row| row.causes),
        "recommendedAction": row.map(|row| row.action),
        "creationTimeUtc": at,
        "recoveryProviderErrorMessage": null,
        "entityId": null,
        "errorId": null,
        "customerResolvability": "NotAllowed",
    });
    json!({
        "id": format!("{}/replicationEvents/{name}", r.cloud().vault_path()),
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationEvents",
        "properties": {
            "eventCode": raised.code.as_str(),
            "description": row.map(|row| row.text),
            "eventType": kind.as_str(),
            "affectedObjectFriendlyName": affected,
            "affectedObjectCorrelationId": item.map(|item| incarnation(item, r)),
            "severity": severity.as_str(),
            "timeOfOccurrence": at,
            "fabricId": r.cloud().fabric_path(),
            "providerSpecificDetails": details,
            "eventSpecificDetails": null,
            // What is over has none (recording-classic 3).
            "healthErrors": if raised.cleared { Vec::new() } else { vec![error] },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_from_1601() {
        // 2026-01-05T08:00:00Z.
        assert_eq!(file_time(SimTime::ZERO), 134_120_736_000_000_000);
        assert_eq!(file_time(SimTime::from_nanos(1_500)), 134_120_736_000_000_015);
    }
}
